"""A first base beside the state file of jaxxstorm/sentinel: only what really differs from it is told."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from sentinel.app.earlier import earlier
from sentinel.config import Config, examine
from sentinel.sources.tailnet import original_state
from sentinel.store.protocol import Contents, SourceRow
from tests.builders import delta, node
from tests.world import SOURCE, World

EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)


def stored(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"n-{name}",
        "name": f"{name}.example.ts.net.",
        "online": True,
        "machine_authorized": True,
        "key_expiry": "0001-01-01T00:00:00Z",
        **fields,
    }


def world(tmp_path: Path, *peers: dict[str, Any]) -> World:
    file = {"snapshot": {"captured_at": "2026-01-01T08:00:00Z", "peers": list(peers)}}
    found = original_state.parse(orjson.dumps(file))
    assert found is not None
    made = World(tmp_path / "state.db", earlier={SOURCE: original_state.earlier(found)})
    made.connect()
    return made


def test_a_tailnet_that_is_as_it_was_is_no_news(tmp_path: Path) -> None:
    here = world(tmp_path, stored("nas", tags=["tag:server"]), stored("pi", online=False))
    here.see(here.wire.base(node("nas", tags=["tag:server"]), node("pi", online=False)))
    here.pass_time(10)
    assert here.events() == []


def test_what_differs_from_the_file_is_told(tmp_path: Path) -> None:
    here = world(tmp_path, stored("nas"), stored("pi", tags=["tag:old"]), stored("gone"), stored("same"))
    here.see(
        here.wire.base(node("nas", online=False), node("pi", tags=["tag:new"]), node("same"), node("new", online=False))
    )
    here.pass_time(10)
    gone = ["gone peer.offline", "gone peer.removed"]
    assert sorted(here.told()) == [*gone, "nas peer.offline", "new peer.added", "pi peer.tags.changed"]
    tags = next(body for body in here.bodies() if body["event_type"] == "peer.tags.changed")
    assert tags["changes"] == [{"path": "tags", "before": ["tag:old"], "after": ["tag:new"]}]


def test_a_key_that_expired_since_is_told_and_one_that_had_is_not(tmp_path: Path) -> None:
    ends = "2027-01-01T00:00:00Z"
    here = world(tmp_path, stored("nas", key_expiry=ends), stored("pi", key_expiry=ends, expired=True))
    here.see(here.wire.base(node("nas", key_expiry=EXPIRY, expired=True), node("pi", key_expiry=EXPIRY, expired=True)))
    here.pass_time(10)
    assert here.told() == ["nas peer.key_expired"]


def test_a_route_that_lost_its_carrier_since_is_told(tmp_path: Path) -> None:
    here = world(tmp_path, stored("nas", routes=["10.1.0.0/16"]), stored("pi"))
    here.see(here.wire.base(node("nas"), node("pi")))
    here.pass_time(10)
    assert sorted(here.told()) == ["10.1.0.0/16 route.lost", "nas peer.routes.changed"]


def test_after_the_first_base_everything_is_as_always(tmp_path: Path) -> None:
    here = world(tmp_path, stored("nas"))
    here.see(here.wire.base(node("nas")))
    here.restart()
    here.connect(last_made=None)
    here.see(here.wire.frame(delta=delta(upserts=[node("pi")])))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    assert here.events() == ["pi peer.added", "pi peer.online", "nas peer.offline"]


def test_a_tailnet_that_the_file_does_not_know_is_a_first_sight(tmp_path: Path) -> None:
    here = world(tmp_path, stored("elsewhere"))
    here.see(here.wire.base(node("nas"), node("pi")))
    here.pass_time(10)
    assert here.events() == []
    assert {row.key.id for row in here.reader.subjects() if row.key.type == "peer"} == {"n-nas", "n-pi"}


def test_the_hashes_of_what_differs_are_those_of_the_file_and_of_the_base(tmp_path: Path) -> None:
    here = world(tmp_path, stored("nas"))
    here.see(here.wire.base(node("nas", online=False)))
    (body,) = here.bodies()
    assert body["before_hash"] != body["after_hash"]
    assert body["before_hash"] != "0" * 64


class TestFile:
    """Which file counts."""

    def config(self, tmp_path: Path, path: str = "state.json") -> Config:
        (tmp_path / "sentinel.yaml").write_text(f"state: {{path: {path}}}")
        found = examine(None, {}, cwd=tmp_path).config
        assert found is not None
        return found

    def contents(self, *sources: SourceRow) -> Contents:
        return Contents("l", 0, 1, 1, "", sources, (), (), {})

    def write(self, tmp_path: Path, text: bytes = b"", name: str = "state.json") -> Path:
        path = tmp_path / name
        path.write_bytes(text or orjson.dumps({"snapshot": {"peers": [stored("nas")]}}))
        return path

    def test_it_counts_for_every_source_of_a_new_store_and_stays_as_it_is(self, tmp_path: Path) -> None:
        path = self.write(tmp_path)
        before = path.read_bytes()
        assert set(earlier(self.config(tmp_path), self.contents())) == {SOURCE}
        assert path.read_bytes() == before

    def test_it_counts_until_something_was_seen(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        begun = SourceRow(SOURCE, "tailnet")
        assert earlier(self.config(tmp_path), self.contents(begun))
        assert not earlier(self.config(tmp_path), self.contents(SourceRow(SOURCE, "tailnet", based=True)))

    @pytest.mark.parametrize("text", [b"{", b"{}", b'{"snapshot": {"peers": [{"id": "nodekey:1"}]}}'])
    def test_one_that_says_nothing_or_is_damaged_is_as_if_there_were_none(self, tmp_path: Path, text: bytes) -> None:
        self.write(tmp_path, text)
        assert earlier(self.config(tmp_path), self.contents()) == {}

    def test_without_one_there_is_nothing(self, tmp_path: Path) -> None:
        assert earlier(self.config(tmp_path), self.contents()) == {}

    def test_a_store_is_no_such_file(self, tmp_path: Path) -> None:
        self.write(tmp_path, name="state.db")
        assert earlier(self.config(tmp_path, "state.db"), self.contents()) == {}
