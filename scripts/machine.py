"""What the project needs of a machine, found out with Python's standard library alone."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST_PYTHON = (3, 11)
JAVA_VERSIONS = (17, 21)
# One session takes 2 GB; the tests run two, the Docker stack takes 6 GB.
LEAST_MEMORY_GB, COMFORTABLE_MEMORY_GB = 4, 8
# Packages, jars and the demo; Superset takes 2 GB more.
LEAST_DISK_GB = 5
PORTS = {8000: "the pipeline page", 8088: "Superset", 10000: "the SQL warehouse"}
_SECONDS_FOR_A_COMMAND = 20
_INSTALL = {
    "debian": {
        "java": "sudo apt-get install openjdk-17-jre-headless",
        "python": "sudo apt-get install python3.11 python3.11-venv, then make setup PYTHON=python3.11",
        "venv": "sudo apt-get install python3-venv",
    },
    "fedora": {
        "java": "sudo dnf install java-21-openjdk-headless",
        "python": "sudo dnf install python3.11, then make setup PYTHON=python3.11",
        "venv": "sudo dnf install python3-pip",
        "docker": "sudo dnf install moby-engine docker-compose",
    },
    "macos": {
        "java": "brew install openjdk@17, then export JAVA_HOME=$(brew --prefix openjdk@17)",
        "python": "brew install python@3.11, then make setup PYTHON=python3.11",
        "venv": "brew reinstall python",
        "docker": "brew install --cask docker",
    },
    "windows": dict.fromkeys(
        ("java", "python", "venv", "docker"), "wsl --install -d Debian, and work in a clone inside it"
    ),
}
_ANYWHERE = {
    "java": "install a Java 17 or 21, or set JAVA_HOME to one",
    "python": "install Python 3.11 or newer, then make setup PYTHON=python3.11",
    "venv": "install Python's modules ensurepip and venv",
    "docker": "install Docker with Compose v2",
}


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it suffices, what was found, and the command that helps if it does not.

    Attributes:
        is_needed: Whether `make demo` and `make test` need it.
    """

    subject: str
    is_enough: bool
    found: str
    remedy: str = ""
    is_needed: bool = True

    @property
    def sentence(self) -> str:
        """What was found and the remedy, as one message."""
        return f"{self.found} {self.remedy}".rstrip()


def platform(release: Path = Path("/etc/os-release"), system: str = sys.platform) -> str:
    """Return debian, fedora, macos, windows or another name; WSL counts as the Linux in it."""
    if system in {"darwin", "win32"}:
        return {"darwin": "macos", "win32": "windows"}[system]
    try:
        text = release.read_text(encoding="utf-8")
    except OSError:
        return system
    named = {word for line in re.findall(r'^ID(?:_LIKE)?="?([^"\n]*)', text, re.MULTILINE) for word in line.split()}
    if named & {"debian", "ubuntu"}:
        return "debian"
    return "fedora" if named & {"fedora", "rhel", "centos"} else system


def remedy(what: str, on: str | None = None) -> str:
    """Return what to type on this platform to get `java`, `python`, `venv` or `docker`."""
    command = _INSTALL.get(on or platform(), {}).get(what)
    return f"Type: {command}" if command else f"Remedy: {_ANYWHERE[what]}"


def python() -> Finding:
    """Return whether this Python is new enough and can make environments."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", False, f"Python {version} is too old; 3.11 or newer is needed.", remedy("python"))
    if importlib.util.find_spec("ensurepip") is None:
        found = f"The Python at {sys.executable} cannot make environments: it has no ensurepip."
        return Finding("Python", False, found, remedy("venv"))
    return Finding("Python", True, f"Python {version} at {sys.executable}.")


def java() -> Finding:
    """Return whether the Java that Spark would start is one that Spark supports."""
    home = os.environ.get("JAVA_HOME")
    sought = str(Path(home) / "bin" / "java") if home else "java"
    program = shutil.which(sought)
    if program is None:
        where = f"There is no Java at {sought}." if home else "There is no Java on this machine."
        return Finding("Java", False, where, remedy("java"))
    shown = _output(program, "-version")
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) not in JAVA_VERSIONS:
        found = f"The Java at {program} is {version[1] if version else 'of no known version'}; expected 17 or 21."
        return Finding("Java", False, found, remedy("java"))
    return Finding("Java", True, f"Java {version[1]} at {program}.")


def memory() -> Finding:
    """Return whether the machine has the memory for a Spark session."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    found = f"{gigabytes:.1f} GB of memory."
    if gigabytes < LEAST_MEMORY_GB:
        return Finding("memory", False, found, f"Use a machine with {LEAST_MEMORY_GB} GB or more.")
    if gigabytes < COMFORTABLE_MEMORY_GB:
        advice = f"Type `make test WORKERS=1`; the Docker stack needs {COMFORTABLE_MEMORY_GB} GB."
        return Finding("memory", True, found, advice)
    return Finding("memory", True, found)


def disk(folder: Path) -> Finding:
    """Return whether there is room in the folder for what set-up installs."""
    gigabytes = shutil.disk_usage(folder).free / 2**30
    found = f"{gigabytes:.1f} GB are free in {folder}."
    if gigabytes < LEAST_DISK_GB:
        return Finding("disk", False, found, f"Free {LEAST_DISK_GB} GB, or clone into a larger disk.")
    return Finding("disk", True, found)


def port(number: int, user: str) -> Finding:
    """Return whether the port is free on the loopback address."""
    with socket.socket() as listener:
        # As servers do: a connection that has ended does not hold the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
        except OSError:
            found = f"Port {number} is taken, so {user} cannot listen on it."
            return Finding(f"port {number}", False, found, "Stop what listens there, or pass --port.", is_needed=False)
    return Finding(f"port {number}", True, f"Port {number} is free for {user}.", is_needed=False)


def docker() -> Finding:
    """Return whether a Docker engine with Compose v2 answers; only `make up` needs one."""
    if shutil.which("docker") is None:
        found = "There is no docker; only `make up` needs it."
        return Finding("Docker", False, found, remedy("docker"), is_needed=False)
    engine = _output("docker", "version", "--format", "{{.Server.Version}}").strip()
    if not re.match(r"\d", engine):
        return Finding("Docker", False, "The Docker engine does not answer.", "Start it.", is_needed=False)
    compose = _output("docker", "compose", "version", "--short").strip().removeprefix("v")
    if not re.match(r"[2-9]", compose):
        return Finding("Docker", False, f"Docker {engine} has no Compose v2.", remedy("docker"), is_needed=False)
    return Finding("Docker", True, f"Docker {engine} with Compose {compose}.", is_needed=False)


def network() -> Finding:
    """Return whether pip reaches the package index; set-up alone needs it."""
    if importlib.util.find_spec("pip") is None:
        return Finding("network", True, "Not looked at: this Python has no pip of its own.", is_needed=False)
    options = ("--disable-pip-version-check", "--timeout", "5", "--retries", "0")
    shown = _output(sys.executable, "-m", "pip", "index", "versions", "uv", *options)
    if "Available versions" in shown:
        return Finding("network", True, "The Python package index answers.", is_needed=False)
    help_ = "Connect, or set the proxy (HTTPS_PROXY) or your mirror (PIP_INDEX_URL); set-up needs it once."
    return Finding("network", False, "The Python package index does not answer.", help_, is_needed=False)


def _output(*command: str) -> str:
    """Return what a command prints on both streams; empty if it does not run or does not end in time."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_SECONDS_FOR_A_COMMAND, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
