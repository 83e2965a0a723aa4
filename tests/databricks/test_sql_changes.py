"""AUTO CDC in SQL: the same tables as in Python, in each of its spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError
from tests.databricks.test_changes import change, land, tuples

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

STREAM = """CREATE STREAMING TABLE s AS SELECT id FROM STREAM read_files('/Volumes/main/shop/raw', format => 'json');
CREATE STREAMING TABLE t;
"""
READ_WHOLE = "AUTO CDC INTO t FROM (SELECT * FROM s) KEYS (id) SEQUENCE BY id"
SOURCE = """
CREATE OR REFRESH STREAMING TABLE changes AS
SELECT id, CAST(at AS INT) AS at, op, city, plan FROM STREAM read_files('/Volumes/main/shop/raw', format => 'json');

CREATE OR REFRESH STREAMING LIVE TABLE customers;
APPLY CHANGES INTO LIVE.customers
FROM STREAM(LIVE.changes)
KEYS (id) WHERE op IS NOT NULL
IGNORE NULL UPDATES
APPLY AS DELETE WHEN op = "D"
APPLY AS TRUNCATE WHEN op = "T"
SEQUENCE BY at
COLUMNS * EXCEPT (op, at)
STORED AS SCD TYPE 1;

CREATE OR REFRESH STREAMING TABLE history (CONSTRAINT has_city EXPECT (city IS NOT NULL) ON VIOLATION DROP ROW);
CREATE FLOW cities AS AUTO CDC INTO main.shop.history
FROM STREAM changes
KEYS (Id)
APPLY AS DELETE WHEN op = "D" OR op = "T"
SEQUENCE BY STRUCT(at, op)
COLUMNS (id, city, plan)
STORED AS SCD TYPE 2
TRACK HISTORY ON city;

CREATE STREAMING TABLE newest FLOW AUTO CDC
FROM (SELECT id, city, at FROM STREAM changes WHERE op = 'U')
KEYS (id) SEQUENCE BY at;
"""


def test_changes_in_sql_fill_tables_of_both_types(project: Project) -> None:
    project.write("source/customers.sql", SOURCE)
    land(project, "a.json", change("A", 1, "Oslo", "basic"), change("B", 1, "Rome"), change("A", 5, plan="gold"))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    land(project, "b.json", change("A", 3, "Oslo", "silver"), change("B", 4, op="D"), change("C", 2, "Bonn"))
    assert shop.update().state == "COMPLETED"

    assert tuples(shop, "customers") == [("A", "Oslo", "gold"), ("C", "Bonn", None)]
    found = [
        (row["Id"], row["city"], row["plan"], row["__START_AT"]["at"], (row["__END_AT"] or {}).get("at"))
        for row in shop.rows("history")
    ]
    assert sorted(found, key=str) == [
        ("A", "Oslo", "silver", 1, None), ("B", "Rome", None, 1, 4), ("C", "Bonn", None, 2, None)
    ]  # fmt: skip
    assert [row["plan"] for row in shop.rows("history__quarantine", "plan")] == ["gold"]
    assert tuples(shop, "newest", "id", "city", "at") == [("A", None, 5), ("B", "Rome", 1), ("C", "Bonn", 2)]


@pytest.mark.parametrize(
    ("clauses", "said"),
    [
        pytest.param("KEYS (id)", "have nothing that orders them", id="sequence"),
        pytest.param("KEYS (id) SEQUENCE BY nothing", "`sequence_by` of `t` does not fit", id="column"),
        pytest.param("KEYS (id) SEQUENCE BY id COLUMNS * EXCEPT (ids)", "there is no column", id="except"),
    ],
)
def test_changes_in_sql_that_cannot_be_applied_are_refused_with_their_line(
    project: Project, clauses: str, said: str
) -> None:
    land(project, "a.json", change("A", 1))
    text = f"{STREAM}APPLY CHANGES INTO t FROM STREAM s {clauses}"
    with pytest.raises(AuthorError, match=said) as raised:
        project.opened(text, name="a.sql")
    assert "a.sql:3" in raised.value.problem


def test_changes_in_sql_that_are_read_whole_are_refused(project: Project) -> None:
    land(project, "a.json", change("A", 1))
    with pytest.raises(AuthorError, match="which is read whole") as raised:
        project.opened(STREAM + READ_WHOLE, name="a.sql")
    assert "a.sql:3" in raised.value.problem
