"""What opening, reading and writing a Delta table raises."""

from __future__ import annotations

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

__all__ = ["TABLE_ERRORS", "CommitFailedError", "DeltaError"]

TABLE_ERRORS = (DeltaError, OSError, pa.ArrowException)
