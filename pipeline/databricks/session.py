"""The session's configuration while it works for a pipeline's source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

# As on Databricks' classic compute for pipelines; `configuration` may say otherwise.
_DEFAULTS = {"spark.sql.ansi.enabled": "false"}


@dataclass
class SessionConfiguration:
    """Sets what a pipeline's source expects of its session, and takes it back.

    Attributes:
        spark: The session, which may serve other pipelines later.
        values: The settings' `configuration`.
    """

    spark: SparkSession
    values: Mapping[str, str]
    _before: dict[str, str | None] = field(default_factory=dict)

    def apply(self) -> None:
        """Set the configuration.

        Raises:
            AuthorError: A key cannot be changed while the session runs.
        """
        for name, value in {**_DEFAULTS, **self.values}.items():
            before = self.spark.conf.get(name, None)
            try:
                self.spark.conf.set(name, value)
            except PySparkException as error:
                problem = f"`configuration` has `{name}`, which a session cannot change: {str(error).splitlines()[0]}"
                raise AuthorError(problem, "Set it under `spark.configuration`, which builds the session.") from error
            self._before.setdefault(name, before)

    def restore(self) -> None:
        """Set what it was before."""
        for name, value in self._before.items():
            if value is None:
                self.spark.conf.unset(name)
            else:
                self.spark.conf.set(name, value)
        self._before.clear()
