"""What is open at a sink that forgets is told again, and nothing that was closed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sentinel.app.loops import remember_open
from sentinel.delivery.workers import Worker
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import EventType, Message, Severity, Telling, Text
from sentinel.model import Attempt, Audience, Delivery, SinkPolicy
from tests.builders import node
from tests.fakes import FakeClock
from tests.messages import OFFLINE, ONLINE, START, event, message
from tests.world import World

DOWN = DeliveryError("connection refused", retryable=True)


@dataclass
class Forgetful:
    """A sink that has to be told every minute; plays `script`, one entry per repeat (None is a success)."""

    audience = Audience.INCIDENTS
    repeat_every = timedelta(minutes=1)
    sent: list[int] = field(default_factory=list)
    repeated: list[list[int]] = field(default_factory=list)
    script: list[Exception | None] = field(default_factory=list)

    def send(self, message: Message, now: datetime) -> None:
        self.sent.append(message.event.number)

    def repeat(self, messages: Sequence[Message], now: datetime) -> None:
        self.repeated.append([message.event.number for message in messages])
        if self.script and (error := self.script.pop(0)) is not None:
            raise error

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Nothing is said here."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Later:
    """A worker that does its jobs when the test says so."""

    jobs: list[Callable[[], None]] = field(default_factory=list)
    retired: bool = False

    def submit(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def retire(self) -> None:
        self.retired = True


class Bench:
    """A loop whose jobs are done at once, except while `held`."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sink = Forgetful()
        self.reported: list[Attempt] = []
        self.workers: dict[str, Later] = {}
        self.held = False
        self.loop = SinkLoop(name="sink", sink=self.sink, report=self.reported.append, new_worker=self._worker)

    def _worker(self, name: str) -> Worker:
        return self.workers.setdefault(name, Later())

    def step(self, *tellings: Telling, after: float = 0.0) -> float | None:
        self.clock.advance(after)
        self.loop.offer(tellings)
        seconds = self.loop.step(self.clock.now())
        while not self.held and (jobs := [worker.jobs.pop(0) for worker in self.workers.values() if worker.jobs]):
            for job in jobs:
                job()
            seconds = self.loop.step(self.clock.now())
        return seconds


def about(number: int, event_type: EventType = OFFLINE, subject: str = "nas") -> Telling:
    said = message(event(event_type, subject=subject, number=number))
    return Telling(Delivery(number, "sink", said.event.subject, said.key, number, (number,), START), said)


def test_what_was_told_is_told_again_as_long_as_it_is_open() -> None:
    bench = Bench()
    assert bench.step(about(1)) == 60
    assert bench.step(about(2, subject="box"), after=30) == 30
    assert bench.step(after=30) == 60
    bench.step(after=60)
    assert bench.sink.repeated == [[1, 2], [1, 2]]


def test_what_ended_is_not_told_again() -> None:
    bench = Bench()
    bench.step(about(1), about(2, subject="box"))
    bench.step(about(3, ONLINE), after=10)
    bench.step(after=50)
    assert bench.sink.repeated == [[2]]
    bench.step(about(4, ONLINE, subject="box"))
    assert bench.step(after=60) is None
    assert bench.sink.repeated == [[2]]


def test_of_one_problem_the_newest_word_is_told_again() -> None:
    bench = Bench()
    bench.step(about(1))
    bench.step(about(2))
    bench.step(after=60)
    assert bench.sink.repeated == [[2]]


def test_a_repeat_is_no_delivery() -> None:
    bench = Bench()
    bench.step(about(1))
    bench.step(after=60)
    assert [attempt.delivery for attempt in bench.reported] == [1]


def test_what_was_open_before_the_start_is_told_again_at_once() -> None:
    bench = Bench()
    bench.loop.remember([about(1).message])
    assert bench.step() == 60
    assert bench.sink.repeated == [[1]]


def test_nothing_is_sent_while_a_repeat_is_on_its_way_so_that_nothing_closed_is_opened_again() -> None:
    bench = Bench()
    bench.step(about(1))
    bench.held = True
    bench.step(about(2, ONLINE), after=60)
    assert {name: len(worker.jobs) for name, worker in bench.workers.items()} == {"send-sink": 0, "repeat-sink": 1}
    bench.held = False
    bench.step()
    assert bench.sink.sent == [1, 2]
    bench.step(after=60)
    assert bench.sink.repeated == [[1]]


def test_no_repeat_begins_while_something_is_on_its_way() -> None:
    bench = Bench()
    bench.step(about(1))
    bench.held = True
    bench.step(about(2, ONLINE), after=45)
    assert bench.step(after=20) == 10
    bench.held = False
    bench.step()
    assert bench.sink.repeated == []


def test_a_repeat_that_fails_is_followed_by_the_next_one() -> None:
    bench = Bench()
    bench.sink.script = [DOWN, RuntimeError("token=canary"), None]
    bench.step(about(1))
    for _ in range(3):
        bench.step(after=60)
    assert bench.sink.repeated == [[1], [1], [1]]
    assert bench.loop.status().failures == 0


def test_a_loop_that_was_asked_to_stop_repeats_nothing() -> None:
    bench = Bench()
    bench.step(about(1))
    bench.loop.ask_to_stop()
    assert bench.step(after=60) is None
    assert bench.sink.repeated == []


def test_what_the_store_says_is_open_is_repeated_after_a_start(tmp_path: Path) -> None:
    here = World(tmp_path / "state.db", sinks=[SinkPolicy("sink", Audience.INCIDENTS)])
    here.connect()
    here.see(here.wire.base(node("nas"), node("pi")))
    for name, online in (("nas", False), ("pi", False), ("nas", True)):
        here.see(here.wire.patch(name, online=online))
        here.pass_time(10)
    here.settle()
    bench = Bench()
    remember_open({"sink": bench.loop}, here.reader)
    bench.loop.step(bench.clock.now())
    for worker in bench.workers.values():
        worker.jobs.pop()()
    assert bench.sink.repeated == [[2]]
