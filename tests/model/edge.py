"""An edge as the wire describes it: a ring of what is not acknowledged, a base when there is nothing to resume.

It follows the sidecar's ledger rule by rule and knows nothing of the service but what the wire says.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, NamedTuple

from sentinel.model import Position
from sentinel.pipeline.inbox import Arrived, Closed, Hello, Item, Opened
from sentinel.sources.room import Frame
from sentinel.sources.tailnet.decode import Decoder
from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.builders import Wire, delta, node
from tests.fakes import FakeClock
from tests.world import SOURCE, FakeSession

RING = 6
"""Frames that the ring holds; small, so that it overflows."""
CHUNK = 2


class Made(NamedTuple):
    """A frame, or a whole base: what the edge knew once it was made (None: nothing about peers), and if it saw."""

    peers: Mapping[str, bool | None] | None
    seeing: bool


@dataclass(eq=False)
class Stream(FakeSession):
    """One session: messages on their way, and the decoder at their other end."""

    committed: Callable[[], Position | None] = lambda: None
    decoder: Decoder = field(default_factory=Decoder)
    transit: deque[frame_pb2.Frame] = field(default_factory=deque)
    last: frame_pb2.Frame | None = None
    greeted: bool = False

    def ack(self, position: Position) -> None:
        """Nothing is acknowledged that is not on disk."""
        on_disk = self.committed()
        assert on_disk is not None
        assert on_disk.boot_id == position.boot_id
        assert position <= on_disk, f"{position} is acknowledged, only {on_disk} is committed"
        super().ack(position)


class Edge:
    """One edge through all its runs. `made` has every frame that it ever made, by position."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.made: dict[Position, Made] = {}
        self.peers: dict[str, bool | None] = {}
        self.stream: Stream | None = None
        self._runs = 0
        self.restart(ready=True)

    def restart(self, *, ready: bool) -> None:
        """A new run of the process: its ring is empty. One that is not ready does not know its peers yet."""
        self._runs += 1
        self.wire = Wire(boot_id=f"run-{self._runs}")
        self.ready = ready
        self.suspended = False
        self.acked: Position | None = None
        self._ring: list[frame_pb2.Frame] = []
        self._base_end = 0
        self._broken = self._demanded = False
        self.stream = None
        if not ready:
            self._say_starting()

    def get_ready(self) -> None:
        """It has its first map; a session that is open gets it as a base."""
        self.ready = True
        self._rebase_if_demanded()

    def tell(self, said: frame_pb2.Delta) -> None:
        """The frame that says what changed in what it knows."""
        self._make(delta=said)

    def suspend(self) -> None:
        """It does not see any more; what it knew stays."""
        self.suspended = True
        self._make(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STALE))

    def resume(self) -> None:
        """It sees again."""
        self.suspended = False
        self._make(resumed=frame_pb2.Resumed())

    def rebase(self) -> None:
        """It says everything again, by itself."""
        self._demanded = self._demanded or self.wire.epoch > 0
        self._rebase_if_demanded()

    def connect(self, committed: Callable[[], Position | None]) -> Stream:
        """A new session, which waits for its welcome."""
        hello = Hello(SOURCE, self.wire.boot_id, "sidecar test", self._last_made(), self.acked)
        self.stream = Stream(hello, committed=committed)
        return self.stream

    def hear(self, stream: Stream) -> None:
        """Takes in what the service has said on the stream since."""
        if stream.welcomes and not stream.greeted:
            stream.greeted = True
            self._welcomed(stream.welcomes[0])
        for position in stream.acks:
            self._ack(position)
        stream.acks.clear()

    def settled(self) -> bool:
        """Everything that it made is acknowledged."""
        return self.acked == self._last_made()

    def _welcomed(self, after: Position | None) -> None:
        assert self.stream is not None
        if after is not None and self._continues(after):
            self._ack(after)
            self.stream.transit.extend(self._ring)
            self._rebase_if_demanded()
        elif self.wire.epoch == 0:
            self._ring.clear()
            self._rebase_if_demanded() if self.ready else self._say_starting()
        else:
            self._demanded = True
            self._rebase_if_demanded()

    def _continues(self, after: Position) -> bool:
        wire = self.wire
        same = (after.boot_id, after.epoch) == (wire.boot_id, wire.epoch) and not self._broken
        return same and self._base_end <= after.seq <= wire.seq and after.seq >= wire.seq - len(self._ring)

    def _ack(self, position: Position) -> None:
        if position.boot_id != self.wire.boot_id or position.epoch < self.wire.epoch:
            return
        assert (position.epoch, position.seq) <= (self.wire.epoch, self.wire.seq), f"{position} was never made"
        self._ring = [frame for frame in self._ring if frame.position.seq > position.seq]
        self.acked = position

    def _last_made(self) -> Position | None:
        return Position(self.wire.boot_id, self.wire.epoch, self.wire.seq) if self.wire.seq else None

    def _say_starting(self) -> None:
        self._make(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STARTING))

    def _make(self, **body: Any) -> None:
        if self._broken or (self.wire.epoch == 0 and "delta" in body):
            return
        self.wire.now = self.clock.now().wall
        message = self.wire.message(**body)
        self._note(peers=self.peers if self.wire.epoch else None)
        self._ring.append(message)
        if self._in_session():
            self._transit().append(message)
        if len(self._ring) > RING:
            self._lose()

    def _lose(self) -> None:
        """The ring is full: a base has to make up for it."""
        self._ring.clear()
        if self.wire.epoch:
            self._broken = self._demanded = True
            self._rebase_if_demanded()

    def _rebase_if_demanded(self) -> None:
        """A base, if one is due and somebody listens. It takes the place of whatever was not sent yet."""
        if not (self._in_session() and self.ready and (self._demanded or self.wire.epoch == 0)):
            return
        self._demanded = self._broken = False
        self._ring.clear()
        self.wire.now = self.clock.now().wall
        messages = self.wire.base_messages([node(name, online=now) for name, now in self.peers.items()], chunk=CHUNK)
        self._base_end = self.wire.seq
        self._note(peers=self.peers, seeing=True)
        transit = self._transit()
        transit.clear()
        transit.extend(messages)
        if self.suspended:
            self.suspend()

    def _note(self, *, peers: Mapping[str, bool | None] | None, seeing: bool | None = None) -> None:
        position = self._last_made()
        assert position is not None
        sees = seeing if seeing is not None else self.ready and not self.suspended
        self.made[position] = Made(None if peers is None else dict(peers), sees)

    def _in_session(self) -> bool:
        return self.stream is not None and self.stream.greeted

    def _transit(self) -> deque[frame_pb2.Frame]:
        assert self.stream is not None
        return self.stream.transit


