"""Orders for the library in faults.c: which calls on a store's files fail, or end the process."""

import mmap
import struct
import subprocess
from enum import IntEnum, IntFlag
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
_LAYOUT = struct.Struct("=5i44s")


class Action(IntEnum):
    """What happens to a call that is hit: COUNT lets it pass, TEAR writes half of its sectors before the kill."""

    QUIET = 0
    COUNT = 1
    FAIL = 2
    KILL = 3
    TEAR = 4


class Calls(IntFlag):
    """Kinds of calls."""

    WRITES = 1
    SYNCS = 2
    OPENS = 4


class Faults:
    """One process's faults; `environment` is what it has to be started with."""

    def __init__(self, library: Path, file: Path) -> None:
        file.write_bytes(bytes(_LAYOUT.size))
        with file.open("r+b") as opened:
            self._orders = mmap.mmap(opened.fileno(), _LAYOUT.size)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS": str(file)}

    def order(
        self,
        action: Action,
        *,
        calls: Calls = Calls.WRITES | Calls.SYNCS,
        error: int = 0,
        start: int = 1,
        match: str = ".db",
    ) -> None:
        """From the `start`-th call on a file whose name has `match` in it, counted from now."""
        # What to do comes last: until then nothing is hit.
        self._orders[:] = _LAYOUT.pack(Action.QUIET, calls, error, start, 0, match.encode())
        self._orders[0:4] = struct.pack("=i", action)

    @property
    def count(self) -> int:
        """Calls since the order."""
        return int(_LAYOUT.unpack(self._orders[:])[4])


def build(folder: Path) -> Path:
    """The library, compiled."""
    library = folder / "faults.so"
    command = ("cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(SOURCE), "-ldl")
    subprocess.run(command, check=True)
    return library
