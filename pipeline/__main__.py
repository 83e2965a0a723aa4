"""`python -m pipeline`."""

from __future__ import annotations

import sys

from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command

if __name__ == "__main__":
    sys.exit(run_command(app, "python -m pipeline"))
