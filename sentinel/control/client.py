"""The command line's side of the control socket: asks the running service and hands back plain values."""

import os
import socket as sockets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import grpc
import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.errors import ControlError

ANSWER_WITHIN = 5.0
"""Seconds that the service has for an answer, or for the next part of one."""
COMMITTED_WITHIN = 60.0
"""Seconds that the service has for what it has to write."""
LARGEST_MESSAGE = 64 << 20

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class SourceStatus:
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


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """One sink; the fields are those of `sentinel.control.v1.SinkStatus`."""

    name: str
    type: str
    pending: int
    delivered: int
    dead: int
    held: int
    last_error: str


@dataclass(frozen=True, slots=True)
class Status:
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


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that exists; `columns` are further cells by title, `detail` everything about it."""

    source: str
    subject_type: str
    subject_id: str
    name: str
    state: str
    since: datetime | None
    revision: int
    columns: tuple[tuple[str, str], ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an event at one sink."""

    sink: str
    state: str
    message: str
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event: its envelope, one line for people, and what became of it, sorted by sink."""

    envelope: Mapping[str, Any]
    text: str
    outcomes: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class Letter:
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


class ControlClient:
    """Asks the service behind a socket. Every call raises ControlError with what to do about it."""

    def __init__(self, channel: grpc.Channel, *, socket: Path, answer_within: float = ANSWER_WITHIN) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)
        self._socket = socket
        self._answer_within = answer_within

    def status(self) -> Status:
        """How the service is."""
        with self._told():
            answer = self._stub.GetStatus(control_pb2.GetStatusRequest(), timeout=self._answer_within)
        return _status(answer)

    def subjects(self) -> tuple[Subject, ...]:
        """What exists, sorted by source and name."""
        return tuple(map(_subject, self._parts(self._stub.ListSubjects(control_pb2.ListSubjectsRequest()))))

    def events(self, *, limit: int) -> Iterator[Occurrence]:
        """The newest `limit` events, oldest first; 0 means all."""
        return map(_occurrence, self._parts(self._stub.ListEvents(control_pb2.ListEventsRequest(limit=limit))))

    def follow(self, *, limit: int) -> Iterator[Occurrence]:
        """Like `events`, and then those that happen, for as long as the caller goes on asking."""
        call = self._stub.ListEvents(control_pb2.ListEventsRequest(limit=limit, follow=True))
        try:
            with self._told():
                yield from map(_occurrence, call)
        finally:
            call.cancel()
        raise ControlError(f"the Sentinel service at {self._socket} has ended")

    def deliveries(
        self, *, sink: str = "", state: str = "", limit: int = 0, ids: Iterable[int] = ()
    ) -> tuple[Letter, ...]:
        """The newest `limit` deliveries that match, oldest first; what is empty matches all, 0 means all."""
        request = control_pb2.ListDeliveriesRequest(sink=sink, state=state, limit=limit, ids=ids)
        return tuple(map(_letter, self._parts(self._stub.ListDeliveries(request))))

    def replay(self, *, ids: Iterable[int] = (), sink: str = "", to: str = "") -> int:
        """Makes dead deliveries that match pending again, at the sink `to` if any; returns how many."""
        request = control_pb2.ReplayDeliveriesRequest(ids=ids, sink=sink, to=to)
        with self._told():
            return int(self._stub.ReplayDeliveries(request, timeout=COMMITTED_WITHIN).count)

    def purge(self, *, ids: Iterable[int] = (), sink: str = "") -> int:
        """Forgets dead deliveries that match; returns how many."""
        request = control_pb2.PurgeDeliveriesRequest(ids=ids, sink=sink)
        with self._told():
            return int(self._stub.PurgeDeliveries(request, timeout=COMMITTED_WITHIN).count)

    def _parts(self, call: Any) -> Iterator[Any]:
        """The parts of an answer; one that stalls is given up, however long the whole of it takes."""
        with self._told(), _watched(call.cancel, self._answer_within) as watch:
            yield from watch.over(call)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except _Stalled:
            raise self._no_answer() from None
        except grpc.RpcError as error:
            raise self._worded(error) from None

    def _no_answer(self) -> ControlError:
        return ControlError(
            f"the Sentinel service at {self._socket} did not answer within {self._answer_within:g} s: "
            "look at its log, and restart it if it hangs"
        )

    def _worded(self, call: Any) -> ControlError:
        # What a call raises is the call itself, which the types do not say.
        code = call.code()
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._no_answer()
        if code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
            return ControlError(f"the Sentinel service at {self._socket} has ended")
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return ControlError(f"the service at {self._socket} is of another version: restart it after an upgrade")
        if code is grpc.StatusCode.FAILED_PRECONDITION:
            return ControlError(call.details())
        reason = call.details() or code.name
        return ControlError(f"the Sentinel service at {self._socket} failed: {reason}; its log says why")


@contextmanager
def connected(socket: Path, *, answer_within: float = ANSWER_WITHIN) -> Iterator[ControlClient]:
    """A client of the service at `socket`. Raises ControlError if nobody is there."""
    _knock(socket, answer_within)
    options = (
        ("grpc.enable_http_proxy", 0),
        ("grpc.default_authority", "localhost"),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    )
    with grpc.insecure_channel(f"unix:{socket.absolute()}", options=options) as channel:
        yield ControlClient(channel, socket=socket, answer_within=answer_within)


def _knock(socket: Path, seconds: float) -> None:
    """Tells apart what gRPC reports as one: nobody there, nobody there any longer, and not allowed."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(seconds)
        try:
            probe.connect(os.fsencode(socket))
        except PermissionError:
            raise ControlError(
                f"the socket {socket} is not open to this user: run the command as the user of the service"
            ) from None
        except OSError:
            raise ControlError(
                f"no Sentinel service answers at {socket}: start one with 'sentinel-py serve', "
                "or name its configuration with --config"
            ) from None


