"""The types of events that Sentinel itself can have, in the order in which they are told."""

from sentinel.events import EventType

FAILING = EventType("sink.failing", aspect="sink", order=310, problem="opens", itself="spared")
RECOVERED = EventType("sink.recovered", aspect="sink", order=311, problem="ends", itself="told")

CATALOGUE = {row.name: row for row in (FAILING, RECOVERED)}
