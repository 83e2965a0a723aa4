from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.settings import DEFAULT_SETTINGS, load_settings

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = "name: Orders\nschema: shop\nsource: shop.py\nexpectations: suites\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "a pipeline.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_settings_of_the_demo_are_those_of_its_file() -> None:
    settings = load_settings()
    assert (settings.name, settings.mode, settings.target_schema) == (
        "Smart_Factory_Pipeline",
        "triggered",
        "smart_factory",
    )
    assert settings.source == DEFAULT_SETTINGS.with_name("smart_factory.py")
    assert settings.expectations == DEFAULT_SETTINGS.parent.parent / "expectations"


def test_settings_left_out_have_defaults_and_paths_count_from_the_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, SMALLEST))
    assert (settings.source, settings.expectations) == (tmp_path / "shop.py", tmp_path / "suites")
    assert (settings.mode, settings.retries.attempts) == ("triggered", 3)


def test_settings_durations_are_numbers_with_a_unit(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, SMALLEST + "trigger_interval: 10m\nretries: {first_wait: 90s}\n"))
    assert (settings.trigger_interval, settings.retries.first_wait) == (timedelta(minutes=10), timedelta(seconds=90))


@pytest.mark.parametrize(
    ("line", "named", "nearest"),
    [
        pytest.param("expectation: suites", "expectation", "expectations", id="top"),
        pytest.param("target_schemas: shop", "target_schemas", None, id="far_from_all"),
        pytest.param("retries: {attempt: 2}", "retries.attempt", "retries.attempts", id="nested"),
        pytest.param("spark: {driver_mem: 1g}", "spark.driver_mem", "spark.driver_memory", id="spark"),
        pytest.param(
            "notifications: {on_failure: []}", "notifications.on_failure", "notifications.on_flow_failure", id="moment"
        ),
        pytest.param("retries: {attempts: {time: 1}}", None, None, id="value_where_a_number_belongs"),
        pytest.param("file: other.yml", "file", None, id="the_file_itself"),
    ],
)
def test_unknown_key_is_refused_and_the_nearest_one_named(
    tmp_path: Path, line: str, named: str | None, nearest: str | None
) -> None:
    file = written(tmp_path, f"{SMALLEST}{line}\n")
    with pytest.raises(AuthorError) as raised:
        load_settings(file)
    assert str(file) in str(raised.value)
    if named is not None:
        assert isinstance(raised.value, UnknownNameError)
        assert f"there is no setting `{named}`" in str(raised.value)
    if nearest is not None:
        assert f"Did you mean `{nearest}`?" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(SMALLEST.replace("shop\n", "My-Shop\n"), "`My-Shop` is not a valid schema name", id="schema"),
        pytest.param(SMALLEST + "mode: always\n", "`mode`", id="mode"),
        pytest.param(SMALLEST + "trigger_interval: soon\n", "`soon` is not a duration", id="duration"),
        pytest.param(SMALLEST + "retries: {attempts: 0}\n", "`retries.attempts`", id="number_too_small"),
        pytest.param("schema: shop\n", "`name`", id="missing_key"),
        pytest.param("- a\n", "contains list; expected keys and values", id="list"),
        pytest.param("", "contains NoneType; expected keys and values", id="empty"),
        pytest.param("name: [\n", "is not YAML", id="no_yaml"),
    ],
)
def test_value_that_does_not_fit_is_refused_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(AuthorError) as raised:
        load_settings(file)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2


def test_wrong_setting_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(
        "name: A\nschema: a\nsource: a.py\nexpectations: suites\nretries:\n  attempts: 0\n", encoding="utf-8"
    )
    with pytest.raises(AuthorError, match=rf"{re.escape(str(file))}:6: `retries.attempts`"):
        load_settings(file)
    file.write_text(file.read_text().replace("attempts: 0", "atempts: 1"), encoding="utf-8")
    with pytest.raises(AuthorError, match=rf"{re.escape(str(file))}:6: .*Did you mean `retries.attempts`"):
        load_settings(file)


def test_missing_file_is_refused_with_the_option_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match=r"none\.yml cannot be read: No such file.*--pipeline"):
        load_settings(tmp_path / "none.yml")
