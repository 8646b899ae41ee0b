"""What the node itself changes, or what concerns the tailnet as a whole, reaches the sidecar and is known there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.rig import Service, SteeredSidecar, Tailnet, becomes, built, eventually

EXTERNAL: dict[str, Any] = {"sources": {"home": {"sidecar": "external"}}}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with (
        Tailnet(peers=3) as tailnet,
        Service(tmp_path, control_url=tailnet.control_url, settings=EXTERNAL) as running,
    ):
        eventually((tmp_path / "run" / "ingest.sock").exists, "the service listens")
        yield running


def test_preferences_are_changed_from_outside_and_a_node_that_is_switched_off_does_not_see(service: Service) -> None:
    socket, folder = service.folder / "run" / "ingest.sock", service.folder / "edge"
    with SteeredSidecar(built("steered-sidecar"), socket=socket, folder=folder) as sidecar:
        service.wait_seeing()
        assert sidecar.edit_prefs(ShieldsUp=True, AdvertiseRoutes=["10.1.0.0/16"])["ShieldsUp"] is True
        assert sidecar.prefs()["AdvertiseRoutes"] == ["10.1.0.0/16"]
        with pytest.raises(HTTPError, match="400"):
            sidecar.edit_prefs(Shields=True)
        sidecar.edit_prefs(WantRunning=False)
        becomes(service.sees, False)
        sidecar.edit_prefs(WantRunning=True)
        becomes(service.sees, True)
