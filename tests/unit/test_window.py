"""What a sink's loop has in memory, and what stays in the store."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sentinel.delivery.window import Window
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError, StoreError
from sentinel.events import Telling
from sentinel.model import Attempt, DeliveryState
from tests.fakes import FakeClock
from tests.messages import START, telling
from tests.unit.test_dispatcher import InlineWorker, ScriptedSink

DOWN = DeliveryError("connection refused", retryable=True)


class Backed:
    """A loop with room for four deliveries, and the store that has the others."""

    def __init__(self, *stored: Telling, script: Sequence[Exception | None] = ()) -> None:
        self.clock = FakeClock()
        self.stored = list(stored)
        self.asked: list[tuple[int, int]] = []
        self.broken = False
        self.reported: list[Attempt] = []
        self.sink = ScriptedSink(list(script))
        self.loop = SinkLoop(
            name="sink",
            sink=self.sink,
            report=self.reported.append,
            backlog=self._backlog,
            window=4,
            jitter=lambda: 0.5,
            new_worker=lambda _name: InlineWorker(),
        )

    def commit(self, *tellings: Telling) -> None:
        """Deliveries are stored, and then offered."""
        self.stored += tellings
        self.loop.offer(tellings)

    def rest(self, after: float = 0.0) -> float | None:
        self.clock.advance(after)
        for _ in range(1_000):
            if (seconds := self.loop.step(self.clock.now())) != 0:
                return seconds
        raise AssertionError("the loop never comes to rest")

    def _backlog(self, *, after: int, limit: int) -> Sequence[Telling]:
        if self.broken:
            raise StoreError("the store cannot be read")
        self.asked.append((after, limit))
        return [one for one in self.stored if one.delivery.id > after][:limit]


def several(*numbers: int, subject: str = "") -> list[Telling]:
    return [telling(number, subject=subject or f"s{number % 3}") for number in numbers]


def test_a_loop_begins_with_what_the_store_has() -> None:
    backed = Backed(*several(1, 2, 3))
    backed.rest()
    assert backed.sink.sent == [1, 2, 3]


def test_what_is_more_than_fits_is_read_in_its_turn() -> None:
    backed = Backed(*several(*range(1, 20)))
    backed.rest()
    assert backed.sink.sent == list(range(1, 20))
    assert max(limit for _, limit in backed.asked) == 4


def test_memory_holds_no_more_than_the_window() -> None:
    backed = Backed(*several(*range(1, 20)), script=[DOWN] * 99)
    backed.commit(*several(*range(20, 40)))
    backed.rest()
    assert backed.loop.status().waiting == 4


def test_nothing_new_overtakes_what_is_still_in_the_store() -> None:
    backed = Backed(script=[DOWN])
    backed.rest()
    for number in range(1, 12):
        backed.commit(*several(number, subject="nas"))
        backed.rest()
    backed.rest(after=2.5)
    backed.commit(*several(12, subject="nas"))
    backed.rest()
    assert backed.sink.sent == [1, *range(1, 13)]


def test_what_was_settled_is_not_read_again_though_its_outcome_is_not_stored_yet() -> None:
    backed = Backed(*several(*range(1, 10)))
    backed.rest()
    backed.loop.look_again()
    backed.rest()
    assert backed.sink.sent == list(range(1, 10))


def test_what_nobody_offered_is_found_when_told_to_look() -> None:
    backed = Backed()
    backed.rest()
    backed.stored += several(7)
    backed.rest()
    assert backed.sink.sent == []
    backed.loop.look_again()
    backed.rest()
    assert backed.sink.sent == [7]


def test_what_nobody_offered_is_not_overtaken_by_what_is_offered_after_it() -> None:
    backed = Backed()
    backed.rest()
    backed.stored += several(7, subject="nas")
    backed.loop.look_again()
    backed.commit(*several(8, subject="nas"))
    backed.rest()
    assert backed.sink.sent == [7, 8]


def test_while_memory_suffices_the_store_is_read_once() -> None:
    backed = Backed()
    for number in range(1, 30):
        backed.commit(*several(number))
        backed.rest()
    assert len(backed.asked) == 1
    assert backed.sink.sent == list(range(1, 30))


def test_a_store_that_cannot_be_read_is_tried_again() -> None:
    backed = Backed(*several(1))
    backed.broken = True
    assert backed.rest() == 5
    backed.broken = False
    backed.rest(after=5)
    assert backed.sink.sent == [1]


def test_a_loop_that_stops_reads_nothing_more() -> None:
    backed = Backed(*several(1))
    backed.loop.ask_to_stop()
    assert backed.rest() is None
    assert backed.asked == []


def test_a_window_without_a_store_takes_everything() -> None:
    window = Window(None)
    assert window.takes(3, held=1_000_000)
    assert window.takes(1, held=1_000_000)
    assert window.room(held=0) == 0


def test_while_a_sink_is_left_alone_only_the_probe_has_attempts() -> None:
    backed = Backed(*[telling(number, subject=str(number)) for number in range(1, 5)], script=[DOWN] * 12)
    for _ in range(11):
        backed.rest(after=600)
    assert backed.reported[-1].state is DeliveryState.DELIVERED
    attempts = [one.delivery for one in backed.reported if one.state is DeliveryState.PENDING]
    assert attempts == [1, 2, 3, *[1] * 9]


@pytest.mark.parametrize("beyond", [timedelta(hours=71), timedelta(hours=73)])
def test_what_waits_for_three_days_is_dead_though_it_was_never_attempted(beyond: timedelta) -> None:
    backed = Backed(*[telling(number, subject=str(number)) for number in range(1, 30)], script=[DOWN] * 9_999)
    while backed.clock.now().wall < START + beyond:
        backed.rest(after=300)
    dead = [one for one in backed.reported if one.state is DeliveryState.DEAD]
    if beyond < timedelta(hours=72):
        assert dead == []
        backed.sink.script.clear()
        backed.rest(after=600)
        assert [one.delivery for one in backed.reported if one.state is DeliveryState.DELIVERED] == [*range(1, 30)]
    else:
        assert [one.delivery for one in dead] == list(range(1, 30))
        assert {one.error for one in dead} == {"given up after 72 h: connection refused"}


def test_a_clock_that_was_set_ahead_gives_up_nothing_that_was_hardly_tried() -> None:
    backed = Backed(*several(*range(1, 4)), script=[DOWN] * 70)
    backed.clock.correct(100 * 3_600)
    for _ in range(8):
        backed.rest(after=600)
    assert DeliveryState.DEAD not in {one.state for one in backed.reported}
