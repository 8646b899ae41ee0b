"""The composition root: the only place that wires the rooms together, and the only one that knows them all.

A command that only asks shall not wait for what it does not use, so each part is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """The part with this name. Raises AttributeError if there is none."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
