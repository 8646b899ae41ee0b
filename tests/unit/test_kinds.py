"""Several kinds of subjects in one source: what each of them may do while others may not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sentinel.control import values
from sentinel.control.service import ControlService
from sentinel.control.v1 import control_pb2
from sentinel.control.values import Subject
from sentinel.model import Audience, OutcomeState, SinkPolicy
from sentinel.sources.tailnet import ROOM
from sentinel.sources.tailnet.model import PEER
from sentinel.sources.tailnet.routes.carriers import Carriers
from sentinel.store.protocol import Batch
from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.builders import Wire, delta, node, own, warning
from tests.world import SOURCE, World, controlled

NEEDS_LOGIN = frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_NEEDS_LOGIN, login_url="https://login.example/a")
LAN = "10.0.0.0/24"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A service that knows two peers, one of which carries a route, and its own node."""
    made = World(tmp_path / "state.db", sinks=[SinkPolicy("hook", Audience.PROGRAMS)])
    made.connect()
    made.see(made.wire.base(node("gate", primary_routes=[LAN]), node("nas"), daemon=_running()))
    return made


def _running() -> tailnet_pb2.Daemon:
    return tailnet_pb2.Daemon(state="Running")


def _types(world: World) -> set[str]:
    return {row.key.type for row in world.reader.subjects()}


def test_what_needs_no_sight_is_told_while_peers_and_routes_are_held(world: World) -> None:
    world.see(world.wire.patch("gate", online=False))
    world.see(world.wire.frame(suspended=NEEDS_LOGIN))
    world.pass_time(60)
    own_node = ["local daemon.state.changed", "local daemon.login_required"]
    assert world.told() == own_node
    world.see(world.wire.frame(resumed=frame_pb2.Resumed()))
    world.pass_time(60)
    assert sorted(world.told()[2:]) == sorted([*own_node, "gate peer.offline", f"{LAN} route.lost"])


def test_no_address_of_a_login_is_recorded(world: World) -> None:
    world.see(world.wire.frame(suspended=NEEDS_LOGIN))
    world.pass_time(60)
    assert b"login.example" not in world.path.read_bytes()
    assert not any(b"login.example" in told.event.body for told in world.history())


def test_before_the_first_base_nothing_is_told(tmp_path: Path) -> None:
    made = World(tmp_path / "new.db")
    made.connect()
    made.see(made.wire.frame(daemon=tailnet_pb2.Daemon(state="NeedsLogin")))
    made.see(made.wire.frame(suspended=NEEDS_LOGIN))
    made.pass_time(60)
    made.see(made.wire.frame(daemon=_running()))
    made.see(made.wire.base(node("nas"), daemon=_running()))
    made.pass_time(60)
    assert made.events() == []


def test_a_base_that_does_not_speak_of_the_own_node_leaves_it_alone(world: World) -> None:
    """An edge of an older version says less."""
    before = _types(world)
    world.see(world.wire.base(node("gate", primary_routes=[LAN]), node("nas")))
    world.pass_time(60)
    assert before == {"daemon", "peer", "route", "tailnet"} == _types(world)
    assert world.events() == []


def test_a_source_from_before_the_own_node_was_known_learns_of_it_in_silence(world: World) -> None:
    for kind in ("daemon", "tailnet"):
        world.store.commit(_without(world, kind))
    world.restart()
    assert _types(world) == {"peer", "route"}
    world.connect()
    world.see(world.wire.base(node("gate", primary_routes=[LAN]), node("nas"), daemon=_running()))
    world.see(world.wire.frame(prefs=tailnet_pb2.Prefs(run_ssh=True)))
    world.pass_time(60)
    assert world.events() == []


def _without(world: World, kind: str) -> Batch:
    return Batch(subjects={row.key: None for row in world.reader.subjects() if row.key.type == kind})


def test_in_another_tailnet_nothing_of_the_old_one_stays_behind(world: World) -> None:
    """A loss that was told, one that was held, and the route that went with it."""
    world.see(world.wire.patch("gate", online=False))
    world.pass_time(60)
    world.see(world.wire.patch("nas", online=False))
    world.wire.self_id = "n-elsewhere"
    world.see(world.wire.base(node("printer", primary_routes=[LAN]), daemon=_running()))
    world.pass_time(60)
    assert world.told() == ["gate peer.offline", f"{LAN} route.lost", "example.com tailnet.domain.changed"]
    assert world.outcomes() == [
        OutcomeState.TOLD,
        OutcomeState.TOLD,
        OutcomeState.REVERTED,
        OutcomeState.TOLD,
    ]
    world.restart()
    assert world.contents.differences == ()
    assert sorted(row.key.id for row in world.reader.subjects() if row.key.type in ("peer", "route")) == [
        LAN,
        "n-printer",
    ]


def test_a_login_that_was_told_ends_with_the_first_base_in_another_tailnet(world: World) -> None:
    world.see(world.wire.frame(suspended=NEEDS_LOGIN))
    world.pass_time(60)
    world.wire.self_id = "n-elsewhere"
    world.see(world.wire.base(node("printer"), daemon=_running()))
    world.pass_time(60)
    assert [line for line in world.told() if "login" in line] == ["local daemon.login_required"] * 2
    assert world.contents.differences == ()


