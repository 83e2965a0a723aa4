"""Files of corrected values, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.corrections import read_corrections
from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path


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
