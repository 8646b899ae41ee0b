"""The table of keys: each is proved to act or stands among those that do not act yet; what is shown, what changes."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from sentinel.app.checks import check
from sentinel.app.edges import edges
from sentinel.app.service import _supervisor
from sentinel.app.sinks import specs
from sentinel.app.tables import rooms
from sentinel.config import Config, Loaded, examine
from sentinel.config.document import Place
from sentinel.config.given import OriginKind
from sentinel.config.pending import PENDING, pending, pending_in
from sentinel.config.reference import Key, key_id, keys
from sentinel.config.reloading import Restart, compare, running
from sentinel.config.showing import HIDDEN, shown
from sentinel.delivery.sinks import (
    AlertmanagerSettings,
    AppriseSettings,
    DiscordSettings,
    ExecSettings,
    FileSettings,
    HttpSettings,
    Reach,
    StdoutSettings,
    WebhookSettings,
    in_flight,
)
from sentinel.events import Severity, Text
from sentinel.ingest import Login
from sentinel.sources.tailnet.model import PEER
from tests.builders import START, Wire, node

TESTS = Path(__file__).parents[1]
# Where the effect of a key is proved: a file below tests, and a test in it.
NEAR = Reach((ip_network("10.0.0.0/8"),), (ip_network("10.1.2.3"),))
OUR_ROUTE = (
    *("name", "except", "stop", "resolved", "match.event_types", "match.severities", "match.device_names"),
    *("match.tags", "match.owners", "match.ips", "match.os", "match.sources", "match.roles", "match.labels"),
)
THEIR_ROUTE = ("routes[].event_types", "routes[].severities", "routes[].device.", "routes[].filters.")
_ROUTES = "unit/test_routing.py"
TEMPLATES = "templates: {peer.offline: {title: '{{ name }} is gone'}}"
FILES = ("sinks.<name>.url_file", "sinks.<name>.secrets_file")
LIMIT = "rate_limit_per_min"
_HERE = "unit/test_config_keys.py"
_JOB = "integration/test_main_job.py"
_SEALING = "unit/test_sealing.py"
_LOGS = "unit/test_logs.py"
_FILES = "test_a_secret_of_a_sink_can_stand_in_a_file_of_its_own"
_ALL = "test_each_key_of_a_sink_reaches_it"
PROOFS: Mapping[str, tuple[str, str]] = {
    # What each sink makes of its settings is shown in the contract tests.
    **{key.id: (_HERE, _ALL) for key in keys() if key.id.startswith("sinks.") and not key.id.endswith("_file")},
    **{
        key.id: (_HERE, "test_a_secret_of_a_sink_can_stand_in_a_file_of_its_own") for key in keys() if key.path in FILES
    },
    **{f"sinks.<{kind}>.ca_file": (_HERE, _ALL) for kind in ("webhook", "discord", "alertmanager")},
    **{f"routes[].{key}": (_ROUTES, "test_every_key_of_ours_arrives") for key in OUR_ROUTE},
    **{key.id: (_ROUTES, "test_both_forms_are_the_same_route") for key in keys() if key.id.startswith(THEIR_ROUTE)},
    "routes[].fallback": ("unit/test_fallback.py", "test_the_routes_of_the_moment_name_the_fallback"),
    "routes[].sinks": ("integration/test_configured.py", "test_a_file_of_the_original_decides_who_is_told"),
    **{
        key.id: ("unit/test_rate_limit.py", "test_a_sink_gets_so_many_messages_a_minute_and_the_others_later")
        for key in keys()
        if key.id.endswith(LIMIT)
    },
    "policy.debounce_window": (_JOB, "test_offline_and_online_inside_the_window_is_not_told"),
    "state.path": ("unit/test_config.py", "test_relative_paths_start_at_the_working_directory"),
    "retention": ("crash/test_boundaries.py", "test_a_service_killed_while_it_forgets_has_forgotten_whole_portions"),
    "time_zone": ("contracts/test_sinks.py", "test_a_text_line_begins_with_the_readers_own_time"),
    "tsnet.hostname": (_HERE, "test_the_edge_gets_what_tsnet_says"),
    "tsnet.state_dir": (_HERE, "test_the_sidecar_keeps_its_keys_where_tsnet_says"),
    "tsnet.control_url": (_HERE, "test_the_edge_gets_what_tsnet_says"),
    "tsnet.auth_key": ("unit/test_config.py", "test_the_variable_for_the_auth_key_comes_before_the_file"),
    "tsnet.auth_key_file": (_HERE, "test_the_edge_gets_what_tsnet_says"),
    "tsnet.ephemeral": (_HERE, "test_the_edge_gets_what_tsnet_says"),
    "tsnet.log_upload": (_HERE, "test_the_edge_gets_what_tsnet_says"),
    **{
        f"tsnet.{key}": (_HERE, "test_the_edge_gets_how_its_node_logs_in")
        for key in (
            *("login_mode", "allow_interactive_fallback", "login_timeout", "advertise_tags"),
            *("client_secret", "client_id", "id_token", "audience"),
        )
    },
    "severity_overrides[].match": (_SEALING, "test_the_first_override_that_fits_decides_the_severity"),
    "severity_overrides[].severity": (_SEALING, "test_the_first_override_that_fits_decides_the_severity"),
    "detectors.<name>.enabled": (_SEALING, "test_what_a_detector_made_is_not_recorded_without_it"),
    "detector_order": (_SEALING, "test_what_a_detector_made_is_not_recorded_without_it"),
    "sources.<name>.labels": (_SEALING, "test_events_carry_the_labels_of_their_source_and_routes_see_them"),
    "sources.<name>.include": (_HERE, "test_nodes_of_others_are_watched_if_that_is_asked_for"),
    "sources.<name>.tsnet": (_HERE, "test_a_source_can_have_a_node_of_its_own"),
    "sources.<name>.sidecar": (_JOB, "test_an_external_sidecar_feeds_a_service_that_does_not_manage_it"),
    "ingest.socket": (_HERE, "test_the_sidecar_keeps_its_keys_where_tsnet_says"),
    "control.socket": ("integration/test_edge_cases.py", "test_the_sockets_are_for_their_owner_alone"),
    "output.log_format": (_LOGS, "test_anything_else_gets_json_by_itself_and_never_colour"),
    "output.log_level": (_LOGS, "test_less_than_the_level_is_not_logged"),
    "output.no_color": (_LOGS, "test_a_terminal_gets_it_in_colour_unless_that_is_not_wanted"),
}


def loaded(tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> Loaded:
    (tmp_path / "sentinel.yaml").write_text(text)
    return examine(None, env or {}, cwd=tmp_path)


def valid(tmp_path: Path, text: str) -> Config:
    found = loaded(tmp_path, text)
    assert found.faults == ()
    assert found.config is not None
    return found.config


class TestEffects:
    @pytest.mark.parametrize("key", list(keys()), ids=lambda key: key.id)
    def test_each_key_acts_or_is_said_not_to(self, key: Key) -> None:
        proof = PROOFS.get(key.id)
        assert (proof is None) == bool(pending(key.id))
        if proof is not None:
            file, test = proof
            assert f"def {test}(" in (TESTS / file).read_text()

    def test_what_does_not_act_is_a_key(self) -> None:
        ids = {key.id for key in keys()}
        for entry in PENDING:
            stem = entry.removesuffix("*")
            assert entry in ids or (entry != stem and any(key.startswith(stem) for key in ids)), entry
        assert set(PROOFS) <= ids

    def test_every_place_of_a_file_leads_to_its_key(self, tmp_path: Path) -> None:
        urls = {"SENTINEL_WEBHOOK_URL": "https://a", "SENTINEL_DISCORD_WEBHOOK_URL": "https://b"}
        given = loaded(tmp_path, (TESTS / "fixtures/original/sentinel.yaml").read_text(), urls).given
        values = [place for place in given.origins if not place[-1].isdigit()]
        leaves = {place for place in values if not any(is_below(other, place) for other in values)}
        strange = {key_id(place, given.values) for place in leaves} - {key.id for key in keys()}
        assert strange == {"notifier.sinks", *(f"sinks.<{kind}>.name" for kind in ("stdout", "webhook", "discord"))}

    def test_those_that_a_file_sets_are_named_as_they_are_written(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "Notifier: {Idempotency_Key_TTL: 1h}\npolicy: {debounce_window: 1s, batch_size: 3}\n")
        assert [path for path, _ in pending_in(found.given)] == ["Notifier.Idempotency_Key_TTL", "policy.batch_size"]

    @pytest.mark.parametrize(
        ("sink", "settings"),
        [
            (f"type: stdout, format: text, {TEMPLATES}", StdoutSettings("text")),
            ("type: debug", StdoutSettings("json")),
            (
                f"type: apprise, url: 'json://x', by_severity: {{critical: {{priority: max}}}}, {TEMPLATES}",
                AppriseSettings("json://x", {Severity.CRITICAL: {"priority": "max"}}),
            ),
            (
                "type: webhook, url: 'https://x', ca_file: /ca, secrets: [a, b], in_flight: 3,"
                " allow: [10.0.0.0/8], deny: [10.1.2.3]",
                WebhookSettings(
                    HttpSettings("https://x", NEAR, Path("/ca")),
                    secrets=("a", "b"),
                    in_flight=3,
                ),
            ),
            (
                f"type: discord, url: 'https://x', ca_file: /ca, mention: '@here', {TEMPLATES}",
                DiscordSettings(HttpSettings("https://x", ca_file=Path("/ca")), mention="@here"),
            ),
            (
                f"type: alertmanager, url: 'https://x', ca_file: /ca, labels: {{a: b}}, repeat_every: 5m, {TEMPLATES}",
                AlertmanagerSettings(
                    HttpSettings("https://x", ca_file=Path("/ca")), labels={"a": "b"}, repeat_every=timedelta(minutes=5)
                ),
            ),
            (
                "type: file, path: /f, max_bytes: 10, keep: 1, sync: false",
                FileSettings(Path("/f"), max_bytes=10, keep=1, sync=False),
            ),
            (
                "type: exec, command: [/p, -v], allow: true, env: [HOME], timeout: 3s",
                ExecSettings(("/p", "-v"), allow=True, env=("HOME",), timeout=timedelta(seconds=3)),
            ),
        ],
    )
    def test_each_key_of_a_sink_reaches_it(self, tmp_path: Path, sink: str, settings: object) -> None:
        (spec,) = specs(valid(tmp_path, f"sinks: {{a: {{{sink}}}}}"))
        assert (spec.name, spec.settings) == ("a", settings)
        assert spec.templates == ({"peer.offline": Text("{{ name }} is gone", "")} if TEMPLATES in sink else {})
        assert in_flight(spec) == (3 if spec.type == "webhook" else 1)
        if "debug" not in sink:
            elsewhere = (*FILES, f"sinks.<name>.{LIMIT}")
            mine = (key.path for key in keys() if key.variant == spec.type)
            own = {path.rpartition(".")[2] for path in mine if path not in elsewhere}
            assert {part.partition(":")[0].strip() for part in re.split(r", (?=[a-z_]+: )", sink)} == own

    @pytest.mark.parametrize("kind", ["apprise", "webhook", "discord", "alertmanager"])
    def test_a_secret_of_a_sink_can_stand_in_a_file_of_its_own(self, tmp_path: Path, kind: str) -> None:
        (tmp_path / "url").write_text("https://${X}\n")
        (tmp_path / "key").write_text("whsec_canary\n")
        beside = ", secrets: [newer], secrets_file: key" if kind == "webhook" else ""
        (spec,) = specs(valid(tmp_path, f"sinks: {{a: {{type: {kind}, url_file: url{beside}}}}}"))
        plain = spec.settings if isinstance(spec.settings, AppriseSettings) else getattr(spec.settings, "http", None)
        assert getattr(plain, "url", None) == "https://${X}"
        if isinstance(spec.settings, WebhookSettings):
            assert spec.settings.secrets == ("newer", "whsec_canary")

    def test_defaults_are_those_of_the_sinks(self, tmp_path: Path) -> None:
        text = "{a: {type: webhook, url: 'https://x'}, b: {type: file, path: /f}, c: {type: exec, command: [/p]},"
        text += " d: {type: alertmanager, url: 'https://x'}, e: {type: discord, url: 'https://x'}}"
        http = HttpSettings("https://x")
        assert [spec.settings for spec in specs(valid(tmp_path, f"sinks: {text}"))] == [
            WebhookSettings(http),
            FileSettings(Path("/f")),
            ExecSettings(("/p",)),
            AlertmanagerSettings(http),
            DiscordSettings(http),
        ]

    def test_the_edge_gets_what_tsnet_says(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("tskey-file\n")
        where = "hostname: a, control_url: 'https://hs.example.com', auth_key_file: key"
        (edge,) = edges(valid(tmp_path, f"tsnet: {{{where}, ephemeral: true, log_upload: false}}")).values()
        assert (edge.hostname, edge.control_url, edge.login.auth_key) == ("a", "https://hs.example.com", "tskey-file")
        assert (edge.ephemeral, edge.log_upload) == (True, False)

    def test_the_edge_gets_how_its_node_logs_in(self, tmp_path: Path) -> None:
        how = "login_mode: oauth, allow_interactive_fallback: true, login_timeout: 90s, advertise_tags: [tag:a, tag:b]"
        what = "client_secret: s, client_id: i, id_token: t, audience: a"
        (edge,) = edges(valid(tmp_path, f"tsnet: {{{how}, {what}}}")).values()
        assert edge.advertise_tags == ("tag:a", "tag:b")
        assert edge.login == Login("oauth", True, timedelta(seconds=90), "", "s", "i", "t", "a")

    def test_a_source_can_have_a_node_of_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("tskey-file")
        own = "b: {sidecar: external, tsnet: {hostname: b, auth_key: tskey-b, state_dir: keys}}"
        text = f"tsnet: {{auth_key_file: key, ephemeral: true}}\nsources: {{a: {{}}, {own}}}"
        config = valid(tmp_path, text)
        found = edges(config)
        assert [(edge.hostname, edge.login.auth_key, edge.ephemeral) for edge in found.values()] == [
            ("sentinel", "tskey-file", True),
            ("b", "tskey-b", True),
        ]
        assert _supervisor(config, "b", "sidecar", {})._command[-1] == str(tmp_path / "keys")

    def test_nodes_of_others_are_watched_if_that_is_asked_for(self, tmp_path: Path) -> None:
        config = valid(tmp_path, "sources: {a: {include: [mullvad]}, b: {sidecar: external}}")
        seen = Wire().base(node("exit", wireguard_only=True)).inputs[PEER]["n-exit"]
        shown = {
            name: room.kinds[PEER].advance(None, seen, {}, START) is not None for name, room in rooms(config).items()
        }
        assert shown == {"a": True, "b": False}
        (fault,) = check(valid(tmp_path, "sources: {a: {include: [mulvad]}}"))
        assert str(fault) == "sources.a.include: names `mulvad`, which is none of: ingress, mullvad, shared"

    def test_the_sidecar_keeps_its_keys_where_tsnet_says(self, tmp_path: Path) -> None:
        config = valid(tmp_path, "tsnet: {state_dir: keys}\ningest: {socket: /run/x.sock}")
        command = _supervisor(config, "tailnet", "sidecar", {})._command
        assert command[-2:] == ("--state-dir", str(tmp_path / "keys"))
        assert "unix:/run/x.sock" in command

    def test_of_two_auth_keys_that_of_the_stronger_layer_counts(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("tskey-file")

        def key(text: str, env: Mapping[str, str]) -> str:
            config = loaded(tmp_path, text, env).config
            assert config is not None
            return config.tsnet.login_key.get_secret_value()

        assert key("tsnet: {auth_key_file: key}", {"SENTINEL_TAILSCALE_AUTH_KEY": "tskey-env"}) == "tskey-env"
        assert key("tsnet: {auth_key: tskey-a}", {"SENTINEL_TSNET__AUTH_KEY_FILE": "key"}) == "tskey-file"

    def test_an_auth_key_stands_in_one_place_alone(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("tskey-file")
        (fault,) = loaded(tmp_path, "tsnet: {auth_key_file: key, auth_key: tskey-canary}").faults
        assert (fault.path, fault.line) == ("tsnet.auth_key_file", 1)
        assert "canary" not in str(fault)


def is_below(place: Place, above: Place) -> bool:
    return len(place) > len(above) and place[: len(above)] == above


class TestShowing:
    def test_each_value_has_its_origin(self, tmp_path: Path) -> None:
        found = loaded(
            tmp_path,
            "retention: 1d\nsinks:\n  a: {type: stdout}\n"
            "routes:\n  - match: {tags: [x]}\n    sinks: [a]\nseverity_overrides: {peer.offline: critical}\n",
            {"SENTINEL_TIME_ZONE": "Europe/Paris"},
        )
        assert found.config is not None
        file = f"{tmp_path}/sentinel.yaml"
        told = {each.path: (each.value, str(each.origin)) for each in shown(found.config, found.given)}
        assert told["retention"] == ("1d", f"{file}:1")
        assert told["sinks.a.type"] == ("stdout", f"{file}:3")
        assert told["sinks.a.format"] == ("json", "default")
        assert told["routes.0.match.tags"] == (["x"], f"{file}:5")
        assert told["severity_overrides.0.severity"] == ("critical", f"{file}:7")
        assert told["time_zone"] == ("Europe/Paris", "SENTINEL_TIME_ZONE")
        assert told["policy.batch_size"] == (20, "default")

    def test_no_secret_is_shown_wherever_it_stands(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("canary")
        found = loaded(
            tmp_path,
            "sinks:\n  a: {type: apprise, url: 'json://canary'}\n"
            "  b: {type: webhook, url_file: secret, secrets: [canary]}\n"
            "tsnet: {auth_key: tskey-canary, client_secret: canary, client_id: i, id_token: canary}\n"
            "sources: {tailnet: {tsnet: {auth_key: tskey-canary}}}\nheartbeat: {url: 'https://canary'}\n"
            "http: {token_file: secret}\n",
        )
        assert found.config is not None
        told = {each.path: each.value for each in shown(found.config, found.given)}
        assert "canary" not in repr((told, found))
        assert told["sinks.a.url"] == told["tsnet.client_secret"] == told["heartbeat.url"] == HIDDEN
        assert told["sinks.b.secrets"] == [HIDDEN]
        assert told["http.token_file"] == str(tmp_path / "secret")

    def test_what_an_edge_has_from_its_own_environment_is_said(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "tsnet: {auth_key: tskey-canary}")
        assert found.config is not None
        told = {each.path: each for each in shown(found.config, found.given, of_edge={("tsnet", "auth_key")})}
        assert told["tsnet.auth_key"].origin.kind is OriginKind.EDGE
        assert told["tsnet.hostname"].origin.kind is OriginKind.DEFAULT

    def test_every_key_of_the_defaults_is_shown_once(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "")
        assert found.config is not None
        paths = [each.path for each in shown(found.config, found.given)]
        assert len(paths) == len(set(paths))
        alone = {key.id for key in keys() if "<" not in key.id and "[" not in key.id}
        assert alone <= set(paths)


class TestReloading:
    @pytest.mark.parametrize(
        ("before", "after", "path", "restart"),
        [
            ("", "retention: 1d", "retention", Restart.NOTHING),
            (
                "",
                "policy: {quiet_hours: {n: {from: '1:00', to: '2:00'}}}",
                "policy.quiet_hours.n.from",
                Restart.NOTHING,
            ),
            (
                "sinks: {a: {type: stdout}}",
                "sinks: {a: {type: stdout, format: text}}",
                "sinks.a.format",
                Restart.NOTHING,
            ),
            ("", "policy: {rate_limit_per_min: 9}", "policy.rate_limit_per_min", Restart.NOTHING),
            ("", "tsnet: {hostname: a}", "tsnet.hostname", Restart.NOTHING),
            ("", "tsnet: {auth_key: tskey-a}", "tsnet.auth_key", Restart.NOTHING),
            ("", "tsnet: {control_url: 'https://a.example'}", "tsnet.control_url", Restart.NODE),
            ("", "tsnet: {advertise_tags: [tag:a]}", "tsnet.advertise_tags", Restart.NODE),
            ("", "tsnet: {ephemeral: true}", "tsnet.ephemeral", Restart.NODE),
            ("", "tsnet: {state_dir: a}", "tsnet.state_dir", Restart.SERVICE),
            ("", "ingest: {socket: /a}", "ingest.socket", Restart.SERVICE),
            ("", "control: {socket: /a}", "control.socket", Restart.SERVICE),
            ("", "http: {listen: ''}", "http.listen", Restart.SERVICE),
            ("", "sources: {tailnet: {sidecar: external}}", "sources.tailnet.sidecar", Restart.SERVICE),
            ("", "sources: {tailnet: {expect_at_least: 3}}", "sources.tailnet.expect_at_least", Restart.NOTHING),
        ],
    )
    def test_what_changed_is_named_with_what_has_to_start_again(
        self, tmp_path: Path, before: str, after: str, path: str, restart: Restart
    ) -> None:
        old, new = valid(tmp_path, before), valid(tmp_path, after)
        assert (path, restart) in [(each.path, each.restart) for each in compare(old, new)]
        assert {each.restart for each in compare(new, old)} == {restart}

    def test_another_store_is_another_service(self, tmp_path: Path) -> None:
        changed = compare(valid(tmp_path, ""), valid(tmp_path, "state: {path: other/state.db}"))
        assert {each.restart for each in changed} == {Restart.SERVICE}

    def test_another_source_is_another_edge(self, tmp_path: Path) -> None:
        new = valid(tmp_path, "sources: {tailnet: {}, lab: {sidecar: external}}")
        assert {each.restart for each in compare(valid(tmp_path, ""), new)} == {Restart.SERVICE}

    def test_a_secret_that_changed_is_a_change_and_is_not_in_it(self, tmp_path: Path) -> None:
        old, new = (
            valid(tmp_path, f"sinks: {{a: {{type: apprise, url: 'json://{word}'}}}}") for word in ("canary", "other")
        )
        (change,) = compare(old, new)
        assert (change.path, "canary" in repr(change)) == ("sinks.a.url", False)

    def test_the_same_again_is_no_change(self, tmp_path: Path) -> None:
        text = (TESTS.parent / "config/sentinel.example.yaml").read_text()
        assert compare(valid(tmp_path, text), valid(tmp_path, text)) == ()

    @pytest.mark.parametrize(
        ("after", "paths"),
        [
            ("retention: 1d", ()),
            ("tsnet: {hostname: a, state_dir: b}", ("tsnet.state_dir",)),
            ("sources: {tailnet: {include: [mullvad], labels: {a: b}}}", ("sources.tailnet.include",)),
            ("ingest: {socket: /a}\nhttp: {listen: ''}", ("ingest.socket", "http.listen")),
            ("sources: {tailnet: {tsnet: {control_url: 'https://a.example'}}}", ()),
        ],
    )
    def test_what_runs_takes_all_but_what_a_start_is_needed_for(
        self, tmp_path: Path, after: str, paths: tuple[str, ...]
    ) -> None:
        old, new = valid(tmp_path, ""), valid(tmp_path, after)
        taken = running(old, new)
        assert tuple(each.path for each in compare(taken, new)) == paths
        assert all(each.restart is not Restart.SERVICE for each in compare(old, taken))

    def test_what_runs_keeps_its_store_and_its_sources(self, tmp_path: Path) -> None:
        old = valid(tmp_path, "")
        new = valid(tmp_path, "state: {path: other/state.db}\nsources: {lab: {sidecar: external}}\nretention: 1d")
        taken = running(old, new)
        assert (taken.state, taken.sources, taken.retention) == (old.state, old.sources, new.retention)
        assert running(new, old).sources.keys() == {"lab"}
