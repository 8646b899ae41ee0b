"""The command line: what it prints, where, and with which exit code."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import grpc
import orjson
import pytest
from click.testing import CliRunner, Result
from google.protobuf.timestamp_pb2 import Timestamp
from loguru import logger

from sentinel import app
from sentinel.cli import demo
from sentinel.cli.commands import cli
from sentinel.cli.tables import COLUMNS, cut, table, width
from sentinel.config import Config, Loaded
from sentinel.control.client import connected
from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.control.values import Asked, Look, Occurrence, Subject
from sentinel.errors import ControlError, Fault, SentinelError, StateError

NAMES = (
    *(
        "check",
        "completion",
        "config",
        "deliveries",
        "devices",
        "demo",
        "diff",
        "dlq",
        "dump-netmap",
        "events",
        "explain",
        "history",
        "run",
        "serve",
        "status",
    ),
    *("test-notify", "validate-config", "version"),
)
MOMENT = datetime(2026, 3, 1, 13, 2, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    sink: str
    ok: bool
    type: str = "apprise"
    error: str = ""
    words: str = "Test: nas is back\nTest: nas is back after 2 min."


@dataclass(slots=True)
class Program:
    """The program behind the command line, with canned answers; remembers what it was asked."""

    serving: Callable[[Config, Callable[[], None]], int] = lambda config, ready: 0
    faults: tuple[Fault, ...] = ()
    failing: frozenset[str] = frozenset()
    binaries: Mapping[str, Path] = field(default_factory=dict)
    served: list[Config] = field(default_factory=list)
    environments: list[Mapping[str, str] | None] = field(default_factory=list)
    tested: list[tuple[str, ...]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    way: tuple[str, ...] = ()
    left: Asked | None = None
    once: list[bool] = field(default_factory=list)
    rehearsed: list[bool] = field(default_factory=list)
    looked: list[Config] = field(default_factory=list)
    sight: Look = field(default_factory=lambda: Look((), ()))
    again: Callable[[], Loaded] | None = None
    warnings: tuple[str, ...] = ()

    def serve(
        self,
        config: Config,
        *,
        extra_env: Mapping[str, str] | None = None,
        ready: Callable[[], None] | None = None,
        once: bool = False,
        again: Callable[[], Loaded] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> int:
        self.again, self.warnings = again, warnings
        self.once.append(once)
        self.served.append(config)
        self.environments.append(extra_env)
        return self.serving(config, ready or (lambda: None))

    def rehearse(self, config: Config, *, once: bool) -> int:
        self.rehearsed.append(once)
        return self.serving(config, lambda: None)

    def look(self, config: Config) -> Look:
        self.looked.append(config)
        return self.sight

    def stored(self, config: Config) -> Asked | None:
        return self.left

    def check(self, config: Config) -> tuple[Fault, ...]:
        return self.faults

    def remarks(self, config: Config) -> tuple[str, ...]:
        return ()

    def test_sinks(
        self, config: Config, names: Sequence[str], *, deadline_s: float, event_type: str, dry_run: bool
    ) -> tuple[Verdict, ...]:
        self.tested.append(tuple(names))
        self.kinds += [config.sinks[name].type for name in names]
        if not dry_run:
            self.sent.append(event_type)
            click.echo("a line of a stdout sink")
        return tuple(
            Verdict(name, name not in self.failing, error="refused" * (name in self.failing)) for name in sorted(names)
        )

    def example_types(self) -> tuple[str, ...]:
        return ("peer.online", "peer.offline")

    def routed(self, config: Config, event_type: str) -> tuple[str, ...]:
        return self.way

    def kind_of(self, url: str) -> str:
        return "webhook" if url.startswith("http") else "apprise"

    def find_sidecar(self) -> Path | None:
        return self.binaries.get("sentinel-sidecar")

    def find_binary(self, name: str) -> Path | None:
        return self.binaries.get(name)


class Service(control_pb2_grpc.ControlServiceServicer):
    """A running service with canned answers."""

    def __init__(self) -> None:
        self.status = control_pb2.GetStatusResponse(version="0.1.0", started_at=stamp(MOMENT))
        self.subjects: list[control_pb2.Subject] = []
        self.events: list[control_pb2.ListEventsResponse] = []
        self.letters: list[control_pb2.ListDeliveriesResponse] = []
        self.reloaded = control_pb2.ReloadResponse()
        self.requests: list[Any] = []
        self.hanging = threading.Event()
        self.hanging.set()
        self.code: grpc.StatusCode | None = None

    def GetStatus(self, request: Any, context: Any) -> control_pb2.GetStatusResponse:
        self.hanging.wait()
        if self.code is not None:
            context.abort(self.code, "the disk\nis full")
        return self.status

    def Reload(self, request: Any, context: Any) -> control_pb2.ReloadResponse:
        return self.reloaded

    def ListSubjects(self, request: Any, context: Any) -> Iterator[control_pb2.ListSubjectsResponse]:
        yield control_pb2.ListSubjectsResponse(subjects=self.subjects)
        self.hanging.wait()

    def ListEvents(self, request: Any, context: Any) -> Iterator[control_pb2.ListEventsResponse]:
        self.requests.append(request)
        yield from self.events

    def ListDeliveries(self, request: Any, context: Any) -> Iterator[control_pb2.ListDeliveriesResponse]:
        self.requests.append(request)
        yield from self.letters

    def ReplayDeliveries(self, request: Any, context: Any) -> control_pb2.ReplayDeliveriesResponse:
        self.requests.append(request)
        if request.to == "nobody":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "there is no sink nobody: name one of hook")
        return control_pb2.ReplayDeliveriesResponse(count=len(self.letters))

    def PurgeDeliveries(self, request: Any, context: Any) -> control_pb2.PurgeDeliveriesResponse:
        self.requests.append(request)
        return control_pb2.PurgeDeliveriesResponse(count=len(self.letters))


def stamp(moment: datetime) -> Timestamp:
    result = Timestamp()
    result.FromDatetime(moment)
    return result


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory and an environment without anything of Sentinel's."""
    for name in list(os.environ):
        if name.startswith(("SENTINEL_", "XDG_", "RUNTIME_")) or name == "NO_COLOR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    logger.remove()


