"""The gRPC side for the command line: answers from the writer's last reports and from the store."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import grpc

from sentinel import __version__
from sentinel.clock import Clock
from sentinel.control import letters, values
from sentinel.control.answers import Answers
from sentinel.control.moments import stamp
from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.control.values import Reloaded
from sentinel.errors import ControlError, StoreError
from sentinel.pipeline.writer import SourceReport
from sentinel.policy.routes import Route
from sentinel.sources.room import Room
from sentinel.store.protocol import Reader, SinkCounts

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
    """What the running service knows beside its store; each call returns the state of that moment.

    `sinks` are the types of sinks by name, as they are at the start. `own_variables` are those of a source's edge.
    """

    sources: Callable[[], tuple[SourceReport, ...]]
    heard: Callable[[str], float | None]
    troubles: Callable[[], tuple[str, ...]]
    ledger_id: Callable[[], str]
    started_at: datetime
    store_path: Path
    sinks: Mapping[str, str]
    last_words: str
    warnings: Callable[[], tuple[str, ...]] = tuple
    own_variables: Callable[[str], tuple[str, ...]] = lambda _: ()


class ControlService(control_pb2_grpc.ControlServiceServicer):
    """What the command line may ask. Without `reload` the service has no configuration that it could read again."""

    def __init__(
        self,
        *,
        live: Live,
        reader: Reader,
        rooms: Mapping[str, Room],
        routes: Sequence[Route],
        commits: Commits,
        clock: Clock,
        ask: letters.Ask,
    ) -> None:
        self._live = live
        self._ask = ask
        self._reader = reader
        self._rooms = rooms
        self._commits = commits
        self._clock = clock
        self.reload: Callable[[], Reloaded] | None = None
        self.show(routes, live.sinks)

    def show(self, routes: Sequence[Route], sinks: Mapping[str, str]) -> None:
        """From now on these are the routes, and the types of sinks by name."""
        self._sinks = sinks
        self._answers = Answers(reader=self._reader, rooms=self._rooms, routes=routes, sinks=sinks)

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
            started_at=stamp(self._live.started_at),
            ledger_id=self._live.ledger_id(),
            store_path=str(self._live.store_path),
            events=events,
            sources=[self._source(report) for report in self._live.sources()],
            sinks=letters.summed(counts, self._sinks),
            troubles=filter(None, (*self._live.troubles(), unreadable)),
            last_words=self._live.last_words,
            warnings=self._live.warnings(),
        )

    def Reload(self, request: control_pb2.ReloadRequest, context: grpc.ServicerContext) -> control_pb2.ReloadResponse:
        """The configuration is read again, and taken as far as that can be done now."""
        with _refusing(context):
            if self.reload is None:
                raise ControlError("this run has no configuration that it could read again: restart it")
            return values.reload_response(self.reload())

    def ListSubjects(
        self, request: control_pb2.ListSubjectsRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.ListSubjectsResponse]:
        """What is known to exist, sorted by source, type and id."""
        yield from self._answers.subjects(request)

    def ListEvents(
        self, request: control_pb2.ListEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.ListEventsResponse]:
        """What happened and what became of it, oldest first."""
        wanted = self._answers.wanted(request)
        newest: int | None = request.limit or None
        seen, more, after = 0, True, 0
        while more and context.is_active():
            for number, answer in self._answers.events(wanted, after=after, newest=newest):
                after = number
                yield answer
            if not request.follow:
                return
            newest = None
            seen, more = self._commits.wait(seen, HEARTBEAT)

    def Explain(
        self, request: control_pb2.ExplainRequest, context: grpc.ServicerContext
    ) -> control_pb2.ExplainResponse:
        """Why sinks were told of an event or not, or how a subject stands with them."""
        return self._answers.explain(request)

    def ListDeliveries(
        self, request: control_pb2.ListDeliveriesRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.ListDeliveriesResponse]:
        """What was to be sent where, oldest first, and how that went."""
        with _refusing(context):
            yield from self._answers.deliveries(request)

    def ReplayDeliveries(
        self, request: control_pb2.ReplayDeliveriesRequest, context: grpc.ServicerContext
    ) -> control_pb2.ReplayDeliveriesResponse:
        """Dead deliveries are pending again."""
        with _refusing(context):
            count = letters.replay(self._reader, self._ask, self._sinks.keys(), request)
            return control_pb2.ReplayDeliveriesResponse(count=count)

    def PurgeDeliveries(
        self, request: control_pb2.PurgeDeliveriesRequest, context: grpc.ServicerContext
    ) -> control_pb2.PurgeDeliveriesResponse:
        """Dead deliveries are forgotten."""
        with _refusing(context):
            return control_pb2.PurgeDeliveriesResponse(count=letters.purge(self._reader, self._ask, request))

    def _source(self, report: SourceReport) -> control_pb2.SourceStatus:
        heard = self._live.heard(report.name)
        now = self._clock.now().wall
        return control_pb2.SourceStatus(
            name=report.name,
            kind=report.kind,
            sight="blind" if report.blind else "seeing",
            reason=report.sight.detail or report.sight.reason,
            since=stamp(report.since),
            subjects=report.subjects,
            network=report.network,
            edge=report.edge,
            last_frame_at=stamp(report.last_frame_at),
            last_heard_at=None if heard is None else stamp(datetime.fromtimestamp(now.timestamp() - heard, now.tzinfo)),
            login_url=report.sight.login_url,
            rejected=report.rejected,
            own_variables=self._live.own_variables(report.name),
        )


@contextmanager
def _refusing(context: grpc.ServicerContext) -> Iterator[None]:
    """Hands what cannot be done to the caller, in words."""
    try:
        yield
    except ControlError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
