"""One container for those who come from jaxxstorm/sentinel: their variables and their folder, as they are."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import ROOT, Project
from tests.rig import becomes, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

USER, GROUP = 10001, 10000
MORE = """
SENTINEL_POLL_INTERVAL=10s
SENTINEL_DETECTOR_ORDER=["runtime","presence","peer_changes"]
SENTINEL_POLICY_DEBOUNCE_WINDOW=1s
SENTINEL_NOTIFIER_SINK_NAME=log
SENTINEL_NOTIFIER_SINK_TYPE=stdout
SENTINEL_NOTIFIER_ROUTE_SEVERITIES=info
SENTINEL_NOTIFIER_ROUTE_SINKS=log
"""
"""What of the original's variables acts differently here."""
DIFFERENT = [
    "SENTINEL_POLICY_DEBOUNCE_WINDOW sets policy.debounce_window; the original did not read it",
    "the default route, to stdout-debug, has more types than the 17 of the original",
    "SENTINEL_NOTIFIER_ROUTE_…: `*` has more types than the 17 of the original",
    "SENTINEL_NOTIFIER_ROUTE_…: `severities` now chooses; in the original every event was `info`",
    "`detector_order` says which detectors there are, and no longer in which order they speak",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The original's folder with its state in it."""
    for above in tmp_path.parents:
        if above.owner() == tmp_path.owner() and above != Path("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)
    data = tmp_path / ".sentinel"
    data.mkdir()
    shutil.copy(ROOT / "tests/fixtures/original/realtime.json", data / "state.json")
    return data


@pytest.fixture(
    params=[("docker-compose.single.yml", "tests/containers/single.yml"), ("tests/containers/original.yml",)]
)
def single(request: pytest.FixtureRequest, folder: Path) -> Iterator[Project]:
    """The project, ours and the original's own, not yet up; gone at the end."""
    variables = folder.with_name("env")
    variables.write_text((ROOT / "config/original.env.example").read_text() + MORE)
    env = {"TEST_DATA": str(folder), "TEST_ENV": str(variables), "SENTINEL_IMAGE": "sentinel-service:latest"}
    project = Project("sentinel-single", request.param, env)
    project.compose("build", within=3000)
    yield project
    project.compose("down", "--timeout", "30")


def hand_over(folder: Path) -> None:
    for path in (folder, *folder.iterdir()):
        os.chown(path, USER, GROUP)


def test_a_folder_of_somebody_else_is_answered_with_the_line_that_hands_it_over(single: Project, folder: Path) -> None:
    folder.chmod(0o700)
    single.compose("up", "--detach", "tailnet")
    script = ("--entrypoint", "sh", "sentinel", "-c", "sentinel run 2>&1 || true")
    said = single.compose("run", "--rm", "--no-deps", "-T", *script)
    assert f"run 'chown -R {USER} /data'" in said


def test_the_originals_variables_and_folder_will_do(single: Project, folder: Path) -> None:
    hand_over(folder)
    before = (folder / "state.json").read_bytes()
    single.compose("up", "--detach")
    eventually((folder / "state.db").exists, "the store stands beside the original's state")
    becomes(lambda: single.container("sentinel")["State"]["Health"]["Status"], "healthy")
    becomes(lambda: single.sentinel("sentinel", "check")["troubles"], [])
    devices = single.sentinel("sentinel", "devices")
    assert len([device for device in devices if device["subject_type"] == "peer"]) == 20
    assert (folder / "state.json").read_bytes() == before
    assert (folder / "tsnet").is_dir()
    assert set(single.users("sentinel")) == {USER}
    verdict = single.sentinel("sentinel", "config", "validate")
    assert verdict["warnings"] == []
    assert [each["text"] for each in verdict["differences"]] == DIFFERENT
    assert [each["path"] for each in verdict["pending"]] == ["poll_interval"]
    log = single.compose("logs", "--no-log-prefix", "sentinel")
    assert log.count(f"{len(DIFFERENT)} things act differently from jaxxstorm/sentinel") == 1
    assert log.count("what is seen first is compared with the state file") == 1
