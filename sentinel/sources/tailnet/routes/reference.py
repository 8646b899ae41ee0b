"""What programs may rely on in the events of routes."""

from collections.abc import Mapping

from sentinel.events import Severity
from sentinel.sources.reference import MOMENT, TEXT, Entry, Schema
from sentinel.sources.tailnet.routes import catalogue
from sentinel.sources.tailnet.routes.model import OFFLINE, REMOVED, WITHDRAWN

INFO, WARNING, CRITICAL = (Severity.INFO,), (Severity.WARNING,), (Severity.CRITICAL,)

_CARRIERS: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "required": ["id", "name"]},
}
_COMMON: Mapping[str, Schema] = {"route": TEXT, "before_carriers": _CARRIERS, "after_carriers": _CARRIERS}
"""`route` is a prefix, or `exit:` and the id of a peer; `before_carriers` are those who carried it last."""

ENTRIES: Mapping[str, Entry] = {
    catalogue.LOST.name: Entry(
        "Nobody carries a route any more: no primary router of it is in contact, or the exit node is not. A problem, "
        "and critical, unless its carrier withdrew it.",
        WARNING + CRITICAL,
        {**_COMMON, "reason": {"enum": [OFFLINE, REMOVED, WITHDRAWN]}},
    ),
    catalogue.RESTORED.name: Entry(
        "Somebody carries the route again, the same peer or another one.", INFO, {**_COMMON, "lost_since": MOMENT}
    ),
    catalogue.FAILED_OVER.name: Entry("Another peer carries the route now.", INFO, _COMMON),
}
