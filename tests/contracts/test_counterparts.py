"""Sinks and the programs that they are for: what arrives there is what was meant, and nothing else does."""

import gc
import io
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from apprise.plugins.mqtt import NotifyMQTT

from sentinel.clock import parse_rfc3339
from sentinel.delivery.sinks import AlertmanagerSettings, AppriseSettings, HttpSettings, Lines, Sink, SinkSpec, build
from sentinel.delivery.sinks.alertmanager import AlertmanagerSink
from sentinel.errors import DeliveryError
from sentinel.events import EventType, Incident, Message, Severity, Text
from tests.contracts.counterparts import Alertmanager, Proof, Published, broker, free_port, mail_server, request_faults
from tests.contracts.endpoint import Endpoint, status
from tests.contracts.rigs import WORDING
from tests.messages import ONLINE, RENAMED, START, event, message

LOGIN = ("canaryuser", "canarypass")
BODY = "nas lost contact with Tailscale.\nIt may still be up."
REMOVED = EventType("peer.removed", aspect="membership", order=90, removal=True)


def apprise(url: str) -> Sink:
    return build(SinkSpec("phone", "apprise", AppriseSettings(url)), wording=WORDING, lines=Lines(io.BytesIO()))


# Mail ------------------------------------------------------------------------------------------------------------


def mailto(port: int, *, mode: str, login: tuple[str, str] | None = None) -> Sink:
    user = f"{login[0]}:{login[1]}@" if login else ""
    addresses = "from=Sentinel<sentinel@sender.example>&to=ops@receiver.example"
    return apprise(f"mailto://{user}localhost:{port}?smtp=localhost&mode={mode}&{addresses}")


@pytest.fixture
def trusted(authority_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority_file))


def test_a_mail_says_who_sent_it_to_whom_and_what_happened() -> None:
    with mail_server() as (postbox, port):
        mailto(port, mode="insecure").send(message(), START)
    (mail,) = postbox.mails
    assert (mail.sender, mail.recipients) == ("sentinel@sender.example", ["ops@receiver.example"])
    assert mail.content["From"] == "Sentinel <sentinel@sender.example>"
    assert mail.content["To"] == "ops@receiver.example"
    assert mail.content["Subject"] == "nas lost contact"
    assert mail.content.get_content_type() == "text/plain"
    assert mail.content.get_content().strip().splitlines() == BODY.splitlines()


def test_letters_of_all_kinds_arrive_by_mail() -> None:
    with mail_server() as (postbox, port):
        mailto(port, mode="insecure").send(message(event(name="Büro-NAS 😀 <b>&amp;")), START)
    (mail,) = postbox.mails
    assert mail.content["Subject"] == "Büro-NAS 😀 <b>&amp; lost contact"
    assert mail.content.get_content().startswith("Büro-NAS 😀 <b>&amp; lost contact with Tailscale.")


def test_a_name_from_the_network_adds_no_header_and_no_recipient() -> None:
    name = "nas\r\nBcc: evil@other.example\r\n\r\n.\r\nRCPT TO:<evil@other.example>"
    with mail_server() as (postbox, port):
        mailto(port, mode="insecure").send(message(event(name=name)), START)
    (mail,) = postbox.mails
    assert mail.recipients == ["ops@receiver.example"]
    assert mail.content["Bcc"] is None
    assert "Bcc: evil@other.example" in mail.content["Subject"]


@pytest.mark.usefixtures("trusted")
def test_a_login_is_told_only_behind_starttls_and_the_mail_arrives_there(tls: ssl.SSLContext) -> None:
    with mail_server(tls=tls, login=LOGIN) as (postbox, port):
        mailto(port, mode="starttls", login=LOGIN).send(message(), START)
    (mail,) = postbox.mails
    assert mail.secured
    assert postbox.logins == [LOGIN]
    assert mail.content["Subject"] == "nas lost contact"


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_a_failure_that_names_neither_it_nor_the_user(
    tls: ssl.SSLContext, everything_logged: Callable[[], str]
) -> None:
    with mail_server(tls=tls, login=("somebody", "else")) as (postbox, port), pytest.raises(DeliveryError) as raised:
        mailto(port, mode="starttls", login=LOGIN).send(message(), START)
    assert LOGIN in postbox.logins
    assert not postbox.mails
    assert "canary" not in f"{raised.value!r} {everything_logged()}".lower()


def test_a_mail_server_that_nobody_vouches_for_is_told_no_login(tls: ssl.SSLContext) -> None:
    with mail_server(tls=tls, login=LOGIN) as (postbox, port), pytest.raises(DeliveryError) as raised:
        mailto(port, mode="starttls", login=LOGIN).send(message(), START)
    assert raised.value.retryable
    assert (postbox.logins, postbox.mails) == ([], [])


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_mail_server_without_starttls_is_told_nothing_in_the_open() -> None:
    with mail_server(login=LOGIN) as (postbox, port), pytest.raises(DeliveryError) as raised:
        mailto(port, mode="starttls", login=LOGIN).send(message(), START)
    assert raised.value.retryable
    assert (postbox.logins, postbox.mails) == ([], [])


