"""The containers of the profile `demo`: they work, and they stay within what they are given."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.containers.engine import Project, engine
from tests.rig import becomes, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

DEMO = Project("sentinel-demo", ("docker-compose.yml", "tests/containers/compose.yml"))
compose, container = DEMO.compose, DEMO.container
ADMIN = "http://127.0.0.1:8182"
ASK = """
import sys, urllib.request as r
q = r.Request(sys.argv[1], data=sys.argv[2].encode() or None)
print(r.urlopen(q, timeout=10).read().decode())
"""
PAIR = ("demo-sentinel", "demo-sidecar")
ALL = (*PAIR, "demo-tailnet")
# What an engine writes into every container by itself.
THE_ENGINES = ("/etc", "/dev", "/proc", "/sys", "/run", "/.dockerenv", "/data", "/tmp")


@pytest.fixture(scope="module", autouse=True)
def demo() -> Iterator[None]:
    """The demonstration, built and up; gone with its volumes at the end."""
    compose("build", *ALL, within=3000)
    compose("down", "--volumes", "--timeout", "20")
    try:
        up()
        yield
    finally:
        compose("down", "--volumes", "--timeout", "20")


def up() -> None:
    compose("up", "--detach", *PAIR, "asking")
    eventually(sees, "the tailnet is seen")


def sees() -> bool:
    return "seeing" in compose("exec", "-T", "demo-sentinel", "sh", "-c", "sentinel status || true")


def tailnet(path: str, body: object = None) -> Any:
    """An answer of the simulated tailnet's interface; with a body the request is a POST."""
    text = "" if body is None else json.dumps(body)
    return json.loads(compose("exec", "-T", "asking", "python3", "-c", ASK, f"{ADMIN}{path}", text))


def add(name: str) -> None:
    tailnet("/v1/mutate", {"via": "delta", "changes": [{"op": "add", "peer": name, "name": name, "online": True}]})


def told(name: str) -> list[dict[str, Any]]:
    """The events that a new machine brought about, once one of them has been told."""
    found: list[dict[str, Any]] = [
        event for event in DEMO.sentinel("demo-sentinel", "events", "--limit", "0") if event["subject_name"] == name
    ]
    return found if any(one["state"] == "told" for event in found for one in event["outcomes"]) else []


def lines(name: str) -> int:
    """How often the sink said something of a machine."""
    return sum(name in line for line in compose("logs", "--no-log-prefix", "demo-sentinel").splitlines())


def is_told_once(name: str) -> None:
    events = eventually(lambda: told(name), f"{name} is told")
    types = [event["event_type"] for event in events]
    assert types.count("peer.added") == 1, types
    assert len({event["event_id"] for event in events}) == len(events)
    becomes(lambda: lines(name), 1)


def ledger() -> str:
    return str(DEMO.sentinel("demo-sentinel", "status")["ledger_id"])


def recorded() -> int:
    return len(DEMO.sentinel("demo-sentinel", "events", "--limit", "0"))


def own_nodes() -> list[str]:
    return [peer["stable_id"] for peer in tailnet("/v1/truth")["peers"] if peer["real"]]


def test_both_become_healthy() -> None:
    for name in PAIR:
        becomes(lambda name=name: container(name)["State"]["Health"]["Status"], "healthy")  # type: ignore[misc]


def test_a_change_is_told() -> None:
    add("first")
    is_told_once("first")


@pytest.mark.parametrize("victim", PAIR)
def test_a_kill_loses_nothing(victim: str) -> None:
    before = own_nodes()
    compose("kill", "--signal", "KILL", victim)
    add(f"killed-{victim[5:]}")
    compose("start", victim)
    eventually(sees, "the tailnet is seen")
    is_told_once(f"killed-{victim[5:]}")
    assert own_nodes() == before


@pytest.mark.parametrize("victim", PAIR)
def test_a_restart_loses_nothing(victim: str) -> None:
    before = own_nodes()
    add(f"before-{victim[5:]}")
    compose("restart", "--timeout", "20", victim)
    add(f"after-{victim[5:]}")
    eventually(sees, "the tailnet is seen")
    for moment in ("before", "after"):
        is_told_once(f"{moment}-{victim[5:]}")
    assert own_nodes() == before
    # Both end by themselves, within their time.
    assert DEMO.sentinel("demo-sentinel", "status")["last_words"] == ""
    assert "sidecar ended" in compose("logs", "demo-sidecar") or victim == "demo-sentinel"


def test_new_containers_have_the_old_state_and_identity() -> None:
    before, events, nodes = ledger(), recorded(), own_nodes()
    compose("rm", "--stop", "--force", *PAIR)
    add("meanwhile")
    up()
    assert ledger() == before
    assert own_nodes() == nodes
    eventually(lambda: told("meanwhile"), "what happened meanwhile is told")
    assert recorded() > events


def test_down_and_up_keep_the_state() -> None:
    before, events = ledger(), recorded()
    compose("down", "--timeout", "20")
    up()
    assert ledger() == before
    assert recorded() >= events


@pytest.mark.parametrize("name", ALL)
def test_nobody_is_root_nor_can_become_it(name: str) -> None:
    assert min(DEMO.users(name)) > 999
    assert DEMO.capabilities(name) == 0
    assert any(option.startswith("no-new-privileges") for option in container(name)["HostConfig"]["SecurityOpt"])


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_written_outside_the_volumes(name: str) -> None:
    described = container(name)
    assert described["HostConfig"]["ReadonlyRootfs"]
    changes = engine(f"/containers/{described['Id']}/changes") or []
    assert [each["Path"] for each in changes if not each["Path"].startswith(THE_ENGINES)] == []


def test_the_root_of_the_service_cannot_be_written_to() -> None:
    said = compose("exec", "-T", "demo-sentinel", "sh", "-c", "touch /opt/sentinel/x /x 2>&1 || true")
    assert said.count("Read-only file system") == 2, said


def test_images_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    largest = {"demo-sentinel": 350, "demo-sidecar": 60, "demo-tailnet": 40}
    sizes = {name: engine(f"/images/{container(name)['Image']}/json")["Size"] / 1e6 for name in largest}
    with capsys.disabled():
        print("", *(f"{name}: {size:.0f} MB" for name, size in sizes.items()), sep="\n")
    assert {name: size < largest[name] for name, size in sizes.items()} == dict.fromkeys(largest, True)
