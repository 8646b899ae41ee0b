"""The state file of jaxxstorm/sentinel as a first base: only what it stored, and only if it means the same here."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.sources.tailnet.model import Peer, Presence
from sentinel.sources.tailnet.original_state import OriginalState, first_base, parse

FIXTURES = Path(__file__).parents[1] / "fixtures/original"


@pytest.fixture
def original() -> OriginalState:
    found = parse((FIXTURES / "realtime.json").read_bytes())
    assert found is not None
    return found


DB = Peer(
    id="nDB1CNTRL",
    name="db",
    dns_name="db.tail0000.ts.net.",
    hostname="db-host",
    os="linux",
    owner_id=7,
    owner="",
    tags=("tag:db", "tag:server"),
    addresses=("100.64.0.2",),
    routes=("10.1.0.0/16",),
    presence=Presence.ONLINE,
    since=datetime(2026, 3, 1, tzinfo=UTC),
    created=datetime(2025, 3, 1, tzinfo=UTC),
    key_expiry=None,
    expired=False,
    machine_authorized=True,
)


def test_what_it_stored_is_read(original: OriginalState) -> None:
    assert original.captured_at == datetime(2026, 2, 12, 10, 11, 12, 123456, tzinfo=UTC)
    laptop = original.peers["nLAPTOPCNTRL"]
    assert (laptop.online, laptop.expired, laptop.machine_authorized) == (False, True, True)
    assert laptop.key_expiry == datetime(2026, 8, 1, 8, tzinfo=UTC)
    assert original.peers["nDB1CNTRL"].key_expiry is None


def test_a_peer_that_is_as_it_was_does_not_differ(original: OriginalState) -> None:
    before = first_base(original, {DB.id: DB})
    assert before is not None
    assert before[DB.id] == DB


@pytest.mark.parametrize(
    "now",
    [
        replace(DB, hostname="other", os="windows", addresses=("100.64.0.9",), owner_id=9, name="renamed"),
        replace(DB, presence=Presence.UNKNOWN),
        replace(DB, machine_authorized=None),
    ],
)
def test_what_it_did_not_store_or_is_not_known_now_does_not_differ(original: OriginalState, now: Peer) -> None:
    assert (first_base(original, {DB.id: now}) or {})[DB.id] == now


@pytest.mark.parametrize(
    ("now", "field"),
    [
        (replace(DB, presence=Presence.OFFLINE), "presence"),
        (replace(DB, tags=("tag:db",)), "tags"),
        (replace(DB, routes=()), "routes"),
        (replace(DB, expired=True), "expired"),
        (replace(DB, machine_authorized=False), "machine_authorized"),
        (replace(DB, key_expiry=datetime(2027, 1, 1, tzinfo=UTC)), "key_expiry"),
    ],
)
def test_what_it_stored_differs_if_it_is_different_now(original: OriginalState, now: Peer, field: str) -> None:
    before = (first_base(original, {DB.id: now}) or {})[DB.id]
    assert getattr(before, field) == getattr(DB, field) != getattr(now, field)
    assert replace(before, **{field: getattr(now, field)}, since=now.since) == now


def test_a_peer_that_is_gone_was_there_and_a_new_one_was_not(original: OriginalState) -> None:
    before = first_base(original, {DB.id: DB, "nNEWCNTRL": replace(DB, id="nNEWCNTRL")})
    assert before is not None
    assert set(before) == {"nDB1CNTRL", "nLAPTOPCNTRL", "nOLDCNTRL"}
    assert (before["nOLDCNTRL"].name, before["nOLDCNTRL"].presence) == ("old", Presence.OFFLINE)


def test_a_tailnet_that_it_does_not_know_is_a_first_sight(original: OriginalState) -> None:
    assert first_base(original, {"nOTHER": replace(DB, id="nOTHER")}) is None


def test_node_keys_are_no_names_of_peers() -> None:
    assert parse((FIXTURES / "poll.json").read_bytes()) is None


@pytest.mark.parametrize("text", [b"", b" \n", b"{}", b'{"snapshot": null}', b'{"snapshot": {"peers": []}}'])
def test_a_file_that_saw_nothing_says_nothing(text: bytes) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"snapshot": 5}',
        b'{"snapshot": {"peers": [5]}}',
        b'{"snapshot": {"peers": [{"name": "a"}]}}',
        b'{"snapshot": {"peers": [{"id": 5}]}}',
        b'{"snapshot": {"peers": [{"id": "n", "key_expiry": "soon"}]}}',
        b'{"snapshot": {"peers": [{"id": "n", "tags": 5}]}}',
    ],
)
def test_a_damaged_file_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="is not a state file of jaxxstorm/sentinel"):
        parse(text)
