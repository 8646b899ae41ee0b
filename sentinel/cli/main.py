"""The entry point: the command line with the program behind it."""

from sentinel import app
from sentinel.cli.commands import cli


def main() -> None:
    """Runs the command that the process was started with."""
    cli(prog_name="sentinel-py", obj=app)
