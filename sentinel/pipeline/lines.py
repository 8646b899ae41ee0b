"""What the writer says in the log of what it saw and recorded."""

from collections import Counter
from collections.abc import Sequence

from loguru import logger

from sentinel.clock import rfc3339
from sentinel.events import Event
from sentinel.pipeline import intake
from sentinel.pipeline.intake import SourceState

MOST_LINES = 20
"""Events of one step that are logged one by one."""


def say_sight(state: SourceState) -> None:
    """One line for each change of what there is to say; an error if somebody has to do something."""
    sight = intake.sight(state)
    if sight == state.said:
        return
    state.said = sight
    fields = logger.bind(source=state.row.name)
    if sight.seeing:
        fields.bind(subjects=state.devices()).info("source sees")
    elif sight.detail or sight.login_url or sight.reason not in intake.PASSING:
        given = {"detail": sight.detail, "login_url": sight.login_url, "remedy": intake.remedy(state, sight)}
        fields.bind(reason=sight.reason, **{name: text for name, text in given.items() if text}).error(
            "source is blind"
        )


def log_events(events: Sequence[Event]) -> None:
    """A line for each event; more than anybody reads at once are one line, and the ledger has them all."""
    if len(events) <= MOST_LINES:
        for event in events:
            _log_event(event)
    else:
        counts = Counter(event.type.name for event in events)
        logger.bind(events=len(events), event_types=dict(counts)).info("many events recorded")


def _log_event(event: Event) -> None:
    fields = logger.bind(
        event_type=event.type.name,
        subject_name=event.subject_name,
        event_id=event.event_id,
        timestamp_of_event=rfc3339(event.timestamp),
    )
    fields.info("event recorded")
