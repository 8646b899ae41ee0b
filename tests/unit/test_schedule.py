"""When a delivery is tried again."""

from datetime import timedelta

import pytest

from sentinel.delivery.schedule import is_over, next_probe, next_try
from tests.messages import START

ALMOST_ONE = 0.999999


def wait(attempt: int, *, jitter: float = ALMOST_ONE, retry_after: float | None = None) -> float:
    asked = None if retry_after is None else timedelta(seconds=retry_after)
    due = next_try(attempt, now=START, created_at=START, jitter=jitter, retry_after=asked)
    assert due is not None
    return (due - START).total_seconds()


def test_the_first_retry_comes_within_seconds() -> None:
    assert wait(1) == pytest.approx(5, abs=0.01)


def test_the_longest_waits_are_those_of_standard_webhooks() -> None:
    minutes = [round(wait(attempt) / 60, 1) for attempt in range(1, 10)]
    assert minutes == [0.1, 5, 30, 120, 300, 600, 840, 1200, 1440]


@pytest.mark.parametrize("attempt", [10, 1_000, 1_000_000])
def test_no_wait_is_longer_than_a_day(attempt: int) -> None:
    assert wait(attempt) == pytest.approx(86_400, abs=0.1)


def test_jitter_spreads_the_retries_over_the_whole_wait() -> None:
    assert wait(2, jitter=0.5) == pytest.approx(150)


def test_not_even_the_luckiest_draw_tries_again_at_once() -> None:
    assert wait(1, jitter=0.0) == 1


def test_nothing_is_tried_earlier_than_the_other_side_asked_for() -> None:
    assert wait(1, retry_after=120) == 120


def test_a_request_to_come_back_soon_does_not_shorten_the_wait() -> None:
    assert wait(2, retry_after=1) == pytest.approx(300, abs=0.01)


def test_nobody_can_ask_for_more_than_an_hour() -> None:
    assert wait(1, retry_after=86_400) == 3_600


def test_a_negative_wait_that_was_asked_for_means_nothing() -> None:
    assert wait(1, jitter=0.0, retry_after=-30) == 1


def test_three_days_after_its_creation_a_delivery_is_given_up() -> None:
    created_at = START - timedelta(hours=72)
    assert next_try(400, now=START, created_at=created_at, jitter=0.0) is None


def test_the_last_attempt_is_made_at_three_days_however_long_the_wait_was_to_be() -> None:
    created_at = START - timedelta(hours=60)
    due = next_try(9, now=START, created_at=created_at, jitter=ALMOST_ONE)
    assert due == created_at + timedelta(hours=72)


def test_after_enough_failures_of_its_sink_a_delivery_without_an_attempt_of_its_own_is_over() -> None:
    created_at = START - timedelta(hours=72)
    assert not is_over(now=START, created_at=created_at, failures=71)
    assert is_over(now=START, created_at=created_at, failures=72)
    assert not is_over(now=START, created_at=created_at + timedelta(seconds=1), failures=10_000)


def test_probes_come_ever_more_seldom_up_to_ten_minutes() -> None:
    seconds = [next_probe(failures, jitter=0.5).total_seconds() for failures in (1, 2, 3, 8, 1_000_000)]
    assert seconds == [2.5, 5, 10, 300, 300]
    assert next_probe(1, jitter=0.0) == timedelta(seconds=1)
