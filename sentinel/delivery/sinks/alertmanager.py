"""Prometheus Alertmanager: an alert per incident, told again as long as it is open.

Alertmanager keeps alerts in memory and drops one that nobody repeats, so an alert says until when it holds without
being told again. What tells two alerts apart are their labels: they come from the incident alone, so that a device that
is renamed or a problem that becomes worse still is the same alert. Everything that may change is in the annotations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from sentinel.clock import rfc3339
from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.render import Limit, fit, tame
from sentinel.delivery.sinks.posting import HttpAddress, HttpSettings
from sentinel.delivery.sinks.protocol import Wording
from sentinel.errors import ConfigError, Fault
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience

LIMIT = Limit(title=250, body=2000)
REPEAT_EVERY = timedelta(minutes=1)
REPEATS_MISSED = 5
"""An alert ends by itself after so many repeats did not come."""
MOST_AT_ONCE = 500

_RESERVED = frozenset({"alertname", "source", "subject_type", "subject_id", "aspect"})


@dataclass(frozen=True, slots=True)
class AlertmanagerSettings:
    """`http.url` is the server's own address, such as `http://alertmanager:9093`; `labels` go with every alert."""

    http: HttpSettings
    labels: Mapping[str, str] = field(default_factory=dict)
    repeat_every: timedelta = REPEAT_EVERY


class AlertmanagerSink:
    """Posts an alert when an incident opens, and its end when it closes."""

    audience = Audience.INCIDENTS

    def __init__(self, settings: AlertmanagerSettings, *, wording: Wording) -> None:
        """Sends nothing; raises ConfigError with the paths `url`, `ca_file`, `labels` or `repeat_every`."""
        faults = _faults(settings)
        if faults:
            raise ConfigError(faults)
        self.repeat_every = settings.repeat_every
        self._labels = dict(settings.labels)
        self._address = HttpAddress(settings.http, suffix="/api/v2/alerts")
        self._wording = wording

    def send(self, message: Message, now: datetime) -> None:
        """Posts the alert or its end; raises DeliveryError."""
        self._post([self._alert(message, now)], now, key=message.key)

    def repeat(self, messages: Sequence[Message], now: datetime) -> None:
        """Posts again what is still open, so that it stays open; raises DeliveryError."""
        alerts = [self._alert(message, now) for message in messages]
        for start in range(0, len(alerts), MOST_AT_ONCE):
            self._post(alerts[start : start + MOST_AT_ONCE], now)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Posts an alert of our own, and its end at once: it is seen and leaves nothing behind."""
        labels = {"alertname": "SentinelSays", **self._labels}
        alert = {"labels": labels, "annotations": _annotations(fit(text, LIMIT), severity), "startsAt": rfc3339(now)}
        self._post([{**alert, "endsAt": rfc3339(now + REPEATS_MISSED * self.repeat_every)}], now)
        self._post([{**alert, "endsAt": rfc3339(now)}], now)

    def close(self) -> None:
        """Lets go of the kept connections."""
        self._address.close()

    def _alert(self, message: Message, now: datetime) -> dict[str, object]:
        incident, event = incident_of(message), message.event
        # A clock that is ahead where it happened must not begin an alert after its end, nor end one only later.
        happened = rfc3339(min(event.timestamp, now))
        alert: dict[str, object] = {
            "labels": {
                "alertname": "Sentinel" + "".join(word.capitalize() for word in incident.aspect.split("_")),
                "source": incident.subject.source,
                "subject_type": incident.subject.type,
                "subject_id": incident.subject.id,
                "aspect": incident.aspect,
                **self._labels,
            },
            "annotations": {
                **_annotations(self._wording.text(message, now, LIMIT), event.severity),
                "subject": tame(event.subject_name),
                "incident": dedup_key(incident),
            },
        }
        if incident.ends:
            # Without a beginning of its own Alertmanager keeps the one that it has.
            return alert | {"endsAt": happened}
        until = now + REPEATS_MISSED * self.repeat_every
        return alert | {"startsAt": happened, "endsAt": rfc3339(until)}

    def _post(self, alerts: Sequence[Mapping[str, object]], now: datetime, *, key: str = "") -> None:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        self._address.post(orjson.dumps(alerts), headers, now)


def _annotations(text: Text, severity: Severity) -> dict[str, str]:
    return {"summary": text.title, "description": text.body, "severity": severity.value}


def _faults(settings: AlertmanagerSettings) -> tuple[Fault, ...]:
    faults = [
        Fault(f"`{name}` is one that Sentinel sets itself", path="labels")
        for name in sorted(_RESERVED & settings.labels.keys())
    ]
    if settings.repeat_every <= timedelta(0):
        faults.append(Fault("must be longer than 0", path="repeat_every"))
    return tuple(faults)
