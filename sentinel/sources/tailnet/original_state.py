"""Reads the state file of jaxxstorm/sentinel: what it last saw, as far as that can be compared with what is seen here.

The file is JSON: `{"snapshot": {"captured_at", "peers": [{"id", "name", "online", "tags", "routes",
"machine_authorized", "expired", "key_expiry", …}], …}, "idempotency_keys": {…}}`. Its realtime mode knows peers by the
ids that are used here. Its poll mode knows them by their node keys, which change: those are not compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from sentinel.clock import parse_rfc3339
from sentinel.sources.room import Earlier
from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.model import PEER, Peer, Presence
from sentinel.sources.tailnet.routes.model import ROUTE

_NODE_KEY = "nodekey:"


@dataclass(frozen=True, slots=True)
class StoredPeer:
    """What the file says of one peer that means the same here. `key_expiry` is None for never."""

    id: str
    name: str
    online: bool
    tags: tuple[str, ...]
    routes: tuple[str, ...]
    machine_authorized: bool
    expired: bool
    key_expiry: datetime | None


@dataclass(frozen=True, slots=True)
class OriginalState:
    """The peers of the file by id, and when they were seen."""

    captured_at: datetime | None
    peers: Mapping[str, StoredPeer]


def parse(text: bytes) -> OriginalState | None:
    """What the file says; None if it says nothing that can be compared. Raises ValueError if it is damaged."""
    if not text.strip():
        return None
    try:
        snapshot = orjson.loads(text).get("snapshot") or {}
        peers = [_peer(each) for each in snapshot.get("peers") or []]
        captured_at = _moment(snapshot.get("captured_at"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("is not a state file of jaxxstorm/sentinel") from error
    if not peers or any(peer.id.startswith(_NODE_KEY) for peer in peers):
        return None
    return OriginalState(captured_at, {peer.id: peer for peer in peers})


def first_base(original: OriginalState, seen: Mapping[str, Peer]) -> dict[str, Peer] | None:
    """The peers as they were when the file was written, `seen` being those that are there now.

    Whatever the file does not say is as it is now, so that only what it says can differ. None if it speaks of no peer
    that is there: it is another tailnet's, and nothing follows from it.
    """
    if not any(id_ in seen for id_ in original.peers):
        return None
    return {id_: _before(peer, seen[id_]) if id_ in seen else _gone(peer) for id_, peer in original.peers.items()}


def earlier(original: OriginalState) -> Earlier:
    """The file as what was known before a ledger began."""
    return Earlier(PEER, frozenset({ROUTE}), partial(first_base, original))


def _before(stored: StoredPeer, now: Peer) -> Peer:
    presence = Presence.ONLINE if stored.online else Presence.OFFLINE
    # The file has offline for unknown, too; where nothing is known now nothing is said to have changed.
    same = now.presence in (presence, Presence.UNKNOWN)
    return replace(
        now,
        presence=now.presence if same else presence,
        since=now.since if same else None,
        tags=stored.tags,
        routes=stored.routes,
        expired=stored.expired,
        key_expiry=stored.key_expiry,
        rung=_rung(stored, now),
        machine_authorized=None if now.machine_authorized is None else stored.machine_authorized,
    )


def _rung(stored: StoredPeer, now: Peer) -> str:
    """Whether the key had expired is what the file says of it; how near its end was is left as it is now."""
    if stored.expired:
        return ladder.EXPIRED
    return ladder.VALID if now.rung == ladder.EXPIRED else now.rung


def _gone(stored: StoredPeer) -> Peer:
    return Peer(
        id=stored.id,
        name=stored.name.split(".", 1)[0] or stored.id,
        dns_name="",
        hostname="",
        os="",
        owner_id=0,
        owner="",
        tags=stored.tags,
        addresses=(),
        routes=stored.routes,
        presence=Presence.ONLINE if stored.online else Presence.OFFLINE,
        since=None,
        created=None,
        key_expiry=stored.key_expiry,
        expired=stored.expired,
        machine_authorized=stored.machine_authorized,
    )


def _peer(fields: Mapping[str, Any]) -> StoredPeer:
    id_ = fields["id"]
    if not isinstance(id_, str) or not id_:
        raise ValueError("a peer without an id")
    return StoredPeer(
        id=id_,
        name=str(fields.get("name") or ""),
        online=fields.get("online") is True,
        tags=tuple(sorted(map(str, fields.get("tags") or ()))),
        routes=tuple(sorted(map(str, fields.get("routes") or ()))),
        machine_authorized=fields.get("machine_authorized") is True,
        expired=fields.get("expired") is True,
        key_expiry=_moment(fields.get("key_expiry")),
    )


def _moment(text: object) -> datetime | None:
    """The moment; the zero of Go stands for none."""
    if not isinstance(text, str) or not text or text.startswith("0001-01-01T00:00:00"):
        return None
    return parse_rfc3339(text)
