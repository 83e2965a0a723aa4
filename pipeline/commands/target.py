"""The lakehouse and the pipeline that a command works on, and the options that name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.foundation.clock import SystemClock, parse_moment
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.home.places import CHECKOUT, HOME_VARIABLE, Home
from pipeline.settings import DEFAULT_SETTINGS, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pyspark.sql import SparkSession

    from pipeline.events.history import Record
    from pipeline.home.schema_places import SchemaPlaces
    from pipeline.update.update import Update


HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help=f"The lakehouse's folder. Default: {HOME_VARIABLE}, else lakehouse/ in the checkout."),
]
PipelineOption = Annotated[
    Path,
    typer.Option(
        "--pipeline",
        help="The pipeline's settings file.",
        show_default=str(DEFAULT_SETTINGS.relative_to(CHECKOUT)),
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]

DEFAULT_PIPELINE = DEFAULT_SETTINGS


def moment(text: str) -> datetime:
    """Return the time that an option gives.

    Raises:
        AuthorError: The text is neither a time nor a signed duration.
    """
    return parse_moment(text, SystemClock().now())


@dataclass(frozen=True)
class Target:
    """A home and a pipeline's settings."""

    home: Home
    settings: Settings

    @classmethod
    def find(cls, home: Path | None, pipeline: Path, *, to_write: bool = False) -> Target:
        """Return what the options --home and --pipeline name.

        Args:
            home: The home, or None for the one of the environment.
            pipeline: The settings file.
            to_write: Whether the command writes into the home, which is then created.

        Raises:
            AuthorError: The settings are wrong, or the home is not a local path.
            EnvironmentFaultError: The home cannot be written.
        """
        settings = load_settings(pipeline)
        target = cls(Home.find(home), settings)
        if to_write:
            target.home.make_writable()
        return target

    @property
    def schema(self) -> SchemaPlaces:
        """The places of the pipeline's schema."""
        return self.home.schema(self.settings.target_schema)

    def record(self) -> Record:
        """Return the reader of the pipeline's event log."""
        from pipeline.events.history import Record  # noqa: PLC0415 - imports Arrow

        return Record(self.home, self.settings.target_schema)

    def session(self, *, is_lasting: bool = False) -> SparkSession:
        """Return the Spark session, which starts with the first call.

        Args:
            is_lasting: Whether it serves many updates, so that compiling thoroughly pays off.
        """
        from pipeline.spark.session import build_session  # noqa: PLC0415 - importing Spark takes a second

        return build_session(self.home, self.settings.spark, is_lasting=is_lasting)

    def update(self) -> Update:
        """Return an update that a user starts."""
        from pipeline.update.update import Update  # noqa: PLC0415 - imports Spark

        return Update(self.home, self.settings, SystemClock(), self.session, cause="USER_ACTION")


def the_one(kind: str, name: str | None, known: Collection[str], where: Path) -> str:
    """Return the name that `--table` gives, or the only one that there is.

    Raises:
        AuthorError: The name is unknown, or none is given and there is not exactly one.
    """
    if name is not None and name not in known:
        raise UnknownNameError(kind, name, known, str(where))
    if name is None and len(known) != 1:
        problem = f"{where} declares {len(known)} {kind}s: {', '.join(known) or 'none'}."
        raise AuthorError(problem, "Name one of them with --table.")
    return name or next(iter(known))
