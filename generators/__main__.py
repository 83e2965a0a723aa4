"""`python -m generators`."""

import sys

from generators.commands import app
from pipeline.foundation.command_line import run_command

if __name__ == "__main__":
    sys.exit(run_command(app, "python -m generators"))