# A secured address -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusted")
def test_json_arrives_at_a_server_that_proves_who_it_is(tls: ssl.SSLContext) -> None:
    with Endpoint(status(200), tls=tls) as endpoint:
        port = endpoint.place.partition(":")[2]
        apprise(f"jsons://us%40er:pa%2Fss@localhost:{port}/a/path?+X-Token=Bearer%20abc").send(message(), START)
    (request,) = endpoint.requests
    assert request.path.rstrip("/") == "/a/path"
    assert request.headers["authorization"] == "Basic dXNAZXI6cGEvc3M="
    assert request.headers["x-token"] == "Bearer abc"
    said = orjson.loads(request.body)
    assert (said["title"], said["message"], said["type"]) == ("nas lost contact", BODY, "warning")


@pytest.mark.usefixtures("trusted")
def test_a_server_that_proves_to_be_another_gets_nothing(tls: ssl.SSLContext) -> None:
    with Endpoint(status(200), tls=tls) as endpoint, pytest.raises(DeliveryError) as raised:
        apprise(f"jsons://user:pass@{endpoint.place}/").send(message(), START)
    assert raised.value.retryable
    assert not endpoint.requests


# MQTT ------------------------------------------------------------------------------------------------------------


def mqtt(port: int, *, scheme: str = "mqtt", patience: int = 30) -> Sink:
    """With so many seconds for the broker's word."""
    return apprise(f"{scheme}://{LOGIN[0]}:{LOGIN[1]}@localhost:{port}/ops/tailnet?rto={patience}")


def test_a_message_is_published_under_its_topic_and_the_broker_confirms_it(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port=port, login=LOGIN) as published:
        mqtt(port).send(message(), START)
        said = f"nas lost contact\r\n{BODY}".encode()
        assert published() == [Published("ops/tailnet", said, confirmed=True)]


def test_a_name_from_the_network_changes_no_topic_and_arrives_letter_by_letter(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path, port=port, login=LOGIN) as published:
        mqtt(port).send(message(event(name="Büro-NAS 😀 <b>&amp;/#,+")), START)
        (one,) = published()
        assert one.topic == "ops/tailnet"
        assert one.body.decode().startswith("Büro-NAS 😀 <b>&amp;/#,+ lost contact\r\n")


def test_a_broker_that_refuses_the_login_took_nothing_and_is_tried_again(
    tmp_path: Path, everything_logged: Callable[[], str]
) -> None:
    port = free_port()
    with broker(tmp_path, port=port, login=("somebody", "else")) as published:
        with pytest.raises(DeliveryError) as raised:
            mqtt(port, patience=1).send(message(), START)
        assert published() == []
    assert raised.value.retryable
    assert "canary" not in f"{raised.value!r} {everything_logged()}".lower()


def test_who_answers_nothing_is_no_broker_that_took_the_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryError) as raised:
        mqtt(silent.getsockname()[1], patience=1).send(message(), START)
    assert raised.value.retryable


def test_a_broker_that_was_away_gets_the_message_once_and_not_what_was_tried_meanwhile(tmp_path: Path) -> None:
    port = free_port()
    sink = mqtt(port, patience=3)
    with broker(tmp_path, port=port, login=LOGIN) as published:
        sink.send(message(event(number=1)), START)
        assert len(published()) == 1
    for login in (None, ("somebody", "else")):
        with broker(tmp_path, port=port, login=login) if login else nullcontext(), pytest.raises(DeliveryError):
            sink.send(message(event(number=2)), START)
    with broker(tmp_path, port=port, login=LOGIN) as published:
        sink.send(message(event(number=2)), START)
        assert len(published()) == 1


@pytest.fixture
def proof(tmp_path: Path, authority: trustme.CA, authority_file: Path) -> Iterator[Proof]:
    """That a server is localhost, for those who trust the authority."""
    issued, made = authority.issue_cert("localhost"), Proof(tmp_path / "certificate", tmp_path / "key", authority_file)
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    issued.private_key_pem.write_to_path(made.key)
    yield made
    gc.collect()


# Apprise asks for TLS by an old name, and leaves the socket of a failed handshake to the garbage collector.
by_apprise = pytest.mark.filterwarnings(
    "ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::ResourceWarning",
)


