"""Which sinks are concerned by which event: a table, one row a rule.

Each row gives one route (in our form, and where the original has one, in its form), an event, and whether the route
asks for the event. A file of the original asks with these keys, which mean in ours:

- `event_types` and `filters.include.events`: both have to hold, so what is in both is asked for; `*` is everything.
- `severities`: the same. There every event had the severity info; here severities are real.
- `device.names`, `.tags`, `.ips` and `filters.include.device_names`, `.tags`, `.ips`: the same as `device_names`,
  `tags` and `ips` of a match. Given there, events that are not about a device do not match: neither do they here.
- `device.owners`: `owners`; numeric ids there, here logins, too.
- `filters.exclude`: `exclude` with `device_names`, `tags`, `ips` and, for its events, `event_types`; all keys that are
  given have to hold for an event to be left out. There a route with such a key left out all events that are not about a
  device, too; here it leaves out none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from sentinel.events import Event, EventType, Severity
from sentinel.model import SubjectKey
from sentinel.policy.routes import ANYTHING, Route, Selector, concerned, everything_to, matching

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SERVER: Mapping[str, Any] = {
    "name": "nas",
    "dns_name": "nas.example.ts.net",
    "hostname": "DiskStation",
    "tags": ["tag:server", "tag:home"],
    "owners": [],
    "owner": "",
    "os": "linux",
    "ips": ["100.64.0.7", "fd7a:115c:a1e0::7"],
    "roles": ["router"],
}
LAPTOP: Mapping[str, Any] = {
    "name": "Toms-Laptop",
    "dns_name": "toms-laptop.example.ts.net.",
    "hostname": "Toms-Laptop",
    "tags": [],
    "owners": ["7"],
    "owner": "Tom@example.com",
    "os": "macOS",
    "ips": ["100.64.0.9"],
}


def event(
    type_: str = "peer.offline",
    payload: Mapping[str, Any] = SERVER,
    *,
    severity: Severity = Severity.WARNING,
    source: str = "tailnet",
    subject: str = "peer",
    ends: bool = False,
    labels: Mapping[str, str] | None = None,
    changes: tuple[tuple[str, object, object], ...] = (),
) -> Event:
    """An event with what routes look at."""
    changed = [{"path": path, "before": before, "after": after} for path, before, after in changes]
    body = {"payload": payload, "labels": labels or {}, "changes": changed}
    return Event(
        number=1,
        key="k" * 64,
        event_id="k" * 32,
        type=EventType(type_, aspect="any", order=1, problem="ends" if ends else None),
        subject=SubjectKey(source, subject, "n1"),
        subject_name=str(payload.get("name", "")),
        severity=severity,
        revision=1,
        timestamp=MOMENT,
        recorded_at=MOMENT,
        before="a",
        after="b",
        resolves=None,
        body=orjson.dumps(body),
    )


OFFLINE = event()
LAPTOP_ONLINE = event("peer.online", LAPTOP, severity=Severity.INFO)
DAEMON = event("daemon.state.changed", {"before_state": "Running", "after_state": "Stopped"}, subject="daemon")
PREFS = event("prefs.exit_node.changed", {"before_exit_node_id": "", "after_exit_node_id": "n9"}, subject="prefs")
TAILNET = event("tailnet.domain.changed", {"before_domain": "a", "after_domain": "b"}, subject="tailnet")
RETAGGED = event(
    "peer.tags.changed",
    {**SERVER, "tags": ["tag:new"], "before_tags": ["tag:old"], "after_tags": ["tag:new"]},
    changes=(("tags", ["tag:old"], ["tag:new"]),),
)
RENAMED = event("peer.renamed", {**SERVER, "name": "nas2"}, changes=(("name", "nas1", "nas2"),))
MOVED = event("peer.addresses.changed", SERVER, changes=(("ips", ["100.64.1.1"], ["100.64.0.7"]),))
HANDED_OVER = event("peer.owner.changed", LAPTOP, changes=(("owner", "ann@example.com", "Tom@example.com"),))
NAMELESS = event(payload={**SERVER, "name": "", "dns_name": "", "hostname": ""})


@dataclass(frozen=True)
class Row:
    """One rule: `original` is the same route in the original's form, None where it cannot say it."""

    rule: str
    event: Event
    asked: bool
    match: Selector = ANYTHING
    exclude: Selector | None = None
    original: Mapping[str, Any] | None = field(default=None)


