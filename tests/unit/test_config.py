"""The configuration: what holds by default, what is read, and how everything that is wrong is told."""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.config import SECRETS, SINKS, AppriseSink, Config, StdoutSink, examine, load, load_leniently
from sentinel.config.document import parse_document
from sentinel.config.durations import parse_duration, spell_duration
from sentinel.config.places import machine_zone
from sentinel.config.reference import keys, schema
from sentinel.errors import ConfigError, Fault

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config/sentinel.example.yaml"
REFERENCE = ROOT / "docs/configuration.md"

TYPES = "stdout, debug, apprise, webhook, discord, alertmanager, file, exec"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str | bytes, name: str = "sentinel.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


def faults_of(path: Path, env: Mapping[str, str] | None = None) -> tuple[Fault, ...]:
    return examine(path, env or {}, cwd=path.parent).faults


def only_fault(path: Path, env: Mapping[str, str] | None = None) -> Fault:
    (fault,) = faults_of(path, env)
    return fault


class TestDefaults:
    def test_without_any_file_the_defaults_hold(self, tmp_path: Path) -> None:
        config = load(None, {}, cwd=tmp_path)

        assert config.sinks == {"stdout-debug": StdoutSink(type="stdout")}
        assert config.policy.debounce_window == timedelta(seconds=3)
        assert config.state.store_path == tmp_path / ".sentinel/state.db"
        assert config.retention == timedelta(days=90)
        assert config.tsnet.hostname == "sentinel"
        assert config.tsnet.state_dir == tmp_path / ".sentinel/tsnet"
        assert config.sources["tailnet"].sidecar == "managed"

    @pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "sinks:\npolicy:\nsources: {}\n"])
    def test_an_empty_file_is_the_defaults(self, write: Write, tmp_path: Path, text: str) -> None:
        path = write(text, "empty.yaml")
        assert load(path, {}, cwd=tmp_path) == load(None, {}, cwd=tmp_path)

    def test_an_empty_json_file_is_the_defaults(self, write: Write, tmp_path: Path) -> None:
        assert load(write("", "c.json"), {}, cwd=tmp_path).retention == timedelta(days=90)

    def test_a_config_without_surroundings_is_complete(self) -> None:
        config = Config.model_validate({"state": {"path": "/var/lib/s/state.db"}})

        assert config.control.socket == Path("/var/lib/s/control.sock")
        assert config.time_zone.key == "UTC"

    def test_it_cannot_be_changed(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            Config().retention = timedelta()


class TestFinding:
    def test_the_named_file_comes_before_the_variable(self, write: Write, tmp_path: Path) -> None:
        named, other = write("retention: 1d", "a.yaml"), write("retention: 2d", "b.yaml")
        env = {"SENTINEL_CONFIG_PATH": str(other)}

        assert load(named, env, cwd=tmp_path).retention == timedelta(days=1)
        assert load(None, env, cwd=tmp_path).retention == timedelta(days=2)

    def test_yaml_in_the_working_directory_comes_before_json(self, write: Write, tmp_path: Path) -> None:
        write('{"retention": "2d"}', "sentinel.json")
        assert load(None, {}, cwd=tmp_path).retention == timedelta(days=2)
        write("retention: 1d", "sentinel.yaml")
        assert load(None, {}, cwd=tmp_path).retention == timedelta(days=1)

    def test_an_empty_variable_is_as_if_it_were_not_set(self, write: Write, tmp_path: Path) -> None:
        write("retention: 1d")
        assert load(None, {"SENTINEL_CONFIG_PATH": " "}, cwd=tmp_path).retention == timedelta(days=1)

    def test_relative_paths_start_at_the_working_directory(self, write: Write, tmp_path: Path) -> None:
        write("state: {path: s/state.json}", "in.yaml")

        config = load(Path("in.yaml"), {}, cwd=tmp_path)

        assert config.state.path == tmp_path / "s/state.json"
        assert config.state.store_path == tmp_path / "s/state.db"

    def test_a_tilde_is_the_home_directory(self, write: Write, tmp_path: Path) -> None:
        config = load(write("state: {path: ~/state.db}"), {"HOME": "/home/mira"}, cwd=tmp_path)
        assert config.state.path == Path("/home/mira/state.db")

    def test_a_missing_file_and_a_directory_are_told_apart(self, tmp_path: Path) -> None:
        assert only_fault(tmp_path / "no.yaml").text == "there is no such file"
        assert only_fault(tmp_path).text == "is a directory: name the file in it"

    def test_a_folder_that_is_closed_is_no_folder_without_a_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def closed(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "exists", closed)
        monkeypatch.setattr(Path, "open", closed)
        monkeypatch.setattr(os, "access", lambda *_: False)
        (fault,) = examine(None, {}, cwd=tmp_path).faults
        assert f"cannot be read: Permission denied; the folder is closed to user {os.getuid()}" in str(fault)
        assert f"run 'chown -R {os.getuid()} {tmp_path}'" in str(fault)


class TestSockets:
    @pytest.mark.parametrize(
        ("env", "folder"),
        [
            ({"RUNTIME_DIRECTORY": "/run/sentinel:/run/other", "XDG_RUNTIME_DIR": "/run/user/1"}, "/run/sentinel"),
            ({"XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/sentinel"),
            ({}, "/var/lib/sentinel"),
        ],
    )
    def test_they_stand_where_the_machine_puts_such_things(
        self, write: Write, tmp_path: Path, env: Mapping[str, str], folder: str
    ) -> None:
        config = load(write("state: {path: /var/lib/sentinel/state.db}"), env, cwd=tmp_path)

        assert config.ingest.socket == Path(folder) / "ingest.sock"
        assert config.control.socket == Path(folder) / "control.sock"

    def test_a_path_that_the_kernel_would_refuse_is_a_fault_with_a_remedy(self, write: Write) -> None:
        path = write(f"control:\n  socket: /{'a' * 107}")

        fault = only_fault(path)

        assert (fault.path, fault.line) == ("control.socket", 2)
        assert fault.text.startswith("is 108 bytes long and a unix socket's path can have 107: name a shorter one")

    def test_so_is_a_default_that_is_too_long(self, tmp_path: Path) -> None:
        faults = examine(None, {"XDG_RUNTIME_DIR": "/" + "a" * 107}, cwd=tmp_path).faults
        assert [fault.path for fault in faults] == ["control.socket", "ingest.socket"]


class TestSinks:
    def test_debug_is_another_name_for_stdout(self, write: Write, tmp_path: Path) -> None:
        config = load(write("sinks: {a: {type: debug}, b: {type: stdout, format: text}}"), {}, cwd=tmp_path)
        assert config.sinks == {"a": StdoutSink(type="stdout"), "b": StdoutSink(type="stdout", format="text")}

    def test_variables_in_a_url_are_replaced(self, write: Write, tmp_path: Path) -> None:
        path = write('sinks: {phone: {type: apprise, url: "ntfy://${USER_}:${TOKEN}@host/x"}}')

        sink = load(path, {"USER_": "me", "TOKEN": "canary"}, cwd=tmp_path).sinks["phone"]

        assert isinstance(sink, AppriseSink)
        assert sink.target.get_secret_value() == "ntfy://me:canary@host/x"

    def test_a_url_can_stand_in_a_file_of_its_own(self, write: Write, tmp_path: Path) -> None:
        write("ntfy://canary/${X}\n", "secret")
        sink = load(write("sinks: {p: {type: apprise, url_file: secret}}"), {}, cwd=tmp_path).sinks["p"]

        assert isinstance(sink, AppriseSink)
        assert sink.target.get_secret_value() == "ntfy://canary/${X}"

    def test_secrets_are_never_printed(self, write: Write, tmp_path: Path) -> None:
        write("ntfy://canary", "secret")
        path = write(
            "sinks: {a: {type: apprise, url: 'ntfy://canary'}, b: {type: apprise, url_file: secret}}\n"
            "tsnet: {auth_key: tskey-canary}"
        )
        loaded = examine(path, {}, cwd=tmp_path)

        assert loaded.config is not None
        assert "canary" not in repr(loaded.config)
        assert "canary" not in loaded.config.model_dump_json()

    @pytest.mark.parametrize(
        ("sink", "where", "text"),
        [
            ("{type: apprise, url: 'x://${NO}'}", ".url", "uses ${NO}, and the variable NO is not set"),
            ("{type: apprise, url: 'x://${EMPTY}'}", ".url", "uses ${EMPTY}, and the variable EMPTY is empty"),
            ("{type: apprise, url: 'x://${NO'}", ".url", "has a `${` that is not the beginning of `${NAME}`"),
            ("{type: apprise, url: 'x://${A:-b}'}", ".url", "has a `${` that is not the beginning of `${NAME}`"),
            ("{type: apprise, url: 5}", ".url", "must be text: put it in quotes"),
            ("{type: apprise}", "", "needs either `url` or `url_file`"),
            ("{type: apprise, url: 'x://y', url_file: word}", "", "needs either `url` or `url_file`, not both"),
            ("{type: apprise, url_file: blank}", ".url_file", "which is empty"),
            ("{type: apprise, url_file: lines}", ".url_file", "which has more than one line"),
            ("{type: apprise, url_file: nowhere}", ".url_file", "which cannot be read: No such file or directory"),
            ("{type: aprise}", "", "has an unknown `type`: did you mean `apprise`?"),
            ("{type: 5}", "", "has an unknown `type`: there are " + TYPES),
            ("{}", "", "needs a `type`: " + TYPES),
            ("", "", "needs a `type`: " + TYPES),
            ("text", "", "needs a `type`: " + TYPES),
            ("{type: stdout, fromat: text}", ".fromat", "is not a key that Sentinel knows: did you mean `format`?"),
            ("{type: stdout, format: xml}", ".format", "must be json or text"),
        ],
    )
    def test_what_is_wrong_with_one_is_said(self, write: Write, sink: str, where: str, text: str) -> None:
        write(" \n", "blank")
        write("a\nb\n", "lines")
        write("a", "word")
        path = write(f"sinks:\n  phone: {sink}\n")

        fault = only_fault(path, {"EMPTY": ""})

        assert (fault.path, fault.line, fault.file) == (f"sinks.phone{where}", 2, str(path))
        assert fault.text.endswith(text)

    @pytest.mark.parametrize("name", ["a b", "a/b", "'a:b'", "ä"])
    def test_names_have_a_narrow_alphabet(self, write: Write, name: str) -> None:
        assert "is not a name" in only_fault(write(f"sinks: {{{name}: {{type: stdout}}}}")).text

    def test_a_name_may_look_like_something_else(self, write: Write, tmp_path: Path) -> None:
        config = load(write("sinks: {on: {type: stdout}, 12: {type: stdout}, a.b: {type: stdout}}"), {}, cwd=tmp_path)
        assert list(config.sinks) == ["on", "12", "a.b"]


class TestOtherKeys:
    @pytest.mark.parametrize(
        ("text", "where", "said"),
        [
            ("polcy: {}", "polcy", "is not a key that Sentinel knows: did you mean `policy`?"),
            ("policy: {debounce: 3s}", "policy.debounce", "did you mean `debounce_window`?"),
            ("policy: []", "policy", "must be a mapping of keys to values"),
            ("sinks: text", "sinks", "must be a mapping of names to values"),
            ("policy: {debounce_window: 5}", "policy.debounce_window", "needs a unit: for example 5s"),
            ("policy: {debounce_window: -3s}", "policy.debounce_window", "is not a duration"),
            ("retention: 0", "retention", "must be longer than 0"),
            ("time_zone: Europe/Berln", "time_zone", "did you mean Europe/Berlin?"),
            ("time_zone: ../etc/passwd", "time_zone", "is not a time zone"),
            ("time_zone: 5", "time_zone", "is not a time zone"),
            ("tsnet: {hostname: a_b}", "tsnet.hostname", "must be letters, digits and hyphens"),
            ("tsnet: {hostname: 5}", "tsnet.hostname", "must be text: put it in quotes"),
            ("tsnet: {ephemeral: maybe}", "tsnet.ephemeral", "must be true or false"),
            ("tsnet: {control_url: control.example.com}", "tsnet.control_url", "is not a web address"),
            ("tsnet: {auth_key: canary}", "tsnet.auth_key", "is not an auth key of Tailscale"),
            ("tsnet: {auth_key: '${NO}'}", "tsnet.auth_key", "the variable NO is not set"),
            ("tsnet: {state_dir: 5}", "tsnet.state_dir", "must be a path"),
            ("state: {path: [a]}", "state.path", "must be a path"),
            ("sources: {a: {sidecar: manged}}", "sources.a.sidecar", "must be managed or external"),
            ("sources: {a: {sidcar: managed}}", "sources.a.sidcar", "did you mean `sidecar`?"),
            ("sources: {a: , b: {sidecar: external}}", "sources.a", "must be a mapping"),
            ("sources: {a: {}, b: {sidecar: managed}}", "sources", "has 2 managed sidecars"),
            ("output: {log_format: xml}", "output.log_format", "must be pretty or json"),
            ("output: {log_level: trace}", "output.log_level", "must be debug, info, warning or error"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, write: Write, text: str, where: str, said: str) -> None:
        fault = only_fault(write(f"# a comment\n{text}\n"))

        assert (fault.path, fault.line) == (where, 2)
        assert said in fault.text
        assert "canary" not in str(fault)

    def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(self, write: Write) -> None:
        path = write("retention: never\nsinks:\n  a: {type: x}\n  a: {type: stdout}\noutput:\n  log_level: loud\n")

        assert [(fault.line, fault.path) for fault in faults_of(path)] == [
            (1, "retention"),
            (4, "sinks.a"),
            (6, "output.log_level"),
        ]

    def test_load_raises_all_of_them(self, write: Write, tmp_path: Path) -> None:
        path = write("retention: never\ntime_zone: nowhere\n")
        with pytest.raises(ConfigError) as caught:
            load(path, {}, cwd=tmp_path)
        assert [str(fault).split(": ")[0] for fault in caught.value.faults] == [f"{path}:1", f"{path}:2"]

    def test_other_control_servers_have_keys_of_other_forms(self, write: Write, tmp_path: Path) -> None:
        path = write("tsnet: {control_url: 'https://hs.example.com', auth_key: 'abc'}")
        assert load(path, {}, cwd=tmp_path).tsnet.auth_key.get_secret_value() == "abc"

    def test_several_sources_may_be_external(self, write: Write, tmp_path: Path) -> None:
        path = write("sources: {home: {}, work: {sidecar: external}, lab: {sidecar: external}}")
        assert set(load(path, {}, cwd=tmp_path).sources) == {"home", "work", "lab"}


class TestEnvironment:
    def test_the_variable_for_the_auth_key_comes_before_the_file(self, write: Write, tmp_path: Path) -> None:
        path = write("tsnet: {auth_key: '${UNSET}', hostname: x}")

        config = load(path, {"SENTINEL_TAILSCALE_AUTH_KEY": " tskey-env "}, cwd=tmp_path)

        assert config.tsnet.auth_key.get_secret_value() == "tskey-env"
        assert config.tsnet.hostname == "x"

    def test_an_empty_one_does_not(self, write: Write, tmp_path: Path) -> None:
        config = load(write("tsnet: {auth_key: tskey-file}"), {"SENTINEL_TAILSCALE_AUTH_KEY": " "}, cwd=tmp_path)
        assert config.tsnet.auth_key.get_secret_value() == "tskey-file"

    def test_a_fault_of_it_names_the_variable_and_not_its_value(self, tmp_path: Path) -> None:
        (fault,) = examine(None, {"SENTINEL_TAILSCALE_AUTH_KEY": "canary"}, cwd=tmp_path).faults
        assert str(fault).startswith("tsnet.auth_key: SENTINEL_TAILSCALE_AUTH_KEY is not an auth key of Tailscale")
        assert "canary" not in str(fault)

    def test_unknown_names_are_warned_about_with_the_nearest(self, write: Write, tmp_path: Path) -> None:
        path = write("sinks: {a: {type: apprise, url: 'ntfy://${SENTINEL_TOPIC}'}}")
        env = {"SENTINEL_TAILSCALE_AUTHKEY": "x", "SENTINEL_TOPIC": "y", "SENTINEL_PORT_80_TCP": "z", "HOME": "/"}

        assert examine(path, env, cwd=tmp_path).warnings == (
            "the environment variable SENTINEL_TAILSCALE_AUTHKEY is not one that Sentinel knows: "
            "did you mean SENTINEL_TAILSCALE_AUTH_KEY?",
        )

    @pytest.mark.parametrize(
        ("zone", "expected"), [("Europe/Paris", "Europe/Paris"), (":Asia/Tokyo", "Asia/Tokyo"), ("CET-1CEST,M3", "UTC")]
    )
    def test_the_time_zone_is_the_machines(self, tmp_path: Path, zone: str, expected: str) -> None:
        assert load(None, {"TZ": zone}, cwd=tmp_path).time_zone.key == expected

    def test_without_a_variable_it_is_the_one_that_localtime_links_to(self, tmp_path: Path) -> None:
        link = tmp_path / "localtime"
        link.symlink_to("/usr/share/zoneinfo/America/Lima")
        assert machine_zone({}, link) == "America/Lima"
        assert machine_zone({}, tmp_path / "nothing") == "UTC"


class TestLenientLoading:
    def test_a_faulty_sink_does_not_stand_in_the_way_of_the_others(self, write: Write, tmp_path: Path) -> None:
        path = write("sinks: {good: {type: stdout}, bad: {type: apprise, url: 'x://${NO}'}}")

        config, faults = load_leniently(path, {}, cwd=tmp_path)

        assert config is not None
        assert list(config.sinks) == ["good"]
        assert [fault.path for fault in faults] == ["sinks.bad.url"]

    def test_no_sink_left_is_not_the_default_sink(self, write: Write, tmp_path: Path) -> None:
        loaded = examine(write("sinks: {bad: {type: nonsense}}"), {}, cwd=tmp_path, forgive=SINKS)

        assert loaded.config is not None
        assert loaded.config.sinks == {}
        assert [(sink.name, sink.type) for sink in loaded.faulty_sinks] == [("bad", "nonsense")]

    def test_any_other_fault_does(self, write: Write, tmp_path: Path) -> None:
        config, faults = load_leniently(write("sinks: {bad: {type: x}}\nretention: 0"), {}, cwd=tmp_path)
        assert config is None
        assert len(faults) == 2

    def test_who_only_asks_the_service_needs_none_of_its_secrets(self, write: Write, tmp_path: Path) -> None:
        path = write("tsnet: {auth_key: '${NO}'}\nsinks: {a: {type: apprise, url_file: /no}}")
        assert examine(path, {}, cwd=tmp_path).config is None
        assert examine(path, {}, cwd=tmp_path, forgive=SECRETS).config is not None

    def test_a_fault_found_elsewhere_gets_its_line(self, write: Write, tmp_path: Path) -> None:
        path = write("sinks:\n  a:\n    type: apprise\n    url: 'x://y'\n")
        loaded = examine(path, {}, cwd=tmp_path)
        assert str(loaded.located(Fault("no", path="sinks.a.url"))) == f"{path}:4: sinks.a.url: no"
        assert loaded.located(Fault("no", path="other")) == Fault("no", path="other")


class TestTheFilesForm:
    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ("a:\n\tb: 1\n", 2, "is indented with a tab"),
            ("a: [1\nb: 2\n", 2, "expected"),
            ("a: *nowhere\n", 1, "undefined alias"),
            ("a: !!python/object:os.system x\n", 1, "could not determine a constructor"),
            ("a: 1\n---\nb: 1\n", 2, "but found another document"),
            (b"a: 1\nb: \xff\n", 2, "is not UTF-8 text"),
            ("a: 1\nb: \x01\n", 2, "has a control character"),
            ("- a\n- b\n", None, "must be a mapping of keys"),
            ("just words", None, "must be a mapping of keys"),
            ("? [a]\n: b\n", 1, "a key must be a name"),
            ("a: " + "[" * 40 + "]" * 40, 1, "is nested more than 32 levels deep"),
            ("a: " + "[" * 5000, 1, "is nested more than 32 levels deep"),
            ("a: &x 1\nb: [" + "*x," * 101 + "]", 2, "has more than 100 aliases"),
            ("a: &a {b: *a}\n", 1, "is nested more than 32 levels deep"),
            ("#" * (1024 * 1024 + 1), None, "is larger than 1024 KiB"),
            ("<<: 5\n", 1, "`<<` takes a mapping"),
            ("a: 2020-13-45\n", None, "cannot be understood"),
        ],
    )
    def test_what_cannot_be_read_is_one_fault(
        self, write: Write, text: str | bytes, line: int | None, said: str
    ) -> None:
        fault = only_fault(write(text))
        assert said in fault.text
        assert fault.line == line

    def test_a_few_aliases_cannot_unfold_to_billions_of_values(self) -> None:
        levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10))
        document = parse_document(f"l0: &l0 [x, x, x, x, x, x, x, x, x]\n{levels}\n")
        assert "unfolds to more than" in document.faults[0].fault.text

    def test_a_key_given_twice_is_a_fault_with_both_lines(self, write: Write) -> None:
        fault = only_fault(write("policy:\n  debounce_window: 1s\n  debounce_window: 2s\n"))
        assert str(fault).endswith(":3: policy.debounce_window: is given twice, first on line 2")

    def test_merged_mappings_are_read(self, write: Write, tmp_path: Path) -> None:
        path = write("sinks:\n  a: &base {type: stdout, format: text}\n  b: {<<: *base, format: json}\n")
        assert load(path, {}, cwd=tmp_path).sinks["b"] == StdoutSink(type="stdout", format="json")

    def test_a_byte_order_mark_does_no_harm(self, write: Write, tmp_path: Path) -> None:
        assert load(write(b"\xef\xbb\xbfretention: 1d"), {}, cwd=tmp_path).retention == timedelta(days=1)

    def test_json_may_be_indented_with_tabs(self, write: Write, tmp_path: Path) -> None:
        path = write('{\n\t"tsnet": {\n\t\t"hostname": "caf\\u00e9"\n\t}\n}', "c.json")
        fault = only_fault(path)
        assert (fault.path, fault.line) == ("tsnet.hostname", 3)

    def test_json_beyond_sixteen_bits_is_read(self) -> None:
        assert parse_document('{"a": "\\ud83d\\ude00"}', as_json=True).values == {"a": "😀"}

    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ('{\n"a": 1,\n}', 3, "is not JSON"),
            ("retention: 1d", 1, "is not JSON"),
            ('{"a": NaN}', None, "NaN is not a number of JSON"),
            ('{"a": ' + "[" * 100_000, None, "is nested more than 32 levels deep"),
        ],
    )
    def test_json_that_is_none_is_a_fault(self, write: Write, text: str, line: int | None, said: str) -> None:
        fault = only_fault(write(text, "c.json"))
        assert said in fault.text
        assert fault.line == line


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("3s", 3),
            ("500ms", 0.5),
            ("2m", 120),
            ("12h", 43200),
            ("90d", 7776000),
            ("1h30m", 5400),
            ("0", 0),
            (0, 0),
            ("1.5h", 5400),
        ],
    )
    def test_they_are_read_as_people_write_them(self, text: object, seconds: float) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        "text", ["", "3", 3, 3.5, "3 s", "s", "1w", "-1s", "3S", True, None, [], "٣s", "1s;", "9" * 99 + "d"]
    )
    def test_everything_else_is_refused_with_an_example(self, text: object) -> None:
        with pytest.raises(ValueError, match="for example"):
            parse_duration(text)

    @pytest.mark.parametrize("text", ["0", "3s", "500ms", "1h30m", "90d", "1d2h3m4s5ms"])
    def test_they_are_spelled_as_they_are_read(self, text: str) -> None:
        assert spell_duration(parse_duration(text)) == text


