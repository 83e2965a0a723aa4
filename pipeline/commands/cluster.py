"""`cluster`: the processes of a Spark cluster for one home."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.commands.target import HomeOption  # noqa: TC001 - typer reads it
from pipeline.home.places import Home

cluster = typer.Typer(no_args_is_help=True, help="Run a Spark cluster for a home that all its machines mount.")

_HostOption = Annotated[str, typer.Option(help="This machine's address; nothing listens on another.")]
_PageOption = Annotated[int, typer.Option(min=0, max=65535, help="The port of Spark's own page; 0 for any free one.")]


@cluster.command()
def master(
    home: HomeOption = None,
    host: _HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 7077,
    page_port: _PageOption = 0,
) -> None:
    """Run the master, which gives sessions their executors, until SIGTERM."""
    from pipeline.spark.standalone import become_master  # noqa: PLC0415 - imports Spark

    become_master(Home.find(home), host, port, page_port)


@cluster.command()
def worker(
    address: Annotated[str, typer.Argument(metavar="MASTER", help="The master, as spark://host:port.")],
    home: HomeOption = None,
    host: Annotated[
        str | None, typer.Option(help="This machine's address. Default: the one from which it reaches the master.")
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores to offer. Default: all.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory to offer, as 2g. Default: all but one gigabyte.")] = None,
    page_port: _PageOption = 0,
) -> None:
    """Run a worker, which starts executors on this machine, until SIGTERM."""
    from pipeline.spark.standalone import become_worker  # noqa: PLC0415 - imports Spark

    become_worker(Home.find(home), address, host, cores=cores, memory=memory, page_port=page_port)
