"""The types of events that a tailnet can have, in the order in which they are told."""

from sentinel.events import EventType

ADDED = EventType("peer.added", aspect="membership", order=10, outranks=frozenset({"peer.online"}))
ONLINE = EventType("peer.online", aspect="presence", order=20, problem="ends")
OFFLINE = EventType("peer.offline", aspect="presence", order=21, problem="opens")
REMOVED = EventType("peer.removed", aspect="membership", order=90, outranks=frozenset({"peer.offline"}), removal=True)

CATALOGUE = {row.name: row for row in (ADDED, ONLINE, OFFLINE, REMOVED)}
