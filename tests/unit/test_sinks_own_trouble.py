"""A sink at which nothing arrives is an event for the others, and for itself once it is over."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.app.conditions import completed
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.model import Attempt, Audience, Condition, DeliveryState, OutcomeState, SinkPolicy
from sentinel.policy.routes import Route, Selector
from tests.builders import node
from tests.fakes import FakeClock
from tests.messages import telling
from tests.unit.test_dispatcher import InlineWorker, ScriptedSink
from tests.world import World

DOWN = DeliveryError("connection refused", retryable=True)
REFUSED = DeliveryError("error=401", retryable=False)
SINKS = (
    SinkPolicy("hook", Audience.PROGRAMS),
    SinkPolicy("phone", Audience.PEOPLE),
    SinkPolicy("desk", Audience.INCIDENTS),
)
FAILING, RECOVERED = "phone sink.failing", "phone sink.recovered"


def world(tmp_path: Path, *routes: Route, sinks: Sequence[SinkPolicy] = SINKS) -> World:
    made = World(tmp_path / "state.db", sinks=sinks, routes=routes or None)
    made.connect()
    made.see(made.wire.base(node("nas")))
    return made


def say(here: World, *, failing: bool, sink: str = "phone", given_up: int = 0) -> None:
    """The sink's loop says how the sink does."""
    error = "connection refused" if failing else ""
    condition = Condition(sink, failing, here.clock.now().wall, error, given_up)
    here.writer.inbox.ask(condition, lambda: None)
    here.step()


def test_others_are_told_that_a_sink_fails_and_it_itself_that_it_is_well_again(tmp_path: Path) -> None:
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    assert [here.told(sink.name) for sink in SINKS] == [[FAILING], [], [FAILING]]
    say(here, failing=False)
    here.pass_time(20)
    assert [here.told(sink.name) for sink in SINKS] == [[FAILING, RECOVERED], [RECOVERED], [FAILING, RECOVERED]]
    assert here.store.load().differences == ()


def test_it_is_told_of_its_recovery_whatever_its_routes_ask_for(tmp_path: Path) -> None:
    here = world(tmp_path, Route("", Selector(event_types=("peer.*",)), None, ("hook", "phone"), stop=False, index=0))
    for failing in (True, False):
        say(here, failing=failing)
        here.pass_time(20)
    assert [here.told(sink.name) for sink in SINKS] == [[], [RECOVERED], []]


def test_a_sink_that_keeps_incidents_hears_nothing_of_its_own_trouble(tmp_path: Path) -> None:
    here = world(tmp_path)
    for failing in (True, False):
        say(here, failing=failing, sink="desk")
        here.pass_time(20)
    assert here.told("hook") == ["desk sink.failing", "desk sink.recovered"]
    assert here.told("desk") == []


