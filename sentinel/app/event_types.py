"""The names of all event types: those that the original has, and those of the rooms."""

from collections.abc import Collection
from fnmatch import fnmatchcase

from sentinel.app import tables

ALIAS = "@original"
ORIGINAL = (
    "peer.online",
    "peer.offline",
    "peer.added",
    "peer.removed",
    "peer.routes.changed",
    "peer.tags.changed",
    "peer.machine_authorized.changed",
    "peer.key_expiry.changed",
    "peer.key_expired",
    "peer.hostinfo.changed",
    "daemon.state.changed",
    "prefs.advertise_routes.changed",
    "prefs.exit_node.changed",
    "prefs.run_ssh.changed",
    "prefs.shields_up.changed",
    "tailnet.domain.changed",
    "tailnet.tka_enabled.changed",
)
"""What `*` means in the original, and `@original` here."""
AHEAD = (
    *("peer.addresses.changed", "peer.renamed", "peer.owner.changed", "peer.exit_node.changed"),
    *("peer.key_expiring", "peer.key_renewed", "peer.key_rotated", "peer.flapping", "peer.stable"),
    *("route.lost", "route.restored", "route.failed_over"),
    *("daemon.login_required", "daemon.health.changed", "daemon.key_expiring"),
    *("tailnet.mass_change", "source.degraded", "source.recovered", "source.baseline"),
)
"""Types that a route may name although no room makes their events yet."""


def known() -> tuple[str, ...]:
    """Every name that a route may have."""
    return tuple(dict.fromkeys((*ORIGINAL, *tables.CATALOGUE, *AHEAD)))


def may_be_problem(name: str) -> bool:
    """Whether an event of the type may open a problem, as far as a room says."""
    return name not in tables.CATALOGUE or tables.CATALOGUE[name].problem not in (None, "ends")


def expanded(patterns: Collection[str]) -> tuple[str, ...]:
    """The patterns with the names that `@original` stands for."""
    each = (ORIGINAL if pattern == ALIAS else (pattern,) for pattern in patterns)
    return tuple(dict.fromkeys(name for names in each for name in names))


def matches_any(pattern: str, names: Collection[str]) -> bool:
    """Whether the pattern stands for one of the names at least."""
    return pattern == ALIAS or any(fnmatchcase(name, pattern) for name in names)
