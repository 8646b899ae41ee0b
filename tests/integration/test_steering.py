"""What only the node itself can change, or only the control server, can be changed by a test, and the node goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.rig import Service, SteeredSidecar, Tailnet, becomes, built, eventually

EXTERNAL: dict[str, Any] = {"sources": {"home": {"sidecar": "external"}}, "tsnet": {"hostname": "eyes"}}


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=3) as running:
        yield running


@pytest.fixture(scope="module")
def service(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("steered")
    with Service(folder, control_url=tailnet.control_url, settings=EXTERNAL) as running:
        eventually((folder / "run" / "ingest.sock").exists, "the service listens")
        yield running


@pytest.fixture(scope="module")
def sidecar(service: Service) -> Iterator[SteeredSidecar]:
    socket, folder = service.folder / "run" / "ingest.sock", service.folder / "edge"
    with SteeredSidecar(built("steered-sidecar"), socket=socket, folder=folder) as running:
        service.wait_seeing()
        yield running


def test_preferences_are_changed_from_outside(tailnet: Tailnet, sidecar: SteeredSidecar) -> None:
    assert sidecar.edit_prefs(ShieldsUp=True, AdvertiseRoutes=["10.1.0.0/16"])["ShieldsUp"] is True
    assert sidecar.prefs()["AdvertiseRoutes"] == ["10.1.0.0/16"]
    becomes(lambda: tailnet.truth()["eyes"]["routable_ips"], ["10.1.0.0/16"])
    with pytest.raises(HTTPError, match="400"):
        sidecar.edit_prefs(Shields=True)


def test_a_node_that_is_switched_off_does_not_see(service: Service, sidecar: SteeredSidecar) -> None:
    sidecar.edit_prefs(WantRunning=False)
    becomes(service.sees, False)
    sidecar.edit_prefs(WantRunning=True)
    becomes(service.sees, True)


def test_the_control_server_changes_the_node_and_the_tailnet(
    tailnet: Tailnet, service: Service, sidecar: SteeredSidecar
) -> None:
    assert tailnet.change_node("eyes", tags=["tag:eyes"])["watchers"] == 1
    assert tailnet.truth()["eyes"]["tags"] == ["tag:eyes"]
    assert tailnet.change_whole(domain="example.org", lock=True)["watchers"] == 1
    assert tailnet.ask("GET", "/v1/truth")["domain"] == "example.org"
    tailnet.change_node("eyes", expired=True)
    becomes(service.sees, False)
    tailnet.change_node("eyes", key_expiry="90d")
    becomes(service.sees, True)
    assert sidecar.code() is None
