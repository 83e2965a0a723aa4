from __future__ import annotations

import pytest

from pipeline.databricks.sql.relations import relations_of
from pipeline.databricks.sql.rewriting import Replaced, rewritten, view_name
from pipeline.databricks.sql.tokens import tokens_of


def views(query: str, hidden: str = "") -> str:
    tokens = tokens_of(query, "f.sql")
    found = enumerate(relations_of(tokens))
    return rewritten(query, tokens, [Replaced(one, view_name(number), one.parts, hidden) for number, one in found])


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT t.a FROM t", "SELECT t.a FROM __read_0 AS `t`"),
        ("SELECT x.a FROM c.s.t x", "SELECT x.a FROM __read_0 x"),
        ("SELECT LIVE.t.a, t.b FROM LIVE.t", "SELECT t.a, t.b FROM __read_0 AS `t`"),
        ("SELECT c.s.t.a, s.t.b, t.c FROM c.s.t", "SELECT t.a, t.b, t.c FROM __read_0 AS `t`"),
        ("SELECT s.t.a.b FROM s.T JOIN t", "SELECT t.a.b FROM __read_0 AS `T` JOIN __read_1 AS `t`"),
        ("SELECT * FROM STREAM(`a b`)\nWHERE x", "SELECT * FROM __read_0 AS `a b`\nWHERE x"),
        (
            "SELECT * FROM STREAM t WATERMARK at DELAY OF INTERVAL 1 HOUR WHERE x",
            "SELECT * FROM __read_0 WATERMARK at DELAY OF INTERVAL 1 HOUR AS `t` WHERE x",
        ),
    ],
)
def test_query_reads_views_under_the_names_that_it_uses(query: str, text: str) -> None:
    assert views(query) == text


def test_lines_stay_where_they_were() -> None:
    query = "SELECT a\nFROM STREAM (\n  LIVE.t\n)\nWHERE x"
    assert views(query) == "SELECT a\nFROM __read_0\n\n AS `t`\nWHERE x"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT *, h.a FROM t x", "SELECT * EXCEPT (`h`), h.a FROM __read_0 x"),
        ("SELECT x.* EXCEPT (b), y.* FROM t x", "SELECT x.* EXCEPT (`h`, b), y.* FROM __read_0 x"),
        ("SELECT * FROM (SELECT *, h FROM t x) y", "SELECT * FROM (SELECT * EXCEPT (`h`), h FROM __read_0 x) y"),
    ],
)
def test_star_leaves_hidden_columns_out(query: str, text: str) -> None:
    assert views(query, "h") == text
