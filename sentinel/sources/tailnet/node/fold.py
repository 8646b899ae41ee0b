"""What the own node and its network were, and what a frame says of them, gives what they are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.node.model import (
    NEEDS_LOGIN,
    RUNNING,
    Daemon,
    DaemonInput,
    HealthWarning,
    Key,
    Prefs,
    Tailnet,
    TailnetInput,
)

PASSING_STATES = frozenset({"NoState", "Starting", NEEDS_LOGIN})
"""Every start goes through them, with a key to log in with even the last one, which counts only where the edge itself
waits for a login. What was last known holds until the client has made up its mind."""

UNTOLD_WARNINGS = frozenset(
    {
        "warming-up",
        "update-available",
        "security-update-available",
        "is-using-unstable-version",
        # These have events of their own.
        "login-state",
        "wantrunning-false",
    }
)
"""Codes of warnings that are no news: of a client that is just starting, of versions that nobody chose to run here."""


def advance_daemon(before: Daemon | None, said: DaemonInput, _: Mapping[int, str], at: datetime) -> Daemon:
    """The client after a frame."""
    daemon = before or Daemon()
    daemon = replace(daemon, state=_state(daemon, said))
    if (login := said.login) is not None:
        daemon = replace(
            daemon, login_needed=login.needed, login_detail=login.detail, needs_operator=login.needs_operator
        )
    if said.warnings is not None:
        daemon = replace(daemon, warnings=_news(said.warnings))
    if said.key is not None:
        daemon = _with_key(daemon, said.key, at)
    return _aged(daemon, at)


def _state(daemon: Daemon, said: DaemonInput) -> str:
    if said.login is not None and said.login.needed:
        return NEEDS_LOGIN
    if said.state and said.state not in PASSING_STATES:
        return said.state
    return RUNNING if said.login is not None and daemon.state == NEEDS_LOGIN else daemon.state


def next_due(daemon: Daemon) -> datetime | None:
    """When the client's record changes by itself: its key reaches the next rung."""
    if daemon.key_seen is None:
        return None
    return ladder.next_rung_after(daemon.key_expiry, daemon.key_seen, daemon.rung)


def _with_key(daemon: Daemon, key: Key, at: datetime) -> Daemon:
    if _begins(daemon, key):
        return replace(daemon, key_expiry=key.expiry, key_expired=key.expired, key_seen=at, rung=ladder.UNKNOWN)
    return replace(daemon, key_expiry=key.expiry, key_expired=key.expired)


def _begins(daemon: Daemon, key: Key) -> bool:
    """A life begins with a later end, or when an expired key is valid again; an earlier end shortens it."""
    if daemon.key_seen is None or (daemon.key_expired and not key.expired):
        return True
    if key.expiry == daemon.key_expiry:
        return False
    return key.expiry is None or daemon.key_expiry is None or key.expiry > daemon.key_expiry


def _aged(daemon: Daemon, at: datetime) -> Daemon:
    """The client with its key where it stands at this moment; a clock that is set back makes no key any fresher."""
    if daemon.key_seen is None:
        return daemon
    rung = ladder.EXPIRED if daemon.key_expired else ladder.rung(daemon.key_expiry, daemon.key_seen, at)
    return daemon if ladder.is_worse(daemon.rung, rung) else replace(daemon, rung=rung)


def _news(warnings: tuple[HealthWarning, ...]) -> tuple[HealthWarning, ...]:
    told = (warning for warning in warnings if warning.code not in UNTOLD_WARNINGS)
    return tuple(sorted(told, key=lambda warning: warning.code))


def advance_prefs(_before: Prefs | None, said: Prefs, _people: Mapping[int, str], _at: datetime) -> Prefs:
    """The settings after a frame, which always says all of them."""
    return said


def advance_tailnet(before: Tailnet | None, said: TailnetInput, _: Mapping[int, str], _at: datetime) -> Tailnet:
    """The network after a frame."""
    tailnet = before or Tailnet()
    return Tailnet(
        domain=said.domain or tailnet.domain,
        self_id=said.self_id or tailnet.self_id,
        tka_enabled=tailnet.tka_enabled if said.tka_enabled is None else said.tka_enabled,
    )
