"""What the machine lacks is found, each with what to type."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from scripts import machine
from scripts.doctor import line
from scripts.machine import Finding

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("ID=debian\n", "debian"),
        ('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', "debian"),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"\n', "debian"),
        ("ID=fedora\n", "fedora"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("ID=arch\n", "linux"),
    ],
)
def test_platform_of_a_linux_is_known_by_its_release_file(tmp_path: Path, release: str, name: str) -> None:
    (tmp_path / "os-release").write_text(release, encoding="utf-8")
    assert machine.platform(tmp_path / "os-release", "linux") == name


@pytest.mark.parametrize(("system", "name"), [("darwin", "macos"), ("win32", "windows"), ("freebsd14", "freebsd14")])
def test_platform_without_a_release_file_is_known_by_the_system(tmp_path: Path, system: str, name: str) -> None:
    assert machine.platform(tmp_path / "none", system) == name


@pytest.mark.parametrize(
    ("on", "typed"),
    [
        ("debian", "Type: sudo apt-get install openjdk-17-jre-headless"),
        ("fedora", "Type: sudo dnf install java-21-openjdk-headless"),
        ("macos", "Type: brew install openjdk@17, then export JAVA_HOME=$(brew --prefix openjdk@17)"),
        ("windows", "Type: wsl --install -d Debian, and work in a clone inside it"),
        ("plan9", "Remedy: install a Java 17 or 21, or set JAVA_HOME to one"),
    ],
)
def test_remedy_for_a_missing_java_is_the_platform_s_command(on: str, typed: str) -> None:
    assert machine.remedy("java", on) == typed


def test_port_that_is_taken_names_its_user_and_is_free_afterwards() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        number = listener.getsockname()[1]
        found = f"Port {number} is taken, so the page cannot listen on it."
        expected = Finding(f"port {number}", False, found, "Stop what listens there, or pass --port.", is_needed=False)
        assert machine.port(number, "the page") == expected
    assert machine.port(number, "the page").is_enough


def test_disk_with_room_names_the_folder(tmp_path: Path) -> None:
    finding = machine.disk(tmp_path)
    assert finding.subject == "disk"
    assert finding.found.endswith(f" GB are free in {tmp_path}.")


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        (Finding("Java", True, "Java 17 at /usr/bin/java."), "✔ Java        Java 17 at /usr/bin/java."),
        (Finding("Java", False, "There is none.", "Type: x"), "✘ Java        There is none. Type: x"),
        (Finding("Docker", False, "No docker.", "Type: y", is_needed=False), "- Docker      No docker. Type: y"),
    ],
)
def test_line_of_a_finding_shows_whether_it_is_needed(finding: Finding, shown: str) -> None:
    assert line(finding) == shown
