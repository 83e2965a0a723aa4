"""What every record is given when it is ingested: an identity, and the moment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_TIMESTAMP = pa.timestamp("us", tz="UTC")
# As Spark numbers rows: so many bits for the row, the others for the part it is in.
_ROW_BITS = 33
_LAST_DIGITS = 3


@dataclass(frozen=True)
class Stamp:
    """What the records of one batch are given: `record_id` before their own columns, `ingestion_timestamp` after.

    An identity is the batch's own sixteen random digits and the record's number, both hexadecimal.

    Attributes:
        moment: When they are ingested.
    """

    moment: datetime
    batch_digits: str = field(default_factory=lambda: uuid.uuid4().hex[:16])

    def columns(self, records: pa.Schema) -> pa.Schema:
        """Return the columns of stamped records."""
        return pa.schema([("record_id", pa.string()), *records, ("ingestion_timestamp", _TIMESTAMP)])

    def on_batches(self, batches: Iterator[pa.RecordBatch], part: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield records stamped.

        Args:
            batches: Records.
            part: Which part of the batch they are; no two may have the same.
        """
        first = part << _ROW_BITS
        for records in batches:
            ids = self._ids(first, first + records.num_rows)
            first += records.num_rows
            moments = pa.repeat(pa.scalar(self.moment, _TIMESTAMP), records.num_rows)
            columns = [ids, *records.columns, moments]
            yield pa.RecordBatch.from_arrays(columns, schema=self.columns(records.schema))

    def _ids(self, first: int, end: int) -> pa.Array:
        """Return the identities of the numbers from a first one up to an end that is left out."""
        pieces = []
        while first < end:
            leading, last = divmod(first, 16**_LAST_DIGITS)
            count = min(end - first, 16**_LAST_DIGITS - last)
            if leading:
                last_digits = _all_last_digits().slice(last, count)
                pieces.append(pc.binary_join_element_wise(f"{self.batch_digits}-{leading:x}", last_digits, ""))
            else:
                pieces.append(pa.array([f"{self.batch_digits}-{number:x}" for number in range(first, first + count)]))
            first += count
        return pa.concat_arrays(pieces) if pieces else pa.array([], pa.string())


@cache
def _all_last_digits() -> pa.Array:
    # Made where they are needed: with its first array Arrow loads pandas, a third of a second.
    return pa.array([f"{number:0{_LAST_DIGITS}x}" for number in range(16**_LAST_DIGITS)])
