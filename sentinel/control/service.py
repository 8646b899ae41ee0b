"""The gRPC side for the command line: answers from the writer's last reports and from the store, changes nothing."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import grpc
import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from sentinel import __version__
from sentinel.clock import Clock
from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.errors import StoreError
from sentinel.events import Event
from sentinel.model import DeliveryState, Outcome
from sentinel.pipeline.writer import SourceReport
from sentinel.sources.room import Description, Record, Room
from sentinel.store.protocol import Reader, SinkCounts, SubjectRow, Told

HEARTBEAT = 5.0
"""Seconds after which a follower is looked after even when nothing happens, so that one that hung up is let go."""


class Commits:
    """Tells those who follow that something was committed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._closed = False

    def note(self) -> None:
        """Something was committed."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing will be committed any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> tuple[int, bool]:
        """Waits for more than `seen` commits; returns their count and whether there can be more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._count > seen, seconds)
            return self._count, not self._closed


@dataclass(frozen=True, slots=True)
class Live:
    """What the running service knows beside its store; each call returns the state of that moment."""

    sources: Callable[[], tuple[SourceReport, ...]]
    heard: Callable[[str], float | None]
    troubles: Callable[[], tuple[str, ...]]
    ledger_id: Callable[[], str]
    started_at: datetime
    store_path: Path
    sinks: Mapping[str, str]
    last_words: str


class ControlService(control_pb2_grpc.ControlServiceServicer):
    """What the command line may ask."""

    def __init__(
        self, *, live: Live, reader: Reader, rooms: Mapping[str, Room], commits: Commits, clock: Clock
    ) -> None:
        self._live = live
        self._reader = reader
        self._rooms = rooms
        self._commits = commits
        self._clock = clock

    def register(self, server: grpc.Server) -> None:
        """Makes the server answer the command line."""
        control_pb2_grpc.add_ControlServiceServicer_to_server(self, server)

    def GetStatus(
        self, request: control_pb2.GetStatusRequest, context: grpc.ServicerContext
    ) -> control_pb2.GetStatusResponse:
        """How the service is; it answers even when its store does not."""
        counts: Mapping[str, SinkCounts] = {}
        events, unreadable = 0, ""
        try:
            counts, events = self._reader.sink_counts(), self._reader.event_count()
        except StoreError as error:
            unreadable = str(error)
        return control_pb2.GetStatusResponse(
            version=__version__,
            started_at=_stamp(self._live.started_at),
            ledger_id=self._live.ledger_id(),
            store_path=str(self._live.store_path),
            events=events,
            sources=[self._source(report) for report in self._live.sources()],
            sinks=[_sink(name, type_, counts.get(name)) for name, type_ in sorted(self._live.sinks.items())],
            troubles=filter(None, (*self._live.troubles(), unreadable)),
            last_words=self._live.last_words,
        )

    def ListSubjects(
        self, request: control_pb2.ListSubjectsRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.ListSubjectsResponse]:
        """The devices that are known, sorted by source and name."""
        devices = [device for row in self._reader.subjects() if (device := self._device(row))]
        for row, record, description in sorted(devices, key=lambda it: (it[0].key.source, it[1].name, it[0].key.id)):
            yield control_pb2.ListSubjectsResponse(
                source=row.key.source,
                subject_type=row.key.type,
                subject_id=row.key.id,
                name=record.name,
                state=description.state,
                since=_stamp(description.since),
                revision=row.revision,
                columns=[control_pb2.Column(title=title, text=text) for title, text in description.columns],
                detail_json=orjson.dumps(dict(description.detail)),
            )

    def _device(self, row: SubjectRow) -> tuple[SubjectRow, Record, Description] | None:
        """The subject as a device; None if it is none, or of a source that is not configured any more."""
        room = self._rooms.get(row.key.source)
        kind = room.kinds.get(row.key.type) if room else None
        if kind is None or kind.describe is None:
            return None
        record = kind.decode(row.body)
        return row, record, kind.describe(record)

    def ListEvents(
        self, request: control_pb2.ListEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.ListEventsResponse]:
        """What happened and what became of it, oldest first."""
        seen, more, after, newest = 0, True, 0, request.limit or None
        while more and context.is_active():
            for told in self._reader.events(after=after, newest=newest):
                after, newest = told.event.number, None
                yield _event(told)
            if not request.follow:
                return
            newest = None
            seen, more = self._commits.wait(seen, HEARTBEAT)

    def _source(self, report: SourceReport) -> control_pb2.SourceStatus:
        heard = self._live.heard(report.name)
        now = self._clock.now().wall
        return control_pb2.SourceStatus(
            name=report.name,
            kind=report.kind,
            sight="blind" if report.blind else "seeing",
            reason=report.sight.detail or report.sight.reason,
            since=_stamp(report.since),
            subjects=report.subjects,
            network=report.network,
            edge=report.edge,
            last_frame_at=_stamp(report.last_frame_at),
            last_heard_at=None
            if heard is None
            else _stamp(datetime.fromtimestamp(now.timestamp() - heard, now.tzinfo)),
            login_url=report.sight.login_url,
            rejected=report.rejected,
        )


def _sink(name: str, type_: str, counts: SinkCounts | None) -> control_pb2.SinkStatus:
    states = counts.states if counts else {}
    return control_pb2.SinkStatus(
        name=name,
        type=type_,
        pending=states.get(DeliveryState.PENDING, 0),
        delivered=states.get(DeliveryState.DELIVERED, 0),
        dead=states.get(DeliveryState.DEAD, 0),
        held=counts.held if counts else 0,
        last_error=counts.last_error if counts else "",
    )


def _event(told: Told) -> control_pb2.ListEventsResponse:
    return control_pb2.ListEventsResponse(
        event_json=told.event.body,
        outcomes=[_outcome(outcome) for outcome in told.outcomes],
        text=_summary(told.event),
    )


def _summary(event: Event) -> str:
    return str(orjson.loads(event.body)["summary"])


def _outcome(outcome: Outcome) -> control_pb2.Outcome:
    return control_pb2.Outcome(
        sink=outcome.sink,
        state=outcome.state,
        message="" if outcome.message is None else str(outcome.message),
        until=_stamp(outcome.until),
        why=outcome.why,
    )


def _stamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
