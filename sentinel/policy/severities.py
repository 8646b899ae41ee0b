"""How much events matter where the configuration says otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass

from sentinel.events import Event, Severity
from sentinel.policy.routes import Selector, selects


@dataclass(frozen=True, slots=True)
class Override:
    """Events that `match` have another severity; the severity that it asks for is that of the catalogue."""

    match: Selector
    severity: Severity


def overridden(event: Event, overrides: Iterable[Override]) -> Severity:
    """The severity that the first fitting override gives the event, else its own."""
    return next((each.severity for each in overrides if selects(event, each.match)), event.severity)