@pytest.fixture
def service(here: Path) -> Iterator[Service]:
    answers = Service()
    folder = here / ".sentinel"
    folder.mkdir()
    threads = ThreadPoolExecutor(max_workers=4)
    server = grpc.server(threads)
    control_pb2_grpc.add_ControlServiceServicer_to_server(answers, server)
    server.add_insecure_port(f"unix:{folder / 'control.sock'}")
    server.start()
    yield answers
    answers.hanging.set()
    server.stop(0).wait()
    threads.shutdown()


def run(*arguments: str, program: Program | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, obj=program or Program(), prog_name="sentinel-py")


def configured(here: Path, text: str) -> None:
    (here / "sentinel.yaml").write_text(text)


class TestUsage:
    @pytest.mark.parametrize("name", NAMES)
    def test_every_command_has_help(self, name: str) -> None:
        result = run(name, "--help")
        assert result.exit_code == 0
        assert "--config FILE" in result.stdout

    def test_a_wrong_usage_is_2(self) -> None:
        for arguments in (["nonsense"], ["events", "--limit", "x"], ["--log-level", "loud", "status"], []):
            assert run(*arguments).exit_code == 2

    def test_the_list_of_commands_is_not_cut_off(self) -> None:
        commands = run("--help").stdout.partition("Commands:")[2]
        assert "demo" in commands
        assert "..." not in commands


class TestGlobalOptions:
    @pytest.mark.parametrize("before", [True, False])
    def test_they_stand_before_the_verb_or_after_it(self, here: Path, before: bool) -> None:
        (here / "other.yaml").write_text("tsnet: {hostname: other}\noutput: {log_level: error}")
        options = ["--config", "other.yaml", "--log-level", "warning", "--log-format", "json", "--no-color"]
        program = Program()

        result = run(*(options * before), "serve", *(options * (not before)), program=program)

        assert result.exit_code == 0
        (config,) = program.served
        assert config.tsnet.hostname == "other"
        assert (config.output.log_level, config.output.log_format, config.output.no_color) == ("warning", "json", True)

    @pytest.mark.parametrize("before", [True, False])
    def test_those_of_the_node_do_too(self, here: Path, before: bool) -> None:
        options = ["--tailscale-auth-key", "tskey-x", "--tailscale-state-dir", "keys"]
        program = Program()
        assert run(*(options * before), "run", *(options * (not before)), program=program).exit_code == 0
        tsnet = program.served[0].tsnet
        assert (tsnet.auth_key.get_secret_value(), tsnet.state_dir) == ("tskey-x", here / "keys")

    def test_after_the_verb_wins(self) -> None:
        program = Program()
        run("--log-level", "debug", "run", "--log-level", "error", program=program)
        assert program.served[0].output.log_level == "error"

    def test_without_them_the_file_holds(self, here: Path) -> None:
        configured(here, "output: {log_level: warning, no_color: true}")
        program = Program()
        run("serve", program=program)
        assert (program.served[0].output.log_level, program.served[0].output.no_color) == ("warning", True)

    def test_no_color_of_the_environment_holds_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        program = Program()
        run("serve", program=program)
        assert program.served[0].output.no_color


