"""Records of the own node and its network on disk and for programs.

Fields that an older version did not write are as unsaid.
"""

from typing import Any

import orjson

from sentinel.clock import parse_rfc3339
from sentinel.events import compact_json
from sentinel.sources.tailnet.facts import moment
from sentinel.sources.tailnet.node.model import Daemon, HealthWarning, Prefs, Tailnet


def encode(record: Daemon | Prefs | Tailnet) -> bytes:
    """The record as JSON: equal records give equal bytes."""
    return compact_json(record)


def detail_of_daemon(daemon: Daemon) -> dict[str, object]:
    """Everything about the client; what the client warns of by its codes."""
    return {
        "state": daemon.state,
        "login_required": daemon.login_needed,
        "login_detail": daemon.login_detail,
        "warnings": None if daemon.warnings is None else [warning.code for warning in daemon.warnings],
        "key_expiry": moment(daemon.key_expiry),
        "key_expired": daemon.key_expired,
        "rung": daemon.rung,
    }


def detail_of_prefs(prefs: Prefs) -> dict[str, object]:
    """The settings, under the names that the original gave them."""
    return {
        "advertise_routes": prefs.advertise_routes,
        "exit_node_id": prefs.exit_node,
        "run_ssh": prefs.run_ssh,
        "shields_up": prefs.shields_up,
    }


def detail_of_tailnet(tailnet: Tailnet) -> dict[str, object]:
    """The network; None stands for what nobody said yet."""
    return {"domain": tailnet.domain, "tka_enabled": tailnet.tka_enabled}


def decode_daemon(body: bytes) -> Daemon:
    """The client that `encode` wrote."""
    fields: dict[str, Any] = orjson.loads(body)
    for name in ("key_expiry", "key_seen"):
        fields[name] = parse_rfc3339(fields[name]) if fields.get(name) else None
    warnings = fields.get("warnings")
    fields["warnings"] = None if warnings is None else tuple(HealthWarning(**warning) for warning in warnings)
    return Daemon(**fields)


def decode_prefs(body: bytes) -> Prefs:
    """The settings that `encode` wrote."""
    fields: dict[str, Any] = orjson.loads(body)
    return Prefs(**fields | {"advertise_routes": tuple(fields["advertise_routes"])})


def decode_tailnet(body: bytes) -> Tailnet:
    """The network that `encode` wrote."""
    return Tailnet(**orjson.loads(body))
