"""Which tiers CI runs on which day, and what it says of those it does not run."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from scripts.ci_tiers import (
    CANNOT_RUN,
    CHECKOUT,
    GROUPS,
    Table,
    Tier,
    changed_files,
    due,
    execute,
    group_of,
    load_table,
    run_all,
)

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Tier("quick", "always", 2, "quick")
ONE = Tier("one", "A", 10, "one", ("pipeline/page/",))
TWO = Tier("two", "B", 20, "two", ("superset/", "docker"))
TABLE = Table((QUICK, ONE, TWO), commits=20, limit=65, setup=3)


def names(tiers: list[Tier]) -> list[str]:
    return [tier.name for tier in tiers]


@pytest.mark.parametrize(
    ("group", "changed", "expected"),
    [
        ("A", [], ["quick", "one"]),
        ("B", [], ["quick", "two"]),
        ("all", [], ["quick", "one", "two"]),
        ("B", ["pipeline/page/api.py"], ["quick", "two", "one"]),
        ("A", ["docker-compose.yml"], ["quick", "one", "two"]),
        ("A", ["pipeline/pages.py", "docs/docker.md"], ["quick", "one"]),
    ],
    ids=["group_a", "group_b", "all", "changed_in_group_a", "changed_in_group_b", "similar_paths"],
)
def test_due_tiers_are_quick_ones_then_the_group_then_changed_ones(
    group: str, changed: list[str], expected: list[str]
) -> None:
    assert names(due(TABLE, group, changed)[0]) == expected


def test_due_tiers_that_are_left_out_are_named_with_the_reason() -> None:
    _, left = due(TABLE, "A", [])
    assert [str(outcome) for outcome in left] == [
        "  two       NOT run  today is group A's turn, and the last 20 commits did not touch its paths"
    ]


def test_groups_take_turns_day_by_day_also_across_the_end_of_a_month() -> None:
    days = [date(2026, 1, 30) + timedelta(days=count) for count in range(4)]
    assert "".join(map(group_of, days)) in {"ABCA", "BCAB", "CABC"}


class Scripted:
    """Commands with scripted exit codes and last lines; each takes ten minutes."""

    def __init__(self, **codes: tuple[int, list[str]]) -> None:
        self.codes = codes
        self.ran: list[str] = []

    def execute(self, command: str) -> tuple[int, list[str]]:
        self.ran.append(command)
        return self.codes.get(command, (0, []))

    def minutes_gone(self) -> float:
        return 10.0 * len(self.ran)


def test_run_of_tiers_reports_the_closing_line_of_pytest() -> None:
    scripted = Scripted(one=(0, ["FAILED tests/x.py", "== 12 passed, 1 skipped in 3.20s ==", "done"]))
    outcomes = run_all([ONE], 85, scripted.minutes_gone, scripted.execute)
    assert [str(outcome) for outcome in outcomes] == ["  one       passed   12 passed, 1 skipped in 3.20s"]


def test_run_of_tiers_goes_on_after_a_heavy_one_has_failed() -> None:
    scripted = Scripted(one=(2, ["1 failed in 0.10s"]))
    outcomes = run_all([QUICK, ONE, TWO], 85, scripted.minutes_gone, scripted.execute)
    assert [(outcome.tier, outcome.verdict, outcome.text) for outcome in outcomes] == [
        ("quick", "passed", ""),
        ("one", "FAILED", "1 failed in 0.10s"),
        ("two", "passed", ""),
    ]


def test_run_of_tiers_starts_no_heavy_one_after_a_quick_one_has_failed() -> None:
    scripted = Scripted(quick=(2, []))
    outcomes = run_all([QUICK, ONE, QUICK], 85, scripted.minutes_gone, scripted.execute)
    assert scripted.ran == ["quick", "quick"]
    assert str(outcomes[1]) == "  one       NOT run  quick failed"


def test_run_of_tiers_leaves_out_what_would_end_after_the_limit() -> None:
    scripted = Scripted()
    outcomes = run_all([QUICK, TWO, ONE], 25, scripted.minutes_gone, scripted.execute)
    assert scripted.ran == ["quick", "one"]
    assert str(outcomes[1]) == "  two       NOT run  10 of 25 minutes had gone by, and it may take 20"


def test_run_of_a_tier_that_cannot_run_here_is_explained_by_its_last_line() -> None:
    scripted = Scripted(one=(CANNOT_RUN, ["looking", "there is no Chromium"]))
    outcomes = run_all([ONE], 85, scripted.minutes_gone, scripted.execute)
    assert [str(outcome) for outcome in outcomes] == ["  one       NOT run  there is no Chromium"]


def test_command_is_shown_as_it_prints_and_gives_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert execute("echo one; echo; echo two >&2; exit 3") == (3, ["one", "two"])
    assert capfd.readouterr().out == "one\n\ntwo\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of three commits, each adding the file of its number."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q")
    for number in range(3):
        (folder / f"{number}.txt").write_text("text")
        git(folder, "add", ".")
        git(folder, "-c", "user.name=A", "-c", "user.email=a@a.example", "commit", "-qm", str(number))
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("commits", "files"),
    [(2, {"1.txt", "2.txt"}), (20, {"0.txt", "1.txt", "2.txt"})],
    ids=["fewer_than_there_are", "more_than_there_are"],
)
def test_changed_files_are_those_of_the_last_commits(repository: Path, commits: int, files: set[str]) -> None:
    assert changed_files(repository, commits) == files


@pytest.mark.parametrize(("depth", "files"), [(1, set()), (2, {"2.txt"})], ids=["depth_1", "depth_2"])
def test_changed_files_of_a_shallow_clone_leave_out_its_oldest_commit(
    tmp_path: Path, repository: Path, depth: int, files: set[str]
) -> None:
    git(tmp_path, "clone", "-q", "--depth", str(depth), f"file://{repository}", "clone")
    assert changed_files(tmp_path / "clone", 20) == files


def test_changed_files_without_a_repository_are_empty(tmp_path: Path) -> None:
    assert changed_files(tmp_path, 20) == set()


def test_table_keeps_each_group_within_the_limit() -> None:
    table = load_table()
    for group in GROUPS:
        tiers, _ = due(table, group, [])
        assert table.setup + sum(tier.minutes for tier in tiers) <= table.limit


def test_table_names_commands_and_paths_that_exist() -> None:
    table = load_table()
    unknown = [path for tier in table.tiers for path in tier.paths if not any(CHECKOUT.glob(f"{path}*"))]
    assert unknown == []
    for tier in table.tiers:
        if tier.command.startswith("make "):
            assert f"\n{tier.command.split()[1]}:" in (CHECKOUT / "Makefile").read_text(encoding="utf-8")
        else:
            assert (CHECKOUT / tier.command).stat().st_mode & 0o100


def test_table_has_every_make_target_that_runs_tests() -> None:
    commands = " ".join(tier.command for tier in load_table().tiers)
    for script in (".ci/test_browser", ".ci/test_compose"):
        commands += " " + (CHECKOUT / script).read_text(encoding="utf-8")
    for target in (
        "lint",
        "test",
        "test-slow",
        "test-superset",
        "test-browser",
        "test-compose",
        "chaos",
        "bench",
        "demo",
    ):
        assert f"make {target}" in commands
