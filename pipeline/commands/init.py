"""`init`: a small pipeline of one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.first_pipeline import first_pipeline
from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import say

FolderArgument = Annotated[Path, typer.Argument(help="The folder to write; it may exist, but not have these files.")]
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def init(folder: FolderArgument) -> None:
    """Write a small pipeline with a suite, a sample file and a test, to begin with."""
    schema = _NOT_IN_NAMES.sub("_", folder.resolve().name.lower()).strip("_0123456789") or "shop"
    files = first_pipeline(folder.resolve().name, schema)
    there = [name for name in files if (folder / name).exists()]
    if there:
        problem = f"{folder} has {', '.join(there)} already."
        raise AuthorError(problem, "Choose another folder; nothing was written.")
    for name, text in files.items():
        replace_file(folder / name, text)
        say(f"Wrote {folder / name}.")
    say("Next:")
    say(f"  python -m pipeline dry-run --pipeline {folder / 'pipeline.yml'}")
    say(f"  copy {folder / 'sample/orders.json'} into landing/orders/ of the home, then")
    say(f"  python -m pipeline run --pipeline {folder / 'pipeline.yml'}")
    say(f"  python -m pytest {folder / 'tests'}")
