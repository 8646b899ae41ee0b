"""Sessions of edges over the real servicer, without a socket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import grpc_testing
import pytest

from sentinel.ingest import SILENCE, Configured, Edge, IngestService, Login
from sentinel.model import Position
from sentinel.pipeline.inbox import Arrived, Closed, Inbox, Item, Opened
from sentinel.sources.tailnet.decode import Decoder
from sentinel.wire.v1 import frame_pb2, ingest_pb2
from tests.builders import Wire, node
from tests.fakes import FakeClock

SERVICE = ingest_pb2.DESCRIPTOR.services_by_name["IngestService"]
METHOD = SERVICE.methods_by_name["StreamFrames"]
EDGE = Edge(
    decoder=Decoder,
    hostname="watch",
    control_url="",
    advertise_tags=("tag:watch",),
    login=Login(
        mode="oauth",
        fallback=True,
        timeout=timedelta(minutes=5),
        auth_key="tskey-canary",
        client_secret="canary-secret",
        client_id="client",
        id_token="canary-token",
        audience="audience",
    ),
    ephemeral=False,
    log_upload=True,
)


class Ingest:
    """The servicer on grpc's testing server, with a fake clock and an inbox that a test empties."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.inbox = Inbox()
        self.service = IngestService(inbox=self.inbox, edges={"tailnet": EDGE}, clock=self.clock)
        servicers = {SERVICE: self.service}
        self.server = grpc_testing.server_from_dictionary(servicers, grpc_testing.strict_real_time())
        self.streams: list[grpc_testing.StreamStreamServerRpc] = []

    def dial(self, **hello: object) -> grpc_testing.StreamStreamServerRpc:
        stream = self.server.invoke_stream_stream(METHOD, (), None)
        self.streams.append(stream)
        fields: dict[str, Any] = {
            "protocol": ingest_pb2.Protocol(major=1, minor=0),
            "boot_id": "boot-1",
            "source": "tailnet",
        }
        stream.send_request(ingest_pb2.StreamFramesRequest(hello=ingest_pb2.Hello(**fields | hello)))
        return stream

    def next(self) -> Item:
        self.inbox.wait(5)
        items, _, _ = self.inbox.take(1)
        return items[0]

    def opened(self) -> Opened:
        item = self.next()
        assert isinstance(item, Opened)
        return item


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    made = Ingest()
    yield made
    for stream in made.streams:
        stream.requests_closed()
    made.service.end_all()


def refusal(stream: grpc_testing.StreamStreamServerRpc) -> tuple[grpc.StatusCode, str]:
    _, code, details = stream.termination()
    return code, details


def send(stream: grpc_testing.StreamStreamServerRpc, *frames: frame_pb2.Frame) -> None:
    for frame in frames:
        stream.send_request(ingest_pb2.StreamFramesRequest(frame=frame))


def test_a_session_is_welcomed_with_its_configuration_and_where_to_resume(ingest: Ingest) -> None:
    stream = ingest.dial()
    ingest.opened().session.welcome(Position("boot-1", 2, 30))
    welcome = stream.take_response().welcome
    config = welcome.config
    assert (config.hostname, config.control_url, list(config.advertise_tags)) == ("watch", "", ["tag:watch"])
    assert (config.ephemeral, config.log_upload, config.allow_interactive_fallback) == (False, True, True)
    assert config.login_mode == ingest_pb2.LOGIN_MODE_OAUTH
    assert config.login_timeout.ToTimedelta() == timedelta(minutes=5)
    assert config.credentials == ingest_pb2.Credentials(
        auth_key="tskey-canary",
        client_secret="canary-secret",
        client_id="client",
        id_token="canary-token",
        audience="audience",
    )
    assert "canary" not in repr(EDGE)
    assert welcome.resume_after == frame_pb2.Position(boot_id="boot-1", epoch=2, seq=30)


def test_a_session_with_nothing_to_resume_from_is_asked_for_a_base(ingest: Ingest) -> None:
    stream = ingest.dial()
    ingest.opened().session.welcome(None)
    assert stream.take_response().welcome.HasField("send_base")


def configured(ingest: Ingest, edge: Edge, within: float = 5) -> Configured | None:
    return ingest.service.configure({"tailnet": edge}, within=within)["tailnet"]


def test_an_edge_that_is_here_gets_another_configuration_at_once_and_says_what_it_did(ingest: Ingest) -> None:
    stream = ingest.dial()
    ingest.opened().session.welcome(None)
    stream.take_response()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(configured, ingest, replace(EDGE, hostname="other"))
        command = stream.take_response().command
        assert command.configure.config.hostname == "other"
        result = ingest_pb2.CommandResult(command_id=command.command_id, done=True, applied=["hostname"])
        stream.send_request(ingest_pb2.StreamFramesRequest(command_result=result))
        assert asked.result(5) == Configured(applied=("hostname",))


def test_an_edge_that_waits_for_its_welcome_finds_the_other_configuration_in_there(ingest: Ingest) -> None:
    stream = ingest.dial()
    session = ingest.opened().session
    assert configured(ingest, replace(EDGE, hostname="other")) == Configured()
    session.welcome(None)
    assert stream.take_response().welcome.config.hostname == "other"