def test_it_is_told_while_every_source_is_blind(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.disconnect()
    say(here, failing=True)
    here.pass_time(20)
    assert here.told("hook") == [FAILING]


def test_a_short_recovery_is_none_for_the_sink_itself(tmp_path: Path) -> None:
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    say(here, failing=False)
    here.pass_time(1)
    say(here, failing=True)
    here.pass_time(20)
    assert here.told("phone") == []
    assert here.told("hook") == [FAILING]


def test_that_it_fails_survives_a_restart(tmp_path: Path) -> None:
    """The first delivery that arrives after a start says so, and is news only if the sink had failed."""
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    here.restart()
    say(here, failing=True)
    say(here, failing=False)
    say(here, failing=False, sink="hook")
    here.pass_time(20)
    assert here.events() == [FAILING, RECOVERED]
    failing, recovered = here.history()
    assert recovered.event.resolves == failing.event.event_id
    assert recovered.event.revision > failing.event.revision


def test_the_trouble_of_a_sink_that_is_no_longer_configured_is_over(tmp_path: Path) -> None:
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    here.sinks = [sink for sink in SINKS if sink.name != "phone"]
    here.restart()
    here.pass_time(20)
    assert here.told("hook") == here.told("desk") == [FAILING, RECOVERED]
    assert here.bodies()[-1]["payload"] == {
        "sink": "phone",
        "configured": False,
        "failing_since": "2026-01-01T09:00:00.000000Z",
        "error": "connection refused",
        "given_up": 0,
        "still_open": [],
    }
    assert [row for row in here.store.load().subjects if row.key.type == "sink"] == []


def test_a_sink_that_a_new_configuration_drops_fails_no_longer_and_what_its_loop_says_late_counts_for_nothing(
    tmp_path: Path,
) -> None:
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    here.sinks = [sink for sink in SINKS if sink.name != "phone"]
    here.exchange()
    here.pass_time(20)
    say(here, failing=True)
    here.pass_time(20)
    assert here.events() == [FAILING, RECOVERED]


def test_the_recovery_has_the_dead_letters_and_what_is_still_open(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    first, *_ = here.outboxes["phone"].tellings
    at = here.clock.now().wall
    here.writer.inbox.report(Attempt(first.delivery.id, "phone", 1, DeliveryState.DEAD, at, None, "error=401"))
    here.pass_time(1)
    found = completed(Condition("phone", False, at), here.reader)
    assert found.given_up == 1
    assert found.still_open == ("nas lost contact with Tailscale",)


def test_outcomes_say_that_the_failing_sink_was_not_concerned(tmp_path: Path) -> None:
    here = world(tmp_path)
    say(here, failing=True)
    here.pass_time(20)
    assert here.outcomes("phone") == []
    assert here.outcomes("hook") == [OutcomeState.TOLD]


class Bench:
    """A loop whose sink plays a script, and what it said of it."""

    def __init__(self, *script: Exception | None) -> None:
        self.clock = FakeClock()
        self.said: list[Condition] = []
        self.reported: list[Attempt] = []
        self.loop = SinkLoop(
            name="sink",
            sink=ScriptedSink(list(script)),
            report=self.reported.append,
            tell=self.said.append,
            jitter=lambda: 0.5,
            new_worker=lambda _name: InlineWorker(),
        )

    def offer(self, *numbers: int) -> None:
        self.loop.offer([telling(number, subject=f"s{number}") for number in numbers])
        self.pass_time(0)

    def pass_time(self, seconds: float) -> None:
        """The loop steps whenever it says that something is due."""
        end = self.clock.now().boot + seconds
        while (due := self._step()) is not None and self.clock.now().boot + due <= end:
            self.clock.advance(due)
        self.clock.advance(end - self.clock.now().boot)

    def _step(self) -> float | None:
        while (due := self.loop.step(self.clock.now())) == 0:
            pass
        return due

    def failing(self) -> list[bool]:
        return [condition.failing for condition in self.said]


def test_the_first_delivery_that_arrives_is_said_once() -> None:
    bench = Bench()
    bench.offer(1, 2)
    bench.offer(3)
    assert bench.failing() == [False]


@pytest.mark.parametrize(("minutes", "said"), [(4.9, [False]), (5.2, [False, True])])
def test_a_sink_fails_when_it_was_left_alone_for_five_minutes(minutes: float, said: list[bool]) -> None:
    bench = Bench(None, *[DOWN] * 100)
    bench.offer(1)
    began = bench.clock.now().wall
    bench.offer(2, 3, 4)
    bench.pass_time(minutes * 60)
    assert bench.failing() == said
    assert [(one.since, one.error) for one in bench.said[1:]] == [(began, "connection refused")] * len(said[1:])


def test_it_is_noticed_in_time_though_no_probe_is_due() -> None:
    bench = Bench(*[DOWN] * 100)
    bench.offer(1, 2, 3)
    due = bench.loop.step(bench.clock.now())
    while not bench.said:
        assert due is not None
        bench.clock.advance(due)
        due = bench.loop.step(bench.clock.now())
    assert bench.clock.now().boot - 1000 <= timedelta(minutes=5, seconds=1).total_seconds()


def test_a_sink_fails_with_the_first_dead_letter_and_is_well_with_the_next_that_arrives() -> None:
    bench = Bench(REFUSED, REFUSED, None, REFUSED)
    bench.offer(1)
    bench.offer(2)
    assert [(one.failing, one.given_up, one.error) for one in bench.said] == [(True, 1, "error=401")]
    bench.offer(3)
    bench.offer(4)
    assert bench.failing() == [True, False, True]


def test_one_that_is_back_within_five_minutes_did_not_fail() -> None:
    bench = Bench(DOWN, DOWN, DOWN, None)
    bench.offer(1, 2, 3)
    bench.pass_time(1200)
    assert bench.failing() == [False]
