"""Why a run ended, in a small file beside the store: for when the store is what failed."""

import os
from contextlib import suppress
from pathlib import Path

ROOM = 1024
"""Bytes."""


class LastWords:
    """One file, best effort: no call raises OSError. It has its room from the start, in case the disk fills up."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> str:
        """What the last run left, empty for nothing; from now on there is room for this run's."""
        found = ""
        with suppress(OSError):
            found = self._path.read_bytes().decode(errors="replace").strip()
        self.leave("")
        return found

    def leave(self, text: str) -> None:
        """Puts the words down for the next run, what was there before gone."""
        # Cut and filled up to one size: written in place, it asks nothing more of a full disk.
        words = text.encode()[:ROOM].decode(errors="ignore").encode().ljust(ROOM)
        with suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, words, 0)
                os.fsync(file)
            finally:
                os.close(file)

    def clear(self) -> None:
        """Nothing is left to say."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
