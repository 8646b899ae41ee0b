"""How one sink's loop takes, sends, retries and gives up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from loguru import logger

from sentinel.delivery.workers import Worker
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Message, Severity, Text
from sentinel.model import Attempt, Audience, DeliveryState
from tests.fakes import FakeClock
from tests.messages import telling

DOWN = DeliveryError("connection refused", retryable=True)
REFUSED = DeliveryError("error=401", retryable=False)
GONE = DeliveryError("HTTP 410 Gone", retryable=False, disables=True)


@dataclass
class ScriptedSink:
    """Plays `script`, one entry per send (None is a success); afterwards everything succeeds."""

    audience = Audience.PROGRAMS
    script: list[Exception | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    closed: bool = False

    def send(self, message: Message, now: datetime) -> None:
        self.sent.append(message.event.number)
        if self.script and (error := self.script.pop(0)) is not None:
            raise error

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Nothing is said here."""

    def close(self) -> None:
        self.closed = True


class InlineWorker:
    """Does a job at once."""

    def submit(self, job: Callable[[], None]) -> None:
        job()

    def retire(self) -> None:
        """Nothing runs."""


class HangingWorker:
    """Does a job when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.retired = False

    def submit(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def retire(self) -> None:
        self.retired = True

    def end(self) -> None:
        self.jobs.pop(0)()


class Bench:
    """A loop under a fake clock, and everything that it reported."""

    def __init__(
        self,
        script: Sequence[Exception | None] = (),
        *,
        hanging: bool = False,
        jitter: float = 0.5,
        in_flight: int = 1,
    ) -> None:
        self.clock = FakeClock()
        self.sink = ScriptedSink(list(script))
        self.reported: list[Attempt] = []
        self.workers: list[HangingWorker] = []
        self.loop = SinkLoop(
            name="sink",
            sink=self.sink,
            report=self.reported.append,
            in_flight=in_flight,
            jitter=lambda: jitter,
            new_worker=self._hanging if hanging else lambda _name: InlineWorker(),
        )

    def _hanging(self, _name: str) -> Worker:
        self.workers.append(HangingWorker())
        return self.workers[-1]

    def step(self, *deliveries: int, after: float = 0.0) -> float | None:
        """Time passes, deliveries (each of the subject `nas`) are offered, the loop does all that is due."""
        self.clock.advance(after)
        self.loop.offer([telling(delivery) for delivery in deliveries])
        while (seconds := self.loop.step(self.clock.now())) == 0:
            pass
        return seconds

    def outcomes(self) -> list[tuple[int, int, str]]:
        return [(attempt.delivery, attempt.attempt, attempt.state.value) for attempt in self.reported]


@pytest.fixture
def lines() -> Iterator[list[tuple[str, str]]]:
    """Level and text of every log line above debug."""
    seen: list[tuple[str, str]] = []
    sink = logger.add(lambda m: seen.append((m.record["level"].name, m.record["message"])), level="INFO")
    yield seen
    logger.remove(sink)


def test_an_idle_loop_waits_for_news() -> None:
    assert Bench().step() is None


def test_what_arrived_is_reported_delivered_with_its_attempt() -> None:
    bench = Bench()
    assert bench.step(1) is None
    now = bench.clock.now().wall
    assert bench.reported == [Attempt(1, "sink", 1, DeliveryState.DELIVERED, now)]


def test_deliveries_of_one_subject_go_out_in_the_order_of_their_ids() -> None:
    bench = Bench()
    bench.step(3, 1, 2)
    assert bench.sink.sent == [1, 2, 3]


def test_the_oldest_delivery_goes_first_across_subjects() -> None:
    bench = Bench()
    bench.loop.offer([telling(4, subject="a"), telling(2, subject="b"), telling(3, subject="a")])
    bench.step()
    assert bench.sink.sent == [2, 3, 4]


def test_a_failure_is_reported_with_the_time_of_the_next_try() -> None:
    bench = Bench([DOWN])
    assert bench.step(1) == pytest.approx(2.5)
    now = bench.clock.now().wall
    again = now + timedelta(seconds=2.5)
    assert bench.reported == [Attempt(1, "sink", 1, DeliveryState.PENDING, now, again, "connection refused")]


def test_a_failed_delivery_is_tried_again_when_it_is_due_and_not_before() -> None:
    bench = Bench([DOWN])
    bench.step(1)
    assert bench.step(after=2.4) == pytest.approx(0.1)
    bench.step(after=0.1)
    assert bench.outcomes() == [(1, 1, "pending"), (1, 2, "delivered")]


def test_later_deliveries_of_a_subject_wait_for_the_one_that_failed() -> None:
    bench = Bench([DOWN])
    bench.step(1, 2)
    assert bench.sink.sent == [1]
    bench.step(after=2.5)
    assert bench.sink.sent == [1, 1, 2]


def test_other_subjects_overtake_a_delivery_that_waits_for_its_retry() -> None:
    bench = Bench([DOWN])
    bench.loop.offer([telling(1, subject="nas"), telling(2, subject="router")])
    bench.step()
    assert bench.sink.sent == [1, 2]


def test_a_retry_that_is_due_goes_before_what_is_newer() -> None:
    bench = Bench([DOWN])
    bench.step(1)
    bench.clock.advance(10)
    bench.loop.offer([telling(2, subject="router")])
    bench.step()
    assert bench.sink.sent == [1, 1, 2]


def test_what_can_never_arrive_is_dead_at_once_and_the_next_one_follows() -> None:
    bench = Bench([REFUSED])
    bench.step(1, 2)
    assert bench.outcomes() == [(1, 1, "dead"), (2, 1, "delivered")]
    assert (bench.reported[0].error, bench.reported[0].next_try) == ("error=401", None)


def test_what_fails_for_three_days_is_dead() -> None:
    bench = Bench([DOWN] * 5_000)
    seconds = bench.step(1)
    while seconds is not None:
        seconds = bench.step(after=seconds)
    assert bench.reported[-1].state is DeliveryState.DEAD
    assert bench.reported[-1].error == "given up after 72 h: connection refused"
    lived = bench.reported[-1].finished_at - bench.reported[0].finished_at
    assert timedelta(hours=72) <= lived <= timedelta(hours=72, minutes=10)


def test_the_attempts_of_a_delivery_are_numbered_without_holes() -> None:
    bench = Bench([DOWN, DOWN])
    seconds = bench.step(1)
    while seconds is not None:
        seconds = bench.step(after=seconds)
    assert [attempt.attempt for attempt in bench.reported] == [1, 2, 3]


def test_after_a_restart_attempt_and_next_try_are_kept() -> None:
    bench = Bench([DOWN])
    due = bench.clock.now().wall + timedelta(seconds=90)
    bench.loop.offer([telling(1, attempt=6, next_try=due)])
    assert bench.step() == pytest.approx(90)
    bench.step(after=90)
    assert bench.outcomes() == [(1, 7, "pending")]


def test_a_retry_that_came_due_during_a_restart_goes_at_once() -> None:
    bench = Bench()
    bench.loop.offer([telling(1, attempt=2, next_try=bench.clock.now().wall - timedelta(days=1))])
    bench.step()
    assert bench.outcomes() == [(1, 3, "delivered")]


def test_a_restart_waits_no_longer_than_a_probe_would() -> None:
    bench = Bench()
    bench.loop.offer([telling(1, attempt=1, next_try=bench.clock.now().wall + timedelta(days=30))])
    assert bench.step() == pytest.approx(600)


def test_a_corrected_wall_clock_moves_no_retry() -> None:
    bench = Bench([DOWN])
    bench.step(1)
    bench.clock.correct(-86_400)
    assert bench.step(after=1) == pytest.approx(1.5)


def test_a_delivery_that_is_offered_twice_is_sent_once() -> None:
    bench = Bench([DOWN])
    bench.step(1, 1)
    bench.step(1)
    bench.step(after=2.5)
    assert bench.outcomes() == [(1, 1, "pending"), (1, 2, "delivered")]


def test_what_the_other_side_asks_for_holds_the_whole_sink() -> None:
    bench = Bench([DeliveryError("slow down", retryable=True, retry_after=timedelta(seconds=60))])
    bench.loop.offer([telling(1, subject="nas"), telling(2, subject="router")])
    assert bench.step() == pytest.approx(60)
    assert bench.sink.sent == [1]
    bench.step(after=60)
    assert bench.sink.sent == [1, 1, 2]


def test_one_send_runs_at_a_time() -> None:
    bench = Bench(hanging=True)
    bench.step(1)
    bench.loop.offer([telling(2, subject="router")])
    bench.step()
    assert [len(worker.jobs) for worker in bench.workers] == [1]


def test_a_send_that_runs_is_waited_for_until_its_deadline() -> None:
    bench = Bench(hanging=True)
    assert bench.step(1) == 30
    assert bench.step(after=10) == 20


def test_a_send_that_overruns_its_deadline_fails_and_its_worker_is_replaced() -> None:
    bench = Bench(hanging=True)
    bench.step(1)
    assert bench.step(after=30) == pytest.approx(2.5)
    assert bench.outcomes() == [(1, 1, "pending")]
    assert bench.reported[0].error == "no answer within 30 s"
    assert bench.workers[0].retired
    bench.step(after=2.5)
    bench.workers[1].end()
    bench.step()
    assert bench.outcomes()[-1] == (1, 2, "delivered")


def test_a_hanging_send_holds_up_no_other_subject() -> None:
    bench = Bench(hanging=True)
    bench.loop.offer([telling(1, subject="nas"), telling(2, subject="router")])
    bench.step()
    bench.step(after=30)
    bench.workers[1].end()
    bench.step()
    assert bench.outcomes() == [(1, 1, "pending"), (2, 1, "delivered")]


def test_a_late_success_settles_the_delivery_with_the_number_of_its_attempt() -> None:
    bench = Bench(hanging=True)
    bench.step(1)
    bench.step(after=30)
    bench.workers[0].end()
    assert bench.step() is None
    assert bench.outcomes() == [(1, 1, "pending"), (1, 1, "delivered")]
    assert bench.step(after=60) is None


def test_a_late_success_lets_the_next_of_its_subject_go() -> None:
    bench = Bench(hanging=True)
    bench.step(1, 2)
    bench.step(after=30)
    bench.workers[0].end()
    bench.step()
    bench.workers[1].end()
    bench.step()
    assert bench.outcomes()[-1] == (2, 1, "delivered")


def test_after_a_late_success_the_attempt_that_is_running_no_longer_counts() -> None:
    bench = Bench([None, DOWN], hanging=True)
    bench.step(1)
    bench.step(after=30)
    bench.step(after=2.5)
    bench.workers[0].end()
    bench.step()
    bench.workers[1].end()
    bench.step()
    assert bench.outcomes() == [(1, 1, "pending"), (1, 1, "delivered")]


def test_a_late_success_settles_even_what_was_given_up_for_dead() -> None:
    bench = Bench(hanging=True)
    bench.step(1)
    bench.step(after=30)
    bench.step(after=2.5)
    bench.sink.script = [REFUSED, None]
    bench.workers[1].end()
    bench.step()
    bench.workers[0].end()
    bench.step()
    assert bench.outcomes() == [(1, 1, "pending"), (1, 2, "dead"), (1, 1, "delivered")]


def test_a_late_failure_changes_nothing() -> None:
    bench = Bench([DOWN], hanging=True)
    bench.step(1)
    bench.step(after=30)
    bench.workers[0].end()
    bench.step()
    assert bench.outcomes() == [(1, 1, "pending")]


def _hang_four_times(bench: Bench) -> float:
    seconds = bench.step(1)
    while len(bench.workers) < 4 or bench.loop.status().hanging < 4:
        assert seconds is not None
        seconds = bench.step(after=seconds)
    assert seconds is not None
    return seconds


def test_with_four_sends_hanging_another_one_fails_without_being_begun() -> None:
    bench = Bench(hanging=True)
    seconds = _hang_four_times(bench)
    bench.step(after=seconds)
    assert len(bench.workers) == 4
    assert bench.reported[-1].error == "4 earlier sends still hang"
    assert bench.reported[-1].state is DeliveryState.PENDING


def test_when_one_of_them_ends_sending_goes_on() -> None:
    bench = Bench([DOWN], hanging=True)
    seconds = _hang_four_times(bench)
    seconds = bench.step(after=seconds) or 0.0
    bench.workers[0].end()
    bench.step(after=seconds)
    assert len(bench.workers) == 5


def test_an_unexpected_error_of_a_sink_is_tried_again_and_shows_its_type_only() -> None:
    bench = Bench([RuntimeError("token=canary")])
    bench.step(1)
    assert bench.outcomes() == [(1, 1, "pending")]
    assert bench.reported[0].error == "unexpected RuntimeError"


def test_a_row_of_failures_is_one_warning_and_its_end_one_line_with_the_count(
    lines: list[tuple[str, str]],
) -> None:
    bench = Bench([DOWN, DOWN, DOWN])
    seconds = bench.step(1)
    while seconds is not None:
        seconds = bench.step(after=seconds)
    assert lines == [("WARNING", "delivery failed"), ("INFO", "delivery recovered")]


def test_an_unexpected_error_is_logged_once_per_type(lines: list[tuple[str, str]]) -> None:
    bench = Bench([DOWN, ValueError("a"), ValueError("b")])
    seconds = bench.step(1)
    while seconds is not None:
        seconds = bench.step(after=seconds)
    assert [text for level, text in lines if level == "WARNING"] == ["delivery failed", "delivery failed"]


def test_a_row_of_dead_deliveries_is_one_error(lines: list[tuple[str, str]]) -> None:
    bench = Bench([REFUSED, REFUSED])
    bench.step(1, 2)
    assert lines == [("ERROR", "delivery given up")]


def test_no_line_of_the_log_quotes_an_unexpected_error() -> None:
    seen: list[str] = []
    sink = logger.add(lambda m: seen.append(str(m.record)), level="TRACE")
    Bench([RuntimeError("token=canary")]).step(1)
    logger.remove(sink)
    assert seen
    assert "canary" not in "".join(seen)


def test_the_status_counts_failures_in_a_row_and_keeps_the_last_error() -> None:
    bench = Bench([DOWN, DOWN])
    seconds = bench.step(1)
    assert seconds is not None
    bench.step(2, after=seconds)
    status = bench.loop.status()
    assert (status.failures, status.last_error, status.waiting) == (2, "connection refused", 2)
    bench.step(after=150)
    status = bench.loop.status()
    assert (status.failures, status.delivered, status.dead, status.waiting) == (0, 2, 0, 0)


def test_the_status_says_since_when_a_sink_fails_and_that_it_is_left_alone() -> None:
    bench = Bench([DOWN] * 3)
    began = bench.clock.now().wall
    bench.loop.offer([telling(number, subject=str(number)) for number in range(1, 9)])
    bench.step()
    status = bench.loop.status()
    assert (status.failing_since, status.resting, status.failures) == (began, True, 3)
    bench.step(after=2.5)
    status = bench.loop.status()
    assert (status.failing_since, status.resting, status.delivered) == (None, False, 8)


def test_a_loop_that_was_asked_to_stop_begins_nothing_new() -> None:
    bench = Bench()
    bench.loop.ask_to_stop()
    assert bench.step(1) is None
    assert bench.sink.sent == []


def test_a_send_that_runs_when_the_loop_stops_is_still_reported() -> None:
    bench = Bench(hanging=True)
    bench.step(1)
    bench.loop.ask_to_stop()
    assert bench.step(after=5) == 25
    bench.workers[0].end()
    assert bench.step() is None
    assert bench.outcomes() == [(1, 1, "delivered")]


# Several at once -------------------------------------------------------------------------------------------------


def _at_once(*deliveries: tuple[int, str], in_flight: int = 2) -> Bench:
    """A loop that was offered deliveries (id, subject), and whose sends end when the test says so."""
    bench = Bench(hanging=True, in_flight=in_flight)
    bench.loop.offer([telling(delivery, subject=subject) for delivery, subject in deliveries])
    bench.step()
    return bench


def _running(bench: Bench) -> int:
    return sum(len(worker.jobs) for worker in bench.workers)


def test_several_subjects_are_told_at_once_up_to_the_bound() -> None:
    bench = _at_once((1, "a"), (2, "b"), (3, "c"))
    assert _running(bench) == 2
    bench.workers[0].end()
    bench.step()
    assert _running(bench) == 2
    assert bench.outcomes() == [(1, 1, "delivered")]


def test_of_one_subject_only_one_delivery_is_on_its_way() -> None:
    bench = _at_once((1, "a"), (2, "a"), (3, "a"))
    assert _running(bench) == 1
    bench.workers[0].end()
    bench.step()
    assert _running(bench) == 1
    assert bench.sink.sent == [1]


def test_an_older_delivery_that_comes_later_waits_for_the_one_on_its_way() -> None:
    bench = _at_once((2, "a"))
    bench.loop.offer([telling(1, subject="a")])
    bench.step()
    assert _running(bench) == 1
    bench.workers[0].end()
    bench.step()
    bench.workers[0].end()
    bench.step()
    assert bench.sink.sent == [2, 1]


def test_what_waits_for_its_retry_holds_up_its_own_subject_only() -> None:
    bench = _at_once((1, "a"), (2, "a"), (3, "b"))
    bench.sink.script = [DOWN]
    bench.workers[0].end()
    assert bench.step() == pytest.approx(2.5)
    assert _running(bench) == 1
    bench.step(after=2.5)
    assert _running(bench) == 2
    for worker in bench.workers:
        worker.end()
    bench.step()
    assert sorted(bench.sink.sent) == [1, 1, 3]


def test_a_worker_that_is_done_is_used_again() -> None:
    bench = _at_once((1, "a"), in_flight=8)
    bench.workers[0].end()
    bench.step()
    bench.loop.offer([telling(2, subject="b")])
    bench.step()
    assert len(bench.workers) == 1


def test_each_send_has_its_own_deadline() -> None:
    bench = _at_once((1, "a"))
    bench.clock.advance(10)
    bench.loop.offer([telling(2, subject="b")])
    assert bench.step() == 20
    assert bench.step(after=20) == pytest.approx(2.5)
    assert bench.loop.status().hanging == 1
    assert [worker.retired for worker in bench.workers] == [True, False]


def test_a_late_success_opens_its_lane_only_when_the_second_attempt_has_ended_too() -> None:
    bench = _at_once((1, "a"), (2, "a"))
    bench.step(after=30)
    bench.step(after=3)
    assert _running(bench) == 2
    bench.workers[0].end()
    bench.step()
    assert bench.outcomes()[-1] == (1, 1, "delivered")
    assert bench.sink.sent == [1]
    bench.workers[1].end()
    bench.step()
    assert _running(bench) == 1


def test_a_stopping_loop_waits_for_all_that_is_on_its_way() -> None:
    bench = _at_once((1, "a"), (2, "b"), (3, "c"))
    bench.loop.ask_to_stop()
    bench.workers[0].end()
    assert bench.step() == 30
    bench.workers[1].end()
    assert bench.step() is None
    assert bench.outcomes() == [(1, 1, "delivered"), (2, 1, "delivered")]


# Gone for good ---------------------------------------------------------------------------------------------------


def test_an_address_that_is_gone_gets_nothing_more_and_everything_is_dead_with_the_reason() -> None:
    bench = Bench([GONE])
    bench.step(1, 2)
    bench.step(3)
    assert bench.sink.sent == [1]
    assert [attempt.state for attempt in bench.reported] == [DeliveryState.DEAD] * 3
    assert bench.reported[-1].error == "nothing more is sent there until the next start: HTTP 410 Gone"


def test_that_an_address_is_gone_is_an_error_of_its_own(lines: list[tuple[str, str]]) -> None:
    Bench([GONE]).step(1, 2)
    assert lines == [
        ("ERROR", "sink switched off until the next start: its address is gone"),
        ("ERROR", "delivery given up"),
    ]


def test_a_sink_that_is_paced_gets_so_many_a_minute_and_misses_none() -> None:
    bench = Bench()
    loop = SinkLoop(
        name="sink",
        sink=bench.sink,
        report=bench.reported.append,
        per_minute=2,
        new_worker=lambda _name: InlineWorker(),
    )
    loop.offer([telling(number, subject=str(number)) for number in range(1, 6)])
    sent = []
    for _ in range(3):
        while (seconds := loop.step(bench.clock.now())) == 0:
            pass
        sent.append(list(bench.sink.sent))
        bench.clock.advance(seconds or 0)
    assert sent == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]]
    assert (bench.clock.now().boot, seconds) == (1_120, None)


def test_a_refusal_for_good_is_no_reason_to_leave_a_sink_alone() -> None:
    bench = Bench([REFUSED] * 5)
    bench.step(1, 2, 3, 4, 5, 6)
    assert bench.sink.sent == [1, 2, 3, 4, 5, 6]
    assert not bench.loop.status().resting


def test_a_probe_goes_alone_even_where_several_may_be_sent_at_once() -> None:
    bench = Bench([DOWN] * 4, hanging=True)
    loop = SinkLoop(
        name="sink",
        sink=bench.sink,
        report=bench.reported.append,
        in_flight=3,
        jitter=lambda: 0.5,
        new_worker=bench._hanging,
    )
    loop.offer([telling(number, subject=str(number)) for number in range(1, 9)])
    loop.step(bench.clock.now())
    for worker in bench.workers:
        worker.end()
    loop.step(bench.clock.now())
    bench.clock.advance(2.5)
    loop.step(bench.clock.now())
    assert [len(worker.jobs) for worker in bench.workers] == [0, 0, 1]
