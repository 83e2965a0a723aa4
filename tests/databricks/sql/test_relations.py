from __future__ import annotations

import pytest

from pipeline.databricks.sql.relations import relations_of
from pipeline.databricks.sql.tokens import tokens_of

READ: dict[str, tuple[str, list[str]]] = {
    "one": ("SELECT a FROM t", ["t"]),
    "several_parts": ("SELECT a FROM c.s.`a b` x", ["c.s.a b x"]),
    "live": ("SELECT * FROM LIVE.t", ["LIVE.t"]),
    "joins": ("SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN s.c USING (x, y)", ["a", "b", "s.c"]),
    "commas": ("SELECT f(a, b), c FROM a, b x, (SELECT 1, 2) y, c WHERE d IN (1, 2)", ["a", "b x", "c"]),
    "comma_after_a_condition": ("SELECT * FROM a JOIN b ON f(a.x, 1) = b.x, c", ["a", "b", "c"]),
    "stream": ("SELECT * FROM STREAM t JOIN STREAM(LIVE.u) v", ["+t", "+LIVE.u v"]),
    "alias_called_stream": ("SELECT * FROM stream JOIN b", ["stream", "b"]),
    "subqueries": ("SELECT (SELECT max(x) FROM a) FROM (SELECT * FROM b) WHERE x IN (SELECT x FROM c)", ["a", "b", "c"]),
    "brackets": ("SELECT * FROM (LIVE.x), (a JOIN (b) ON true)", ["LIVE.x", "a", "b"]),
    "unions": ("(SELECT * FROM a) UNION ALL (SELECT * FROM b) EXCEPT SELECT * FROM c", ["a", "b", "c"]),
    "with": ("WITH x AS (SELECT * FROM a), y (k) AS (SELECT * FROM x, b) SELECT * FROM Y, x, c", ["a", "b", "c"]),
    "with_of_the_same_name": ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["a"]),
    "with_ends_with_its_query": ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a), a", ["a"]),
    "recursive": ("WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT * FROM n) SELECT * FROM n", []),
    "words_of_functions": (
        "SELECT EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM e), SUBSTRING(f FROM 2) FROM t",
        ["t"],
    ),
    "comparison": ("SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM c FROM t", ["t"]),
    "table_functions": ("SELECT * FROM range(5), explode(array(1, 2)) e, my.f((SELECT a FROM t))", ["t"]),
    "values": ("SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v(x, y) JOIN t", ["t"]),
    "lateral_view": ("SELECT * FROM t LATERAL VIEW explode(m) e AS k, v JOIN u", ["t", "u"]),
    "lateral": ("SELECT * FROM t, LATERAL (SELECT * FROM u WHERE u.x = t.x)", ["t", "u"]),
    "pivot": ("SELECT * FROM t PIVOT (sum(x) FOR q IN (1, 2)) ORDER BY a, b", ["t"]),
    "except_columns": ("SELECT * EXCEPT (a, b) FROM t", ["t"]),
    "from_first": ("FROM t |> WHERE x > 1 |> JOIN u USING (x) |> SELECT a, b", ["t", "u"]),
    "table": ("TABLE s.t", ["s.t"]),
    "watermark": ("SELECT * FROM STREAM t WATERMARK at DELAY OF INTERVAL 1 HOUR 5 MINUTES w, u", ["+t w", "u"]),
    "sample": ("SELECT * FROM t TABLESAMPLE (10 ROWS) s JOIN u TABLESAMPLE (5 PERCENT) WHERE x", ["t s", "u"]),
    "options": ("SELECT * FROM t WITH ('a' = 'b') o", ["t o"]),
    "identifier": ("SELECT * FROM IDENTIFIER(:c || '.t') i", ["identifier() i"]),
    "files": ("SELECT * FROM STREAM read_files('/a', format => 'csv') f, cloud_files('/b', 'json')",
              ["+read_files() f", "cloud_files()"]),
    "files_in_a_stream": ("SELECT * FROM STREAM(read_files('/a')) WHERE x", ["+read_files()"]),
    "path": ("SELECT * FROM json.`/data/x.json`", ["json.`/data/x.json`"]),
}  # fmt: skip


def written(query: str) -> list[str]:
    """Return each relation: `+` where new rows are asked for, its name, and a name that the query gives it."""
    return [
        "+" * relation.is_streaming
        + relation.name
        + "()" * (relation.arguments is not None)
        + (f" {relation.alias}" if relation.alias else "")
        for relation in relations_of(tokens_of(query, "f.sql"))
    ]


@pytest.mark.parametrize("form", READ)
def test_query_reads_what_spark_would_read(form: str) -> None:
    query, read = READ[form]
    assert written(query) == read


def test_relation_covers_the_word_stream_and_its_brackets() -> None:
    query = "SELECT *\nFROM STREAM (LIVE.t)\nWHERE x"
    [relation] = relations_of(tokens_of(query, "f.sql", 7))
    assert (query[relation.start : relation.end], relation.line) == ("STREAM (LIVE.t)", 8)
    assert relation.alias_at == relation.end


def test_part_of_a_name_with_a_dot_is_quoted() -> None:
    assert written("SELECT * FROM s.`a.b` JOIN `c` AS `x y`") == ["s.`a.b`", "c x y"]


def test_relation_knows_the_stars_that_give_its_columns() -> None:
    query = "SELECT *, a * 2, count(*), (SELECT * FROM b) FROM (SELECT DISTINCT c.* EXCEPT (x) FROM c), d JOIN e"
    tokens = tokens_of(query, "f.sql")
    stars = {relation.name: [tokens[star].start for star in relation.stars] for relation in relations_of(tokens)}
    first, of_b, of_c = query.index("*"), query.index("* FROM b"), query.index("* EXCEPT")
    assert stars == {"b": [of_b], "c": [of_c], "d": [first], "e": [first]}
