"""Peers on disk and in tables."""

from dataclasses import fields
from datetime import datetime
from sys import intern
from typing import Any

import orjson

from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.events import compact_json
from sentinel.sources.room import Description
from sentinel.sources.tailnet.facts import hostinfo_hash, owners
from sentinel.sources.tailnet.model import Hostinfo, Peer, Presence, hostinfo

_TUPLES = ("tags", "addresses", "routes")
_HOSTINFO_TUPLES = ("routable_ips", "request_tags")
_MOMENTS = ("since", "created", "key_expiry", "key_seen")
_SHOWN_ELSEWHERE = frozenset({"id", "name", "since", "hostinfo", "key_seen"})
_DETAIL = tuple(field.name for field in fields(Peer) if field.name not in _SHOWN_ELSEWHERE)
_REPEATED = ("os", "owner", "rung")
TITLES = ("OWNER", "OS", "ADDRESS")
_AVAILABILITY = {Presence.ONLINE: "up", Presence.OFFLINE: "down", Presence.UNKNOWN: "unknown"}


def encode(peer: Peer) -> bytes:
    """The peer as JSON: equal peers give equal bytes."""
    return compact_json(peer)


def decode(body: bytes) -> Peer:
    """The peer that `encode` wrote; what an older version did not know yet is unknown."""
    stored = orjson.loads(body)
    stored |= {name: tuple(stored[name]) for name in _TUPLES}
    stored |= {name: parse_rfc3339(stored[name]) for name in _MOMENTS if stored.get(name)}
    stored |= {name: intern(stored[name]) for name in _REPEATED if name in stored}
    stored["presence"] = Presence(stored["presence"])
    stored["tags"] = tuple(map(intern, stored["tags"]))
    if stored.get("hostinfo"):
        stored["hostinfo"] = _hostinfo(stored["hostinfo"])
    return Peer(**stored)


def _hostinfo(stored: dict[str, Any]) -> Hostinfo:
    stored |= {name: tuple(stored[name]) for name in _HOSTINFO_TUPLES}
    return hostinfo(tuple(stored.items()))


def availability(peer: Peer) -> tuple[str, datetime | None]:
    """Up while in contact, down while not, and since when as far as known."""
    return _AVAILABILITY[peer.presence], peer.since


def describe(body: bytes) -> Description:
    """The peer that `encode` wrote, for the table of devices."""
    # What follows is most of the record, and no table shows it. No text in it can look like its key: in a text JSON
    # puts a backslash before each quotation mark.
    head, cut, _ = body.partition(b',"created":')
    stored = orjson.loads(head + b"}" if cut else body)
    addresses, since = stored["addresses"], stored["since"]
    owner, address = ", ".join(stored["tags"]) or stored["owner"], addresses[0] if addresses else ""
    return Description(
        stored["name"],
        stored["presence"],
        parse_rfc3339(since) if since else None,
        (owner, stored["os"], address),
        stored,
    )


def detail(peer: Peer) -> dict[str, object]:
    """Everything about the peer; `owners` and `hostinfo_hash` as its events have them."""
    known = {name: _plain(getattr(peer, name)) for name in _DETAIL}
    return known | {"owners": owners(peer), "hostinfo_hash": hostinfo_hash(peer)} | _software(peer)


def _software(peer: Peer) -> dict[str, object]:
    known = peer.hostinfo or Hostinfo()
    return {"os_version": known.os_version, "client_version": known.client_version}


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value
