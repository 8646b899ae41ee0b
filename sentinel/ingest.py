"""The gRPC side for edges: sessions, who may feed a source, frames in, acknowledgements out. No business rule."""

import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn, Protocol

import grpc
from loguru import logger

from sentinel import __version__
from sentinel.clock import Clock
from sentinel.errors import FrameError
from sentinel.model import Position, Reached, unwatched
from sentinel.pipeline.inbox import Arrived, Closed, Hello, Inbox, Opened
from sentinel.sources.room import Frame
from sentinel.wire.v1 import frame_pb2, ingest_pb2, ingest_pb2_grpc

PROTOCOL = (1, 0)
SILENCE = 30.0
"""Seconds without a word after which an edge counts as dead: three heartbeats."""
HELLO_WITHIN = 5.0


class FrameDecoder(Protocol):
    """One session's decoder; a base comes out whole, at its end."""

    def feed(self, message: frame_pb2.Frame) -> Frame | None:
        """The frame, if the message completes one. Raises FrameError."""


@dataclass(frozen=True, slots=True)
class Login:
    """How an edge's node gets in. `mode` is `auto`, `auth_key`, `oauth` or `interactive`; secrets are never shown."""

    mode: str = "auto"
    fallback: bool = False
    timeout: timedelta = timedelta(0)
    auth_key: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    client_id: str = ""
    id_token: str = field(default="", repr=False)
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """What the configuration says about the edge of one source."""

    decoder: Callable[[], FrameDecoder]
    hostname: str
    control_url: str
    advertise_tags: tuple[str, ...]
    login: Login
    ephemeral: bool
    log_upload: bool


@dataclass(frozen=True, slots=True)
class Configured:
    """What an edge made of a new configuration: settings taken at once, those that its node was restarted for."""

    applied: tuple[str, ...] = ()
    restarted_for: tuple[str, ...] = ()
    error: str = ""


class EdgeSession:
    """One stream. The writer talks to it through `welcome`, `ack` and `refuse`; none of them ever waits.

    `own_variables` are names of the edge's own that override its configuration.
    """

    def __init__(self, hello: Hello, edge: Edge, heard_at: float, own_variables: tuple[str, ...] = ()) -> None:
        self.hello = hello
        self.heard_at = heard_at
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        self.edge = edge
        self.own_variables = own_variables
        self._asked: dict[str, queue.SimpleQueue[Configured]] = {}
        self._order = threading.Lock()
        self._welcomed = False
        self._outbound: queue.SimpleQueue[ingest_pb2.StreamFramesResponse | None] = queue.SimpleQueue()

    def welcome(self, resume_after: Position | None) -> None:
        """Go on after this position, or send a base."""
        with self._order:
            self._welcomed = True
            self._outbound.put(_welcome(self.edge, resume_after))

    def ack(self, position: Position) -> None:
        """Everything up to here is committed."""
        self._outbound.put(ingest_pb2.StreamFramesResponse(ack=ingest_pb2.Ack(position=_to_wire(position))))

    def configure(self, edge: Edge) -> "queue.SimpleQueue[Configured]":
        """Hands the edge another configuration; its answer comes in the queue, if it comes."""
        answer: queue.SimpleQueue[Configured] = queue.SimpleQueue()
        name = uuid.uuid4().hex
        self._asked[name] = answer
        command = ingest_pb2.Command(command_id=name, configure=ingest_pb2.Configure(config=_config(edge)))
        with self._order:
            self.edge = edge
            if self._welcomed:
                self._outbound.put(ingest_pb2.StreamFramesResponse(command=command))
            else:
                # The welcome that it waits for has it.
                answer.put(Configured())
        return answer

    def answered(self, result: ingest_pb2.CommandResult) -> None:
        """The edge said what became of a command."""
        asked = self._asked.pop(result.command_id, None)
        if asked is not None:
            asked.put(Configured(tuple(result.applied), tuple(result.restarted_for), result.error))

    def refuse(self, why: str) -> None:
        """Ends the stream because the edge broke the rules of the wire."""
        self.end(grpc.StatusCode.DATA_LOSS, why)

    def end(self, code: grpc.StatusCode | None = None, why: str = "") -> None:
        """Ends the stream; with a code the edge is told why."""
        if code is not None and self.refusal is None:
            self.refusal = (code, why)
        self._outbound.put(None)

    def responses(self) -> Iterator[ingest_pb2.StreamFramesResponse]:
        """What to send, until the session ends."""
        return iter(self._outbound.get, None)


