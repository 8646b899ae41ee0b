"""Peers frame by frame, without a pipeline: what is known of them, when they change by themselves, what is found."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.clock import rfc3339
from sentinel.events import Finding
from sentinel.model import SubjectKey
from sentinel.sources.room import Room
from sentinel.sources.tailnet import ROOM, ladder, room
from sentinel.sources.tailnet.fold import next_due
from sentinel.sources.tailnet.model import FOREIGN, Input, Peer, Presence
from sentinel.wire.v1 import tailnet_pb2
from tests.builders import START, Wire, delta, node, user

DAY = timedelta(days=1)
NAS = SubjectKey("home", "peer", "n-nas")
PEOPLE = [user(7, "tom@example.com"), user(8, "ann@example.com")]
KEYS = [f"nodekey:{digits * 32}" for digits in ("ab", "cd")]
OLD_RECORD = (
    b'{"id":"n-nas","name":"nas","dns_name":"nas.example.ts.net","hostname":"nas","os":"linux","owner_id":7,'
    b'"owner":"tom@example.com","tags":[],"addresses":["100.64.0.1"],"routes":[],"presence":"online","since":null,'
    b'"created":null,"key_expiry":"2026-01-11T09:00:00Z","expired":false,"machine_authorized":true}'
)
EXIT = ["0.0.0.0/0", "::/0"]


def seen(
    before: Peer | None, shown: tailnet_pb2.Node, at: datetime = START, *, by: Room = ROOM, key: str = "n-nas"
) -> Peer | None:
    """The peer after a frame that shows it."""
    wire = Wire(now=at)
    wire.base()
    frame = wire.frame(delta=delta(upserts=[shown], users=PEOPLE))
    after: Peer | None = by.kinds["peer"].advance(before, frame.inputs["peer"][key], frame.people, at)
    return after


def known(shown: tailnet_pb2.Node, at: datetime = START) -> Peer:
    """The peer at first sight."""
    peer = seen(None, shown, at)
    assert peer is not None
    return peer


def waited(peer: Peer, at: datetime) -> Peer:
    """The peer after nothing but time."""
    after: Peer = ROOM.kinds["peer"].advance(peer, Input(), {}, at)
    return after


def found(before: Peer | None, after: Peer | None, at: datetime = START) -> list[Finding]:
    return [finding for detector in ROOM.kinds["peer"].detectors for finding in detector(NAS, before, after, at)]


def types(before: Peer | None, after: Peer | None) -> list[str]:
    return [finding.type.name for finding in found(before, after)]


def test_a_record_of_an_older_version_does_not_know_what_came_later() -> None:
    peer = ROOM.kinds["peer"].decode(OLD_RECORD)
    assert (peer.hostinfo, peer.exit_node, peer.key, peer.key_seen, peer.rung) == (None, None, "", None, "")
    assert (peer.os, peer.hostname, peer.key_expiry) == ("linux", "nas", START + 10 * DAY)


@pytest.mark.parametrize("days", [0, 8, 20])
def test_what_an_older_version_did_not_know_is_no_news(days: int) -> None:
    shown = node(
        "nas",
        owner=7,
        addresses=["100.64.0.1"],
        machine_authorized=True,
        key_expiry=START + 10 * DAY,
        allowed_ips=EXIT,
        node_key=KEYS[0],
        says={"os_version": "6.12"},
    )
    old = ROOM.kinds["peer"].decode(OLD_RECORD)
    assert types(old, seen(old, shown, START + days * DAY)) == []


def test_an_older_record_is_due_at_once_if_its_first_rung_may_be_past() -> None:
    old = ROOM.kinds["peer"].decode(OLD_RECORD)
    due = next_due(old)
    assert due is not None
    assert due <= START
    aged = waited(old, START)
    assert types(old, aged) == []
    assert next_due(aged) == START + 7 * DAY


def test_a_record_survives_the_store() -> None:
    says = {"os_version": "12", "routable_ips": ["10.0.0.0/24"], "container": False, "ssh_host_keys": ["a"]}
    peer = known(node("nas", tags=["tag:a"], key_expiry=START + 90 * DAY, node_key=KEYS[0], says=says))
    again = ROOM.kinds["peer"].decode(ROOM.kinds["peer"].encode(peer))
    assert again == peer
    assert ROOM.kinds["peer"].encode(again) == ROOM.kinds["peer"].encode(peer)


def test_absent_unknown_and_empty_are_three_things() -> None:
    hidden, silent = known(node("nas", hostinfo=None)), known(node("nas"))
    says_no = known(node("nas", says={"container": False}))
    assert hidden.hostinfo is None
    assert silent.hostinfo is not None
    assert says_no.hostinfo is not None
    assert (silent.hostinfo.container, says_no.hostinfo.container) == (None, False)


def test_a_repeated_text_is_kept_once() -> None:
    one, other = (known(node(name, says={"os_version": "".join(["6.", "12"])}), START) for name in ("nas", "nas"))
    stored = ROOM.kinds["peer"].decode(ROOM.kinds["peer"].encode(one))
    assert one.hostinfo is not None
    assert other.hostinfo is not None
    assert one.hostinfo.os_version is other.hostinfo.os_version is stored.hostinfo.os_version


def test_a_peer_wakes_at_each_rung_and_at_no_other_time() -> None:
    peer = known(node("nas", tags=["tag:a"], key_expiry=START + 90 * DAY))
    told = []
    while (due := next_due(peer)) is not None:
        assert found(peer, waited(peer, due - timedelta(microseconds=1))) == []
        after = waited(peer, due)
        told += [(finding.type.name, finding.after, finding.happened_at == due) for finding in found(peer, after, due)]
        peer = after
    assert told == [
        ("peer.key_expiring", "30d", True),
        ("peer.key_expiring", "14d", True),
        ("peer.key_expiring", "7d", True),
        ("peer.key_expiring", "3d", True),
        ("peer.key_expiring", "1d", True),
        ("peer.key_expired", "expired", True),
    ]


def test_a_machine_of_two_years_with_keys_of_a_day_is_never_nagged_about() -> None:
    created = node("nas", created=None, key_expiry=START + DAY, node_key=KEYS[0])
    created.created.FromDatetime(START - 730 * DAY)
    peer, at = known(created), START
    for _ in range(10):
        due = next_due(peer)
        assert due == at + DAY
        at += timedelta(hours=20)
        created.key_expiry.FromDatetime(at + DAY)
        after = seen(peer, created, at)
        assert types(peer, after) == ["peer.key_expiry.changed"]
        assert after is not None
        peer = after


def test_rungs_that_nobody_woke_for_are_one_event_with_the_moment_of_the_last() -> None:
    peer = known(node("nas", key_expiry=START + 90 * DAY))
    late = START + 85 * DAY
    (told,) = found(peer, waited(peer, late), late)
    assert (told.after, told.happened_at) == ("7d", START + 83 * DAY)


def test_a_clock_that_is_set_back_makes_no_key_fresher() -> None:
    peer = waited(known(node("nas", key_expiry=START + 90 * DAY)), START + 85 * DAY)
    assert waited(peer, START) == peer


@pytest.mark.parametrize(
    ("key_expiry", "told"),
    [
        (None, ["peer.key_renewed", "peer.key_expiry.changed"]),
        (START + 400 * DAY, ["peer.key_renewed", "peer.key_expiry.changed"]),
        (START + 89 * DAY, ["peer.key_expiry.changed"]),
        (START + 86 * DAY, ["peer.key_expiring", "peer.key_expiry.changed"]),
        (START, ["peer.key_expired", "peer.key_expiry.changed"]),
    ],
)
def test_only_a_later_end_or_none_renews_a_key(key_expiry: datetime | None, told: list[str]) -> None:
    peer = waited(known(node("nas", key_expiry=START + 90 * DAY)), START + 85 * DAY)
    assert types(peer, seen(peer, node("nas", key_expiry=key_expiry), START + 85 * DAY)) == told


def test_a_key_without_an_end_can_be_expired_and_given_back() -> None:
    valid = known(node("nas"))
    expired = seen(valid, node("nas", expired=True))
    assert expired is not None
    assert next_due(expired) is None
    assert types(valid, expired) == ["peer.key_expired"]
    assert types(expired, seen(expired, node("nas"))) == ["peer.key_renewed"]


def test_clocks_that_differ_renew_no_key() -> None:
    """The client knows the control server's time; the next frame of the server does not carry the flag."""
    expiry = START + 90 * DAY
    just_before = expiry - timedelta(minutes=5)
    valid = waited(known(node("nas", key_expiry=expiry)), just_before - timedelta(minutes=1))
    expired = seen(valid, node("nas", key_expiry=expiry, expired=True), just_before)
    assert types(valid, expired) == ["peer.key_expired"]
    assert types(expired, seen(expired, node("nas", key_expiry=expiry), just_before)) == []


