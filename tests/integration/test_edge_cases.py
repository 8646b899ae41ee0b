"""What a tailnet does rarely, and what happens to the own node: the state stays right, nothing is invented."""

import shutil
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.rig import ROOT, Process, Service, Tailnet, becomes, eventually

EXTERNAL: dict[str, Any] = {"sources": {"home": {"sidecar": "external"}}, "policy": {"debounce_window": "500ms"}}
MANY_FLIPS = 4_000
"""Without a pause these are far more than the 128 messages that the client keeps for a reader of its bus."""


class Edge(Process):
    """An external sidecar of the service, whose node keeps its identity in the service's folder."""

    def __init__(self, service: Service) -> None:
        command = (str(ROOT / "bin" / "sentinel-sidecar"), "--connect", f"unix:{service.folder}/run/ingest.sock")
        super().__init__(*command, "--source", "home", "--state-dir", str(state_of_edge(service)))


def state_of_edge(service: Service) -> Path:
    return service.folder / "edge"


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=10, options=("--grace", "300ms")) as running:
        yield running


@pytest.fixture(scope="module")
def service(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("edge"), control_url=tailnet.control_url, settings=EXTERNAL) as running:
        yield running


@pytest.fixture
def edge(service: Service) -> Iterator[Edge]:
    """A sidecar that sees; the next one is the same node again."""
    with Edge(service) as running:
        service.wait_seeing()
        yield running


def own_node(tailnet: Tailnet) -> str:
    """The sidecar's own node: the real one that came last; empty before any came."""
    truth = tailnet.truth()
    real = (name for name, peer in truth.items() if peer["real"])
    return max(real, key=lambda name: int(truth[name]["id"]), default="")


def states(tailnet: Tailnet) -> dict[str, str]:
    """What a service should show whose sidecar's node came last."""
    own = own_node(tailnet)
    return {name: word(peer["online"]) for name, peer in tailnet.truth().items() if name != own}


def word(online: bool | None) -> str:
    return "online" if online else "offline"


def told(service: Service, since: int = 0) -> list[str]:
    """What was told, but for the first so many."""
    return service.tellings()[since:]


