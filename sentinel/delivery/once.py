"""One attempt and no more: for what nobody would try again, such as a test."""

from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue

from sentinel.delivery.story import reason_of
from sentinel.delivery.workers import ThreadWorker
from sentinel.errors import DeliveryError


def within(deadline: timedelta, attempt: Callable[[], None]) -> None:
    """Runs the attempt on a thread of its own and waits for its end; raises only DeliveryError.

    After the deadline it is left alone: should it end later, nobody hears of it.
    """
    ended: SimpleQueue[Exception | None] = SimpleQueue()

    def run() -> None:
        try:
            attempt()
        except Exception as error:
            ended.put(error)
        else:
            ended.put(None)

    worker = ThreadWorker("once")
    worker.submit(run)
    worker.retire()
    try:
        error = ended.get(timeout=deadline.total_seconds())
    except Empty:
        raise DeliveryError(f"no answer within {deadline.total_seconds():g} s", retryable=True) from None
    if error is not None:
        raise (error if isinstance(error, DeliveryError) else DeliveryError(reason_of(error), retryable=True)) from None
