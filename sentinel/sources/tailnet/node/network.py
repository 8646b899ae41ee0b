"""Detectors of the network itself."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.node.catalogue import DOMAIN, LOCK
from sentinel.sources.tailnet.node.model import Tailnet


def domain(subject: SubjectKey, before: Tailnet | None, after: Tailnet, at: datetime) -> Iterator[Finding]:
    """`tailnet.domain.changed` of a network that is still the same."""
    if before is None or not before.domain or before.domain == after.domain:
        return
    yield Finding(
        type=DOMAIN,
        subject=subject,
        subject_name=after.name,
        severity=Severity.WARNING,
        happened_at=at,
        before=before.domain,
        after=after.domain,
        summary=f"the tailnet {before.domain} is now called {after.domain}",
        payload={"before_domain": before.domain, "after_domain": after.domain, "another_tailnet": False},
        changes=(Change("domain", before.domain, after.domain),),
    )


def moved(subject: SubjectKey, before: Tailnet | None, after: Tailnet, at: datetime) -> Iterator[Finding]:
    """`tailnet.domain.changed`, the one thing that is told when the edge turns out to be in another network.

    The other network may go by the same name, so that its value has the own id, too.
    """
    if before is None:
        return
    yield Finding(
        type=DOMAIN,
        subject=subject,
        subject_name=after.name,
        severity=Severity.WARNING,
        happened_at=at,
        before=f"{before.domain} {before.self_id}",
        after=f"{after.domain} {after.self_id}",
        summary=f"Sentinel's own node is in another tailnet: {after.name}",
        payload={
            "before_domain": before.domain,
            "after_domain": after.domain,
            "before_self_id": before.self_id,
            "after_self_id": after.self_id,
            "another_tailnet": True,
        },
        changes=(
            Change("domain", before.domain, after.domain),
            Change("self_id", before.self_id, after.self_id),
        ),
    )


def lock(subject: SubjectKey, before: Tailnet | None, after: Tailnet, at: datetime) -> Iterator[Finding]:
    """`tailnet.tka_enabled.changed`: tailnet lock was switched on or off."""
    if before is None or before.tka_enabled is None or before.tka_enabled == after.tka_enabled:
        return
    yield Finding(
        type=LOCK,
        subject=subject,
        subject_name=after.name,
        severity=Severity.WARNING,
        happened_at=at,
        before=str(before.tka_enabled),
        after=str(after.tka_enabled),
        summary=f"tailnet lock of {after.name} is {'on' if after.tka_enabled else 'off'}",
        payload={"before_tka_enabled": before.tka_enabled, "after_tka_enabled": after.tka_enabled},
        changes=(Change("tka_enabled", before.tka_enabled, after.tka_enabled),),
    )
