"""README and docs, compared with the code: targets, commands, options, tables, settings, messages, links."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pytest
import typer
from pydantic import BaseModel

from alerts.__main__ import app as alerts_app
from demo.__main__ import app as demo_app
from generators.commands import app as generators_app
from pipeline.declare.decorators import _OPTIONS
from pipeline.declare.files_source import FilesSource
from pipeline.declare.load import load_declarations
from pipeline.home.places import Home
from pipeline.ingest.declarations import file_sources
from pipeline.quality.rules import RuleMeta
from pipeline.quality.suites import Suites, check_declared
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

from pipeline.commands.app import app as pipeline_app

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "README.md"
COMMANDS = CHECKOUT / "docs" / "commands.md"
TABLES = CHECKOUT / "docs" / "tables.md"
TROUBLESHOOTING = CHECKOUT / "docs" / "troubleshooting.md"
GUIDE = CHECKOUT / "docs" / "your-own-pipeline.md"
DECISIONS = CHECKOUT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("0*.md"))
PAGES = [
    README,
    *(CHECKOUT / name for name in ("CONTRIBUTING.md", "bench/README.md", "bench/results/notes.md")),
    *sorted((CHECKOUT / "docs").rglob("*.md")),
]
APPS = {"pipeline": pipeline_app, "generators": generators_app, "alerts": alerts_app, "demo": demo_app}
TABLES_OF_OTHER_WRITERS = {"event_log", "alert_evaluations"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_FILE_BLOCK = re.compile(r"^`([\w./-]+)`[^\n]*\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_ON_ALL_PAGES = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> list[str]:
    """Return the code spans of a page and the lines of its code blocks."""
    text = text_of(page)
    blocks = [line for _, block in _FENCE.findall(text) for line in block.splitlines()]
    return [*blocks, *_CODE_SPAN.findall(_FENCE.sub("", text))]


def commands_of(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):.*## ", text_of(CHECKOUT / "Makefile"), re.MULTILINE))


def code_spans_of(page: Path) -> set[str]:
    return set(_CODE_SPAN.findall(text_of(page)))


def rows_of_section(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of a section's tables as cells, without the headings."""
    section = text_of(page).split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [row for index, row in enumerate(rows) if "---" not in row[0] and not _is_head(rows, index)]


def _is_head(rows: list[list[str]], index: int) -> bool:
    return index + 1 < len(rows) and "---" in rows[index + 1][0]


def settings_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
            keys |= settings_keys(annotation, f"{prefix}{name}.")
        else:
            keys.add(prefix + (field.alias or name))
    return keys


def test_every_make_target_is_listed_with_the_commands() -> None:
    assert {target for target in make_targets() if f"`make {target}`" not in text_of(COMMANDS)} == set()


def test_readme_shows_the_two_commands_and_every_act() -> None:
    assert {"make demo", "make test"} <= {code.partition("  ")[0] for code in code_of(README)}
    acts = {f"make {target}" for target in make_targets() if target.startswith("act")}
    assert {row[0].strip("`") for row in rows_of_section(README, "What you should see")} == acts


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_page_begins_with_what_its_reader_can_do_afterwards(page: Path) -> None:
    assert (
        text_of(page)
        .split("\n\n")[1]
        .startswith(("After reading this page, you can ", "After reading this page, you know "))
    )


@_ON_ALL_PAGES
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = {match[1] for code in code_of(page) if (match := re.match(r"make ([a-z0-9-]+)", code))}
    assert named <= make_targets()


@pytest.mark.parametrize("module", APPS)
def test_every_command_is_listed_with_the_commands(module: str) -> None:
    spans = code_spans_of(COMMANDS)
    assert {name for name in commands_of(APPS[module]) if f"python -m {module} {name}" not in spans} == set()


@_ON_ALL_PAGES
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = re.compile(r"python -m (pipeline|generators|alerts|demo) ([a-z][a-z0-9-]*)")
    found = {match for code in code_of(page) for match in named.findall(code)}
    assert {(module, name) for module, name in found if name not in commands_of(APPS[module])} == set()


