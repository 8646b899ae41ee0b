"""A life of a store in a process that may be killed at any call: says what was acknowledged, and goes on where it was.

`python -m tests.crash_storage.victim STORE`
"""

import sys
from collections.abc import Callable
from pathlib import Path

from loguru import logger

from sentinel.errors import StoreError
from sentinel.sources.room import Frame
from sentinel.store import sqlite
from tests.builders import Wire, node
from tests.world import World

LOG_LIMIT = 20 * 4120
CHANGES = 30
STORE_FAILED = 3


def frames() -> list[Frame]:
    """What the edge sees: the same in every run."""
    wire = Wire()
    base = wire.base(node("nas"), node("pi"))
    changes = [wire.patch(("nas", "pi")[number % 2], online=number // 2 % 2 == 1) for number in range(CHANGES)]
    return [base, *changes]


def live(path: Path, acked: Callable[[int], None]) -> World:
    """Sends what the store does not have yet, one commit each."""
    world = World(path, window=0.0)
    session = world.connect()
    (resume_after,) = session.welcomes
    for frame in frames():
        if resume_after is None or frame.position > resume_after:
            world.see(frame)
            acked(session.acks[-1].seq)
    return world


def main() -> int:
    """Runs a life; ends with STORE_FAILED when the store failed."""
    logger.remove()
    sqlite.LOG_LIMIT = LOG_LIMIT
    try:
        live(Path(sys.argv[1]), lambda seq: print(seq, flush=True)).store.close()
    except StoreError as error:
        print(error, file=sys.stderr)
        return STORE_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
