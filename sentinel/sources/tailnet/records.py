"""Peers on disk and in tables."""

from dataclasses import fields
from datetime import datetime

import orjson

from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.events import compact_json
from sentinel.sources.room import Description
from sentinel.sources.tailnet.model import Peer, Presence

_TUPLES = ("tags", "addresses", "routes")
_MOMENTS = ("since", "created", "key_expiry")
_DETAIL = tuple(each.name for each in fields(Peer) if each.name not in ("id", "name", "since"))
_AVAILABILITY = {Presence.ONLINE: "up", Presence.OFFLINE: "down", Presence.UNKNOWN: "unknown"}


def encode(peer: Peer) -> bytes:
    """The peer as JSON: equal peers give equal bytes."""
    return compact_json(peer)


def decode(body: bytes) -> Peer:
    """The peer that `encode` wrote."""
    stored = orjson.loads(body)
    for name in _TUPLES:
        stored[name] = tuple(stored[name])
    for name in _MOMENTS:
        stored[name] = parse_rfc3339(stored[name]) if stored[name] else None
    return Peer(**stored | {"presence": Presence(stored["presence"])})


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
        detail={name: _plain(getattr(peer, name)) for name in _DETAIL},
    )


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value
