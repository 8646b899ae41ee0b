"""The composition root: the only place that wires the rooms together, and the only one that knows them all."""

from sentinel.app.rehearsal import look, rehearse
from sentinel.app.service import serve
from sentinel.app.sinks import Verdict, check, test_sinks
from sentinel.app.stored import stored
from sentinel.edge import find_binary, find_sidecar

__all__ = ["Verdict", "check", "find_binary", "find_sidecar", "look", "rehearse", "serve", "stored", "test_sinks"]
