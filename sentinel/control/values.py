"""What the command line asks with and gets back: plain values, and their translation from and to messages.

They are tuples: of these a module is imported, and thousands are made, in a fraction of the time that dataclasses take.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, starmap
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from sentinel.control.moments import at, moment, stamp
from sentinel.control.v1 import control_pb2


class SourceStatus(NamedTuple):
    """One source; the fields are those of `sentinel.control.v1.SourceStatus`."""

    name: str
    kind: str
    sight: str
    reason: str
    since: datetime | None
    subjects: int
    network: str
    edge: str
    last_frame_at: datetime | None
    last_heard_at: datetime | None
    login_url: str
    rejected: int
    own_variables: tuple[str, ...] = ()


class SinkStatus(NamedTuple):
    """One sink; the fields are those of `sentinel.control.v1.SinkStatus`."""

    name: str
    type: str
    pending: int
    delivered: int
    dead: int
    held: int
    last_error: str
    absorbed: int = 0
    purged: int = 0


class Status(NamedTuple):
    """The service; the fields are those of `sentinel.control.v1.GetStatusResponse`."""

    version: str
    started_at: datetime | None
    ledger_id: str
    store_path: str
    events: int
    sources: tuple[SourceStatus, ...]
    sinks: tuple[SinkStatus, ...]
    troubles: tuple[str, ...]
    last_words: str
    warnings: tuple[str, ...] = ()


class Reloaded(NamedTuple):
    """What became of a new configuration; the fields are those of `sentinel.control.v1.ReloadResponse`."""

    faults: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Subject(NamedTuple):
    """One thing that exists; `columns` are further cells by title, `detail` everything about it."""

    source: str
    subject_type: str
    subject_id: str
    name: str
    state: str
    since: datetime | None
    revision: int
    columns: Mapping[str, str] = MappingProxyType({})
    detail: Mapping[str, Any] = MappingProxyType({})


class Fate(NamedTuple):
    """What became of an event at one sink."""

    sink: str
    state: str
    message: str
    until: datetime | None
    why: str
    route: str = ""
    fallback_for: str = ""


class Occurrence(NamedTuple):
    """One event: its envelope, one line for people, and what became of it, sorted by sink."""

    envelope: Mapping[str, Any]
    text: str
    outcomes: tuple[Fate, ...]


class Problem(NamedTuple):
    """A problem that a sink was told and that is open; the fields are those of `sentinel.control.v1.OpenProblem`."""

    sink: str
    event_id: str
    text: str
    since: datetime | None
    route: str


class ExplainedEvent(NamedTuple):
    """An event, what became of it at every sink, and the routes that ask for it now."""

    occurrence: Occurrence
    routes: tuple[str, ...]


class ExplainedSubject(NamedTuple):
    """A subject, what sinks were told of it and is open, and its newest events, oldest first."""

    subject: Subject
    problems: tuple[Problem, ...]
    events: tuple[Occurrence, ...]


class SubjectsWanted(NamedTuple):
    """Which subjects; the fields are those of `sentinel.control.v1.ListSubjectsRequest`."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    detailed: bool = False
    types: tuple[str, ...] = ()


ALL_SUBJECTS = SubjectsWanted()
EVERYTHING = SubjectsWanted(detailed=True, types=("peer", "daemon", "prefs", "tailnet"))
"""What a tailnet consists of, its own node included."""


class EventsWanted(NamedTuple):
    """Which events; the fields are those of `sentinel.control.v1.ListEventsRequest`."""

    limit: int = 0
    types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    subject: str = ""
    sink: str = ""
    since: datetime | None = None


class Look(NamedTuple):
    """What one look found: everything that exists, and what changed since the last one, oldest first."""

    subjects: tuple[Subject, ...]
    events: tuple[Occurrence, ...]


Explanation = ExplainedEvent | tuple[ExplainedSubject, ...]
"""Of the event that was named, or of the subjects: none if nothing fits."""


class Letter(NamedTuple):
    """One delivery; the fields are those of `sentinel.control.v1.ListDeliveriesResponse`."""

    id: int
    sink: str
    state: str
    key: str
    created_at: datetime | None
    attempt: int
    next_try: datetime | None
    settled_at: datetime | None
    error: str
    absorbed_by: int
    absorbed: int
    event: Mapping[str, Any]
    text: str
    fallback_for: str


class Asked(Protocol):
    """Who answers what can be read: the running service, or the store that it left."""

    def subjects(self, wanted: SubjectsWanted) -> tuple[Subject, ...]:
        """What exists, sorted by source and name."""
        ...

    def events(self, wanted: EventsWanted) -> Iterator[Occurrence]:
        """What happened, oldest first."""
        ...

    def explain(self, about: str) -> Explanation:
        """Why sinks were told or not."""
        ...

    def deliveries(
        self, *, sink: str = "", state: str = "", limit: int = 0, ids: Iterable[int] = ()
    ) -> tuple[Letter, ...]:
        """The newest `limit` deliveries that match, oldest first; what is empty matches all, 0 means all."""
        ...

    def sinks(self) -> tuple[SinkStatus, ...]:
        """How it stands with each sink, sorted by name; also those that are gone and left something."""
        ...


