"""Runs a command on the stack's Spark cluster if there is one, else on this container alone."""

from __future__ import annotations

import os
import socket
import sys

_MASTER = "spark-master"
_VARIABLE = "SMART_FACTORY_SPARK_MASTER"


def main() -> None:
    """Replace this process by the command; the profile `cluster` shows in the name of the master's service."""
    try:
        socket.getaddrinfo(_MASTER, None)
    except socket.gaierror:
        pass
    else:
        os.environ.setdefault(_VARIABLE, f"spark://{_MASTER}:7077")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
