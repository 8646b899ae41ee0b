"""Names from the network may be anything: they break no output, for people or for programs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sentinel.cli.commands import cli
from sentinel.cli.tables import COLUMNS, width, wrapped
from sentinel.config import Config
from sentinel.control.answers import Answers
from sentinel.control.stored import StoredClient
from sentinel.control.values import EVERYTHING, EventsWanted, Look
from sentinel.logs import escape_controls
from sentinel.model import Audience, SinkPolicy
from sentinel.sources.tailnet import ROOM
from tests.builders import node, user
from tests.world import SOURCE, World

NAMES = {
    "control": "ev\x1b[2J\x07il\x9b",
    "turned": "\u202eslip\u2066\u200fx",
    "broken": "two\nlines\r\u2028more",
    "endless": "a" * 300,
    "wide": "日" * 300,
    "words": "日本 " * 40,
    "empty": "",
}


class Program:
    """The program behind the command line, with what a service left and what a look finds."""

    def __init__(self, client: StoredClient) -> None:
        self._client = client

    def stored(self, config: Config) -> StoredClient:
        return self._client

    def look(self, config: Config) -> Look:
        return Look(self._client.subjects(EVERYTHING), tuple(self._client.events(EventsWanted())))

    def check(self, config: Config) -> tuple[()]:
        return ()

    def remarks(self, config: Config) -> tuple[()]:
        return ()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    for name in list(os.environ):
        if name.startswith(("SENTINEL_", "XDG_", "RUNTIME_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path / "ledger.db", sinks=[SinkPolicy("hook", Audience.PROGRAMS)])
    world.connect()
    nodes = [
        node(key, label=name, os=name, owner=9, tags=[name] if key == "endless" else ()) for key, name in NAMES.items()
    ]
    world.see(world.wire.base(*nodes, users=[user(9, "\x1b]0;t\x07\u202e" + "b" * 300)]))
    world.pass_time(10)
    for key in NAMES:
        world.see(world.wire.patch(key, online=False))
    world.pass_time(10)
    yield Program(
        StoredClient(Answers(reader=world.reader, rooms={SOURCE: ROOM}, routes=(), sinks={"hook": "webhook"}))
    )
    world.store.close()


def run(program: Program, *words: str) -> Result:
    return CliRunner().invoke(cli, words, obj=program, prog_name="sentinel-py")


COMMANDS = (("devices",), ("events",), ("diff",), *(("explain", f"n-{key}") for key in NAMES), ("explain", "1"))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_line_fits_the_screen_and_does_nothing_to_it(program: Program, words: tuple[str, ...]) -> None:
    result = run(program, *words)
    assert result.exit_code == 0, result.output
    lines = result.stdout.removesuffix("\n").split("\n")
    assert [line for line in lines if width(line) > COLUMNS] == []
    assert [line for line in lines if line != escape_controls(line)] == []


@pytest.mark.parametrize("words", [*COMMANDS[:2], ("explain", "n-control")], ids=" ".join)
def test_programs_get_them_as_they_are(program: Program, words: tuple[str, ...]) -> None:
    result = run(program, *words, "--json")
    document = json.loads(result.stdout)
    assert len(result.stdout.splitlines()) == 1
    assert NAMES["control"] in {one.get("name") or one["subject_name"] for one in document}


def test_so_do_they_in_the_dump(program: Program) -> None:
    result = run(program, "dump-netmap")
    names = {peer["name"] for peer in json.loads(result.stdout)["peers"]}
    assert {NAMES[key] for key in ("control", "turned", "broken", "endless", "wide")} < names
    assert all(line == escape_controls(line) for line in result.stdout.removesuffix("\n").split("\n"))


def test_wide_characters_count_twice_where_lines_break() -> None:
    assert all(width(line) <= COLUMNS for line in wrapped("日本の電話 " * 30, indent="    ").split("\n"))


def test_an_address_is_never_cut() -> None:
    address = "https://login.example/" + "a" * 100
    assert address in wrapped(f"Log in at {address} and wait", indent="  ").split("\n")[1]
