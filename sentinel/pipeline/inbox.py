"""What reaches the writer, in lanes of their own: frames in their order, outcomes and commands past them."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sentinel.model import Attempt, Command, Position
from sentinel.pipeline.rules import Exchange
from sentinel.sources.room import Frame

CAPACITY = 1024
"""Frames that may wait; a full lane blocks the session that posts, and flow control pushes back to its edge."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What an edge said when it came: its run, the newest frame it made and the newest that was acknowledged to it."""

    source: str
    boot_id: str
    edge: str
    last_made: Position | None
    last_acked: Position | None


class Session(Protocol):
    """An edge's stream, as the writer sees it. Every method returns at once and may be called after its end."""

    hello: Hello

    def welcome(self, resume_after: Position | None) -> None:
        """Go on after this position, or send a base."""

    def ack(self, position: Position) -> None:
        """Everything up to here is committed."""

    def refuse(self, why: str) -> None:
        """End the stream: the edge broke the rules of the wire."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session began."""

    session: Session


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame came in on a session."""

    session: Session
    frame: Frame


@dataclass(frozen=True, slots=True)
class Closed:
    """A session ended; `expected` when the service itself is ending."""

    session: Session
    expected: bool = False


Item = Opened | Arrived | Closed


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and whom to call once what it brought is committed."""

    command: Command | Exchange
    done: Callable[[], None]


class Inbox:
    """All lanes under one condition. `closed` makes posting a no-op, so that nobody hangs on a writer that ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: deque[Item] = deque()
        self._attempts: list[Attempt] = []
        self._asked: list[Asked] = []
        self._closed = False

    def post(self, item: Item) -> None:
        """Puts a frame or a session's begin or end into its lane; waits while the lane is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._frames) < CAPACITY)
            if not self._closed:
                self._frames.append(item)
                self._changed.notify_all()

    def report(self, attempt: Attempt) -> None:
        """Puts an outcome of a delivery into its lane; never waits."""
        with self._changed:
            self._attempts.append(attempt)
            self._changed.notify_all()

    def ask(self, command: Command | Exchange, done: Callable[[], None]) -> None:
        """Puts a command into its lane; never waits. `done` is called on the writer's thread, or never if it ends."""
        with self._changed:
            self._asked.append(Asked(command, done))
            self._changed.notify_all()

    def take(self, most: int) -> tuple[list[Item], list[Attempt], list[Asked]]:
        """Up to `most` items, all outcomes and all commands."""
        with self._changed:
            items = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
            attempts, self._attempts = self._attempts, []
            asked, self._asked = self._asked, []
            self._changed.notify_all()
        return items, attempts, asked

    def wait(self, seconds: float | None) -> None:
        """Until something is there, the time is over, or the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_something(), seconds)

    def _has_something(self) -> bool:
        return bool(self._frames or self._attempts or self._asked)

    def close(self) -> None:
        """Takes nothing more and lets everybody go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed
