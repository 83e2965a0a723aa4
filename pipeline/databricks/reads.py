"""How a source's queries read: the pipeline's datasets, tables from outside, and files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.databricks.cloud_files import cloud_files
from pipeline.databricks.declared import Reads
from pipeline.databricks.hidden import with_hidden
from pipeline.databricks.places import is_pattern
from pipeline.databricks.running import author_line, outside_of_source
from pipeline.declare.files_source import TECHNICAL_COLUMNS
from pipeline.declare.outside_stream import OutsideStream, read_outside
from pipeline.declare.reading import active_reader
from pipeline.foundation.errors import AuthorError, NoDataError
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipeline.databricks.cloud_files import CloudFiles
    from pipeline.databricks.names import Names
    from pipeline.databricks.places import Places

_METADATA = "_metadata"
# Options with which a table gives its changes in the place of its rows.
_CHANGE_FEED = {"readchangefeed", "readchangedata"}
# Auto Loader's own prefix on options, which batch readers do not know.
_PREFIX = "cloudfiles."


class SourceReads(Reads):
    """Reads for one pipeline.

    Args:
        spark: The session.
        names: The names of the pipeline's datasets.
        places: What stands for paths and outside tables.
    """

    def __init__(self, spark: SparkSession, names: Names, places: Places) -> None:
        self._spark = spark
        self._names = names
        self.places = places

    def table(self, name: str, *, as_stream: bool, options: Mapping[str, str] | None = None) -> DataFrame:
        """Return a dataset of the pipeline or a table from outside, whole or as a stream.

        Raises:
            AuthorError: There is no such table.
        """
        with author_line(), outside_of_source():
            if not isinstance(name, str):
                raise AuthorError(f"A table is read whose name is {name!r}.", "Write its name in quotes.")
            dataset = self._names.find(name)
            if dataset is not None:
                if any(name.lower() in _CHANGE_FEED and value != "false" for name, value in (options or {}).items()):
                    problem = f"`{dataset}` is read as a feed of its changes."
                    raise AuthorError(problem, "Read a table that rows are only added to; AUTO CDC takes its changes.")
                reader = active_reader("a read of a dataset")
                return reader.stream(dataset) if as_stream else reader.snapshot(dataset)
            return self._outside(name, as_stream=as_stream, options=options or {})

    def _outside(self, name: str, *, as_stream: bool, options: Mapping[str, str]) -> DataFrame:
        found = self.places.table(name, self._names.full(name))
        if found is None:
            problem = f"`{name}` is not a table of this pipeline, and nothing stands for it."
            known = ", ".join(self._names.declared()) or "none"
            remedy = "Name data for it under `tables` in the settings; Delta, Parquet, CSV and JSON will do."
            raise NoDataError(f"{problem} The pipeline's tables are: {known}.", remedy)
        path, form = found
        if as_stream:
            if form != "delta" and path.exists():
                problem = f"`{name}` is read as a stream, and {path} is not a Delta table, whose log says what is new."
                remedy = f'Make it one: spark.read.format("{form}").load(…).write.format("delta").save(…).'
                raise AuthorError(problem, remedy)
            return self.delta_stream(name, path, options)
        self.note(name)
        reader: Any = self._spark.read.format(form).options(**options)
        if form in {"csv", "json"}:
            reader = reader.options(header="true", inferSchema="true")
        return _loaded(reader, path, f"`{name}`, an outside table,")

    def files(
        self,
        path: str,
        options: Mapping[str, str],
        *,
        as_stream: bool,
        schema: str | StructType | None = None,
    ) -> DataFrame:
        """Return the records of a folder's files: with Auto Loader as a stream, else all that are there.

        Raises:
            AuthorError: The path has no place on this machine, or an option cannot be honoured.
        """
        with author_line(), outside_of_source():
            place = self.places.local(path)
            if as_stream:
                return self.auto_loader(place, options, schema, infers_types=True)
            self.note(str(place))
            given = {name.lower().removeprefix(_PREFIX): value for name, value in options.items()}
            reader: Any = self._spark.read.format(given.pop("format", "json"))
            if schema is not None:
                reader = reader.schema(schema)
            elif "inferschema" not in given:
                given["inferschema"] = given.pop("infercolumntypes", "true")
            given.setdefault("header", str(schema is None).lower())
            return _loaded(reader.options(**given), place, f"`{path}`")

    def delta_stream(self, name: str, path: Path, options: Mapping[str, str]) -> DataFrame:
        """Return the rows of a Delta table from outside, each once.

        Raises:
            AuthorError: The table does not take the options.
            NoDataError: There is none.
        """
        check_there(path / "_delta_log", f"`{name}`, a Delta table that is read as a stream,")
        given = {option: value for option, value in options.items() if option.lower() not in {"format", "path"}}
        source = OutsideStream(name, str(path), tuple(sorted(given.items())))
        return read_outside(source, partial(source.rows, self._spark))

    def auto_loader(
        self,
        place: Path,
        options: Mapping[str, str],
        schema: str | StructType | None,
        *,
        infers_types: bool,
    ) -> DataFrame:
        """Return the records of a folder's files, each once, in the columns that Auto Loader gives them."""
        if is_pattern(place.parent):
            problem = f"Auto Loader is given the pattern {place}, whose folders are not fixed."
            raise AuthorError(problem, "Name the folder above them: Auto Loader reads everything below it.")
        if place.name == "*":
            place = place.parent
        elif is_pattern(place):
            place, options = place.parent, {"pathGlobFilter": place.name, "recursiveFileLookup": "false", **options}
        read = cloud_files(place, options, schema, infers_types=infers_types)
        return _as_original(active_reader("cloudFiles").files(read.source), read)

    def note(self, name: str) -> None:
        """Note that the query depends on something that no flow of the pipeline fills."""
        try:
            active_reader("").outside(name)
        except AuthorError:
            # Outside queries, while declarations are loaded, nothing depends on it yet.
            return


def _as_original(records: DataFrame, read: CloudFiles) -> DataFrame:
    """Return records in the original's columns: data, what was rescued, and `_metadata`, which `*` leaves out."""
    broken = F.to_json(
        F.struct(F.col("_corrupt_record").alias("_corrupt_record"), F.col("source_file").alias("_file_path"))
    )
    rescued = F.col("_rescued_data")
    columns = [F.col(quoted(name)) for name in records.columns if name not in TECHNICAL_COLUMNS]
    if read.corrupt:
        columns.append(F.col("_corrupt_record").alias(read.corrupt))
    elif read.rescued:
        rescued = F.when(F.col("_corrupt_record").isNotNull(), broken).otherwise(rescued)
    if read.rescued:
        columns.append(rescued.alias(read.rescued))
    metadata = F.struct(
        F.col("source_file").alias("file_path"),
        F.element_at(F.split("source_file", "/"), -1).alias("file_name"),
        F.col("file_modification_time"),
    )
    return with_hidden(records.select(*columns, metadata.alias(_METADATA)), _METADATA)


def check_there(path: Path, what: str) -> None:
    """Check that something is at a path, which may be a pattern.

    Raises:
        NoDataError: Nothing is.
    """
    if not any(path.parent.glob(path.name)):
        problem = f"{what} stands at {path}, and nothing is there."
        raise NoDataError(problem, "Put data there, or correct `paths` and `tables` in the settings.")


def _loaded(reader: Any, path: Path, what: str) -> DataFrame:
    check_there(path, what)
    frame: DataFrame = reader.load(str(path))
    return frame
