"""Every type of event of a tailnet, caused in a simulated one: told once, with what was before and what is after.

All rows share one tailnet and one service, whose store says that it has known them for months: a rung of a key's life
counts only if the life is twice as long. After each row everything is repeated, which is no news.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from sentinel.clock import SystemClock
from sentinel.sources.tailnet import ROOM, ladder
from sentinel.sources.tailnet.model import PEER, Peer
from sentinel.sources.tailnet.node.model import DAEMON, Daemon
from sentinel.store import rows
from tests.rig import Service, SteeredSidecar, Tailnet, becomes, built, eventually

OWN = "eyes"
SETTINGS: dict[str, Any] = {
    "sources": {"home": {"sidecar": "external"}},
    "tsnet": {"hostname": OWN},
    "policy": {"debounce_window": 0},
}
KNOWN_FOR = timedelta(days=60)
Event = dict[str, Any]


@dataclass
class Stage:
    """What all rows share. `seen` is how many events were told before a row, `markers` how often all was repeated."""

    tailnet: Tailnet
    service: Service
    sidecar: SteeredSidecar
    seen: int = 0
    markers: int = 0

    def events(self) -> list[Event]:
        """What was told since the row began, but for what marks the end of a repetition."""
        events = (json.loads(line)["event"] for _, line in self.service.lines[self.seen :])
        return [event for event in events if not event["subject_name"].startswith("marker")]

    def told(self) -> list[str]:
        """The same without its details: `nas peer.offline`; in no order, which is for other tests to prove."""
        return sorted(f"{event['subject_name']} {event['event_type']}" for event in self.events())

    def repeat(self) -> None:
        """Everything is said again; comes back when what was said last has been told."""
        self.tailnet.ask("POST", "/v1/repeat")
        self.markers += 1
        name = f"marker-{self.markers}"
        self.tailnet.change({"op": "add", "name": name, "online": False})
        eventually(lambda: f"{name} peer.added" in self.service.tellings()[self.seen :], "what came last is told")

    def id_of(self, name: str) -> str:
        """The id of a peer."""
        return str(self.tailnet.truth()[name]["stable_id"])

    def settled(self, value: Any) -> Any:
        """The value with ids for what stands for them."""
        if isinstance(value, IdOf):
            return self.id_of(value.name)
        return [self.settled(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class IdOf:
    """Stands for the id of a peer."""

    name: str


@dataclass(frozen=True, eq=False)
class Like:
    """Equal to every text that the pattern fits as a whole."""

    pattern: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    __hash__ = None  # type: ignore[assignment]


MOMENT = Like(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
DIGITS = Like(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Step:
    """What is done, and what is told: one event of the row's type with these changes and this in its payload.

    `along` are other events that follow from the same. Without `changes` there is none of the row's type.
    """

    do: Callable[[Stage], object]
    changes: Sequence[tuple[str, Any, Any]] = ()
    payload: dict[str, Any] = field(default_factory=dict)
    along: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """A type, the name of the subject that it is caused for, what is there before, and what is done."""

    type: str
    about: str
    given: Sequence[dict[str, Any]]
    steps: Sequence[Step]


def peer(name: str, **facts: Any) -> dict[str, Any]:
    return {"op": "add", "name": name, **facts}


def op(operation: str, about: str, **facts: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.tailnet.change({"op": operation, "peer": about, **facts})


def prefs(**news: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.sidecar.edit_prefs(**news)


def whole(**news: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.tailnet.change_whole(**news)


def own_node(**news: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.tailnet.change_node(OWN, **news)


def use_exit_node(stage: Stage) -> object:
    return stage.sidecar.edit_prefs(ExitNodeID=stage.id_of("gateway"))


def run_ssh(stage: Stage) -> object:
    return eventually(lambda: _allowed(lambda: stage.sidecar.edit_prefs(RunSSH=True)), "the client takes the setting")


def _allowed(ask: Callable[[], object]) -> object:
    """The answer; None as long as it is refused."""
    try:
        return ask()
    except HTTPError:
        return None


WARNING = {"Title": "Disk is full", "Text": "The disk is full.", "Severity": "high"}
GATEWAY = peer("gateway", routes=["0.0.0.0/0", "::/0"])
"""An exit node for the own node to use."""

ROWS = (
    Row(
        "peer.added",
        "newcomer",
        [],
        [
            Step(
                lambda stage: stage.tailnet.change(peer("newcomer", online=False)),
                [("visible", False, True)],
                {"name": "newcomer", "online": False, "routes": []},
            )
        ],
    ),
    Row(
        "peer.online",
        "waking",
        [peer("waking", online=False)],
        [Step(op("online", "waking"), [("online", False, True)], {"offline_since": MOMENT})],
    ),
    Row("peer.offline", "dozing", [peer("dozing")], [Step(op("offline", "dozing"), [("online", True, False)])]),
    Row(
        "peer.machine_authorized.changed",
        "asking",
        [peer("asking")],
        [
            Step(
                op("machine_authorized", "asking", machine_authorized=False),
                [("machine_authorized", True, False)],
                {"before_authorized": True, "after_authorized": False, "machine_authorized": False},
            ),
            Step(
                op("machine_authorized", "asking", machine_authorized=True),
                [("machine_authorized", False, True)],
                {"before_authorized": False, "after_authorized": True, "machine_authorized": True},
            ),
        ],
    ),
    Row(
        "peer.owner.changed",
        "handed",
        [peer("handed", owner="ada@example.com")],
        [
            Step(
                op("owner", "handed", owner="bob@example.com"),
                [("owner", "ada@example.com", "bob@example.com"), ("owners", [Like(r"\d+")], [Like(r"\d+")])],
                {"before_owner": "ada@example.com", "after_owner": "bob@example.com"},
            )
        ],
    ),
    Row(
        "peer.tags.changed",
        "worker",
        [peer("worker", tags=["tag:ci"])],
        [
            Step(
                op("tags", "worker", tags=["tag:prod", "tag:ci"]),
                [("tags", ["tag:ci"], ["tag:ci", "tag:prod"])],
                {"before_tags": ["tag:ci"], "after_tags": ["tag:ci", "tag:prod"], "added": ["tag:prod"], "removed": []},
            )
        ],
    ),
    Row(
        "peer.renamed",
        "new-name",
        [peer("old-name")],
        [
            Step(
                op("rename", "old-name", name="new-name"),
                [
                    ("name", "old-name", "new-name"),
                    ("dns_name", "old-name.tailfe8c.ts.net", "new-name.tailfe8c.ts.net"),
                ],
                {"before_name": "old-name", "after_name": "new-name"},
            )
        ],
    ),
    Row(
        "peer.addresses.changed",
        "moving",
        [peer("moving")],
        [
            Step(
                op("addresses", "moving", addresses=["100.127.0.7"]),
                [("ips", [Like(r"100\..*"), Like("fd7a:.*")], ["100.127.0.7"])],
                {"after_ips": ["100.127.0.7"], "added": ["100.127.0.7"]},
            )
        ],
    ),
    Row(
        "peer.routes.changed",
        "router",
        [peer("router", routes=["10.81.0.0/16"])],
        [
            Step(
                op("routes", "router", routes=["10.81.0.0/16", "10.82.0.0/16"]),
                [("routes", ["10.81.0.0/16"], ["10.81.0.0/16", "10.82.0.0/16"])],
                {"before_routes": ["10.81.0.0/16"], "added": ["10.82.0.0/16"], "removed": []},
            )
        ],
    ),
    Row(
        "peer.exit_node.changed",
        "gate",
        [peer("gate")],
        [
            Step(
                op("routes", "gate", routes=["0.0.0.0/0", "::/0"]),
                [("exit_node", False, True)],
                {"before_exit_node": False, "after_exit_node": True, "roles": ["exit_node"]},
            )
        ],
    ),
    Row(
        "peer.key_expiring",
        "tired",
        [peer("tired", key_expiry="10d")],
        [
            Step(
                op("key_expiry", "tired", key_expiry="24h2s"),
                [("rung", "14d", "3d")],
                {"before_rung": "14d", "rung": "3d", "key_expiry": MOMENT},
                ["tired peer.key_expiry.changed"],
            ),
            Step(lambda _: None, [("rung", "3d", "1d")], {"before_rung": "3d", "rung": "1d", "key_expiry": MOMENT}),
        ],
    ),
    Row(
        "peer.key_expired",
        "spent",
        [peer("spent", key_expiry="90d")],
        [
            Step(
                op("expire", "spent"),
                [("rung", "valid", "expired")],
                {"before_rung": "valid", "rung": "expired", "key_expiry": MOMENT},
                ["spent peer.key_expiry.changed"],
            )
        ],
    ),
    Row(
        "peer.key_renewed",
        "renewing",
        [peer("renewing"), {"op": "expire", "peer": "renewing"}],
        [
            Step(
                op("key_expiry", "renewing", key_expiry="180d"),
                [("rung", "expired", "valid")],
                {"before_rung": "expired", "rung": "valid", "key_expiry": MOMENT},
                ["renewing peer.key_expiry.changed"],
            )
        ],
    ),
    Row(
        "peer.key_expiry.changed",
        "ageless",
        [peer("ageless", key_expiry="90d")],
        [
            Step(
                op("key_expiry", "ageless", key_expiry=None),
                [("key_expiry", MOMENT, None)],
                {"before_key_expiry": MOMENT, "after_key_expiry": None},
            )
        ],
    ),
    Row(
        "peer.key_rotated",
        "rekeyed",
        [peer("rekeyed")],
        [Step(op("key_rotate", "rekeyed"), [("key", DIGITS, DIGITS)], {"before_key": DIGITS, "after_key": DIGITS})],
    ),
    Row(
        "peer.hostinfo.changed",
        "updated",
        [peer("updated")],
        [
            Step(
                op("hostinfo", "updated", hostinfo={"DeviceModel": "DS923+", "OSVersion": "7.2"}),
                [("hostinfo.os_version", Like(".*"), "7.2"), ("hostinfo.device_model", "", "DS923+")],
                {"before_hostinfo_hash": DIGITS, "after_hostinfo_hash": DIGITS},
            )
        ],
    ),
    Row(
        "peer.removed",
        "leaving",
        [peer("leaving", online=False)],
        [Step(op("remove", "leaving"), [("visible", True, False)], {"reason": "missing_from_netmap"})],
    ),
    Row(
        "route.lost",
        "10.71.0.0/24",
        [peer("lone-router", routes=["10.71.0.0/24"])],
        [
            Step(
                op("offline", "lone-router"),
                [("carriers", [IdOf("lone-router")], [])],
                {"route": "10.71.0.0/24", "reason": "carrier_offline", "after_carriers": []},
                ["lone-router peer.offline"],
            )
        ],
    ),
    Row(
        "route.restored",
        "10.72.0.0/24",
        [peer("first-router", routes=["10.72.0.0/24"])],
        [
            Step(op("offline", "first-router"), along=["first-router peer.offline", "10.72.0.0/24 route.lost"]),
            Step(
                op("online", "first-router"),
                [("carriers", [], [IdOf("first-router")])],
                {"route": "10.72.0.0/24", "lost_since": MOMENT},
                ["first-router peer.online"],
            ),
        ],
    ),
    Row(
        "route.failed_over",
        "10.73.0.0/24",
        [peer("main-router", routes=["10.73.0.0/24"]), peer("standby", routes=["10.73.0.0/24"])],
        [
            Step(
                op("offline", "main-router"),
                [("carriers", [IdOf("main-router")], [IdOf("standby")])],
                {"route": "10.73.0.0/24"},
                ["main-router peer.offline", "main-router peer.routes.changed", "standby peer.routes.changed"],
            )
        ],
    ),
    Row(
        "daemon.state.changed",
        "local",
        [],
        [
            Step(
                prefs(WantRunning=False),
                [("state", "Running", "Stopped")],
                {"before_state": "Running", "after_state": "Stopped"},
            ),
            Step(
                prefs(WantRunning=True),
                [("state", "Stopped", "Running")],
                {"before_state": "Stopped", "after_state": "Running"},
            ),
        ],
    ),
    Row(
        "daemon.health.changed",
        "local",
        [],
        [
            Step(
                whole(messages={"disk": WARNING}),
                [("warnings", [], ["control-health.disk"])],
                {"added": [{"code": "control-health.disk", "severity": "high", "title": "Disk is full"}]},
            ),
            Step(whole(messages={"disk": None}), [("warnings", ["control-health.disk"], [])], {"added": []}),
        ],
    ),
    Row(
        "daemon.key_expiring",
        "local",
        [],
        [
            Step(own_node(key_expiry="5d"), [("rung", "valid", "7d")], {"rung": "7d", "key_expiry": MOMENT}),
            Step(own_node(key_expiry="24h2s"), [("rung", "7d", "3d")], {"rung": "3d", "key_expiry": MOMENT}),
            Step(lambda _: None, [("rung", "3d", "1d")], {"before_rung": "3d", "rung": "1d"}),
            Step(own_node(key_expiry="180d"), [("rung", "1d", "valid")], {"rung": "valid", "key_expiry": MOMENT}),
        ],
    ),
    Row(
        "daemon.login_required",
        "local",
        [],
        [
            Step(
                own_node(expired=True),
                [("login_required", False, True)],
                {"login_required": True},
                ["local daemon.key_expiring", "local daemon.state.changed"],
            ),
            Step(
                own_node(key_expiry="180d"),
                [("login_required", True, False)],
                {"login_required": False},
                ["local daemon.key_expiring", "local daemon.state.changed"],
            ),
        ],
    ),
    Row(
        "prefs.advertise_routes.changed",
        "local",
        [],
        [
            Step(
                prefs(AdvertiseRoutes=["10.91.0.0/24", "10.90.0.0/24"]),
                [("routes", [], ["10.90.0.0/24", "10.91.0.0/24"])],
                {"before_routes": [], "after_routes": ["10.90.0.0/24", "10.91.0.0/24"]},
            )
        ],
    ),
    Row(
        "prefs.exit_node.changed",
        "local",
        [GATEWAY],
        [
            Step(use_exit_node, [("exit_node_id", "", IdOf("gateway"))], {"before_exit_node_id": ""}),
            Step(prefs(ExitNodeID=""), [("exit_node_id", IdOf("gateway"), "")], {"after_exit_node_id": ""}),
        ],
    ),
    Row(
        "prefs.run_ssh.changed",
        "local",
        [],
        [
            # The client takes it only where the tailnet allows it.
            Step(op("capabilities", OWN, capabilities=["https://tailscale.com/cap/ssh"])),
            Step(run_ssh, [("run_ssh", False, True)], {"before_run_ssh": False, "after_run_ssh": True}),
        ],
    ),
    Row(
        "prefs.shields_up.changed",
        "local",
        [],
        [
            Step(
                prefs(ShieldsUp=True),
                [("shields_up", False, True)],
                {"before_shields_up": False, "after_shields_up": True},
            )
        ],
    ),
    Row(
        "tailnet.tka_enabled.changed",
        "example.com",
        [],
        [
            Step(
                whole(lock=True),
                [("tka_enabled", False, True)],
                {"before_tka_enabled": False, "after_tka_enabled": True},
            ),
            Step(
                whole(lock=False),
                [("tka_enabled", True, False)],
                {"before_tka_enabled": True, "after_tka_enabled": False},
            ),
        ],
    ),
    Row(
        "tailnet.domain.changed",
        "example.org",
        [],
        [
            Step(
                whole(domain="example.org"),
                [("domain", "example.com", "example.org")],
                {"before_domain": "example.com", "after_domain": "example.org", "another_tailnet": False},
            )
        ],
    ),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service that knows the tailnet; its store says that it has done so for months."""
    folder = tmp_path_factory.mktemp("every")
    with Tailnet(peers=3, options=("--grace", "300ms")) as tailnet:
        tailnet.change(*(change for row in ROWS for change in row.given), via="silent")
        service = Service(folder, control_url=tailnet.control_url, settings=SETTINGS)
        with service:
            eventually((folder / "run" / "ingest.sock").exists, "the service listens")
            socket = folder / "run" / "ingest.sock"
            with SteeredSidecar(built("steered-sidecar"), socket=socket, folder=folder / "edge") as sidecar:
                service.wait_seeing()
                service.stop()
                age(folder / "state" / "state.db")
                with Service(folder, control_url=tailnet.control_url, settings=SETTINGS) as later:
                    later.wait_seeing()
                    yield Stage(tailnet, later, sidecar)


