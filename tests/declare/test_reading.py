from __future__ import annotations

from typing import Any

import pytest

from pipeline import read, read_files, read_quarantine, read_stream
from pipeline.foundation.errors import AuthorError


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: read_files("orders"), id="read_files"),
        pytest.param(lambda: read_stream("orders"), id="read_stream"),
        pytest.param(lambda: read("orders"), id="read"),
        pytest.param(lambda: read_quarantine("orders"), id="read_quarantine"),
    ],
)
def test_reading_outside_a_query_says_where_the_call_belongs(call: Any) -> None:
    with pytest.raises(AuthorError, match="Call it inside the function of a declared table"):
        call()


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        pytest.param("orders", {"schema_hint": "a STRING"}, "Did you mean `schema_hints`?", id="unknown_option"),
        pytest.param("orders", {"format": "jsonl"}, "Did you mean `json`?", id="unknown_format"),
        pytest.param("a/b", {}, "the name of one folder below landing/", id="nested_path"),
        pytest.param("", {}, "the name of one folder below landing/", id="empty_path"),
        pytest.param("..", {}, "the name of one folder below landing/", id="parent"),
        pytest.param("orders", {"schema_hints": "a VARCHAR(5)"}, "`VARCHAR` is not a type", id="unknown_type"),
        pytest.param(
            "orders", {"schema_hints": "a TIMESTAMP_NS"}, "Write for example TIMESTAMP.", id="other_kind_of_time"
        ),
        pytest.param(
            "orders", {"schema_hints": "a STRUCT<b: INTERVAL>"}, "`a`: `b`: `INTERVAL` is not", id="type_inside"
        ),
        pytest.param("orders", {"schema_hints": "a DECIMAL(39,2)"}, "must have 1 to 38 digits", id="too_many_digits"),
        pytest.param("orders", {"schema_hints": "a ARRAY<INT"}, "expected `>`, got `the end`", id="open_bracket"),
        pytest.param(
            "orders", {"schema_hints": "a MAP<ARRAY<INT>, INT>"}, "of a MAP must be of a simple type", id="key"
        ),
        pytest.param("orders", {"schema_hints": "a STRUCT<b: INT, B: INT>"}, "must have different names", id="fields"),
        pytest.param("orders", {"schema_hints": "a INT NOT NULL"}, "expected `,`, got `NOT`", id="constraint"),
        pytest.param("orders", {"schema_hints": "temp-c INT"}, "expected a type, got `-`", id="name_without_quotes"),
        pytest.param("orders", {"schema_hints": "a"}, "a type is missing at its end", id="no_type"),
        pytest.param(
            "orders",
            {"format": "csv", "schema_hints": "a ARRAY<INT>"},
            "has no nested values. Write `a STRING`",
            id="csv",
        ),
        pytest.param(
            "orders", {"infer_column_types": "every"}, "there is no value of `infer_column_types`", id="inference"
        ),
        pytest.param("orders", {"schema_hints": "a STRING, A STRING"}, "`A` cannot be a column", id="twice"),
        pytest.param("orders", {"schema_hints": "record_id STRING"}, "cannot be a column", id="reserved"),
        pytest.param("orders", {"max_files_per_trigger": 0}, "must be a whole number above 0", id="no_files"),
        pytest.param("orders", {"max_bytes_per_trigger": "much"}, "`much` is not a size", id="no_size"),
        pytest.param("orders", {"max_columns": True}, "must be a whole number above 0", id="boolean"),
        pytest.param(
            "orders", {"schema_evolution_mode": "addColumns"}, "Did you mean `addNewColumns`?", id="evolution_mode"
        ),
        pytest.param("orders", {"clean_source": "move"}, "there is no value of `clean_source`", id="clean_source"),
    ],
)
def test_read_files_refuses_options_and_values_that_it_does_not_know(
    path: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AuthorError) as raised:
        read_files(path, **options)
    assert said in str(raised.value)
    assert f'read_files("{path}")' in str(raised.value)