def status(answer: control_pb2.GetStatusResponse) -> Status:
    """The service as it answered."""
    return Status(
        version=answer.version,
        started_at=_moment(answer, "started_at"),
        ledger_id=answer.ledger_id,
        store_path=answer.store_path,
        events=answer.events,
        sources=tuple(_source(source) for source in answer.sources),
        sinks=tuple(map(sink_status, answer.sinks)),
        troubles=tuple(answer.troubles),
        last_words=answer.last_words,
        warnings=tuple(answer.warnings),
    )


def reload_response(what: Reloaded) -> control_pb2.ReloadResponse:
    """What became of a new configuration, for the wire."""
    return control_pb2.ReloadResponse(**what._asdict())


def reloaded(answer: control_pb2.ReloadResponse) -> Reloaded:
    """What became of a new configuration, as it was answered."""
    return Reloaded(**{name: tuple(getattr(answer, name)) for name in Reloaded._fields})


def _source(source: control_pb2.SourceStatus) -> SourceStatus:
    return SourceStatus(
        name=source.name,
        kind=source.kind,
        sight=source.sight,
        reason=source.reason,
        since=_moment(source, "since"),
        subjects=source.subjects,
        network=source.network,
        edge=source.edge,
        last_frame_at=_moment(source, "last_frame_at"),
        last_heard_at=_moment(source, "last_heard_at"),
        login_url=source.login_url,
        rejected=source.rejected,
        own_variables=tuple(source.own_variables),
    )


def sink_status(sink: control_pb2.SinkStatus) -> SinkStatus:
    """A sink as it was answered."""
    return SinkStatus(
        name=sink.name,
        type=sink.type,
        pending=sink.pending,
        delivered=sink.delivered,
        dead=sink.dead,
        held=sink.held,
        last_error=sink.last_error,
        absorbed=sink.absorbed,
        purged=sink.purged,
    )


def subjects(parts: Iterable[control_pb2.ListSubjectsResponse]) -> tuple[Subject, ...]:
    """The subjects of all parts of an answer, sorted by source and name."""
    found = chain.from_iterable(map(_subjects, parts))
    return tuple(sorted(found, key=attrgetter("source", "name", "subject_id", "subject_type")))


def _subjects(answer: control_pb2.ListSubjectsResponse) -> Iterator[Subject]:
    yield from map(subject, answer.subjects)
    table = answer.table
    titles = [column.title for column in table.columns]
    cells = zip(*(column.cells for column in table.columns), strict=True) if titles else [()] * len(table.names)
    rows = zip(
        *(table.sources, table.subject_types, table.subject_ids, table.names, table.states),
        *(map(at, table.since_us), table.revisions, (dict(zip(titles, own, strict=True)) for own in cells)),
        strict=True,
    )
    yield from starmap(Subject, rows)


def subject(answer: control_pb2.Subject) -> Subject:
    """A subject as it was answered."""
    return Subject(
        answer.source,
        answer.subject_type,
        answer.subject_id,
        answer.name,
        answer.state,
        moment(answer.since) if answer.HasField("since") else None,
        answer.revision,
        dict(zip(answer.titles, answer.cells, strict=True)),
        orjson.loads(answer.detail_json) if answer.detail_json else {},
    )


def subjects_request(wanted: SubjectsWanted) -> control_pb2.ListSubjectsRequest:
    """The request for subjects."""
    return control_pb2.ListSubjectsRequest(**wanted._asdict())


def events_request(wanted: EventsWanted, *, follow: bool = False) -> control_pb2.ListEventsRequest:
    """The request for events."""
    return control_pb2.ListEventsRequest(**{**wanted._asdict(), "since": stamp(wanted.since)}, follow=follow)


def occurrence(answer: control_pb2.ListEventsResponse) -> Occurrence:
    """An event as it was answered."""
    outcomes = (
        Fate(one.sink, one.state, one.message, _moment(one, "until"), one.why, one.route, one.fallback_for)
        for one in answer.outcomes
    )
    return Occurrence(orjson.loads(answer.event_json), answer.text, tuple(outcomes))


def explanation(answer: control_pb2.ExplainResponse) -> Explanation:
    """What was explained."""
    if answer.HasField("event"):
        return ExplainedEvent(occurrence(answer.event.event), tuple(answer.event.routes))
    return tuple(
        ExplainedSubject(
            subject=subject(found.subject),
            problems=tuple(
                Problem(problem.sink, problem.event_id, problem.text, _moment(problem, "since"), problem.route)
                for problem in found.problems
            ),
            events=tuple(map(occurrence, found.events)),
        )
        for found in answer.subjects
    )


def _moment(message: Any, name: str) -> datetime | None:
    """The time in a field, None where it is not set."""
    if not message.HasField(name):
        return None
    stamped: Timestamp = getattr(message, name)
    return moment(stamped)


def letter(answer: control_pb2.ListDeliveriesResponse) -> Letter:
    """The delivery that a service told of."""
    return Letter(
        id=answer.id,
        sink=answer.sink,
        state=answer.state,
        key=answer.key,
        created_at=_moment(answer, "created_at"),
        attempt=answer.attempt,
        next_try=_moment(answer, "next_try"),
        settled_at=_moment(answer, "settled_at"),
        error=answer.error,
        absorbed_by=answer.absorbed_by,
        absorbed=answer.absorbed,
        event=orjson.loads(answer.event_json),
        text=answer.text,
        fallback_for=answer.fallback_for,
    )
