"""What the commands about deliveries print and ask for."""

import json
from typing import Any

import orjson
import pytest

from sentinel.control.v1 import control_pb2
from tests.unit.test_cli import MOMENT, Service, here, run, service, stamp

__all__ = ["here", "service"]


def letter(number: int, **fields: Any) -> control_pb2.ListDeliveriesResponse:
    usual: dict[str, Any] = {
        "id": number,
        "sink": "hook",
        "state": "dead",
        "key": f"key-{number}",
        "created_at": stamp(MOMENT),
        "attempt": 1,
        "error": "error=401",
        "event_json": orjson.dumps({"event_type": "peer.offline"}),
        "text": "nas lost\x07 contact",
    }
    return control_pb2.ListDeliveriesResponse(**usual | fields)


@pytest.fixture
def letters(service: Service) -> list[control_pb2.ListDeliveriesResponse]:
    """What the service lists: one dead delivery."""
    service.letters.append(letter(7))
    return service.letters


@pytest.mark.usefixtures("letters")
def test_deliveries_are_a_table() -> None:
    result = run("deliveries")
    assert result.exit_code == 0
    titles, row = result.stdout.splitlines()
    assert titles.split("  ")[0] == "ID"
    assert row.split()[:4] == ["7", "hook", "dead", "2026-03-01"]
    assert "\\u0007" in row


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("command", [("deliveries",), ("dlq", "list")])
def test_beneath_a_list_stands_what_became_of_all_that_each_sink_was_to_get(
    command: tuple[str, ...], service: Service
) -> None:
    counts = {"delivered": 12, "pending": 3, "dead": 1, "absorbed": 2, "purged": 5}
    service.status.sinks.add(name="hook", type="webhook", **counts)
    service.status.sinks.add(name="idle", type="stdout")
    service.status.sinks.add(name="old\x07", purged=1)
    lines = run(*command).stdout.splitlines()
    assert lines[2:] == ["", "hook: 12 delivered, 3 pending, 1 dead, 2 absorbed, 5 purged", "old\\u0007: 1 purged"]
    assert run(*command, "--sink", "hook").stdout.splitlines()[-1].startswith("hook: 12")


def test_what_was_purged_is_said_also_where_nothing_is_left(service: Service) -> None:
    service.status.sinks.add(name="hook", type="webhook", purged=5)
    assert run("dlq", "list").stdout == "Nothing is dead.\n\nhook: 5 purged\n"


def test_what_is_asked_for_is_what_the_options_say(service: Service, letters: list[Any]) -> None:
    run("deliveries", "--sink", "hook", "--state", "absorbed", "--limit", "3")
    (asked,) = service.requests
    assert (asked.sink, asked.state, asked.limit, list(asked.ids)) == ("hook", "absorbed", 3, [])


def test_the_dead_are_asked_for_by_their_state(service: Service, letters: list[Any]) -> None:
    run("dlq", "list")
    assert service.requests[0].state == "dead"


def test_nothing_dead_is_said_in_words(letters: list[Any]) -> None:
    letters.clear()
    assert run("dlq", "list").stdout == "Nothing is dead.\n"


def test_one_delivery_is_shown_with_everything_that_there_is(letters: list[Any]) -> None:
    letters[0] = letter(7, state="absorbed", absorbed_by=9, error="")
    result = run("dlq", "show", "7")
    assert result.stdout.splitlines() == [
        "delivery:   7",
        "sink:       hook",
        "message:    nas lost\\u0007 contact",
        "told by:    delivery 9",
        "state:      absorbed",
        "decided:    2026-03-01 14:02:05",
        "attempts:   1",
        "key:        key-7",
    ]


def test_a_delivery_of_a_fallback_says_for_whom_it_is(letters: list[Any]) -> None:
    letters[0] = letter(7, sink="spare", fallback_for="hook")
    assert run("deliveries").stdout.splitlines()[1].split()[6:8] == ["for", "hook:"]
    assert "stands in:  for hook" in run("dlq", "show", "7").stdout.splitlines()
    assert json.loads(run("deliveries", "--json").stdout)[0]["fallback_for"] == "hook"


