"""Another configuration while the service runs, with real processes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Service, Tailnet, becomes, eventually

SETTINGS: dict[str, Any] = {"policy": {"debounce_window": "200ms"}, "output": {"log_format": "json"}}


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=10) as running:
        yield running


@pytest.fixture
def service(tailnet: Tailnet, tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, control_url=tailnet.control_url, settings=SETTINGS) as running:
        running.wait_seeing()
        yield running


def rewrite(service: Service, **groups: Any) -> None:
    """Other values for whole groups in the service's file, or for keys in them."""
    whole = json.loads(service.config.read_text())
    for group, said in groups.items():
        known = whole.get(group)
        whole[group] = {**known, **said} if isinstance(known, dict) and isinstance(said, dict) else said
    service.config.write_text(json.dumps(whole))


def logged(service: Service, message: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in service.errors if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def in_file(path: Path) -> list[tuple[str, str]]:
    """Name and severity of what a sink wrote there."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(event["subject_name"], event["severity"]) for event in (json.loads(line)["event"] for line in lines)]


def hostnames(tailnet: Tailnet) -> set[str]:
    return {peer["hostname"] for peer in tailnet.truth().values() if peer["real"]}


def test_what_can_be_taken_at_once_is(tailnet: Tailnet, service: Service) -> None:
    kept, second = service.folder / "kept.jsonl", service.folder / "second.jsonl"
    tailnet.change({"op": "offline", "peer": "nas"})
    eventually(service.tellings, "the first sink is told")
    rewrite(
        service,
        sinks={"kept": {"type": "file", "path": str(kept)}},
        severity_overrides={"peer.offline": "critical"},
        tsnet={"hostname": "renamed", "state_dir": str(service.folder / "elsewhere")},
        time_zone="Europe/Berlin",
    )
    what = service.json("reload")
    assert what["faults"] == what["restarted"] == what["remarks"] == []
    assert {"sinks.kept.path", "tsnet.hostname", "time_zone", "severity_overrides.0.severity"} <= set(what["taken"])
    assert what["waiting"] == ["tsnet.state_dir"]
    tailnet.change({"op": "offline", "peer": "tom-iphone"})
    becomes(lambda: in_file(kept), [("tom-iphone", "critical")])
    assert service.tellings() == ["nas peer.offline"]
    assert [sink["name"] for sink in service.json("status")["sinks"]] == ["kept"]
    eventually(lambda: "renamed" in hostnames(tailnet), "the node has its new name")
    # A sink that changes goes on with its subjects' problems where it was.
    rewrite(service, sinks={"kept": {"type": "file", "path": str(second)}})
    os.kill(service.pid, signal.SIGHUP)
    eventually(lambda: len(logged(service, "the configuration was read again")) == 2, "it was read again")
    tailnet.change({"op": "online", "peer": "tom-iphone"})
    becomes(lambda: in_file(second), [("tom-iphone", "info")])
    assert service.json("reload")["waiting"] == ["tsnet.state_dir"]


def test_with_a_fault_the_old_one_stays(tailnet: Tailnet, service: Service) -> None:
    good = service.config.read_text()
    rewrite(service, retention="soon", policy={"debounce_window": "1h"}, sinks={"a": {"type": "apprise", "url": "?"}})
    os.kill(service.pid, signal.SIGHUP)
    told = eventually(
        lambda: logged(service, "the new configuration is not taken, the old one stays"), "the faults are logged"
    )
    assert all(line["level"] == "error" and "sentinel.json:1" in line["fault"] for line in told)
    assert {"retention", "sinks.a"} <= {line["fault"].split(": ")[1].removesuffix(".url") for line in told}
    assert service.ask("reload").returncode == 78
    tailnet.change({"op": "add", "name": "marker"})
    eventually(lambda: "marker peer.added" in service.tellings(), "the old window still holds")
    service.config.write_text(good)
    assert service.ask("reload").stdout == "Nothing has changed.\n"


def test_what_a_sink_has_not_got_yet_reaches_it_when_it_is_mended(tailnet: Tailnet, service: Service) -> None:
    closed = {"type": "webhook", "url": "http://127.0.0.1:1/", "allow": ["127.0.0.0/8"]}
    rewrite(service, sinks={"late": closed})
    assert service.json("reload")["faults"] == []
    tailnet.change({"op": "offline", "peer": "mira-macbook"})
    eventually(lambda: service.json("status")["sinks"][0]["pending"], "it waits for its sink")
    path = service.folder / "late.jsonl"
    rewrite(service, sinks={"late": {"type": "file", "path": str(path)}})
    service.ask("reload")
    # The node of the service before this one may have lost contact meanwhile, too.
    eventually(lambda: [name for name, _ in in_file(path)].count("mira-macbook") == 1, "the mended sink has it")
    eventually(lambda: not service.json("status")["sinks"][0]["pending"], "nothing waits any longer")