def test_a_flag_that_is_taken_back_long_before_the_end_renews_the_key() -> None:
    expiry = START + 90 * DAY
    expired = seen(known(node("nas", key_expiry=expiry)), node("nas", key_expiry=expiry, expired=True))
    assert types(expired, seen(expired, node("nas", key_expiry=expiry))) == ["peer.key_renewed"]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, "warning"),
        ({"owner": 7}, "warning"),
        ({"tags": ["tag:a"]}, "critical"),
        ({"primary_routes": ["10.0.0.0/24"]}, "critical"),
        ({"primary_routes": EXIT}, "warning"),
        ({"allowed_ips": EXIT}, "critical"),
    ],
)
def test_an_expired_key_is_critical_where_others_rely_on_the_machine(fields: Mapping[str, Any], severity: str) -> None:
    peer = known(node("nas", key_expiry=START + DAY, **fields))
    (told,) = found(peer, waited(peer, START + DAY))
    assert told.severity == severity


def test_roles_are_what_others_use_a_machine_for() -> None:
    both = known(node("nas", primary_routes=["10.0.0.0/24"], allowed_ips=EXIT))
    none = known(node("nas", allowed_ips=["100.64.0.1/32"]))
    assert [found(None, peer)[0].payload["roles"] for peer in (both, none)] == [("router", "exit_node"), ()]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("mullvad", {"wireguard_only": True}),
        ("shared", {"sharer_id": 9}),
        ("shared", {"says": {"sharee_node": True}}),
        ("ingress", {"unsigned_peer_api_only": True}),
    ],
)
def test_foreign_peers_are_seen_only_if_their_kind_is_included(kind: str, fields: Mapping[str, Any]) -> None:
    shown = node("nas", **fields)
    others = FOREIGN - {kind}
    assert seen(None, shown) is None
    assert seen(None, shown, by=room(include=others)) is None
    assert seen(None, shown, by=room(include=frozenset({kind}))) is not None