class TestServe:
    def test_it_ends_with_the_code_of_the_service(self) -> None:
        assert run("serve", program=Program(serving=lambda config, ready: 1)).exit_code == 1

    def test_the_log_says_once_that_things_act_differently_from_the_original(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = run("serve", program=Program())
        monkeypatch.setenv("SENTINEL_STATE_PATH", str(here / "state.json"))
        theirs = run("serve", program=Program())
        assert "jaxxstorm" not in ours.stderr
        (line,) = [line for line in theirs.stderr.splitlines() if "jaxxstorm" in line]
        assert "1 thing acts differently from jaxxstorm/sentinel: 'sentinel-py config validate' says what" in line

    def test_a_bad_configuration_is_78_with_every_fault_on_a_line(self, here: Path) -> None:
        configured(here, "retention: 0\nfoo: 1\n")
        program = Program()

        result = run("serve", program=program)

        assert result.exit_code == 78
        assert result.stderr.splitlines() == [
            f"error: {here}/sentinel.yaml:1: retention: must be longer than 0",
            f"error: {here}/sentinel.yaml:2: foo: is not a key that Sentinel knows",
        ]
        assert result.stdout == ""
        assert program.served == []

    def test_so_is_one_that_the_sinks_refuse(self, here: Path) -> None:
        configured(here, "sinks:\n  phone: {type: apprise, url: 'x://y'}\n")
        result = run("serve", program=Program(faults=(Fault("is not a URL", "sinks.phone.url"),)))
        assert result.exit_code == 78
        assert f"error: {here}/sentinel.yaml:2: sinks.phone.url: is not a URL" in result.stderr

    def test_a_state_that_cannot_be_used_is_one_line_and_1(self) -> None:
        def refuse(config: Config, ready: Callable[[], None]) -> int:
            raise StateError("another Sentinel\nuses \x1b[31m it")

        result = run("serve", program=Program(serving=refuse))

        assert result.exit_code == 1
        assert result.stderr == "error: another Sentinel uses \\u001b[31m it\n"

    def test_a_surprise_is_one_line_unless_debugging(self) -> None:
        def surprise(config: Config, ready: Callable[[], None]) -> int:
            raise ZeroDivisionError("oops")

        program = Program(serving=surprise)
        quiet, loud = run("serve", program=program), run("serve", "--log-level", "debug", program=program)

        assert quiet.exit_code == loud.exit_code == 1
        assert quiet.stderr == (
            "error: unexpected ZeroDivisionError: oops; run with --log-level debug for the traceback\n"
        )
        assert "Traceback" in loud.stderr

    def test_ctrl_c_is_130(self) -> None:
        def interrupt(config: Config, ready: Callable[[], None]) -> int:
            raise KeyboardInterrupt

        result = run("serve", program=Program(serving=interrupt))
        assert (result.exit_code, result.stderr) == (130, "")

    def test_unknown_variables_are_warned_about_in_the_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENTINEL_CONFIG", "x")
        (line,) = run("serve").stderr.splitlines()
        assert json.loads(line)["level"] == "warning"
        assert "did you mean SENTINEL_CONFIG_PATH?" in line

    @pytest.mark.parametrize("name", ["serve", "run"])
    def test_once_is_one_look_and_out_of_time_is_no_failure(self, name: str) -> None:
        program = Program(serving=lambda config, ready: 5)
        assert run(name, "--once", program=program).exit_code == 0
        assert program.once == [True]

    def test_without_it_the_service_goes_on(self) -> None:
        program = Program()
        assert run("serve", program=program).exit_code == 0
        assert program.once == [False]

    @pytest.mark.parametrize("once", [True, False])
    def test_a_dry_run_tells_nobody(self, once: bool) -> None:
        program = Program()
        assert run("run", "--dry-run", *(["--once"] * once), program=program).exit_code == 0
        assert (program.rehearsed, program.served) == ([once], [])


class TestLooking:
    @pytest.fixture
    def program(self) -> Program:
        detail = {
            "presence": "offline",
            "tags": ["tag:server"],
            "addresses": ["100.64.0.7"],
            "owner_id": 7,
            "owners": ["7"],
            "routes": ["10.0.0.0/8"],
            "machine_authorized": None,
            "expired": False,
            "key_expiry": "2026-09-01T00:00:00.000000Z",
            "hostinfo_hash": "8c7f2a2e01b4aa10",
            "os": "linux\x1b",
        }
        peer = Subject("tailnet", "peer", "n1", "nas", "offline", MOMENT, 3, {}, detail)
        envelope = {"event_type": "peer.offline", "timestamp": "2026-03-01T13:02:05.000000Z", "subject_name": "nas"}
        return Program(sight=Look((peer,), (Occurrence(envelope, "nas lost contact", ()),)))

    def test_the_difference_is_a_line_each(self, program: Program) -> None:
        result = run("diff", program=program)
        assert result.exit_code == 0
        assert result.stdout == "Sentinel Diff\n- peer.offline nas (2026-03-01 14:02:05)\n"
        assert result.stderr == "no service is running: looking once, which takes some seconds\n"
        assert program.served == []

    def test_no_difference_is_said(self) -> None:
        assert run("diff").stdout == "Sentinel Diff\nNo changes detected\n"
        assert run("diff", "--json").stdout == "[]\n"

    def test_the_difference_as_json(self, program: Program) -> None:
        (event,) = json.loads(run("diff", "--json", program=program).stdout)
        assert (event["event_type"], event["outcomes"]) == ("peer.offline", [])

    def test_the_tailnet_has_the_keys_of_the_original(self, program: Program) -> None:
        result = run("dump-netmap", program=program)
        document = json.loads(result.stdout)
        assert list(document) == ["polled_at", "peers", "daemon_state", "prefs", "tailnet", "error_message"]
        assert document["peers"] == [
            {
                "id": "n1",
                "name": "nas",
                "online": False,
                "tags": ["tag:server"],
                "owners": ["7"],
                "ips": ["100.64.0.7"],
                "routes": ["10.0.0.0/8"],
                "machine_authorized": None,
                "expired": False,
                "key_expiry": "2026-09-01T00:00:00.000000Z",
                "hostinfo_hash": "8c7f2a2e01b4aa10",
                "metadata": {"os": "linux\x1b"},
            }
        ]
        assert "\x1b" not in result.stdout

    def test_the_state_of_the_node_itself_is_there_when_it_is_known(self) -> None:
        said = {"state": "NeedsLogin", "login_detail": "the key of this node has expired"}
        daemon = Subject("tailnet", "daemon", "local", "", "", None, 1, {}, said)
        prefs = Subject("tailnet", "prefs", "local", "", "", None, 1, {}, {"run_ssh": True})
        document = json.loads(run("dump-netmap", program=Program(sight=Look((daemon, prefs), ()))).stdout)
        assert document["daemon_state"] == "NeedsLogin"
        assert document["error_message"] == "the key of this node has expired"
        assert (document["prefs"], document["tailnet"], document["peers"]) == ({"run_ssh": True}, {}, [])

    def test_a_running_service_is_asked_instead(self, service: Service, program: Program) -> None:
        service.subjects.append(control_pb2.Subject(subject_type="peer", subject_id="n2", name="pi"))
        assert [peer["name"] for peer in json.loads(run("dump-netmap", program=program).stdout)["peers"]] == ["pi"]
        assert run("diff", program=program).stdout == "Sentinel Diff\nNo changes detected\n"
        assert program.looked == []

    def test_a_bad_configuration_is_78_before_anything_is_looked_at(self) -> None:
        program = Program(faults=(Fault("bad", "sinks.a"),))
        assert run("diff", program=program).exit_code == 78
        assert program.looked == []


class TestConfigValidate:
    @pytest.mark.parametrize("command", [["config", "validate"], ["validate-config"]])
    def test_a_valid_one(self, command: list[str]) -> None:
        result = run(*command)
        assert (result.exit_code, result.stdout) == (0, "configuration valid\n")
        assert json.loads(run(*command, "--json").stdout) == {
            "valid": True,
            "faults": [],
            "warnings": [],
            "differences": [],
            "pending": [],
        }

    def test_one_with_faults(self, here: Path) -> None:
        configured(here, "\nretention: never")
        result = run("config", "validate", "--json")
        assert result.exit_code == 78
        (fault,) = json.loads(result.stdout)["faults"]
        assert (fault["file"], fault["line"], fault["path"]) == (f"{here}/sentinel.yaml", 2, "retention")
        assert run("validate-config").exit_code == 78

    def test_faults_of_form_and_of_sinks_are_one_list(self) -> None:
        result = run("config", "validate", "--json", program=Program(faults=(Fault("bad", "sinks.a"),)))
        assert json.loads(result.stdout)["faults"] == [{"file": "", "line": None, "path": "sinks.a", "text": "bad"}]

    def test_a_file_that_is_not_there(self) -> None:
        result = run("config", "validate", "--config", "no.yaml")
        assert result.exit_code == 78
        assert result.stderr.endswith("no.yaml: there is no such file\n")


SINKS = "sinks: {phone: {type: apprise, url: 'x://y'}, a.b: {type: stdout}, broken: {type: apprise, url: '${NO}'}}"


class TestTestNotify:
    def test_all_good_is_0(self, here: Path) -> None:
        configured(here, SINKS)
        program = Program()
        result = run("test-notify", "phone", "a.b", "phone", program=program)
        assert result.exit_code == 0
        assert result.stdout.endswith("phone  ok\na.b    ok\nnotifications sent=2 dry_run=0 suppressed=0\n")
        assert program.sent == [""]
        assert program.tested == [("phone", "a.b")]

    def test_some_good_is_4_and_a_sink_that_cannot_be_tried_has_failed(self, here: Path) -> None:
        configured(here, SINKS)
        result = run("test-notify")
        assert result.exit_code == 4
        lines = result.stdout.splitlines()
        assert lines[1:3] == ["phone   ok", "a.b     ok"]
        assert " ".join(map(str.strip, lines[3:-1])) == (
            f"broken  failed: {here}/sentinel.yaml:1: sinks.broken.url: uses ${{NO}}, and the variable NO is not set"
        )
        assert lines[-1] == "notifications sent=2 dry_run=0 suppressed=0"

    def test_none_good_is_1(self, here: Path) -> None:
        configured(here, SINKS)
        assert run("test-notify", "broken").exit_code == 1
        assert run("test-notify", "phone", program=Program(failing=frozenset({"phone"}))).exit_code == 1

    def test_an_unknown_name_is_3_and_the_known_ones_are_said(self, here: Path) -> None:
        configured(here, SINKS)
        program = Program()
        result = run("test-notify", "phone", "fone", program=program)
        assert result.exit_code == 3
        assert result.stderr == "error: no sink is named fone: there are phone, a.b, broken\n"
        assert program.tested == []

    def test_json_is_one_document_whatever_a_sink_prints(self, here: Path) -> None:
        configured(here, SINKS)
        result = run("test-notify", "--json", program=Program(failing=frozenset({"a.b"})))
        verdicts = json.loads(result.stdout)
        assert [(verdict["sink"], verdict["ok"], verdict["type"]) for verdict in verdicts] == [
            ("phone", True, "apprise"),
            ("a.b", False, "apprise"),
            ("broken", False, "apprise"),
        ]
        assert verdicts[1]["error"] == "refused"

    def test_a_url_that_its_service_refuses_is_that_sinks_verdict(self, here: Path) -> None:
        configured(here, SINKS)
        program = Program(faults=(Fault("is no URL", "sinks.phone.url"), Fault("hm", "sinks.a.b")))
        result = run("test-notify", program=program)
        assert result.exit_code == 1
        assert program.tested == [()]
        assert "phone   failed" in result.stdout

    @pytest.mark.parametrize("text", ["retention: 0", "sinks: text", "a: ["])
    def test_any_other_fault_is_78(self, here: Path, text: str) -> None:
        configured(here, text)
        assert run("test-notify").exit_code == 78

    def test_so_is_one_that_is_found_elsewhere(self) -> None:
        assert run("test-notify", program=Program(faults=(Fault("bad", "sources"),))).exit_code == 78

    def test_a_dry_run_sends_nothing_and_says_what_people_would_read(self, here: Path) -> None:
        configured(here, SINKS)
        program = Program()
        result = run("test-notify", "phone", "--dry-run", "--event", "peer.offline", program=program)
        assert result.exit_code == 0
        assert result.stdout == (
            "phone  not sent\n  Test: nas is back\n  Test: nas is back after 2 min.\n"
            "notifications sent=0 dry_run=1 suppressed=0\n"
        )
        assert program.sent == []

    def test_routed_sends_the_originals_event_to_where_routes_lead(self, here: Path) -> None:
        configured(here, "sinks: {phone: {type: apprise, url: 'x://y'}, hook: {type: stdout}}")
        program = Program(way=("hook",))
        result = run("test-notify", "--routed", program=program)
        assert (result.exit_code, program.tested, program.sent) == (0, [("hook",)], ["peer.online"])
        assert run("test-notify", "--routed", "--event", "peer.offline", program=program).exit_code == 0
        assert program.sent[-1] == "peer.offline"

    def test_routes_that_lead_nowhere_are_3(self, here: Path) -> None:
        result = run("test-notify", "--routed")
        assert result.exit_code == 3
        assert result.stdout == "a line of a stdout sink\nnotifications sent=0 dry_run=0 suppressed=0\n"
        assert "no route asks for peer.online" in result.stderr

    def test_where_routes_lead_is_not_guessed_while_a_sink_is_faulty(self, here: Path) -> None:
        configured(here, SINKS)
        assert run("test-notify", "--routed", program=Program(way=("phone",))).exit_code == 78

    def test_an_unknown_type_is_3_and_says_which_was_meant(self) -> None:
        program = Program()
        result = run("test-notify", "--event", "peer.ofline", program=program)
        assert (result.exit_code, program.tested) == (3, [])
        assert result.stderr == "error: there is no example of `peer.ofline`: did you mean `peer.offline`?\n"

    @pytest.mark.parametrize(
        "words", [("phone", "--routed"), ("phone", "--url", "json://x"), ("--routed", "--url", "json://x")]
    )
    def test_only_one_says_what_is_tried(self, here: Path, words: tuple[str, ...]) -> None:
        configured(here, SINKS)
        assert run("test-notify", *words).exit_code == 2

    @pytest.mark.parametrize(("url", "kind"), [("json://x", "apprise"), ("https://x/y", "webhook")])
    def test_an_address_needs_no_configuration_and_does_not_mind_a_broken_one(
        self, here: Path, url: str, kind: str
    ) -> None:
        configured(here, "sinks: [")
        program = Program()
        result = run("test-notify", "--url", url, "--json", program=program)
        assert (result.exit_code, program.tested) == (0, [("url",)])
        assert json.loads(result.stdout)[0]["sink"] == "url"
        piped = CliRunner().invoke(cli, ["test-notify", "--url", "-"], obj=program, input=f"{url}\n")
        assert piped.exit_code == 0
        assert program.kinds[-1] == kind

    def test_an_address_may_take_its_secret_from_a_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        result = run("test-notify", "--url", "json://${TOKEN}@x")
        assert result.exit_code == 1
        assert "url  failed: uses ${TOKEN}, and the variable TOKEN is not set\n" in result.stdout
        monkeypatch.setenv("TOKEN", "canary")
        assert run("test-notify", "--url", "json://${TOKEN}@x").exit_code == 0


class TestVersion:
    def test_without_a_sidecar(self) -> None:
        result = run("version")
        assert result.exit_code == 0
        assert "sidecar  not found" in result.stdout
        assert set(json.loads(run("version", "--json").stdout)) == {"version", "python", "grpc", "apprise", "sidecar"}

    def test_with_one(self, here: Path) -> None:
        sidecar = script(here / "sidecar", "echo sentinel-sidecar 0.1.0")
        result = run("version", "--json", program=Program(binaries={"sentinel-sidecar": sidecar}))
        assert json.loads(result.stdout)["sidecar"] == "sentinel-sidecar 0.1.0"

    def test_with_one_that_cannot_be_run(self, here: Path) -> None:
        program = Program(binaries={"sentinel-sidecar": here / "nothing"})
        assert "cannot be run" in run("version", program=program).stdout


class TestStatus:
    def test_all_well_is_0(self, service: Service) -> None:
        service.status.sources.append(
            control_pb2.SourceStatus(
                name="tailnet", network="example.ts.net", sight="seeing", since=stamp(MOMENT), subjects=15
            )
        )
        service.status.sinks.append(control_pb2.SinkStatus(name="phone", type="apprise", delivered=12))

        result = run("status")

        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines() == [
            "Sentinel 0.1.0, up since 2026-03-01 14:02",
            "0 events in",
            "",
            "SOURCE   NETWORK         SIGHT   SINCE             SUBJECTS",
            "tailnet  example.ts.net  seeing  2026-03-01 14:02        15",
            "",
            "SINK   TYPE     DELIVERED  PENDING  HELD  DEAD",
            "phone  apprise         12        0     0     0",
        ]

    def test_a_removed_sink_is_shown_to_people_as_long_as_it_has_something_to_replay(self, service: Service) -> None:
        service.status.sinks.add(name="gone", delivered=3, purged=1)
        service.status.sinks.add(name="left", dead=1)
        lines = run("status").stdout.splitlines()
        assert [line.split()[:2] for line in lines[-3:-1]] == [["SINK", "TYPE"], ["left", "removed"]]

    def test_what_was_absorbed_or_purged_has_a_column_where_there_is_any(self, service: Service) -> None:
        service.status.sinks.add(name="gone", purged=1)
        service.status.sinks.add(name="old", purged=4, dead=2)
        service.status.sinks.add(name="phone", type="apprise", delivered=12, absorbed=3)
        assert run("status").stdout.splitlines()[-4:] == [
            "SINK   TYPE     DELIVERED  ABSORBED  PENDING  HELD  DEAD  PURGED",
            "old    removed          0         0        0     0     2       4",
            "phone  apprise         12         3        0     0     0       0",
            "What is dead was given up: 'dlq list' says why, 'dlq replay' tries it again.",
        ]
        (gone, old, phone) = json.loads(run("status", "--json").stdout)["sinks"]
        assert (gone["purged"], old["type"], old["purged"], phone["absorbed"]) == (1, "", 4, 3)

    def test_troubles_are_1_and_fit_the_screen(self, service: Service) -> None:
        why = "source tailnet is blind: a person has to log it in; log its node in at https://login.example/a; "
        service.status.troubles.append(why + "something is wrong and has to be looked at " * 4)
        service.status.last_words = "the store was damaged"
        service.status.sources.append(control_pb2.SourceStatus(name="tailnet", sight="blind"))
        result = run("status")
        assert result.exit_code == 1
        assert all(width(line) <= COLUMNS for line in result.stdout.splitlines())
        assert "trouble: source tailnet is blind" in result.stdout
        assert "https://login.example/a" in result.stdout
        assert "the store was damaged" in result.stdout

    def test_json_mirrors_the_answer(self, service: Service) -> None:
        service.status.sources.append(control_pb2.SourceStatus(name="tailnet", subjects=3))
        service.status.troubles.append("hm\x9b")
        result = run("status", "--json")
        document = json.loads(result.stdout)
        assert result.exit_code == 1
        assert set(document) == {each.name for each in control_pb2.GetStatusResponse.DESCRIPTOR.fields}
        assert set(document["sources"][0]) == {each.name for each in control_pb2.SourceStatus.DESCRIPTOR.fields}
        assert document["started_at"] == "2026-03-01T13:02:05.000000Z"
        assert document["sources"][0]["since"] is None
        assert result.stdout.rstrip("\n").isprintable()

    def test_neither_secrets_nor_sinks_of_the_service_are_needed(self, here: Path, service: Service) -> None:
        configured(here, "tsnet: {auth_key: '${NO}'}\nsinks: {a: {type: apprise, url_file: /nowhere/no}}")
        assert run("status").exit_code == 0


class TestCheck:
    def test_a_service_that_answers_is_healthy_whatever_troubles_it(self, service: Service) -> None:
        service.status.troubles.append("sink phone fails: refused")
        result = run("check")
        assert (result.exit_code, result.stdout) == (0, "Sentinel 0.1.0 is running, troubles: 1\n")

    def test_as_json_it_names_them(self, service: Service) -> None:
        service.status.troubles.append("sink phone fails: refused")
        assert json.loads(run("check", "--json").stdout) == {
            "version": "0.1.0",
            "troubles": ["sink phone fails: refused"],
        }

    def test_no_service_is_not_healthy(self) -> None:
        result = run("check")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "no Sentinel service answers at" in result.stderr

    def test_one_that_cannot_answer_is_not_healthy(self, service: Service) -> None:
        service.code = grpc.StatusCode.INTERNAL
        assert run("check").exit_code == 1


class TestDevices:
    @pytest.fixture(autouse=True)
    def known(self, service: Service) -> None:
        for name, state in (("nas", "online"), ("日本の電話\x1b[2J", "offline"), ("a" * 90, "online")):
            service.subjects.append(
                control_pb2.Subject(
                    source="tailnet",
                    subject_type="peer",
                    subject_id=f"n{name[0]}",
                    name=name,
                    state=state,
                    since=stamp(MOMENT),
                    revision=7,
                    titles=["os", "owner"],
                    cells=["linux", "mira@x"],
                    detail_json=orjson.dumps({"tags": ["tag:a"], "name": "never this"}),
                )
            )

    def test_they_line_up_within_eighty_columns(self) -> None:
        head, long, nas, wide = run("devices").stdout.splitlines()
        assert head.split() == ["NAME", "STATE", "SINCE", "OS", "OWNER"]
        column = width(head.split("STATE")[0])
        assert width(nas.split("online")[0]) == column
        assert width(wide.split("offline")[0]) == column
        assert "\\u001b[2J" in wide
        assert width(long) <= COLUMNS
        assert "…" in long

    def test_json_has_everything(self) -> None:
        _, nas, _ = json.loads(run("devices", "--json").stdout)
        assert nas == {
            "source": "tailnet",
            "subject_type": "peer",
            "subject_id": "nn",
            "name": "nas",
            "state": "online",
            "since": "2026-03-01T13:02:05.000000Z",
            "revision": 7,
            "tags": ["tag:a"],
        }

    def test_sources_are_named_when_there_are_several(self, service: Service) -> None:
        service.subjects[0].source = "work"
        assert "SOURCE" in run("devices").stdout

    def test_nothing_known_is_said(self, service: Service) -> None:
        service.subjects.clear()
        assert run("devices").stdout == "Nothing is known yet.\n"
        assert run("devices", "--json").stdout == "[]\n"


class TestEvents:
    @pytest.fixture(autouse=True)
    def happened(self, service: Service) -> None:
        outcomes = [
            control_pb2.Outcome(sink="hook", state="told", message="7"),
            control_pb2.Outcome(sink="mail", state="folded", message="8"),
            control_pb2.Outcome(sink="page", state="reverted"),
            control_pb2.Outcome(sink="phone", state="held", until=stamp(MOMENT), why="debounce"),
            control_pb2.Outcome(sink="spare", state="told", message="9", route="routes[0]", fallback_for="hook"),
        ]
        envelope = {"event_type": "peer.offline", "timestamp": "2026-03-01T13:02:05.000000Z"}
        service.events = [
            control_pb2.ListEventsResponse(event_json=orjson.dumps(envelope), outcomes=outcomes, text="nas is\x07 away")
        ]

    def test_beneath_each_stands_what_became_of_it(self, service: Service) -> None:
        result = run("events")
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "2026-03-01 14:02:05  nas is\\u0007 away",
            "    hook: told in message 7",
            "    mail: folded into message 8",
            "    page: came and went before it was told",
            "    phone: held until 2026-03-01 14:02:05: debounce",
            "    spare: told in message 9 as a fallback for hook",
        ]
        assert (service.requests[0].limit, service.requests[0].follow) == (50, False)

    def test_json_is_the_envelope_with_the_outcomes(self) -> None:
        (event,) = json.loads(run("events", "--json").stdout)
        assert event["event_type"] == "peer.offline"
        assert event["outcomes"][3] == {
            "sink": "phone",
            "state": "held",
            "message": "",
            "until": "2026-03-01T13:02:05.000000Z",
            "why": "debounce",
            "route": "",
            "fallback_for": "",
        }

    @pytest.mark.parametrize("follow", [True, False])
    def test_the_service_is_asked_for_what_was_asked_for(self, service: Service, follow: bool) -> None:
        options = ["--type", "peer.*", "--type", "*.lost", "--severity", "warning", "--device", "nas", "--sink", "hook"]
        run("history", *options, "--since", "2026-03-01T14:02:05", "--limit", "3", *(["--follow"] * follow))
        (request,) = service.requests
        assert (list(request.types), list(request.severities)) == (["peer.*", "*.lost"], ["warning"])
        assert (request.subject, request.sink, request.limit, request.follow) == ("nas", "hook", 3, follow)
        assert request.since == stamp(MOMENT)

    def test_following_prints_one_object_a_line_until_the_service_ends(self, service: Service) -> None:
        service.events *= 2
        result = run("events", "--follow", "--json", "--limit", "0")
        assert [json.loads(line)["event_type"] for line in result.stdout.splitlines()] == ["peer.offline"] * 2
        assert result.exit_code == 1
        assert "has ended" in result.stderr
        assert (service.requests[0].limit, service.requests[0].follow) == (0, True)

    def test_none_at_all_is_said(self, service: Service) -> None:
        service.events = []
        assert run("events").stdout == "Nothing has happened yet.\n"


