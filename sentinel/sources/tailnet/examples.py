"""One made-up event of each type, so that a sink can be tried before something happens.

What it says is no copy of what an event looks like: a subject is changed, and the detectors find what they always find.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sentinel.events import Finding
from sentinel.model import SubjectKey
from sentinel.sources.room import Example
from sentinel.sources.tailnet import ROOM, catalogue, ladder
from sentinel.sources.tailnet.model import PEER, Hostinfo, Peer, Presence
from sentinel.sources.tailnet.node import catalogue as node
from sentinel.sources.tailnet.node.model import (
    DAEMON,
    LOCAL,
    NEEDS_LOGIN,
    NETWORK,
    PREFS,
    RUNNING,
    TAILNET,
    Daemon,
    HealthWarning,
    Prefs,
    Tailnet,
)
from sentinel.sources.tailnet.routes import catalogue as route
from sentinel.sources.tailnet.routes.model import OFFLINE, ROUTE, Carrier, Route

NAME = "test-peer"
"""What the original calls the peer of its tests, too."""
AWAY = timedelta(minutes=2)
KEY_LEFT = timedelta(days=7)
SUBNET = "192.0.2.0/24"

_Turn = Callable[[datetime], tuple[Any, Any]]
"""The moment of a change → the record before and after it; None stands for not there."""

_USUAL = Peer(
    id=NAME,
    name=NAME,
    dns_name=f"{NAME}.example.ts.net",
    hostname=NAME,
    os="linux",
    owner_id=0,
    owner="",
    tags=(),
    addresses=("100.64.0.1",),
    routes=(),
    presence=Presence.ONLINE,
    since=None,
    created=None,
    key_expiry=None,
    expired=False,
    machine_authorized=True,
    hostinfo=Hostinfo(client_version="1.90.0"),
    exit_node=False,
    key="0123456789abcdef",
    rung=ladder.VALID,
)
_AWAY = replace(_USUAL, presence=Presence.OFFLINE)
_RUNNING = Daemon(state=RUNNING, warnings=(), rung=ladder.VALID)
_WARNING = HealthWarning("test-warning", "medium", "This is a test")
_NETWORK = Tailnet(domain="example.ts.net", tka_enabled=False)
_CARRIED = (Carrier(NAME, NAME),)
_OTHERS = (Carrier("other-peer", "other-peer"),)


def _example(event_type: str, source: str, at: datetime) -> Finding:
    """An event of the type, of a subject of the source, as it would be found at this moment."""
    kind, subject_id, turn = _TURNS[event_type]
    before, after = turn(at)
    subject = SubjectKey(source, kind, subject_id)
    found = (finding for detect in ROOM.kinds[kind].detectors for finding in detect(subject, before, after, at))
    return next(finding for finding in found if finding.type.name == event_type)


def _peer(**after: Any) -> tuple[str, str, _Turn]:
    return PEER, NAME, lambda at: (_USUAL, replace(_USUAL, **after))


def _daemon(**after: Any) -> tuple[str, str, _Turn]:
    return DAEMON, LOCAL, lambda at: (_RUNNING, replace(_RUNNING, **after))


def _prefs(after: Prefs) -> tuple[str, str, _Turn]:
    return PREFS, LOCAL, lambda at: (Prefs(), after)


def _tailnet(**after: Any) -> tuple[str, str, _Turn]:
    return TAILNET, NETWORK, lambda at: (_NETWORK, replace(_NETWORK, **after))


def _comes(at: datetime) -> tuple[Peer, Peer]:
    return replace(_AWAY, since=at - AWAY), replace(_USUAL, since=at)


def _owner_changes(at: datetime) -> tuple[Peer, Peer]:
    before = replace(_USUAL, owner_id=1, owner="somebody@example.com")
    return before, replace(_USUAL, owner_id=2, owner="somebody-else@example.com")


def _key_ages(at: datetime) -> tuple[Peer, Peer]:
    before = replace(_USUAL, key_expiry=at + KEY_LEFT)
    return before, replace(before, rung="7d")


def _key_ends(at: datetime) -> tuple[Peer, Peer]:
    before = replace(_USUAL, key_expiry=at, rung="1d")
    return before, replace(before, expired=True, rung=ladder.EXPIRED)


def _key_is_renewed(at: datetime) -> tuple[Peer, Peer]:
    return replace(_USUAL, key_expiry=at, rung="1d"), replace(_USUAL, key_expiry=at + timedelta(days=180))


def _own_key_ages(at: datetime) -> tuple[Daemon, Daemon]:
    before = replace(_RUNNING, key_expiry=at + KEY_LEFT)
    return before, replace(before, rung="7d")


def _lost(at: datetime) -> tuple[Route, Route]:
    return Route(SUBNET, _CARRIED, at - AWAY), Route(SUBNET, (), at, last=_CARRIED, why=OFFLINE)


def _restored(at: datetime) -> tuple[Route, Route]:
    return Route(SUBNET, (), at - AWAY, last=_CARRIED, why=OFFLINE), Route(SUBNET, _CARRIED, at)


def _failed_over(at: datetime) -> tuple[Route, Route]:
    return Route(SUBNET, _OTHERS, at - AWAY), Route(SUBNET, _CARRIED, at)


_TURNS: Mapping[str, tuple[str, str, _Turn]] = {
    catalogue.ADDED.name: (PEER, NAME, lambda at: (None, _USUAL)),
    catalogue.ONLINE.name: (PEER, NAME, _comes),
    catalogue.OFFLINE.name: (PEER, NAME, lambda at: (_USUAL, replace(_AWAY, since=at))),
    catalogue.AUTHORIZED.name: _peer(machine_authorized=False),
    catalogue.OWNER.name: (PEER, NAME, _owner_changes),
    catalogue.TAGS.name: _peer(tags=("tag:test",)),
    catalogue.RENAMED.name: _peer(name=f"{NAME}-1", dns_name=f"{NAME}-1.example.ts.net"),
    catalogue.ADDRESSES.name: _peer(addresses=("100.64.0.2",)),
    catalogue.ROUTES.name: _peer(routes=(SUBNET,)),
    catalogue.EXIT_NODE.name: _peer(exit_node=True),
    catalogue.KEY_EXPIRING.name: (PEER, NAME, _key_ages),
    catalogue.KEY_EXPIRED.name: (PEER, NAME, _key_ends),
    catalogue.KEY_RENEWED.name: (PEER, NAME, _key_is_renewed),
    catalogue.KEY_EXPIRY.name: (PEER, NAME, lambda at: (_USUAL, replace(_USUAL, key_expiry=at + KEY_LEFT))),
    catalogue.KEY_ROTATED.name: _peer(key="fedcba9876543210"),
    catalogue.HOSTINFO.name: _peer(hostinfo=Hostinfo(client_version="1.90.1")),
    catalogue.REMOVED.name: (PEER, NAME, lambda at: (_AWAY, None)),
    node.STATE.name: _daemon(state="Stopped"),
    node.LOGIN.name: _daemon(state=NEEDS_LOGIN, login_needed=True),
    node.HEALTH.name: _daemon(warnings=(_WARNING,)),
    node.KEY.name: (DAEMON, LOCAL, _own_key_ages),
    node.ROUTES.name: _prefs(Prefs(advertise_routes=(SUBNET,))),
    node.EXIT_NODE.name: _prefs(Prefs(exit_node=NAME)),
    node.RUN_SSH.name: _prefs(Prefs(run_ssh=True)),
    node.SHIELDS_UP.name: _prefs(Prefs(shields_up=True)),
    node.DOMAIN.name: _tailnet(domain="renamed.ts.net"),
    node.LOCK.name: _tailnet(tka_enabled=True),
    route.LOST.name: (ROUTE, SUBNET, _lost),
    route.RESTORED.name: (ROUTE, SUBNET, _restored),
    route.FAILED_OVER.name: (ROUTE, SUBNET, _failed_over),
}
EXAMPLES: Mapping[str, Example] = {name: partial(_example, name) for name in _TURNS}
"""By type of event."""
