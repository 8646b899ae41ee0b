"""What the service asks of a store. One writer commits; readers only read."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from sentinel.events import Difference, Event, Message, Telling, Unheard
from sentinel.model import SEEING, Absorption, Attempt, Delivery, DeliveryState, Outcome, Position, Sight, SubjectKey


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as of the newest committed frame; `position` is None before the first one."""

    name: str
    kind: str
    position: Position | None = None
    seen_at: datetime | None = None
    based: bool = False
    self_id: str = ""
    network: str = ""
    people: Mapping[int, str] = field(default_factory=dict)
    sight: Sight = SEEING


class SubjectRow(NamedTuple):
    """A subject: `body` is its record as its room encodes it, `problems` maps aspects to events that opened them."""

    key: SubjectKey
    revision: int
    body: bytes
    problems: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SpanRow:
    """The availability of a subject from a moment on; None for a state ends the last span without a new one."""

    key: SubjectKey
    began_at: datetime
    state: str | None


@dataclass(frozen=True, slots=True)
class Reject:
    """A frame's part that could not be understood; the subject kept its old state."""

    source: str
    subject_id: str
    recorded_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """All that is pending at a sink is dead, and why."""

    sink: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Revival:
    """A dead delivery is pending again as `into`, with its old key and no attempts; at the sink `to`, if any.

    If `only_news`, one whose subject and aspect were told there since is absorbed by what told it.
    """

    delivery: int
    into: int
    to: str
    at: datetime
    only_news: bool


@dataclass(slots=True)
class Batch:
    """Everything that one commit holds. Rows that map to None go."""

    high_revision: int | None = None
    ledger_id: str | None = None
    sources: dict[str, SourceRow] = field(default_factory=dict)
    subjects: dict[SubjectKey, SubjectRow | None] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spans: list[SpanRow] = field(default_factory=list)
    differences: dict[tuple[str, SubjectKey, str], Difference | None] = field(default_factory=dict)
    outcomes: dict[tuple[int, str], Outcome] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    given_up: list[GivenUp] = field(default_factory=list)
    absorptions: list[tuple[Absorption, datetime]] = field(default_factory=list)
    revivals: list[Revival] = field(default_factory=list)
    buried: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to commit."""
        return any(getattr(self, name) for name in self.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Contents:
    """What the writer has to know when it starts. `pending` counts deliveries by sink: their loops read them."""

    ledger_id: str
    high_revision: int
    next_event: int
    next_delivery: int
    last_words: str
    sources: tuple[SourceRow, ...]
    subjects: tuple[SubjectRow, ...]
    differences: tuple[Difference, ...]
    pending: Mapping[str, int]


class Missed(Protocol):
    """What sinks have not got, as of the last commit; each method raises StoreError."""

    def pending(self, sink: str, *, besides: Collection[str], after: int, limit: int) -> tuple[Telling, ...]:
        """The oldest `limit` that wait at the sink, absorbed ones included, and tell an event above `after`.

        Those that each of `besides` knows are left out, and those that the sink itself was told as a fallback.
        """
        ...

    def given_up(self, sink: str, deliveries: Sequence[int], *, besides: Collection[str]) -> tuple[Telling, ...]:
        """Of these deliveries of the sink, and of those that they absorbed, what `pending` would have of them."""
        ...

    def seen_from(self, sink: str, tellings: Sequence[Telling]) -> tuple[Unheard, ...]:
        """What is known of the messages at another sink."""
        ...


class Store(Protocol):
    """The writer's side. Every method raises StoreError when the store cannot keep its promise."""

    @property
    def missed(self) -> Missed:
        """What sinks have not got."""
        ...

    def load(self) -> Contents:
        """Everything as of the last commit."""
        ...

    def commit(self, batch: Batch) -> None:
        """All of the batch or nothing, on disk when it returns."""
        ...

    def purge(self, before: datetime, limit: int) -> int:
        """Forgets up to `limit` events recorded before a moment, sparing what is open; returns how many went."""
        ...

    def tidy(self) -> None:
        """Does what housekeeping is due; nobody waits for it."""
        ...

    def last_words(self, text: str) -> None:
        """Notes why the run ends; empty for a clean end."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """An event with what became of it, sorted by sink."""

    event: Event
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """A sink's deliveries by state, how many differences wait, and what a failed attempt of a pending delivery said.

    `purged` are the dead ones that are no longer kept: together with those of all states they are all that was admitted
    and is not older than events are kept.
    """

    states: Mapping[DeliveryState, int]
    held: int
    last_error: str
    purged: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery with what became of it and the event that it tells; `fallback_for` as in its outcome."""

    delivery: Delivery
    state: DeliveryState
    settled_at: datetime | None
    absorbed_by: int | None
    fallback_for: str
    event: Event


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: those that every condition holds for; what is empty or None holds for all.

    `types` are globs. An event is about one of `subjects`, or about what had the `name` or id in `source`. It concerned
    `sink`, and was recorded at `since` or later.
    """

    types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    subjects: tuple[SubjectKey, ...] = ()
    name: str = ""
    source: str = ""
    sink: str = ""
    since: datetime | None = None


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """A problem that a sink was told and that is open; `event` is None once it is no longer kept."""

    sink: str
    event_id: str
    route: str
    event: Event | None


class Reader(Protocol):
    """A reader's side: each call is one short transaction of its own."""

    def events(self, *, after: int, newest: int | None, wanted: Wanted = EVERYTHING) -> Iterator[Told]:
        """Wanted events with a number above `after`, oldest first; only the `newest` so many unless None."""
        ...

    def event(self, name: str) -> Told | None:
        """The event with a number, or the only one whose id begins so; None for none or several."""
        ...

    def open_problems(self, subject: SubjectKey) -> tuple[OpenProblem, ...]:
        """What sinks were told of a subject and is open, sorted by sink."""
        ...

    def event_count(self) -> int:
        """How many events the ledger has."""
        ...

    def subjects(self, types: Collection[str] = ()) -> Iterable[SubjectRow]:
        """All subjects, or those of some types, sorted by key; without their problems, which are the writer's."""
        ...

    def sink_counts(self) -> Mapping[str, SinkCounts]:
        """Deliveries by sink."""
        ...

    def deliveries(self, *, sink: str, state: DeliveryState | None, ids: Sequence[int], limit: int) -> Iterator[Sent]:
        """The newest `limit` deliveries that match, oldest first; empty conditions match all, limit 0 means all."""
        ...

    def dead(self, *, sink: str, ids: Sequence[int]) -> Sequence[tuple[int, str]]:
        """Dead deliveries that match, with their sinks, oldest first; empty conditions match all."""
        ...

    def still_open(self, sink: str, *, limit: int = -1) -> tuple[Message, ...]:
        """What the sink was told, or is about to be told, of problems that are open, oldest first; -1 is all of it."""
        ...

    def backlog(self, sink: str, *, after: int, limit: int) -> tuple[Telling, ...]:
        """The sink's oldest pending deliveries with an id above `after`, at most `limit`."""
        ...