class _Stalled(Exception):
    """Nothing came for too long."""


class _Watch:
    """Cancels a call when its next part is overdue; what the taker of a part spends on it does not count."""

    def __init__(self, cancel: Callable[[], object], seconds: float) -> None:
        self._cancel = cancel
        self._seconds = seconds
        self._moved = threading.Event()
        self._taken = False
        self._over = False
        self._stalled = False

    def over(self, parts: Iterable[Item]) -> Iterator[Item]:
        """The parts, as long as they keep coming."""
        try:
            for part in parts:
                self._taken = True
                yield part
                self._moved.set()
                self._taken = False
        except grpc.RpcError:
            if self._stalled:
                raise _Stalled from None
            raise

    def run(self) -> None:
        """Waits in a thread of its own."""
        while not self._over and (self._moved.wait(self._seconds) or self._taken or self._moved.is_set()):
            self._moved.clear()
        if self._over:
            return
        self._stalled = True
        self._cancel()

    def end(self) -> None:
        """There is nothing to wait for any longer."""
        self._over = True
        self._moved.set()


@contextmanager
def _watched(cancel: Callable[[], object], seconds: float) -> Iterator[_Watch]:
    watch = _Watch(cancel, seconds)
    thread = threading.Thread(target=watch.run, name="answer-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def _status(answer: control_pb2.GetStatusResponse) -> Status:
    return Status(
        version=answer.version,
        started_at=_moment(answer, "started_at"),
        ledger_id=answer.ledger_id,
        store_path=answer.store_path,
        events=answer.events,
        sources=tuple(_source(source) for source in answer.sources),
        sinks=tuple(_sink(sink) for sink in answer.sinks),
        troubles=tuple(answer.troubles),
        last_words=answer.last_words,
    )


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
    )


def _sink(sink: control_pb2.SinkStatus) -> SinkStatus:
    return SinkStatus(sink.name, sink.type, sink.pending, sink.delivered, sink.dead, sink.held, sink.last_error)


def _subject(answer: control_pb2.ListSubjectsResponse) -> Subject:
    return Subject(
        source=answer.source,
        subject_type=answer.subject_type,
        subject_id=answer.subject_id,
        name=answer.name,
        state=answer.state,
        since=_moment(answer, "since"),
        revision=answer.revision,
        columns=tuple((column.title, column.text) for column in answer.columns),
        detail=orjson.loads(answer.detail_json) if answer.detail_json else {},
    )


def _occurrence(answer: control_pb2.ListEventsResponse) -> Occurrence:
    outcomes = (
        Fate(outcome.sink, outcome.state, outcome.message, _moment(outcome, "until"), outcome.why)
        for outcome in answer.outcomes
    )
    return Occurrence(orjson.loads(answer.event_json), answer.text, tuple(outcomes))


def _letter(answer: control_pb2.ListDeliveriesResponse) -> Letter:
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
    )


def _moment(message: Any, name: str) -> datetime | None:
    """The time in a field, None where it is not set."""
    if not message.HasField(name):
        return None
    stamp: Timestamp = getattr(message, name)
    return stamp.ToDatetime(tzinfo=UTC)