def test_a_delivery_that_there_is_not_is_an_error(letters: list[Any]) -> None:
    letters.clear()
    result = run("dlq", "show", "7")
    assert result.exit_code == 3
    assert "there is no delivery 7" in result.stderr


@pytest.mark.usefixtures("letters")
def test_json_has_the_event_as_it_was_recorded() -> None:
    (found,) = json.loads(run("deliveries", "--json").stdout)
    assert (found["id"], found["event"], found["created_at"]) == (
        7,
        {"event_type": "peer.offline"},
        "2026-03-01T13:02:05.000000Z",
    )


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("7", "8"), ([7, 8], "", "")),
        (("--sink", "hook"), ([], "hook", "")),
        (("--all", "--to", "page"), ([], "", "page")),
    ],
)
def test_a_replay_says_which_and_where_to(
    arguments: tuple[str, ...], asked: tuple[list[int], str, str], service: Service, letters: list[Any]
) -> None:
    result = run("dlq", "replay", *arguments)
    assert result.stdout == "1 delivery is pending again.\n"
    (request,) = service.requests
    assert (list(request.ids), request.sink, request.to) == asked


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(("command", "word"), [("replay", "pending"), ("purge", "purged")])
def test_json_says_how_many_too(command: str, word: str) -> None:
    assert json.loads(run("dlq", command, "7", "--json").stdout) == {word: 1}


@pytest.mark.parametrize("command", ["replay", "purge"])
@pytest.mark.parametrize("arguments", [(), ("7", "--all")])
def test_what_is_not_said_clearly_is_not_done(
    command: str, arguments: tuple[str, ...], service: Service, letters: list[Any]
) -> None:
    assert run("dlq", command, *arguments).exit_code == 2
    assert service.requests == []


def test_what_cannot_be_replayed_is_said_as_the_service_says_it(letters: list[Any]) -> None:
    result = run("dlq", "replay", "7", "--to", "nobody")
    assert result.exit_code == 1
    assert "there is no sink nobody: name one of hook" in result.stderr


def test_numbers_that_bring_nothing_are_a_failure(letters: list[Any]) -> None:
    letters.clear()
    result = run("dlq", "replay", "7")
    assert (result.exit_code, result.stdout) == (3, "0 deliveries are pending again.\n")
    assert result.stderr == "error: what has that number is not dead: 'sentinel-py dlq list' has all that are\n"


@pytest.mark.usefixtures("letters")
def test_numbers_of_which_some_bring_nothing_are_a_success_in_part() -> None:
    result = run("dlq", "purge", "7", "8", "8", "9")
    assert (result.exit_code, result.stdout) == (4, "1 delivery was forgotten.\n")
    assert result.stderr.startswith("error: 2 of them are not dead: ")


@pytest.mark.parametrize("command", [("deliveries",), ("dlq", "list"), ("dlq", "replay"), ("dlq", "purge")])
def test_a_sink_that_nobody_knows_is_said(command: tuple[str, ...], service: Service) -> None:
    service.status.sinks.add(name="phone", type="apprise")
    result = run(*command, "--sink", "phnoe")
    assert result.exit_code == 3
    assert result.stderr == "error: no sink is named phnoe: did you mean `phone`?\n"
    assert run(*command, "--sink", "phone").exit_code == 0


def test_what_is_in_no_state_is_said_of_that_state(service: Service) -> None:
    assert run("deliveries", "--state", "absorbed").stdout == "Nothing is absorbed.\n"


def test_a_purge_says_how_many_are_gone(service: Service, letters: list[Any]) -> None:
    letters *= 2
    assert run("dlq", "purge", "--sink", "hook").stdout == "2 deliveries were forgotten.\n"
    assert service.requests[0].sink == "hook"
