"""An edge that the test plays itself: it keeps every frame until it is acknowledged, and sends again what was not."""

import queue
import threading
from pathlib import Path

import grpc

from sentinel.wire.v1 import frame_pb2, ingest_pb2, ingest_pb2_grpc
from tests.builders import Wire, delta, node, patch
from tests.rig import eventually

SOURCE = "home"
SETTINGS = {
    "sources": {SOURCE: {"sidecar": "external"}},
    "policy": {"debounce_window": 0},
}


class Edge:
    """One run of an edge over as many sessions as it takes. `protocol` is the version of the wire that it speaks."""

    def __init__(self, socket: Path, *, protocol: tuple[int, int] = (1, 0)) -> None:
        self.wire = Wire()
        self.made: list[frame_pb2.Frame] = []
        self.acked: tuple[int, int] = (0, 0)
        self.broken = threading.Event()
        self._socket = socket
        self._protocol = ingest_pb2.Protocol(major=protocol[0], minor=protocol[1])
        self._channel: grpc.Channel | None = None
        self._outbound: queue.SimpleQueue[ingest_pb2.StreamFramesRequest | None] = queue.SimpleQueue()
        self._welcomes: queue.SimpleQueue[ingest_pb2.Welcome] = queue.SimpleQueue()

    def connect(self) -> None:
        """Begins a session: a first base, or what the service has not yet."""
        eventually(self._socket.exists, "the service listens")
        self._channel = grpc.insecure_channel(f"unix:{self._socket}")
        self._outbound = queue.SimpleQueue()
        self.broken = threading.Event()
        answers = ingest_pb2_grpc.IngestServiceStub(self._channel).StreamFrames(iter(self._outbound.get, None))
        threading.Thread(target=self._read, args=(answers, self.broken), daemon=True).start()
        self._outbound.put(ingest_pb2.StreamFramesRequest(hello=self._hello()))
        welcome = self._welcomes.get(timeout=30)
        after = self.acked = max(self.acked, (welcome.resume_after.epoch, welcome.resume_after.seq))
        for frame in self.made:
            if welcome.HasField("send_base") or place(frame) > after:
                self._outbound.put(ingest_pb2.StreamFramesRequest(frame=frame))

    def base(self, *names: str) -> None:
        """Sees a tailnet for the first time."""
        for message in self.wire.base_messages([node(name) for name in names]):
            self.say(message)

    def change(self, name: str, *, online: bool) -> None:
        """Sees a peer's contact change."""
        self.say(self.wire.message(delta=delta(patches=[patch(name, online=online)])))

    def say(self, message: frame_pb2.Frame) -> None:
        """Sends a frame and keeps it."""
        self.made.append(message)
        self._outbound.put(ingest_pb2.StreamFramesRequest(frame=message))

    def wait_acked(self) -> None:
        """Until everything that was made is acknowledged."""
        eventually(lambda: self.acked == place(self.made[-1]), "everything is acknowledged", within=30)

    def close(self) -> None:
        """Ends the session."""
        self._outbound.put(None)
        if self._channel is not None:
            self._channel.close()

    def _hello(self) -> ingest_pb2.Hello:
        hello = ingest_pb2.Hello(protocol=self._protocol, edge_version="test", boot_id=self.wire.boot_id, source=SOURCE)
        if self.made:
            hello.last_made.CopyFrom(self.made[-1].position)
        if self.acked > (0, 0):
            epoch, seq = self.acked
            hello.last_acked.CopyFrom(frame_pb2.Position(boot_id=self.wire.boot_id, epoch=epoch, seq=seq))
        return hello

    def _read(self, answers: "grpc.Call", broken: threading.Event) -> None:
        try:
            for answer in answers:  # type: ignore[attr-defined]
                if answer.HasField("welcome"):
                    self._welcomes.put(answer.welcome)
                elif answer.HasField("ack"):
                    self.acked = (answer.ack.position.epoch, answer.ack.position.seq)
        except (grpc.RpcError, ValueError):
            pass  # the service went away, or the test closed the channel
        broken.set()


def place(frame: frame_pb2.Frame) -> tuple[int, int]:
    """Where a frame stands within the edge's run."""
    return frame.position.epoch, frame.position.seq
