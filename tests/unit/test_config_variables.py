"""Variables: every key has one, those of the original all work, and config show says which of them it was."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from sentinel.config import Loaded, Option, examine
from sentinel.config.document import Place
from sentinel.config.given import Origin, OriginKind
from sentinel.config.reference import key_id, keys
from sentinel.config.reloading import compare
from sentinel.config.shapes import is_structured, single_keys
from sentinel.config.showing import HIDDEN, Shown, shown
from sentinel.config.variables import ORIGINALS, OURS, ROUTE_SHORTHAND, SINK_SHORTHAND

ROOT = Path(__file__).parents[2]
SINKS = '[{"name": "a", "type": "stdout", "format": "text"}]'
ROUTES = '[{"event_types": ["peer.online"], "sinks": ["stdout-debug"]}]'
OAUTH = {"SENTINEL_TSNET_CLIENT_SECRET": "s", "SENTINEL_TSNET_CLIENT_ID": "i"}

OFF = "detectors.presence.enabled"
Case = tuple[str, str, str, object, Mapping[str, str]]
# variable, what it says, the key that it sets, what is shown, variables that it needs beside it
THEIRS: tuple[Case, ...] = (
    ("SENTINEL_POLL_INTERVAL", "5s", "poll_interval", "5s", {}),
    ("SENTINEL_POLL_JITTER", "2s", "poll_jitter", "2s", {}),
    ("SENTINEL_POLL_BACKOFF_MIN", "1s", "poll_backoff_min", "1s", {}),
    ("SENTINEL_POLL_BACKOFF_MAX", "1m", "poll_backoff_max", "1m", {}),
    ("SENTINEL_SOURCE_MODE", "poll", "source.mode", "poll", {}),
    ("SENTINEL_DETECTORS", '{"presence": {"enabled": false}, "runtime": {}, "peer_changes": {}}', OFF, False, {}),
    ("SENTINEL_DETECTOR_ORDER", '["runtime"]', "detector_order", ["runtime"], {}),
    ("SENTINEL_POLICY_DEBOUNCE_WINDOW", "7s", "policy.debounce_window", "7s", {}),
    ("SENTINEL_POLICY_SUPPRESSION_WINDOW", "1m", "policy.suppression_window", "1m", {}),
    ("SENTINEL_POLICY_RATE_LIMIT_PER_MIN", "60", "policy.rate_limit_per_min", 60, {}),
    ("SENTINEL_POLICY_BATCH_SIZE", "5", "policy.batch_size", 5, {}),
    ("SENTINEL_NOTIFIER_IDEMPOTENCY_KEY_TTL", "1h", "notifier.idempotency_key_ttl", "1h", {}),
    ("SENTINEL_NOTIFIER_SINKS", SINKS, "sinks.a.format", "text", {}),
    ("SENTINEL_NOTIFIER_ROUTES", ROUTES, "routes.0.event_types", ["peer.online"], {}),
    ("SENTINEL_STATE_PATH", "/data/state.json", "state.path", "/data/state.json", {}),
    ("SENTINEL_STATE_IDEMPOTENCY_KEY_TTL", "2h", "state.idempotency_key_ttl", "2h", {}),
    ("SENTINEL_OUTPUT_LOG_FORMAT", "json", "output.log_format", "json", {}),
    ("SENTINEL_OUTPUT_LOG_LEVEL", "warn", "output.log_level", "warning", {}),
    ("SENTINEL_OUTPUT_NO_COLOR", "true", "output.no_color", True, {}),
    ("SENTINEL_TSNET_HOSTNAME", "watcher", "tsnet.hostname", "watcher", {}),
    ("SENTINEL_TSNET_STATE_DIR", "/data/tsnet", "tsnet.state_dir", "/data/tsnet", {}),
    ("SENTINEL_TSNET_AUTH_KEY", "tskey-canary", "tsnet.auth_key", HIDDEN, {}),
    ("SENTINEL_TAILSCALE_AUTH_KEY", "tskey-canary", "tsnet.auth_key", HIDDEN, {}),
    ("SENTINEL_TSNET_ADVERTISE_TAGS", "tag:a, tag:b", "tsnet.advertise_tags", ["tag:a", "tag:b"], {}),
    ("SENTINEL_TSNET_ADVERTISE_TAGS", '["tag:a"]', "tsnet.advertise_tags", ["tag:a"], {}),
    ("SENTINEL_TSNET_CLIENT_SECRET", "canary", "tsnet.client_secret", HIDDEN, OAUTH),
    ("SENTINEL_TSNET_CLIENT_ID", "me", "tsnet.client_id", "me", OAUTH),
    ("SENTINEL_TSNET_ID_TOKEN", "canary", "tsnet.id_token", HIDDEN, OAUTH),
    ("SENTINEL_TSNET_AUDIENCE", "all", "tsnet.audience", "all", OAUTH),
    ("SENTINEL_TSNET_LOGIN_MODE", "interactive", "tsnet.login_mode", "interactive", {}),
    ("SENTINEL_TSNET_ALLOW_INTERACTIVE_FALLBACK", "1", "tsnet.allow_interactive_fallback", True, {}),
    ("SENTINEL_TSNET_LOGIN_TIMEOUT", "1m", "tsnet.login_timeout", "1m", {}),
    ("SENTINEL_NOTIFIER_SINK_NAME", "hook", "sinks.hook.type", "webhook", {"SENTINEL_NOTIFIER_SINK_URL": "https://x"}),
    ("SENTINEL_NOTIFIER_SINK_TYPE", "stdout", "sinks.env-sink.type", "stdout", {}),
    ("SENTINEL_NOTIFIER_SINK_URL", "https://canary", "sinks.env-sink.url", HIDDEN, {}),
    ("SENTINEL_NOTIFIER_ROUTE_EVENT_TYPES", "peer.online", "routes.1.event_types", ["peer.online"], {}),
    ("SENTINEL_NOTIFIER_ROUTE_EVENT_TYPE", "peer.online", "routes.1.event_types", ["peer.online"], {}),
    ("SENTINEL_NOTIFIER_ROUTE_SEVERITIES", '["info"]', "routes.1.severities", ["info"], {}),
    ("SENTINEL_NOTIFIER_ROUTE_SINKS", "stdout-debug", "routes.1.sinks", ["stdout-debug"], {}),
    ("SENTINEL_NOTIFIER_SINK", "stdout-debug", "routes.1.sinks", ["stdout-debug"], {}),
    *(
        (names[0], value, f"routes.1.{'.'.join(place)}", [value], {})
        for place, names in ROUTE_SHORTHAND.items()
        if place[0] in ("device", "filters")
        for value in ["1.2.3.4" if place[-1] == "ips" else "peer.online" if place[-1] == "events" else "x"]
    ),
)


def looked_up(tmp_path: Path, env: Mapping[str, str], text: str = "") -> tuple[Loaded, dict[str, Shown]]:
    (tmp_path / "sentinel.yaml").write_text(text)
    found = examine(None, env, cwd=tmp_path)
    assert found.faults == ()
    assert found.config is not None
    return found, {each.path: each for each in shown(found.config, found.given)}


@pytest.mark.parametrize("case", THEIRS, ids=[each[0] for each in THEIRS])
def test_each_variable_of_the_original_works_without_a_file(tmp_path: Path, case: Case) -> None:
    name, value, path, expected, beside = case

    found, values = looked_up(tmp_path, {**beside, name: value})

    assert values[path].value == expected
    assert values[path].origin.kind is OriginKind.VARIABLE
    assert str(values[path].origin) in {name, *beside}
    assert not any("SENTINEL_" in warning for warning in found.warnings)
    assert "canary" not in repr(list(values.values()))


def test_the_table_above_has_all_of_them() -> None:
    shorthand = {name for names in (*SINK_SHORTHAND.values(), *ROUTE_SHORTHAND.values()) for name in names}
    single = {
        "SENTINEL_POLL_INTERVAL",
        "SENTINEL_POLL_JITTER",
        "SENTINEL_POLL_BACKOFF_MIN",
        "SENTINEL_POLL_BACKOFF_MAX",
    }
    others = {"SENTINEL_DETECTORS", "SENTINEL_DETECTOR_ORDER", "SENTINEL_TAILSCALE_AUTH_KEY"}
    assert {each[0] for each in THEIRS} == shorthand | single | others | set(ORIGINALS)


SPECIAL = {
    "policy.hold": '[{"for": "1m"}]',
    "policy.quiet_hours": '{"night": {"from": "22:00", "to": "07:00"}}',
    "severity_overrides": '{"peer.offline": "critical"}',
    "sources": '{"home": {"sidecar": "external"}}',
    "tsnet.log_upload": "false",
    "sinks": '{"a": {"type": "stdout"}}',
    "routes": '[{"sinks": ["stdout-debug"], "match": {}}]',
    "detectors": '{"presence": {"enabled": false}, "peer_changes": {}, "runtime": {}}',
    "detector_order": "presence",
    "key_expiry.at": "10:00",
    "time_zone": "Europe/Paris",
    "tsnet.control_url": "https://hs.example.com",
    "tsnet.auth_key": "tskey-canary",
    "tsnet.login_mode": "interactive",
    "tsnet.advertise_tags": "tag:a",
    "tsnet.hostname": "watcher",
    "source.mode": "poll",
    "output.log_format": "json",
    "output.log_level": "debug",
    "policy.baseline": "silent",
    "policy.ephemeral": "ignore",
}


@pytest.mark.parametrize("name", OURS)
def test_each_key_has_a_variable_of_ours(tmp_path: Path, name: str) -> None:
    place = OURS[name].place
    path = ".".join(place)
    (kind,) = {key.type for key in keys() if key.id == path} or {""}
    by_type = {"duration": "4m", "number": "33", "`true` or `false`": "true", "path": "secret", "list": "a, b"}
    (tmp_path / "secret").write_text("s")
    value = SPECIAL.get(path) or by_type.get(kind, "word")
    beside = OAUTH if path in ("tsnet.client_id", "tsnet.client_secret", "tsnet.id_token", "tsnet.audience") else {}

    found, values = looked_up(tmp_path, {**beside, name: value})

    without, _ = looked_up(tmp_path, beside)
    assert any(each.origin.name == name for each in values.values() if f"{each.path}.".startswith(f"{path}."))
    assert found.config is not None
    assert without.config is not None
    assert any(f"{each.path}.".startswith(f"{path}.") for each in compare(without.config, found.config))
    assert found.warnings == ()


def test_every_key_that_stands_alone_is_among_them() -> None:
    alone = {key.id for key in keys() if "<" not in key.id and "[" not in key.id}
    assert alone <= {".".join(variable.place) for variable in OURS.values()}
    assert {key_id(place, {}) for place, field in single_keys() if not is_structured(field)} <= alone


class TestNames:
    def test_a_key_of_a_sink_has_one_too(self, tmp_path: Path) -> None:
        env = {"SENTINEL_SINKS__STDOUT_DEBUG__FORMAT": "text", "SENTINEL_SOURCES__LAB__SIDECAR": "external"}
        _, values = looked_up(tmp_path, env, "sinks: {stdout-debug: {type: stdout}}")
        assert values["sinks.stdout-debug.format"].value == "text"
        assert str(values["sinks.stdout-debug.type"].origin) == f"{tmp_path}/sentinel.yaml:1"
        assert values["sources.lab.sidecar"].value == "external"

    def test_lists_and_groups_below_a_name_are_json(self, tmp_path: Path) -> None:
        env = {"SENTINEL_SOURCES__HOME__LABELS": '{"site": "berlin"}', "SENTINEL_SOURCES__HOME__INCLUDE": "mullvad"}
        _, values = looked_up(tmp_path, env)
        assert values["sources.home.labels"].value == {"site": "berlin"}
        assert values["sources.home.include"].value == ["mullvad"]

    @pytest.mark.parametrize(
        ("name", "advice"),
        [
            ("SENTINEL_POLICY__DEBOUNCE", ": did you mean SENTINEL_POLICY__DEBOUNCE_WINDOW?"),
            (
                "SENTINEL_NOTIFIER_ROUTE_FILTER_INCLUDE_TAG",
                ": did you mean SENTINEL_NOTIFIER_ROUTE_FILTER_INCLUDE_TAGS?",
            ),
            ("SENTINEL_SINKS__PHONE__NOTHING", ""),
        ],
    )
    def test_unknown_ones_are_warned_about(self, tmp_path: Path, name: str, advice: str) -> None:
        (warning,) = examine(None, {name: "x"}, cwd=tmp_path).warnings
        assert warning.startswith(f"the environment variable {name} is not one that Sentinel knows{advice}")


class TestPrecedence:
    def test_file_single_json_appended_option(self, tmp_path: Path) -> None:
        file = "notifier: {sinks: [{name: file, type: stdout}]}\noutput: {log_level: error}"
        env = {"SENTINEL_SINKS__ONE__TYPE": "stdout", "SENTINEL_OUTPUT_LOG_LEVEL": "debug"}
        _, values = looked_up(tmp_path, env, file)
        assert values["output.log_level"].value == "debug"
        assert {"sinks.file.type", "sinks.one.type"} <= set(values)

        env |= {"SENTINEL_NOTIFIER_SINKS": '[{"name": "json", "type": "stdout"}]'}
        _, values = looked_up(tmp_path, env, file)
        assert "sinks.json.type" in values
        assert not {"sinks.file.type", "sinks.one.type"} & set(values)

        env |= {"SENTINEL_NOTIFIER_SINK_NAME": "appended", "SENTINEL_NOTIFIER_SINK_TYPE": "debug"}
        _, values = looked_up(tmp_path, env, file)
        assert {"sinks.json.type", "sinks.appended.type", "sinks.stdout-debug.type"} <= set(values)

    def test_an_option_comes_before_all_of_them(self, tmp_path: Path) -> None:
        options: dict[Place, Option] = {("output", "log_level"): Option("--log-level", "info")}
        found = examine(None, {"SENTINEL_OUTPUT_LOG_LEVEL": "debug"}, cwd=tmp_path, options=options)
        assert found.config is not None
        assert found.config.output.log_level == "info"
        assert str(found.given.origins["output", "log_level"]) == "--log-level"

    def test_a_fault_of_an_option_names_it(self, tmp_path: Path) -> None:
        options: dict[Place, Option] = {("tsnet", "hostname"): Option("--hostname", "a b")}
        (fault,) = examine(None, {}, cwd=tmp_path, options=options).faults
        assert str(fault).startswith("tsnet.hostname: --hostname must be letters")

    def test_the_name_with_two_underscores_comes_before_the_other(self, tmp_path: Path) -> None:
        _, values = looked_up(tmp_path, {"SENTINEL_TSNET_HOSTNAME": "a", "SENTINEL_TSNET__HOSTNAME": "b"})
        assert values["tsnet.hostname"].value == "b"

    def test_of_two_names_of_a_part_the_newer_counts(self, tmp_path: Path) -> None:
        env = {
            "SENTINEL_NOTIFIER_ROUTE_EVENT_TYPE": "peer.online",
            "SENTINEL_NOTIFIER_ROUTE_EVENT_TYPES": "peer.offline",
        }
        _, values = looked_up(tmp_path, env)
        assert values["routes.1.event_types"].value == ["peer.offline"]

    def test_white_space_is_nothing(self, tmp_path: Path) -> None:
        env = dict.fromkeys([*OURS, *ORIGINALS, "SENTINEL_NOTIFIER_SINK_URL", "SENTINEL_NOTIFIER_ROUTE_SINKS"], "  ")
        _, values = looked_up(tmp_path, env)
        assert all(each.origin == Origin() for each in values.values())

    def test_json_replaces_detectors_and_a_file_adds_to_them(self, tmp_path: Path) -> None:
        env = {"SENTINEL_DETECTORS": '{"presence": {"enabled": true}}', "SENTINEL_DETECTOR_ORDER": "presence"}
        _, values = looked_up(tmp_path, env, "detectors: {runtime: {enabled: false}}")
        assert [path for path in values if path.startswith("detectors.")] == ["detectors.presence.enabled"]

    def test_an_appended_route_stands_behind_those_of_the_file(self, tmp_path: Path) -> None:
        file = "routes: [{match: {}, sinks: [stdout-debug]}]"
        _, values = looked_up(tmp_path, {"SENTINEL_NOTIFIER_ROUTE_DEVICE_NAMES": "nas"}, file)
        assert values["routes.1.event_types"].value == ["*"]
        assert values["routes.1.sinks"].value == ["stdout-debug"]
        assert "routes.2.sinks" not in values


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("SENTINEL_NOTIFIER_SINKS", "[{]", "notifier.sinks: SENTINEL_NOTIFIER_SINKS is not JSON"),
            ("SENTINEL_NOTIFIER_SINKS", "[1], 2: [3]", "SENTINEL_NOTIFIER_SINKS is not JSON"),
            ("SENTINEL_NOTIFIER_ROUTES", "canary", "SENTINEL_NOTIFIER_ROUTES must be a list"),
            ("SENTINEL_NOTIFIER_ROUTES", '[{"event_types": [""]}]', "SENTINEL_NOTIFIER_ROUTES has an empty text in it"),
            ("SENTINEL_DETECTORS", "[" * 50 + "]" * 50, "is nested more than 32 levels deep"),
            ("SENTINEL_NOTIFIER_ROUTE_DEVICE_TAGS", '["a"', "SENTINEL_NOTIFIER_ROUTE_DEVICE_TAGS is not JSON"),
            ("SENTINEL_POLICY_BATCH_SIZE", "canary", "SENTINEL_POLICY_BATCH_SIZE must be a whole number"),
            ("SENTINEL_NOTIFIER_SINK_TYPE", "canary", "SENTINEL_NOTIFIER_SINK_TYPE has an unknown `type`"),
        ],
    )
    def test_name_the_variable_and_not_what_it_says(self, tmp_path: Path, name: str, value: str, said: str) -> None:
        faults = examine(None, {name: value}, cwd=tmp_path).faults
        assert any(said in str(fault) for fault in faults), faults
        assert "canary" not in str(faults)

    def test_one_does_not_hide_what_is_wrong_in_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "sentinel.yaml").write_text("tsnet: text\n")
        (fault,) = examine(None, {"SENTINEL_TSNET_HOSTNAME": "a"}, cwd=tmp_path).faults
        assert (fault.path, fault.line) == ("tsnet", 1)


class TestExamples:
    @pytest.mark.parametrize("name", ["sentinel.env.example", "original.env.example"])
    @pytest.mark.parametrize("commented", [False, True])
    def test_they_are_valid_with_and_without_what_is_commented(
        self, tmp_path: Path, name: str, *, commented: bool
    ) -> None:
        pattern = r"^(?:# )?([A-Z_]+)=(.*)$" if commented else r"^([A-Z_]+)=(.*)$"
        env = dict(re.findall(pattern, (ROOT / "config" / name).read_text(), re.MULTILINE))
        assert len(env) >= 5
        found = examine(None, env, cwd=tmp_path)
        assert (found.faults, found.warnings) == ((), ())