def age(path: Path) -> None:
    """Makes a store say that all keys were first seen months earlier."""
    now = SystemClock().now().wall
    with closing(sqlite3.connect(path)) as store:
        for row in store.execute(f"SELECT {rows.SUBJECT_COLUMNS} FROM subjects").fetchall():
            subject = rows.to_subject(row)
            kind = ROOM.kinds[subject.key.type]
            record = kind.decode(subject.body)
            if subject.key.type in (PEER, DAEMON):
                older = subject._replace(body=kind.encode(_aged(record, now)))
                sealed = rows.sealed(rows.from_subject(older))
                store.execute(f"INSERT OR REPLACE INTO subjects VALUES ({', '.join('?' * len(sealed))})", sealed)
        store.commit()


def _aged(record: Peer | Daemon, now: datetime) -> Peer | Daemon:
    if record.key_seen is None:
        return record
    seen = record.key_seen - KNOWN_FOR
    rung = record.rung if record.rung == ladder.EXPIRED else ladder.rung(record.key_expiry, seen, now)
    return replace(record, key_seen=seen, rung=rung)


def test_every_type_of_the_catalogue_has_a_row() -> None:
    assert sorted(row.type for row in ROWS) == sorted(ROOM.catalogue)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.type)
def test_it_is_told_once_with_before_and_after_and_what_is_repeated_is_no_news(stage: Stage, row: Row) -> None:
    stage.seen = len(stage.service.lines)
    told: list[str] = []
    for step in row.steps:
        step.do(stage)
        told = sorted([*told, *step.along, *([f"{row.about} {row.type}"] if step.changes else [])])
        becomes(stage.told, told)
        if step.changes:
            proves(stage, row, step)
    stage.repeat()
    assert stage.told() == told


def proves(stage: Stage, row: Row, step: Step) -> None:
    """The newest event of the row's type says what the step changed."""
    event = [event for event in stage.events() if event["event_type"] == row.type][-1]
    changes = [(change["path"], change["before"], change["after"]) for change in event["changes"]]
    assert changes == [(path, stage.settled(before), stage.settled(after)) for path, before, after in step.changes]
    assert {key: event["payload"].get(key) for key in step.payload} == step.payload
    assert event["source"] == {"kind": "tailnet", "name": "home"}
