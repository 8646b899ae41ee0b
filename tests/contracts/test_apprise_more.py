"""Apprise's services as messages of each severity get them, and those that keep incidents."""

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.sinks import AppriseSettings, Lines, Sink, SinkSpec, build
from sentinel.errors import ConfigError, DeliveryError
from sentinel.events import EventType, Incident, Message, Severity, Text
from sentinel.model import Audience
from tests.contracts.endpoint import Endpoint, status
from tests.contracts.rigs import WORDING
from tests.messages import OFFLINE, ONLINE, START, event, message

REMOVED = EventType("peer.removed", aspect="membership", order=90, removal=True)


def made(url: str, by_severity: Mapping[Severity, Mapping[str, str]] | None = None) -> Sink:
    spec = SinkSpec("phone", "apprise", AppriseSettings(url, by_severity or {}))
    return build(spec, wording=WORDING, lines=Lines(io.BytesIO()))


# By severity -----------------------------------------------------------------------------------------------------


def priorities(url: str, by_severity: Mapping[Severity, Mapping[str, str]]) -> list[Any]:
    """The priorities of an information, a warning and a critical message."""
    with Endpoint(status(200)) as endpoint:
        sink = made(url.format(place=endpoint.place), by_severity)
        for severity in Severity:
            sink.send(message(event(OFFLINE, severity=severity)), START)
    return [orjson.loads(request.body).get("priority") for request in endpoint.requests]


def test_parameters_of_a_severity_hold_for_its_messages_alone() -> None:
    url = "gotify://{place}/Aabcdefghijklmn"
    assert priorities(url, {Severity.CRITICAL: {"priority": "emergency"}}) == [5, 5, 10]


def test_they_come_before_what_the_url_says() -> None:
    url = "gotify://{place}/Aabcdefghijklmn?overflow=split&priority=low"
    by_severity = {Severity.CRITICAL: {"priority": "emergency"}, Severity.WARNING: {"priority": "high"}}
    assert priorities(url, by_severity) == [0, 8, 10]


def fault(url: str, parameters: Mapping[str, str]) -> tuple[str, str]:
    with pytest.raises(ConfigError) as raised:
        made(url, {Severity.CRITICAL: parameters})
    (only,) = raised.value.faults
    return only.path, only.text


def test_a_parameter_that_the_service_does_not_know_is_refused_with_the_one_that_was_meant() -> None:
    path, text = fault("ntfy://host.example/topic", {"prority": "max"})
    assert path == "by_severity.critical"
    assert "did you mean `priority`" in text


def test_a_value_that_the_service_does_not_take_is_refused_with_those_that_it_does() -> None:
    path, text = fault("ntfy://host.example/topic", {"priority": "loud"})
    assert path == "by_severity.critical"
    assert "max, high, default, low, min" in text


@pytest.mark.parametrize("name", ["retry", "optional"])
def test_what_the_url_must_not_say_no_severity_says(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        made("ntfy://host.example/topic", {Severity.INFO: {name: "yes"}})
    assert {fault.path for fault in raised.value.faults} == {"by_severity.info"}
    assert f"`{name}=` is not allowed" in str(raised.value)


# Incidents -------------------------------------------------------------------------------------------------------

KEEPING = {
    "pagerduty": f"pagerduty://{'i' * 32}@{'k' * 32}",
    "goalert": "goalert://host.example/00000000-0000-0000-0000-000000000000",
}


def test_a_service_that_keeps_incidents_by_our_key_is_told_of_incidents() -> None:
    assert made(KEEPING["pagerduty"]).audience is Audience.INCIDENTS
    assert made(KEEPING["goalert"]).audience is Audience.INCIDENTS
    assert made("ntfy://host.example/topic").audience is Audience.PEOPLE


def alerts(*said: Message | Text) -> list[dict[str, str]]:
    with Endpoint(status(200)) as endpoint:
        sink = made(f"goalert://{endpoint.place}/00000000-0000-0000-0000-000000000000")
        for told in said:
            if isinstance(told, Text):
                sink.say(told, Severity.INFO, START)
            else:
                sink.send(told, START)
    return [_fields(request.body) for request in endpoint.requests]


def _fields(body: bytes) -> dict[str, str]:
    if body.startswith(b"{"):
        return dict(orjson.loads(body))
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def test_an_incident_is_closed_under_the_key_that_opened_it() -> None:
    opened, closed = alerts(message(), message(event(ONLINE, name="box", number=2)))
    assert opened["dedup"] == closed["dedup"] == dedup_key(incident_of(message()))
    assert ("action" in opened, closed["action"]) == (False, "close")


def test_what_policy_names_is_what_is_closed() -> None:
    gone = message(event(REMOVED, number=2))
    named = Message(gone.key, gone.sink, gone.event, incident=Incident(gone.event.subject, "presence", ends=True))
    opened, closed = alerts(message(), named)
    assert (opened["dedup"], closed["action"]) == (closed["dedup"], "close")


def test_other_subjects_are_other_incidents() -> None:
    one, other = alerts(message(), message(event(subject="box")))
    assert one["dedup"] != other["dedup"]


def test_words_of_our_own_leave_no_incident_open() -> None:
    opened, closed = alerts(Text("Test", "This is a test."))
    assert opened["dedup"] == closed["dedup"]
    assert closed["action"] == "close"


def test_a_closed_sink_sends_nothing_more() -> None:
    with Endpoint(status(200)) as endpoint:
        sink = made(f"goalert://{endpoint.place}/00000000-0000-0000-0000-000000000000")
        sink.close()
        with pytest.raises(DeliveryError, match="was closed"):
            sink.send(message(), START)
    assert not endpoint.requests
