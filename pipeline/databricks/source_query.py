"""A query of a pipeline's source, as the engine calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from pipeline.databricks.explaining import explained, first_line_of
from pipeline.databricks.running import line_of_error
from pipeline.foundation.errors import AuthorError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.databricks.running import Running
    from pipeline.declare.dataset import SourceLocation


@dataclass(frozen=True)
class SourceQuery:
    """A query of the source, or another function of it: called, it runs as the author's code does.

    Attributes:
        function: The query itself.
        name: The dataset that it is of.
        where: Its declaration.
        running: The pipeline's code.
    """

    function: Callable[..., Any]
    name: str
    where: SourceLocation
    running: Running

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns: a query's rows.

        Raises:
            AuthorError: The query does not run; the message names its line.
            NoDataError: It opens a file that is not there.
        """
        try:
            with self.running.active():
                return self.function(*arguments)
        except (LakehouseError, Py4JError):
            raise
        except Exception as error:
            where = line_of_error(error, self.running.files) or self.where
            known = explained(error, where, self.running)
            if known is None and isinstance(error, OSError):
                raise
            said = first_line_of(error) or type(error).__name__
            problem = f"{where}: the query of `{self.name}` does not run: {said}"
            remedy = "Correct the query; `python -m pipeline dry-run` tries it."
            raise known or AuthorError(problem, remedy) from error
