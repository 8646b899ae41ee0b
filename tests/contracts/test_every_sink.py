"""What every sink promises, each over the real thing: a stream, a file, a program, an HTTP endpoint on loopback."""

import io
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson
import pytest

from sentinel.clock import SystemClock
from sentinel.delivery.sinks import SINK_TYPES, Lines, Sink
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Severity, Telling, Text
from sentinel.model import Attempt, Audience, DeliveryState
from tests.contracts.endpoint import (
    Answer,
    Endpoint,
    cut_short,
    hang,
    reset,
    status,
    trickle,
    trickle_headers,
)
from tests.contracts.rigs import HTTP_RIGS, PATIENT, RIGS, Rig, made
from tests.contracts.saying import say
from tests.messages import START, event, message, telling

DEADLINE = timedelta(seconds=0.2)
TIMEOUT = timedelta(seconds=0.12)
DELIVERED, PENDING, DEAD = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.DEAD


def test_every_type_of_the_table_keeps_the_contract() -> None:
    tried = {rig.type for rig in RIGS.values()}
    assert tried == set(SINK_TYPES) - {"debug"}
    assert SINK_TYPES["debug"] == SINK_TYPES["stdout"]


# Working and broken ----------------------------------------------------------------------------------------------


class Broken(io.BytesIO):
    """A stream whose reader went away."""

    def write(self, data: object) -> int:
        raise BrokenPipeError(32, "Broken pipe")


Sinks = tuple[Sink, Sink, Callable[[], bytes]]


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]


@pytest.fixture
def sinks(rig: Rig, tmp_path: Path) -> Iterator[Sinks]:
    """A sink that works, one that does not, and what came out of the first."""
    if rig in HTTP_RIGS.values():
        with Endpoint(status(200)) as up, Endpoint(status(503)) as down:
            works, fails = (made(rig, f"http://{place.place}", Lines(io.BytesIO())) for place in (up, down))
            yield works, fails, lambda: b"".join(request.body for request in up.requests)
            works.close()
            fails.close()
        return
    stream, gone = io.BytesIO(), tmp_path / "gone"
    gone.mkdir()
    works, fails = made(rig, str(tmp_path), Lines(stream)), made(rig, str(gone), Lines(Broken()))
    shutil.rmtree(gone)
    file = tmp_path / "events.jsonl"
    yield works, fails, lambda: file.read_bytes() if rig.type == "file" else stream.getvalue()
    works.close()
    fails.close()


def test_a_message_arrives(sinks: Sinks) -> None:
    works, _, arrived = sinks
    works.send(message(), START)
    assert b"nas lost contact" in arrived()


def test_words_of_our_own_arrive(sinks: Sinks) -> None:
    works, _, arrived = sinks
    works.say(Text("Test of Sentinel", "This is a test."), Severity.INFO, START)
    assert b"This is a test" in arrived()


def test_a_message_that_did_not_arrive_is_a_delivery_error_worth_a_retry(sinks: Sinks) -> None:
    with pytest.raises(DeliveryError) as raised:
        sinks[1].send(message(), START)
    assert raised.value.retryable
    assert str(raised.value)


def test_words_of_our_own_that_did_not_arrive_are_a_delivery_error(sinks: Sinks) -> None:
    with pytest.raises(DeliveryError):
        say(sinks[1], Text("Test", "This is a test."), Severity.INFO, now=START)


def test_a_sink_says_whom_it_speaks_to(sinks: Sinks, rig: Rig) -> None:
    assert sinks[0].audience is rig.audience


def test_a_program_gets_the_recorded_envelope_and_its_key(sinks: Sinks, rig: Rig) -> None:
    works, _, arrived = sinks
    told = message()
    works.send(told, START)
    if rig.audience is Audience.PROGRAMS:
        assert told.event.body in arrived()
        assert orjson.loads(arrived())["idempotency_key"] == told.key


def test_a_name_from_the_network_adds_no_line_and_no_control_character(sinks: Sinks) -> None:
    works, _, arrived = sinks
    works.send(message(event(name="nas\n\x1b[2JALL CLEAR")), START)
    assert b"\x1b" not in arrived()
    assert b"nas\n" not in arrived()


def test_a_name_from_the_network_turns_no_line_round_for_people(sinks: Sinks) -> None:
    works, _, arrived = sinks
    works.send(message(event(name="nas\u202egpj.exe")), START)
    assert works.audience is Audience.PROGRAMS or "\u202e" not in _decoded(arrived())


def _decoded(body: bytes) -> str:
    # What a service is sent may be JSON, in which such a character is spelled out.
    text = body.decode()
    return str(orjson.loads(body)) if text.startswith(("{", "[")) else text


def test_a_closed_sink_can_be_closed_again(sinks: Sinks) -> None:
    sinks[0].close()
    sinks[0].close()


# A scripted endpoint ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """How the other side behaves, and what has to become of the delivery. `wait` is what it asks for, in seconds."""

    answer: Answer
    becomes: DeliveryState
    wait: float = 0.0
    hangs: bool = False


