"""A pager that refuses and fails, and the file that is told besides, with a real service that is killed in between."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sentinel.wire.v1 import frame_pb2
from tests.bench import crowd, edge
from tests.builders import Wire, delta, patch
from tests.contracts.endpoint import Endpoint, status
from tests.rig import Service, becomes, eventually

PEERS = 6


class Story:
    """An edge that outlives services, and what its frames say."""

    def __init__(self, folder: Path, pager: Endpoint) -> None:
        self.folder = folder
        self._wire = Wire()
        self._base = crowd.base(self._wire, crowd.peers(PEERS))
        self._standing: frame_pb2.Position | None = None
        self._settings: dict[str, Any] = {
            **edge.SETTINGS,
            "sinks": {
                "pager": {"type": "webhook", "url": f"http://{pager.place}/"},
                "spare": {"type": "file", "path": str(folder / "spare.jsonl")},
            },
            "routes": [{"match": {"event_types": ["peer.*"]}, "sinks": ["pager"], "fallback": ["spare"]}],
        }

    @contextmanager
    def service(self) -> Iterator[Service]:
        """A service on what the last one left, with its edge."""
        with Service(self.folder, control_url="", settings=self._settings) as running:
            socket = self.folder / "run" / "ingest.sock"
            with edge.FakeEdge(socket, self._wire.boot_id, standing=self._standing) as self._edge:
                self._edge.welcomed()
                if self._standing is None:
                    self._send(*self._base)
                yield running

    def turn(self, number: int, *, online: bool) -> None:
        """A peer's contact changes; returns once that is committed."""
        self._wire.pass_time(crowd.STEP)
        self._send(self._wire.message(delta=delta(patches=[patch(crowd.name(number), online=online)])))

    def spare(self) -> list[str]:
        """What the file was told."""
        file = self.folder / "spare.jsonl"
        told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        assert all(one["idempotency_key"].startswith(one["event"]["event_id"]) for one in told)
        return [_short(one["event"]) for one in told]

    def _send(self, *frames: frame_pb2.Frame) -> None:
        self._edge.send(map(edge.request, frames))
        self._edge.wait_acked(frames[-1].position)
        self._standing = frames[-1].position


def _short(event: dict[str, Any]) -> str:
    return f"{int(event['subject_name'].removeprefix('machine-'))} {event['event_type'].removeprefix('peer.')}"


def _of_pager(service: Service) -> set[str]:
    """The events of the pager itself."""
    return {event["event_type"] for event in service.json("events", "--type", "sink.*")}


def _nothing_waits(service: Service, sink: str) -> bool:
    return not any(one["pending"] for one in service.json("status")["sinks"] if one["name"] == sink)


@pytest.fixture
def pager() -> Iterator[Endpoint]:
    with Endpoint(status(401)) as running:
        yield running


def test_the_fallback_is_told_what_the_pager_refuses_or_does_not_get_once_and_how_it_ends(
    tmp_path: Path, pager: Endpoint
) -> None:
    story = Story(tmp_path, pager)
    with story.service() as service:
        story.turn(0, online=False)
        becomes(story.spare, ["0 offline"])
        eventually(lambda: "sink.failing" in _of_pager(service), "the pager fails")
        pager.answer = status(500)
        story.turn(1, online=False)
        becomes(story.spare, ["0 offline", "1 offline"])
        eventually(lambda: _nothing_waits(service, "spare"), "the outcome is committed")
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    with story.service() as service:
        story.turn(2, online=False)
        story.turn(1, online=True)
        becomes(story.spare, ["0 offline", "1 offline", "2 offline", "1 online"])
        pager.answer = status(200)
        story.turn(3, online=False)
        eventually(lambda: "sink.recovered" in _of_pager(service), "the pager is well again")
        heard = len(pager.requests)
        story.turn(4, online=False)
        eventually(lambda: len(pager.requests) > heard, "the pager is told")
        eventually(lambda: _nothing_waits(service, "spare"), "everything is told")
        _says_for_whom(service)
        assert service.stop() == 0
    assert story.spare() == ["0 offline", "1 offline", "2 offline", "1 online", "3 offline"]


def _says_for_whom(service: Service) -> None:
    """Each of the file's deliveries that stands in for one of the pager's has its key, and is known as such."""
    found = service.json("deliveries", "--limit", "0")
    own = {one["key"] for one in found if one["sink"] == "pager"}
    stood_in = [one["key"] for one in found if one["fallback_for"] == "pager"]
    assert len(stood_in) == len(set(stood_in)) == 4
    assert set(stood_in) <= own
    explained = " ".join(service.ask("explain", "1").stdout.split())
    assert "as a fallback for pager (named by routes[0])" in explained
