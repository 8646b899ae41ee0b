"""From messages of the wire to frames; the only place that knows both."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from sys import intern
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from sentinel.errors import FrameError
from sentinel.model import Position, Sight
from sentinel.sources.room import Frame, Network
from sentinel.sources.tailnet.facts import EVERYWHERE
from sentinel.sources.tailnet.model import PEER, Hostinfo, Input, Patch, Peer, Presence, Sighting, hostinfo
from sentinel.sources.tailnet.node.decode import said_by_base, said_by_sight, said_by_value
from sentinel.wire.v1 import frame_pb2, tailnet_pb2

_PRESENCE = {
    tailnet_pb2.PRESENCE_UNSPECIFIED: Presence.UNKNOWN,
    tailnet_pb2.PRESENCE_ONLINE: Presence.ONLINE,
    tailnet_pb2.PRESENCE_OFFLINE: Presence.OFFLINE,
}
_DELTA_CAUSE = {
    frame_pb2.DELTA_CAUSE_DELTA: "delta",
    frame_pb2.DELTA_CAUSE_FULL_REBUILD: "full_rebuild",
    frame_pb2.DELTA_CAUSE_RESYNC: "resync",
}
_SUSPENDED = {
    frame_pb2.SUSPENDED_REASON_STARTING: "starting",
    frame_pb2.SUSPENDED_REASON_NEEDS_LOGIN: "needs_login",
    frame_pb2.SUSPENDED_REASON_NEEDS_APPROVAL: "needs_approval",
    frame_pb2.SUSPENDED_REASON_STOPPED: "stopped",
    frame_pb2.SUSPENDED_REASON_LOGGING_REQUIRED: "logging_required",
    frame_pb2.SUSPENDED_REASON_STALE: "stale",
}

_HOSTINFO = frozenset(field.name for field in fields(Hostinfo)) - {"ssh_host_keys"}
_KEY_DIGITS = 16
"""As much of a node key as tells it from all others; enough to find it in the client's own status."""


@dataclass(slots=True)
class _Base:
    """A base on its way in: it counts only when its end has come."""

    begin: frame_pb2.BaseBegin
    epoch: int
    next_seq: int
    inputs: dict[str, Input] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)


class Decoder:
    """Decodes the frames of one session. Parts of a base are staged here; a session that breaks takes them along."""

    def __init__(self) -> None:
        self._base: _Base | None = None

    def feed(self, message: frame_pb2.Frame) -> Frame | None:
        """The frame, or None as long as a base is not whole.

        Raises FrameError for a message that breaks the rules of the wire.
        """
        body = message.WhichOneof("body")
        if body == "base_begin":
            self._base = _Base(message.base_begin, message.position.epoch, message.position.seq + 1)
            return None
        if self._base is not None or body in ("base_chunk", "base_end"):
            return self._stage(message, body)
        return _decode(message, body)

    def _stage(self, message: frame_pb2.Frame, body: str | None) -> Frame | None:
        base = self._base
        expected = (base.epoch, base.next_seq) if base else None
        if base is None or (message.position.epoch, message.position.seq) != expected:
            raise FrameError(f"a part of a base is out of place: got {_position(message)}, expected {expected}")
        base.next_seq += 1
        if body == "base_chunk":
            base.inputs.update(_sightings(message.base_chunk.peers))
            base.people.update(_people(message.base_chunk.users))
            return None
        if body is None:
            # A kind of record that a newer edge added.
            return None
        if body != "base_end":
            raise FrameError(f"{body} in the middle of a base, at {_position(message)}")
        return self._complete(message, base)

    def _complete(self, message: frame_pb2.Frame, base: _Base) -> Frame:
        self._base = None
        if not len(base.inputs) == base.begin.peer_count == message.base_end.peer_count:
            raise FrameError(
                f"a base of {base.begin.peer_count} peers came with {len(base.inputs)}, its end says "
                f"{message.base_end.peer_count}"
            )
        return Frame(
            position=_position(message),
            captured_at=_moment(message.captured_at),
            cause="base",
            inputs={PEER: base.inputs, **said_by_base(base.begin, _moment)},
            whole=True,
            people=base.people,
            network=Network(base.begin.tailnet.domain, base.begin.self.node.stable_id),
            sight=Sight(seeing=True),
            missing_since=_optional(base.begin, "missing_since"),
        )


def _decode(message: frame_pb2.Frame, body: str | None) -> Frame:
    position, captured_at = _position(message), _moment(message.captured_at)
    match body:
        case "delta":
            return _delta(message.delta, position, captured_at)
        case "suspended":
            sight = _suspended(message.suspended)
            return Frame(position, captured_at, cause="sight", inputs=said_by_sight(sight), sight=sight)
        case "resumed":
            sight = Sight(seeing=True)
            return Frame(position, captured_at, cause="sight", inputs=said_by_sight(sight), sight=sight)
        case _:
            # What no detector reads, or a newer edge may add, still moves the position on.
            network = Network(name=message.tailnet.domain) if body == "tailnet" else None
            inputs = said_by_value(message, body or "", _moment)
            return Frame(position, captured_at, cause="delta", inputs=inputs, network=network)


