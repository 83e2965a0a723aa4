"""What a Spark session needs beyond this machine: addresses, a secret, jars and code for the executors."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import CHECKOUT

if TYPE_CHECKING:
    from pipeline.home.places import Home
    from pipeline.spark_settings import SparkSettings

SECRET_VARIABLE = "SMART_FACTORY_SPARK_SECRET_FILE"  # noqa: S105 - its name
LOCAL_VARIABLE = "SMART_FACTORY_LOCAL"
PACKAGE = "pipeline"
# For master, workers, driver and executors alike; the last refuses who would talk in clear text.
_PROTECTION = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.saslFallback": "false",
}


class CodeChangedError(EnvironmentFaultError):
    """The engine's files are not those that the executors got."""

    retryable = False

    def __init__(self) -> None:
        super().__init__(
            f"The files of {CHECKOUT / PACKAGE} have changed since this process sent them to the executors.",
            "Restart this process, so that driver and executors run the same code.",
        )


def cluster_options(settings: SparkSettings, jars: list[Path]) -> dict[str, str]:
    """Return Spark's settings for a session whose tasks run elsewhere.

    The executors get the jars from the driver, so that a worker needs Java, Python and its packages alone.

    Args:
        settings: The pipeline's settings, with those of the environment.
        jars: Delta's jars.

    Raises:
        EnvironmentFaultError: The master's address cannot be reached.
    """
    host = settings.driver_host or own_address(settings.master)
    is_kubernetes = settings.master.startswith("k8s://")
    options = {
        "spark.driver.host": host,
        # Listens on that address alone. In a pod it may be a service's name.
        "spark.driver.bindAddress": "0.0.0.0" if is_kubernetes else host,  # noqa: S104
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.extraJavaOptions": (
            "-XX:+IgnoreUnrecognizedVMOptions --add-modules=jdk.incubator.vector -XX:+UseParallelGC -Duser.timezone=UTC"
        ),
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.local.dir": str(local_folder()),
        **_PROTECTION,
    }
    if settings.executor_cores is not None:
        options["spark.executor.cores"] = str(settings.executor_cores)
    if is_kubernetes:
        # Executors end with the driver's pod.
        options["spark.kubernetes.driver.pod.name"] = socket.gethostname()
    if settings.cores_max is not None and is_kubernetes:
        options["spark.executor.instances"] = str(-(-settings.cores_max // (settings.executor_cores or 1)))
    elif settings.cores_max is not None:
        options["spark.cores.max"] = str(settings.cores_max)
    return options


def local_folder() -> Path:
    """Return a folder of this machine alone, for temporary files; it exists.

    It is `SMART_FACTORY_LOCAL`, else a folder of this user below the system's temporary folder.
    """
    given = os.environ.get(LOCAL_VARIABLE)
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"lakehouse-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret_file(home: Home) -> Path:
    """Return the file with the secret that driver, master and workers share; the first who asks creates it.

    It is the one that `SMART_FACTORY_SPARK_SECRET_FILE` names, else `state/cluster/secret` in the home.

    Raises:
        EnvironmentFaultError: It can be neither read nor created.
    """
    given = os.environ.get(SECRET_VARIABLE)
    path = Path(given) if given else home.cluster_secret
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            _write_private(draft, secrets.token_urlsafe(32))
            # Of several who start at once, one gives the file its name.
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        path.read_bytes()
    except OSError as error:
        problem = f"The cluster's secret {path} can be neither read nor created: {error.strerror}."
        remedy = f"Repair its permissions, or name the file with {SECRET_VARIABLE} on each machine."
        raise EnvironmentFaultError(problem, remedy) from error
    return path


def hand_over_secret(home: Home) -> dict[str, str]:
    """Have the next session of this process get the cluster's secret, but on no command line.

    Returns:
        The setting that the session needs for it; empty where its JVM finds the secret in a file.

    Raises:
        EnvironmentFaultError: The secret can be neither read nor created.
    """
    from pyspark import SparkContext  # noqa: PLC0415 - importing Spark takes a second that `--help` need not pay

    if SparkContext._gateway is not None:  # noqa: SLF001 - the JVM of an earlier session gets settings over a socket
        return _secret_setting(home)
    os.environ["SPARK_CONF_DIR"] = str(private_defaults(home))
    return {}


def private_defaults(home: Home) -> Path:
    """Return a folder to use in place of Spark's `conf`: its `spark-defaults.conf` has the cluster's secret.

    A command line, on which every user of the machine could read it, does not get it.
    """
    folder = local_folder() / f"conf-{hashlib.sha256(str(secret_file(home)).encode()).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lines = [f"{key} {value}" for key, value in (_PROTECTION | _secret_setting(home)).items()]
    draft = folder / f"{os.getpid()}.tmp"
    _write_private(draft, "\n".join([*lines, ""]))
    draft.replace(folder / "spark-defaults.conf")
    return folder


def _secret_setting(home: Home) -> dict[str, str]:
    return {"spark.authenticate.secret": secret_file(home).read_text(encoding="ascii").strip()}


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def engine_archive() -> Path:
    """Return a zip file of the engine's modules, for the executors; its name has their digest."""
    modules = _modules()
    path = local_folder() / f"{PACKAGE}-{_digest(modules)}.zip"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in modules.items():
                archive.writestr(name, content)
        draft.replace(path)
    return path


def check_code(archive: str) -> None:
    """Refuse to run while the engine's files differ from those that the executors got.

    Args:
        archive: The file name of the archive that they got.

    Raises:
        CodeChangedError: They differ.
    """
    if _digest(_modules()) not in archive:
        raise CodeChangedError


def _modules() -> dict[str, bytes]:
    """Return the content of each of the engine's modules, by its path below the checkout, sorted."""
    files = sorted((CHECKOUT / PACKAGE).rglob("*.py"))
    return {file.relative_to(CHECKOUT).as_posix(): file.read_bytes() for file in files}


def _digest(modules: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in modules.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


@cache
def own_address(master: str) -> str:
    """Return the address from which this machine reaches a master.

    Raises:
        EnvironmentFaultError: It does not reach it.
    """
    address = urlsplit(master.removeprefix("k8s://").partition(",")[0])
    try:
        with socket.create_connection((address.hostname, address.port or 443), timeout=10) as connection:
            own: str = connection.getsockname()[0]
            return own
    except (OSError, ValueError) as error:
        problem = f"The Spark master at {master} cannot be reached: {error}."
        remedy = (
            "Start it (docs/cluster.md), or correct `spark.master`; `spark.driver_host` sets this machine's address."
        )
        raise EnvironmentFaultError(problem, remedy) from error