CASES = {
    "200": Case(status(200), DELIVERED),
    "late 201": Case(status(201, after=0.05), DELIVERED),
    "204": Case(status(204), DELIVERED),
    "301": Case(status(301), PENDING),
    "307": Case(status(307), PENDING),
    "400": Case(status(400), DEAD),
    "401": Case(status(401), DEAD),
    "403": Case(status(403), DEAD),
    "404": Case(status(404), DEAD),
    "408": Case(status(408), PENDING),
    "410": Case(status(410), DEAD),
    "422": Case(status(422), DEAD),
    "425": Case(status(425), PENDING),
    "429": Case(status(429), PENDING),
    "429 in seconds": Case(status(429, Retry_After="120"), PENDING, wait=120),
    "429 until a date": Case(
        status(429, Date="Thu, 01 Jan 2026 09:00:00 GMT", Retry_After="Thu, 01 Jan 2026 09:02:00 GMT"),
        PENDING,
        wait=120,
    ),
    "429 with nonsense": Case(status(429, Retry_After="soon"), PENDING),
    "500": Case(status(500), PENDING),
    "503 in seconds": Case(status(503, Retry_After="60"), PENDING, wait=60),
    "reset in the body": Case(reset, PENDING),
    "end in the body": Case(cut_short, PENDING),
    "trickle": Case(trickle, PENDING, hangs=True),
    "trickle in the headers": Case(trickle_headers, PENDING, hangs=True),
    "hang": Case(hang, PENDING, hangs=True),
}


@dataclass(frozen=True)
class Trial:
    """What became of one delivery, and everything that the loop showed of it."""

    attempt: Attempt
    took: timedelta
    shown: str


def fresh() -> Telling:
    """A delivery that was decided right now."""
    return telling(1, age=START - SystemClock().now().wall)


def tried(rig: Rig, base: str, *, hangs: bool = False) -> Trial:
    """Sends one delivery through a real loop and waits for its outcome."""
    timeout, deadline = (TIMEOUT, DEADLINE) if hangs else (PATIENT, PATIENT)
    sink = made(rig, base, Lines(io.BytesIO()), timeout)
    reported, clock = SimpleQueue[Attempt](), SystemClock()
    loop = SinkLoop(name="sink", sink=sink, report=reported.put, deadline=deadline, jitter=lambda: 0.0)
    begun = clock.now().wall
    loop.start(clock)
    loop.offer([fresh()])
    attempt = reported.get(timeout=15)
    shown = repr((attempt, loop.status(), sink, str(sink), rig.spec(base, timeout)))
    assert loop.stop(5)
    sink.close()
    return Trial(attempt, attempt.finished_at - begun, shown)


def _scripted() -> Iterator[Any]:
    """Every kind with every case. What a program that does not end comes to is told in a file of its own."""
    for kind, rig in HTTP_RIGS.items():
        for name, case in CASES.items():
            if rig.own_network or not case.hangs:
                yield pytest.param(rig, name, id=f"{kind}-{name}")


@pytest.mark.parametrize(("rig", "name"), list(_scripted()))
def test_what_the_other_side_does_decides_what_becomes_of_a_delivery(
    rig: Rig, name: str, everything_logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    monkeypatch.setenv("HOOK_TOKEN", "canaryvariable")
    with Endpoint(case.answer) as endpoint:
        trial = tried(rig, f"http://{endpoint.place}", hangs=case.hangs)
        expected = PENDING if rig.only_200 and name in {"late 201", "204"} else case.becomes
        assert (trial.attempt.state, trial.attempt.attempt) == (expected, 1)
        assert len(endpoint.requests) == 1
    assert "canary" in repr(endpoint.requests).lower()
    assert "canary" not in (trial.shown + everything_logged()).lower()
    assert bool(trial.attempt.error) == (expected is not DELIVERED)
    assert not rig.keyed or fresh().message.key in repr(endpoint.requests)
    if case.hangs:
        assert trial.took < DEADLINE + timedelta(seconds=2)
        assert "no answer within" in trial.attempt.error
    if rig.hears and trial.attempt.next_try is not None:
        asked = trial.attempt.next_try - trial.attempt.finished_at
        assert max(case.wait, 1.0) <= asked.total_seconds() < max(case.wait, 1.0) + 1


NETWORKED = {name: rig for name, rig in HTTP_RIGS.items() if rig.own_network}


@pytest.mark.parametrize("rig", NETWORKED.values(), ids=NETWORKED)
def test_a_certificate_that_nobody_vouches_for_is_tried_again_and_gets_nothing(
    rig: Rig, everything_logged: Callable[[], str], tls: ssl.SSLContext
) -> None:
    with Endpoint(status(200), tls=tls) as endpoint:
        port = endpoint.place.partition(":")[2]
        trial = tried(rig, f"https://localhost:{port}")
    assert trial.attempt.state is PENDING
    assert not endpoint.requests
    assert "canary" not in (trial.shown + everything_logged()).lower()


@pytest.mark.parametrize("rig", NETWORKED.values(), ids=NETWORKED)
def test_a_name_that_cannot_be_resolved_is_tried_again(
    rig: Rig, everything_logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    trial = tried(rig, "http://hooks.example:8080")
    assert trial.attempt.state is PENDING
    assert "canary" not in (trial.shown + everything_logged()).lower()


@pytest.mark.parametrize("rig", NETWORKED.values(), ids=NETWORKED)
def test_nobody_listening_is_tried_again(rig: Rig) -> None:
    with Endpoint(status(200)) as endpoint:
        place = endpoint.place
    assert tried(rig, f"http://{place}").attempt.state is PENDING


@pytest.mark.parametrize("rig", [rig for rig in HTTP_RIGS.values() if rig.hears], ids=lambda rig: rig.type)
def test_an_address_that_is_gone_gets_nothing_more(rig: Rig) -> None:
    with Endpoint(status(410)) as endpoint:
        sink, reported = made(rig, f"http://{endpoint.place}", Lines(io.BytesIO())), SimpleQueue[Attempt]()
        loop = SinkLoop(name="sink", sink=sink, report=reported.put)
        loop.start(SystemClock())
        loop.offer([telling(1, subject="nas"), telling(2, subject="box")])
        attempts = [reported.get(timeout=5) for _ in range(2)]
        assert loop.stop(5)
    assert [attempt.state for attempt in attempts] == [DEAD, DEAD]
    assert len(endpoint.requests) == 1
