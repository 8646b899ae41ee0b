"""An edge without a tailnet: speaks the wire to a real service, with frames that are made beforehand."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from sentinel.wire.v1 import frame_pb2, ingest_pb2

METHOD = "/sentinel.wire.v1.IngestService/StreamFrames"
SETTINGS: dict[str, Any] = {
    "sources": {"tailnet": {"sidecar": "external"}},
    "policy": {"debounce_window": 0},
}
"""What a service needs for such an edge, and to tell everything at once."""


def channel(socket: Path) -> grpc.Channel:
    """A connection to a service that may not be up yet; looks for it again at once, so that one can measure by it."""
    pauses = ("initial", "min", "max")
    return grpc.insecure_channel(f"unix:{socket}", options=[(f"grpc.{p}_reconnect_backoff_ms", 20) for p in pauses])


def request(frame: frame_pb2.Frame) -> bytes:
    """A frame, ready to be sent."""
    return ingest_pb2.StreamFramesRequest(frame=frame).SerializeToString()


class FakeEdge:
    """One session. `send` only queues: gRPC's flow control holds the frames back when the service does not keep up."""

    def __init__(self, socket: Path, boot_id: str, *, standing: frame_pb2.Position | None = None) -> None:
        self._channel = channel(socket)
        self._outbound: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._acked = (0, 0)
        self._acked_at = 0.0
        self._why = ""
        self._welcome: ingest_pb2.Welcome | None = None
        self._outbound.put(_hello(boot_id, standing))
        dial: Any = self._channel.stream_stream(
            METHOD, response_deserializer=ingest_pb2.StreamFramesResponse.FromString
        )
        self._call = dial(self._requests(), wait_for_ready=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outbound.put(None)
        self._call.cancel()
        self._reader.join(10)
        self._channel.close()

    def welcomed(self, within: float = 60.0) -> ingest_pb2.Welcome:
        """The service's welcome."""
        with self._changed:
            self._changed.wait_for(lambda: self._welcome is not None or self._why, within)
            assert self._welcome is not None, f"no welcome: {self._why or 'too late'}"
            return self._welcome

    def send(self, frames: Iterable[bytes]) -> None:
        """Frames as `request` made them."""
        for frame in frames:
            self._outbound.put(frame)

    def wait_acked(self, position: frame_pb2.Position, within: float = 60.0) -> float:
        """Waits until a frame is committed; returns when the newest acknowledgement came (monotonic clock)."""
        place = (position.epoch, position.seq)
        with self._changed:
            self._changed.wait_for(lambda: self._acked >= place or self._why, within)
            assert self._acked >= place, f"acknowledged {self._acked}, not {place}: {self._why or 'too late'}"
            return self._acked_at

    def _requests(self) -> Iterator[bytes]:
        return iter(self._outbound.get, None)

    def _read(self) -> None:
        try:
            for response in self._call:
                self._take(response)
        except grpc.RpcError as error:
            with self._changed:
                self._why = str(error.details())
                self._changed.notify_all()

    def _take(self, response: ingest_pb2.StreamFramesResponse) -> None:
        with self._changed:
            if response.WhichOneof("message") == "welcome":
                self._welcome = response.welcome
            elif response.WhichOneof("message") == "ack":
                position = response.ack.position
                self._acked, self._acked_at = (position.epoch, position.seq), time.monotonic()
            self._changed.notify_all()


def _hello(boot_id: str, standing: frame_pb2.Position | None) -> bytes:
    hello = ingest_pb2.Hello(
        protocol=ingest_pb2.Protocol(major=1, minor=0),
        edge_version="bench",
        tailscale_version="none",
        boot_id=boot_id,
        source="tailnet",
        last_made=standing,
        last_acked=standing,
    )
    return ingest_pb2.StreamFramesRequest(hello=hello).SerializeToString()