def events(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.json("events", "--limit", "0")
    return found


def source(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.json("status")["sources"][0]
    return found


def wait_until_nothing_is_on_its_way(tailnet: Tailnet, service: Service, marker: str) -> None:
    """Until a new peer is told: whatever came before it is in the ledger, and at the sink if it was to be told."""
    tailnet.change({"op": "add", "name": marker})
    eventually(lambda: f"{marker} peer.added" in told(service), "what came last is told")


@pytest.mark.usefixtures("edge")
def test_a_peer_that_policy_hides_and_shows_again_is_told_under_new_keys(tailnet: Tailnet, service: Service) -> None:
    for round_ in (1, 2):
        tailnet.change({"op": "hide", "peer": "nas"})
        becomes(lambda: [told(service).count("nas peer.removed"), "nas" in service.states()], [round_, False])
        tailnet.change({"op": "show", "peer": "nas"})
        becomes(lambda: [told(service).count("nas peer.added"), "nas" in service.states()], [round_, True])
    own = [event for event in events(service) if event["subject_name"] == "nas"]
    assert [event["event_type"] for event in own].count("peer.added") == 2
    assert len({event["event_id"] for event in own}) == len(own)
    assert [event["subject_revision"] for event in own] == sorted(event["subject_revision"] for event in own)


@pytest.mark.usefixtures("edge")
def test_patches_for_unknown_peers_do_not_keep_valid_ones_back(tailnet: Tailnet, service: Service) -> None:
    count = len(told(service))
    unknown = ({"op": "patch_unknown"}, {"op": "patch_unknown", "id": 4711, "online": False})
    tailnet.change(unknown[0], {"op": "offline", "peer": "tom-iphone"}, unknown[1])
    wait_until_nothing_is_on_its_way(tailnet, service, "after-patches")
    names = {telling.split()[0] for telling in told(service, count)}
    assert names == {"tom-iphone", "after-patches"}
    becomes(service.states, states(tailnet))


@pytest.mark.usefixtures("edge")
def test_an_own_node_whose_key_expires_is_told_and_no_peer(tailnet: Tailnet, service: Service) -> None:
    before = len(events(service))
    tailnet.ask("POST", "/v1/self", {"node": own_node(tailnet), "expired": True})
    becomes(lambda: source(service)["sight"], "blind")
    assert source(service)["reason"] == "the key of this node has expired"
    assert service.ask("status").returncode == 1
    eventually(lambda: "local daemon.login_required" in told(service), "the login is told although nothing is seen")
    tailnet.ask("POST", "/v1/self", {"node": own_node(tailnet), "key_expiry": "30d"})
    service.wait_seeing()
    wait_until_nothing_is_on_its_way(tailnet, service, "after-expiry")
    own = [event for event in events(service)[before:] if event["subject_type"] == "daemon"]
    logins = [event for event in own if event["event_type"] == "daemon.login_required"]
    assert [event["payload"]["login_required"] for event in logins] == [True, False]
    assert {event["subject_name"] for event in events(service)[before:] if event not in own} == {"after-expiry"}


@pytest.mark.usefixtures("edge")
def test_a_control_server_that_is_away_for_a_moment_is_no_event(tailnet: Tailnet, service: Service) -> None:
    before = len(events(service))
    tailnet.ask("POST", "/v1/faults", {"outage_ms": 300})
    wait_until_nothing_is_on_its_way(tailnet, service, "after-outage")
    assert {event["subject_name"] for event in events(service)[before:]} == {"after-outage"}


def test_a_sidecar_without_its_state_is_another_node_that_sees_the_same(tailnet: Tailnet, service: Service) -> None:
    """The node that it was before is a stranger now: a peer that nobody has heard of, without contact."""
    with Edge(service):
        service.wait_seeing()
    before, node = len(events(service)), own_node(tailnet)
    shutil.rmtree(state_of_edge(service))
    becomes(lambda: tailnet.truth()[node]["online"], False)
    with Edge(service):
        service.wait_seeing()
        wait_until_nothing_is_on_its_way(tailnet, service, "after-wipe")
        assert own_node(tailnet) != node
        becomes(service.states, states(tailnet))
    happened = [(event["subject_name"], event["event_type"]) for event in events(service)[before:]]
    assert [one for one in happened if one[0] != "after-wipe"] == [(node, "peer.added")]


def test_a_reader_that_falls_behind_the_bus_looks_again_and_ends_up_right(
    tailnet: Tailnet, service: Service, edge: Edge
) -> None:
    known, before = service.states(), len(told(service))
    eventually(lambda: reader_falls_behind(tailnet, edge), "the client closes the watch of its bus")
    wait_until_nothing_is_on_its_way(tailnet, service, "after-flips")
    becomes(service.states, states(tailnet))
    becomes(lambda: service.json("status")["sinks"][0]["held"], 0)
    becomes(lambda: last_told(known, told(service, before)), service.states())
    kinds = {telling.split()[-1] for telling in told(service, before)}
    assert kinds <= {"peer.added", "peer.online", "peer.offline", "route.lost", "route.restored"}


def reader_falls_behind(tailnet: Tailnet, edge: Edge) -> bool:
    """Whether a flood of messages was too much for it."""
    flood = tailnet.ask("POST", "/v1/flips", {"count": MANY_FLIPS, "interval_ms": 0})["id"]
    eventually(lambda: tailnet.ask("GET", f"/v1/flips/{flood}")["state"] == "done", "all of it is sent")
    return any("watch of the IPN bus ended" in line for line in edge.errors)


def last_told(known: dict[str, str], tellings: list[str]) -> dict[str, str]:
    """What somebody believes who knew this and was told that."""
    believed = dict(known)
    for telling in tellings:
        name, kind = telling.rsplit(maxsplit=1)
        if kind in ("peer.online", "peer.offline"):
            believed[name] = kind.removeprefix("peer.")
    return believed


def test_the_sockets_are_for_their_owner_alone(service: Service) -> None:
    folder = service.folder / "run"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("ingest.sock", "control.sock")} == {0o600}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Tailnet]:
    """Another tailnet: no peer is known by an identifier that the first one has, nor is the sidecar's own node.

    Identifiers are counted, whatever the seed: so it goes without the first ten peers, and another node came first.
    """
    with Tailnet(peers=20) as running:
        first = sorted(running.truth().values(), key=lambda peer: int(peer["id"]))[:10]
        running.change(*({"op": "remove", "peer": peer["short"]} for peer in first), via="silent")
        folder = tmp_path / "visitor"
        folder.mkdir()
        with Service(folder, control_url=running.control_url, settings={"tsnet": {"ephemeral": True}}) as visitor:
            visitor.wait_seeing()
        becomes(lambda: own_node(running), "")
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Tailnet]:
    """The tailnet that a service of its own saw first."""
    with Tailnet(peers=10) as running:
        yield running


@pytest.mark.parametrize("keeps", [True, False], ids=["a running sidecar is sent there", "a new sidecar starts there"])
def test_another_tailnet_is_told_once_and_its_peers_are_taken_in_silence(
    tmp_path: Path, home: Tailnet, elsewhere: Tailnet, *, keeps: bool
) -> None:
    with Service(tmp_path, control_url=home.control_url, settings=EXTERNAL) as service, Edge(service) as edge:
        service.wait_seeing()
        ids = {device["subject_id"] for device in service.json("devices")}
        service.stop()
        if not keeps:
            edge.stop()
            shutil.rmtree(state_of_edge(service))
        with (
            Service(tmp_path, control_url=elsewhere.control_url, settings=EXTERNAL) as moved,
            nullcontext() if keeps else Edge(moved),
        ):
            eventually(lambda: moved.ask("status").stdout, "the service answers")
            becomes(moved.states, states(elsewhere))
            assert not ids & {device["subject_id"] for device in moved.json("devices")}
            moved.wait_seeing()
            wait_until_nothing_is_on_its_way(elsewhere, moved, "news")
    assert any("the node is in another tailnet now" in line for line in edge.errors) is keeps
    assert service.tellings() == []
    assert [telling for telling in moved.tellings() if not telling.startswith("news")] == [
        "example.com tailnet.domain.changed"
    ]


def test_a_tailnet_that_is_emptied_at_once_is_told_peer_by_peer(tmp_path: Path, home: Tailnet) -> None:
    with Service(tmp_path, control_url=home.control_url, settings=EXTERNAL) as service, Edge(service):
        service.wait_seeing()
        names = set(service.states())
        home.change(*({"op": "remove", "peer": name} for name in names), via="full")
        removed = {f"{name} peer.removed" for name in names}
        eventually(lambda: removed <= set(told(service)), "each is told")
        assert service.states() == {}
        assert source(service)["sight"] == "seeing"
        wait_until_nothing_is_on_its_way(home, service, "first-again")
        assert service.states().keys() == {"first-again"}