def test_before_its_first_base_an_edge_says_nothing_of_a_network_that_may_be_another(world: World) -> None:
    world.disconnect()
    world.wire = Wire(boot_id="boot-2", now=world.wire.now, self_id="n-elsewhere")
    world.connect()
    world.see(world.wire.frame(self=own(stable_id="n-elsewhere")))
    world.see(world.wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.net")))
    world.see(world.wire.base(node("printer"), tailnet=tailnet_pb2.Tailnet(domain="example.net"), daemon=_running()))
    world.pass_time(60)
    assert world.events() == ["example.net tailnet.domain.changed"]


def test_a_route_survives_a_restart_with_those_who_carry_it(world: World) -> None:
    world.restart()
    world.connect(last_made=world.contents.sources[0].position)
    world.see(world.wire.patch("nas", online=False))
    world.see(world.wire.patch("gate", online=False))
    world.pass_time(60)
    assert world.events() == ["nas peer.offline", "gate peer.offline", f"{LAN} route.lost"]


@pytest.fixture
def control(world: World) -> ControlService:
    return controlled(world, sinks={}, rooms={SOURCE: ROOM})


def _listed(control: ControlService, **request: Any) -> Sequence[Subject]:
    parts = control.ListSubjects(control_pb2.ListSubjectsRequest(**request), None)  # type: ignore[arg-type]
    return values.subjects(parts)


def test_only_devices_are_listed_and_counted(world: World, control: ControlService) -> None:
    devices = [(device.subject_type, device.name) for device in _listed(control)]
    assert devices == [("peer", "gate"), ("peer", "nas")]
    assert [report.subjects for report in world.writer.reports] == [2]


def test_a_table_says_the_same_as_all_that_is_known(world: World, control: ControlService) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.see(world.wire.frame(prefs=tailnet_pb2.Prefs(shields_up=True)))
    shown, whole = (_listed(control, types=["peer", "prefs"], detailed=detailed) for detailed in (False, True))
    assert [one.name for one in shown] == ["gate", "local", "nas"]
    assert [one.since is None for one in shown] == [True, True, False]
    for short, long in zip(shown, whole, strict=True):
        assert short == long._replace(detail={})


def test_other_kinds_are_listed_with_everything_about_them_when_they_are_asked_for(
    world: World, control: ControlService
) -> None:
    says = tailnet_pb2.Prefs(advertise_routes=["10.1.0.0/16"], exit_node_ip="100.64.0.9", shields_up=True)
    world.see(world.wire.frame(prefs=says))
    world.see(world.wire.frame(health=tailnet_pb2.Health(warnings=[warning("no-derp", "Relay is away")])))
    found = _listed(control, types=["daemon", "prefs", "tailnet"], detailed=True)
    details = {subject.subject_type: subject.detail for subject in found}
    assert details["daemon"] == {
        "state": "Running",
        "login_required": False,
        "login_detail": "",
        "warnings": ["no-derp"],
        "key_expiry": None,
        "key_expired": False,
        "rung": "valid",
    }
    assert details["prefs"] == {
        "advertise_routes": ["10.1.0.0/16"],
        "exit_node_id": "100.64.0.9",
        "run_ssh": False,
        "shields_up": True,
    }
    assert details["tailnet"] == {"domain": "example.com", "tka_enabled": None}


def test_a_peer_has_the_hash_that_its_events_have(world: World, control: ControlService) -> None:
    world.see(world.wire.frame(delta=delta(upserts=[node("nas", os="freebsd")])))
    (nas,) = (one.detail for one in _listed(control, names=["nas"], detailed=True))
    (payload,) = (body["payload"] for body in world.bodies() if body["event_type"] == "peer.hostinfo.changed")
    assert isinstance(payload, dict)
    assert nas["hostinfo_hash"] == payload["after_hostinfo_hash"]
    assert nas["owners"] == payload["owners"]


def test_a_change_touches_only_the_routes_of_the_peer_that_changed() -> None:
    wire, carriers = Wire(), Carriers()
    peers = wire.base(node("gate", primary_routes=[LAN]), node("spare", primary_routes=["10.1.0.0/24"]), node("nas"))
    advance = ROOM.kinds[PEER].advance
    known = {id_: advance(None, said, {}, wire.now) for id_, said in peers.inputs[PEER].items()}
    for id_, peer in known.items():
        carriers.follow(PEER, id_, None, peer)
    assert sorted(carriers.inputs()["route"]) == [LAN, "10.1.0.0/24"]
    for name in ("nas", "spare"):
        id_, routes = f"n-{name}", ["10.1.0.0/24"] if name == "spare" else []
        said = wire.frame(delta=delta(upserts=[node(name, os="freebsd", primary_routes=routes)]))
        carriers.follow(PEER, id_, known[id_], advance(known[id_], said.inputs[PEER][id_], {}, wire.now))
        assert carriers.inputs() == {}
    carriers.follow(PEER, "n-gate", known["n-gate"], None)
    assert list(carriers.inputs()["route"]) == [LAN]
