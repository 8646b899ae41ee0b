"""One made-up event of each type, so that a sink can be tried before something happens."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sentinel.events import Finding
from sentinel.model import SubjectKey
from sentinel.sources.own import SINK, SOURCE, catalogue
from sentinel.sources.own.sinks import Sink, delivering
from sentinel.sources.room import Example

NAME = "test-sink"
LASTED = timedelta(minutes=20)
REASON = "no answer within 30 s"


def _example(failing: bool, _source: str, at: datetime) -> Finding:
    """The sink fails at this moment, or recovers after a while; its source is always Sentinel itself."""
    fine = Sink(NAME, failing=False, since=at, error=REASON, given_up=0)
    failed = Sink(NAME, failing=True, since=at if failing else at - LASTED, error=REASON, given_up=0)
    subject = SubjectKey(SOURCE, SINK, NAME)
    before, after = (fine, failed) if failing else (failed, fine)
    return next(delivering(subject, before, after, at))


EXAMPLES: Mapping[str, Example] = {
    catalogue.FAILING.name: partial(_example, True),
    catalogue.RECOVERED.name: partial(_example, False),
}
"""By type of event."""
