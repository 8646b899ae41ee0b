"""One made-up event of each type, so that a sink can be tried before something happens."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sentinel.events import Finding
from sentinel.model import SubjectKey
from sentinel.sources.own import SINK, catalogue
from sentinel.sources.own.sinks import Sink, delivering
from sentinel.sources.room import Example

NAME = "test-sink"
AWAY = timedelta(minutes=6)


def _failing(source: str, at: datetime) -> Finding:
    return _found(source, None, _sink(at, failing=True), at)


def _recovered(source: str, at: datetime) -> Finding:
    return _found(source, _sink(at - AWAY, failing=True), _sink(at, failing=False), at)


def _sink(since: datetime, *, failing: bool) -> Sink:
    return Sink(NAME, failing=failing, since=since, error="connection refused", given_up=0)


def _found(source: str, before: Sink | None, after: Sink, at: datetime) -> Finding:
    (finding,) = delivering(SubjectKey(source, SINK, NAME), before, after, at)
    return finding


EXAMPLES: Mapping[str, Example] = {catalogue.FAILING.name: _failing, catalogue.RECOVERED.name: _recovered}
"""By type of event."""
