"""What Discord is sent."""

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.delivery.sinks import DiscordSettings, HttpSettings
from sentinel.delivery.sinks.discord import LIMIT, DiscordSink, _escaped
from sentinel.errors import ConfigError, DeliveryError
from sentinel.events import Event, Severity, Text
from tests.contracts.endpoint import Endpoint, body, status
from tests.contracts.rigs import WORDING
from tests.messages import OFFLINE, ONLINE, START, event, message

ROLE = "<@&123456789012345678>"


def made(place: str, mention: str = "") -> DiscordSink:
    return DiscordSink(DiscordSettings(HttpSettings(f"http://{place}/api/webhooks/1/t"), mention), wording=WORDING)


def sent(told: Event | Text, *, mention: str = "") -> tuple[str, dict[str, Any]]:
    """The path that was asked for, and the body."""
    with Endpoint(status(204)) as endpoint:
        sink = made(endpoint.place, mention)
        if isinstance(told, Text):
            sink.say(told, Severity.CRITICAL, START)
        else:
            sink.send(message(told), START)
        sink.close()
    return endpoint.requests[0].path, orjson.loads(endpoint.requests[0].body)


def embed(said: Mapping[str, Any]) -> dict[str, Any]:
    (only,) = said["embeds"]
    return dict(only)


def test_a_message_is_one_embed_that_discord_confirms() -> None:
    path, said = sent(event())
    assert path == "/api/webhooks/1/t?wait=true"
    assert embed(said) == {
        "title": "nas lost contact",
        "description": "nas lost contact with Tailscale.\nIt may still be up.",
        "color": 0xF59E0B,
        "timestamp": "2026-01-01T09:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("told", "colour"),
    [
        (event(OFFLINE, severity=Severity.INFO), 0x3B82F6),
        (event(OFFLINE, severity=Severity.CRITICAL), 0xDC2626),
        (event(ONLINE, severity=Severity.CRITICAL), 0x16A34A),
    ],
)
def test_the_colour_is_that_of_the_severity_and_an_ending_is_green(told: Event, colour: int) -> None:
    assert embed(sent(told)[1])["color"] == colour


def test_nobody_is_called_unless_the_operator_named_him() -> None:
    _, said = sent(event(name="@everyone <@1> <@&2>"))
    assert (said["content"], said["allowed_mentions"]) == ("", {"parse": []})


@pytest.mark.parametrize(
    ("mention", "allowed"),
    [
        ("@here", {"parse": ["everyone"]}),
        (ROLE, {"parse": [], "roles": ["123456789012345678"]}),
        ("<@42> @everyone", {"parse": ["everyone"], "users": ["42"]}),
    ],
)
def test_exactly_those_whom_the_operator_named_are_called(mention: str, allowed: dict[str, Any]) -> None:
    _, said = sent(event(name="@everyone"), mention=mention)
    assert (said["content"], said["allowed_mentions"]) == (mention, allowed)


@pytest.mark.parametrize("told", [event(severity=Severity.INFO), event(ONLINE), Text("Test", "A test.")])
def test_news_endings_and_tests_call_nobody(told: Event | Text) -> None:
    _, said = sent(told, mention=ROLE)
    assert (said["content"], said["allowed_mentions"]) == ("", {"parse": []})


@pytest.mark.parametrize("mention", ["ops", "@ops", "<@x>", "<@&1> please", "<#1>"])
def test_what_is_no_mention_is_refused(mention: str) -> None:
    with pytest.raises(ConfigError) as raised:
        made("localhost", mention)
    assert raised.value.faults[0].path == "mention"


def test_a_name_from_the_network_is_shown_as_it_is() -> None:
    _, said = sent(event(name="**nas** [x](http://evil.example) `_~|>#"))
    assert embed(said)["title"] == (
        r"\*\*nas\*\* \[x\]\(http:" + "\u200b" + r"//evil.example\) \`\_\~\|\>\# lost contact"
    )


@given(st.text(max_size=6000), st.sampled_from([LIMIT.title, LIMIT.body]))
def test_no_text_is_too_long_and_no_escape_is_halved(text: str, size: int) -> None:
    escaped = _escaped(text, size)
    assert len(escaped.encode("utf-16-le", "surrogatepass")) // 2 <= size
    assert (len(escaped) - len(escaped.rstrip("\\"))) % 2 == 0


@pytest.mark.parametrize("letter", ["*", "x", "\U0001f600", "ä", "\u0301"])
def test_a_text_that_is_too_long_is_cut_to_most_of_what_fits(letter: str) -> None:
    escaped = _escaped(letter * 9000, 4096)
    assert 3900 < len(escaped.encode("utf-16-le")) // 2 <= 4096


@pytest.mark.parametrize(
    ("content", "seconds"),
    [(b'{"retry_after": 64.57}', 64.57), (b'{"retry_after": "soon"}', None), (b"[]", None), (b"<html>", None)],
)
def test_how_long_to_wait_stands_in_the_body(content: bytes, seconds: float | None) -> None:
    with (
        Endpoint(body(429, content)) as endpoint,
        closing(made(endpoint.place)) as sink,
        pytest.raises(DeliveryError) as raised,
    ):
        sink.send(message(), START)
    assert raised.value.retryable
    assert raised.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))
