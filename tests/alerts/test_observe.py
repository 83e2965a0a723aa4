"""The moment as a literal."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from alerts.observe import with_moment
from pipeline.foundation.errors import UnknownNameError
from tests.alerts.doubles import NOON

LITERAL = "TIMESTAMP '2026-03-01 12:00:00.000000+00:00'"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("a > :now - x", f"a > {LITERAL} - x", id="plain"),
        pytest.param("f(:now,:now)", f"f({LITERAL},{LITERAL})", id="twice"),
        pytest.param("a = ':now' and b = \":now\"", "a = ':now' and b = \":now\"", id="in text"),
        pytest.param(r"a = 'it\'s :now'", r"a = 'it\'s :now'", id="in text with an escaped quote"),
        pytest.param("`:now`", "`:now`", id="in a name"),
        pytest.param("1 -- don't :now\n+ :now", f"1 -- don't :now\n+ {LITERAL}", id="in a comment"),
        pytest.param("1 /* :now\n' */ + :now", f"1 /* :now\n' */ + {LITERAL}", id="in a long comment"),
        pytest.param("a::timestamp, details:now", "a::timestamp, details:now", id="casts and JSON"),
        pytest.param("SELECT 1 ;\n", "SELECT 1", id="semicolon"),
    ],
)
def test_now_in_a_query_becomes_a_literal_outside_strings_and_comments(sql: str, expected: str) -> None:
    assert with_moment(sql, NOON, "q.sql") == expected


def test_moment_in_another_zone_becomes_utc() -> None:
    berlin = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    assert with_moment(":now", berlin, "q.sql") == LITERAL


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"q\.sql: there is no parameter `:new`"):
        with_moment("SELECT :new", NOON, "q.sql")