# Any node, as different from the one before as chance has it.

some = st.booleans()
NODES = st.builds(
    partial(node, "nas"),
    online=st.sampled_from([True, False, None]),
    owner=st.sampled_from([7, 8]),
    tags=st.lists(st.sampled_from(["tag:a", "tag:b", "tag:c"]), unique=True, max_size=2),
    label=st.sampled_from(["nas", "box", "x" * 300, "\u202e"]),
    addresses=st.lists(st.sampled_from(["100.64.0.1/32", "100.64.0.2/32", "fd7a::1/128"]), unique=True, min_size=1),
    primary_routes=st.lists(st.sampled_from(["10.0.0.0/24", "10.1.0.0/24", *EXIT]), unique=True),
    allowed_ips=st.lists(st.sampled_from(["100.64.0.1/32", *EXIT]), unique=True),
    machine_authorized=some,
    node_key=st.sampled_from(KEYS),
    expired=some,
    key_expiry=st.sampled_from([None, *(START + days * DAY for days in (-1, 1, 20, 90))]),
    os=st.sampled_from(["linux", "macOS"]),
    says=st.fixed_dictionaries(
        {
            "hostname": st.sampled_from(["nas", "", "\n"]),
            "os_version": st.sampled_from(["1", "2"]),
            "request_tags": st.lists(st.sampled_from(["tag:a", "tag:b"]), unique=True),
            "shields_up": some,
            "container": st.sampled_from([None, True, False]),
        }
    ),
)