class TestNoService:
    @pytest.mark.parametrize("command", ["status", "devices", "events"])
    def test_nobody_there(self, here: Path, command: str) -> None:
        result = run(command)
        assert result.exit_code == 1
        assert result.stderr == (
            f"error: no Sentinel service answers at {here}/.sentinel/control.sock: start one with "
            "'sentinel-py serve', or name its configuration with --config\n"
        )

    def test_a_socket_that_nobody_listens_at_any_longer(self, here: Path) -> None:
        (here / ".sentinel").mkdir()
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(here / ".sentinel/control.sock"))
        assert "no Sentinel service answers at" in run("status").stderr

    def test_a_bad_configuration_is_still_78(self, here: Path) -> None:
        configured(here, "control: {socket: []}")
        assert run("status").exit_code == 78


class TestClient:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (grpc.StatusCode.INTERNAL, "failed: the disk\nis full; its log says why"),
            (grpc.StatusCode.UNIMPLEMENTED, "is of another version"),
            (grpc.StatusCode.UNAVAILABLE, "has ended"),
            (grpc.StatusCode.DEADLINE_EXCEEDED, "did not answer within 5 s"),
        ],
    )
    def test_each_way_to_fail_has_its_words(
        self, here: Path, service: Service, code: grpc.StatusCode, said: str
    ) -> None:
        service.code = code
        with connected(here / ".sentinel/control.sock") as client, pytest.raises(ControlError, match=said):
            client.status()

    def test_a_service_that_hangs_is_given_up(self, here: Path, service: Service) -> None:
        service.hanging.clear()
        service.subjects.append(control_pb2.Subject(name="nas"))
        with connected(here / ".sentinel/control.sock", answer_within=0.05) as client:
            with pytest.raises(ControlError, match="did not answer within"):
                client.status()
            with pytest.raises(ControlError, match="did not answer within"):
                client.subjects()

    def test_a_relative_path_will_do(self, service: Service) -> None:
        with connected(Path(".sentinel/control.sock")) as client:
            assert client.status().version == "0.1.0"


