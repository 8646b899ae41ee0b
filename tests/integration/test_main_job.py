"""The main job with real processes: a simulated tailnet, the sidecar, the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import JOINING, ROOT, Process, Service, Tailnet, becomes, eventually

WINDOW = "1s"


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=10, options=("--grace", "500ms")) as running:
        yield running


@pytest.fixture(scope="module")
def service(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("main")
    settings: dict[str, Any] = {"policy": {"debounce_window": WINDOW}}
    with Service(folder, control_url=tailnet.control_url, settings=settings) as running:
        running.wait_seeing()
        yield running


def told_of(service: Service, name: str) -> list[str]:
    return [telling for telling in service.tellings() if telling.startswith(f"{name} ")]


def outcomes_of(service: Service, name: str) -> list[tuple[str, str]]:
    """Type and outcome of each event of a device, oldest first."""
    events = [event for event in service.json("events") if event["subject_name"] == name]
    return [(event["event_type"], outcome["state"]) for event in events for outcome in event["outcomes"]]


def test_what_is_known_is_the_truth(tailnet: Tailnet, service: Service) -> None:
    truth = {name: "online" if peer["online"] else "offline" for name, peer in tailnet.truth().items()}
    seen = service.states()
    assert seen == {name: state for name, state in truth.items() if name in seen}
    assert len(seen) == 10


def test_lost_contact_is_told_once(tailnet: Tailnet, service: Service) -> None:
    tailnet.change({"op": "offline", "peer": "nas"})
    becomes(lambda: told_of(service, "nas"), ["nas peer.offline"])
    assert service.states()["nas"] == "offline"
    tailnet.change({"op": "online", "peer": "nas"})
    becomes(lambda: told_of(service, "nas"), ["nas peer.offline", "nas peer.online"])


def test_offline_and_online_inside_the_window_is_not_told(tailnet: Tailnet, service: Service) -> None:
    tailnet.change({"op": "offline", "peer": "tom-iphone"})
    tailnet.change({"op": "online", "peer": "tom-iphone"})
    reverted = [("peer.offline", "reverted"), ("peer.online", "reverted")]
    becomes(lambda: outcomes_of(service, "tom-iphone"), reverted)
    assert told_of(service, "tom-iphone") == []


def test_offline_online_offline_is_one_telling(tailnet: Tailnet, service: Service) -> None:
    for op in ("offline", "online", "offline"):
        tailnet.change({"op": op, "peer": "mira-macbook"})
    folded = [("peer.offline", "folded"), ("peer.online", "folded"), ("peer.offline", "told")]
    becomes(lambda: outcomes_of(service, "mira-macbook"), folded)
    assert told_of(service, "mira-macbook") == ["mira-macbook peer.offline"]


def test_a_new_peer_and_its_end_are_told(tailnet: Tailnet, service: Service) -> None:
    tailnet.change({"op": "add", "name": "guest", "os": "macOS", "online": True})
    joined = ["guest peer.added", "guest peer.online"]
    becomes(lambda: told_of(service, "guest"), joined)
    tailnet.change({"op": "remove", "peer": "guest"}, via="full")
    left = [*joined, "guest peer.offline", "guest peer.removed"]
    becomes(lambda: told_of(service, "guest"), left)


def test_a_full_map_that_repeats_everything_is_no_event(tailnet: Tailnet, service: Service) -> None:
    before = len(service.json("events"))
    tailnet.ask("POST", "/v1/repeat")
    tailnet.change({"op": "touch", "peer": "nas"})
    tailnet.change({"op": "add", "name": "marker"})
    eventually(lambda: told_of(service, "marker"), "what came after the repetition is told")
    assert {event["subject_name"] for event in service.json("events")[before:]} == {"marker"}


def test_a_dropped_stream_loses_nothing(tailnet: Tailnet, service: Service) -> None:
    tailnet.ask("POST", "/v1/faults", {"drop_streams": True})
    tailnet.change({"op": "add", "name": "after-drop"}, via="silent")
    tailnet.ask("POST", "/v1/repeat")
    eventually(lambda: told_of(service, "after-drop"), "the change during the gap is told")


def test_real_nodes_that_join_and_leave_are_told(tailnet: Tailnet, service: Service, tmp_path: Path) -> None:
    """A second sidecar of another service is a real node of the same tailnet, and here an ephemeral one."""
    settings: dict[str, Any] = {"tsnet": {"hostname": "visitor", "ephemeral": True}}
    with Service(tmp_path, control_url=tailnet.control_url, settings=settings) as visitor:
        visitor.wait_seeing()
        eventually(lambda: "visitor peer.added" in told_of(service, "visitor"), "the real node is told")
        eventually(lambda: "visitor peer.online" in told_of(service, "visitor"), "its contact is told")
    becomes(lambda: told_of(service, "visitor")[-1], "visitor peer.removed")


def test_a_real_node_that_is_killed_loses_contact_after_the_grace(
    tailnet: Tailnet, service: Service, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"tsnet": {"hostname": "mains-powered"}}
    with Service(tmp_path, control_url=tailnet.control_url, settings=settings) as visitor:
        visitor.wait_seeing()
        eventually(lambda: "mains-powered peer.online" in told_of(service, "mains-powered"), "it is in contact")
    becomes(lambda: told_of(service, "mains-powered")[-1], "mains-powered peer.offline")


def test_an_external_sidecar_feeds_a_service_that_does_not_manage_it(tailnet: Tailnet, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "sources": {"home": {"sidecar": "external"}},
        "tsnet": {"hostname": "outside"},
        "policy": {"debounce_window": 0},
    }
    with Service(tmp_path, control_url=tailnet.control_url, settings=settings) as service:
        eventually((tmp_path / "run" / "ingest.sock").exists, "the service listens")
        command = (str(ROOT / "bin" / "sentinel-sidecar"), "--connect", f"unix:{tmp_path}/run/ingest.sock")
        with Process(*command, "--source", "home", "--state-dir", str(tmp_path / "edge"), env=JOINING):
            service.wait_seeing()
            tailnet.change({"op": "add", "name": "seen-outside"})
            eventually(lambda: told_of(service, "seen-outside"), "the external sidecar's frame is told")
        eventually(lambda: service.sees() is False, "without its sidecar the source is blind")
