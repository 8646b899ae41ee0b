"""What the pipeline asks of every kind of source, and the one shape in which frames reach it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from sentinel.events import EventType, Finding, Words
from sentinel.model import Position, Sight, SubjectKey

Inputs = Mapping[str, Mapping[str, Any]]
"""What is said of subjects: by type, then by id."""


@dataclass(frozen=True, slots=True)
class Network:
    """The network that the edge is in: its name and the id of the edge's own place in it; empty where not said.

    Only bases say the id: by that of the one before, a base can be told from one of another network.
    """

    name: str = ""
    self_id: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame, or one whole base.

    `inputs` maps types of subjects, and in there their ids, to what the frame says of them, in the room's own terms.
    `whole` marks a base: a subject that is not in it is gone, if it is of a kind that every base has in full. `people`
    are names of owners by id. `missing_since` is set when changes may be missing.
    """

    position: Position
    captured_at: datetime
    cause: str = ""
    inputs: Inputs = field(default_factory=dict)
    whole: bool = False
    people: Mapping[int, str] = field(default_factory=dict)
    network: Network | None = None
    sight: Sight | None = None
    missing_since: datetime | None = None


class Record(Protocol):
    """What is known of one subject; frozen, compared by value."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...


class Description(NamedTuple):
    """A subject for a table: its name, its state in a word, since when, and a cell for each of its kind's titles.

    `facts` are those that it can be found by: `dns_name`, `hostname`, `tags`, `owner`, `owner_id`, `os`, `addresses`.
    """

    name: str
    state: str
    since: datetime | None
    cells: tuple[str, ...] = ()
    facts: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was known of a source before its ledger began.

    `records(seen)` gives the records of `subject_type` as they were, by id, from those that are there now; None if
    nothing can be said. With the first base, differences are told of `subject_type` and of those derived from it,
    `derived`.
    """

    subject_type: str
    derived: frozenset[str]
    records: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


Detector = Callable[[SubjectKey, Any, Any, datetime], Iterator[Finding]]
"""(subject, before, after, when the frame was captured) → what changed; None stands for not there."""

Example = Callable[[str, datetime], Finding]
"""(source, when) → a made-up finding of one type of event, as a detector finds it."""


@dataclass(frozen=True, slots=True)
class Timer:
    """How a record changes by itself: `next_due(record)` says when, if ever; `nothing` is the input that says nothing.

    At that moment the record is advanced with `nothing`, and its next due time has to be a later one.
    """

    next_due: Callable[[Any], datetime | None]
    nothing: Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of subject: pure functions and tables.

    `advance(before, input, people, at)` gives the record after what was said of it at a moment, None when the subject
    is gone. `gone` is the input of a subject that a base does not have; None for a kind that a base may leave out.
    `on_move` are the detectors that still speak when the edge turns out to be in another network, which all others take
    in silence. `needs_sight` says that a change is only to be believed while the source sees. `availability(record)` is
    `up`, `down` or `unknown`, and since when, as far as known; None if nobody counts it. `describe(body)` makes the
    subject a device; None for one that no table of devices shows. It takes the record as `encode` wrote it, because
    thousands are shown at once; `titles` stand above its cells. `detail(record)` is everything about the subject, for
    programs, as JSON has it.
    """

    advance: Callable[[Any, Any, Mapping[int, str], datetime], Any]
    detectors: tuple[Detector, ...]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    gone: Any = None
    on_move: tuple[Detector, ...] = ()
    needs_sight: bool = True
    availability: Callable[[Any], tuple[str, datetime | None]] | None = None
    describe: Callable[[bytes], Description] | None = None
    titles: tuple[str, ...] = ()
    detail: Callable[[Any], Mapping[str, object]] | None = None
    timer: Timer | None = None


class Derivation(Protocol):
    """Follows what subjects become, in indexes of its own, and says what that means for subjects derived from them."""

    def follow(self, subject_type: str, subject_id: str, before: Any, after: Any) -> None:
        """A subject's record changed; None stands for not there."""
        ...

    def inputs(self) -> Inputs:
        """What the changes since the last call say of derived subjects."""
        ...


def underived() -> Derivation:
    """For a room in which no subject is derived from others."""
    return _Nothing()


class _Nothing:
    def follow(self, subject_type: str, subject_id: str, before: Any, after: Any) -> None:
        pass

    def inputs(self) -> Inputs:
        return {}


@dataclass(frozen=True, slots=True)
class Room:
    """One kind of source: its kinds of subjects by type, and tables.

    `derivation` makes the indexes of one source, empty. `remedies` say what to do when an edge does not see, by its
    reason.
    """

    kind: str
    kinds: Mapping[str, Kind]
    catalogue: Mapping[str, EventType]
    words: Mapping[str, Words]
    remedies: Mapping[str, str]
    derivation: Callable[[], Derivation] = underived
