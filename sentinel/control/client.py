"""The command line's side of the control socket: asks the running service and hands back plain values."""

import os
import socket as sockets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc

from sentinel.control import values
from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.control.values import (
    ALL_SUBJECTS,
    EventsWanted,
    Explanation,
    Letter,
    Occurrence,
    Reloaded,
    SinkStatus,
    Status,
    Subject,
    SubjectsWanted,
)
from sentinel.errors import ControlError, NoServiceError

ANSWER_WITHIN = 5.0
"""Seconds that the service has for an answer, or for the next part of one."""
COMMITTED_WITHIN = 60.0
"""Seconds that the service has for what it has to write."""
LARGEST_MESSAGE = 64 << 20

Item = TypeVar("Item")


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
        return values.status(answer)

    def reload(self) -> Reloaded:
        """The service reads its configuration again and takes what it can."""
        with self._told():
            return values.reloaded(self._stub.Reload(control_pb2.ReloadRequest(), timeout=COMMITTED_WITHIN))

    def subjects(self, wanted: SubjectsWanted = ALL_SUBJECTS) -> tuple[Subject, ...]:
        """What exists, sorted by source and name."""
        parts = self._parts(self._stub.ListSubjects(values.subjects_request(wanted)))
        return values.subjects(parts)

    def events(self, wanted: EventsWanted) -> Iterator[Occurrence]:
        """The newest so many events, oldest first; with a limit of 0 all."""
        return map(values.occurrence, self._parts(self._stub.ListEvents(values.events_request(wanted))))

    def explain(self, about: str) -> Explanation:
        """Why sinks were told of an event or not, or how subjects stand with them."""
        with self._told():
            answer = self._stub.Explain(control_pb2.ExplainRequest(about=about), timeout=self._answer_within)
        return values.explanation(answer)

    def follow(self, wanted: EventsWanted) -> Iterator[Occurrence]:
        """Like `events`, and then those that happen, for as long as the caller goes on asking."""
        call = self._stub.ListEvents(values.events_request(wanted, follow=True))
        try:
            with self._told():
                yield from map(values.occurrence, call)
        finally:
            call.cancel()
        raise ControlError(f"the Sentinel service at {self._socket} has ended")

    def deliveries(
        self, *, sink: str = "", state: str = "", limit: int = 0, ids: Iterable[int] = ()
    ) -> tuple[Letter, ...]:
        """The newest `limit` deliveries that match, oldest first; what is empty matches all, 0 means all."""
        request = control_pb2.ListDeliveriesRequest(sink=sink, state=state, limit=limit, ids=ids)
        return tuple(map(values.letter, self._parts(self._stub.ListDeliveries(request))))

    def sinks(self) -> tuple[SinkStatus, ...]:
        """How it stands with each sink, sorted by name."""
        return self.status().sinks

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
            raise NoServiceError(
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
