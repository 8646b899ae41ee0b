"""Peers on disk and in tables."""

from dataclasses import asdict
from datetime import datetime

import orjson

from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.events import compact_json
from sentinel.sources.room import Description
from sentinel.sources.tailnet.model import Peer, Presence

_TUPLES = ("tags", "addresses", "routes")
_MOMENTS = ("since", "created", "key_expiry")
_AVAILABILITY = {Presence.ONLINE: "up", Presence.OFFLINE: "down", Presence.UNKNOWN: "unknown"}


def encode(peer: Peer) -> bytes:
    """The peer as JSON: equal peers give equal bytes."""
    return compact_json(peer)


def decode(body: bytes) -> Peer:
    """The peer that `encode` wrote."""
    fields = orjson.loads(body)
    for name in _TUPLES:
        fields[name] = tuple(fields[name])
    for name in _MOMENTS:
        fields[name] = parse_rfc3339(fields[name]) if fields[name] else None
    return Peer(**fields | {"presence": Presence(fields["presence"])})


def availability(peer: Peer) -> tuple[str, datetime | None]:
    """Up while in contact, down while not, and since when as far as known."""
    return _AVAILABILITY[peer.presence], peer.since


def describe(peer: Peer) -> Description:
    """The peer for the table of devices."""
    return Description(
        state=peer.presence,
        since=peer.since,
        columns=(
            ("OWNER", ", ".join(peer.tags) or peer.owner),
            ("OS", peer.os),
            ("ADDRESS", peer.addresses[0] if peer.addresses else ""),
        ),
        detail={name: _plain(value) for name, value in asdict(peer).items() if name not in ("id", "name", "since")},
    )


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value
