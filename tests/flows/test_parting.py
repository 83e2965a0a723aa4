"""Rows that Arrow parts into those that pass and those that are left out."""

from __future__ import annotations

import pyarrow as pa

from pipeline.flows.parting import failing_rows, passing_rows

REJECTED = pa.list_(pa.struct([("record_id", pa.string()), ("text", pa.string())]))
SCHEMA = pa.schema([("record_id", pa.string()), ("text", pa.string()), ("__rejected_row", REJECTED)])


def as_sent_to_a_worker(rows: list[dict[str, object]]) -> pa.RecordBatch:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch()


def row(number: int, *, fails: bool) -> dict[str, object]:
    of_source = {"record_id": str(number), "text": "as sent"}
    return {"record_id": str(number), "text": "x" * 100, "__rejected_row": [of_source] if fails else None}


def test_rows_are_parted_by_whether_the_quarantine_gets_something_of_them() -> None:
    rows = as_sent_to_a_worker([row(number, fails=number == 1) for number in range(3)])
    assert passing_rows(rows).to_pylist() == [
        {"record_id": "0", "text": "x" * 100},
        {"record_id": "2", "text": "x" * 100},
    ]
    assert failing_rows(rows).to_pylist() == [{"record_id": "1", "text": "as sent"}]
    assert failing_rows(pa.Table.from_batches([rows])).to_pylist() == failing_rows(rows).to_pylist()


def test_few_failing_rows_do_not_keep_the_message_that_brought_them_in_memory() -> None:
    before = pa.total_allocated_bytes()
    held = [
        failing_rows(as_sent_to_a_worker([row(number, fails=number == 0) for number in range(10_000)]))
        for _ in range(5)
    ]
    assert [rows.num_rows for rows in held] == [1] * 5
    assert pa.total_allocated_bytes() - before < 100_000
