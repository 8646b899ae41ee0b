"""Records of the own node and its network on disk. Fields that an older version did not write are as unsaid."""

from typing import Any

import orjson

from sentinel.clock import parse_rfc3339
from sentinel.events import compact_json
from sentinel.sources.tailnet.node.model import Daemon, HealthWarning, Prefs, Tailnet


def encode(record: Daemon | Prefs | Tailnet) -> bytes:
    """The record as JSON: equal records give equal bytes."""
    return compact_json(record)


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
