"""Valid documents arrive whole, and no document stops a reader or loses a character."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.encoding import WrongEncodingError
from pipeline.records.values import Corrupt, RawNumber, json_text
from tests.records.json_documents import EITHER, IN_ANOTHER_ENCODING, INVALID, VALID
from tests.records.test_json import SEPARATORS, records_of

if TYPE_CHECKING:
    from pipeline.records.values import Record


def shown(value: Any) -> Any:
    if isinstance(value, Corrupt | RawNumber):
        return value.text
    return {key: shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def content(text: str) -> str:
    return "".join(sign for sign in text if sign not in SEPARATORS)


@pytest.mark.parametrize("block_bytes", [1, 7, 65_536])
def test_record_of_a_valid_document_arrives(block_bytes: int) -> None:
    for document, records in VALID:
        json.loads(document)
        assert [shown(record) for record in records_of(document, block_bytes)] == records, document


@pytest.mark.parametrize("document", [*INVALID, *EITHER], ids=lambda document: repr(document[:20]))
def test_document_of_any_kind_becomes_rows_and_loses_nothing(document: bytes) -> None:
    if document in IN_ANOTHER_ENCODING:
        with pytest.raises(WrongEncodingError):
            records_of(document)
        return
    records: list[Record] = records_of(document)
    assert records == records_of(document, 5)
    columns = [Column("a", "string"), Column("b", "struct<c:bigint>")]
    to_record_batch(records, columns, "file").validate(full=True)
    try:
        text = document.decode()
    except UnicodeDecodeError:
        assert records
        return
    if not any("\\" in line and "{" in line for line in text.splitlines()):
        kept = "".join(record.text if isinstance(record, Corrupt) else json_text(record) for record in records)
        assert content(kept) == content(text)
