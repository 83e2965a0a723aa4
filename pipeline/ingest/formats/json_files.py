"""JSON: lines, objects, arrays, or several of these."""

from pipeline.ingest.keys import type_of
from pipeline.ingest.records import read_json_records as read_records
from pipeline.ingest.records import read_json_rows as read_rows

__all__ = ["read_records", "read_rows", "type_of"]
