"""What programs may rely on in the events of the own node and its network."""

from collections.abc import Mapping

from sentinel.events import Severity
from sentinel.sources.reference import FLAG, OPTIONAL_MOMENT, TEXT, TEXTS, Entry, Schema
from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.node import catalogue

INFO, WARNING = (Severity.INFO,), (Severity.WARNING,)

_RUNG: Schema = {"enum": [ladder.VALID, *ladder.RUNGS]}
_WARNINGS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"code": TEXT, "severity": TEXT, "title": TEXT},
        "required": ["code", "severity", "title"],
    },
}


def _turned(name: str, schema: Schema) -> dict[str, Schema]:
    return {f"before_{name}": schema, f"after_{name}": schema}


ENTRIES: Mapping[str, Entry] = {
    catalogue.STATE.name: Entry(
        "The client of Sentinel's own node is in another state, as the client spells it; states that every start goes "
        "through are left out. A warning unless it runs.",
        INFO + WARNING,
        _turned("state", TEXT),
    ),
    catalogue.LOGIN.name: Entry(
        "Somebody has to log Sentinel's own node in, or it sees its network again.",
        INFO + WARNING,
        {"login_required": FLAG, "detail": TEXT, "needs_operator": FLAG},
    ),
    catalogue.HEALTH.name: Entry(
        "The client of Sentinel's own node warns of something else than before, or of nothing. Warnings of a start, of "
        "versions, and of what has an event of its own are left out.",
        INFO,
        {"before_warnings": TEXTS, "after_warnings": TEXTS, "added": _WARNINGS, "removed": _WARNINGS},
    ),
    catalogue.KEY.name: Entry(
        "The key of Sentinel's own node came to a rung before its end, has expired, or is valid again. The rungs are "
        "those of `peer.key_expiring`. Information until 14 days, a warning from 7.",
        INFO + WARNING,
        {"key_expiry": OPTIONAL_MOMENT, "before_rung": _RUNG, "rung": _RUNG},
    ),
    catalogue.ROUTES.name: Entry("Sentinel's own node offers other subnets.", INFO, _turned("routes", TEXTS)),
    catalogue.EXIT_NODE.name: Entry(
        "Sentinel's own node uses another exit node: its id or address, empty for none.",
        INFO,
        _turned("exit_node_id", TEXT),
    ),
    catalogue.RUN_SSH.name: Entry(
        "Sentinel's own node runs Tailscale SSH, or no longer.", INFO, _turned("run_ssh", FLAG)
    ),
    catalogue.SHIELDS_UP.name: Entry(
        "Sentinel's own node refuses incoming connections, or no longer.", INFO, _turned("shields_up", FLAG)
    ),
    catalogue.DOMAIN.name: Entry(
        "The tailnet has another name, or Sentinel's own node is in another tailnet: then the own node's ids are "
        "there, too, and nothing else is told of what is gone and what is there.",
        WARNING,
        _turned("domain", TEXT) | {"another_tailnet": FLAG},
        _turned("self_id", TEXT),
    ),
    catalogue.LOCK.name: Entry("Tailnet lock was switched on or off.", WARNING, _turned("tka_enabled", FLAG)),
}
