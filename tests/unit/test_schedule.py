"""When a delivery is tried again."""

from datetime import timedelta

import pytest

from sentinel.delivery.schedule import next_try
from tests.messages import START

ALMOST_ONE = 0.999999


def wait(attempt: int, *, jitter: float = ALMOST_ONE, retry_after: float | None = None) -> float:
    asked = None if retry_after is None else timedelta(seconds=retry_after)
    due = next_try(attempt, now=START, created_at=START, jitter=jitter, retry_after=asked)
    assert due is not None
    return (due - START).total_seconds()


def test_the_first_retry_comes_within_seconds() -> None:
    assert wait(1) == pytest.approx(5, abs=0.01)


def test_the_longest_wait_doubles_with_every_attempt() -> None:
    assert [round(wait(attempt)) for attempt in range(1, 7)] == [5, 10, 20, 40, 80, 160]


@pytest.mark.parametrize("attempt", [8, 20, 1_000, 1_000_000])
def test_no_wait_is_longer_than_ten_minutes(attempt: int) -> None:
    assert wait(attempt) == pytest.approx(600, abs=0.01)


def test_jitter_spreads_the_retries_over_the_whole_wait() -> None:
    assert wait(5, jitter=0.5) == pytest.approx(40)


def test_not_even_the_luckiest_draw_tries_again_at_once() -> None:
    assert wait(1, jitter=0.0) == 1


def test_nothing_is_tried_earlier_than_the_other_side_asked_for() -> None:
    assert wait(1, retry_after=120) == 120


def test_a_request_to_come_back_soon_does_not_shorten_the_wait() -> None:
    assert wait(8, retry_after=1) == pytest.approx(600, abs=0.01)


def test_nobody_can_ask_for_more_than_an_hour() -> None:
    assert wait(1, retry_after=86_400) == 3_600


def test_a_negative_wait_that_was_asked_for_means_nothing() -> None:
    assert wait(1, jitter=0.0, retry_after=-30) == 1


def test_three_days_after_its_creation_a_delivery_is_given_up() -> None:
    created_at = START - timedelta(hours=72)
    assert next_try(400, now=START, created_at=created_at, jitter=0.0) is None


def test_up_to_three_days_after_its_creation_a_delivery_is_tried() -> None:
    created_at = START - timedelta(hours=72) + timedelta(seconds=1)
    assert next_try(400, now=START, created_at=created_at, jitter=0.0) == START + timedelta(seconds=1)
