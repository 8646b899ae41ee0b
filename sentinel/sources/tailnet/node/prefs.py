"""Detectors of what the own node is set to: one for each setting that matters to others."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import EventType, Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.node.catalogue import EXIT_NODE, ROUTES, RUN_SSH, SHIELDS_UP
from sentinel.sources.tailnet.node.model import Prefs


def settings(subject: SubjectKey, before: Prefs | None, after: Prefs, at: datetime) -> Iterator[Finding]:
    """`prefs.advertise_routes.changed`, `prefs.exit_node.changed`, `prefs.run_ssh.changed`, `prefs.shields_up.changed`.

    The payload has each setting under the name that the original gave it.
    """
    if before is None:
        return
    for event_type, name, was, now in (
        (ROUTES, "routes", before.advertise_routes, after.advertise_routes),
        (EXIT_NODE, "exit_node_id", before.exit_node, after.exit_node),
        (RUN_SSH, "run_ssh", before.run_ssh, after.run_ssh),
        (SHIELDS_UP, "shields_up", before.shields_up, after.shields_up),
    ):
        if was != now:
            yield _changed(subject, event_type, Change(name, was, now), at)


def _changed(subject: SubjectKey, event_type: EventType, change: Change, at: datetime) -> Finding:
    now = _value(change.after)
    return Finding(
        type=event_type,
        subject=subject,
        subject_name=subject.id,
        severity=Severity.INFO,
        happened_at=at,
        before=_value(change.before),
        after=now,
        summary=f"Sentinel's own node: {event_type.aspect} is now {now or 'empty'}",
        payload={f"before_{change.path}": change.before, f"after_{change.path}": change.after},
        changes=(change,),
    )


def _value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
