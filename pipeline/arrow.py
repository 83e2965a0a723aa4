"""Delta tables read by Arrow, without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pyarrow import fs

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyarrow import dataset


def arrow_dataset(table: DeltaTable) -> dataset.Dataset:
    """Return a table's rows, at the version that was opened, as an Arrow dataset over its files on this machine.

    Arrow reads the files by itself. By default deltalake has Arrow's threads call Python for every read, and one
    that lets go of a file while the interpreter ends aborts the process: half of short programs died so.
    """
    folder = url2pathname(urlsplit(table.table_uri).path)
    return table.to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(folder, fs.LocalFileSystem()))
