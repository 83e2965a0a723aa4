"""Auto Loader's options, as a source of files of this engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql.types import StructType

from pipeline.declare.files_source import FilesSource
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX = "cloudfiles."
# Files of these formats say themselves what their columns are.
_TYPED_FORMATS = {"parquet", "avro", "orc"}
_FORMAT_NAMES = {"binaryfile": "binaryFile"}
# How Databricks finds files, and what a pipeline there does by itself. None of it changes a row.
WITHOUT_EFFECT = frozenset({
    "schemalocation", "usenotifications", "useincrementallisting", "usemanagedfileevents", "backfillinterval",
    "fetchparallelism", "maxfileage", "resourcetag", "region", "queueurl", "validateoptions", "usestrictglobber",
    "connectionstring", "resourcegroup", "subscriptionid", "tenantid", "clientid", "clientsecret", "rolearn",
    "multiline", "mergeschema", "checkpointlocation", "ignorecorruptfiles", "ignoremissingfiles", "listonstart",
    "samplesize", "inferschema.samplesize", "prefersdecimal", "allowcomments", "readercasesensitive",
})  # fmt: skip
_MODES = {"addnewcolumns": "addNewColumns", "rescue": "rescue", "failonnewcolumns": "failOnNewColumns", "none": "none"}
_CORRUPT = "_corrupt_record"
_DURATION = re.compile(r"(?:interval\s+)?(\d+)\s*([smhdw])[a-z]*", re.IGNORECASE)


@dataclass(frozen=True)
class CloudFiles:
    """A folder that Auto Loader reads.

    Attributes:
        source: The folder and how its files become rows.
        rescued: The name of the column with rescued data, or empty where there is none.
        corrupt: The name of the column with the text of broken records, or empty where there is none.
        without_effect: The options that change nothing here.
    """

    source: FilesSource
    rescued: str
    corrupt: str
    without_effect: tuple[str, ...]


def cloud_files(
    path: Path,
    options: Mapping[str, str],
    schema: str | StructType | None,
    *,
    infers_types: bool = False,
) -> CloudFiles:
    """Return what a call of Auto Loader reads.

    Args:
        path: The folder on this machine.
        options: The options under Databricks' names, in any case, with or without `cloudFiles.`.
        schema: The columns, or None where they are inferred.
        infers_types: Whether types are inferred where no option says so, as `read_files` does.

    Raises:
        AuthorError: An option cannot be honoured.
    """
    given = {name.lower().removeprefix(_PREFIX): str(value) for name, value in options.items()}
    form = given.pop("format", "json")
    form = _FORMAT_NAMES.get(form.lower(), form.lower())
    without_effect = tuple(sorted(WITHOUT_EFFECT & given.keys()))
    given = {name: value for name, value in given.items() if name not in WITHOUT_EFFECT}
    corrupt = given.pop("columnnameofcorruptrecord", "")
    hints, corrupt = _hints(schema, given.pop("schemahints", ""), corrupt)
    wanted: dict[str, Any] = {"path_glob_filter": "*", "recursive_file_lookup": True, "max_files_per_trigger": 1000}
    wanted["infer_column_types"] = _types(given, form, infers_types=infers_types)
    wanted["schema_evolution_mode"] = _mode(given, has_schema=schema is not None)
    if form == "csv":
        # As Auto Loader does: where columns are inferred, the first line is taken for their names.
        wanted["header"] = _is_true(given.pop("header", str(schema is None)))
    rescued = given.pop("rescueddatacolumn", "_rescued_data" if schema is None else "")
    if schema is not None and rescued and wanted["schema_evolution_mode"] == "none":
        wanted["schema_evolution_mode"] = "rescue"
    for option, (name, read) in _OPTIONS.items():
        if option in given:
            wanted[name] = read(given.pop(option))
    if wanted.get("clean_source", "off") not in {"off", "delete"}:
        problem = f"`cloudFiles.cleanSource` is `{wanted['clean_source'].upper()}`, which would move the files."
        raise AuthorError(problem, "Write `DELETE`, or leave it out and clear the folder by hand.")
    if given:
        _refuse_rest(given)
    source = FilesSource.declared(path="files", format=form, schema_hints=hints, **wanted)
    object.__setattr__(source, "path", str(path))
    return CloudFiles(source, rescued, corrupt, without_effect)


def _hints(schema: str | StructType | None, hints: str, corrupt: str) -> tuple[str, str]:
    """Return the columns that are given, and the name of the one that broken records go to."""
    if schema is None:
        return hints, corrupt
    fields = cast("StructType", StructType.fromDDL(schema)) if isinstance(schema, str) else schema
    corrupt = corrupt or (_CORRUPT if _CORRUPT in fields.names else "")
    kept = StructType([field for field in fields if field.name != corrupt])
    return ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in kept), corrupt


def _types(given: dict[str, str], form: str, *, infers_types: bool) -> str:
    chosen = [given.pop(name) for name in ("infercolumntypes", "inferschema") if name in given]
    if form in _TYPED_FORMATS:
        return "all"
    return "all" if (any(map(_is_true, chosen)) if chosen else infers_types) else "none"


def _mode(given: dict[str, str], *, has_schema: bool) -> str:
    mode = given.pop("schemaevolutionmode", "none" if has_schema else "addNewColumns")
    if mode.lower() not in _MODES:
        problem = f"`cloudFiles.schemaEvolutionMode` is `{mode}`."
        raise AuthorError(problem, f"Expected one of {', '.join(_MODES.values())}.")
    return _MODES[mode.lower()]


def _is_true(value: str) -> bool:
    return value.strip().lower() == "true"


def _names(value: str) -> str:
    return value


def _duration(value: str) -> str:
    """Return a duration as this engine reads it, of one such as `30 days` or `INTERVAL 7 DAYS`."""
    found = _DURATION.fullmatch(value.strip())
    return f"{found[1]}{found[2].lower()}" if found is not None else value


_OPTIONS: dict[str, tuple[str, Any]] = {
    "maxfilespertrigger": ("max_files_per_trigger", int),
    "maxbytespertrigger": ("max_bytes_per_trigger", _names),
    "includeexistingfiles": ("include_existing_files", _is_true),
    "partitioncolumns": ("partition_columns", _names),
    "pathglobfilter": ("path_glob_filter", _names),
    "fileglobfilter": ("path_glob_filter", _names),
    "recursivefilelookup": ("recursive_file_lookup", _is_true),
    "sep": ("delimiter", _names),
    "delimiter": ("delimiter", _names),
    "encoding": ("encoding", _names),
    "charset": ("encoding", _names),
    "skiprows": ("skip_rows", int),
    "rowtag": ("row_tag", _names),
    "cleansource": ("clean_source", str.lower),
    "cleansource.retentionduration": ("clean_source_retention", _duration),
}
# Options whose usual value is what happens here anyway.
_USUAL = {
    "mode": "permissive", "allowoverwrites": "false", "quote": '"', "escape": "\\",
    "wholetext": "false", "ignoreleadingwhitespace": "false", "ignoretrailingwhitespace": "false",
}  # fmt: skip
_INSTEAD = {
    "mode": "Leave it out: broken records are kept, in the column of rescued data.",
    "allowoverwrites": "Leave it out, and let changed files land under new names.",
}


def _refuse_rest(given: Mapping[str, str]) -> None:
    for option, value in given.items():
        if _USUAL.get(option) == value.strip().lower():
            continue
        remedy = _INSTEAD.get(option, "Leave it out, or read the files with `spark.read` in a materialized view.")
        raise AuthorError(f"Auto Loader's option `{option}` with the value `{value}` cannot be honoured here.", remedy)
