"""Made-up events: one of each type, as real ones are, and known as what they are."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from sentinel.app import examples
from sentinel.app.tables import CATALOGUE
from sentinel.sources.own import SOURCE
from tests.schema import faults

HOME = {"kind": "tailnet", "name": "home"}
AT = datetime(2026, 3, 1, 13, 2, tzinfo=UTC)
SCHEMA = orjson.loads((Path(__file__).parents[2] / "docs/event.schema.json").read_bytes())


def test_there_is_one_of_each_type() -> None:
    assert {examples.event(name, "tailnet", AT).type.name for name in CATALOGUE} == set(examples.names())


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    body: dict[str, Any] = orjson.loads(examples.event(name, "home", AT).body)
    assert faults(SCHEMA, body) == []
    assert (body["event_type"], body["cause"], body["timestamp"]) == (name, "test", "2026-03-01T13:02:00.000000Z")
    assert body["source"] == ({"kind": "sentinel", "name": SOURCE} if name.startswith("sink.") else HOME)


def test_it_says_that_it_is_a_test() -> None:
    body = orjson.loads(examples.event("peer.online", "home", AT).body)
    assert (body["cause"], body["subject_id"]) == ("test", "test-peer")
    assert body["summary"].startswith("Test: ")


def test_each_has_a_key_that_no_receiver_has_seen() -> None:
    keys = {examples.message("peer.online", "home", AT).key for _ in range(3)}
    assert len(keys) == 3


def test_a_type_that_nobody_makes_has_none() -> None:
    with pytest.raises(KeyError):
        examples.event("peer.vanished", "home", AT)
