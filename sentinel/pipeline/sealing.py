"""How findings become events: what the configuration adds to them, and which of them are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sentinel.events import Event, Finding, Provenance, seal
from sentinel.policy.severities import Override, overridden


@dataclass(frozen=True, slots=True)
class Sealing:
    """`labels` by source, other severities, and the names of types that are not recorded at all."""

    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    unrecorded: frozenset[str] = frozenset()

    def sealed(self, finding: Finding, provenance: Provenance, number: int) -> Event:
        """The event, with the severity that it has here."""
        event = seal(finding, provenance, number)
        severity = overridden(event, self.overrides)
        return event if severity is event.severity else seal(replace(finding, severity=severity), provenance, number)


PLAIN = Sealing()