def included(**filters: Any) -> Mapping[str, Any]:
    return {"event_types": ["*"], "filters": {"include": filters}}


def excluded(**filters: Any) -> Mapping[str, Any]:
    return {"event_types": ["*"], "filters": {"exclude": filters}}


def device(**keys: Any) -> Mapping[str, Any]:
    return {"event_types": ["*"], "device": keys}


ROWS = (
    Row("a star is everything", OFFLINE, True, Selector(event_types=("*",)), original={"event_types": ["*"]}),
    Row("no type is every type", DAEMON, True),
    Row("a star is events of no device, too", DAEMON, True, Selector(event_types=("*",)), None, {"event_types": ["*"]}),
    Row(
        "a type is itself",
        OFFLINE,
        True,
        Selector(event_types=("peer.offline",)),
        original={"event_types": ["peer.offline"]},
    ),
    Row(
        "a type is no other",
        OFFLINE,
        False,
        Selector(event_types=("peer.online",)),
        original={"event_types": ["peer.online"]},
    ),
    Row(
        "types are alternatives",
        OFFLINE,
        True,
        Selector(event_types=("peer.online", "peer.offline")),
        original={"event_types": ["peer.online", "peer.offline"]},
    ),
    Row(
        "a star among types is everything",
        DAEMON,
        True,
        Selector(event_types=("peer.online", "*")),
        original={"event_types": ["peer.online", "*"]},
    ),
    Row("a type may be a glob", OFFLINE, True, Selector(event_types=("peer.*",))),
    Row("a glob has its limits", DAEMON, False, Selector(event_types=("peer.*",))),
    Row("a glob spans dots", RETAGGED, True, Selector(event_types=("peer.*.changed",))),
    Row("a glob is not a beginning", RETAGGED, False, Selector(event_types=("peer.tags",))),
    Row("types are told apart by case", OFFLINE, False, Selector(event_types=("Peer.*",))),
    Row(
        "a severity is itself",
        OFFLINE,
        True,
        Selector(severities=("warning",)),
        original={"event_types": ["*"], "severities": ["warning"]},
    ),
    Row(
        "a severity is no lower one",
        LAPTOP_ONLINE,
        False,
        Selector(severities=("warning", "critical")),
        original={"event_types": ["*"], "severities": ["warning", "critical"]},
    ),
    Row(
        "a severity is no higher one",
        OFFLINE,
        False,
        Selector(severities=("info",)),
        original={"event_types": ["*"], "severities": ["info"]},
    ),
    Row("no severity is every severity", OFFLINE, True, original={"event_types": ["*"], "severities": []}),
    Row("a name", OFFLINE, True, Selector(device_names=("nas",)), original=included(device_names=["nas"])),
    Row("another name", OFFLINE, False, Selector(device_names=("pi",)), original=included(device_names=["pi"])),
    Row("a name in any case", OFFLINE, True, Selector(device_names=("NAS",)), original=device(names=["NAS"])),
    Row("an event's name in any case", LAPTOP_ONLINE, True, Selector(device_names=("toms-laptop",))),
    Row("a name is not a beginning", OFFLINE, False, Selector(device_names=("na",)), original=device(names=["na"])),
    Row("a name may be a glob", OFFLINE, True, Selector(device_names=("n?s",)), original=device(names=["n?s"])),
    Row("a name may be a set", OFFLINE, True, Selector(device_names=("[mn]as",)), original=device(names=["[mn]as"])),
    Row("or not in a set", OFFLINE, False, Selector(device_names=("[^mn]as",)), original=device(names=["[^mn]as"])),
    Row(
        "names are alternatives",
        OFFLINE,
        True,
        Selector(device_names=("pi", "n*")),
        original=included(device_names=["pi", "n*"]),
    ),
    Row("a name may be the FQDN", OFFLINE, True, Selector(device_names=("nas.example.ts.net",))),
    Row("with the dot at its end", OFFLINE, True, Selector(device_names=("nas.example.ts.net.",))),
    Row("an event's FQDN may have it", LAPTOP_ONLINE, True, Selector(device_names=("*.example.ts.net",))),
    Row("a name may be the host name", OFFLINE, True, Selector(device_names=("diskstation",))),
    Row("the name before a change counts", RENAMED, True, Selector(device_names=("nas1",))),
    Row("the name after a change counts", RENAMED, True, Selector(device_names=("nas2",))),
    Row("who has no name has none that fits", NAMELESS, False, Selector(device_names=("*",))),
    Row("a tag", OFFLINE, True, Selector(tags=("tag:home",)), original=included(tags=["tag:home"])),
    Row("another tag", OFFLINE, False, Selector(tags=("tag:prod",)), original=device(tags=["tag:prod"])),
    Row(
        "tags are alternatives",
        OFFLINE,
        True,
        Selector(tags=("tag:a", "tag:home")),
        original=device(tags=["tag:a", "tag:home"]),
    ),
    Row(
        "who has no tag has none that fits",
        LAPTOP_ONLINE,
        False,
        Selector(tags=("tag:home",)),
        original=device(tags=["tag:home"]),
    ),
    Row("the tags before a change count", RETAGGED, True, Selector(tags=("tag:old",))),
    Row(
        "the tags after a change count", RETAGGED, True, Selector(tags=("tag:new",)), original=device(tags=["tag:new"])
    ),
    Row("an owner by id", LAPTOP_ONLINE, True, Selector(owners=("7",)), original=device(owners=["7"])),
    Row("another owner's id", LAPTOP_ONLINE, False, Selector(owners=("8",)), original=device(owners=["8"])),
    Row("an owner by login, in any case", LAPTOP_ONLINE, True, Selector(owners=("TOM@example.com",))),
    Row("a tagged machine has no owner", OFFLINE, False, Selector(owners=("7",)), original=device(owners=["7"])),
    Row("the owner before a change counts", HANDED_OVER, True, Selector(owners=("ann@example.com",))),
    Row("an address", OFFLINE, True, Selector(ips=("100.64.0.7",)), original=device(ips=["100.64.0.7"])),
    Row("another address", OFFLINE, False, Selector(ips=("100.64.0.8",)), original=included(ips=["100.64.0.8"])),
    Row("a block", OFFLINE, True, Selector(ips=("100.64.0.0/16",)), original=included(ips=["100.64.0.0/16"])),
    Row("another block", OFFLINE, False, Selector(ips=("10.0.0.0/8",)), original=included(ips=["10.0.0.0/8"])),
    Row(
        "a block with bits beyond it",
        OFFLINE,
        True,
        Selector(ips=("100.64.9.9/16",)),
        original=included(ips=["100.64.9.9/16"]),
    ),
    Row("a block of the newer kind", OFFLINE, True, Selector(ips=("fd7a::/16",)), original=included(ips=["fd7a::/16"])),
    Row(
        "an address in another spelling",
        OFFLINE,
        True,
        Selector(ips=("FD7A:115C:A1E0:0::7",)),
        original=device(ips=["FD7A:115C:A1E0:0::7"]),
    ),
    Row("the address before a change counts", MOVED, True, Selector(ips=("100.64.1.1",))),
    Row("a system in any case", LAPTOP_ONLINE, True, Selector(os=("MACOS", "windows"))),
    Row("another system", OFFLINE, False, Selector(os=("macOS",))),
    Row("a role", OFFLINE, True, Selector(roles=("router", "exit_node"))),
    Row("another role", LAPTOP_ONLINE, False, Selector(roles=("router",))),
    Row("a source", OFFLINE, True, Selector(sources=("tailnet",))),
    Row("another source", OFFLINE, False, Selector(sources=("work",))),
    Row("a source may be a glob", OFFLINE, True, Selector(sources=("tail*",))),
    Row("a source has events of no device, too", DAEMON, True, Selector(sources=("tailnet",))),
    Row("a label", event(labels={"site": "north"}), True, Selector(labels=("site=north",))),
    Row("a label with another value", event(labels={"site": "south"}), False, Selector(labels=("site=north",))),
    Row("a label whatever its value", event(labels={"site": "south"}), True, Selector(labels=("site",))),
    Row("a label may be a glob", event(labels={"site": "north-2"}), True, Selector(labels=("site=north-*",))),
    Row("who has no label has none that fits", OFFLINE, False, Selector(labels=("site=*",))),
    Row(
        "all keys have to hold",
        OFFLINE,
        True,
        Selector(event_types=("peer.offline",), tags=("tag:home",), ips=("100.64.0.0/10",)),
        original={"event_types": ["peer.offline"], "device": {"tags": ["tag:home"], "ips": ["100.64.0.7"]}},
    ),
    Row(
        "one that does not is enough",
        OFFLINE,
        False,
        Selector(event_types=("peer.offline",), tags=("tag:home",), device_names=("pi",)),
        original={"event_types": ["peer.offline"], "device": {"tags": ["tag:home"], "names": ["pi"]}},
    ),
    Row(
        "types and filtered events both have to hold",
        OFFLINE,
        False,
        Selector(event_types=("peer.online",)),
        original={
            "event_types": ["peer.online", "peer.offline"],
            "filters": {"include": {"events": ["peer.online", "peer.added"]}},
        },
    ),
    Row(
        "filtered events narrow a star",
        LAPTOP_ONLINE,
        True,
        Selector(event_types=("peer.online",)),
        original=included(events=["peer.online"]),
    ),
    Row(
        "who asks for a device gets no daemon",
        DAEMON,
        False,
        Selector(device_names=("*",)),
        original=device(names=["*"]),
    ),
    Row("who asks for an owner gets no prefs", PREFS, False, Selector(owners=("7",)), original=device(owners=["7"])),
    Row(
        "who asks for a tag gets no tailnet",
        TAILNET,
        False,
        Selector(tags=("tag:a",)),
        original=included(tags=["tag:a"]),
    ),
    Row(
        "who asks for a block gets no daemon",
        DAEMON,
        False,
        Selector(ips=("0.0.0.0/0",)),
        original=included(ips=["0.0.0.0/0"]),
    ),
    Row(
        "what is excluded is left out",
        OFFLINE,
        False,
        exclude=Selector(device_names=("nas",)),
        original=excluded(device_names=["nas"]),
    ),
    Row(
        "what is not is not",
        LAPTOP_ONLINE,
        True,
        exclude=Selector(device_names=("nas",)),
        original=excluded(device_names=["nas"]),
    ),
    Row(
        "the exclude wins",
        OFFLINE,
        False,
        Selector(tags=("tag:home",)),
        Selector(device_names=("nas",)),
        {"event_types": ["*"], "filters": {"include": {"tags": ["tag:home"]}, "exclude": {"device_names": ["nas"]}}},
    ),
    Row(
        "an excluded type",
        OFFLINE,
        False,
        exclude=Selector(event_types=("peer.offline",)),
        original=excluded(events=["peer.offline"]),
    ),
    Row(
        "an excluded star is everything",
        DAEMON,
        False,
        exclude=Selector(event_types=("*",)),
        original=excluded(events=["*"]),
    ),
    Row("excluded types may be globs", OFFLINE, False, exclude=Selector(event_types=("peer.off*",))),
    Row(
        "an excluded block", OFFLINE, False, exclude=Selector(ips=("fd7a::/16",)), original=excluded(ips=["fd7a::/16"])
    ),
    Row("an excluded owner", LAPTOP_ONLINE, False, exclude=Selector(owners=("tom@example.com",))),
    Row(
        "all excluding keys have to hold",
        OFFLINE,
        True,
        exclude=Selector(tags=("tag:home",), device_names=("pi",)),
        original=excluded(tags=["tag:home"], device_names=["pi"]),
    ),
    Row(
        "and then leave out",
        OFFLINE,
        False,
        exclude=Selector(tags=("tag:home",), event_types=("peer.offline",)),
        original=excluded(tags=["tag:home"], events=["peer.offline"]),
    ),
    Row(
        "an excluded name hides no daemon",
        DAEMON,
        True,
        exclude=Selector(device_names=("*",)),
        original=excluded(device_names=["*"]),
    ),
    Row(
        "an excluded tag hides no prefs",
        PREFS,
        True,
        exclude=Selector(tags=("tag:home",)),
        original=excluded(tags=["tag:home"]),
    ),
    Row(
        "an excluded block hides no tailnet",
        TAILNET,
        True,
        exclude=Selector(ips=("0.0.0.0/0",)),
        original=excluded(ips=["0.0.0.0/0"]),
    ),
    Row("an exclude without keys leaves nothing out", OFFLINE, True, exclude=ANYTHING, original=excluded()),
    Row("excluded tags count before and after", RETAGGED, False, exclude=Selector(tags=("tag:old",))),
)


