"""A service that starts where jaxxstorm/sentinel ran before: the same node, no login, only real differences."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Service, Tailnet, becomes

SETTINGS: dict[str, Any] = {"policy": {"debounce_window": "100ms"}, "tsnet": {"hostname": "watcher"}}


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=10) as running:
        yield running


@pytest.fixture(scope="module")
def known(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A folder with a node's state directory, and the devices as its node saw them."""
    folder = tmp_path_factory.mktemp("before")
    with Service(folder, control_url=tailnet.control_url, settings=SETTINGS) as service:
        service.wait_seeing()
        devices: list[dict[str, Any]] = service.json("devices")
    return folder, devices


def state_file(devices: list[dict[str, Any]], id_of: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """What the original would have stored of these devices."""
    peers = [
        {
            "id": id_of(device),
            "name": f"{device['name']}.example.ts.net.",
            "online": device["state"] == "online",
            "tags": device["tags"],
            "routes": device["routes"],
            "machine_authorized": device["machine_authorized"] is not False,
            "expired": device["expired"],
            "key_expiry": device["key_expiry"] or "0001-01-01T00:00:00Z",
        }
        for device in devices
    ]
    snapshot = {"captured_at": "2026-02-12T10:11:12.123456789Z", "peers": peers, "daemon_state": "Running"}
    return {"snapshot": snapshot | {"hash": "5f1c"}, "idempotency_keys": {"0a1b": "2026-02-13T10:11:12Z"}}


def own_nodes(tailnet: Tailnet) -> set[str]:
    return {peer["stable_id"] for peer in tailnet.truth().values() if peer["real"]}


def run(tailnet: Tailnet, folder: Path, name: str, file: dict[str, Any], expected: list[str]) -> bytes:
    """The service on the original's state directory and beside this state file, which is returned as it is then."""
    path = folder / name / "state.json"
    path.parent.mkdir()
    path.write_text(json.dumps(file))
    # What our own sidecar keeps beside the node's keys the original does not have.
    (folder / "tsnet" / "edge.json").unlink()
    settings = SETTINGS | {"state": {"path": str(path)}}
    nodes = own_nodes(tailnet)
    with Service(folder, control_url=tailnet.control_url, settings=settings) as service:
        service.wait_seeing()
        marker = f"marker-{name}"
        tailnet.change({"op": "add", "name": marker})
        becomes(
            lambda: sorted(service.tellings()), sorted([*expected, f"{marker} peer.added", f"{marker} peer.online"])
        )
        status: dict[str, Any] = service.json("status")
    assert own_nodes(tailnet) == nodes
    assert Path(status["store_path"]) == path.with_suffix(".db")
    return path.read_bytes()


def test_only_what_differs_from_its_realtime_state_is_told(
    tailnet: Tailnet, known: tuple[Path, list[dict[str, Any]]]
) -> None:
    folder, devices = known
    file = state_file(devices, lambda device: device["subject_id"])
    peers = {peer["name"].partition(".")[0]: peer for peer in file["snapshot"]["peers"]}
    plain = [name for name, peer in peers.items() if peer["online"] and not peer["routes"]]
    came, tagged, new = plain[:3]
    peers[came]["online"] = False
    peers[tagged]["tags"] = ["tag:old"]
    gone = peers[new] | {"id": "nGoneCNTRL", "name": "gone.example.ts.net.", "online": False}
    file["snapshot"]["peers"] = [*(peer for name, peer in peers.items() if name != new), gone]
    joined = [f"{new} peer.added", f"{new} peer.online"]
    expected = [f"{came} peer.online", f"{tagged} peer.tags.changed", "gone peer.removed", *joined]
    assert run(tailnet, folder, "realtime", file, expected) == json.dumps(file).encode()


def test_its_poll_state_makes_a_first_sight_like_any_other(
    tailnet: Tailnet, known: tuple[Path, list[dict[str, Any]]]
) -> None:
    folder, devices = known
    file = state_file(devices[:3], lambda device: f"nodekey:{device['subject_id']}")
    run(tailnet, folder, "poll", file, [])
