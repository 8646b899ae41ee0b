"""The types of events that a peer can have, in the order in which they are told."""

from sentinel.events import EventType

WAITING, APPROVED = "waiting", "approved"

ADDED = EventType("peer.added", aspect="membership", order=10, outranks=frozenset({"peer.online"}))
ONLINE = EventType("peer.online", aspect="presence", order=20, problem="ends")
OFFLINE = EventType("peer.offline", aspect="presence", order=21, problem="opens")
AUTHORIZED = EventType("peer.machine_authorized.changed", aspect="approval", order=30, problem=frozenset({WAITING}))
OWNER = EventType("peer.owner.changed", aspect="owner", order=31)
TAGS = EventType("peer.tags.changed", aspect="tags", order=32)
RENAMED = EventType("peer.renamed", aspect="name", order=33)
ADDRESSES = EventType("peer.addresses.changed", aspect="addresses", order=34)
ROUTES = EventType("peer.routes.changed", aspect="routes", order=35)
EXIT_NODE = EventType("peer.exit_node.changed", aspect="exit_node", order=36)
KEY_EXPIRING = EventType(
    "peer.key_expiring",
    aspect="key_life",
    order=40,
    problem="opens",
    outranks=frozenset({"peer.key_expiry.changed"}),
)
KEY_EXPIRED = EventType(
    "peer.key_expired",
    aspect="key_life",
    order=41,
    problem="opens",
    outranks=frozenset({"peer.key_expiry.changed"}),
)
KEY_RENEWED = EventType(
    "peer.key_renewed",
    aspect="key_life",
    order=42,
    problem="ends",
    outranks=frozenset({"peer.key_expiry.changed", "peer.key_rotated"}),
)
KEY_EXPIRY = EventType("peer.key_expiry.changed", aspect="key_expiry", order=43)
KEY_ROTATED = EventType("peer.key_rotated", aspect="key", order=44)
HOSTINFO = EventType("peer.hostinfo.changed", aspect="hostinfo", order=50)
REMOVED = EventType("peer.removed", aspect="membership", order=90, outranks=frozenset({"peer.offline"}), removal=True)

CATALOGUE = {
    row.name: row
    for row in (
        ADDED,
        ONLINE,
        OFFLINE,
        AUTHORIZED,
        OWNER,
        TAGS,
        RENAMED,
        ADDRESSES,
        ROUTES,
        EXIT_NODE,
        KEY_EXPIRING,
        KEY_EXPIRED,
        KEY_RENEWED,
        KEY_EXPIRY,
        KEY_ROTATED,
        HOSTINFO,
        REMOVED,
    )
}
