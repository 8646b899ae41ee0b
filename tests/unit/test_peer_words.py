"""What people read about a peer, read at another time than the golden stories are."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sentinel.clock import rfc3339
from sentinel.delivery.render import Limit, render_text
from sentinel.events import EventType, Reading, Text
from sentinel.model import Change
from sentinel.sources.tailnet import ROOM
from sentinel.sources.tailnet.catalogue import ADDED, HOSTINFO, KEY_EXPIRING, KEY_EXPIRY, RENAMED, TAGS
from tests.messages import START, event, message

IDENTITY = {"tags": ["tag:server"], "owner": "", "os": "linux"}
LIMIT = Limit(title=250, body=4000)


def read(
    event_type: EventType,
    payload: Mapping[str, object],
    *,
    later: timedelta = timedelta(),
    before: Mapping[str, object] | None = None,
    several_networks: bool = False,
) -> Text:
    """The words for an event with this payload; `before` is that of an earlier one of its type that is told along."""
    said = event(event_type, payload={**IDENTITY, **payload}, number=2)
    folded = [event(event_type, payload={**IDENTITY, **before})] if before else []
    reading = Reading(START + later, ZoneInfo("UTC"), several_networks)
    return render_text(message(said, folded=folded), ROOM.words, reading, LIMIT)


def test_a_warning_that_comes_after_the_end_does_not_speak_of_the_future() -> None:
    text = read(KEY_EXPIRING, {"key_expiry": rfc3339(START + timedelta(days=1)), "rung": "1d"}, later=timedelta(days=2))
    assert text.title == "The key of nas was to expire on Jan 2 at 09:00"
    assert "Unless it was renewed meanwhile" in text.body


@pytest.mark.parametrize(
    ("expiry", "told"),
    [
        (START + timedelta(hours=3), "expires today at 12:00"),
        (START + timedelta(days=60), "expires on Mar 2 at 09:00"),
        (START + timedelta(days=800), "expires on Mar 11, 2028"),
        (None, "never expires"),
    ],
)
def test_a_moment_is_told_as_exactly_as_its_distance_asks_for(expiry: datetime | None, told: str) -> None:
    moment = rfc3339(expiry) if expiry else None
    text = read(KEY_EXPIRY, {"before_key_expiry": rfc3339(START), "after_key_expiry": moment})
    assert text.title == f"The key of nas {told}"
    assert text.body.endswith("before, it was to expire today at 09:00.")


def test_what_came_and_went_within_one_message_is_not_told() -> None:
    before = {"before_tags": ["tag:a"], "after_tags": ["tag:b"]}
    text = read(TAGS, {"before_tags": ["tag:b"], "after_tags": ["tag:a", "tag:c"]}, before=before)
    assert "now has tag:c since 09:00" in text.body
    assert "tag:b" not in text.body


def test_a_fact_is_told_as_it_was_before_all_and_is_after_all() -> None:
    versions = [
        event(HOSTINFO, payload=IDENTITY, number=number, changes=[change])
        for number, change in enumerate(
            [Change("hostinfo.os_version", "1", "2"), Change("hostinfo.os_version", "2", "3")], start=1
        )
    ]
    reading = Reading(START, ZoneInfo("UTC"))
    text = render_text(message(versions[1], folded=versions[:1]), ROOM.words, reading, LIMIT)
    assert text.body.endswith("system version 3 (before: 1).")


def test_the_tailnet_is_named_where_there_are_several() -> None:
    assert "(tag:server, Linux, home)" in read(RENAMED, {"before_name": "box"}, several_networks=True).body


def test_an_event_of_an_older_version_can_still_be_told() -> None:
    assert read(ADDED, {"online": True}).title == "nas is new in the tailnet"


@pytest.mark.parametrize("name", sorted(ROOM.catalogue))
def test_every_type_has_words_of_its_own(name: str) -> None:
    assert name in ROOM.words
