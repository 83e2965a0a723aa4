"""The manifests for Kubernetes against its schemas, and the start of an executor in a pod."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
MANIFESTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((CHECKOUT / "docker" / "kubernetes" / "lakehouse.yaml").read_text(encoding="utf-8"))
)
EXECUTOR = yaml.safe_load(next(one for one in MANIFESTS if one["kind"] == "ConfigMap")["data"]["executor.yml"])
NEWEST = kubernetes_validate.latest_version()


@pytest.mark.parametrize("manifest", [*MANIFESTS, EXECUTOR], ids=lambda one: one["kind"])
def test_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, NEWEST, strict=True)


def test_pods_run_without_root_and_capabilities() -> None:
    driver = next(one for one in MANIFESTS if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    for pod in (driver, EXECUTOR["spec"]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert all(
            container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            for container in pod["containers"]
        )


def test_settings_of_the_manifest_are_valid(tmp_path: Path) -> None:
    from pipeline.settings import load_settings

    config = next(one for one in MANIFESTS if one["kind"] == "ConfigMap")
    file = tmp_path / "pipeline.yml"
    file.write_text(config["data"]["pipeline.yml"], encoding="utf-8")
    settings = load_settings(file)
    assert settings.spark.master == "k8s://https://kubernetes.default.svc"
    assert settings.spark.configuration["spark.kubernetes.executor.podTemplateFile"] == "/etc/lakehouse/executor.yml"


def test_executor_s_command_has_what_the_driver_set() -> None:
    spec = importlib.util.spec_from_file_location("kubernetes_executor", CHECKOUT / "docker" / "kubernetes_executor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = {
        "SPARK_JAVA_OPT_10": "-Dlast=1",
        "SPARK_JAVA_OPT_2": "-Dfirst=1",
        "SPARK_EXECUTOR_MEMORY": "2g",
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@10.0.0.1:7078",
        "SPARK_EXECUTOR_ID": "3",
        "SPARK_EXECUTOR_CORES": "2",
        "SPARK_APPLICATION_ID": "spark-1",
        "SPARK_EXECUTOR_POD_IP": "10.0.0.2",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_EXECUTOR_POD_NAME": "executor-3",
        "SPARK_CLASSPATH": "/jars/*",
    }
    assert module.command(environment, Path("/spark")) == [
        "java", "-Dfirst=1", "-Dlast=1", "-Xms2g", "-Xmx2g", "-cp", "/jars/*:/spark/jars/*",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", "spark://CoarseGrainedScheduler@10.0.0.1:7078", "--executor-id", "3", "--cores", "2",
        "--app-id", "spark-1", "--hostname", "10.0.0.2", "--resourceProfileId", "0", "--podName", "executor-3",
    ]  # fmt: skip