class TestTables:
    @pytest.mark.parametrize(
        ("text", "columns"), [("nas", 3), ("日本", 4), ("e\u0301", 1), ("a\u200db", 2), ("🖥", 1), ("📱", 2)]
    )
    def test_width_is_what_a_terminal_gives(self, text: str, columns: int) -> None:
        assert width(text) == columns

    def test_a_wide_character_is_not_cut_in_half(self) -> None:
        assert cut("日本の電話", 6) == "日本…"
        assert cut("nas", 3) == "nas"

    def test_numbers_stand_on_the_right_and_empty_columns_are_left_out(self) -> None:
        assert table(("n", "gone", "count"), [("a", "", "5"), ("b", "", "12")]) == ["N  COUNT", "a      5", "b     12"]

    def test_a_table_that_cannot_fit_keeps_something_of_every_column(self) -> None:
        lines = table([f"title{n}" for n in range(20)], [["x" * 20] * 20])
        assert lines[1].count("xxxx…") == 20


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


STORY = """
import http.server, json, sys, threading
class Story(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({"scenes": [1, 2]}).encode())
        self.wfile.flush(); asked.set()
    def log_message(self, *_): pass
asked = threading.Event()
server = http.server.HTTPServer(("127.0.0.1", 0), Story)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
say = lambda line: print(json.dumps(line), flush=True)
say({"control_url": url, "admin_url": url})
say({"scene": "The plug of nas is pulled."}); say({"other": 1}); say({"scene": "nas has power again."})
sys.stdin.read()
"""


