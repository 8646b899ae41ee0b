"""The real writer and sink loops on a real store, with sinks that do as they are told and a fuse to kill it."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from pathlib import Path

from sentinel.delivery.workers import Worker
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Message, Severity, Telling, Text
from sentinel.model import Absorption, Attempt, Audience, Position, SinkPolicy
from sentinel.pipeline.inbox import Item
from sentinel.policy.routes import ANYTHING, Route, Selector
from tests.fakes import FakeClock
from tests.model.edge import Admission
from tests.world import FakeOutbox, World

WIDE = (SinkPolicy("hook", Audience.PROGRAMS), SinkPolicy("phone", Audience.PEOPLE))
NARROW = (
    SinkPolicy("pager", Audience.PROGRAMS),
    SinkPolicy("guard", Audience.PEOPLE),
    SinkPolicy("desk", Audience.INCIDENTS),
)
SINKS = (*WIDE, *NARROW)
ROUTES = (
    Route("all", ANYTHING, None, tuple(sink.name for sink in WIDE), stop=False, index=0),
    Route(
        "away",
        Selector(event_types=("peer.offline",)),
        None,
        tuple(sink.name for sink in NARROW),
        stop=False,
        index=1,
    ),
)
"""Two sinks are told everything, three ask only for machines that went away."""
WINDOW = 3.0
BEFORE_COMMIT = ("folded", "in transaction")
BOUNDARIES = (*BEFORE_COMMIT, "committed", "acknowledged", "delivery taken", "answer received")
FOREVER = timedelta(days=36_500)


class Killed(BaseException):
    """The process ends here, and nothing of it cleans up."""


@dataclass
class Fuse:
    """Kills the process when a boundary is reached for the n-th time from now."""

    boundary: str = ""
    left: int = 0

    def __call__(self, boundary: str) -> None:
        if boundary == self.boundary:
            self.left -= 1
            if self.left <= 0:
                self.boundary = ""
                raise Killed(boundary)


class Mood(Enum):
    """What a sink does with what it is sent."""

    TAKES = auto()
    FAILS = auto()
    ASKS_FOR_PATIENCE = auto()
    REFUSES = auto()
    HANGS = auto()


@dataclass
class Receiver:
    """The other side of a sink: it outlives the service and remembers everything.

    `tried` are messages in the order of their first attempts; `took` and `refused` are keys. A send that hangs waits
    in `hanging` until the test answers it, or dies with its process.
    """

    audience: Audience
    mood: Mood = Mood.TAKES
    contents: dict[str, tuple[bytes, tuple[str, ...]]] = field(default_factory=dict)
    tried: list[Message] = field(default_factory=list)
    took: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    failures: int = 0
    hung: bool = False
    hanging: list[Callable[[], None]] = field(default_factory=list)

    def send(self, message: Message, now: datetime) -> None:
        """Answers in its mood. The same key always brings the same content."""
        content = (message.event.body, tuple(event.key for event in message.folded))
        if message.key not in self.contents:
            self.tried.append(message)
        assert self.contents.setdefault(message.key, content) == content
        match self.mood:
            case Mood.FAILS:
                self.failures += 1
                raise DeliveryError("connection refused", retryable=True)
            case Mood.ASKS_FOR_PATIENCE:
                self.failures += 1
                raise DeliveryError("slow down", retryable=True, retry_after=timedelta(seconds=60))
            case Mood.REFUSES:
                self.refused.add(message.key)
                raise DeliveryError("error=401", retryable=False)
            case _:
                self.took.add(message.key)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Nothing is said here."""

    def close(self) -> None:
        """Nothing is held."""

    def worker(self, _name: str) -> Worker:
        """Does a job at once, or when the test answers it."""
        return _Desk(self)

    def answer(self, mood: Mood) -> None:
        """The oldest send that hangs ends after all."""
        usual, self.mood = self.mood, mood
        try:
            self.hanging.pop(0)()
        finally:
            self.mood = usual


@dataclass
class _Desk:
    receiver: Receiver

    def submit(self, job: Callable[[], None]) -> None:
        if self.receiver.mood is Mood.HANGS:
            self.receiver.hung = True
            self.receiver.hanging.append(job)
        else:
            job()

    def retire(self) -> None:
        """Nothing runs."""


@dataclass
class _Outbox(FakeOutbox):
    """A sink's loop behind a look at what it is offered."""

    loop: SinkLoop = field(kw_only=True)
    look: Callable[[], None] = field(kw_only=True)

    def offer(self, tellings: Sequence[Telling]) -> None:
        self.look()
        super().offer(tellings)
        self.loop.offer(tellings)

    def look_again(self) -> None:
        self.loop.look_again()


