"""Answers from the store alone: what exists, what happened, and why sinks were told of it or not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain, compress, groupby, islice, repeat
from operator import attrgetter
from typing import NamedTuple

import orjson

from sentinel.control import letters
from sentinel.control.moments import microseconds, stamp
from sentinel.control.v1 import control_pb2
from sentinel.events import Event
from sentinel.model import Outcome, OutcomeState
from sentinel.policy.routes import Route, matching
from sentinel.sources.room import Description, Kind, Room
from sentinel.store.protocol import OpenProblem, Reader, SubjectRow, Told, Wanted

AT_ONCE = 1000
"""Subjects in one message."""
NEWEST = 10
"""Events that explain a subject."""
NOT_ASKED = "no route asks for it there"


class _Subject(NamedTuple):
    """A subject with its kind and its description, which is but a name for what is no device."""

    row: SubjectRow
    kind: Kind
    description: Description

    @property
    def name(self) -> str:
        """What people call it."""
        return self.description.name

    def detail(self) -> bytes:
        """Everything about it as a JSON object."""
        known = self.kind.detail(self.kind.decode(self.row.body)) if self.kind.detail else {}
        return orjson.dumps(known)

    def said(self, *keys: str) -> list[str]:
        """Everything that its description says under these keys, in lower case."""
        stated = [self.description.facts.get(key) for key in keys]
        texts = [text for value in stated for text in (value if isinstance(value, list | tuple) else [value])]
        return [str(text).lower() for text in texts if text not in (None, "", 0)]

    def names(self) -> list[str]:
        """Every name that it has, in lower case."""
        return [self.name.lower(), *(name.rstrip(".") for name in self.said("dns_name", "hostname"))]


@dataclass(frozen=True, slots=True)
class _Alike:
    """Some subjects of one kind, as lists: there may be thousands, and an object for each takes time."""

    kind: Kind
    rows: Sequence[SubjectRow]
    descriptions: Sequence[Description]

    def each(self) -> Iterator[_Subject]:
        """One by one."""
        return map(_Subject, self.rows, repeat(self.kind), self.descriptions)

    def that_fit(self, request: control_pb2.ListSubjectsRequest) -> "_Alike":
        """Those that the request picks."""
        fits = [_fits(subject, request) for subject in self.each()]
        return _Alike(self.kind, list(compress(self.rows, fits)), list(compress(self.descriptions, fits)))


class Answers:
    """What the store can say, in the words of the control protocol. `sinks`: names and types."""

    def __init__(
        self, *, reader: Reader, rooms: Mapping[str, Room], routes: Sequence[Route], sinks: Mapping[str, str]
    ) -> None:
        self._reader = reader
        self._rooms = rooms
        self._routes = routes
        self._sinks = sinks

    def subjects(self, request: control_pb2.ListSubjectsRequest) -> Iterator[control_pb2.ListSubjectsResponse]:
        """The subjects that are asked for, sorted by source, type and id, some at a time."""
        for some in self._described(request.types or self._devices()):
            found = some.that_fit(request) if _picks(request) else some
            if request.detailed:
                yield control_pb2.ListSubjectsResponse(subjects=map(_subject, found.each()))
            elif found.rows:
                yield control_pb2.ListSubjectsResponse(table=_table(found))

    def events(
        self, wanted: Wanted, *, after: int, newest: int | None
    ) -> Iterator[tuple[int, control_pb2.ListEventsResponse]]:
        """Wanted events with their numbers, oldest first; `after` and `newest` as for the store."""
        for told in self._reader.events(after=after, newest=newest, wanted=wanted):
            yield told.event.number, _event(told)

    def wanted(self, request: control_pb2.ListEventsRequest) -> Wanted:
        """Which events the request asks for."""
        source, name = self._parted(request.subject)
        return Wanted(
            types=tuple(request.types),
            severities=tuple(request.severities),
            subjects=tuple(subject.row.key for subject in self._named(request.subject)) if name else (),
            name=name,
            source=source,
            sink=request.sink,
            since=request.since.ToDatetime(tzinfo=UTC) if request.HasField("since") else None,
        )

    def explain(self, request: control_pb2.ExplainRequest) -> control_pb2.ExplainResponse:
        """The event, or the subjects, that the request names."""
        told = self._reader.event(request.about)
        if told is not None:
            return control_pb2.ExplainResponse(event=self._explained_event(told))
        found = [self._explained_subject(subject) for subject in self._named(request.about)]
        return control_pb2.ExplainResponse(subjects=found)

    def deliveries(self, request: control_pb2.ListDeliveriesRequest) -> Iterator[control_pb2.ListDeliveriesResponse]:
        """What was to be sent where, oldest first. Raises ControlError."""
        return letters.listed(self._reader, request)

    def sinks(self) -> list[control_pb2.SinkStatus]:
        """How it stands with each sink, sorted by name."""
        return letters.summed(self._reader.sink_counts(), self._sinks)

    def _described(self, types: Collection[str] = ()) -> Iterator[_Alike]:
        """The subjects of these types, or all, sorted by source, type and id, some at a time.

        Who asks takes in the first of them while the next are described.
        """
        kinds = {(source, type_): kind for source, room in self._rooms.items() for type_, kind in room.kinds.items()}
        for place, rows in groupby(self._reader.subjects(types), key=attrgetter("key.source", "key.type")):
            kind = kinds.get(place)
            while kind and (part := list(islice(rows, AT_ONCE))):
                describe = kind.describe or partial(_nameless, kind)
                yield _Alike(kind, part, [describe(row.body) for row in part])

    def _devices(self) -> set[str]:
        """Types of subjects that are devices."""
        return {type_ for room in self._rooms.values() for type_, kind in room.kinds.items() if kind.describe}

    def _named(self, about: str) -> list[_Subject]:
        """By name, address or id, sorted by source and name; `source/` may stand before it."""
        source, name = self._parted(about)
        found = (
            subject
            for subject in chain.from_iterable(some.each() for some in self._described())
            if source in ("", subject.row.key.source) and (name == subject.row.key.id or _is_called(subject, name))
        )
        return sorted(found, key=lambda subject: (subject.row.key.source, subject.name, subject.row.key.id))

    def _parted(self, about: str) -> tuple[str, str]:
        source, slash, name = about.partition("/")
        return (source, name) if slash and source in self._rooms else ("", about)

    def _explained_event(self, told: Told) -> control_pb2.ExplainedEvent:
        answer = self._followed(told)
        concerned = {outcome.sink for outcome in told.outcomes}
        answer.outcomes.extend(
            control_pb2.Outcome(sink=sink, state=OutcomeState.UNROUTED, why=NOT_ASKED)
            for sink in sorted(self._sinks)
            if sink not in concerned
        )
        routes = [route.label for route in matching(told.event, self._routes)]
        return control_pb2.ExplainedEvent(event=answer, routes=routes)

    def _followed(self, told: Told) -> control_pb2.ListEventsResponse:
        """The event with its outcomes, and of each message what became of that."""
        answer = _event(told)
        wanted = [outcome.message for outcome in told.outcomes if outcome.message is not None]
        found = self._reader.deliveries(sink="", state=None, ids=wanted, limit=0) if wanted else ()
        sent = {str(one.delivery.id): one for one in found}
        for outcome in answer.outcomes:
            if outcome.message and not outcome.why:
                outcome.why = letters.fate(sent.get(outcome.message), outcome.sink)
        return answer

    def _explained_subject(self, subject: _Subject) -> control_pb2.ExplainedSubject:
        key = subject.row.key
        wanted = Wanted(subjects=(key,), name=key.id, source=key.source)
        return control_pb2.ExplainedSubject(
            subject=_subject(subject),
            problems=[_problem(problem) for problem in self._reader.open_problems(key)],
            events=[self._followed(told) for told in self._reader.events(after=0, newest=NEWEST, wanted=wanted)],
        )


def _nameless(kind: Kind, body: bytes) -> Description:
    """What is no device has but a name."""
    return Description(kind.decode(body).name, "", None)


def _picks(request: control_pb2.ListSubjectsRequest) -> bool:
    return any((request.names, request.tags, request.owners, request.systems, request.states))


def _fits(subject: _Subject, request: control_pb2.ListSubjectsRequest) -> bool:
    return (
        (not request.names or _has_name(subject, request.names))
        and (not request.tags or _shares(subject.said("tags"), request.tags))
        and (not request.owners or _shares(subject.said("owner", "owner_id"), request.owners))
        and (not request.systems or _shares(subject.said("os"), request.systems))
        and (not request.states or _shares([subject.description.state], request.states))
    )


def _has_name(subject: _Subject, globs: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob.lower().rstrip(".")) for name in subject.names() for glob in globs)


def _shares(said: Sequence[str], wanted: Collection[str]) -> bool:
    return any(text.lower() in said for text in wanted)


def _is_called(subject: _Subject, name: str) -> bool:
    called = name.lower().rstrip(".")
    return called in subject.names() or called in subject.said("addresses")


def _table(found: _Alike) -> control_pb2.SubjectTable:
    sources, types, ids = zip(*(row.key for row in found.rows), strict=True)
    names, states, since, cells, _ = zip(*found.descriptions, strict=True)
    columns = zip(found.kind.titles, zip(*cells, strict=True), strict=True)
    return control_pb2.SubjectTable(
        sources=sources,
        subject_types=types,
        subject_ids=ids,
        names=names,
        states=states,
        since_us=map(microseconds, since),
        revisions=[row.revision for row in found.rows],
        columns=[control_pb2.SubjectColumn(title=title, cells=texts) for title, texts in columns],
    )


def _subject(subject: _Subject) -> control_pb2.Subject:
    key, described = subject.row.key, subject.description
    return control_pb2.Subject(
        source=key.source,
        subject_type=key.type,
        subject_id=key.id,
        name=described.name,
        state=described.state,
        since=stamp(described.since),
        revision=subject.row.revision,
        titles=subject.kind.titles,
        cells=described.cells,
        detail_json=subject.detail(),
    )


def _event(told: Told) -> control_pb2.ListEventsResponse:
    return control_pb2.ListEventsResponse(
        event_json=told.event.body,
        outcomes=[_outcome(outcome) for outcome in told.outcomes],
        text=_summary(told.event),
    )


def _problem(problem: OpenProblem) -> control_pb2.OpenProblem:
    return control_pb2.OpenProblem(
        sink=problem.sink,
        event_id=problem.event_id,
        text=_summary(problem.event) if problem.event else "",
        since=stamp(problem.event.timestamp) if problem.event else None,
        route=problem.route,
    )


def _summary(event: Event) -> str:
    return str(orjson.loads(event.body)["summary"])


def _outcome(outcome: Outcome) -> control_pb2.Outcome:
    return control_pb2.Outcome(
        sink=outcome.sink,
        state=outcome.state,
        message="" if outcome.message is None else str(outcome.message),
        until=stamp(outcome.until),
        why=outcome.why,
        route=outcome.route,
        fallback_for=outcome.fallback_for,
    )