class IngestService(ingest_pb2_grpc.IngestServiceServicer):
    """Edges dial in here."""

    def __init__(self, *, inbox: Inbox, edges: Mapping[str, Edge], clock: Clock, reached: Reached = unwatched) -> None:
        self._reached = reached
        self._inbox = inbox
        self._edges = edges
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, EdgeSession] = {}
        self._ending = False
        self._refused: dict[str, tuple[str, float]] = {}

    def register(self, server: grpc.Server) -> None:
        """Makes the server answer edges."""
        ingest_pb2_grpc.add_IngestServiceServicer_to_server(self, server)

    def StreamFrames(
        self, request_iterator: Iterator[ingest_pb2.StreamFramesRequest], context: grpc.ServicerContext
    ) -> Iterator[ingest_pb2.StreamFramesResponse]:
        """One session of one edge."""
        session = self._admit(request_iterator, context)
        reader = threading.Thread(target=self._read, args=(session, request_iterator), name="edge-reader", daemon=True)
        context.add_callback(session.end)
        self._inbox.post(Opened(session))
        reader.start()
        try:
            yield from session.responses()
        finally:
            self._leave(session)
        if session.refusal is not None:
            context.abort(*session.refusal)

    @property
    def turned_away(self) -> Mapping[str, str]:
        """By source, why an edge that tries to come in is not let in; one that tries no longer is forgotten."""
        since = self._clock.now().boot - SILENCE
        return {source: why for source, (why, tried_at) in tuple(self._refused.items()) if tried_at >= since}

    def heard(self, source: str) -> float | None:
        """Seconds since the source's edge was last heard; None without an edge."""
        session = self._sessions.get(source)
        return None if session is None else self._clock.now().boot - session.heard_at

    def own_variables(self, source: str) -> tuple[str, ...]:
        """Names of the variables with which the source's edge overrides its configuration; none without an edge."""
        session = self._sessions.get(source)
        return () if session is None else session.own_variables

    def configure(self, edges: Mapping[str, Edge], *, within: float) -> dict[str, Configured | None]:
        """Edges get these configurations from now on, those that are here at once.

        Returns what those made of it whose configuration is another now; None for one that did not answer in time.
        """
        with self._lock:
            self._edges = edges
            changed = {name: one for name, one in self._sessions.items() if one.edge != edges[name]}
        asked = {name: session.configure(edges[name]) for name, session in changed.items()}
        end = self._clock.now().boot + within
        return {name: _answer(answers, end - self._clock.now().boot) for name, answers in asked.items()}

    def expect_end(self) -> None:
        """From now on sessions end because the service does."""
        self._ending = True

    def end_all(self) -> None:
        """Ends every session, for the service's own end."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.end(grpc.StatusCode.UNAVAILABLE, "the service is stopping")

    def _admit(self, requests: Iterator[ingest_pb2.StreamFramesRequest], context: grpc.ServicerContext) -> EdgeSession:
        """The session, if the edge may have one; otherwise the stream ends with a reason for its operator."""
        first = _first_in_time(requests, context)
        misfit = _misfit(first, self._edges)
        if misfit is not None:
            self._turn_away(context, first.source, *misfit)
        hello = _hello(first)
        heard_at, own_variables = self._clock.now().boot, tuple(first.own_variables)
        with self._lock:
            session = EdgeSession(hello, self._edges[hello.source], heard_at, own_variables)
            other = self._sessions.get(hello.source)
            fits = other is None or self._may_replace(other, hello)
            if fits:
                self._sessions[hello.source] = session
        if not fits:
            self._turn_away(context, hello.source, grpc.StatusCode.ALREADY_EXISTS, _two_edges(hello.source))
        if other is not None:
            other.end(grpc.StatusCode.ABORTED, "another session of this source has replaced this one")
        self._refused.pop(hello.source, None)
        return session

    def _may_replace(self, other: EdgeSession, hello: Hello) -> bool:
        """The same run of the same edge came back, or the other one has been silent for too long."""
        silent_for = self._clock.now().boot - other.heard_at
        return other.hello.boot_id == hello.boot_id or silent_for > SILENCE

    def _turn_away(self, context: grpc.ServicerContext, source: str, code: grpc.StatusCode, why: str) -> NoReturn:
        """Edges try again every few seconds: the log says it once, the status as long as it lasts."""
        known = self.turned_away.get(source)
        self._refused[source] = (why, self._clock.now().boot)
        if known != why:
            logger.bind(source=source, why=why).error("an edge was turned away")
        context.abort(code, why)

    def _read(self, session: EdgeSession, requests: Iterator[ingest_pb2.StreamFramesRequest]) -> None:
        decoder = session.edge.decoder()
        try:
            for request in requests:
                session.heard_at = self._clock.now().boot
                kind = request.WhichOneof("message")
                if kind == "command_result":
                    session.answered(request.command_result)
                if kind != "frame":
                    continue
                self._reached("frame received")
                frame = decoder.feed(request.frame)
                if frame is not None:
                    self._inbox.post(Arrived(session, frame))
        except FrameError as error:
            session.refuse(str(error))
        except Exception as error:
            logger.bind(source=session.hello.source).debug(f"the stream of an edge broke: {type(error).__name__}")
        session.end()

    def _leave(self, session: EdgeSession) -> None:
        with self._lock:
            if self._sessions.get(session.hello.source) is session:
                del self._sessions[session.hello.source]
        self._inbox.post(Closed(session, expected=self._ending))


def _answer(answers: "queue.SimpleQueue[Configured]", within: float) -> Configured | None:
    try:
        return answers.get(timeout=max(0.0, within))
    except queue.Empty:
        return None


def _first_in_time(
    requests: Iterator[ingest_pb2.StreamFramesRequest], context: grpc.ServicerContext
) -> ingest_pb2.Hello:
    """The edge's hello; a stream that does not begin with one soon is cut off."""
    late = threading.Timer(HELLO_WITHIN, context.cancel)
    late.daemon = True
    late.start()
    first = next(requests, None)
    late.cancel()
    if first is None or first.WhichOneof("message") != "hello":
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a session begins with a hello")
    return first.hello


