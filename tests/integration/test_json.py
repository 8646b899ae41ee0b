"""What programs read from a running service is one JSON document, whatever happens and is logged meanwhile."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Service, Tailnet, becomes

SETTINGS: dict[str, Any] = {"output": {"log_level": "debug"}, "policy": {"debounce_window": 0}}


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=20) as running:
        running.change({"op": "routes", "peer": "nas", "routes": ["10.1.0.0/16"]}, via="silent")
        running.change_whole(lock=True)
        yield running


@pytest.fixture(scope="module")
def service(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("json")
    with Service(folder, control_url=tailnet.control_url, settings=SETTINGS) as running:
        running.wait_seeing()
        yield running


@pytest.fixture(autouse=True)
def restless(tailnet: Tailnet, service: Service) -> Iterator[None]:
    """Peers come and go as long as the test asks, and the service logs it."""
    logged = len(service.errors)
    run = tailnet.ask("POST", "/v1/flips", {"count": 100_000, "interval_ms": 5})["id"]
    becomes(lambda: len(service.errors) > logged + 10, True)
    yield
    tailnet.ask("DELETE", f"/v1/flips/{run}")


def document(service: Service, *words: str) -> Any:
    answer = service.ask(*words, "--log-level", "debug")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_the_tailnet_is_dumped_as_the_original_does(tailnet: Tailnet, service: Service) -> None:
    netmap = document(service, "dump-netmap")
    assert list(netmap) == ["polled_at", "peers", "daemon_state", "prefs", "tailnet", "error_message"]
    assert netmap["daemon_state"] == "Running"
    assert netmap["prefs"] == {"advertise_routes": [], "exit_node_id": "", "run_ssh": False, "shields_up": False}
    assert netmap["tailnet"] == {"domain": "example.com", "tka_enabled": True}
    assert netmap["error_message"] == ""
    truth = tailnet.truth()["nas"]
    nas = next(peer for peer in netmap["peers"] if peer["name"] == "nas")
    assert (nas["id"], nas["routes"], nas["owners"]) == (truth["stable_id"], ["10.1.0.0/16"], [str(truth["user_id"])])
    assert len(nas["hostinfo_hash"]) == 16
    assert nas["metadata"]["dns_name"] == truth["name"]


@pytest.mark.parametrize("command", ["devices", "events"])
def test_lists_are_one_document(service: Service, command: str) -> None:
    assert len(document(service, command, "--json")) > 1
