"""Functions that stand in for those that exist on Databricks alone."""

from __future__ import annotations

import typing
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

_TYPES = {str: "string", int: "bigint", float: "double", bool: "boolean"}


def register_stand_ins(spark: SparkSession, file: Path) -> list[str]:
    """Register the functions of a Python file with the session, and return their names.

    A function's return type is that of its annotation, else a text; one made with Spark's `udf` keeps its own.

    Raises:
        AuthorError: The file cannot be run, or a function returns something that has no type here.
    """
    namespace: dict[str, Any] = {"__name__": file.stem, "__file__": str(file), "spark": spark}
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), namespace)  # noqa: S102 - the author's own source
    except Exception as error:
        problem = f"{file} does not run: {type(error).__name__}: {error}."
        raise AuthorError(problem, "Correct the file that `functions` names.") from error
    registered = []
    for name, value in namespace.items():
        if name.startswith("_"):
            continue
        if hasattr(value, "returnType") and hasattr(value, "func"):
            spark.udf.register(name, value)
        elif isinstance(value, FunctionType) and value.__code__.co_filename == str(file):
            spark.udf.register(name, value, _type_of(name, value, file))
        else:
            continue
        registered.append(name)
    return registered


def _type_of(name: str, function: FunctionType, file: Path) -> str:
    kind = typing.get_type_hints(function).get("return", str)
    if kind not in _TYPES:
        problem = f"{file}: `{name}` returns {kind}; expected one of str, int, float, bool."
        raise AuthorError(problem, "Decorate it with pyspark.sql.functions.udf and its type.")
    return _TYPES[kind]
