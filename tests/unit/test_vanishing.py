"""An incident that came and went before its service could hear of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import EventType, Message, Telling
from sentinel.model import Absorption, Attempt, Audience, DeliveryState, SinkPolicy
from tests.builders import node
from tests.fakes import FakeClock
from tests.messages import OFFLINE, ONLINE, event, message, telling
from tests.unit.test_dispatcher import InlineWorker, ScriptedSink
from tests.world import World

DOWN = DeliveryError("connection refused", retryable=True)


def turn(number: int, type_: EventType, subject: str = "nas") -> Telling:
    """A delivery that opens or closes the incident of a subject."""
    made = telling(number, subject=subject)
    said = message(event(type_, subject=subject, number=number))
    return replace(made, delivery=replace(made.delivery, key=said.key), message=said)


def opens(number: int, subject: str = "nas") -> Telling:
    return turn(number, OFFLINE, subject)


def closes(number: int, subject: str = "nas") -> Telling:
    return turn(number, ONLINE, subject)


class Desk:
    """A loop for a sink that keeps incidents, and a writer that commits when it is told to."""

    def __init__(self, failures: int = 0, *, stored: tuple[Telling, ...] = (), told: tuple[Message, ...] = ()) -> None:
        self.clock = FakeClock()
        self.sink = ScriptedSink([DOWN] * failures)
        self.sink.audience = Audience.INCIDENTS
        self.stored = stored
        self.asked: list[tuple[Absorption, Callable[[], None]]] = []
        self.reported: list[Attempt] = []
        self.loop = SinkLoop(
            name="sink",
            sink=self.sink,
            report=self.reported.append,
            backlog=self._backlog,
            absorb=lambda absorption, done: self.asked.append((absorption, done)),
            jitter=lambda: 0.5,
            new_worker=lambda _name: InlineWorker(),
        )
        self.loop.remember(told)
        self.rest()

    def _backlog(self, *, after: int, limit: int) -> tuple[Telling, ...]:
        return tuple(one for one in self.stored if one.delivery.id > after)[:limit]

    def offer(self, *tellings: Telling) -> None:
        self.loop.offer(tellings)
        self.rest()

    def rest(self, after: float = 0.0) -> None:
        self.clock.advance(after)
        while self.loop.step(self.clock.now()) == 0:
            pass

    def commit(self) -> list[tuple[int, ...]]:
        """Everything that was asked of the writer is committed; returns what it was."""
        asked, self.asked = self.asked, []
        for _, done in asked:
            done()
        self.rest()
        return [absorption.older for absorption, _ in asked]


def test_an_opening_that_was_never_tried_vanishes_with_its_end() -> None:
    desk = Desk(failures=3)
    desk.offer(*(opens(number, f"s{number}") for number in (1, 2, 3)))
    tried = list(desk.sink.sent)
    desk.offer(opens(4), closes(5))
    assert desk.commit() == [(4, 5)]
    desk.rest(600)
    assert desk.sink.sent[len(tried) :] == [1, 2, 3]
    assert desk.loop.status().waiting == 0


def test_nothing_is_sent_until_it_is_committed_that_it_vanished() -> None:
    desk = Desk()
    desk.offer(opens(1), closes(2), opens(3, "pi"))
    assert desk.sink.sent == []
    assert desk.commit() == [(1, 2)]
    assert desk.sink.sent == [3]


def test_several_that_came_and_went_vanish_at_once() -> None:
    desk = Desk()
    desk.offer(opens(1), opens(2, "pi"), closes(3), closes(4, "pi"), opens(5))
    assert desk.commit() == [(1, 3), (2, 4)]
    assert desk.sink.sent == [5]


def test_an_update_that_was_never_tried_does_not_vanish_with_the_end_of_what_was_told() -> None:
    desk = Desk()
    desk.offer(opens(1))
    desk.offer(opens(2), closes(3))
    assert desk.asked == []
    assert desk.sink.sent == [1, 2, 3]


def test_an_opening_that_was_tried_is_closed() -> None:
    desk = Desk(failures=1)
    desk.offer(opens(1))
    desk.offer(closes(2))
    assert desk.asked == []
    desk.rest(600)
    assert desk.sink.sent == [1, 1, 2]


def test_a_new_incident_after_one_that_was_closed_may_vanish() -> None:
    desk = Desk()
    desk.offer(opens(1))
    desk.offer(closes(2))
    desk.offer(opens(3), closes(4))
    assert desk.commit() == [(3, 4)]
    assert desk.sink.sent == [1, 2]


def test_what_a_former_run_may_have_sent_is_sent_and_closed() -> None:
    """It was not written down as tried, and yet it may have arrived before the kill."""
    desk = Desk(stored=(opens(1), closes(2)))
    assert desk.asked == []
    assert desk.sink.sent == [1, 2]


def test_a_former_runs_opening_is_closed_by_what_is_decided_now() -> None:
    desk = Desk(failures=3, stored=(opens(1, "a"), opens(2, "b"), opens(3, "c"), opens(4)))
    desk.offer(closes(5))
    assert desk.asked == []
    desk.rest(600)
    assert desk.sink.sent[-2:] == [4, 5]


def test_what_is_still_open_since_a_former_run_is_closed() -> None:
    desk = Desk(told=(opens(1).message,))
    desk.offer(opens(2), closes(3))
    assert desk.asked == []
    assert desk.sink.sent == [2, 3]


def test_what_vanished_is_settled_in_the_store(tmp_path: Path) -> None:
    here = World(tmp_path / "state.db", sinks=[SinkPolicy("desk", Audience.INCIDENTS)])
    here.connect()
    here.see(here.wire.base(node("nas")))
    for online in (False, True, False):
        here.see(here.wire.patch("nas", online=online))
        here.pass_time(10)
    here.writer.inbox.ask(Absorption("desk", (1, 2), 2, ()), lambda: None)
    here.step()
    assert here.reader.sink_counts()["desk"].states == {DeliveryState.ABSORBED: 2, DeliveryState.PENDING: 1}
    assert [message.event.number for message in here.reader.still_open("desk")] == [3]


def test_what_is_still_open_has_neither_ended_problems_nor_those_of_others(tmp_path: Path) -> None:
    sinks = [SinkPolicy("desk", Audience.INCIDENTS), SinkPolicy("hook", Audience.PROGRAMS)]
    here = World(tmp_path / "state.db", sinks=sinks)
    here.connect()
    here.see(here.wire.base(node("nas"), node("pi")))
    for name, online in (("nas", False), ("pi", False), ("nas", True)):
        here.see(here.wire.patch(name, online=online))
        here.pass_time(10)
    assert [(one.sink, one.event.subject_name) for one in here.reader.still_open("desk")] == [("desk", "pi")]
