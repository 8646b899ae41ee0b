"""A sink that is down for three days: the real writer, store and loop, a fake clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sentinel.control import letters
from sentinel.control.v1 import control_pb2
from sentinel.delivery.render import Limit, render_text
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Message, Reading, Severity, Telling, Text
from sentinel.model import Absorption, Attempt, Audience, Command, Delivery, DeliveryState, SinkPolicy
from sentinel.sources.tailnet import ROOM
from sentinel.store.protocol import Batch
from tests.builders import node
from tests.messages import OFFLINE, ONLINE, START, event
from tests.unit.test_dispatcher import InlineWorker
from tests.world import FakeOutbox, World

SUBJECTS = 50
WINDOW = 200
PEOPLE = ("laptop", "nas", "phone", "pi", "tv")


@dataclass
class Endpoint:
    """The other side: up or down, with everything that it took, when."""

    audience: Audience
    up: bool = True
    took: list[tuple[datetime, Message]] = field(default_factory=list)

    def send(self, message: Message, now: datetime) -> None:
        if not self.up:
            raise DeliveryError("connection refused", retryable=True)
        self.took.append((now, message))

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Nothing is said here."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class LoopOutbox(FakeOutbox):
    """What is offered goes to the sink's loop."""

    loop: SinkLoop = field(kw_only=True)

    def offer(self, tellings: Sequence[Telling]) -> None:
        self.loop.offer(tellings)

    def look_again(self) -> None:
        self.loop.look_again()


