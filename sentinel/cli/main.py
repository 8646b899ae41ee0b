"""The entry point: the command line with the program behind it."""

import atexit
import gc

from sentinel import app
from sentinel.cli.commands import cli

RARELY = 200_000
"""As many new objects there are before the collector of cycles looks at them."""


def main() -> None:
    """Runs the command that the process was started with."""
    # What a command imports and is answered stays until its end, which comes soon and frees it anyway.
    gc.set_threshold(RARELY)
    atexit.register(gc.freeze)
    cli(prog_name="sentinel-py", obj=app)
