"""`adopt`: the settings of a pipeline that exists on Databricks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.databricks.adopting import adopt as adopted
from pipeline.foundation.shown import say

PathArgument = Annotated[Path, typer.Argument(help="The folder of a bundle, or of a pipeline's source files.")]


def adopt(path: PathArgument) -> None:
    """Write the settings with which a Databricks pipeline's own source runs here. The source is not touched."""
    for one in adopted(path):
        say(f"Wrote {one.file}.")
        for item in one.to_do:
            say(f"  {item}")
        say(f"Next: python -m pipeline dry-run --pipeline {one.file}")
