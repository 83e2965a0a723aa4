"""Files of corrected values, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.rework.corrections import Corrections, read_corrections

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('record_id,column,value\na,amount,1.5\na,name,"x, y"\nb,amount,\n', id="csv"),
        pytest.param('\ufeffcolumn,value,record_id\r\namount,1.5,a\r\nname,"x, y",a\r\namount,,b\r\n', id="csv_of_a_spreadsheet"),
        pytest.param(
            '{"record_id": "a", "column": "amount", "value": 1.5}\n\n'
            '{"record_id": "a", "column": "name", "value": "x, y"}\n'
            '{"record_id": "b", "column": "amount", "value": null}\n',
            id="json_lines",
        ),
    ],
)  # fmt: skip
def test_corrections_are_read_with_an_empty_value_as_null(tmp_path: Path, text: str) -> None:
    file = tmp_path / "corrections"
    file.write_bytes(text.encode())
    corrections = read_corrections(file)
    assert corrections.values == {"a": {"amount": "1.5", "name": "x, y"}, "b": {"amount": None}}
    assert (corrections.count, corrections.columns()) == (3, ["amount", "name"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "record,column,value\na,b,c\n", r":2: expected record_id, column, value; got record", id="heading"
        ),
        pytest.param("record_id,column,value\na,b,c,d\n", r":2: expected record_id", id="too_many"),
        pytest.param("record_id,column,value\na,b,1\na,b,2\n", r":3: `b` of a is corrected twice", id="twice"),
        pytest.param('{"record_id": "a"\n', r":1: this is not JSON", id="no_json"),
        pytest.param('{"record_id": 1, "column": "b", "value": 1}\n', r":1: expected", id="number_for_a_record"),
        pytest.param("\xff", "cannot be read", id="not_text"),
    ],
)
def test_file_that_corrects_nothing_sensible_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "corrections.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(AuthorError, match=said):
        read_corrections(file)


_NESTED = "place STRUCT<hall: STRING, since: TIMESTAMP>, weights ARRAY<DECIMAL(5,2)>, limits MAP<STRING, INT>, `a.b` ARRAY<INT>"


@pytest.fixture
def nested(spark: SparkSession) -> DataFrame:
    """Two records, `a` and `b`, that have nested columns without values."""
    schema = f"record_id STRING, amount DOUBLE, {_NESTED}"
    return spark.createDataFrame([(name, 1.0, None, None, None, [7]) for name in "ab"], schema)


@pytest.mark.spark
def test_nested_values_are_corrected_as_files_bring_them(nested: DataFrame) -> None:
    corrections = Corrections({
        "a": {
            "place": '{"hall": "North", "since": "2026-03-01 10:00+01:00"}', "weights": "[1.10, null, 2]",
            "limits": '{"low": 1}', "a.b": "[1]", "amount": "2.5",
        },
        "b": {"a.b": None},
    })  # fmt: skip
    corrections.check(nested, set(), Path("fixes.csv"))
    assert [row.asDict(recursive=True) for row in corrections.applied(nested).orderBy("record_id").collect()] == [
        {
            "record_id": "a",
            "amount": 2.5,
            "place": {"hall": "North", "since": datetime(2026, 3, 1, 9, tzinfo=UTC).replace(tzinfo=None)},
            "weights": [Decimal("1.10"), None, Decimal("2.00")],
            "limits": {"low": 1},
            "a.b": [1],
        },
        {"record_id": "b", "amount": 1.0, "place": None, "weights": None, "limits": None, "a.b": None},
    ]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("column", "text", "kind"),
    [
        pytest.param("place", '{"hall": "North"', "struct<hall:string,since:timestamp>", id="no_json"),
        pytest.param("place", '{"hal": "North"}', "struct<hall:string,since:timestamp>", id="unknown_key"),
        pytest.param("place", '{"since": "noon"}', "struct<hall:string,since:timestamp>", id="unfit_field"),
        pytest.param("weights", "[1.001]", "array<decimal(5,2)>", id="lost_digit"),
        pytest.param("limits", "5", "map<string,int>", id="another_kind"),
        pytest.param("amount", "many", "double", id="no_number"),
    ],
)
def test_value_that_does_not_fit_its_column_is_refused_with_value_and_type(
    nested: DataFrame, column: str, text: str, kind: str
) -> None:
    corrections: Any = Corrections({"b": {column: text}})
    with pytest.raises(AuthorError) as refused:
        corrections.check(nested, set(), Path("fixes.csv"))
    assert refused.value.problem == f"fixes.csv: {text!r} for `{column}` of b is not a {kind}."
