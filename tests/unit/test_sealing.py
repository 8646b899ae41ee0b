"""What the configuration makes of findings: severities, labels, and types that are not recorded."""

from pathlib import Path

import orjson
import pytest

from sentinel.app import tables
from sentinel.app.rules import sealing
from sentinel.config import Config, examine
from sentinel.events import Severity
from sentinel.policy.routes import Route, Selector, selects
from tests.builders import delta, node
from tests.world import World

LABELLED = Route("", Selector(labels=("site=ber*",)), None, ("hook",), stop=False, index=0)


def config(tmp_path: Path, text: str) -> Config:
    (tmp_path / "sentinel.yaml").write_text(text)
    found = examine(None, {}, cwd=tmp_path)
    assert found.config is not None, found.faults
    return found.config


def world(tmp_path: Path, text: str, *routes: Route) -> World:
    """A service with this configuration that has seen two peers."""
    made = World(tmp_path / "state.db", sealing=sealing(config(tmp_path, text)), routes=routes or None)
    made.connect()
    made.see(made.wire.base(node("nas", tags=["tag:server"]), node("pi")))
    return made


def severities(here: World) -> list[tuple[str, Severity, object]]:
    """Name, severity and severity in the envelope of each event."""
    events = [told.event for told in here.history()]
    return [(event.subject_name, event.severity, orjson.loads(event.body)["severity"]) for event in events]


def test_the_first_override_that_fits_decides_the_severity(tmp_path: Path) -> None:
    first = "{match: {event_types: [peer.offline], tags: ['tag:server']}, severity: critical}"
    second = "{match: {event_types: ['peer.*']}, severity: info}"
    here = world(tmp_path, f"severity_overrides: [{first}, {second}]")
    for name in ("nas", "pi"):
        here.see(here.wire.patch(name, online=False))
    assert severities(here) == [("nas", "critical", "critical"), ("pi", "info", "info")]


def test_overrides_by_type_are_the_same(tmp_path: Path) -> None:
    here = world(tmp_path, "severity_overrides: {peer.offline: critical}")
    here.see(here.wire.patch("pi", online=False))
    assert severities(here) == [("pi", "critical", "critical")]


def test_an_override_asks_for_the_severity_of_the_catalogue(tmp_path: Path) -> None:
    overrides = "[{match: {severities: [warning]}, severity: info}, {match: {severities: [info]}, severity: critical}]"
    here = world(tmp_path, f"severity_overrides: {overrides}")
    for online in (False, True):
        here.see(here.wire.patch("nas", online=online))
    assert [severity for _, severity, _ in severities(here)] == ["info", "critical"]


def test_another_severity_is_the_same_event(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    plain, other = world(tmp_path / "a", ""), world(tmp_path / "b", "severity_overrides: {peer.offline: critical}")
    for here in (plain, other):
        here.see(here.wire.patch("pi", online=False))
    (one,), (two,) = plain.bodies(), other.bodies()
    assert one | {"severity": two["severity"]} == two


def test_events_carry_the_labels_of_their_source_and_routes_see_them(tmp_path: Path) -> None:
    here = world(tmp_path, "sources: {tailnet: {labels: {site: berlin}}}", LABELLED)
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    assert [body["labels"] for body in here.bodies()] == [{"site": "berlin"}]
    assert here.told() == ["pi peer.offline"]


def test_another_source_has_its_own_labels(tmp_path: Path) -> None:
    text = "sources: {tailnet: {}, other: {sidecar: external, labels: {site: berlin}}}"
    here = world(tmp_path, text, LABELLED)
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    assert [body["labels"] for body in here.bodies()] == [{}]
    assert here.told() == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ["peer.offline", "peer.tags.changed"]),
        ("detectors: {presence: {enabled: false}}", ["peer.tags.changed"]),
        ("detectors: {peer_changes: {enabled: false}}", ["peer.offline"]),
        ("detectors: {runtime: {enabled: false}}", ["peer.offline", "peer.tags.changed"]),
        ("detector_order: [runtime, peer_changes]", ["peer.tags.changed"]),
        ("detector_order: [runtime, peer_changes, presence]", ["peer.offline", "peer.tags.changed"]),
    ],
)
def test_what_a_detector_made_is_not_recorded_without_it(tmp_path: Path, text: str, left: list[str]) -> None:
    here = world(tmp_path, text)
    here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:db"], online=False)])))
    here.pass_time(10)
    assert here.events() == [f"nas {kind}" for kind in left]
    # What happened meanwhile is known all the same: nothing of it comes up later.
    here.sealing = sealing(config(tmp_path, ""))
    here.exchange()
    here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:db"], online=False)])))
    here.pass_time(10)
    assert len(here.events()) == len(left)


def test_every_type_belongs_to_one_detector_of_the_original(tmp_path: Path) -> None:
    def without(*names: str) -> frozenset[str]:
        off = ", ".join(f"{name}: {{enabled: false}}" for name in names)
        return sealing(config(tmp_path, f"detectors: {{{off}}}")).unrecorded

    groups = [without(name) for name in ("presence", "peer_changes", "runtime")]
    assert sum(map(len, groups)) == len(tables.CATALOGUE)
    assert frozenset().union(*groups) == without("presence", "peer_changes", "runtime") == set(tables.CATALOGUE)
    assert "route.lost" in groups[1]
    assert "daemon.state.changed" in groups[2]


def test_a_selector_that_names_nothing_selects_every_event(tmp_path: Path) -> None:
    here = world(tmp_path, "")
    here.see(here.wire.patch("pi", online=False))
    (told,) = here.history()
    assert selects(told.event, Selector())
    assert not selects(told.event, Selector(device_names=("nas",)))
