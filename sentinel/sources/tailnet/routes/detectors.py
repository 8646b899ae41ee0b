"""Who carries a route."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.clock import rfc3339
from sentinel.events import EventType, Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.routes.catalogue import FAILED_OVER, LOST, RESTORED, UNCARRIED
from sentinel.sources.tailnet.routes.model import WITHDRAWN, Carrier, Route


def carrier(subject: SubjectKey, before: Route | None, after: Route | None, at: datetime) -> Iterator[Finding]:
    """`route.lost`, `route.restored` and `route.failed_over`.

    As the value of the aspect stand the ids of the carriers, so that a route that moved is news and one that came back
    to where it was is none.
    """
    if before is None or after is None:
        return
    if before.carriers and not after.carriers:
        yield _lost(subject, before, after)
    elif after.carriers and not before.carriers:
        yield _carried(subject, RESTORED, before, after, at)
    elif before.carriers and not _ids(before.carriers) & _ids(after.carriers):
        yield _carried(subject, FAILED_OVER, before, after, at)


def _lost(subject: SubjectKey, before: Route, after: Route) -> Finding:
    return Finding(
        type=LOST,
        subject=subject,
        subject_name=after.name,
        severity=Severity.WARNING if after.why == WITHDRAWN else Severity.CRITICAL,
        happened_at=after.since,
        before=_value(before),
        after=_value(after),
        summary=f"nobody carries {after.name} any more",
        payload={"reason": after.why} | _payload(subject, before.carriers, after.carriers),
        changes=_changes(before, after),
    )


def _carried(subject: SubjectKey, event_type: EventType, before: Route, after: Route, at: datetime) -> Finding:
    lost_since = {} if before.carriers else {"lost_since": rfc3339(before.since)}
    return Finding(
        type=event_type,
        subject=subject,
        subject_name=after.name,
        severity=Severity.INFO,
        happened_at=at,
        before=_value(before),
        after=_value(after),
        summary=f"{after.name} is carried by {', '.join(one.name for one in after.carriers)}",
        payload=lost_since | _payload(subject, before.carriers or before.last, after.carriers),
        changes=_changes(before, after),
    )


def _payload(subject: SubjectKey, before: tuple[Carrier, ...], after: tuple[Carrier, ...]) -> dict[str, object]:
    """`before_carriers` are those who carried it last."""
    return {"route": subject.id, "before_carriers": _shown(before), "after_carriers": _shown(after)}


def _shown(carriers: tuple[Carrier, ...]) -> list[dict[str, str]]:
    return [{"id": one.id, "name": one.name} for one in carriers]


def _changes(before: Route, after: Route) -> tuple[Change, ...]:
    return (Change("carriers", sorted(_ids(before.carriers)), sorted(_ids(after.carriers))),)


def _value(route: Route) -> str:
    if route.carriers:
        return ",".join(sorted(_ids(route.carriers)))
    return "" if route.why == WITHDRAWN else UNCARRIED


def _ids(carriers: tuple[Carrier, ...]) -> frozenset[str]:
    return frozenset(one.id for one in carriers)
