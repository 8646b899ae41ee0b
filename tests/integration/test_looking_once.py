"""Looks at a tailnet that no service watches: what is printed, and that only a real look leaves something behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Service, Tailnet


@pytest.fixture
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=3, options=("--grace", "500ms")) as running:
        yield running


@pytest.fixture
def left(tailnet: Tailnet, tmp_path: Path) -> Service:
    """What a service left that saw the tailnet; since then a machine went."""
    with Service(tmp_path, control_url=tailnet.control_url, settings={"policy": {"debounce_window": "1s"}}) as service:
        service.wait_seeing()
    tailnet.change({"op": "offline", "peer": "nas"})
    return service


def test_a_look_says_what_changed_and_only_a_real_one_tells_it(left: Service) -> None:
    store = left.folder / "state" / "state.db"
    before, events = store.read_bytes(), left.json("events")

    assert "\n- peer.offline nas (" in left.ask("diff").stdout
    assert AWAY in told(left.ask("run", "--once", "--dry-run").stdout)
    netmap = json.loads(left.ask("dump-netmap").stdout)
    assert {peer["name"]: peer["online"] for peer in netmap["peers"]}["nas"] is False
    assert store.read_bytes() == before
    assert left.json("events") == events

    real = left.ask("run", "--once")
    assert real.returncode == 0
    assert AWAY in told(real.stdout)
    assert AWAY in [(event["event_type"], event["subject_name"]) for event in left.json("events")]
    assert "peer." not in left.ask("diff").stdout


AWAY = ("peer.offline", "nas")


def told(lines: str) -> list[tuple[str, str]]:
    """Type and name of each event that a sink was told."""
    events = [json.loads(line)["event"] for line in lines.splitlines()]
    return [(event["event_type"], event["subject_name"]) for event in events]
