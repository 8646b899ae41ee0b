"""Lines on standard output: JSON for programs, one readable line for people in front of a terminal."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Literal

from sentinel.delivery.render import Limit, one_line, render_json, render_words
from sentinel.delivery.sinks.protocol import Wording
from sentinel.errors import DeliveryError
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience

LINE = Limit(title=200, body=1000)


@dataclass(frozen=True, slots=True)
class StdoutSettings:
    """`json` for programs, `text` for people."""

    format: Literal["json", "text"] = "json"


class Lines:
    """A stream that several sinks write whole lines to. A line is there, flushed, when `write` returns."""

    def __init__(self, stream: IO[bytes]) -> None:
        # What a buffer could not write it keeps and writes later, beside our own retry: hence no buffer. It is
        # held on to all the same, because it closes the stream when it goes.
        self._buffer = stream
        self._stream: IO[bytes] = getattr(stream, "raw", stream)
        self._lock = threading.Lock()
        self._torn = False

    def write(self, line: bytes) -> None:
        """Writes the line, which holds no line break; raises DeliveryError when it did not get out."""
        with self._lock:
            try:
                # The rest of a line that broke off must not become the beginning of this one.
                self._write_all(b"\n" + line + b"\n" if self._torn else line + b"\n")
                self._stream.flush()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is closed"
                raise DeliveryError(f"standard output cannot be written: {reason}", retryable=True) from error

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = self._stream.write(rest)
            if not written:  # a pipe that does not block says so with None
                raise BlockingIOError(0, "nobody reads it")
            self._torn = written < len(rest)
            rest = rest[written:]


class JsonLines:
    """For programs: one JSON object a line."""

    audience = Audience.PROGRAMS

    def __init__(self, *, name: str, lines: Lines) -> None:
        self._name = name
        self._lines = lines

    def send(self, message: Message, now: datetime) -> None:
        """Writes the message as one line."""
        self._lines.write(render_json(message))

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Writes a line with `text` in place of `event`."""
        self._lines.write(render_words(self._name, text, severity))

    def close(self) -> None:
        """The stream belongs to the process and stays open."""


class TextLines:
    """For people: when it happened and what, on one line."""

    audience = Audience.PEOPLE

    def __init__(self, *, wording: Wording, lines: Lines) -> None:
        self._wording = wording
        self._lines = lines

    def send(self, message: Message, now: datetime) -> None:
        """Writes the message as one line, at the time when it happened."""
        self._write(self._wording.text(message, now, LINE), message.event.timestamp, now)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Writes the text as one line."""
        self._write(text, now, now)

    def close(self) -> None:
        """The stream belongs to the process and stays open."""

    def _write(self, text: Text, moment: datetime, now: datetime) -> None:
        local, today = moment.astimezone(self._wording.zone), now.astimezone(self._wording.zone)
        when = f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M:%S}"
        self._lines.write(f"{when}  {one_line(text.body or text.title)}".encode())
