"""What a source finds without declaring it: names that need no import, and Databricks' modules that hand them out."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.databricks.dbutils import DbUtils


@dataclass(frozen=True)
class Handles:
    """The session and Databricks' utilities, as a source reaches them.

    Attributes:
        spark: The session.
        dbutils: The utilities.
    """

    spark: SparkSession
    dbutils: DbUtils

    def names(self) -> dict[str, Any]:
        """Return what a file or notebook finds under these names without an import."""
        return {"spark": self.spark, "dbutils": self.dbutils, "display": _nothing, "displayHTML": _nothing}

    def modules(self) -> dict[str, ModuleType]:
        """Return the modules that hand out the same, by name."""
        utilities = ModuleType("pyspark.dbutils")
        utilities.__dict__["DBUtils"] = lambda *_: self.dbutils
        runtime = ModuleType("databricks.sdk.runtime")
        runtime.__dict__.update(self.names())
        found = {"pyspark.dbutils": utilities, "databricks.sdk.runtime": runtime}
        if find_spec("databricks") is None:
            for name in ("databricks", "databricks.sdk"):
                found[name] = ModuleType(name)
                found[name].__path__ = []
        return found


def _nothing(*_: Any, **__: Any) -> None:
    return None