class TestDemo:
    @pytest.fixture
    def program(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
        monkeypatch.setattr(demo, "SETTLING", 0.0)
        (here / "story.py").write_text(STORY)
        simulator = script(here / "simtailnet", f"exec {sys.executable} {here}/story.py")
        return Program(serving=until_told, binaries={"simtailnet": simulator, "sentinel-sidecar": here / "sidecar"})

    def test_it_tells_the_story_and_leaves_nothing_behind(self, program: Program) -> None:
        result = run("demo", "--exit-after-story", program=program)

        assert result.exit_code == 0, result.output
        (config,) = program.served
        folder = config.state.path.parent
        assert f" status  --config {folder}/sentinel.yaml" in result.stdout
        scenes = [line for line in result.stdout.splitlines() if line.startswith("· ")]
        assert [scene.partition(" ")[2][9:] for scene in scenes] == [
            "The plug of nas is pulled.",
            "nas has power again.",
        ]
        assert "That was the story" in result.stdout
        assert not folder.exists()
        assert config.control.socket.parent == config.ingest.socket.parent == folder
        assert config.tsnet.control_url.startswith("http://127.0.0.1:")
        assert program.environments == [demo.SIDECAR_ENV]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_any_signal_ends_it_even_before_the_service_listens(self, program: Program, number: signal.Signals) -> None:
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

        def strike(config: Config, ready: Callable[[], None]) -> int:
            os.kill(os.getpid(), number)
            return 1

        program.serving = strike
        result = run("demo", program=program)

        assert result.exit_code == 0, result.output
        assert not program.served[0].state.path.parent.exists()
        assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def test_a_failure_of_the_service_leaves_nothing_behind_either(self, program: Program) -> None:
        def fail(config: Config, ready: Callable[[], None]) -> int:
            raise SentinelError("no")

        program.serving = fail
        assert run("demo", program=program).exit_code == 1
        assert not program.served[0].state.path.parent.exists()

    def test_a_tailnet_that_goes_away_ends_it_with_an_error(self, here: Path, program: Program) -> None:
        (here / "story.py").write_text(STORY.replace("sys.stdin.read()", "asked.wait()"))
        result = run("demo", program=program)
        assert result.exit_code == 1
        assert "the simulated tailnet has ended" in result.stderr

    @pytest.mark.parametrize(
        ("text", "said"), [("echo no >&2; exit 1", "could not start: no"), ("echo '{}'", "version")]
    )
    def test_a_tailnet_that_cannot_start_is_told(self, here: Path, program: Program, text: str, said: str) -> None:
        script(here / "simtailnet", text)
        result = run("demo", program=program)
        assert result.exit_code == 1
        assert said in result.stderr

    @pytest.mark.parametrize("missing", ["simtailnet", "sentinel-sidecar"])
    def test_programs_that_are_not_built_are_named_with_the_remedy(self, program: Program, missing: str) -> None:
        program.binaries = {name: path for name, path in program.binaries.items() if name != missing}
        result = run("demo", program=program)
        assert result.exit_code == 1
        assert "run 'make build'" in result.stderr


def until_told(config: Config, ready: Callable[[], None]) -> int:
    """Serves like the service does: until one of its two signals comes."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    ready()
    stop.wait(20)
    for number, handler in before.items():
        signal.signal(number, handler)
    return 0


def test_a_closed_pipe_is_quiet() -> None:
    program = "from sentinel.cli.commands import cli; cli(['events', '--help'], prog_name='sentinel-py')"
    read, written = os.pipe()
    os.close(read)
    ended = subprocess.run([sys.executable, "-c", program], stdout=written, stderr=subprocess.PIPE, check=False)
    os.close(written)
    assert ended.stderr == b""


def test_every_part_of_the_program_is_found_when_it_is_used() -> None:
    assert all(callable(getattr(app, name)) for name in app.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = app.nonsense


def test_a_command_that_only_asks_waits_for_nothing_else(tmp_path: Path) -> None:
    program = "import sys; from sentinel.cli.main import main; main()"
    script = "import atexit, sys; atexit.register(lambda: print(*[n for n in UNUSED if n in sys.modules])); " + program
    unused = ("apprise", "loguru", "pydantic", "sqlite3", "sentinel.app.service", "sentinel.pipeline.writer")
    asking = [sys.executable, "-c", script.replace("UNUSED", repr(unused)), "status"]
    ended = subprocess.run(asking, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "no Sentinel service answers" in ended.stderr
    assert ended.stdout == "\n"
