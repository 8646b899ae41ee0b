"""What the pipeline asks of every kind of source, and the one shape in which frames reach it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sentinel.events import EventType, Finding, Words
from sentinel.model import Position, Sight, SubjectKey


@dataclass(frozen=True, slots=True)
class Network:
    """The network that the edge is in: its name and the id of the edge's own place in it; empty where not said."""

    name: str = ""
    self_id: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame, or one whole base.

    `inputs` maps subject ids to what the frame says of them, in the room's own terms. `whole` marks a base: a subject
    that is not in it is gone. `people` are names of owners by id. `missing_since` is set when changes may be missing.
    """

    position: Position
    captured_at: datetime
    cause: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Description:
    """A subject for a table: its state in a word, since when, and further cells by title."""

    state: str
    since: datetime | None
    columns: tuple[tuple[str, str], ...]
    detail: Mapping[str, object]


Detector = Callable[[SubjectKey, Any, Any, datetime], Iterator[Finding]]
"""(subject, before, after, when the frame was captured) → what changed; None stands for not there."""


@dataclass(frozen=True, slots=True)
class Room:
    """One kind of source: pure functions and tables.

    `advance(before, input, people, captured_at)` gives the record after a frame, None when the subject is gone;
    `gone` is the input of a subject that a base does not have. `availability(record)` is `up`, `down` or `unknown`, and
    since when, as far as known. `remedies` say what to do when an edge does not see, by its reason.
    """

    kind: str
    subject_type: str
    gone: Any
    advance: Callable[[Any, Any, Mapping[int, str], datetime], Any]
    detectors: tuple[Detector, ...]
    availability: Callable[[Any], tuple[str, datetime | None]]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    describe: Callable[[Any], Description]
    catalogue: Mapping[str, EventType]
    words: Mapping[str, Words]
    remedies: Mapping[str, str]
