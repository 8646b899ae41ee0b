"""Sinks that are tried: the right verdict on each, and no incident that stays open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from sentinel.app import trials
from sentinel.app.tables import CATALOGUE
from sentinel.config import Config, examine
from tests.contracts.endpoint import Endpoint, hang, status

SLOW = 0.3
TOKEN = "00000000-0000-0000-0000-000000000000"


def configured(tmp_path: Path, text: str) -> Config:
    (tmp_path / "sentinel.yaml").write_text(text)
    found = examine(None, {}, cwd=tmp_path)
    assert found.config is not None, found.faults
    return found.config


def tried(
    config: Config, event_type: str = "", *, dry_run: bool = False, deadline_s: float = 10.0
) -> list[trials.Verdict]:
    names = tuple(config.sinks)
    return list(trials.test_sinks(config, names, deadline_s=deadline_s, event_type=event_type, dry_run=dry_run))


@pytest.mark.parametrize("event_type", ["", "peer.offline"])
def test_a_good_a_refusing_a_slow_and_a_misspelt_sink_get_their_verdicts(
    tmp_path: Path, everything_logged: Callable[[], str], event_type: str
) -> None:
    with Endpoint(status(200)) as good, Endpoint(status(403)) as refusing, Endpoint(hang) as slow:
        config = configured(
            tmp_path,
            f"""
            sinks:
              good: {{type: webhook, url: 'http://{good.place}/canary'}}
              misspelt: {{type: apprise, url: 'jsno://canary@{good.place}/canary'}}
              refusing: {{type: apprise, url: 'json://canaryuser:canarypass@{refusing.place}/canary'}}
              slow: {{type: webhook, url: 'http://{slow.place}/canary'}}
            """,
        )
        verdicts = {verdict.sink: verdict for verdict in tried(config, event_type, deadline_s=SLOW)}
    assert {name: verdict.ok for name, verdict in verdicts.items()} == {
        "good": True,
        "misspelt": False,
        "refusing": False,
        "slow": False,
    }
    assert verdicts["misspelt"].error == "Apprise knows no service `jsno://`; did you mean `json://`?"
    assert "403" in verdicts["refusing"].error
    assert verdicts["slow"].error == "no answer within 0.3 s"
    assert len(good.requests) == 1
    assert "canary" not in everything_logged() + repr(verdicts)


def test_a_dry_run_connects_to_nothing_and_shows_the_words(tmp_path: Path) -> None:
    with Endpoint(status(200)) as endpoint:
        config = configured(
            tmp_path,
            f"""
            sinks:
              hook: {{type: webhook, url: 'http://{endpoint.place}/'}}
              phone: {{type: apprise, url: 'json://{endpoint.place}/', templates: {{peer.off*: {{body: 'weg'}}}}}}
            """,
        )
        hook, phone = tried(config, "peer.offline", dry_run=True)
    assert (hook.ok, hook.words) == (True, "")
    assert (phone.ok, phone.words) == (True, "Test: test-peer lost contact with Tailscale\nTest: weg")
    assert (endpoint.connections, endpoint.requests) == (0, [])


@pytest.mark.parametrize("event_type", ["", *CATALOGUE])
def test_what_people_read_begins_with_test(tmp_path: Path, event_type: str) -> None:
    with Endpoint(status(200)) as endpoint:
        tried(configured(tmp_path, f"sinks: {{phone: {{type: apprise, url: 'json://{endpoint.place}/'}}}}"), event_type)
    (request,) = endpoint.requests
    said = orjson.loads(request.body)
    assert said["title"].startswith("Test")
    assert said["message"].startswith("Test")


def test_programs_get_an_event_that_says_that_it_is_a_test(tmp_path: Path) -> None:
    config = configured(tmp_path, "sinks: {log: {type: file, path: log.jsonl}}")
    assert [verdict.ok for verdict in tried(config, "peer.offline")] == [True]
    (line,) = map(orjson.loads, (tmp_path / "log.jsonl").read_bytes().splitlines())
    assert (line["event"]["cause"], line["event"]["event_type"]) == ("test", "peer.offline")


@pytest.mark.parametrize("event_type", ["", "peer.offline", "peer.online", "peer.tags.changed"])
def test_an_alert_is_opened_and_closed_whatever_the_event_does(tmp_path: Path, event_type: str) -> None:
    with Endpoint(status(200)) as endpoint:
        text = f"sinks: {{alerts: {{type: alertmanager, url: 'http://{endpoint.place}'}}}}"
        assert [verdict.ok for verdict in tried(configured(tmp_path, text), event_type)] == [True]
    opened, closed = (orjson.loads(request.body)[0] for request in endpoint.requests)
    assert opened["labels"] == closed["labels"]
    assert opened["startsAt"] < opened["endsAt"]
    assert closed["endsAt"] == opened["startsAt"]
    assert opened["annotations"]["summary"].startswith("Test")


def test_an_incident_of_apprise_is_closed_under_the_key_that_opened_it(tmp_path: Path) -> None:
    with Endpoint(status(200)) as endpoint:
        text = f"sinks: {{alerts: {{type: apprise, url: 'goalert://{endpoint.place}/{TOKEN}'}}}}"
        assert [verdict.ok for verdict in tried(configured(tmp_path, text), "route.lost")] == [True]
    opened, closed = (orjson.loads(request.body) for request in endpoint.requests)
    assert opened["dedup"] == closed["dedup"]
    assert ("action" in opened, closed["action"]) == (False, "close")


def test_an_incident_that_could_not_be_closed_is_no_success(tmp_path: Path) -> None:
    answers = iter((status(200), status(400)))

    def answer(handler: Any) -> None:
        next(answers)(handler)

    with Endpoint(answer) as endpoint:
        text = f"sinks: {{alerts: {{type: alertmanager, url: 'http://{endpoint.place}'}}}}"
        (verdict,) = tried(configured(tmp_path, text), "peer.offline")
    assert not verdict.ok
    assert verdict.error.startswith("an incident was opened, but not closed: ")


def test_routes_say_who_is_told(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        """
        sinks: {a: {type: stdout}, b: {type: debug}, c: {type: stdout}}
        routes:
          - {match: {event_types: [peer.online], device_names: [test-*]}, sinks: [a]}
          - {match: {event_types: ["peer.*"]}, sinks: [c]}
          - {match: {severities: [critical]}, sinks: [b]}
        """,
    )
    assert trials.routed(config, "peer.online") == ("a", "c")
    assert trials.routed(config, "route.lost") == ("b",)
    assert trials.routed(config, "prefs.run_ssh.changed") == ()
    assert set(trials.example_types()) == set(CATALOGUE)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("ntfy://topic", "apprise"),
        ("https://ops.example.com/hook", "webhook"),
        ("HTTP://127.0.0.1:1/x", "webhook"),
        ("https://discord.com/api/webhooks/123456789012345678/" + "a" * 68, "apprise"),
        ("nothing", "apprise"),
    ],
)
def test_an_address_is_apprises_unless_it_is_one_of_http_that_apprise_does_not_know(url: str, kind: str) -> None:
    assert trials.kind_of(url) == kind