def told_facts(peer: Peer) -> dict[str, object]:
    """Everything that the paths of changes speak of; a machine with tags has no owner to speak of."""
    facts: dict[str, object] = {
        "online": peer.presence is Presence.ONLINE,
        "machine_authorized": peer.machine_authorized,
        "owner": peer.owner,
        "owners": [str(peer.owner_id)],
        "tags": peer.tags,
        "name": peer.name,
        "dns_name": peer.dns_name,
        "ips": peer.addresses,
        "routes": peer.routes,
        "exit_node": peer.exit_node,
        "rung": peer.rung,
        "key_expiry": rfc3339(peer.key_expiry) if peer.key_expiry else None,
        "key": peer.key,
    }
    reported = orjson.loads(ROOM.kinds["peer"].encode(peer))["hostinfo"] | {"os": peer.os, "hostname": peer.hostname}
    facts |= {f"hostinfo.{fact}": value for fact, value in reported.items()}
    as_json: dict[str, object] = orjson.loads(orjson.dumps(facts))
    return as_json


@settings(derandomize=True, max_examples=300, deadline=None)
@given(shown=st.lists(NODES, min_size=2, max_size=5))
def test_applying_the_changes_to_what_was_gives_what_is(shown: list[tailnet_pb2.Node]) -> None:
    before = known(shown[0])
    for number, now in enumerate(shown[1:], start=1):
        at = START + number * timedelta(hours=7)
        after = seen(before, now, at)
        assert after is not None
        findings = found(before, after, at)
        changes = {change.path: change for finding in findings for change in finding.changes}
        was, became = told_facts(before), told_facts(after)
        applied = was | orjson.loads(orjson.dumps({path: change.after for path, change in changes.items()}))
        hidden = {"owner", "owners"} if before.tags and after.tags else set()
        assert {path for path in became if applied[path] != became[path]} <= hidden
        assert all(orjson.loads(orjson.dumps(change.before)) == was[path] for path, change in changes.items())
        assert len({finding.type.aspect for finding in findings}) == len(findings)
        before = after


@settings(derandomize=True, max_examples=200, deadline=None)
@given(first=NODES, second=NODES)
def test_a_frame_that_repeats_everything_in_any_order_changes_nothing(
    first: tailnet_pb2.Node, second: tailnet_pb2.Node
) -> None:
    peer = seen(known(first), second)
    assert peer is not None
    mirrored = tailnet_pb2.Node.FromString(second.SerializeToString())
    for field in ("tags", "addresses", "primary_routes", "allowed_ips"):
        reverse = list(getattr(second, field))[::-1]
        del getattr(mirrored, field)[:]
        getattr(mirrored, field).extend(reverse)
    again = seen(peer, mirrored)
    assert again == peer
    assert ROOM.kinds["peer"].encode(again) == ROOM.kinds["peer"].encode(peer)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(first=NODES, second=NODES)
def test_the_same_frames_give_the_same_bytes(first: tailnet_pb2.Node, second: tailnet_pb2.Node) -> None:
    runs = []
    for _ in range(2):
        before = known(first)
        after = seen(before, second)
        findings = [
            (finding.type.name, finding.before, finding.after, dict(finding.payload), finding.changes)
            for finding in found(before, after)
        ]
        runs.append(ROOM.kinds["peer"].encode(after) + orjson.dumps(findings))
    assert runs[0] == runs[1]


def test_an_expired_key_that_is_unknown_is_the_one_that_was_known() -> None:
    peer = known(node("nas", node_key=KEYS[0]))
    expired = seen(peer, node("nas", expired=True))
    assert expired == replace(peer, expired=True, rung=ladder.EXPIRED)
