"""Frames as an edge would send them, built from what a test cares about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from sentinel.sources.room import Frame
from sentinel.sources.tailnet.decode import Decoder
from sentinel.wire.v1 import frame_pb2, tailnet_pb2

START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
PRESENCE = {
    True: tailnet_pb2.PRESENCE_ONLINE,
    False: tailnet_pb2.PRESENCE_OFFLINE,
    None: tailnet_pb2.PRESENCE_UNSPECIFIED,
}


def stamp(moment: datetime | None) -> Timestamp | None:
    """The moment on the wire."""
    if moment is None:
        return None
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def node(
    name: str,
    *,
    online: bool | None = True,
    os: str = "linux",
    owner: int = 0,
    tags: Sequence[str] = (),
    last_seen: datetime | None = None,
    label: str | None = None,
    addresses: Sequence[str] = ("100.64.0.1/32", "fd7a:115c:a1e0::1/128"),
    says: Mapping[str, object] | None = None,
    key_expiry: datetime | None = None,
    **fields: Any,
) -> tailnet_pb2.Node:
    """A peer as an edge sees it; its id is made of its name, and so is its DNS name without a `label`.

    `says` are further facts of its hostinfo; other fields are those of the wire.
    """
    hostinfo: dict[str, Any] = {"os": os, "hostname": name, **(says or {})}
    return tailnet_pb2.Node(
        stable_id=f"n-{name}",
        name=f"{label or name}.example.ts.net",
        user_id=owner,
        tags=tags,
        addresses=addresses,
        presence=PRESENCE[online],
        last_seen=stamp(last_seen),
        key_expiry=stamp(key_expiry),
        **{"hostinfo": tailnet_pb2.Hostinfo(**hostinfo), **fields},
    )


def own(*, stable_id: str = "n-sentinel", key_expiry: datetime | None = None) -> tailnet_pb2.SelfNode:
    """The edge's own node."""
    return tailnet_pb2.SelfNode(node=tailnet_pb2.Node(stable_id=stable_id, key_expiry=stamp(key_expiry)))


def warning(code: str, title: str) -> tailnet_pb2.HealthWarning:
    """Something that the edge's client is unhappy with."""
    return tailnet_pb2.HealthWarning(code=code, severity="medium", title=title, text=f"{title}.")


def user(number: int, login: str) -> tailnet_pb2.UserProfile:
    """An owner."""
    return tailnet_pb2.UserProfile(user_id=number, login_name=login)


def patch(name: str, *, online: bool | None, last_seen: datetime | None = None) -> frame_pb2.PresencePatch:
    """A change of contact alone."""
    return frame_pb2.PresencePatch(stable_id=f"n-{name}", presence=PRESENCE[online], last_seen=stamp(last_seen))


def delta(
    *,
    upserts: Sequence[tailnet_pb2.Node] = (),
    patches: Sequence[frame_pb2.PresencePatch] = (),
    removals: Sequence[str] = (),
    users: Sequence[tailnet_pb2.UserProfile] = (),
    cause: frame_pb2.DeltaCause = frame_pb2.DELTA_CAUSE_DELTA,
) -> frame_pb2.Delta:
    """A change of peers; removals are names."""
    gone = [f"n-{name}" for name in removals]
    return frame_pb2.Delta(cause=cause, upserts=upserts, patches=patches, removals=gone, users=users)


@dataclass
class Wire:
    """One run of an edge: numbers its frames and decodes them as a session would. Time moves only when told to."""

    boot_id: str = "boot-1"
    now: datetime = START
    epoch: int = 0
    seq: int = 0
    self_id: str = "n-sentinel"
    decoder: Decoder = field(default_factory=Decoder)

    def position(self) -> frame_pb2.Position:
        """Where the next frame stands."""
        self.seq += 1
        return frame_pb2.Position(boot_id=self.boot_id, epoch=self.epoch, seq=self.seq)

    def message(self, /, **body: Any) -> frame_pb2.Frame:
        """The next frame as a message."""
        return frame_pb2.Frame(position=self.position(), captured_at=stamp(self.now), **body)

    def base_messages(
        self,
        /,
        nodes: Sequence[tailnet_pb2.Node],
        users: Sequence[tailnet_pb2.UserProfile] = (),
        chunk: int = 100,
        **parts: Any,
    ) -> list[frame_pb2.Frame]:
        """A whole base as messages; it raises the epoch. `parts` are what else its begin says."""
        self.epoch, self.seq = self.epoch + 1, 0
        begin = frame_pb2.BaseBegin(
            cause=frame_pb2.BASE_CAUSE_START,
            peer_count=len(nodes),
            **{"self": own(stable_id=self.self_id), "tailnet": tailnet_pb2.Tailnet(domain="example.com"), **parts},
        )
        chunks = [nodes[start : start + chunk] for start in range(0, len(nodes), chunk)] or [[]]
        return [
            self.message(base_begin=begin),
            *(self.message(base_chunk=frame_pb2.BaseChunk(peers=part, users=users)) for part in chunks),
            self.message(base_end=frame_pb2.BaseEnd(peer_count=len(nodes))),
        ]

    def base(self, /, *nodes: tailnet_pb2.Node, users: Sequence[tailnet_pb2.UserProfile] = (), **parts: Any) -> Frame:
        """A whole base, decoded."""
        decoded = [self.decoder.feed(message) for message in self.base_messages(nodes, users, **parts)]
        assert decoded[-1] is not None
        return decoded[-1]

    def frame(self, /, **body: Any) -> Frame:
        """The next frame, decoded."""
        decoded = self.decoder.feed(self.message(**body))
        assert decoded is not None
        return decoded

    def patch(self, name: str, *, online: bool | None, last_seen: datetime | None = None) -> Frame:
        """The next frame: one peer's contact changed."""
        return self.frame(delta=delta(patches=[patch(name, online=online, last_seen=last_seen)]))

    def pass_time(self, seconds: float) -> None:
        """Later frames are captured later."""
        self.now += timedelta(seconds=seconds)
