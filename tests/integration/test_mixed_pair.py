"""A sidecar and a service of different releases: they work together, or both say once why not and what to update."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message

from sentinel import __version__
from sentinel.ingest import PROTOCOL
from sentinel.wire.v1 import frame_pb2, ingest_pb2, ingest_pb2_grpc
from tests.builders import delta, node, patch
from tests.crash_storage.edge import SETTINGS, SOURCE, Edge
from tests.rig import ROOT, Process, Service, Tailnet, becomes, eventually

MAJOR, MINOR = PROTOCOL
NOWHERE = "http://127.0.0.1:9"
OLDER, NEWER = "update the sidecar", "update the service"
APART = {(MAJOR - 1, 9): OLDER, (MAJOR, MINOR + 2): NEWER, (MAJOR + 1, 0): NEWER}
"""Versions of a sidecar's wire that this service does not understand, and what to do about it."""
M = TypeVar("M", bound=Message)


class Sidecar(Process):
    """A real sidecar that somebody else than the service runs."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self.program, self.folder = str(ROOT / "bin" / "sentinel-sidecar"), folder / "edge"
        to = ("--connect", f"unix:{socket}", "--source", SOURCE, "--state-dir", str(self.folder))
        super().__init__(self.program, *to)

    def health(self) -> "subprocess.CompletedProcess[str]":
        """What it says of itself."""
        command = (self.program, "health", "--state-dir", str(self.folder))
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def newer(message: M) -> M:
    """The message as a newer side would send it: with a field that nobody here knows."""
    # Field 900, of four bytes.
    message.MergeFromString(b"\xa2\x38\x04next")
    return message


def kept(process: Process, words: str) -> list[str]:
    """The lines of a log at level error with these words."""
    lines = [json.loads(line) for line in process.errors if line.startswith("{")]
    return [str(line) for line in lines if str(line["level"]).lower() == "error" and words in str(line)]


def service_speaking(folder: Path, protocol: tuple[int, int], control_url: str = NOWHERE) -> Service:
    """A service that is of this release in everything but the version of its wire."""
    program = f"from sentinel import ingest; ingest.PROTOCOL = {protocol}; from sentinel.cli.main import main; main()"
    command = (sys.executable, "-c", program, "serve")
    return Service(folder, control_url=control_url, settings=SETTINGS, command=command)


def test_a_newer_edge_is_understood_and_what_it_says_besides_harms_nothing(tmp_path: Path) -> None:
    with Service(tmp_path, control_url=NOWHERE, settings=SETTINGS) as service:
        edge = Edge(tmp_path / "run" / "ingest.sock", protocol=(MAJOR, MINOR + 1))
        edge.connect()
        begin, chunk, end = (newer(each) for each in edge.wire.base_messages([newer(node("nas")), node("pi")]))
        # A kind of record that this service does not know stands between the peers and the end.
        unknown = newer(frame_pb2.Frame(position=end.position))
        end.position.seq += 1
        edge.wire.seq += 1
        for message in (begin, chunk, unknown, end):
            edge.say(message)
        edge.wait_acked()
        unclear = patch("nas", online=True)
        unclear.presence = 77  # type: ignore[assignment]
        edge.say(edge.wire.message(delta=newer(delta(patches=[unclear], cause=77))))  # type: ignore[arg-type]
        edge.say(newer(edge.wire.message()))
        edge.change("pi", online=False)
        edge.wait_acked()
        becomes(service.tellings, ["pi peer.offline"])
        assert service.states() == {"nas": "online", "pi": "offline"}
        assert service.json("check")["troubles"] == []
        assert kept(service, "") == []
        edge.say(edge.wire.message(suspended=frame_pb2.Suspended(reason=77, detail="The moon is full.")))  # type: ignore[arg-type]
        edge.wait_acked()
        assert "The moon is full." in " ".join(service.json("check")["troubles"])
        edge.close()


def test_an_edge_too_far_apart_is_turned_away_with_both_versions_and_what_to_update(tmp_path: Path) -> None:
    with Service(tmp_path, control_url=NOWHERE, settings=SETTINGS) as service:
        socket = tmp_path / "run" / "ingest.sock"
        eventually(socket.exists, "the service listens")
        for (major, minor), todo in APART.items():
            ours = f"service {__version__} speaks {MAJOR}.{MINOR}"
            sentence = f"sidecar 7.7.7 speaks wire protocol {major}.{minor}, {ours}: {todo}"
            for _ in range(2):
                assert refusal(socket, ingest_pb2.Protocol(major=major, minor=minor)) == sentence
            assert len(kept(service, sentence)) == 1
            # Nothing else is said of the source: that no sidecar is connected would send people to start another.
            assert service.json("check")["troubles"] == [f"source {SOURCE}: an edge was turned away: {sentence}"]
            status = service.ask("status")
            assert status.returncode == 1
            assert sentence in " ".join(status.stdout.split())


def refusal(socket: Path, protocol: ingest_pb2.Protocol) -> str:
    """What an edge that speaks this is told."""
    hello = ingest_pb2.Hello(protocol=protocol, edge_version="7.7.7", boot_id="boot-1", source=SOURCE)
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        stub = ingest_pb2_grpc.IngestServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            next(stub.StreamFrames(iter([ingest_pb2.StreamFramesRequest(hello=hello)])))
    return str(refused.value.details())


def test_a_real_sidecar_works_with_a_service_one_minor_newer(tmp_path: Path) -> None:
    with (
        Tailnet(peers=3) as tailnet,
        service_speaking(tmp_path, (MAJOR, MINOR + 1), tailnet.control_url) as service,
        Sidecar(tmp_path, tmp_path / "run" / "ingest.sock") as sidecar,
    ):
        service.wait_seeing()
        assert sidecar.health().returncode == 0
        tailnet.change({"op": "offline", "peer": "nas"})
        becomes(service.tellings, ["nas peer.offline"])


@pytest.mark.parametrize(
    ("protocol", "todo"), [((MAJOR + 1, 0), OLDER), ((MAJOR, MINOR + 2), OLDER), ((MAJOR - 1, 9), NEWER)]
)
def test_a_real_pair_too_far_apart_says_why_on_both_sides(tmp_path: Path, protocol: tuple[int, int], todo: str) -> None:
    theirs = f"service {__version__} speaks {protocol[0]}.{protocol[1]}: {todo}"
    with (
        service_speaking(tmp_path, protocol) as service,
        Sidecar(tmp_path, tmp_path / "run" / "ingest.sock") as sidecar,
    ):
        eventually(lambda: kept(service, theirs), "the service says why")
        eventually(lambda: kept(sidecar, theirs), "the sidecar says why")
        assert f"speaks wire protocol {MAJOR}.{MINOR}" in kept(sidecar, theirs)[0]
        assert theirs in "".join(service.json("check")["troubles"])
        asked = sidecar.health()
        assert asked.returncode == 1
        assert theirs in asked.stdout


class Stranger(ingest_pb2_grpc.IngestServiceServicer):
    """A service that takes edges of this release in although it speaks another version of the wire."""

    def __init__(self, protocol: tuple[int, int]) -> None:
        self.sessions = 0
        self._protocol = ingest_pb2.Protocol(major=protocol[0], minor=protocol[1])
        self._lock = threading.Lock()

    def StreamFrames(self, requests: Any, context: grpc.ServicerContext) -> Iterator[ingest_pb2.StreamFramesResponse]:
        next(requests)
        with self._lock:
            self.sessions += 1
        welcome = ingest_pb2.Welcome(protocol=self._protocol, service_version="8.8.8")
        yield ingest_pb2.StreamFramesResponse(welcome=welcome)
        next(requests, None)


class Newer(ingest_pb2_grpc.IngestServiceServicer):
    """A service one minor newer, which says things that this release has no words for; `results` are the answers."""

    def __init__(self) -> None:
        self.sessions = 0
        self.results: list[ingest_pb2.CommandResult] = []

    def StreamFrames(self, requests: Any, context: grpc.ServicerContext) -> Iterator[ingest_pb2.StreamFramesResponse]:
        self.sessions += 1
        yield ingest_pb2.StreamFramesResponse(
            welcome=newer(
                ingest_pb2.Welcome(
                    protocol=ingest_pb2.Protocol(major=MAJOR, minor=MINOR + 1),
                    config=newer(ingest_pb2.EdgeConfig(control_url=NOWHERE, login_mode=77)),  # type: ignore[arg-type]
                )
            )
        )
        yield newer(ingest_pb2.StreamFramesResponse())
        yield ingest_pb2.StreamFramesResponse(command=newer(ingest_pb2.Command(command_id="later")))
        for request in requests:
            if request.HasField("command_result"):
                self.results.append(request.command_result)


def test_a_sidecar_passes_over_what_a_newer_service_says_besides(tmp_path: Path) -> None:
    service, socket = Newer(), tmp_path / "ingest.sock"
    with listening(socket, service), Sidecar(tmp_path, socket) as sidecar:
        (answer,) = eventually(lambda: service.results, "the command is answered")
        assert (answer.command_id, answer.done) == ("later", False)
        assert "does not know this command" in answer.error
        assert sidecar.health().returncode == 0
        assert service.sessions == 1


@contextmanager
def listening(socket: Path, servicer: ingest_pb2_grpc.IngestServiceServicer | None) -> Iterator[None]:
    """A server at the socket; without a servicer it knows none of our methods."""
    server = grpc.server(ThreadPoolExecutor(4))
    if servicer is not None:
        ingest_pb2_grpc.add_IngestServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait()


@pytest.mark.parametrize(("protocol", "todo"), [((MAJOR + 1, 0), OLDER), ((MAJOR - 1, 9), NEWER)])
def test_a_sidecar_says_once_why_it_leaves_a_service_that_would_take_it_in(
    tmp_path: Path, protocol: tuple[int, int], todo: str
) -> None:
    stranger, socket = Stranger(protocol), tmp_path / "ingest.sock"
    with listening(socket, stranger), Sidecar(tmp_path, socket) as sidecar:
        eventually(lambda: stranger.sessions > 1, "the sidecar tries again")
        (line,) = kept(sidecar, "")
        assert f"speaks wire protocol {MAJOR}.{MINOR}, service 8.8.8 speaks {protocol[0]}.{protocol[1]}: {todo}" in line
        assert todo in sidecar.health().stdout


def test_a_service_that_knows_no_such_wire_is_a_refusal_with_the_versions_of_this_side(tmp_path: Path) -> None:
    socket = tmp_path / "ingest.sock"
    with listening(socket, None), Sidecar(tmp_path, socket) as sidecar:
        (line,) = eventually(lambda: kept(sidecar, ""), "the sidecar says why")
        assert f"does not know wire protocol {MAJOR}.{MINOR}" in line
