"""Secrets of every service that Apprise loads, and whatever happens to a message: none of them is shown anywhere.

Nothing leaves this machine: names are not resolved, nobody is connected to, and what speaks HTTP gets the answer of the
case. The short form tries one URL of each service with one case, in turns; the long one all with all.
"""

import gc
import io
import logging
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import orjson
import pytest
import requests
from apprise.plugins.base import NotifyBase

from sentinel import logs
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Severity, Text
from sentinel.model import Attempt
from tests.contracts.services import Loaded, loaded, permitted
from tests.fakes import FakeClock
from tests.messages import START, telling

# Services leave sockets to the garbage collector, and objects that were refused half made.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

Answer = Callable[[str], requests.Response]
NEED_A_PACKAGE = {"amqp"}
"""Of those that Apprise takes for loaded."""


def _answered(status: int) -> Answer:
    """An answer that repeats all that was sent wherever a service may look for a reason."""

    def answer(said: str) -> requests.Response:
        response = requests.Response()
        response.status_code = status
        response.reason = said
        reasons = dict.fromkeys(("error", "message", "detail", "description", "reason", "errmsg"), said)
        response.raw = io.BytesIO(orjson.dumps(reasons))
        return response

    return answer


def _raised(error: type[Exception]) -> Answer:
    def answer(said: str) -> requests.Response:
        raise error(said)

    return answer


CASES: dict[str, Answer] = {
    "taken": _answered(200),
    "refused": _answered(400),
    "failed": _answered(500),
    "broken off": _raised(requests.ConnectionError),
    "a bug": _raised(KeyError),
}


@dataclass
class Network:
    """Nobody but what answers HTTP requests; `sent` is what it was sent."""

    answer: Answer = CASES["taken"]
    sent: list[str] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        said = f"{request.method} {request.url} {dict(request.headers)} {request.body!r}"
        self.sent.append(said)
        return self.answer(said)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def refused(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    made = Network()
    monkeypatch.setattr(requests.Session, "send", made.send)
    monkeypatch.setattr(NotifyBase, "throttle", lambda *_, **__: None)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, unknown)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused)
    yield made
    # Some services say goodbye when they go.
    gc.collect()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that the service logs at debug, and all that libraries hand to whoever listens at any level."""
    root, before = logging.getLogger(), (logging.getLogger().level, logging.getLogger().handlers)
    stream = io.StringIO()
    logs.configure(log_format="json", log_level="debug", stream=stream)
    root.setLevel(1)
    root.handlers = [*root.handlers, logging.StreamHandler(stream)]
    yield stream
    root.level, root.handlers = before
    logs.configure()


class InlineWorker:
    """Does a job at once."""

    def submit(self, job: Callable[[], None]) -> None:
        job()

    def retire(self) -> None:
        """Nothing runs."""


def shown(service: Loaded) -> str:
    """What a delivery and words of our own leave behind where somebody reads it: rows, statuses, texts of errors."""
    sink, attempts, now = service.sink(), list[Attempt](), FakeClock().now()
    loop = SinkLoop(name="phone", sink=sink, report=attempts.append, new_worker=lambda _: InlineWorker())
    loop.offer([telling(1)])
    for _ in range(2):
        loop.step(now)
    texts = [repr(attempts), repr(loop.status()), repr(sink)]
    try:
        sink.say(Text("Test", "This is a test."), Severity.WARNING, START)
    except DeliveryError as error:
        texts += traceback.format_exception(error)
    sink.close()
    assert len(attempts) == 1
    return "\n".join(texts)


def leaks(service: Loaded, logged: io.StringIO, output: Callable[[], Any]) -> str:
    """What of its secrets was shown, and where; empty if nothing was."""
    logged.seek(0)
    logged.truncate()
    places = {"shown": shown(service), "log": logged.getvalue(), "output": "".join(output())}
    found = {place: service.shown_in(text) for place, text in places.items()}
    return "\n".join(f"{service.url}: {found[place]} in {place}: {places[place]}" for place in found if found[place])


@pytest.fixture(scope="module")
def services() -> Mapping[str, Sequence[Loaded]]:
    """All URLs of each service."""
    return {scheme: loaded(scheme) for scheme in permitted()}


def test_every_service_that_loads_is_tried(services: Mapping[str, Sequence[Loaded]]) -> None:
    assert {scheme for scheme, urls in services.items() if not urls} == NEED_A_PACKAGE


def test_no_secret_of_any_service_is_shown(
    services: Mapping[str, Sequence[Loaded]],
    network: Network,
    logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    found, told = [], []
    for (scheme, urls), answer in zip(services.items(), cycle(CASES.values()), strict=False):
        network.answer = answer
        for service in urls[-1:]:
            found.append(leaks(service, logged, capfd.readouterr))
            told += [scheme] if service.shown_in("".join(network.sent)) else []
            network.sent.clear()
    assert not "\n".join(filter(None, found))
    # Most speak HTTP, so that they did tell it to somebody who repeats it.
    assert len(told) > len(services) * 0.8


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_no_secret_of_any_url_is_shown_whatever_happens(
    case: str,
    services: Mapping[str, Sequence[Loaded]],
    network: Network,
    logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    network.answer = CASES[case]
    found = [leaks(service, logged, capfd.readouterr) for urls in services.values() for service in urls]
    assert not "\n".join(filter(None, found))
