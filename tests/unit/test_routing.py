"""Routes of the configuration, in both forms, become those of policy; a type that no event has is a fault."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sentinel.app import check, event_types, remarks
from sentinel.app.routing import routes
from sentinel.config import Config, Loaded, examine
from sentinel.policy.routes import Route, Selector, concerned
from tests.unit.test_routes import ROWS, Row


def loaded(tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> Loaded:
    (tmp_path / "sentinel.yaml").write_text(text)
    return examine(None, env or {}, cwd=tmp_path)


def valid(tmp_path: Path, text: str) -> Config:
    found = loaded(tmp_path, text)
    assert found.faults == ()
    assert found.config is not None
    return found.config


def only(tmp_path: Path, route: str) -> Route:
    sinks = "{a: {type: stdout}, b: {type: stdout}}"
    (route_,) = routes(valid(tmp_path, f"sinks: {sinks}\nroutes: [{{{route}, sinks: [a]}}]"))
    return route_


# The same in the original's form and in ours.
PAIRS = (
    ("event_types: ['*']", "match: {event_types: ['*']}"),
    ("event_types: [peer.online], severities: [info]", "match: {event_types: [peer.online], severities: [info]}"),
    ("event_types: ['*'], device: {names: [nas]}", "match: {event_types: ['*'], device_names: [nas]}"),
    ("event_types: ['*'], device: {tags: [tag:a]}", "match: {event_types: ['*'], tags: [tag:a]}"),
    ("event_types: ['*'], device: {owners: ['12']}", "match: {event_types: ['*'], owners: ['12']}"),
    ("event_types: ['*'], device: {ips: [1.2.3.4]}", "match: {event_types: ['*'], ips: [1.2.3.4]}"),
    (
        "event_types: ['*'], filters: {include: {device_names: ['web-*'], tags: [x], ips: [10.0.0.0/8]}}",
        "match: {event_types: ['*'], device_names: ['web-*'], tags: [x], ips: [10.0.0.0/8]}",
    ),
    ("event_types: ['*'], filters: {include: {events: [peer.added]}}", "match: {event_types: [peer.added]}"),
    ("event_types: [peer.added], filters: {include: {events: ['*']}}", "match: {event_types: [peer.added]}"),
    (
        "event_types: ['*'], filters: {exclude: {device_names: [a], tags: [b], ips: [1.2.3.4], events: [sink.*]}}",
        "match: {event_types: ['*']}, except: {device_names: [a], tags: [b], ips: [1.2.3.4], event_types: [sink.*]}",
    ),
    (
        "event_types: ['*'], device: {names: [a]}, filters: {include: {tags: [b]}, exclude: {events: [peer.added]}}",
        "match: {event_types: ['*'], device_names: [a], tags: [b]}, except: {event_types: [peer.added]}",
    ),
)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_both_forms_are_the_same_route(tmp_path: Path, theirs: str, ours: str) -> None:
    assert only(tmp_path, theirs) == only(tmp_path, ours)


@pytest.mark.parametrize("row", [row for row in ROWS if row.original], ids=lambda row: row.rule)
def test_a_route_in_the_originals_form_asks_for_what_it_says(tmp_path: Path, row: Row) -> None:
    notifier = {"sinks": [{"name": "hook", "type": "stdout"}], "routes": [{**(row.original or {}), "sinks": ["hook"]}]}
    config = valid(tmp_path, json.dumps({"notifier": notifier}))
    assert list(concerned(row.event, routes(config))) == ["hook"] * row.asked


def test_every_key_of_ours_arrives(tmp_path: Path) -> None:
    keys = (
        "event_types: ['peer.*'], severities: [warning], device_names: [a], tags: [b], owners: [c@example.com], "
        "ips: [fd00::/8], os: [linux], sources: [tail*], roles: [router], labels: {site: x}"
    )
    route = only(
        tmp_path, f"name: n, match: {{{keys}}}, except: {{tags: [t]}}, stop: true, resolved: false, fallback: b"
    )

    match = Selector(
        event_types=("peer.*",),
        severities=("warning",),
        device_names=("a",),
        tags=("b",),
        owners=("c@example.com",),
        ips=("fd00::/8",),
        os=("linux",),
        sources=("tail*",),
        roles=("router",),
        labels=("site=x",),
    )
    exclude = Selector(tags=("t",))
    assert route == Route("n", match, exclude, ("a",), stop=True, index=0, resolved=False, fallback=("b",))


def test_the_alias_is_the_types_that_the_original_has(tmp_path: Path) -> None:
    found = only(tmp_path, "match: {event_types: ['@original', peer.online, route.lost]}").match.event_types
    assert found == (*event_types.ORIGINAL, "route.lost")
    assert len(event_types.ORIGINAL) == 17


class TestWithoutRoutes:
    def test_programs_are_told_everything_and_people_what_is_worth_a_look(self, tmp_path: Path) -> None:
        config = valid(
            tmp_path,
            "sinks: {a: {type: stdout}, b: {type: stdout, format: text}, c: {type: apprise, url: 'x://y'},"
            " d: {type: webhook, url: 'https://x'}, e: {type: discord, url: 'https://x'}}",
        )
        assert [(route.match, route.sinks, route.index) for route in routes(config)] == [
            (Selector(), ("a", "d"), 0),
            (Selector(severities=("warning", "critical")), ("b", "c", "e"), 1),
        ]

    def test_the_defaults_are_those_of_the_original(self, tmp_path: Path) -> None:
        ((match, sinks),) = [(route.match, route.sinks) for route in routes(valid(tmp_path, ""))]
        assert (match, sinks) == (Selector(), ("stdout-debug",))

    def test_nobody_is_told_nothing(self, tmp_path: Path) -> None:
        assert routes(valid(tmp_path, "").model_copy(update={"sinks": {}})) == ()


class TestSinksOfARoute:
    def test_a_skipped_one_is_left_out(self, tmp_path: Path) -> None:
        text = (
            "notifier: {sinks: [{name: a, url: '${NO}'}, {name: b, url: 'https://x'}],"
            " routes: [{event_types: ['*'], sinks: [a, b, b]}, {event_types: ['*'], sinks: [a]}, {event_types: ['*']}]}"
        )
        assert [route.sinks for route in routes(valid(tmp_path, text))] == [
            ("b",),
            ("stdout-debug",),
            ("stdout-debug",),
        ]

    def test_without_the_one_that_is_always_there_they_must_be_named(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "sinks: {a: {type: stdout}}\nroutes:\n- event_types: ['*']\n")
        assert [str(fault) for fault in found.faults] == [f"{tmp_path}/sentinel.yaml:3: routes.0: needs `sinks`"]

    def test_a_route_without_them_hides_no_fault_of_another_one(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "sinks: {a: {type: stdout}}\nroutes:\n- {sinks: []}\n- {sinks: [b]}\n")
        assert [(fault.line, fault.path) for fault in found.faults] == [(3, "routes.0"), (4, "routes.1.sinks.0")]


class TestFallback:
    SINKS = "sinks: {pager: {type: stdout}, phone: {type: stdout}, log: {type: stdout}}"

    @pytest.mark.parametrize(
        ("fallback", "at", "text"),
        [
            ("[phone, lob]", 1, "names `lob`, which is no sink: did you mean `log`?"),
            ("'phone, pager'", 1, "names `pager`, which is among the route's own `sinks`: name another one"),
        ],
    )
    def test_one_that_cannot_stand_by_is_a_fault(self, tmp_path: Path, fallback: str, at: int, text: str) -> None:
        route = f"{{match: {{tags: [x]}}, sinks: [pager], fallback: {fallback}}}"
        found = loaded(tmp_path, f"{self.SINKS}\nroutes:\n- {route}\n")
        assert [str(fault) for fault in found.faults] == [f"{tmp_path}/sentinel.yaml:3: routes.0.fallback.{at}: {text}"]

    def test_one_that_is_skipped_is_a_fault(self, tmp_path: Path) -> None:
        text = (
            "notifier:\n  sinks: [{name: a, url: '${NO}'}, {name: b, url: 'https://x'}]\n"
            "  routes: [{event_types: ['*'], sinks: [b], fallback: [a]}]"
        )
        (fault,) = loaded(tmp_path, text).faults
        assert (fault.path, fault.line) == ("notifier.routes.0.fallback.0", 3)
        assert fault.text == "names `a`, which is skipped: give that sink its `url`, or name another one"

    def test_a_sink_that_only_a_fallback_names_is_named(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, f"{self.SINKS}\nroutes: [{{match: {{}}, sinks: [pager], fallback: [phone]}}]")
        assert found.warnings == ("no route names the sink log: it is told nothing",)

    def test_one_that_keeps_incidents_is_looked_at_like_a_sink_of_the_route(self, tmp_path: Path) -> None:
        sinks = "sinks: {desk: {type: alertmanager, url: 'http://127.0.0.1:9093'}, log: {type: stdout}}"
        route = "{match: {event_types: [peer.renamed]}, sinks: [log], fallback: [desk]}"
        (said,) = remarks(valid(tmp_path, f"{sinks}\nroutes: [{route}]"))
        assert said.startswith("routes.0: desk keeps incidents")


class TestTypes:
    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("routes: [{match: {event_types: [peer.onlin]}, sinks: [stdout-debug]}]", "routes.0.match.event_types"),
            ("routes: [{except: {event_types: [peer.onlin]}, sinks: [stdout-debug]}]", "routes.0.except.event_types"),
            ("routes: [{event_types: [peer.onlin]}]", "routes.0.event_types"),
            ("notifier: {routes: [{event_types: [peer.onlin]}]}", "notifier.routes.0.event_types"),
            (
                "routes: [{event_types: ['*'], filters: {exclude: {events: [peer.onlin]}}}]",
                "routes.0.filters.exclude.events",
            ),
            ("severity_overrides: [{match: {event_types: [peer.onlin]}, severity: info}]", ""),
            ("policy: {hold: [{match: {event_types: [peer.onlin]}, for: 1m}]}", "policy.hold.0.match.event_types"),
        ],
    )
    def test_one_that_no_event_has_is_a_fault_with_the_nearest(self, tmp_path: Path, text: str, path: str) -> None:
        found = loaded(tmp_path, f"\n{text}")
        assert found.config is not None
        (fault,) = map(found.located, check(found.config))
        assert fault.path == (path or "severity_overrides.0.match.event_types")
        assert fault.line == 2
        assert fault.text == "names `peer.onlin`, which is no type of event: did you mean `peer.online`?"

    def test_an_override_by_type_is_told_with_its_line(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "\nseverity_overrides:\n  peer.onlin: info")
        assert found.config is not None
        ((line, text),) = [(fault.line, fault.text) for fault in map(found.located, check(found.config))]
        assert (line, "did you mean `peer.online`?" in text) == (2, True)

    @pytest.mark.parametrize(
        "pattern", ["*", "peer.*", "*.changed", "@original", "tailnet.mass_change", "sink.failing"]
    )
    def test_a_pattern_that_some_event_has_is_none(self, tmp_path: Path, pattern: str) -> None:
        assert check(valid(tmp_path, f"routes: [{{event_types: ['{pattern}']}}]")) == ()

    def test_a_pattern_that_none_has_is_one(self, tmp_path: Path) -> None:
        (fault,) = check(valid(tmp_path, "routes: [{event_types: ['host.*']}]"))
        assert fault.text == "names `host.*`, which is no type of event"

    def test_no_type_is_ahead_that_a_room_has_already(self) -> None:
        assert len(event_types.known()) == len(set(event_types.known()))
        assert not set(event_types.AHEAD) & set(event_types.ORIGINAL)


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ("[peer.renamed, peer.online]", True),
        ("[peer.renamed, peer.offline]", False),
        ("['route.*']", False),
        ("[daemon.health.changed]", False),
        ("['*']", False),
    ],
)
def test_a_route_that_can_open_no_incident_at_a_sink_that_keeps_them_is_warned_about(
    tmp_path: Path, types: str, told: bool
) -> None:
    sinks = "sinks: {desk: {type: alertmanager, url: 'http://127.0.0.1:9093'}, log: {type: stdout}}"
    text = f"{sinks}\nroutes: [{{match: {{event_types: {types}}}, sinks: [log, desk]}}]"
    found = remarks(valid(tmp_path, text))
    named = types.strip("[]")
    line = f"routes.0: desk keeps incidents, and none of these types is a problem that opens one: {named}"
    assert found == ((line,) if told else ())
