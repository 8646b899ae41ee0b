"""From objects to SQLite's rows and back; the one place that knows the order of columns."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zlib import crc32

import orjson

from sentinel.clock import Deadline, parse_rfc3339, rfc3339
from sentinel.events import Difference, Event, EventType, Message, Severity, Telling, incident_at
from sentinel.model import Attempt, Delivery, DeliveryState, Outcome, OutcomeState, Position, Sight, SubjectKey
from sentinel.store.protocol import SourceRow, SubjectRow

Row = tuple[Any, ...]
"""A table's columns, in their order, without the seal that ends each."""

SOURCE_COLUMNS = (
    "name, kind, boot_id, epoch, seq, seen_at, based, self_id, network, people, seeing, reason, detail, needs_operator"
)
SUBJECT_COLUMNS = "source, type, id, revision, problems, CAST(body AS BLOB)"
LISTED_COLUMNS = "source, type, id, revision, CAST(body AS BLOB)"
EVENT_COLUMNS = (
    "number, key, type, aspect, source, subject_type, subject_id, subject_name, severity, revision, timestamp,"
    " recorded_at, before, after, resolves, body"
)
OUTCOME_COLUMNS = "event, sink, state, message, why, route, fallback_for"
DELIVERY_COLUMNS = (
    "id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, attempt, next_try, error"
)
DIFFERENCE_COLUMNS = (
    "sink, source, subject_type, subject_id, aspect, told, truth, problem, waiting, began, due_wall, due_boot,"
    " due_boot_id, route"
)


def seal(*values: Any) -> int:
    """The checksum of a row's values. SQLite knows it as a function, too; it means the same in every version."""
    return crc32("\x1f".join(map(str, values)).encode())


def sealed(row: Row) -> Row:
    """The row with its seal."""
    return (*row, seal(*row))


def numbers(values: Iterable[int]) -> str:
    """Numbers as JSON."""
    return orjson.dumps(list(values)).decode()


def text(moment: datetime | None) -> str | None:
    """The moment as text, None for None."""
    return rfc3339(moment) if moment else None


def moment(stored: str | None) -> datetime | None:
    """The moment that `text` wrote."""
    return parse_rfc3339(stored) if stored else None


def from_source(row: SourceRow) -> Row:
    """A source's columns."""
    position = row.position or Position("", 0, 0)
    people = orjson.dumps({str(number): name for number, name in row.people.items()}).decode()
    # Truth values as SQLite hands them back, so that the seal is the same.
    sight = (int(row.sight.seeing), row.sight.reason, row.sight.detail, int(row.sight.needs_operator))
    return (
        row.name,
        row.kind,
        *position,
        text(row.seen_at),
        int(row.based),
        row.self_id,
        row.network,
        people,
        *sight,
    )


def to_source(row: Row) -> SourceRow:
    """The source that `from_source` wrote."""
    name, kind, boot_id, epoch, seq, seen_at, based, self_id, network, people = row[:10]
    seeing, reason, detail, needs_operator = row[10:]
    return SourceRow(
        name=name,
        kind=kind,
        position=Position(boot_id, epoch, seq) if boot_id else None,
        seen_at=moment(seen_at),
        based=bool(based),
        self_id=self_id,
        network=network,
        people={int(number): login for number, login in orjson.loads(people).items()},
        sight=Sight(bool(seeing), reason, detail, needs_operator=bool(needs_operator)),
    )


def from_subject(row: SubjectRow) -> Row:
    """A subject's columns."""
    return (*row.key, row.revision, orjson.dumps(dict(row.problems)).decode(), row.body.decode())


def to_subject(row: Row) -> SubjectRow:
    """The subject that `from_subject` wrote."""
    source, type_, id_, revision, problems, body = row
    return SubjectRow(SubjectKey(source, type_, id_), revision, body, orjson.loads(problems))


def to_listed(row: Row) -> SubjectRow:
    """The subject of which no problems were asked for."""
    source, type_, id_, revision, body = row
    return SubjectRow(SubjectKey(source, type_, id_), revision, body)


def from_event(event: Event) -> Row:
    """An event's columns."""
    return (
        event.number,
        event.key,
        event.type.name,
        event.type.aspect,
        *event.subject,
        event.subject_name,
        event.severity.value,
        event.revision,
        rfc3339(event.timestamp),
        rfc3339(event.recorded_at),
        event.before,
        event.after,
        event.resolves,
        event.body.decode(),
    )