@_ON_ALL_PAGES
def test_every_option_that_a_page_gives_a_command_is_one_of_its_own(page: Path) -> None:
    named = re.compile(r"python -m (pipeline|generators|alerts|demo) ([a-z][a-z0-9-]*)(.*)")
    for code in code_of(page):
        for module, name, rest in named.findall(code):
            command = typer.main.get_command(APPS[module]).commands.get(name)  # type: ignore[attr-defined]
            # A group, such as `schema`, has commands of its own.
            command = getattr(command, "commands", {}).get(rest.split(" ")[1] if " " in rest else "", command)
            known = {option for parameter in getattr(command, "params", ()) for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= known | {"--debug"}, code


def test_every_table_is_listed_with_the_tables() -> None:
    declared = set(load_declarations(load_settings().source).datasets)
    named = {row[0].strip("`") for row in rows_of_section(TABLES, "Tables")}
    assert named == declared | TABLES_OF_OTHER_WRITERS


def test_every_expectation_is_listed_with_its_action_and_no_other() -> None:
    judged = {}
    for file in load_settings().expectations.glob("*.json"):
        for expectation in json.loads(text_of(file))["expectations"]:
            judged[expectation["meta"]["name"]] = (file.stem, expectation["meta"]["action"])
    named = {}
    for row in rows_of_section(TABLES, "Expectations"):
        cells = [cell.strip("` ") for cell in row]
        if cells[0] in judged:
            named[cells[0]] = ("silver_cleaned_sensors", cells[2])
        else:
            named[cells[1]] = (cells[0], "warn")
    assert named == judged


def test_every_setting_is_documented_and_no_other() -> None:
    named = {row[0].strip("`") for row in rows_of_section(GUIDE, "Settings")}
    assert named == settings_keys(Settings) - {"file"}


def test_every_option_of_a_declaration_is_documented_and_no_other() -> None:
    named = {name for row in rows_of_section(GUIDE, "What a declaration takes") for name in _CODE_SPAN.findall(row[0])}
    assert named == set().union(*_OPTIONS.values())


def test_every_option_of_read_files_is_documented_and_no_other() -> None:
    named = {row[0].strip("`") for row in rows_of_section(GUIDE, "What `read_files` takes")}
    assert named == set(FilesSource.__dataclass_fields__) - {"hints"} | {"schema_hints"}


def test_every_key_of_an_expectations_meta_is_documented_and_no_other() -> None:
    named = {row[0].strip("`") for row in rows_of_section(GUIDE, "3. The suite")}
    assert named == set(RuleMeta.__dataclass_fields__) - {"where"}


def test_every_required_package_has_its_reason() -> None:
    asked = {
        re.split(r"[=<>~\[ ]", line)[0]
        for file in (CHECKOUT / "requirements").glob("*.in")
        for line in text_of(file).splitlines()
        if line and not line.startswith(("#", "-"))
    }
    decided = rows_of_section(CHECKOUT / "docs" / "decisions" / "0003-dependencies.md", "Decision")
    assert {name for row in decided for name in _CODE_SPAN.findall(row[0])} == asked


def test_every_message_of_the_troubleshooting_is_in_the_code() -> None:
    sources = [path for folder in ("pipeline", "alerts", "scripts") for path in (CHECKOUT / folder).rglob("*.py")]
    code = "\n".join(text_of(path) for path in sources)
    messages = [row[0].strip("`") for row in rows_of_section(TROUBLESHOOTING, "Messages")]
    assert messages
    for message in messages:
        assert [part for part in message.split("…") if part.strip(" .`") and part.strip() not in code] == [], message


@_ON_ALL_PAGES
def test_links_resolve(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors_of(file), target


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_decision_has_its_number_and_its_four_sections(record: Path) -> None:
    headings = re.findall(r"^#+ (.+)$", text_of(record), re.MULTILINE)
    assert headings[0].startswith(f"{record.stem[:4]}: ")
    assert headings[1:] == ["Status", "Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_gap_or_repetition_and_listed_with_title_and_status() -> None:
    assert [record.stem[:4] for record in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
    listed = rows_of_section(DECISIONS / "README.md", "Records")
    assert [row[0] for row in listed] == [
        f"[{record.stem[:4]}]({record.name}) {text_of(record).splitlines()[0].partition(': ')[2]}" for record in RECORDS
    ]
    assert [row[1] for row in listed] == [
        status_of(record).partition(" ")[0].lower().strip(".;,") for record in RECORDS
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_decision_that_is_superseded_names_an_existing_later_one(record: Path) -> None:
    status = status_of(record)
    assert status.startswith(("Accepted", "Superseded"))
    if status.startswith("Superseded"):
        successors = re.findall(r"\[(\d{4})\]", status)
        assert successors
        assert all(successor > record.stem[:4] for successor in successors)


def status_of(record: Path) -> str:
    return text_of(record).split("## Status\n\n", 1)[1].split("\n\n## ", 1)[0]


@pytest.fixture
def parcels(tmp_path: Path) -> Path:
    """The guide's example, written out as it says; returns its settings file."""
    for name, content in _FILE_BLOCK.findall(text_of(GUIDE)):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return tmp_path / "parcels" / "parcels.yml"


def test_example_pipeline_has_declarations_and_suites_that_fit(parcels: Path) -> None:
    settings = load_settings(parcels)
    datasets = load_declarations(settings.source).datasets
    assert list(datasets) == ["bronze_scans", "scans", "quarantined_scans", "hourly_depot_load"]
    declared = {name: dataset.expectations for name, dataset in datasets.items() if dataset.expectations}
    check_declared(Suites(settings.expectations), declared, list(datasets))
    assert [(name, source.path) for name, source in file_sources(Home(parcels.parent), settings)] == [
        ("bronze_scans", "scans")
    ]
    meta = [item["meta"] for item in json.loads(text_of(settings.expectations / "scans.json"))["expectations"]]
    assert [RuleMeta.of("", item, "guide").name for item in meta] == ["known_parcel", "known_time", "light_enough"]


@pytest.mark.spark
def test_example_pipeline_gives_what_the_guide_says(parcels: Path, lakehouse: TestLakehouse) -> None:
    carrier = replace(lakehouse, settings_file=parcels)
    landed = text_of(parcels.parent.parent / "landing" / "scans" / "monday.json")
    carrier.land("monday.json", landed, folder="scans")
    result = carrier.update()
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert len(carrier.rows("bronze_scans")) == 3
    assert [(row["parcel"], row["warnings"]) for row in carrier.rows("scans", "parcel", "warnings")] == [
        ("P-1", []),
        ("P-2", ["light_enough"]),
    ]
    assert [row["failed_expectations"] for row in carrier.rows("quarantined_scans")] == [["known_parcel"]]
    (load,) = carrier.rows("hourly_depot_load")
    assert (load["depot"], f"{load['window_start']:%H:%M}") == ("North", "08:00")
    assert (load["weight_kilograms"], load["scan_count"]) == (42.5, 2)
    written = {"bronze_scans": 3, "scans": 2, "quarantined_scans": 1, "hourly_depot_load": 1}
    assert carrier.counted_by_events(*written) == written


@pytest.mark.spark
@pytest.mark.slow
def test_example_of_changed_devices_gives_what_the_guide_says(parcels: Path, lakehouse: TestLakehouse) -> None:
    folder = parcels.parent.parent
    plant = replace(lakehouse, settings_file=folder / "devices" / "devices.yml")
    for name in ("device_changes/march.json", "readings/march.json"):
        plant.land("march.json", text_of(folder / "landing" / name), folder=name.split("/", maxsplit=1)[0])
    assert plant.update().state == "COMPLETED"
    assert [row["read_at"].day for row in plant.rows("overheated", by="read_at")] == [5, 12, 25]
    plant.land("late.json", text_of(folder / "landing" / "device_changes" / "late.json"), folder="device_changes")
    assert plant.update().state == "COMPLETED"
    assert [row["read_at"].day for row in plant.rows("overheated", by="read_at")] == [5, 25]
    versions = [
        (
            row["device_id"],
            row["floor"],
            row["alarm_celsius"],
            row["__START_AT"].day,
            row["__END_AT"] and row["__END_AT"].day,
        )
        for row in plant.rows("device_registry")
    ]
    assert sorted(versions, key=str) == [
        ("MFG-A-1000", "A", 40.0, 1, 10),
        ("MFG-A-1000", "A", 45.0, 10, 20),
        ("MFG-A-1000", "B", 40.0, 20, None),
        ("MFG-B-2000", "B", 40.0, 1, 15),
    ]


def test_every_value_of_the_setting_mode_is_named_in_the_guide() -> None:
    rows: dict[str, Any] = {row[0].strip("`"): row for row in rows_of_section(GUIDE, "Settings")}
    for name, field in Settings.model_fields.items():
        for value in get_args(field.annotation) if name == "mode" else ():
            assert f"`{value}`" in rows[name][1]