def route(match: Selector = ANYTHING, exclude: Selector | None = None, *sinks: str, **options: Any) -> Route:
    given: dict[str, Any] = {"name": "", "stop": False, "index": 0, **options}
    return Route(match=match, exclude=exclude, sinks=sinks or ("hook",), **given)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_route_asks_for_what_it_says(row: Row) -> None:
    found = concerned(row.event, [route(row.match, row.exclude)])
    assert list(found) == ["hook"] * row.asked


def test_rules_are_told_apart_by_their_names() -> None:
    assert len({row.rule for row in ROWS}) == len(ROWS) >= 60


def test_routes_are_a_union_and_the_first_that_matches_holds() -> None:
    routes = [
        route(Selector(event_types=("peer.online",)), None, "hook", index=0),
        route(Selector(event_types=("peer.*",)), None, "phone", "hook", index=1),
        route(ANYTHING, None, "hook", "mail", index=2),
    ]
    assert {sink: found.index for sink, found in concerned(OFFLINE, routes).items()} == {
        "phone": 1,
        "hook": 1,
        "mail": 2,
    }
    assert [found.index for found in matching(OFFLINE, routes)] == [1, 2]


def test_a_route_that_stops_keeps_what_it_matches_from_those_after_it() -> None:
    routes = [route(Selector(tags=("tag:home",)), None, "hook", stop=True), route(ANYTHING, None, "phone", index=1)]
    assert set(concerned(OFFLINE, routes)) == {"hook"}
    assert set(concerned(LAPTOP_ONLINE, routes)) == {"phone"}


def test_a_route_without_sinks_that_stops_keeps_an_event_from_everybody() -> None:
    routes = [Route("", Selector(tags=("tag:home",)), None, (), stop=True, index=0), *everything_to(["phone"])]
    assert concerned(OFFLINE, routes) == {}


def test_a_route_without_endings_asks_for_none() -> None:
    quiet = [route(resolved=False)]
    assert concerned(event("peer.online", ends=True), quiet) == {}
    assert set(concerned(OFFLINE, quiet)) == {"hook"}


def test_without_a_route_nobody_is_concerned() -> None:
    assert concerned(OFFLINE, []) == {}


def test_a_route_is_called_by_its_name_or_its_place() -> None:
    assert (route(name="night", index=3).label, route(index=3).label) == ("night", "routes[3]")
