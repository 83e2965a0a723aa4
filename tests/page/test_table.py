"""What the panel of a table shows of its schema and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ingest.schema_log import HINTED, SchemaLog
from pipeline.records.columns import Column
from tests.conftest import NOON
from tests.events.log_writer import SCHEMA

if TYPE_CHECKING:
    from tests.page.shop import Shop

ID, CURRENCY, NOTE = Column("id", "double"), Column("currency", "string"), Column("note", "string")


def test_schema_version_shows_only_what_it_added_and_removed_itself(shop: Shop) -> None:
    log = SchemaLog(shop.home.table(SCHEMA, "orders").schema_log)
    log.add((ID,), {"id": HINTED}, NOON)
    log.add((ID, CURRENCY), {"currency": "landing/orders/b.json"}, NOON)
    log.revert(NOON)
    log.add((ID, NOTE), {"note": "landing/orders/c.json"}, NOON, held_back=("currency",))
    versions = shop.document("page table orders")["schema_versions"]
    assert [
        (one["version"], [(column["name"], column["brought_by"]) for column in one["added"]], one["removed"])
        for one in versions
    ] == [
        (4, [("note", "landing/orders/c.json")], []),
        (3, [], ["currency"]),
        (2, [("currency", "landing/orders/b.json")], []),
        (1, [("id", "schema_hints")], []),
    ]


def test_files_that_no_option_takes_are_shown_with_the_reason(shop: Shop) -> None:
    landing = shop.home.landing_of("orders")
    (landing / "notes.txt").touch()
    shown = shop.document("page table landing/orders")
    assert shown["files"]["states"] == {"waiting": 1, "ignored": 1}
    errors = {file["path"].rsplit("/", 1)[-1]: file["error"] for file in shown["files"]["newest"]}
    assert errors == {"a.json": None, "notes.txt": "its name does not end in .json, alone or with .gz, .bz2, .zst"}
    assert [shown["node"]["files"][state] for state in ("listed", "waiting", "ignored")] == [2, 1, 1]
