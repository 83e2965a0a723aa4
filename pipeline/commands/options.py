"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.home import HOME_VARIABLE
from pipeline.settings import DEFAULT_SETTINGS

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help=f"The lakehouse's folder; else {HOME_VARIABLE}, else lakehouse/ in the checkout."),
]
PipelineOption = Annotated[Path, typer.Option("--pipeline", help="The pipeline's settings file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

DEFAULT_PIPELINE = DEFAULT_SETTINGS
