"""The life of a node key."""

from datetime import datetime, timedelta

import pytest

from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.ladder import next_rung_after, next_rung_at, rung
from tests.builders import START

DAY = timedelta(days=1)
EXPIRY = START + 90 * DAY


@pytest.mark.parametrize(
    ("days_left", "stands"),
    [
        (90, "valid"),
        (30.01, "valid"),
        (30, "30d"),
        (14.01, "30d"),
        (14, "14d"),
        (7, "7d"),
        (3, "3d"),
        (1.01, "3d"),
        (1, "1d"),
        (0.01, "1d"),
        (0, "expired"),
        (-400, "expired"),
    ],
)
def test_each_rung_begins_so_long_before_the_end(days_left: float, stands: str) -> None:
    assert rung(EXPIRY, START, EXPIRY - days_left * DAY) == stands


@pytest.mark.parametrize(
    ("life", "rungs"),
    [
        (timedelta(days=60), ["30d", "14d", "7d", "3d", "1d", "expired"]),
        (timedelta(days=59), ["14d", "7d", "3d", "1d", "expired"]),
        (timedelta(days=14), ["7d", "3d", "1d", "expired"]),
        (timedelta(days=7), ["3d", "1d", "expired"]),
        (timedelta(days=2), ["1d", "expired"]),
        (timedelta(hours=47), ["expired"]),
        (timedelta(hours=24), ["expired"]),
        (timedelta(0), ["expired"]),
        (timedelta(days=-5), ["expired"]),
    ],
)
def test_a_rung_that_is_longer_than_half_of_the_life_is_left_out(life: timedelta, rungs: list[str]) -> None:
    expiry = START + life
    assert list(met(expiry, START)) == rungs


def test_the_next_moment_is_the_first_after_this_one() -> None:
    assert next_rung_at(EXPIRY, START, START) == EXPIRY - 30 * DAY
    assert next_rung_at(EXPIRY, START, EXPIRY - 30 * DAY) == EXPIRY - 14 * DAY
    assert next_rung_at(EXPIRY, START, EXPIRY - timedelta(seconds=1)) == EXPIRY
    assert next_rung_at(EXPIRY, START, EXPIRY) is None


def test_the_rung_after_one_is_the_nearer_one_even_if_it_is_past() -> None:
    assert next_rung_after(EXPIRY, START, ladder.VALID) == EXPIRY - 30 * DAY
    assert next_rung_after(EXPIRY, START, "7d") == EXPIRY - 3 * DAY
    assert next_rung_after(EXPIRY, START, ladder.EXPIRED) is None


def test_a_key_without_an_end_stays_valid() -> None:
    assert rung(None, START, START + 10_000 * DAY) == ladder.VALID
    assert next_rung_at(None, START, START) is None
    assert next_rung_after(None, START, ladder.VALID) is None


def met(expiry: datetime, first_seen: datetime) -> list[str]:
    """The rungs on the way from before everything to the end, as one meets them who wakes at each moment."""
    names: list[str] = []
    due = next_rung_at(expiry, first_seen, START - 1000 * DAY)
    while due is not None:
        names.append(rung(expiry, first_seen, due))
        due = next_rung_at(expiry, first_seen, due)
    return names
