"""What users of jaxxstorm/sentinel already have: their file, their variables, their spellings."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.config import Config, DiscordSink, Loaded, StdoutSink, WebhookSink, examine
from sentinel.config.differences import differences
from sentinel.config.durations import spell_duration

FILE = Path(__file__).parents[1] / "fixtures/original/sentinel.yaml"
URLS = {"SENTINEL_WEBHOOK_URL": "https://a.example/x", "SENTINEL_DISCORD_WEBHOOK_URL": "https://discord.com/api/x"}


def loaded(tmp_path: Path, text: str, env: Mapping[str, str] | None = None, name: str = "sentinel.yaml") -> Loaded:
    (tmp_path / name).write_text(text)
    return examine(tmp_path / name, env or {}, cwd=tmp_path)


def valid(tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> Config:
    found = loaded(tmp_path, text, env)
    assert found.faults == ()
    assert found.config is not None
    return found.config


def from_env(tmp_path: Path, env: Mapping[str, str]) -> Config:
    found = examine(None, env, cwd=tmp_path)
    assert found.faults == ()
    assert found.config is not None
    return found.config


class TestItsFile:
    def test_every_key_of_it_is_read(self, tmp_path: Path) -> None:
        found = examine(FILE, URLS, cwd=tmp_path)

        assert (found.faults, found.warnings) == ((), ())
        config = found.config
        assert config is not None
        assert spell_duration(config.poll_interval) == "20s"
        assert spell_duration(config.poll_jitter) == "2s"
        assert spell_duration(config.poll_backoff_min) == "250ms"
        assert spell_duration(config.poll_backoff_max) == "1m"
        assert config.source.mode == "poll"
        assert {name: each.enabled for name, each in config.detectors.items()} == {
            "presence": True,
            "peer_changes": False,
            "runtime": True,
        }
        assert config.detector_order == ("runtime", "presence")
        policy = config.policy
        assert (policy.debounce_window, policy.suppression_window) == (timedelta(seconds=5), timedelta(minutes=1))
        assert (policy.rate_limit_per_min, policy.batch_size) == (60, 10)
        assert config.notifier.idempotency_key_ttl == timedelta(hours=12)
        assert {name: type(sink) for name, sink in config.sinks.items()} == {
            "stdout-debug": StdoutSink,
            "webhook-primary": WebhookSink,
            "discord-primary": DiscordSink,
        }
        assert config.state.store_path == tmp_path / "data/state.db"
        assert config.state.idempotency_key_ttl == timedelta(hours=6)
        assert (config.output.log_format, config.output.log_level, config.output.no_color) == ("json", "warning", True)
        tsnet = config.tsnet
        assert (tsnet.hostname, tsnet.state_dir, tsnet.login_mode) == ("watcher", tmp_path / "data/tsnet", "oauth")
        assert (tsnet.client_id, tsnet.audience, tsnet.advertise_tags) == ("client", "sentinel", ("tag:sentinel",))
        assert tsnet.client_secret.get_secret_value() == "tskey-client-canary"
        assert tsnet.id_token.get_secret_value() == "canary-token"
        assert (tsnet.allow_interactive_fallback, tsnet.login_timeout) == (True, timedelta(minutes=2))

    def test_its_routes_say_the_same_as_ours(self, tmp_path: Path) -> None:
        config = examine(FILE, URLS, cwd=tmp_path).config
        assert config is not None
        everything, one, filtered = config.routes

        assert (everything.selector.event_types, everything.sinks) == (("*",), ("stdout-debug", "webhook-primary"))
        assert one.selector.device_names == ("nas",)
        assert (one.selector.tags, one.selector.owners, one.selector.ips) == (
            ("tag:server",),
            ("1234",),
            ("100.64.0.1",),
        )
        assert one.selector.severities == ("info",)
        assert (filtered.selector.device_names, filtered.selector.ips) == (("web-*",), ("100.64.0.0/24",))
        assert filtered.exclusion.device_names == ("*.mullvad.ts.net",)
        assert (filtered.exclusion.tags, filtered.exclusion.event_types) == (("tag:guest",), ("peer.added",))

    def test_json_is_read_as_well(self, tmp_path: Path) -> None:
        text = json.dumps({"notifier": {"sinks": [{"name": "a", "type": "stdout"}]}, "poll_interval": "3s"})
        found = loaded(tmp_path, text, name="sentinel.json")
        assert found.config is not None
        assert list(found.config.sinks) == ["a", "stdout-debug"]

    def test_keys_may_be_in_capital_letters_and_names_stay_as_they_are(self, tmp_path: Path) -> None:
        config = valid(tmp_path, "Policy: {Batch_Size: 3}\nNotifier: {Sinks: [{Name: Slack, TYPE: STDOUT}]}\n")
        assert config.policy.batch_size == 3
        assert list(config.sinks) == ["Slack", "stdout-debug"]

    @pytest.mark.parametrize("text", ["policy: {batch_size: 3, Batch_Size: 4}", "policy: {}\nPOLICY: {}"])
    def test_a_key_in_both_is_given_twice(self, tmp_path: Path, text: str) -> None:
        (fault,) = loaded(tmp_path, text).faults
        assert fault.text == "is given twice, in capital and in small letters"

    def test_lists_may_be_texts_with_commas(self, tmp_path: Path) -> None:
        config = valid(
            tmp_path,
            "detector_order: presence, runtime\ntsnet: {advertise_tags: 'tag:a,tag:b'}\n"
            "notifier: {routes: [{event_types: 'peer.online,peer.offline', sinks: stdout-debug}]}\n",
        )
        assert config.detector_order == ("presence", "runtime")
        assert config.tsnet.advertise_tags == ("tag:a", "tag:b")
        assert config.routes[0].event_types == ("peer.online", "peer.offline")

    @pytest.mark.parametrize("text", ["policy: {debounce_window: 0}", "policy: {debounce_window: 0s}"])
    def test_nothing_needs_no_unit(self, tmp_path: Path, text: str) -> None:
        assert valid(tmp_path, text).policy.debounce_window == timedelta()

    def test_zero_is_the_default_where_it_was_there(self, tmp_path: Path) -> None:
        text = "notifier: {idempotency_key_ttl: 0}\nstate: {idempotency_key_ttl: 0}\ntsnet: {login_timeout: 0s}\n"
        config = valid(tmp_path, text)
        assert config.notifier.idempotency_key_ttl == config.state.idempotency_key_ttl == timedelta(hours=24)
        assert config.tsnet.login_timeout == timedelta(minutes=5)

    def test_an_empty_text_is_the_default_where_it_was_there(self, tmp_path: Path) -> None:
        text = (
            "source: {mode: ''}\nstate: {path: ' '}\noutput: {log_format: '', log_level: ''}\n"
            "tsnet: {hostname: '', state_dir: '', login_mode: '', client_id: ''}\n"
        )
        assert valid(tmp_path, text) == valid(tmp_path, "")

    def test_detectors_of_a_file_stand_over_those_that_are_there(self, tmp_path: Path) -> None:
        config = valid(tmp_path, "detectors: {runtime: {enabled: false}}")
        assert [name for name, each in config.detectors.items() if each.enabled] == ["presence", "peer_changes"]

    def test_its_own_debounce_window_is_all_that_holds_there(self, tmp_path: Path) -> None:
        assert valid(tmp_path, "poll_interval: 1s\npolicy: {debounce_window: 3s}").policy.hold == ()
        assert valid(tmp_path, "poll_interval: 1s").policy.hold is None
        assert valid(tmp_path, "retention: 1d\npolicy: {debounce_window: 3s}").policy.hold is None


class TestItsSinks:
    def test_a_sink_without_a_type_is_a_webhook(self, tmp_path: Path) -> None:
        config = valid(
            tmp_path, "notifier: {sinks: [{name: a, url: 'https://x'}, {name: b, type: '', url: 'https://x'}]}"
        )
        assert [type(config.sinks[name]) for name in "ab"] == [WebhookSink, WebhookSink]

    @pytest.mark.parametrize(
        "url", ["", "url: ''", "url: ' '", "url: '${NO}'", "url: 'https://x/${NO}'", "url: '${EMPTY}'"]
    )
    def test_a_webhook_without_an_address_is_skipped_with_a_warning(self, tmp_path: Path, url: str) -> None:
        found = loaded(tmp_path, f"notifier: {{sinks: [{{name: a, type: webhook, {url}}}]}}", {"EMPTY": " "})

        assert found.config is not None
        assert list(found.config.sinks) == ["stdout-debug"]
        assert [each.name for each in found.skipped] == ["a"]
        assert found.warnings[0].startswith("the sink a is skipped: ")

    @pytest.mark.parametrize(
        "text",
        [
            "sinks: {a: {type: webhook, url: '${NO}'}}",
            "notifier: {sinks: {a: {type: webhook, url: '${NO}'}}}",
            "notifier: {sinks: [{name: a, type: discord, url: '${NO}'}]}",
        ],
    )
    def test_any_other_sink_with_an_unset_variable_is_a_fault(self, tmp_path: Path, text: str) -> None:
        (fault,) = loaded(tmp_path, text).faults
        assert fault.text == "uses ${NO}, and the variable NO is not set"
        assert fault.line == 1

    def test_its_webhook_is_there_if_a_route_names_it(self, tmp_path: Path) -> None:
        text = "notifier: {routes: [{event_types: ['*'], sinks: [webhook-primary]}]}"
        config = valid(tmp_path, text, {"SLACK_WEBHOOK_URL": "https://hooks.example/x"})
        assert list(config.sinks) == ["stdout-debug", "webhook-primary"]
        assert list(valid(tmp_path, text).sinks) == ["stdout-debug"]

    def test_with_sinks_alone_everything_goes_to_standard_output(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, "notifier: {sinks: [{name: a, url: 'https://x'}]}")
        assert found.config is not None
        assert [(route.event_types, route.sinks) for route in found.config.routes] == [(("*",), ("stdout-debug",))]
        assert found.warnings == ("no route names the sink a: it is told nothing",)

    @pytest.mark.parametrize(
        ("sinks", "path", "text"),
        [
            ("[{type: stdout}]", "notifier.sinks.0", "needs a `name`"),
            ("[text]", "notifier.sinks.0", "must be a mapping of keys to values"),
            ("[{name: a, type: stdout}, {name: a, type: stdout}]", "notifier.sinks.1.name", "is `a`, which another"),
            ("[{name: a, type: slack}]", "notifier.sinks.0", "has an unknown `type`"),
            ("[{name: a, type: discord}]", "notifier.sinks.0", "needs either `url` or `url_file`"),
            ("[{name: a, type: discord, ulr: x}]", "notifier.sinks.0.ulr", "did you mean `url`?"),
            ("text", "notifier.sinks", "must be a mapping of names to values"),
        ],
    )
    def test_what_is_wrong_with_them_is_said_where_it_is_written(
        self, tmp_path: Path, sinks: str, path: str, text: str
    ) -> None:
        faults = loaded(tmp_path, f"notifier:\n  sinks: {sinks}\n").faults
        assert [(fault.path, fault.line) for fault in faults if text in fault.text] == [(path, 2)]

    def test_both_places_together_are_one_map(self, tmp_path: Path) -> None:
        text = "sinks: {a: {type: stdout}}\nnotifier: {sinks: [{name: b, type: stdout}, {name: a, type: stdout}]}\n"
        (fault,) = loaded(tmp_path, text).faults
        assert str(fault).endswith(":2: notifier.sinks.1.name: is `a`, which another sink has, too")
        assert set(valid(tmp_path, text.replace(", {name: a, type: stdout}", "")).sinks) == {"a", "b", "stdout-debug"}


class TestItsRoutes:
    @pytest.mark.parametrize(
        ("route", "path", "text"),
        [
            ("{sinks: [a]}", "", ""),
            ("{event_types: [], sinks: [a]}", "", "needs `event_types`"),
            ("{event_types: ['*'], sinks: [aa]}", ".sinks.0", "names `aa`, which is no sink: did you mean `a`?"),
            ("{event_types: ['*']}", "", "needs `sinks`"),
            ("{event_types: [''], sinks: [a]}", ".event_types", "has an empty text in it"),
            ("{event_types: ['*'], sinks: [a], severities: [waning]}", ".severities.0", "did you mean `warning`?"),
            ("{event_types: ['*'], sinks: [a], device: {ips: [x]}}", ".device.ips", "neither an address nor a network"),
            ("{event_types: ['*'], sinks: [a], device: {nmes: [x]}}", ".device.nmes", "did you mean `names`?"),
            (
                "{event_types: ['*'], sinks: [a], filters: {include: {ips: [1.2.3.4/40]}}}",
                ".filters.include.ips",
                "neither an address nor a network",
            ),
            (
                "{event_types: ['*'], sinks: [a], filters: {exclude: {device_names: ['a[']}}}",
                ".filters.exclude.device_names",
                "where a `[` has no `]`",
            ),
            (
                "{event_types: ['*'], sinks: [a], device: {tags: [x]}, filters: {include: {tags: [y]}}}",
                "",
                "has both `device.tags` and the same below `filters.include`",
            ),
            ("{event_types: ['*'], sinks: [a], match: {tags: [x]}}", "", "mixes `match` or `except`"),
            (
                "{event_types: [peer.online], sinks: [a], filters: {include: {events: [peer.offline]}}}",
                "",
                "matches nothing",
            ),
            ("{event_types: ['*'], sinks: [a], quiet: night}", ".quiet", "is not in `policy.quiet_hours`"),
            ("{match: {sources: [x]}, sinks: [a]}", ".match.sources", "which is no source"),
        ],
    )
    @pytest.mark.parametrize("place", ["routes", "notifier.routes"])
    def test_what_is_wrong_with_one_is_said(self, tmp_path: Path, route: str, path: str, text: str, place: str) -> None:
        listed = f"[{route}]"
        whole = f"routes: {listed}" if place == "routes" else f"notifier: {{routes: {listed}}}"
        faults = loaded(tmp_path, f"sinks: {{a: {{type: stdout}}}}\n{whole}\n").faults

        expected = [(f"{place}.0{path}", 2)] if text else []
        assert [(fault.path, fault.line) for fault in faults] == expected
        assert all(text in fault.text for fault in faults)

    def test_both_places_together_are_one_list(self, tmp_path: Path) -> None:
        found = loaded(
            tmp_path,
            "routes: [{match: {}, sinks: [stdout-debug]}]\nnotifier:\n  routes: [{event_types: ['*'], sinks: [x]}]\n",
        )
        assert [(fault.path, fault.line) for fault in found.faults] == [("notifier.routes.0.sinks.0", 3)]

    def test_types_in_both_lists_are_those_that_both_have(self, tmp_path: Path) -> None:
        text = "routes: [{event_types: [peer.*, daemon.state.changed], filters: {include: {events: %s}}}]"
        narrowed = valid(tmp_path, text % "[peer.online, route.lost]").routes[0].selector.event_types
        assert narrowed == ("peer.online",)
        assert valid(tmp_path, text % "['*']").routes[0].selector.event_types == ("peer.*", "daemon.state.changed")


class TestItsSilentAcceptances:
    @pytest.mark.parametrize(
        ("text", "path", "said"),
        [
            ("policy: {debounce_window: -1s}", "policy.debounce_window", "is not a duration"),
            ("poll_interval: 10", "poll_interval", "needs a unit"),
            ("poll_interval: 0", "poll_interval", "must be longer than 0"),
            ("policy: {batch_size: 0}", "policy.batch_size", "must be at least 1"),
            ("policy: {batch_size: many}", "policy.batch_size", "must be a whole number"),
            ("detectors: {presense: {enabled: true}}", "detectors.presense", "did you mean `presence`?"),
            ("detector_order: [presence, dns]", "detector_order.1", "names `dns`, which is not in `detectors`"),
            ("output: {log_level: loud}", "output.log_level", "must be debug, info, warning or error"),
            ("source: {mode: realtme}", "source.mode", "did you mean `realtime`?"),
            ("tsnet: {login_mode: oauth}", "tsnet.login_mode", "needs `tsnet.client_secret`"),
            ("tsnet: {client_id: a}", "tsnet.client_id", "needs `tsnet.client_secret` beside it"),
            ("tsnet: {client_secret: a}", "tsnet.client_secret", "needs `tsnet.client_id` beside it"),
            ("tsnet: {advertise_tags: [server]}", "tsnet.advertise_tags", "which is not a tag"),
            ("notifier: {sinkz: []}", "notifier.sinkz", "is not a key that Sentinel knows"),
        ],
    )
    def test_are_faults_with_their_line(self, tmp_path: Path, text: str, path: str, said: str) -> None:
        (fault,) = loaded(tmp_path, f"\n{text}\n").faults
        assert (fault.path, fault.line) == (path, 2)
        assert said in fault.text

    def test_so_is_a_file_in_the_working_directory_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "sentinel.yaml").write_text("a: [")
        assert examine(None, {}, cwd=tmp_path).config is None


class TestWhatActsDifferently:
    def told(self, tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> dict[str, str]:
        found = loaded(tmp_path, text, env)
        assert found.config is not None
        each = differences(found.config, said=found.said, given=found.given, env=env or {})
        return {one.text: one.restore for one in each}

    @pytest.mark.parametrize(
        ("route", "text", "restore"),
        [
            ("event_types: ['*']", "`*` has more types than the 17", 'event_types: ["@original"]'),
            ("event_types: [peer.online], severities: [info]", "`severities` now", 'severity_overrides: {"*": info}'),
            (
                "event_types: [daemon.state.changed], filters: {exclude: {tags: [a]}}",
                "no longer keeps out the events that have no device",
                'event_types: ["peer.*"]',
            ),
        ],
    )
    def test_each_is_told_with_the_line_that_restores_it(
        self, tmp_path: Path, route: str, text: str, restore: str
    ) -> None:
        told = self.told(tmp_path, f"notifier: {{routes: [{{{route}, sinks: [stdout-debug]}}]}}")
        assert list(told.values()) == [restore]
        assert text in next(iter(told))
        assert next(iter(told)).startswith("notifier.routes.0: ")

    def test_a_variable_that_it_did_not_read_is_told(self, tmp_path: Path) -> None:
        env = {"SENTINEL_POLICY_BATCH_SIZE": "3"}
        assert "unset SENTINEL_POLICY_BATCH_SIZE" in self.told(tmp_path, "", env).values()
        assert self.told(tmp_path, "policy: {batch_size: 4}", env) == {}

    @pytest.mark.parametrize(
        ("env", "told"),
        [
            (
                {"SENTINEL_STATE_PATH": "state.json"},
                {
                    "the default route, to stdout-debug, has more types than the 17 of the original": (
                        'SENTINEL_NOTIFIER_ROUTES=[{"event_types": ["@original"], "sinks": ["stdout-debug"]}]'
                    )
                },
            ),
            (
                {"SENTINEL_NOTIFIER_ROUTES": '[{"event_types": ["*"], "sinks": ["stdout-debug"]}]'},
                {
                    "SENTINEL_NOTIFIER_ROUTES.0: `*` has more types than the 17 of the original": (
                        '"event_types": ["@original"]'
                    )
                },
            ),
            (
                {
                    "SENTINEL_NOTIFIER_ROUTES": '[{"event_types": ["peer.online"], "sinks": ["stdout-debug"]}]',
                    "SENTINEL_NOTIFIER_ROUTE_SINKS": "stdout-debug",
                },
                {
                    "SENTINEL_NOTIFIER_ROUTE_…: `*` has more types than the 17 of the original": (
                        "SENTINEL_NOTIFIER_ROUTE_EVENT_TYPES=@original"
                    )
                },
            ),
            (
                {
                    "SENTINEL_NOTIFIER_ROUTES": (
                        '[{"event_types": ["peer.online"], "severities": ["info"], "sinks": ["stdout-debug"]}]'
                    )
                },
                {
                    "SENTINEL_NOTIFIER_ROUTES.0: `severities` now chooses; in the original every event was "
                    "`info`": 'SENTINEL_SEVERITY_OVERRIDES={"*": "info"}'
                },
            ),
            (
                {
                    "SENTINEL_NOTIFIER_SINKS": '[{"name": "d", "type": "discord", "url": "https://x"}]',
                    "SENTINEL_NOTIFIER_ROUTES": '[{"event_types": ["peer.offline"], "sinks": ["d"]}]',
                },
                {"people are told of a device that is away only after 2 minutes": "SENTINEL_POLICY__HOLD=[]"},
            ),
        ],
    )
    def test_what_comes_from_variables_alone_is_told_with_the_variable_that_restores_it(
        self, tmp_path: Path, env: Mapping[str, str], told: Mapping[str, str]
    ) -> None:
        assert self.told(tmp_path, "", env) == told
        ((_, line),) = told.items()
        name, equals, value = line.partition("=")
        restored = (
            {**env, name: value} if equals else {each: text.replace("*", "@original") for each, text in env.items()}
        )
        assert self.told(tmp_path, "", restored) == {}

    def test_the_route_that_nobody_wrote_is_told_like_one_that_is_written(self, tmp_path: Path) -> None:
        for text in ("poll_interval: 5s", "notifier: {sinks: [{name: log, type: stdout}]}"):
            ((said, line),) = self.told(tmp_path, text).items()
            assert said.startswith("the default route, to stdout-debug,")
            assert line == 'notifier: {routes: [{event_types: ["@original"], sinks: [stdout-debug]}]}'
        assert self.told(tmp_path, line) == {}

    def test_variables_that_are_ours_have_nothing_to_compare(self, tmp_path: Path) -> None:
        env = {"SENTINEL_STATE__PATH": "state.db", "SENTINEL_TAILSCALE_AUTH_KEY": "tskey-auth-x"}
        assert self.told(tmp_path, "", env) == {}
        assert self.told(tmp_path, "sinks: {log: {type: stdout}}", {"SENTINEL_STATE_PATH": "state.json"}) == {}

    def test_that_people_wait_is_told(self, tmp_path: Path) -> None:
        text = (
            "notifier: {sinks: [{name: d, type: discord, url: 'https://x'}], "
            "routes: [{event_types: [peer.offline], sinks: [d]}]}"
        )
        assert list(self.told(tmp_path, text).values()) == ["policy: {hold: []}"]
        assert self.told(tmp_path, text + "\npolicy: {debounce_window: 3s}") == {}

    @pytest.mark.parametrize(("limit", "told"), [(60, 1), (0, 0), (-1, 0)])
    def test_that_nothing_is_dropped_is_told(self, tmp_path: Path, limit: int, told: int) -> None:
        text = f"policy: {{rate_limit_per_min: {limit}}}\nnotifier: {{routes: [{{event_types: [peer.online]}}]}}"
        found = self.told(tmp_path, text)
        assert (
            list(found.items())
            == [("what is more than `policy.rate_limit_per_min` waits; the original dropped it", "")] * told
        )

    def test_our_own_form_has_nothing_to_compare(self, tmp_path: Path) -> None:
        text = "routes: [{match: {event_types: ['*'], severities: [info]}, sinks: [stdout-debug]}]"
        assert self.told(tmp_path, text) == {}
