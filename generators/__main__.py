"""`python -m generators`."""

from generators.commands import app

if __name__ == "__main__":
    app(prog_name="python -m generators")
