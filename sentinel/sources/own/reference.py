"""What programs may rely on in the events of Sentinel itself."""

from collections.abc import Mapping

from sentinel.events import Severity
from sentinel.sources.own import catalogue
from sentinel.sources.reference import FLAG, MOMENT, NUMBER, TEXT, TEXTS, Entry, Schema

_COMMON: Mapping[str, Schema] = {"sink": TEXT, "error": TEXT, "given_up": NUMBER}
"""`error` is what the sink said when it failed, `given_up` counts deliveries that nobody tries again by itself."""

ENTRIES: Mapping[str, Entry] = {
    catalogue.FAILING.name: Entry(
        "Messages do not arrive at a sink of Sentinel's: for 5 minutes nothing does, or one was given up. This sink is "
        "not told.",
        (Severity.CRITICAL,),
        _COMMON,
    ),
    catalogue.RECOVERED.name: Entry(
        "Messages arrive at the sink again, or it is no longer configured. The sink itself is told as well, whatever "
        "its routes ask for, unless it keeps incidents. `still_open` has a line for each problem that it was told of "
        "and that is open, as far as they are few.",
        (Severity.INFO,),
        {**_COMMON, "configured": FLAG, "failing_since": MOMENT, "still_open": TEXTS},
    ),
}
