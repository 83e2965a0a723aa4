"""What the options for files' text do, on real tables: in the driver, in the workers, and when files are read again."""

from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark


def values(lakehouse: TestLakehouse, *columns: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in lakehouse.rows("things", *columns)), key=str)


def test_file_in_another_encoding_is_set_aside_until_its_encoding_is_declared(
    things: Callable[[str], TestLakehouse],
) -> None:
    lakehouse = things('format="csv", delimiter=";"')
    file = lakehouse.land("a.csv", "ort;wert\nSüd;1\nKöln;2\n".encode("cp1252"), folder="things")
    assert lakehouse.update().state == "COMPLETED"
    record = lakehouse.files("things")[str(file)]
    assert (record.state, record.rows) == ("set aside", 0)
    assert 'such as encoding="cp1252", and run with --retry-files' in str(record.error)
    lakehouse = things('format="csv", delimiter=";", encoding="cp1252"')
    assert lakehouse.update(retry_files=True).state == "COMPLETED"
    assert lakehouse.files("things")[str(file)].state == "ingested"
    assert values(lakehouse, "ort", "wert", "_rescued_data", "_corrupt_record") == [
        ("Köln", 2.0, None, None),
        ("Süd", 1.0, None, None),
    ]


def test_options_reach_the_readers_in_driver_and_workers(things: Callable[[str], TestLakehouse], amount: str) -> None:
    lakehouse = things('format="csv", header=False, skip_rows=1, delimiter="||", schema_hints="id STRING"')
    content = "made by a logger\r007||1.5\r008||x\xff\r009\r"
    lakehouse.land("a.csv", content.encode("utf-16"), folder="things")
    if amount == "few":
        assert lakehouse.update().state == "COMPLETED"
    lakehouse.land("b.csv", gzip.compress(content.encode()), folder="things")
    lakehouse.land("c.csv.gz", bz2.compress(content.encode()), folder="things")
    lakehouse.land("d.csv.bz2", bytes(pa.Codec("zstd").compress(content.encode(), asbytes=True)), folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert values(lakehouse, "id", "_c1", "_corrupt_record") == sorted(
        [("007", "1.5", None), ("008", "xÿ", None), (None, None, "009")] * 4, key=str
    )


def test_text_is_one_row_a_line_and_evolves_no_column(things: Callable[[str], TestLakehouse]) -> None:
    lakehouse = things('format="text", schema_evolution_mode="failOnNewColumns"')
    lakehouse.land("a.log", b"one\r\n\r\ntw\xff\nthree", folder="things")
    lakehouse.land("b.txt.gz", gzip.compress(b"four"), folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert values(lakehouse, "value", "_corrupt_record") == [
        ("", None), ("four", None), ("one", None), ("three", None), (None, "tw\\xff"),
    ]  # fmt: skip


def test_decimal_commas_are_numbers_in_columns_of_numbers_alone(things: Callable[[str], TestLakehouse]) -> None:
    lakehouse = things('format="csv", delimiter=";", decimal=",", schema_hints="id STRING, price DOUBLE"')
    content = "id;price;new;date\n1,5;2,5;-5,0e0;1.2\n1.5;2.5;7;1,2\n2;1.000;3,25;x\n"
    file = lakehouse.land("a.csv", content, folder="things")
    assert lakehouse.update().state == "COMPLETED"
    assert values(lakehouse, "id", "price", "new", "date", "_rescued_data") == [
        ("1,5", 2.5, -5.0, "1.2", None),
        ("1.5", None, 7.0, "1,2", f'{{"price":"2.5","_file_path":"{file}"}}'),
        ("2", None, 3.25, "x", f'{{"price":"1.000","_file_path":"{file}"}}'),
    ]
