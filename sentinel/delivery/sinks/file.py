"""A file of JSON lines that never grows beyond bounds.

A message counts as delivered once its line is in the file and, with `sync`, on the disk: without it a crash of the
machine, not of the process, may lose the newest lines although they count as delivered.
"""

import os
import stat
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sentinel.delivery.render import render_json, render_words
from sentinel.errors import ConfigError, DeliveryError, Fault
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Before a line would make the file larger than `max_bytes` it moves to `.1`, that to `.2` and so on.

    `keep` older files stay. With `sync` each line is on the disk when it counts as delivered.
    """

    path: Path
    max_bytes: int = 10_000_000
    keep: int = 5
    sync: bool = True


class FileSink:
    """Appends each message as one line. The file is made anew when somebody moved it away."""

    audience = Audience.PROGRAMS

    def __init__(self, name: str, settings: FileSettings) -> None:
        """Makes nothing yet; raises ConfigError with the paths `path`, `max_bytes` or `keep`."""
        faults = [
            Fault(f"must be at least {least}", path=path)
            for path, given, least in (("max_bytes", settings.max_bytes, 1), ("keep", settings.keep, 0))
            if given < least
        ]
        if reason := _obstacle(settings.path):
            faults.append(Fault(f"cannot be written: {reason}", path="path"))
        if faults:
            raise ConfigError(tuple(faults))
        self._name = name
        self._path, self._settings = settings.path, settings
        self._lock = threading.Lock()
        self._file: int | None = None

    def send(self, message: Message, now: datetime) -> None:
        """Appends the message; what could not be written whole is taken back."""
        self._append(render_json(message))

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Appends a line with `text` in place of `event`."""
        self._append(render_words(self._name, text, severity))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._release()

    def _append(self, line: bytes) -> None:
        with self._lock:
            try:
                self._write(line + b"\n")
            except OSError as error:
                raise DeliveryError(f"the file cannot be written: {_reason(error)}", retryable=True) from error

    def _write(self, data: bytes) -> None:
        file = self._current()
        size = os.fstat(file).st_size
        if size and size + len(data) > self._settings.max_bytes:
            self._rotate()
            file, size = self._current(), 0
        try:
            _write_all(file, data)
            if self._settings.sync:
                os.fsync(file)
        except OSError:
            # The rest of a line that broke off must not become the beginning of the next one.
            os.ftruncate(file, size)
            raise

    def _current(self) -> int:
        """The open file, which is the one at the path."""
        if self._file is not None and not _is_at(self._file, self._path):
            self._release()
        if self._file is None:
            self._file = _opened(self._path)
            if self._settings.sync:
                _sync_folder(self._path.parent)
        return self._file

    def _rotate(self) -> None:
        self._release()
        if self._settings.keep == 0:
            self._path.unlink()
            return
        for number in range(self._settings.keep, 0, -1):
            older = _numbered(self._path, number - 1)
            if older.exists():
                older.replace(_numbered(self._path, number))

    def _release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _obstacle(path: Path) -> str:
    """Why the file could not be made or written, as far as that can be seen without making it; empty if it could."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.exists() and not path.is_file():
        return "it is no ordinary file"
    needed = path if path.exists() else path.parent
    return "" if os.access(needed, os.W_OK) else "permission denied"


def _opened(path: Path) -> int:
    # Without O_NONBLOCK a pipe that nobody reads would hold us up here.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    file = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, "it is no ordinary file")
    return file


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
