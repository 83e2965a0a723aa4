"""A YAML file is read in a bounded time, and no message prints a whole value of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import yaml

from alerts.catalogue import load_alert
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.yaml_file import read_yaml
from pipeline.settings import load_settings
from tests.alerts.doubles import NOON

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = "abcdefghi"
BOMB = 'a: &a ["lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol"]\n' + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(LEVELS)
)
MERGE_BOMB = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n" for before, name in pairwise(LEVELS)
)
SETTINGS = "name: Orders\nschema: shop\nsource: shop.py\nexpectations: suites\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "more than 20,000 values"),
        (MERGE_BOMB, "more than 20,000 values"),
        ("a: &a [*a]", "an alias contains itself"),
        ("[" * 20_000, "nested too deeply"),
        ("a" * 300_000, "more than 256 KB"),
        ("a: [1,\n" * 1000, "nested|expected"),
        ("when: 2024-99-99", "month must be"),
    ],
    ids=["aliases", "merges", "cycle", "depth", "size", "unclosed", "date"],
)
def test_bomb_is_refused_in_settings_and_alerts(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(yaml.YAMLError, match=said):
        read_yaml(file)
    for load in (load_settings, lambda path: load_alert(path, NOON)):
        with pytest.raises(AuthorError) as raised:
            load(file)
        assert len(str(raised.value)) < 1_500


def test_file_with_a_few_aliases_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n", encoding="utf-8")
    assert read_yaml(file) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}
    file.write_text("# nothing\n", encoding="utf-8")
    assert read_yaml(file) is None


def test_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes(b"name: \xff\n")
    with pytest.raises(AuthorError, match="is not YAML"):
        load_settings(file)


@pytest.mark.parametrize(
    "line",
    [
        "mode: {long}",
        "mode: [{long}, {long}]",
        "{long}: 1",
        "schema: {long}",
        "trigger_interval: {long}",
        "retries: {{attempts: {long}}}",
        "trigger_intervals: {{{long}: x{long}}}",
        "spark: {{cores: {{x: {long}}}}}",
        "spark: {{master: {long}}}",
    ],
)
def test_message_about_a_long_value_shows_its_beginning(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.yml"
    text = SETTINGS if "schema" not in line else SETTINGS.replace("schema: shop\n", "")
    file.write_text(text + line.format(long="s3Cret" * 1_000) + "\n", encoding="utf-8")
    with pytest.raises(AuthorError) as raised:
        load_settings(file)
    assert len(str(raised.value)) < 1_000
    assert str(raised.value).count("s3Cret") <= 40