def says_the_same(name: str, *, online: bool | None) -> tailnet_pb2.Node:
    """A peer's whole node once more, in another spelling."""
    again = node(name, online=online)
    addresses = [address.split("/")[0] for address in reversed(again.addresses)]
    del again.addresses[:]
    again.addresses.extend(addresses)
    return again


def everything(peers: Mapping[str, bool | None]) -> frame_pb2.Delta:
    """A full map that is told as a difference, as control servers do that know no deltas."""
    upserts = [says_the_same(name, online=now) for name, now in peers.items()]
    return delta(upserts=upserts, cause=frame_pb2.DELTA_CAUSE_FULL_REBUILD)


@dataclass(frozen=True)
class Admission:
    """Which frames have to count, by the rules of the wire; `refused` are streams that broke them."""

    position: Position | None = None
    counted: tuple[Frame, ...] = ()
    session: Stream | None = None
    refused: frozenset[Stream] = frozenset()

    def along(self, items: list[Item]) -> list["Admission"]:
        """What has to count at first, and after each of these."""
        return list(accumulate(items, Admission._take, initial=self))

    def restarted(self) -> "Admission":
        """The service was killed and is up again: sessions are gone."""
        return replace(self, session=None)

    def _take(self, item: Item) -> "Admission":
        match item:
            case Opened(session):
                assert isinstance(session, Stream)
                return replace(self, session=session)
            case Closed(session):
                return replace(self, session=None if session is self.session else self.session)
            case Arrived(session, frame) if session is self.session:
                return self._frame(frame)
        return self

    def _frame(self, frame: Frame) -> "Admission":
        at, new = self.position, frame.position
        another_run = at is None or at.boot_id != new.boot_id
        if not another_run and at is not None and new <= at:
            return self
        follows = at is not None and not another_run and (new.epoch, new.seq) == (at.epoch, at.seq + 1)
        if frame.whole or follows or (another_run and new.epoch == 0):
            return replace(self, position=new, counted=(*self.counted, frame))
        assert self.session is not None
        return replace(self, session=None, refused=self.refused | {self.session})


def messages_of(stream: Stream, most: int) -> Iterator[frame_pb2.Frame]:
    """Takes up to `most` messages off the stream."""
    while stream.transit and most:
        most -= 1
        stream.last = stream.transit.popleft()
        yield stream.last
