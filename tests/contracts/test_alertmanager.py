"""What Alertmanager is sent: the same alert from its opening to its end."""

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import orjson
import pytest

from sentinel.clock import SystemClock, parse_rfc3339
from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.sinks import AlertmanagerSettings, HttpSettings
from sentinel.delivery.sinks.alertmanager import AlertmanagerSink
from sentinel.dispatcher import SinkLoop
from sentinel.errors import ConfigError
from sentinel.events import EventType, Incident, Message, Severity, Text
from sentinel.model import Attempt, SubjectKey
from tests.contracts.endpoint import Endpoint, status
from tests.contracts.rigs import WORDING
from tests.messages import OFFLINE, ONLINE, RENAMED, START, event, message, telling

REMOVED = EventType("peer.removed", aspect="membership", order=90, removal=True)


def made(url: str, *, labels: Mapping[str, str] | None = None) -> AlertmanagerSink:
    return AlertmanagerSink(AlertmanagerSettings(HttpSettings(url), labels or {}), wording=WORDING)


def posted(*messages: Message, labels: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The alerts, in the order in which they were posted, each by itself."""
    with Endpoint(status(200)) as endpoint:
        sink = made(f"http://{endpoint.place}/prefix/", labels=labels)
        for told in messages:
            sink.send(told, START)
        sink.close()
    assert {request.path for request in endpoint.requests} == {"/prefix/api/v2/alerts"}
    return [alert for request in endpoint.requests for alert in _only(request.body)]


def _only(body: bytes) -> Sequence[dict[str, Any]]:
    alerts: list[dict[str, Any]] = orjson.loads(body)
    assert len(alerts) == 1
    return alerts


def test_a_problem_is_an_alert_with_a_beginning_and_a_time_until_which_it_holds() -> None:
    (alert,) = posted(message())
    assert alert == {
        "labels": {
            "alertname": "SentinelPresence",
            "source": "home",
            "subject_type": "peer",
            "subject_id": "n-nas",
            "aspect": "presence",
        },
        "annotations": {
            "summary": "nas lost contact",
            "description": "nas lost contact with Tailscale.\nIt may still be up.",
            "severity": "warning",
            "subject": "nas",
            "incident": dedup_key(incident_of(message())),
        },
        "startsAt": "2026-01-01T09:00:00.000000Z",
        "endsAt": "2026-01-01T09:05:00.000000Z",
    }


def test_its_end_has_the_same_labels_although_name_severity_and_revision_differ() -> None:
    opened, closed = posted(
        message(event(severity=Severity.CRITICAL)), message(event(ONLINE, name="box", number=2)), labels={"team": "net"}
    )
    assert opened["labels"] == closed["labels"]
    assert opened["labels"]["team"] == "net"
    assert closed["endsAt"] == "2026-01-01T09:00:00.000000Z"
    assert "startsAt" not in closed


def test_what_opens_no_problem_leaves_nothing_open() -> None:
    for told in (event(RENAMED), event(REMOVED)):
        assert incident_of(message(told)).ends


def test_an_end_that_policy_named_closes_what_it_names() -> None:
    gone = message(event(REMOVED, number=2))
    told = Message(gone.key, gone.sink, gone.event, incident=Incident(gone.event.subject, "presence", ends=True))
    opened, closed = posted(message(), told)
    assert opened["labels"] == closed["labels"]
    assert closed["endsAt"] == "2026-01-01T09:00:00.000000Z"


def test_a_group_of_problems_is_one_incident_whoever_speaks_for_it() -> None:
    group = SubjectKey("home", "group", "g1")
    opened, closed = posted(
        *(
            Message(said.key, said.sink, said.event, incident=Incident(group, "presence", ends=ends))
            for said, ends in ((message(), False), (message(event(OFFLINE, subject="box")), True))
        )
    )
    assert opened["labels"] == closed["labels"]
    assert (opened["labels"]["subject_type"], opened["labels"]["subject_id"]) == ("group", "g1")


def test_what_is_open_is_told_again_together_and_holds_longer() -> None:
    later = START + timedelta(minutes=4)
    with Endpoint(status(200)) as endpoint:
        sink = made(f"http://{endpoint.place}")
        sink.repeat([message(), message(event(subject="box"))], later)
        sink.close()
    (request,) = endpoint.requests
    alerts = orjson.loads(request.body)
    assert [alert["labels"]["subject_id"] for alert in alerts] == ["n-nas", "n-box"]
    assert {parse_rfc3339(alert["startsAt"]) for alert in alerts} == {START}
    assert {parse_rfc3339(alert["endsAt"]) for alert in alerts} == {later + timedelta(minutes=5)}


def test_ever_so_many_are_told_again_in_portions() -> None:
    with Endpoint(status(200)) as endpoint:
        sink = made(f"http://{endpoint.place}")
        sink.repeat([message(event(subject=str(number))) for number in range(1100)], START)
        sink.repeat([], START)
        sink.close()
    assert [len(orjson.loads(request.body)) for request in endpoint.requests] == [500, 500, 100]


def test_words_of_our_own_are_an_alert_that_ends_at_once() -> None:
    with Endpoint(status(200)) as endpoint:
        sink = made(f"http://{endpoint.place}")
        sink.say(Text("Test", "This is a test."), Severity.INFO, START)
        sink.close()
    opened, closed = (_only(request.body)[0] for request in endpoint.requests)
    assert opened["labels"] == closed["labels"]
    assert (parse_rfc3339(opened["endsAt"]) > START, parse_rfc3339(closed["endsAt"])) == (True, START)


def test_a_name_from_the_network_is_tamed_wherever_it_stands() -> None:
    (alert,) = posted(message(event(name="nas\n\u202e@here")))
    assert "\n" not in alert["annotations"]["subject"]
    assert "\u202e" not in str(alert)


def test_the_labels_that_tell_alerts_apart_cannot_be_set() -> None:
    with pytest.raises(ConfigError) as raised:
        made("http://localhost", labels={"aspect": "x", "source": "y", "team": "z"})
    assert [fault.path for fault in raised.value.faults] == ["labels", "labels"]


def test_the_key_of_an_incident_is_that_of_subject_and_aspect_alone() -> None:
    keys = {dedup_key(incident_of(told)) for told in (message(), message(event(ONLINE, number=9)))}
    assert len(keys) == 1
    assert dedup_key(incident_of(message(event(subject="box")))) not in keys
    assert dedup_key(incident_of(message(event(REMOVED)))) not in keys


def test_a_running_loop_keeps_telling_what_is_open_until_it_ends() -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(status(200)) as endpoint:
        settings = AlertmanagerSettings(HttpSettings(f"http://{endpoint.place}"), repeat_every=timedelta(seconds=0.05))
        loop = SinkLoop(name="alerts", sink=AlertmanagerSink(settings, wording=WORDING), report=reported.put)
        loop.start(SystemClock())
        loop.offer([telling(1)])
        reported.get(timeout=5)
        waited = threading.Event()
        while len(endpoint.requests) < 4:
            assert not waited.wait(0.01)
        assert loop.stop(5)
    assert reported.empty()
    assert len({orjson.dumps(_only(request.body)[0]["labels"]) for request in endpoint.requests}) == 1