@by_apprise
def test_a_message_is_published_at_a_broker_that_proves_who_it_is(
    tmp_path: Path, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whom this machine trusts stands at fixed places, which a test has to leave alone.
    monkeypatch.setattr(NotifyMQTT, "CA_CERTIFICATE_FILE_LOCATIONS", [str(proof.authority)])
    port = free_port()
    with broker(tmp_path, port=port, login=LOGIN, proof=proof) as published:
        mqtt(port, scheme="mqtts").send(message(), START)
        assert [one.topic for one in published()] == ["ops/tailnet"]


@by_apprise
def test_a_broker_that_nobody_vouches_for_is_told_nothing(tmp_path: Path, proof: Proof) -> None:
    port = free_port()
    with broker(tmp_path, port=port, login=LOGIN, proof=proof) as published:
        with pytest.raises(DeliveryError) as raised:
            mqtt(port, scheme="mqtts").send(message(), START)
        assert published() == []
    assert raised.value.retryable
    assert "SSL" in str(raised.value)


# Alertmanager ----------------------------------------------------------------------------------------------------


@pytest.fixture
def alertmanager() -> Iterator[tuple[Alertmanager, AlertmanagerSink]]:
    """The other side and a sink that tells it."""
    there = Alertmanager()
    with Endpoint(there.answer()) as endpoint:
        settings = AlertmanagerSettings(HttpSettings(f"http://{endpoint.place}"), labels={"team": "net"})
        sink = AlertmanagerSink(settings, wording=WORDING)
        yield there, sink
        sink.close()


Both = tuple[Alertmanager, AlertmanagerSink]
SAID = {
    "a problem": message(),
    "a problem with a strange name": message(event(name='nas"\n\u202e😀<b>{{ .Labels }}', subject="n/1:ü")),
    "no problem": message(event(RENAMED, number=2)),
    "a removal": message(event(REMOVED, number=3)),
    "a critical one": message(event(severity=Severity.CRITICAL, subject="box")),
    "one without a name": message(event(name="")),
    "words that failed": message(event(RENAMED, summary="x" * 9999)),
    "what policy names": Message(
        "k", "sink", event(REMOVED), incident=Incident(event().subject, "key_expiry", ends=False)
    ),
}


@pytest.mark.parametrize("said", SAID)
def test_every_alert_is_one_that_alertmanager_takes(alertmanager: Both, said: str) -> None:
    there, sink = alertmanager
    sink.send(SAID[said], START)
    sink.repeat([SAID[said]], START)
    assert (there.refusals, len(there.alerts)) == ([], 1)


def test_words_of_our_own_are_taken_and_leave_nothing_open(alertmanager: Both) -> None:
    there, sink = alertmanager
    sink.say(Text("Test of Sentinel", "This is a test."), Severity.INFO, START)
    assert there.refusals == []
    assert there.alerts
    assert not there.firing(START)


def test_an_incident_is_open_from_its_problem_to_its_end_and_is_one_all_along(alertmanager: Both) -> None:
    there, sink = alertmanager
    later = START + timedelta(minutes=30)
    sink.send(message(), START)
    sink.repeat([message()], later)
    assert [alert["annotations"]["subject"] for alert in there.firing(later)] == ["nas"]
    sink.send(message(event(ONLINE, number=2, at=later)), later)
    assert (there.refusals, len(there.alerts), there.firing(later)) == ([], 1, [])


@pytest.mark.parametrize("ahead", [timedelta(minutes=1), timedelta(hours=2)])
def test_a_clock_that_is_ahead_elsewhere_makes_no_alert_wrong_and_leaves_none_open(
    alertmanager: Both, ahead: timedelta
) -> None:
    there, sink = alertmanager
    sink.send(message(event(at=START + ahead)), START)
    assert there.refusals == []
    (alert,) = there.firing(START)
    assert parse_rfc3339(alert["startsAt"]) <= START
    sink.send(message(event(ONLINE, number=2, at=START + ahead)), START)
    assert (there.refusals, there.firing(START)) == ([], [])


NO_ALERTS: Mapping[str, Any] = {
    "no list": {"labels": {"a": "b"}},
    "no labels": [{"annotations": {}}],
    "empty labels": [{"labels": {}}],
    "a number for a label": [{"labels": {"a": 1}}],
    "a number for an annotation": [{"labels": {"a": "b"}, "annotations": {"c": 1}}],
    "a name that is none": [{"labels": {"a-b": "c"}}],
    "no time": [{"labels": {"a": "b"}, "startsAt": "yesterday"}],
    "a time without a zone": [{"labels": {"a": "b"}, "endsAt": "2026-01-01T09:00:00"}],
    "an end before the start": [
        {"labels": {"a": "b"}, "startsAt": "2026-01-01T09:00:00Z", "endsAt": "2026-01-01T08:00:00Z"}
    ],
    "an unknown field": [{"labels": {"a": "b"}, "severity": "warning"}],
    "no URL": [{"labels": {"a": "b"}, "generatorURL": "here"}],
}


@pytest.mark.parametrize("body", NO_ALERTS.values(), ids=NO_ALERTS)
def test_the_other_side_of_these_tests_refuses_what_its_description_does_not_allow(body: object) -> None:
    headers = {"content-type": "application/json"}
    assert request_faults("/api/v2/alerts", headers, orjson.dumps(body))
    assert not request_faults("/api/v2/alerts", headers, b'[{"labels": {"a": "b"}}]')