class TestTheReference:
    def test_the_example_is_valid(self, tmp_path: Path) -> None:
        load(EXAMPLE, {}, cwd=tmp_path)

    def test_the_example_shows_the_defaults(self, tmp_path: Path) -> None:
        shown, default = load(EXAMPLE, {}, cwd=tmp_path), load(None, {}, cwd=tmp_path)
        ours = {"time_zone": default.time_zone, "output": default.output}
        assert shown.model_copy(update=ours) == default

    def test_every_key_is_in_the_example_and_in_the_documentation(self) -> None:
        example, reference = EXAMPLE.read_text(), REFERENCE.read_text()
        for key in keys():
            name = key.path.rpartition(".")[2]
            assert re.search(rf"(^[ #]*(- )?|[{{,] *){name}:", example, re.MULTILINE), key
            assert f"| `{key.path}` |" in reference

    def test_every_key_of_the_model_has_a_description_and_a_row(self) -> None:
        assert all(key.description for key in keys())
        assert {re.split(r"\W", key.path)[0] for key in keys()} == set(Config.model_fields)

    def test_the_schema_knows_the_example(self) -> None:
        assert_fits(yaml.safe_load(EXAMPLE.read_text()), schema(), schema()["$defs"])

    def test_the_generated_schema_is_up_to_date(self) -> None:
        assert json.loads((ROOT / "config/sentinel.schema.json").read_text()) == schema()


def assert_fits(value: Any, spec: Mapping[str, Any], definitions: Mapping[str, Any]) -> None:
    """Each key of the value stands in the schema."""
    if "$ref" in spec:
        spec = definitions[spec["$ref"].rpartition("/")[2]]
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        named = spec.get("additionalProperties")
        choices = [named] if isinstance(named, dict) and "$ref" in named else (named or {}).get("oneOf", [])
        for choice in choices[:1] or [spec["properties"][key]]:
            assert_fits(inner, choice, definitions)
