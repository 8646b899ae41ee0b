"""The nouns that every room shares: subjects, positions, outcomes, deliveries. None of them knows a tailnet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

Reached = Callable[[str], None]
"""Told the name of each boundary at which a process may end without losing anything; tests end it there."""


def unwatched(boundary: str) -> None:
    """Nobody wants to know."""


class SubjectKey(NamedTuple):
    """Names one subject: the source that knows it, its type (`peer`), its id there."""

    source: str
    type: str
    id: str


class Position(NamedTuple):
    """A frame's place: the edge's run, the base it belongs to, its number in there (from 1, without holes)."""

    boot_id: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that changed: `path` in the payload's terms, JSON values before and after."""

    path: str
    before: object
    after: object


class Audience(StrEnum):
    """Whom a sink speaks to; decides what is folded and how it is worded."""

    PROGRAMS = "programs"
    PEOPLE = "people"
    INCIDENTS = "incidents"


@dataclass(frozen=True, slots=True)
class SinkPolicy:
    """What policy has to know of a sink."""

    name: str
    audience: Audience


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether an edge sees its network. `login_url` is a secret as long as it is open: shown, never stored."""

    seeing: bool
    reason: str = ""
    detail: str = ""
    login_url: str = ""
    needs_operator: bool = False


SEEING = Sight(seeing=True)


class OutcomeState(StrEnum):
    """What became of an event at one sink."""

    HELD = "held"
    TOLD = "told"
    FOLDED = "folded"
    REVERTED = "reverted"
    UNROUTED = "unrouted"


NO_SINK = ""
"""Stands for the sink in the outcome of an event that concerns none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the event with number `event` at `sink`.

    `message` is the delivery that told it or into which it was folded; `why` says what holds it. `route` is
    the label of the route that asked for it, empty if the sink was concerned for what it had been told before. Where
    the sink is told as a fallback, `fallback_for` is the sink that did not get it, and `route` the one that names both.
    `until` is known where the outcome is read: it is the end of the window of what waits there, which each event moves.
    """

    event: int
    sink: str
    state: OutcomeState
    message: int | None = None
    why: str = ""
    route: str = ""
    fallback_for: str = ""
    until: datetime | None = None


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    ABSORBED = "absorbed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for one sink. `events` are numbers, oldest first; `speaks` is the one that it tells.

    `key` is that of the event that it tells, and names the aspect behind a dot if that is not the event's own.
    `also` are numbers of events that it tells for deliveries that it absorbed: the first and the newest of each subject
    and aspect. `attempt` counts finished attempts; `next_try` is when the next one is due (wall clock, so that it
    survives).
    """

    id: int
    sink: str
    subject: SubjectKey
    key: str
    speaks: int
    events: tuple[int, ...]
    created_at: datetime
    attempt: int = 0
    next_try: datetime | None = None
    error: str = ""
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt to deliver ended: delivered, dead for good, or pending until `next_try`."""

    delivery: int
    sink: str
    attempt: int
    state: DeliveryState
    finished_at: datetime
    next_try: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Absorption:
    """The delivery `into` speaks for older ones of its sink, none of which was ever attempted.

    Where it is one of these itself, they are an incident that came and went: nothing of it is sent.
    `also` are the events that it tells for them and for those that they absorbed before.
    """

    sink: str
    older: tuple[int, ...]
    into: int
    also: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """Dead deliveries, each with its sink, are pending again under their old keys, behind everything that waits.

    With `to` they go to that sink. Not to programs goes what was told of the same subject and aspect since.
    """

    deliveries: tuple[tuple[int, str], ...]
    to: str = ""


@dataclass(frozen=True, slots=True)
class Burial:
    """Dead deliveries are forgotten."""

    deliveries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a sink fails, since when, and what it said last.

    `given_up` deliveries of it are dead; `still_open` has a line for problems that it was told of and that are open.
    """

    sink: str
    failing: bool
    since: datetime
    error: str = ""
    given_up: int = 0
    still_open: tuple[str, ...] = ()


Command = Absorption | Replay | Burial | Condition
"""What sinks and operators ask the writer to do with deliveries, and what it has to know of sinks."""