_SEVERITIES = {severity.value: severity for severity in Severity}


def to_event(row: Row, catalogue: Mapping[str, EventType]) -> Event:
    """The event that `from_event` wrote; a type that no catalogue has any more keeps its name and aspect."""
    number, key, type_, aspect, source, subject_type, subject_id, name, severity, revision = row[:10]
    timestamp, recorded_at, before, after, resolves, body = row[10:]
    return Event(
        number=number,
        key=key,
        event_id=key[:32],
        type=catalogue.get(type_) or EventType(type_, aspect, order=0),
        subject=SubjectKey(source, subject_type, subject_id),
        subject_name=name,
        severity=_SEVERITIES[severity],
        revision=revision,
        timestamp=parse_rfc3339(timestamp),
        recorded_at=parse_rfc3339(recorded_at),
        before=before,
        after=after,
        resolves=resolves,
        body=body.encode(),
    )


def from_difference(row: Difference) -> Row:
    """A difference's columns."""
    due = (text(row.due.wall), float(row.due.boot), row.due.boot_id) if row.due else (None, None, None)
    waiting = orjson.dumps([event.number for event in row.waiting]).decode()
    return (
        row.sink,
        *row.subject,
        row.aspect,
        row.told,
        row.truth,
        row.problem,
        waiting,
        text(row.began),
        *due,
        row.route,
    )


def to_difference(row: Row, events: Mapping[int, Event]) -> Difference:
    """The difference that `from_difference` wrote."""
    sink, source, type_, id_, aspect, told, truth, problem, waiting, began, wall, boot, boot_id, route = row
    return Difference(
        sink=sink,
        subject=SubjectKey(source, type_, id_),
        aspect=aspect,
        told=told,
        truth=truth,
        problem=problem,
        waiting=tuple(events[number] for number in orjson.loads(waiting)),
        began=moment(began),
        due=Deadline(parse_rfc3339(wall), boot, boot_id) if wall else None,
        route=route,
    )


def from_outcome(outcome: Outcome) -> Row:
    """An outcome's columns."""
    return (
        outcome.event,
        outcome.sink,
        outcome.state.value,
        outcome.message,
        outcome.why,
        outcome.route,
        outcome.fallback_for,
    )


def to_outcome(row: Row) -> Outcome:
    """The outcome that `from_outcome` wrote, with the end of its window behind it."""
    event, sink, state, message, why, route, fallback_for, until = row
    return Outcome(event, sink, OutcomeState(state), message, why, route, fallback_for, moment(until))


def from_delivery(delivery: Delivery) -> Row:
    """A pending delivery's columns."""
    return (
        delivery.id,
        delivery.sink,
        *delivery.subject,
        delivery.key,
        delivery.speaks,
        numbers(delivery.events),
        numbers(delivery.also),
        rfc3339(delivery.created_at),
        DeliveryState.PENDING.value,
        None,
        delivery.attempt,
        text(delivery.next_try),
        None,
        delivery.error,
    )


def to_delivery(row: Row) -> Delivery:
    """The delivery that `from_delivery` wrote."""
    id_, sink, source, type_, subject_id, key, speaks, events, also, created_at, attempt, next_try, error = row
    return Delivery(
        id=id_,
        sink=sink,
        subject=SubjectKey(source, type_, subject_id),
        key=key,
        speaks=speaks,
        events=tuple(orjson.loads(events)),
        created_at=parse_rfc3339(created_at),
        attempt=attempt,
        next_try=moment(next_try),
        error=error,
        also=tuple(orjson.loads(also)),
    )


def to_telling(delivery: Delivery, events: Mapping[int, Event]) -> Telling:
    """The delivery with what it says, of these events by number.

    What was told for others may have been forgotten by now; a pending delivery's own events never are.
    """
    folded = tuple(events[number] for number in delivery.events if number != delivery.speaks)
    also = tuple(events[number] for number in delivery.also if number in events)
    speaks = events[delivery.speaks]
    incident = incident_at(delivery.key, speaks)
    return Telling(delivery, Message(delivery.key, delivery.sink, speaks, folded, incident, also))


def from_attempt(attempt: Attempt) -> Row:
    """An attempt's columns, in the order of the update."""
    settled = None if attempt.next_try else text(attempt.finished_at)
    return (
        attempt.state.value,
        attempt.attempt,
        text(attempt.next_try),
        settled,
        attempt.error,
        attempt.delivery,
    )
