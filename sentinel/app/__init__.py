"""The composition root: the only place that wires the rooms together, and the only one that knows them all."""

from sentinel.app.checks import check
from sentinel.app.service import serve
from sentinel.app.sinks import Verdict, test_sinks
from sentinel.edge import find_binary, find_sidecar

__all__ = ["Verdict", "check", "find_binary", "find_sidecar", "serve", "test_sinks"]
