"""Spark's own reading methods, which read through the pipeline while its code runs."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.readwriter import DataFrameReader
from pyspark.sql.streaming.readwriter import DataStreamReader

from pipeline.databricks.reads import check_there
from pipeline.databricks.running import author_line, location_of, outside_of_source, running
from pipeline.databricks.sql.source import rows_of
from pipeline.databricks.writes import check_asks, refuse_writes
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

    from pipeline.databricks.reads import SourceReads

_OPTIONS = "_lakehouse_options"
_SCHEMA = "_lakehouse_schema"
_AUTO_LOADER = "cloudfiles"
_DELTA = "delta"
# Each of these is a way to load paths.
_FILE_FORMATS = ("csv", "json", "parquet", "text", "orc", "xml", "avro")
_PATCHED = "_lakehouse_patched"
# Former names of functions that `from pyspark.sql.functions import *` leaves out since PySpark lists what it exports.
_FORMER_NAMES = (
    "approxCountDistinct", "bitwiseNOT", "countDistinct", "shiftLeft", "shiftRight", "shiftRightUnsigned",
    "sumDistinct", "toDegrees", "toRadians",
)  # fmt: skip


def patch_readers() -> None:
    """Wrap Spark's reading methods, once for the process; outside the code of a pipeline they do what they did."""
    if getattr(DataStreamReader, _PATCHED, False):
        return
    setattr(DataStreamReader, _PATCHED, True)
    for reader in (DataStreamReader, DataFrameReader):
        for name in ("format", "option", "options", "schema"):
            _wrap(reader, name, _noting(name))
    for name in _FILE_FORMATS:
        if hasattr(DataFrameReader, name):
            _wrap(DataFrameReader, name, _load)
        if hasattr(DataStreamReader, name):
            _wrap(DataStreamReader, name, functools.partial(_load_stream_of, name))
    _wrap(DataStreamReader, "load", _load_stream)
    _wrap(DataFrameReader, "load", _load)
    _wrap(DataStreamReader, "table", _table(as_stream=True))
    _wrap(DataFrameReader, "table", _table(as_stream=False))
    _wrap(SparkSession, "table", _table(as_stream=False))
    _wrap(SparkSession, "sql", _sql)
    _wrap_function()
    refuse_writes()
    F.__all__ += [name for name in _FORMER_NAMES if name not in F.__all__ and hasattr(F, name)]


def _wrap(owner: Any, name: str, instead: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        if running() is None:
            return original(self, *arguments, **named)
        return instead(original, self, *arguments, **named)

    setattr(owner, name, method)


def _noting(name: str) -> Callable[..., Any]:
    """Return a method that does what the original does, and remembers what it was given."""

    def method(original: Callable[..., Any], self: Any, *arguments: Any, **named: Any) -> Any:
        noted: dict[str, str] = self.__dict__.setdefault(_OPTIONS, {})
        if name == "schema":
            self.__dict__[_SCHEMA] = arguments[0] if arguments else named["schema"]
            if noted.get("format", "").lower() == _AUTO_LOADER:
                return self
        elif name == "format":
            noted["format"] = arguments[0] if arguments else named["source"]
        elif name == "option":
            key, value = arguments if len(arguments) == 2 else (*arguments, *named.values())  # noqa: PLR2004
            noted[key] = _text(value)
        else:
            noted.update({key: _text(value) for key, value in named.items()})
        return original(self, *arguments, **named)

    return method


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _load_stream(_: Callable[..., Any], self: Any, path: Any = None, *arguments: Any, **named: Any) -> DataFrame:
    noted: dict[str, str] = {**self.__dict__.get(_OPTIONS, {})}
    schema: str | StructType | None = self.__dict__.get(_SCHEMA)
    for name, value in zip(("format", "schema"), arguments, strict=False):
        named.setdefault(name, value)
    if named.get("schema") is not None:
        schema = named["schema"]
    noted |= {name: _text(value) for name, value in named.items() if name != "schema" and value is not None}
    reads = _reads()
    with author_line(), outside_of_source():
        form = noted.get("format", "parquet").lower()
        if form not in {_AUTO_LOADER, _DELTA, *_FILE_FORMATS}:
            problem = f"A stream of the format `{form}` has no flow here."
            raise AuthorError(problem, "Read files with `cloudFiles`, and tables with `spark.readStream.table`.")
        place = path or next((value for name, value in noted.items() if name.lower() == "path"), None)
        if place is None:
            raise AuthorError(f"A stream of the format `{form}` is given no path.", "Write the folder into `load()`.")
        if form == _DELTA:
            return reads.delta_stream(str(place), reads.places.local(str(place)), noted)
        # The reader's own format is `cloudFiles`; that of its files is an option.
        options = {"format": "json"} if form == _AUTO_LOADER else {"format": form, "recursiveFileLookup": "false"}
        for name, value in noted.items():
            if name.lower() not in {"path", "format"}:
                options["format" if name.lower() == "cloudfiles.format" else name] = value
        return reads.auto_loader(reads.places.local(str(place)), options, schema, infers_types=False)


def _load_stream_of(
    form: str, _: Callable[..., Any], self: Any, path: Any = None, schema: Any = None, **named: Any
) -> DataFrame:
    return _load_stream(_, self, path, form, schema, **named)


def _load(original: Callable[..., Any], self: Any, path: Any = None, *arguments: Any, **named: Any) -> DataFrame:
    reads = _reads()
    with author_line(), outside_of_source():
        if isinstance(path, str | list):
            places = [reads.places.local(one) for one in ([path] if isinstance(path, str) else path)]
            for place in places:
                reads.note(str(place))
                check_there(place, "A path that is read")
            path = [str(place) for place in places] if isinstance(path, list) else str(places[0])
    if path is None:
        return original(self, *arguments, **named)  # type: ignore[no-any-return]
    return original(self, path, *arguments, **named)  # type: ignore[no-any-return]


def _table(*, as_stream: bool) -> Callable[..., Any]:
    def method(original: Callable[..., Any], self: Any, tableName: str) -> DataFrame:  # noqa: N803 - Spark's name
        del original
        options: Mapping[str, str] = self.__dict__.get(_OPTIONS, {})
        return _reads().table(tableName, as_stream=as_stream, options=options)

    return method


def _sql(original: Callable[..., Any], self: Any, sqlQuery: str, args: Any = None, **named: Any) -> DataFrame:  # noqa: N803
    del original, named
    check_asks(sqlQuery)
    current = running()
    assert current is not None
    arguments = args if isinstance(args, dict) else None
    return rows_of(sqlQuery, self, current.reads, arguments, location_of(current.files))


def _wrap_function() -> None:
    original = F.input_file_name

    @functools.wraps(original)
    def input_file_name() -> Column:
        return original() if running() is None else F.col("_metadata.file_path")

    F.input_file_name = input_file_name


def _reads() -> SourceReads:
    current = running()
    assert current is not None
    return current.reads
