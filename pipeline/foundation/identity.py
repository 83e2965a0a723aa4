"""The columns that identify a row."""

# Where a query makes several rows of one record, `record_row` numbers them from 0.
RECORD_ID, RECORD_ROW = IDENTITY = ("record_id", "record_row")
