"""The stack's configuration, checked without a Docker engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = CHECKOUT / "docker-compose.yml"
CONFIGURATION: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = CONFIGURATION["services"]
ONCE = {"secrets", "superset-init", "demo"}
_UNITS = {"m": 1, "g": 1024}
_LAPTOP_MEGABYTES = 8 * 1024
_VARIABLE = re.compile(r"\$\{([A-Z_]+):?-?([^}]*)\}")
_EACH_SERVICE = pytest.mark.parametrize("name", SERVICES)


@_EACH_SERVICE
def test_service_can_write_only_to_its_volumes_and_has_no_capabilities(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@_EACH_SERVICE
def test_service_gets_signals_restarts_and_keeps_short_logs(name: str) -> None:
    service = SERVICES[name]
    assert service["init"] is True
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


@_EACH_SERVICE
def test_service_that_stays_up_has_a_health_check(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) == (name not in ONCE)


@_EACH_SERVICE
def test_ports_are_open_on_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_memory_limits_fit_a_laptop() -> None:
    stays_up = [service for service in SERVICES.values() if "cluster" not in service.get("profiles", [])]
    limits = [re.fullmatch(r"(\d+)([mg])", service["mem_limit"]) for service in stays_up]
    assert sum(int(limit[1]) * _UNITS[limit[2]] for limit in limits if limit) < _LAPTOP_MEGABYTES
    assert all(limits)


def test_metadata_database_is_reached_by_superset_only() -> None:
    assert CONFIGURATION["networks"]["metadata"] == {"internal": True}
    assert SERVICES["superset-db"]["networks"] == ["metadata"]
    members = {name for name, service in SERVICES.items() if "metadata" in service.get("networks", [])}
    assert members == {"superset-db", "superset-init", "superset"}


def test_warehouse_mounts_the_lakehouse_read_only() -> None:
    assert SERVICES["warehouse"]["volumes"] == ["lakehouse:/lakehouse:ro"]


def test_settings_file_lists_exactly_the_settings_of_the_stack() -> None:
    used = dict(_VARIABLE.findall(COMPOSE.read_text(encoding="utf-8")))
    lines = (CHECKOUT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert dict(line.split("=", 1) for line in lines if line and not line.startswith("#")) == used


def test_every_service_is_listed_in_the_manual() -> None:
    manual = (CHECKOUT / "docs" / "docker.md").read_text(encoding="utf-8")
    assert {name for name in SERVICES if f"| `{name}` |" not in manual} == set()


@pytest.mark.parametrize("file", sorted((CHECKOUT / "docker").glob("*.Dockerfile")), ids=lambda file: file.name)
def test_image_is_pinned_runs_without_root_and_is_labelled(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", text, re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages
    assert bases == {"python:3.11-slim-bookworm"}
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["factory"]
    assert "org.opencontainers.image.title" in text
    assert "--platform" not in text
    assert "amd64" not in text


def test_each_image_is_built_by_one_service() -> None:
    built = [service["image"] for service in SERVICES.values() if "build" in service]
    assert sorted(built) == ["smart-factory/lakehouse", "smart-factory/superset"]
    assert {service["image"] for service in SERVICES.values()} == {*built, "postgres:15-bookworm"}
