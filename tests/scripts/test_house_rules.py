"""Each rule has been seen closing, and leaves alone what is allowed."""

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
    pytest.param("pipeline/a.py", "\nSparkSession.builder.getOrCreate()\n", 2, "build_session", id="session"),
    pytest.param("tests/a.py", "sql.SparkSession.builder\n", 1, "build_session", id="session_in_test"),
    pytest.param("alerts/a.py", "frame.writeStream\n", 1, "update.py alone", id="write_stream"),
    pytest.param("pipeline/a.py", "writer.trigger(once=True).start()\n", 1, "update.py alone", id="started_query"),
    pytest.param("alerts/a.py", "datetime.now(UTC)\n", 1, "datetime.now", id="now"),
    pytest.param("pipeline/a.py", "datetime.datetime.utcnow()\n", 1, "datetime.utcnow", id="utcnow"),
    pytest.param("demo/a.py", "date.today()\n", 1, "date.today", id="today"),
    pytest.param("pipeline/a.py", "\n\ntime.time()\n", 3, "time.time", id="time"),
    pytest.param("pipeline/a.py", "from time import time\n", 1, "time.time", id="imported_time"),
    pytest.param("pipeline/a.py", "time.monotonic()\n", 1, "time.monotonic", id="stopwatch_in_pipeline"),
    pytest.param("pipeline/utils.py", "", 1, "`utils`", id="vague_module"),
    pytest.param("alerts/common/a.py", "", 1, "`common`", id="vague_folder"),
    pytest.param("docs/a.md", f"one\n{UNFINISHED}: two\n", 2, UNFINISHED, id="unfinished"),
    pytest.param("requirements/a.txt", f"--index-url {REGISTRY}\n", 1, "registry", id="registry"),
    pytest.param("Makefile", f"cd {OWN_PATH}\n", 1, "one machine", id="own_path"),
    pytest.param("pipeline/a.py", f'HOME = "{"/t" + "mp"}/x"\n', 1, "one machine", id="temporary_path"),
    pytest.param("pipeline/a.py", 'COLUMN = "Temperature"\n', 1, "Temperature", id="engine_names_a_measure"),
    pytest.param("pipeline/ingest/a.py", "x = 1  # a sensor\n", 1, "sensor", id="engine_comments_on_sensors"),
]


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("path", "text", "line", "said"), BREACHES)
def test_breach_of_a_rule_is_named_with_file_and_line(
    tmp_path: Path, path: str, text: str, line: int, said: str
) -> None:
    put(tmp_path, path, text)
    (violation,) = violations(tmp_path)
    assert violation.startswith(f"{path}:{line}: ")
    assert said in violation


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("pipeline/a.py", LONG_FILE.removesuffix("x = 1\n"), id="file_of_250_lines"),
        pytest.param("pipeline/a.py", LONG_FUNCTION.replace("    x = 1\n", "", 1), id="function_of_40_lines"),
        pytest.param("tests/test_a.py", LONG_FUNCTION, id="long_test"),
        pytest.param("bench/a.py", LONG_FUNCTION, id="long_benchmark"),
        pytest.param("pipeline/session.py", "SparkSession.builder\n", id="session_in_its_place"),
        pytest.param("pipeline/update.py", "frame.writeStream.trigger().start()\n", id="query_in_its_place"),
        pytest.param("pipeline/a.py", "self.timer.start()\nthreading.Thread(target=f).start()\n", id="thread"),
        pytest.param("pipeline/clock.py", "datetime.now(UTC)\n", id="time_in_its_place"),
        pytest.param("pipeline/a.py", "clock.now()\ndatetime.fromisoformat(x)\n", id="clock_given"),
        pytest.param("generators/pace.py", "time.monotonic()\n", id="stopwatch_in_generators"),
        pytest.param("pipeline/common_words.py", "", id="name_that_only_contains_one"),
        pytest.param("pipeline/a.py", '"""Such as a temperature."""\n', id="example_in_a_docstring"),
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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_breach_in_these_tests(rule: Callable[[Source], Iterator[Finding]]) -> None:
    sources = [Source(str(path), str(text), ast.parse(str(text)) if str(path).endswith(".py") else None)
               for path, text, *_ in (breach.values for breach in BREACHES)]  # fmt: skip
    assert any(list(rule(source)) for source in sources)


@pytest.mark.parametrize(("text", "code"), [("x = 1\n", 0), (f"# {UNFINISHED}\n", 1)], ids=["kept", "broken"])
def test_check_ends_with_one_where_a_rule_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    put(tmp_path, "pipeline/a.py", text)
    monkeypatch.setattr("sys.argv", ["house_rules.py", str(tmp_path)])
    assert main() == code
    assert ("pipeline/a.py:1: " in capsys.readouterr().out) is bool(code)
