"""Stories of Sentinel's own sinks: what their loops say, one after the other, with the seconds that pass before."""

from collections.abc import Iterator
from datetime import timedelta

from sentinel.model import Condition
from tests.builders import START

Said = tuple[float, Condition]


def a_sink_fails_and_recovers() -> Iterator[Said]:
    """Nothing arrives for a while; then everything that waited does."""
    failed = START + timedelta(seconds=60)
    yield 400, Condition("phone", True, failed, "no answer within 30 s")
    yield 7_000, Condition("phone", True, failed, "HTTP 503")
    still_open = ("nas lost contact", "nobody carries 10.0.0.0/24 any more")
    yield 3_600, Condition("phone", False, failed + timedelta(seconds=11_040), still_open=still_open)


def a_delivery_is_given_up() -> Iterator[Said]:
    """It was refused for good; the next one arrives."""
    yield 10, Condition("phone", True, START + timedelta(seconds=8), "error=401", given_up=1)
    yield 86_400, Condition("phone", False, START + timedelta(seconds=86_410), given_up=3)


def a_sink_seems_to_fail() -> Iterator[Said]:
    """What arrives at a sink that never failed is no news."""
    yield 10, Condition("phone", False, START)
    yield 10, Condition("mail", False, START)


STORIES = (a_sink_fails_and_recovers, a_delivery_is_given_up, a_sink_seems_to_fail)
