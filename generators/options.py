"""The options that the plant's commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from generators.readings import Format

Home = Annotated[
    Path | None,
    typer.Option(help="The lakehouse's folder; else SMART_FACTORY_HOME, else lakehouse/ in the checkout."),
]
Files = Annotated[int, typer.Option(help="How many files to land.")]
Records = Annotated[int, typer.Option(help="How many readings a file holds.")]
Devices = Annotated[int, typer.Option(help="How many sensors the plant has.")]
Seed = Annotated[int | None, typer.Option(help="The same seed and --at land the same bytes; else chance.")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="When it is: 2026-01-31T10:00:00Z, or -6h. Defaults to now."),
]
AnomalyRate = Annotated[
    float, typer.Option(help="The share of anomalous readings, from 0 to 1; trigger-event is hot throughout.")
]
Layout = Annotated[Format, typer.Option("--format", help="One JSON array a file, or JSON Lines.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of a failure.")]
Rate = Annotated[float, typer.Option(help="Readings a second, on average; 0 is idle.")]
Interval = Annotated[str, typer.Option(help="The time from one file to the next, such as 1s.")]
Duration = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="How long, such as 30s; else until stopped.")
]
Large = Annotated[bool, typer.Option("--large", help="Land the file of over 200 MB too.")]
Afterwards = Annotated[
    bool,
    typer.Option("--afterwards", help="Land nothing; overwrite and delete the files landed earlier to be so."),
]
WarmUp = Annotated[
    bool,
    typer.Option(
        "--warm-up",
        help="First land readings of the last minute, and a batch of six hours ago where nothing has landed yet.",
    ),
]
EventLasts = Annotated[
    str,
    typer.Option(help="How long after a trigger event in the same folder the stream is hot too; a batch ends it."),
]