def _delta(delta: frame_pb2.Delta, position: Position, captured_at: datetime) -> Frame:
    inputs = {removed: Input(removed=True) for removed in delta.removals}
    for peer_id, seen in _sightings(delta.upserts).items():
        inputs[peer_id] = Input(removed=peer_id in inputs, sighting=seen.sighting)
    for patch in delta.patches:
        so_far = inputs.get(patch.stable_id, Input())
        inputs[patch.stable_id] = Input(so_far.removed, so_far.sighting, _patch(patch))
    return Frame(
        position=position,
        captured_at=captured_at,
        cause=_DELTA_CAUSE.get(delta.cause, "delta"),
        inputs={PEER: inputs},
        people=_people(delta.users),
        missing_since=_optional(delta, "missing_since"),
    )


def _suspended(suspended: frame_pb2.Suspended) -> Sight:
    return Sight(
        seeing=False,
        reason=_SUSPENDED.get(suspended.reason, "unknown"),
        detail=suspended.detail,
        login_url=suspended.login_url,
        needs_operator=suspended.needs_operator,
    )


def _sightings(nodes: Iterable[tailnet_pb2.Node]) -> dict[str, Input]:
    return {node.stable_id: Input(sighting=_sighting(node)) for node in nodes}


def _sighting(node: tailnet_pb2.Node) -> Sighting:
    if not node.stable_id:
        raise FrameError("a peer without an id")
    peer = Peer(
        id=node.stable_id,
        name="",
        dns_name=node.name,
        hostname=node.hostinfo.hostname,
        os=intern(node.hostinfo.os),
        owner_id=node.user_id,
        owner="",
        tags=tuple(map(intern, node.tags)),
        addresses=tuple(node.addresses),
        routes=tuple(node.primary_routes),
        presence=_PRESENCE.get(node.presence, Presence.UNKNOWN),
        since=None,
        created=_optional(node, "created"),
        key_expiry=_optional(node, "key_expiry"),
        expired=node.expired,
        machine_authorized=_optional_flag(node, "machine_authorized"),
        hostinfo=_hostinfo(node.hostinfo) if node.HasField("hostinfo") else None,
        exit_node=EVERYWHERE.issubset(node.allowed_ips),
        key=node.node_key.rpartition(":")[2][:_KEY_DIGITS],
    )
    return Sighting(peer, _optional(node, "last_seen"), _foreign(node))


def _hostinfo(said: tailnet_pb2.Hostinfo) -> Hostinfo:
    """Fields that are not said keep their defaults."""
    facts = [(field.name, _fact(value)) for field, value in said.ListFields() if field.name in _HOSTINFO]
    return hostinfo((*facts, ("ssh_host_keys", _fingerprint(said.ssh_host_keys))))


def _fact(value: Any) -> Any:
    return value if isinstance(value, str | bool) else tuple(sorted(map(intern, value)))


def _fingerprint(texts: Iterable[str]) -> str:
    """Eight bytes in hex that stand for all of the texts; empty for none."""
    joined = "\n".join(sorted(texts))
    return hashlib.sha256(joined.encode()).hexdigest()[:16] if joined else ""


def _foreign(node: tailnet_pb2.Node) -> str:
    if node.wireguard_only:
        return "mullvad"
    if node.unsigned_peer_api_only:
        return "ingress"
    return "shared" if node.sharer_id or node.hostinfo.sharee_node else ""


def _patch(patch: frame_pb2.PresencePatch) -> Patch:
    return Patch(_PRESENCE.get(patch.presence, Presence.UNKNOWN), _optional(patch, "last_seen"))


def _people(users: Iterable[tailnet_pb2.UserProfile]) -> dict[int, str]:
    return {user.user_id: user.login_name for user in users}


def _position(message: frame_pb2.Frame) -> Position:
    position = message.position
    return Position(position.boot_id, position.epoch, position.seq)


def _optional_flag(message: object, name: str) -> bool | None:
    present: bool = message.HasField(name)  # type: ignore[attr-defined]
    return getattr(message, name) if present else None


def _optional(message: object, name: str) -> datetime | None:
    present: bool = message.HasField(name)  # type: ignore[attr-defined]
    return _moment(getattr(message, name)) if present else None


def _moment(timestamp: Timestamp) -> datetime:
    """Microseconds are enough, and sub-microsecond digits would not survive the store."""
    try:
        return datetime.fromtimestamp(timestamp.seconds, UTC).replace(microsecond=timestamp.nanos // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise FrameError(f"a time that no calendar has: {timestamp.seconds} s") from error
