"""Numbers keep the digits they were sent with, whichever reader of the chain takes them."""

from __future__ import annotations

import io

import pytest

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.json import read_json
from pipeline.records.values import RawNumber, json_text
from tests.records.test_json import records_of

NUMBERS = [
    "1.10",
    "1.1",
    "0.1",
    "1e5",
    "1E+05",
    "-0",
    "-0.0",
    "0.00001",
    "1e-05",
    "1e22",
    "1e+22",
    "100000000000000000.0",
]
LONG_NUMBERS = ["52.520006600000001234567", "-999.99999999999999999999999999999999995", "18446744073709551616", "1e999"]


@pytest.mark.parametrize("number", [*NUMBERS, *LONG_NUMBERS])
@pytest.mark.parametrize("beside", ['"x"', '"\\u00e9"', "2.50"])
@pytest.mark.parametrize("layout", ["%s\n%s\n", "[%s, %s]", "[%s]\n[%s]", "\n%s %s"])
def test_number_is_written_with_the_digits_it_was_sent_with(number: str, beside: str, layout: str) -> None:
    sent = f'{{"a":{number},"b":{{"c":[{number}]}},"d":{beside}}}'
    written = [json_text(record) for record in records_of(layout % (sent, sent))]
    assert written == [sent.replace("\\u00e9", "é")] * 2


@pytest.mark.parametrize("layout", ["%s\n%s\n", "[%s, %s]", "[%s]\n[%s]"])
def test_digits_of_numbers_are_kept_wherever_only_the_number_counts_elsewhere(layout: str) -> None:
    sent = '{"a":21.50,"b":21.50,"c":{"a":21.50}}'
    columns = (Column("a", "double"),)
    pieces = list(read_json(io.BytesIO((layout % (sent, sent)).encode()), columns))
    rows = [
        row for piece in pieces if isinstance(piece, list) for row in to_record_batch(piece, columns, "f").to_pylist()
    ]
    rescued = '{"b":21.50,"c":{"a":21.50},"_file_path":"f"}'
    assert rows == [{"a": 21.5, "_rescued_data": rescued, "_corrupt_record": None}] * 2


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1E+400", "9" * 5000])
def test_number_that_is_not_finite_keeps_its_text(number: str) -> None:
    assert records_of(f'{{"a":{number},"b":[{number}]}}') == [{"a": RawNumber(number), "b": [RawNumber(number)]}]


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**300, -(10**19)])
def test_integer_of_any_size_keeps_its_digits(number: int) -> None:
    (first, second) = records_of(f'{{"a":{number}}}\n{{"a":1.5}}\n')
    assert (json_text(first), second) == (f'{{"a":{number}}}', {"a": 1.5})
    assert list(map(json_text, records_of(f'{{"a":[1,[{number}]]}}'))) == [f'{{"a":[1,[{number}]]}}']