def test_an_edge_that_does_not_answer_keeps_nobody_waiting(ingest: Ingest) -> None:
    stream = ingest.dial()
    ingest.opened().session.welcome(None)
    stream.take_response()
    assert configured(ingest, replace(EDGE, hostname="other"), within=0) is None


def test_an_edge_whose_configuration_is_the_same_is_left_alone(ingest: Ingest) -> None:
    ingest.dial()
    ingest.opened().session.welcome(None)
    assert ingest.service.configure({"tailnet": replace(EDGE)}, within=0) == {}


def test_what_an_edge_overrides_is_known_by_name(ingest: Ingest) -> None:
    assert ingest.service.own_variables("tailnet") == ()
    ingest.dial(own_variables=["SENTINEL_TSNET_HOSTNAME"])
    ingest.opened()
    assert ingest.service.own_variables("tailnet") == ("SENTINEL_TSNET_HOSTNAME",)


def test_frames_reach_the_inbox_and_a_base_arrives_whole(ingest: Ingest) -> None:
    stream, wire = ingest.dial(), Wire()
    ingest.opened()
    send(stream, *wire.base_messages([node("a"), node("b")], chunk=1))
    base = ingest.next()
    assert isinstance(base, Arrived)
    assert base.frame.whole
    assert sorted(base.frame.inputs["peer"]) == ["n-a", "n-b"]


def test_what_is_committed_is_acknowledged(ingest: Ingest) -> None:
    stream = ingest.dial()
    ingest.opened().session.ack(Position("boot-1", 1, 4))
    assert stream.take_response().ack.position.seq == 4


def test_the_end_of_a_stream_reaches_the_inbox(ingest: Ingest) -> None:
    stream = ingest.dial()
    session = ingest.opened().session
    stream.requests_closed()
    assert ingest.next() == Closed(session)


@pytest.mark.parametrize("version", [(2, 0), (1, 2), (0, 0)])
def test_another_protocol_is_refused_with_both_versions(ingest: Ingest, version: tuple[int, int]) -> None:
    protocol = ingest_pb2.Protocol(major=version[0], minor=version[1])
    code, why = refusal(ingest.dial(protocol=protocol, edge_version="9.9.9"))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert f"9.9.9 speaks wire protocol {version[0]}.{version[1]}" in why
    assert "speaks 1.0" in why
    assert ingest.service.turned_away["tailnet"] == why


def test_an_edge_that_tries_no_longer_is_no_trouble(ingest: Ingest) -> None:
    refusal(ingest.dial(protocol=ingest_pb2.Protocol(major=2)))
    ingest.clock.advance(SILENCE - 1)
    assert list(ingest.service.turned_away) == ["tailnet"]
    ingest.clock.advance(2)
    assert ingest.service.turned_away == {}


def test_one_minor_apart_is_understood(ingest: Ingest) -> None:
    ingest.dial(protocol=ingest_pb2.Protocol(major=1, minor=1))
    assert ingest.opened().session.hello.source == "tailnet"


def test_a_source_that_is_not_configured_is_refused_with_those_that_are(ingest: Ingest) -> None:
    code, why = refusal(ingest.dial(source="home"))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "'home'" in why
    assert "it has: tailnet" in why


def test_a_second_live_edge_is_refused(ingest: Ingest) -> None:
    ingest.dial()
    ingest.opened()
    code, why = refusal(ingest.dial(boot_id="boot-2"))
    assert code is grpc.StatusCode.ALREADY_EXISTS
    assert "stop one of the two" in why


def test_a_silent_edge_is_replaced(ingest: Ingest) -> None:
    first = ingest.dial()
    ingest.opened()
    ingest.clock.advance(SILENCE + 1)
    ingest.dial(boot_id="boot-2")
    code, _ = refusal(first)
    assert code is grpc.StatusCode.ABORTED
    assert ingest.opened().session.hello.boot_id == "boot-2"


def test_the_same_run_of_an_edge_replaces_its_own_session(ingest: Ingest) -> None:
    first = ingest.dial()
    ingest.opened()
    ingest.dial()
    code, _ = refusal(first)
    assert code is grpc.StatusCode.ABORTED


def test_a_stream_that_does_not_begin_with_a_hello_is_refused(ingest: Ingest) -> None:
    stream = ingest.server.invoke_stream_stream(METHOD, (), None)
    stream.send_request(ingest_pb2.StreamFramesRequest(freshness=ingest_pb2.Freshness()))
    code, _ = refusal(stream)
    assert code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_part_of_a_base_out_of_place_ends_the_session(ingest: Ingest) -> None:
    stream, wire = ingest.dial(), Wire()
    ingest.opened()
    begin, _chunk, end = wire.base_messages([node("a")])
    send(stream, begin, end)
    code, why = refusal(stream)
    assert code is grpc.StatusCode.DATA_LOSS
    assert "out of place" in why


def test_no_secret_is_in_what_an_edge_prints(ingest: Ingest) -> None:
    assert "canary" not in repr(EDGE)
