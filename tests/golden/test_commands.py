"""What commands print, on eighty columns: a service with a small story behind it is asked, and so is its store.

`pytest tests/golden --accept` writes the files anew.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner, Result
from loguru import logger

from sentinel.cli.commands import cli
from sentinel.cli.tables import COLUMNS, width
from sentinel.config import Config
from sentinel.control.answers import Answers
from sentinel.control.service import Commits, ControlService, Live
from sentinel.control.stored import StoredClient
from sentinel.model import Attempt, Audience, Burial, Condition, DeliveryState, SinkPolicy
from sentinel.policy.routes import Route, Selector
from sentinel.sources.tailnet import ROOM
from tests.builders import START, delta, node, user
from tests.world import SOURCE, World

OUTPUTS = Path(__file__).parent / "commands"
SINKS = (SinkPolicy("hook", Audience.PROGRAMS), SinkPolicy("phone", Audience.PEOPLE))
SINK_TYPES = {"hook": "webhook", "phone": "apprise"}
ROUTES = (
    Route("servers", Selector(tags=("tag:server",)), None, ("phone",), stop=False, index=0),
    Route("", Selector(event_types=("peer.off*",)), None, ("hook",), stop=False, index=1),
)
TOM = user(7, "tom@example.com")

COMMANDS = (
    ("devices",),
    ("devices", "--offline"),
    ("devices", "--tag", "tag:server"),
    ("devices", "--owner", "TOM@example.com", "--os", "macos"),
    ("devices", "n*", "laptop.example.ts.net"),
    ("events",),
    ("events", "--limit", "2"),
    ("events", "--type", "peer.on*", "--type", "peer.added"),
    ("events", "--device", "nas.example.ts.net", "--sink", "phone"),
    ("events", "--device", "100.64.0.1", "--severity", "warning"),
    ("events", "--since", "2026-01-01T10:01"),
    ("explain", "nas"),
    ("explain", "pi.example.ts.net"),
    ("explain", "1"),
    ("explain", "2"),
    ("explain", "3"),
    ("explain", "4"),
    ("explain", "6"),
    ("deliveries",),
    ("deliveries", "--sink", "phone", "--state", "pending"),
    ("dlq", "list"),
    ("dlq", "show", "1"),
    ("completion", "bash"),
)


@dataclass
class Program:
    """The program behind the command line, with what the last service left."""

    left: StoredClient | None

    def stored(self, config: Config) -> StoredClient | None:
        return self.left


def told(path: Path) -> World:
    """A machine goes and comes back, one comes, one goes with nobody asking, one has just gone."""
    world = World(path, sinks=SINKS, routes=ROUTES)
    world.connect()
    nodes = [node("nas", tags=["tag:server"]), node("laptop", os="macOS", owner=7), node("pi", os="日本語")]
    world.see(world.wire.base(*nodes, users=[TOM]))
    world.pass_time(10)
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(60)
    world.see(world.wire.patch("nas", online=True))
    world.pass_time(60)
    world.see(world.wire.frame(delta=delta(upserts=[node("tv", online=False)])))
    world.pass_time(10)
    for online in (False, True):
        world.see(world.wire.patch("laptop", online=online))
    world.pass_time(10)
    world.see(world.wire.patch("pi", online=False))
    world.pass_time(10)
    world.see(world.wire.patch("nas", online=False))
    for number, (sink, state) in enumerate((("hook", "dead"), ("phone", "delivered"), ("hook", "dead")), start=1):
        error = "HTTP 401 Unauthorized" if state == "dead" else ""
        ended = Attempt(number, sink, 1, DeliveryState(state), world.clock.now().wall, None, error)
        world.writer.inbox.report(ended)
    world.pass_time(0.1)
    world.writer.inbox.ask(Burial((3,)), lambda: None)
    world.step()
    return world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in list(os.environ):
        if name.startswith(("SENTINEL_", "XDG_", "RUNTIME_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sentinel").mkdir()
    made = told(tmp_path / "ledger.db")
    yield made
    made.store.close()
    logger.remove()


@pytest.fixture
def running(world: World) -> Iterator[None]:
    """The service answers at its socket."""
    live = Live(
        sources=lambda: world.writer.reports,
        heard=lambda _: 1.0,
        troubles=lambda: (),
        ledger_id=lambda: world.writer.ledger_id,
        started_at=START,
        store_path=Path("ledger.db"),
        sinks=SINK_TYPES,
        last_words="",
    )
    service = ControlService(
        live=live,
        reader=world.reader,
        rooms={SOURCE: ROOM},
        routes=ROUTES,
        commits=Commits(),
        clock=world.clock,
        ask=world.writer.inbox.ask,
    )
    threads = ThreadPoolExecutor(max_workers=2)
    server = grpc.server(threads)
    service.register(server)
    server.add_insecure_port(f"unix:{world.path.parent / '.sentinel' / 'control.sock'}")
    server.start()
    yield
    server.stop(0).wait()
    threads.shutdown()


def run(*arguments: str, left: StoredClient | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, obj=Program(left), prog_name="sentinel-py")


def stored(world: World) -> StoredClient:
    return StoredClient(Answers(reader=world.reader, rooms={SOURCE: ROOM}, routes=ROUTES, sinks=SINK_TYPES))


def name_of(arguments: tuple[str, ...]) -> str:
    words = "_".join(arguments).replace("--", "").replace("*", "+").replace(":", "-")
    return words.replace("/", "-")


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("arguments", [("status",), *COMMANDS], ids=name_of)
def test_a_command_prints_this(arguments: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    shown = arguments[0] == "completion" or max(width(line) for line in result.stdout.splitlines()) <= COLUMNS
    assert shown, "wider than the screen"
    file = OUTPUTS / f"{name_of(arguments)}.txt"
    if request.config.getoption("--accept"):
        OUTPUTS.mkdir(exist_ok=True)
        file.write_text(result.stdout)
    assert result.stdout == file.read_text()


@pytest.mark.parametrize("arguments", COMMANDS, ids=name_of)
def test_without_a_service_its_store_says_the_same(world: World, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, left=stored(world))
    assert result.exit_code == 0, result.output
    assert result.stdout == (OUTPUTS / f"{name_of(arguments)}.txt").read_text()
    said = "no service is running: this is what the last one stored\n"
    assert result.stderr == ("" if arguments[0] == "completion" else said)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("arguments", COMMANDS[:-1], ids=name_of)
def test_json_is_one_document(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--json")
    assert json.loads(result.stdout)
    assert len(result.stdout.splitlines()) == 1


def test_an_explanation_names_the_sink_that_another_one_stood_in_for(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sinks = (SinkPolicy("pager", Audience.PROGRAMS), SinkPolicy("log", Audience.PROGRAMS))
    route = Route("servers", Selector(), None, ("pager",), stop=False, index=0, fallback=("log",))
    world = World(tmp_path / "ledger.db", sinks=sinks, routes=(route,))
    world.connect()
    world.see(world.wire.base(node("nas")))
    for online in (False, True, False):
        world.see(world.wire.patch("nas", online=online))
    world.pass_time(10)
    condition = Condition("pager", True, world.clock.now().wall, "HTTP 503")
    world.writer.inbox.ask(condition, lambda: None)
    world.step()
    answers = Answers(
        reader=world.reader, rooms={SOURCE: ROOM}, routes=(route,), sinks={"pager": "webhook", "log": "file"}
    )
    printed = "\n".join(run("explain", str(number), left=StoredClient(answers)).stdout for number in (1, 3))
    file = OUTPUTS / "explain_a_fallback.txt"
    if request.config.getoption("--accept"):
        file.write_text(printed)
    assert printed == file.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("devices", "nobody"),
        ("devices", "--tag", "tag:nobody"),
        ("devices", "--os", "plan9", "--online"),
        ("events", "--type", "peer"),
        ("events", "--device", "other/nas"),
        ("events", "--sink", "nobody"),
        ("events", "--since", "0"),
        ("events", "--severity", "critical"),
        ("explain", "nobody"),
        ("explain", "999"),
        ("explain", "00000000"),
        ("deliveries", "--sink", "nobody"),
        ("dlq", "list", "--sink", "nobody"),
        ("dlq", "show", "999"),
    ],
    ids=name_of,
)
def test_what_nothing_fits_is_3_and_prints_nothing(world: World, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, left=stored(world))
    assert (result.exit_code, result.stdout) == (3, "")


def test_an_event_is_found_by_the_beginning_of_its_id(world: World) -> None:
    event = world.history()[0].event
    by_id = run("explain", event.event_id[:8].upper(), left=stored(world))
    assert by_id.stdout == run("explain", "1", left=stored(world)).stdout != ""


def test_a_device_is_found_in_its_source(world: World) -> None:
    assert run("explain", f"{SOURCE}/nas", left=stored(world)).exit_code == 0
    assert run("events", "--device", f"{SOURCE}/NAS", left=stored(world)).exit_code == 0


def test_a_device_that_is_gone_still_has_its_events(world: World) -> None:
    world.see(world.wire.frame(delta=delta(removals=["tv"])))
    result = run("events", "--device", "tv", "--json", left=stored(world))
    assert [event["event_type"] for event in json.loads(result.stdout)] == ["peer.added", "peer.removed"]


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "-5m", ""])
def test_a_time_that_is_none_is_a_wrong_usage(world: World, since: str) -> None:
    result = run("events", "--since", since, left=stored(world))
    assert result.exit_code == 2
    assert "write for example" in result.stderr


def test_a_duration_longer_than_time_is_everything(world: World) -> None:
    result = run("events", "--since", "999999d", "--json", left=stored(world))
    assert len(json.loads(result.stdout)) == len(world.history())


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("explain l", ["laptop"]),
        ("devices n", ["nas"]),
        ("events --device P", ["pi"]),
        ("events --sink s", ["stdout-debug"]),
        ("exp", ["explain"]),
    ],
)
def test_a_shell_completes_commands_devices_and_sinks(words: str, offered: list[str]) -> None:
    count = len(words.split())
    env = {"_SENTINEL_PY_COMPLETE": "bash_complete", "COMP_WORDS": f"sentinel-py {words}", "COMP_CWORD": str(count)}
    result = CliRunner().invoke(cli, [], obj=Program(None), prog_name="sentinel-py", env=env)
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == offered


def test_a_shell_is_told_nothing_of_a_service_that_is_not_there(world: World) -> None:
    env = {"_SENTINEL_PY_COMPLETE": "bash_complete", "COMP_WORDS": "sentinel-py explain n", "COMP_CWORD": "2"}
    result = CliRunner().invoke(cli, [], obj=Program(None), prog_name="sentinel-py", env=env)
    assert (result.stdout.strip(), result.stderr) == ("", "")
