"""Signatures as two receivers check them: the library that the authors of the specification publish, and the
specification read by itself. Whatever is signed and is changed on the way is refused by both."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sentinel.clock import SystemClock
from sentinel.delivery.sinks import HttpSettings, WebhookSettings
from sentinel.delivery.sinks.webhook import WebhookSink
from sentinel.errors import DeliveryError
from sentinel.events import Message, Severity, Text
from tests.contracts.endpoint import Endpoint, Request, status
from tests.messages import event, message

NEW, OLD, OTHER = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3))
TOLERANCE = timedelta(minutes=5)

Reader = Callable[[str, bytes, Mapping[str, str]], bool]


def by_the_library(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def by_the_specification(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Id, seconds and body with full stops between them, under HMAC-SHA256; a stale time does not count."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if not sent_at.isascii() or not sent_at.isdigit():
        return False
    age = SystemClock().now().wall.timestamp() - int(sent_at)
    own = hmac.new(key, b".".join([told.encode(), sent_at.encode(), body]), hashlib.sha256).digest()
    versions = [signature.partition(",") for signature in headers["webhook-signature"].split(" ")]
    fits = any(name == "v1" and hmac.compare_digest(base64.b64decode(theirs), own) for name, _, theirs in versions)
    return fits and abs(age) <= TOLERANCE.total_seconds()


READERS = {"library": by_the_library, "specification": by_the_specification}


@pytest.fixture(params=READERS)
def reads(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]


def sent(
    *secrets: str, told: Message | Text | None = None, before: timedelta = timedelta(0), code: int = 200
) -> Request:
    """What a receiver got that was told something a while ago."""
    now = SystemClock().now().wall - before
    with Endpoint(status(code)) as endpoint:
        sink = WebhookSink(WebhookSettings(HttpSettings(f"http://{endpoint.place}"), secrets=secrets))
        try:
            _tell(sink, told or message(), now)
        except DeliveryError:
            assert code != 200
        sink.close()
    return endpoint.requests[0]


def _tell(sink: WebhookSink, told: Message | Text, now: datetime) -> None:
    if isinstance(told, Text):
        sink.say(told, Severity.INFO, now)
    else:
        sink.send(told, now)


def changed(text: str) -> list[str]:
    """The text with each of its characters changed by itself."""
    return [text[:place] + chr(ord(mark) ^ 1) + text[place + 1 :] for place, mark in enumerate(text)]


@pytest.mark.parametrize(
    "told",
    [message(), message(event(name="Büro-NAS 😀")), Text("Test of Sentinel", "This is a test.")],
    ids=["a message", "letters of all kinds", "words of our own"],
)
def test_what_is_sent_verifies(reads: Reader, told: Message | Text) -> None:
    request = sent(NEW, told=told)
    assert reads(NEW, request.body, request.headers)


def test_another_secret_does_not_verify_it(reads: Reader) -> None:
    request = sent(NEW)
    assert not reads(OTHER, request.body, request.headers)


def test_while_a_secret_is_replaced_receivers_with_either_accept_it_and_nobody_else(reads: Reader) -> None:
    request = sent(NEW, OLD)
    accepted = {secret: reads(secret, request.body, request.headers) for secret in (NEW, OLD, OTHER)}
    assert accepted == {NEW: True, OLD: True, OTHER: False}


def test_every_changed_byte_of_the_body_is_refused(reads: Reader) -> None:
    request = sent(NEW, OLD)
    for body in changed(request.body.decode()):
        assert not reads(NEW, body.encode(), request.headers)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_every_changed_byte_of_id_and_time_is_refused(reads: Reader, header: str) -> None:
    request = sent(NEW, OLD)
    for value in changed(request.headers[header]):
        assert not reads(NEW, request.body, {**request.headers, header: value})


def test_every_changed_byte_of_the_signature_is_refused(reads: Reader) -> None:
    request = sent(NEW)
    version, _, told = request.headers["webhook-signature"].partition(",")
    others = [told[:place] + ("A" if mark != "A" else "Q") + told[place + 1 :] for place, mark in enumerate(told[:-1])]
    for value in [f"{version},{other}" for other in others] + [f"{other},{told}" for other in changed(version)]:
        assert not reads(NEW, request.body, {**request.headers, "webhook-signature": value})


def test_bytes_that_move_between_time_and_body_are_refused(reads: Reader) -> None:
    request = sent(NEW)
    sent_at = request.headers["webhook-timestamp"]
    headers = {**request.headers, "webhook-timestamp": sent_at[:-1]}
    assert not reads(NEW, sent_at[-1:].encode() + b"." + request.body, headers)


def test_a_body_that_is_sent_again_later_is_refused(reads: Reader) -> None:
    request = sent(NEW, before=TOLERANCE + timedelta(seconds=30))
    assert not reads(NEW, request.body, request.headers)


def test_what_a_receiver_refused_was_signed_all_the_same(reads: Reader) -> None:
    request = sent(NEW, code=500)
    assert reads(NEW, request.body, request.headers)
