"""A service with a moment of death: it kills itself without a word when it reaches a boundary for the n-th time.

Everything else is the service as it is delivered. What makes rare boundaries frequent is set from outside, too:

    victim.py --config sentinel.json --at "before checkpoint" --nth 7 --log-limit 1
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sentinel import logs
from sentinel.app import serve
from sentinel.config import load
from sentinel.model import Reached
from sentinel.pipeline import writer
from sentinel.store import sqlite


def killer(boundary: str, nth: int, kill: Callable[[], None]) -> Reached:
    """Kills when the boundary is reached for the n-th time, whichever threads reach it."""
    lock = threading.Lock()
    left = nth

    def reached(name: str) -> None:
        nonlocal left
        if name != boundary:
            return
        with lock:
            left -= 1
            if left == 0:
                kill()

    return reached


def die() -> None:
    """Ends this process at once: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Sequence[str]) -> int:
    """Serves until it dies."""
    given = _parsed(arguments)
    sqlite.LOG_LIMIT = given.log_limit
    writer.PURGE_AT_ONCE = given.purge_at_once
    logs.configure(log_format="json")
    config = load(given.config, os.environ, cwd=Path.cwd())
    return serve(config, reached=killer(given.at, given.nth, die))


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--at", required=True, help="the boundary")
    parser.add_argument("--nth", type=int, default=1, help="how often it has to be reached")
    parser.add_argument("--log-limit", type=int, default=sqlite.LOG_LIMIT, help="bytes of log before a checkpoint")
    parser.add_argument("--purge-at-once", type=int, default=writer.PURGE_AT_ONCE, help="events per purge")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
