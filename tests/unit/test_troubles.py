"""What the status says is wrong with a sink."""

from collections.abc import Callable

from sentinel.app.troubles import of_sink
from sentinel.delivery.workers import Worker
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from tests.fakes import FakeClock
from tests.messages import telling
from tests.unit.test_dispatcher import DOWN, GONE, InlineWorker, ScriptedSink


def after(*script: Exception | None) -> str:
    """What is wrong once a sink has answered like that to a delivery each."""
    clock = FakeClock()
    worker: Callable[[str], Worker] = lambda _name: InlineWorker()  # noqa: E731
    loop = SinkLoop(name="sink", sink=ScriptedSink(list(script)), report=lambda _: None, new_worker=worker)
    loop.offer([telling(number, subject=f"s{number}") for number, _ in enumerate(script, start=1)])
    while loop.step(clock.now()) == 0:
        pass
    return of_sink(loop.status())


def test_nothing_is_wrong_with_a_sink_whose_last_message_arrived() -> None:
    assert after(None) == after(DeliveryError("error=401", retryable=False), None) == ""


def test_a_sink_that_fails_says_why() -> None:
    assert after(DOWN) == "messages do not arrive: connection refused"


def test_a_sink_that_is_left_alone_says_so() -> None:
    assert after(DOWN, DOWN, DOWN) == (
        "messages do not arrive: connection refused; it is left alone and probed now and then"
    )


def test_a_sink_that_is_switched_off_says_until_when() -> None:
    assert after(GONE) == "switched off until the next start, because its address is gone: HTTP 410 Gone"
