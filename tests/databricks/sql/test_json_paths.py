from __future__ import annotations

import pytest

from pipeline.databricks.sql.json_paths import with_json_paths


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT a:b FROM t", "SELECT get_json_object(a, '$.b') FROM t"),
        ("SELECT t.a:b.c::int AS x", "SELECT get_json_object(t.a, '$.b.c')::int AS x"),
        ("SELECT a :b :c[0].d", "SELECT get_json_object(a, '$.b.c[0].d')"),
        ("SELECT a:`x y`[*]['z']", "SELECT get_json_object(a, '$[\\'x y\\'][*][\\'z\\']')"),
        ("SELECT f(a:b):c, (a || b):d", "SELECT get_json_object(f(get_json_object(a, '$.b')), '$.c'), get_json_object((a || b), '$.d')"),
        ("SELECT a\n:b\n.c\nFROM t", "SELECT get_json_object(a, '$.b.c')\n\nFROM t"),
        ("SELECT :x, a[:y] WHERE b = :z AND c IN (:p)", "SELECT :x, a[:y] WHERE b = :z AND c IN (:p)"),
        ("SELECT CAST(a AS STRUCT<b: INT, c: ARRAY<STRUCT<d: INT>>>), e:f", "SELECT CAST(a AS STRUCT<b: INT, c: ARRAY<STRUCT<d: INT>>>), get_json_object(e, '$.f')"),
        ("SELECT from_json(a, 'x: int') -- b:c", "SELECT from_json(a, 'x: int') -- b:c"),
    ],
)  # fmt: skip
def test_path_becomes_a_call_and_everything_else_stays(query: str, text: str) -> None:
    assert with_json_paths(query) == text