class Outage(World):
    """One service with one sink; `run` lets time pass for writer and loop."""

    def __init__(self, path: Path, audience: Audience) -> None:
        self.endpoint = Endpoint(audience)
        super().__init__(path, sinks=(SinkPolicy("sink", audience),))
        self.connect()
        self.see(self.wire.base(*map(node, PEOPLE)))

    def start(self) -> None:
        self.loop = SinkLoop(
            name="sink",
            sink=self.endpoint,
            report=self._report,
            backlog=partial(self.reader.backlog, "sink"),
            absorb=self._absorb,
            window=WINDOW,
            jitter=lambda: 0.5,
            new_worker=lambda _name: InlineWorker(),
        )
        self.outboxes = {"sink": LoopOutbox(loop=self.loop)}
        super().start()

    def _report(self, attempt: Attempt) -> None:
        self.writer.inbox.report(attempt)

    def _absorb(self, absorption: Absorption, done: Callable[[], None]) -> None:
        self.writer.inbox.ask(absorption, done)

    def store_many(self, count: int) -> None:
        """So many deliveries are decided at once, of many subjects."""
        batch = Batch()
        first = self.contents.next_event
        for number in range(first, first + count):
            made = event(OFFLINE if number // SUBJECTS % 2 else ONLINE, subject=f"s{number % SUBJECTS}", number=number)
            batch.events.append(made)
            batch.deliveries.append(Delivery(number, "sink", made.subject, made.key, number, (number,), START))
        self.store.commit(batch)
        self.restart()

    def run(self, hours: float) -> None:
        end = self.clock.now().boot + hours * 3_600
        while (left := end - self.clock.now().boot) > 0:
            due = self._rest()
            self.clock.advance(left if due is None else max(1e-6, min(due, left)))
        self._rest()
        self.wire.now = self.clock.now().wall

    def _rest(self) -> float | None:
        for _ in range(1_000_000):
            dues = [self.loop.step(self.clock.now()), self.writer.step(self.clock.now())]
            if self.writer.inbox._attempts or self.writer.inbox._asked or self.loop._has_news():
                continue
            known = [due for due in dues if due is not None]
            if 0 not in known:
                return min(known, default=None)
        raise AssertionError("the service never comes to rest")

    def counts(self) -> dict[DeliveryState, int]:
        return dict(self.reader.sink_counts()["sink"].states)

    def ask(self, command: Command, done: Callable[[], None]) -> None:
        self.writer.inbox.ask(command, done)
        self.writer.step(self.clock.now())


def in_order(outage: Outage) -> Iterator[bool]:
    """Whether each subject's messages came in the order of their revisions, each once."""
    took = [message.event for _, message in outage.endpoint.took]
    for subject in {made.subject for made in took}:
        revisions = [made.revision for made in took if made.subject == subject]
        yield revisions == sorted(set(revisions))


@pytest.fixture(params=[2_000, pytest.param(100_000, marks=pytest.mark.long)])
def down(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Outage, int]:
    """A webhook that is down, with many deliveries waiting."""
    outage = Outage(tmp_path / "state.db", Audience.PROGRAMS)
    outage.endpoint.up = False
    outage.store_many(request.param)
    return outage, request.param


def test_after_71_hours_everything_arrives_in_order(down: tuple[Outage, int]) -> None:
    outage, count = down
    outage.run(hours=71)
    assert outage.counts() == {DeliveryState.PENDING: count}
    assert outage.loop.status().waiting == WINDOW
    outage.endpoint.up = True
    outage.run(hours=0.5)
    assert outage.counts() == {DeliveryState.DELIVERED: count}
    assert len(outage.endpoint.took) == count
    assert all(in_order(outage))


def test_a_restart_in_between_changes_nothing(down: tuple[Outage, int]) -> None:
    outage, count = down
    outage.run(hours=40)
    outage.restart()
    outage.run(hours=31)
    assert outage.counts() == {DeliveryState.PENDING: count}
    outage.endpoint.up = True
    outage.run(hours=0.5)
    assert outage.counts() == {DeliveryState.DELIVERED: count}
    assert all(in_order(outage))


def test_after_73_hours_everything_is_dead_with_the_reason_and_can_be_replayed(down: tuple[Outage, int]) -> None:
    outage, count = down
    outage.run(hours=73)
    assert outage.counts() == {DeliveryState.DEAD: count}
    dead = letters.listed(outage.reader, control_pb2.ListDeliveriesRequest(state="dead"))
    assert {one.error for one in dead} == {"given up after 72 h: connection refused"}
    before = [told.event.key for told in outage.history()]
    outage.endpoint.up = True
    request = control_pb2.ReplayDeliveriesRequest(sink="sink")
    assert letters.replay(outage.reader, outage.ask, ["sink"], request) == count
    outage.run(hours=0.5)
    assert outage.counts() == {DeliveryState.DELIVERED: count}
    assert sorted(message.key for _, message in outage.endpoint.took) == sorted(before)
    assert all(in_order(outage))


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_people_get_one_message_for_however_many_that_wait(tmp_path: Path, count: int) -> None:
    outage = Outage(tmp_path / "state.db", Audience.PEOPLE)
    outage.endpoint.up = False
    outage.store_many(count)
    outage.run(hours=71)
    outage.endpoint.up = True
    outage.run(hours=0.5)
    assert outage.counts() == {DeliveryState.DELIVERED: 1, DeliveryState.ABSORBED: count - 1}
    ((_, said),) = outage.endpoint.took
    assert len({told.subject for told in (said.event, *said.also)}) == SUBJECTS


def test_people_get_a_handful_of_messages_about_what_is_still_so_and_what_came_and_went(tmp_path: Path) -> None:
    outage = Outage(tmp_path / "state.db", Audience.PEOPLE)
    outage.endpoint.up = False
    for hour in range(70):
        name = PEOPLE[hour % 3]
        for online in (False, True):
            outage.see(outage.wire.patch(name, online=online))
            outage.run(hours=0.5)
    outage.see(outage.wire.patch("tv", online=False))
    outage.run(hours=0.5)
    outage.endpoint.up = True
    outage.run(hours=0.5)
    states = outage.counts()
    assert states.keys() == {DeliveryState.DELIVERED, DeliveryState.ABSORBED}
    assert sum(states.values()) == 141
    took = [message for _, message in outage.endpoint.took]
    assert len(took) <= 5
    reading = Reading(outage.clock.now().wall, ZoneInfo("UTC"))
    told = [render_text(message, ROOM.words, reading, Limit()) for message in took]
    everything = "\n".join(text.body for text in told)
    assert "tv" in everything
    assert "Came and went:" in everything
    assert {name for name in ("laptop", "nas", "phone") if name in everything} == {"laptop", "nas", "phone"}