def _misfit(hello: ingest_pb2.Hello, edges: Mapping[str, Edge]) -> tuple[grpc.StatusCode, str] | None:
    """Why this edge cannot feed this service, or None."""
    theirs = (hello.protocol.major, hello.protocol.minor)
    if theirs[0] != PROTOCOL[0] or abs(theirs[1] - PROTOCOL[1]) > 1:
        return (grpc.StatusCode.FAILED_PRECONDITION, _too_far_apart(hello.edge_version, theirs))
    if hello.source not in edges:
        known = ", ".join(sorted(edges))
        return (
            grpc.StatusCode.NOT_FOUND,
            f"the configuration has no source named {hello.source!r} (it has: {known}): add it under sources, or start "
            "the sidecar with --source and one of these names",
        )
    if not hello.boot_id:
        return (grpc.StatusCode.INVALID_ARGUMENT, "the hello names no boot id")
    return None


def _too_far_apart(edge_version: str, theirs: tuple[int, int]) -> str:
    """The same sentence as the sidecar's own, so that both logs say one thing."""
    older = "sidecar" if theirs < PROTOCOL else "service"
    return (
        f"sidecar {edge_version} speaks wire protocol {theirs[0]}.{theirs[1]}, service {__version__} speaks "
        f"{PROTOCOL[0]}.{PROTOCOL[1]}: update the {older}"
    )


def _two_edges(source: str) -> str:
    return (
        f"another live edge already feeds the source {source!r}: stop one of the two, or give this one a source of its "
        "own with --source"
    )


def _hello(hello: ingest_pb2.Hello) -> Hello:
    return Hello(
        source=hello.source,
        boot_id=hello.boot_id,
        edge=f"sidecar {hello.edge_version}, tailscale {hello.tailscale_version}",
        last_made=_from_wire(hello, "last_made"),
        last_acked=_from_wire(hello, "last_acked"),
    )


def _welcome(edge: Edge, resume_after: Position | None) -> ingest_pb2.StreamFramesResponse:
    welcome = ingest_pb2.Welcome(
        protocol=ingest_pb2.Protocol(major=PROTOCOL[0], minor=PROTOCOL[1]),
        service_version=__version__,
        config=_config(edge),
    )
    if resume_after is None:
        welcome.send_base.SetInParent()
    else:
        welcome.resume_after.CopyFrom(_to_wire(resume_after))
    return ingest_pb2.StreamFramesResponse(welcome=welcome)


def _config(edge: Edge) -> ingest_pb2.EdgeConfig:
    login = edge.login
    return ingest_pb2.EdgeConfig(
        hostname=edge.hostname,
        control_url=edge.control_url,
        advertise_tags=edge.advertise_tags,
        login_mode=f"LOGIN_MODE_{login.mode.upper()}",
        credentials=ingest_pb2.Credentials(
            auth_key=login.auth_key,
            client_secret=login.client_secret,
            client_id=login.client_id,
            id_token=login.id_token,
            audience=login.audience,
        ),
        ephemeral=edge.ephemeral,
        log_upload=edge.log_upload,
        allow_interactive_fallback=login.fallback,
        login_timeout=login.timeout or None,
    )


def _to_wire(position: Position) -> frame_pb2.Position:
    return frame_pb2.Position(boot_id=position.boot_id, epoch=position.epoch, seq=position.seq)


def _from_wire(hello: ingest_pb2.Hello, name: str) -> Position | None:
    if not hello.HasField(name):
        return None
    position = getattr(hello, name)
    return Position(position.boot_id, position.epoch, position.seq)
