"""The Spark session that every program gets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import Home
from pipeline.spark.session import JARS_VARIABLE, check_avro_reader, delta_jars, java_options, java_version
from pipeline.spark_settings import SparkSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OPENJDK_17 = 'openjdk version "17.0.12" 2024-07-16\nOpenJDK Runtime Environment (build 17.0.12+7)'
OPENJDK_21 = 'openjdk version "21" 2023-09-19\nOpenJDK Runtime Environment (build 21+35-2513)'
ORACLE_8 = 'java version "1.8.0_202"\nJava(TM) SE Runtime Environment (build 1.8.0_202-b08)'
EARLY_ACCESS = 'openjdk version "26-ea" 2026-03-17\nOpenJDK Runtime Environment (build 26-ea+1)'


def install_java(folder: Path, shown: str, *, code: int = 0) -> Path:
    """Put a program in the place of Java that shows a version, and return its home."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{shown}\nEND\nexit {code}\n", encoding="utf-8")
    java.chmod(0o755)
    return folder


@pytest.mark.parametrize(("shown", "version"), [(OPENJDK_17, 17), (OPENJDK_21, 21)], ids=["17", "21"])
def test_java_version_of_java_home_is_the_major_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, version: int
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(install_java(tmp_path, shown)))
    assert java_version() == version


def test_java_version_without_java_home_is_that_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{install_java(tmp_path, OPENJDK_21) / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert java_version() == 21


@pytest.mark.parametrize(
    ("shown", "code", "problem"),
    [
        pytest.param(ORACLE_8, 0, "is version 1; expected 17 or 21", id="old"),
        pytest.param(EARLY_ACCESS, 0, "is version 26; expected 17 or 21", id="new"),
        pytest.param("a banner", 0, "is version a banner; expected 17 or 21", id="unknown"),
        pytest.param("broken", 3, "does not run", id="broken"),
    ],
)
def test_java_version_that_spark_cannot_use_is_refused_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, code: int, problem: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(install_java(tmp_path, shown, code=code)))
    with pytest.raises(EnvironmentFaultError, match=problem) as caught:
        java_version()
    assert "Install a Java 17 or 21" in caught.value.remedy


def test_java_version_without_any_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFaultError, match="There is no Java on this machine"):
        java_version()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    with pytest.raises(EnvironmentFaultError, match="does not run"):
        java_version()


def test_jars_of_delta_are_sorted_and_missing_ones_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JARS_VARIABLE, str(tmp_path))
    with pytest.raises(EnvironmentFaultError, match="Delta's jars are missing"):
        delta_jars()
    for name in ("b.jar", "a.jar", "a.txt"):
        (tmp_path / name).touch()
    assert delta_jars() == [tmp_path / "a.jar", tmp_path / "b.jar"]


def test_set_up_of_an_earlier_version_cannot_read_avro_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JARS_VARIABLE, str(tmp_path))
    (tmp_path / "delta.jar").touch()
    with pytest.raises(EnvironmentFaultError, match=r"no spark-avro jar in .*Run `make setup`"):
        check_avro_reader()
    (tmp_path / "org.apache.spark_spark-avro_2.13-4.2.0.jar").touch()
    check_avro_reader()


@pytest.mark.parametrize(
    ("compiler", "is_lasting", "is_thorough"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("quick", False, False),
        ("quick", True, False),
        ("thorough", False, True),
        ("thorough", True, True),
    ],
)
def test_jvm_compiles_as_the_setting_says_and_by_default_thoroughly_only_in_lasting_sessions(
    tmp_path: Path, compiler: Literal["auto", "quick", "thorough"], is_lasting: bool, is_thorough: bool
) -> None:
    options = java_options(Home(tmp_path), SparkSettings(compiler=compiler), is_lasting=is_lasting).split()
    flags = {flag for flag in options if flag.startswith("-XX:")}
    quick = {"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=256m"}
    thorough = {"-XX:+UseParallelGC"}
    assert flags == {"-XX:+IgnoreUnrecognizedVMOptions"} | (thorough if is_thorough else quick)


def test_jvm_keeps_its_files_in_the_home_and_its_time_in_utc(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    options = java_options(home, SparkSettings())
    assert f'-Dlakehouse.log="{home.log}"' in options
    assert f'-Dderby.system.home="{home.scratch}"' in options
    assert '-Duser.timezone="UTC"' in options


@pytest.mark.spark
def test_session_logs_as_a_configuration_file_that_exists_says(spark: SparkSession) -> None:
    options = spark.sparkContext.getConf().get("spark.driver.extraJavaOptions") or ""
    found = re.search(r'-Dlog4j2\.configurationFile="file://([^"]+)"', options)
    assert found is not None
    assert Path(found[1]).is_file()


@pytest.mark.spark
def test_text_from_outside_cannot_act_on_what_shows_spark_s_log(spark: SparkSession) -> None:
    options = spark.sparkContext.getConf().get("spark.driver.extraJavaOptions") or ""
    found = re.search(r'-Dlakehouse\.log="([^"]+)"', options)
    assert found is not None
    jvm: Any = spark._jvm
    jvm.org.slf4j.LoggerFactory.getLogger("a.name").warn(
        "Größe \x1b]0;title\x07 \u202egnp.exe {a} C:\\temp\r\nnext\tline"
    )
    (line, follows) = Path(found[1]).read_text(encoding="utf-8").splitlines()[-2:]
    assert line.endswith("Z WARN a.name: Größe ?]0;title? ?gnp.exe {a} C:\\temp?")
    assert follows == "next\tline"
