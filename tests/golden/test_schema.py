"""The published schema of events fits every event that there is, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from sentinel.app.tables import CATALOGUE
from sentinel.sources.own.reference import ENTRIES as OWN
from sentinel.sources.tailnet.reference import ENTRIES as TAILNET
from tests.schema import faults

ENTRIES = {**TAILNET, **OWN}
ROOT = Path(__file__).parents[2]
SCHEMA = orjson.loads((ROOT / "docs/event.schema.json").read_bytes())
CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


def events() -> Iterator[dict[str, Any]]:
    """Every event of every golden case."""
    for case in CASES:
        yield from (orjson.loads(f"{text}}}") for text in case.read_text().split("\n}\n") if text)


def first(event_type: str) -> dict[str, Any]:
    return next(event for event in events() if event["event_type"] == event_type)


def test_every_golden_event_is_as_the_schema_says() -> None:
    found = [fault for event in events() for fault in faults(SCHEMA, event, event["event_type"])]
    assert found == []


def test_every_type_is_described_and_has_a_golden_event() -> None:
    assert set(CATALOGUE) == set(ENTRIES) == {event["event_type"] for event in events()}


def test_a_payload_has_no_key_that_nobody_described() -> None:
    for event in events():
        entry = ENTRIES[event["event_type"]]
        keys = event["payload"].keys()
        assert keys - entry.optional.keys() == entry.payload.keys(), event["event_type"]


@pytest.mark.parametrize("field", ["timestamp", "event_id", "changes", "source", "subject_revision"])
def test_an_envelope_without_a_field_is_found(field: str) -> None:
    event = first("peer.offline")
    del event[field]
    assert faults(SCHEMA, event) == [f"event has no {field}"]


def test_a_payload_of_another_type_is_found() -> None:
    event = first("peer.tags.changed")
    event["payload"] = first("peer.renamed")["payload"]
    assert "event.payload has no before_tags" in faults(SCHEMA, event)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", "critical"),
        ("aspect", "tags"),
        ("event_type", "peer.vanished"),
        ("event_id", "0"),
        ("timestamp", "2026-01-01T09:00:00"),
        ("subject_revision", True),
        ("subject_revision", "1"),
        ("surprise", 1),
    ],
)
def test_a_value_that_does_not_belong_there_is_found(field: str, value: object) -> None:
    assert faults(SCHEMA, first("peer.renamed") | {field: value}) != []
