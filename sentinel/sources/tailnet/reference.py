"""What programs may rely on in the events of a tailnet; those of peers stand here."""

from collections.abc import Mapping

from sentinel.events import Severity
from sentinel.sources.reference import (
    FLAG,
    MOMENT,
    OBJECT,
    OPTIONAL_FLAG,
    OPTIONAL_MOMENT,
    TEXT,
    TEXTS,
    Entry,
    Schema,
)
from sentinel.sources.tailnet import catalogue, ladder
from sentinel.sources.tailnet.node import reference as node_reference
from sentinel.sources.tailnet.routes import reference as route_reference

INFO, WARNING, CRITICAL = (Severity.INFO,), (Severity.WARNING,), (Severity.CRITICAL,)

IDENTITY: Mapping[str, Schema] = {
    "name": TEXT,
    "tags": TEXTS,
    "owners": TEXTS,
    "ips": TEXTS,
    "dns_name": TEXT,
    "hostname": TEXT,
    "owner": TEXT,
    "os": TEXT,
    "roles": {"type": "array", "items": {"enum": ["router", "exit_node"]}},
}
"""What every event of a peer has in its payload: `owners` are numeric ids, `owner` is the login."""

_RUNG: Schema = {"enum": [ladder.VALID, *ladder.RUNGS]}
_KEY_LIFE: Mapping[str, Schema] = {"key_expiry": OPTIONAL_MOMENT, "rung": _RUNG, "before_rung": _RUNG}
_REASON: Schema = {"const": "missing_from_netmap"}


def _turned(name: str, schema: Schema) -> dict[str, Schema]:
    return {"before": schema, "after": schema, f"before_{name}": schema, f"after_{name}": schema}


def _turned_list(name: str) -> dict[str, Schema]:
    return _turned(name, TEXTS) | {"added": TEXTS, "removed": TEXTS}


def _entry(when: str, severities: tuple[Severity, ...], own: Mapping[str, Schema]) -> Entry:
    return Entry(when, severities, {**IDENTITY, **own})


_PEERS: Mapping[str, Entry] = {
    catalogue.ADDED.name: _entry(
        "A peer is visible for the first time, or again.",
        WARNING,
        {
            "online": FLAG,
            "routes": TEXTS,
            "created": OPTIONAL_MOMENT,
            "machine_authorized": OPTIONAL_FLAG,
            "key_expiry": OPTIONAL_MOMENT,
        },
    ),
    catalogue.ONLINE.name: _entry(
        "It is in contact with the control server.", INFO, {"offline_since": OPTIONAL_MOMENT}
    ),
    catalogue.OFFLINE.name: Entry(
        "It lost contact with the control server, which does not mean that nobody can reach it. `reason` is there "
        "when it is not visible any longer. A warning, but for phones and personal computers without tags.",
        INFO + WARNING,
        IDENTITY,
        {"reason": _REASON},
    ),
    catalogue.AUTHORIZED.name: _entry(
        "It needs the approval of an admin, or got it.",
        WARNING,
        _turned("authorized", FLAG) | {"machine_authorized": FLAG},
    ),
    catalogue.OWNER.name: _entry(
        "It went from one person to another. Tags take a machine from its owner, which `peer.tags.changed` tells.",
        INFO,
        _turned("owner", TEXT) | {"before_owners": TEXTS, "after_owners": TEXTS},
    ),
    catalogue.TAGS.name: _entry("Its tags changed.", INFO, _turned_list("tags")),
    catalogue.RENAMED.name: _entry(
        "Its own part of its DNS name changed.", INFO, _turned("name", TEXT) | {"before_dns_name": TEXT}
    ),
    catalogue.ADDRESSES.name: _entry("Its addresses in the tailnet changed.", INFO, _turned_list("ips")),
    catalogue.ROUTES.name: _entry(
        "The subnets changed that it is the primary router of.", INFO, _turned_list("routes")
    ),
    catalogue.EXIT_NODE.name: _entry(
        "It offers to be an exit node and is approved as one, or no longer.",
        WARNING,
        _turned("exit_node", FLAG) | {"exit_node": FLAG},
    ),
    catalogue.KEY_EXPIRING.name: _entry(
        "Its key came to a rung before its end: 30, 14, 7, 3 days, 1 day. A rung that is longer than half of the "
        "key's life, counted from when this end was first seen, is left out. Information until 14 days, a warning "
        "from 7; on the last day critical for tagged machines, routers and exit nodes.",
        INFO + WARNING + CRITICAL,
        {**_KEY_LIFE, "key_expiry": MOMENT},
    ),
    catalogue.KEY_EXPIRED.name: _entry(
        "Its key has expired: nobody can reach it. Critical for tagged machines, routers and exit nodes.",
        WARNING + CRITICAL,
        _KEY_LIFE,
    ),
    catalogue.KEY_RENEWED.name: _entry(
        "A key that was expiring or had expired is valid again, or never expires.", INFO, _KEY_LIFE
    ),
    catalogue.KEY_EXPIRY.name: _entry(
        "The end of its key is another one; null is never.", INFO, _turned("key_expiry", OPTIONAL_MOMENT)
    ),
    catalogue.KEY_ROTATED.name: _entry(
        "It has another node key, as after a new login. The values are the first 16 digits.",
        INFO,
        _turned("key", TEXT),
    ),
    catalogue.HOSTINFO.name: _entry(
        "It reports something new about itself: system, versions, host name, model. `changes` names each fact, "
        "`hostinfo` is all that it reports now.",
        INFO,
        _turned("hostinfo_hash", TEXT) | {"hostinfo": OBJECT},
    ),
    catalogue.REMOVED.name: _entry(
        "It is not visible any longer: it was removed, or an access rule hides it.", WARNING, {"reason": _REASON}
    ),
}

ENTRIES: Mapping[str, Entry] = {**_PEERS, **node_reference.ENTRIES, **route_reference.ENTRIES}