class Service(World):
    """One process. `admission` is what has to count of all that was committed, `sees` if sinks may be told now."""

    def __init__(
        self,
        path: Path,
        *,
        clock: FakeClock,
        fuse: Fuse,
        receivers: dict[str, Receiver],
        admission: Admission,
        memory: int = 4,
    ) -> None:
        self.admission = admission
        self.receivers = receivers
        self.memory = memory
        self.sees: Callable[[Admission], bool] = lambda _: False
        self.items: list[Item] = []
        self.on_the_way: list[Admission] = []
        self.dirty = True
        super().__init__(path, sinks=SINKS, window=WINDOW, clock=clock, retention=FOREVER, reached=fuse, routes=ROUTES)

    def start(self) -> None:
        self.loops = {name: self._loop(name, receiver) for name, receiver in self.receivers.items()}
        self.outboxes = {name: _Outbox(loop=loop, look=self._look) for name, loop in self.loops.items()}
        super().start()

    def post(self, item: Item) -> None:
        """Something arrives; the writer takes it at its next step."""
        self.items.append(item)
        self.writer.inbox.post(item)

    def step(self) -> float | None:
        """One step of the writer. What it was given counts exactly if it was committed."""
        before, commits = self.admission, self.commits
        *_, self.admission = self.on_the_way = before.along(self.items)
        self.items = []
        try:
            return super().step()
        except Killed as killed:
            if killed.args[0] in BEFORE_COMMIT:
                self.admission = before
            raise
        finally:
            self.dirty |= self.commits != commits

    def rest(self) -> float | None:
        """Everything that is due at this moment; returns seconds until something is due again."""
        for _ in range(1_000):
            before = self._progress()
            dues = [self.step(), *(self._run(loop) for loop in self.loops.values())]
            if self._progress() == before:
                return min((due for due in dues if due is not None), default=None)
        raise AssertionError("the service never comes to rest")

    def pass_time(self, seconds: float) -> None:
        """Time passes; writer and loops step whenever something is due."""
        end = self.clock.now().boot + seconds
        while (due := self.rest()) is not None and self.clock.now().boot + due < end:
            self.clock.advance(max(due, 1e-6))
        self.clock.advance(max(0.0, end - self.clock.now().boot))
        self.rest()

    def answered(self, receiver: Receiver, mood: Mood) -> None:
        """A send that hangs ends, and the service goes on with that."""
        receiver.answer(mood)
        self.rest()

    def killed(self, elsewhere: Path) -> None:
        """What a kill leaves on disk, in another folder: nothing is closed before it is copied."""
        elsewhere.mkdir()
        for file in self.path.parent.glob(f"{self.path.name}*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, elsewhere / file.name)
        self.store.close()
        shutil.rmtree(self.path.parent)

    def committed(self) -> Position | None:
        """The position on disk."""
        return next((row.position for row in self.store.load().sources), None)

    def _loop(self, name: str, receiver: Receiver) -> SinkLoop:
        return SinkLoop(
            name=name,
            sink=receiver,
            report=self._report,
            backlog=partial(self._backlog, name),
            absorb=self._absorb,
            window=self.memory,
            jitter=lambda: 0.5,
            new_worker=receiver.worker,
            reached=self.reached,
        )

    def _backlog(self, name: str, *, after: int, limit: int) -> Sequence[Telling]:
        return self.reader.backlog(name, after=after, limit=limit)

    def _absorb(self, absorption: Absorption, done: Callable[[], None]) -> None:
        self.writer.inbox.ask(absorption, done)

    def _report(self, attempt: Attempt) -> None:
        self.writer.inbox.report(attempt)

    def _run(self, loop: SinkLoop) -> float | None:
        while (due := loop.step(self.clock.now())) == 0:
            pass
        return due

    def _look(self) -> None:
        """What a step decides, it may have decided between two of its frames."""
        assert any(map(self.sees, self.on_the_way)), "something is told while the source is blind"

    def _progress(self) -> tuple[int, ...]:
        loops = [loop.status() for loop in self.loops.values()]
        asked = len(self.writer.inbox._asked)
        tried = [number for loop in loops for number in (loop.waiting, loop.delivered, loop.dead, loop.failures)]
        return (self.commits, len(self.writer.inbox._attempts), asked, *tried)


def new_receivers() -> dict[str, Receiver]:
    """All sinks' other sides, in their best mood."""
    return {sink.name: Receiver(sink.audience) for sink in SINKS}
