"""The composition root: the only place that wires the rooms together, and the only one that knows them all.

A command that only asks shall not wait for what it does not use, so each part is imported when it is first used.
"""

from typing import TYPE_CHECKING

from sentinel.lazily import parts_of

if TYPE_CHECKING:
    from sentinel.app.checks import check, remarks
    from sentinel.app.reading import stored
    from sentinel.app.rehearsal import look, rehearse
    from sentinel.app.service import serve
    from sentinel.app.trials import Verdict, example_types, kind_of, routed, test_sinks
    from sentinel.edge import find_binary, find_sidecar

__all__ = [
    "Verdict",
    "check",
    "example_types",
    "find_binary",
    "find_sidecar",
    "kind_of",
    "look",
    "rehearse",
    "remarks",
    "routed",
    "serve",
    "stored",
    "test_sinks",
]

_PLACES = {
    "Verdict": "sentinel.app.trials",
    "check": "sentinel.app.checks",
    "example_types": "sentinel.app.trials",
    "find_binary": "sentinel.edge",
    "find_sidecar": "sentinel.edge",
    "kind_of": "sentinel.app.trials",
    "look": "sentinel.app.rehearsal",
    "rehearse": "sentinel.app.rehearsal",
    "remarks": "sentinel.app.checks",
    "routed": "sentinel.app.trials",
    "serve": "sentinel.app.service",
    "stored": "sentinel.app.reading",
    "test_sinks": "sentinel.app.trials",
}

__getattr__ = parts_of(__name__, _PLACES)
