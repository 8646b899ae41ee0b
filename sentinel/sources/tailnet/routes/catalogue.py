"""The types of events that a route can have, in the order in which they are told."""

from sentinel.events import EventType

UNCARRIED = "lost"
"""The value of the aspect while nobody carries a route that somebody ought to."""

LOST = EventType("route.lost", aspect="carrier", order=210, problem=frozenset({UNCARRIED}))
RESTORED = EventType("route.restored", aspect="carrier", order=211, problem="ends")
FAILED_OVER = EventType("route.failed_over", aspect="carrier", order=212)

CATALOGUE = {row.name: row for row in (LOST, RESTORED, FAILED_OVER)}
