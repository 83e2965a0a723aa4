"""Each rule reports a breach, with file and line, and accepts what is allowed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from scripts.house_rules import RULES, Finding, Source, main, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
LONG_FILE = "x = 1\n" * 251
UNFINISHED = "TO" + "DO"
REGISTRY = "https://registry.npm" + "js.org/left"
OWN_PATH = "/wo" + "rk/main"

BREACHES = [
    pytest.param("generators/a.py", LONG_FILE, 251, "251 lines", id="long_file"),
    pytest.param("tests/test_a.py", "x = 1\n" * 351, 351, "351 lines", id="long_test_file"),
    pytest.param("pipeline/a.py", LONG_FUNCTION, 1, "`f` has 41 lines", id="long_function"),
    pytest.param("alerts/a.py", "frame.writeStream\n", 1, "only pipeline/update/query_runner.py", id="write_stream"),
    pytest.param(
        "pipeline/a.py",
        "writer.trigger(once=True).start()\n",
        1,
        "only pipeline/update/query_runner.py",
        id="started_query",
    ),
    pytest.param("pipeline/a.py", "\n\ntime.monotonic()\n", 3, "time.monotonic", id="stopwatch_in_pipeline"),
    pytest.param("alerts/a.py", "from time import perf_counter\n", 1, "time.perf_counter", id="imported_stopwatch"),
    pytest.param("pipeline/utils.py", "", 1, "`utils`", id="vague_module"),
    pytest.param("alerts/common/a.py", "", 1, "`common`", id="vague_folder"),
    pytest.param("docs/a.md", f"one\n{UNFINISHED}: two\n", 2, UNFINISHED, id="unfinished"),
    pytest.param("requirements/a.txt", f"--index-url {REGISTRY}\n", 1, "registry", id="registry"),
    pytest.param("Makefile", f"cd {OWN_PATH}\n", 1, "one machine", id="own_path"),
    pytest.param("pipeline/a.py", f'HOME = "{"/t" + "mp"}/x"\n', 1, "one machine", id="temporary_path"),
    pytest.param("pipeline/a.py", 'COLUMN = "Temperature"\n', 1, "Temperature", id="engine_names_a_measure"),
    pytest.param("pipeline/ingest/a.py", "x = 1  # a sensor\n", 1, "sensor", id="engine_comments_on_sensors"),
    pytest.param("pipeline/a.py", 'SCHEMA = "smart_factory"\n', 1, "smart_factory", id="engine_names_the_pipeline"),
    pytest.param("pipeline/a.py", "x = 1  # the Smart Factory\n", 1, "Smart Factory", id="engine_names_the_product"),
]


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("path", "text", "line", "problem"), BREACHES)
def test_breach_of_a_rule_is_named_with_file_and_line(
    tmp_path: Path, path: str, text: str, line: int, problem: str
) -> None:
    put(tmp_path, path, text)
    (violation,) = violations(tmp_path)
    assert violation.startswith(f"{path}:{line}: ")
    assert problem in violation


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("pipeline/a.py", LONG_FILE.removesuffix("x = 1\n"), id="file_of_250_lines"),
        pytest.param("pipeline/a.py", LONG_FUNCTION.replace("    x = 1\n", "", 1), id="function_of_40_lines"),
        pytest.param("tests/test_a.py", LONG_FUNCTION, id="long_test"),
        pytest.param("bench/a.py", LONG_FUNCTION, id="long_benchmark"),
        pytest.param(
            "pipeline/update/query_runner.py", "frame.writeStream.trigger().start()\n", id="query_in_its_place"
        ),
        pytest.param("pipeline/a.py", "self.timer.start()\nthreading.Thread(target=f).start()\n", id="thread"),
        pytest.param("pipeline/a.py", "clock.now()\nfrom time import sleep\n", id="clock_given"),
        pytest.param("generators/pace.py", "time.monotonic()\n", id="stopwatch_in_generators"),
        pytest.param("pipeline/common_words.py", "", id="name_that_only_contains_one"),
        pytest.param("pipeline/a.py", '"""Such as a temperature."""\n', id="example_in_a_docstring"),
        pytest.param("pipeline/a.py", 'HOME = "SMART_FACTORY_HOME"\n', id="variable_of_the_environment"),
        pytest.param("pipeline/settings.py", 'DEFAULT_SCHEMA = "smart_factory"\n', id="default_pipeline"),
        pytest.param("pipeline/sensor_readings.py", 'C = "temperature"\n', id="story_in_its_place"),
        pytest.param("generators/a.py", 'C = "sensor"\n', id="story_outside_the_engine"),
        pytest.param("docs/a.md", "https://a.example/work/of/others ~/work work/main\n", id="other_paths"),
        pytest.param("docker/Dockerfile", f"WORKDIR {OWN_PATH}\n", id="path_in_a_container"),
        pytest.param(".venv/lib/a.py", f"# {UNFINISHED}\n", id="installed_package"),
        pytest.param("lakehouse/a.json", OWN_PATH, id="data"),
    ],
)
def test_what_is_allowed_breaks_no_rule(tmp_path: Path, path: str, text: str) -> None:
    put(tmp_path, path, text)
    assert violations(tmp_path) == []


def test_nine_loose_modules_in_the_engine_are_one_too_many(tmp_path: Path) -> None:
    for number in range(8):
        put(tmp_path, f"pipeline/module_{number}.py", "")
    assert violations(tmp_path) == []
    put(tmp_path, "pipeline/one_more.py", "")
    (violation,) = violations(tmp_path)
    assert violation.startswith("pipeline/__init__.py:1: 9 loose modules; at most 8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_breach_in_these_tests(rule: Callable[[Source], Iterator[Finding]]) -> None:
    sources = [Source(str(path), str(text), ast.parse(str(text)) if str(path).endswith(".py") else None)
               for path, text, *_ in (breach.values for breach in BREACHES)]  # fmt: skip
    assert any(list(rule(source)) for source in sources)


@pytest.mark.parametrize(("text", "code"), [("x = 1\n", 0), ("x = 1  # a sensor\n", 1)], ids=["kept", "broken"])
def test_check_ends_with_one_where_a_rule_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    put(tmp_path, "pipeline/a.py", text)
    monkeypatch.setattr("sys.argv", ["house_rules.py", str(tmp_path)])
    assert main() == code
    assert ("pipeline/a.py:1: " in capsys.readouterr().out) is bool(code)
