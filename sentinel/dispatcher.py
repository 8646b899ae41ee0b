"""One loop per sink: take what is due, send it, report how that ended. The only caller of sinks.

A loop is a `step(now)` that never blocks; the thread around it waits until the next due time or for news. A
send runs in a worker thread of the sink's own, so that one that hangs can be given up on. The loop writes
nothing: outcomes go to `report`, and what was not reported is offered again after a restart.
"""

import random
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from loguru import logger

from sentinel.clock import Clock, Instant
from sentinel.delivery.lanes import Item, Lanes
from sentinel.delivery.schedule import HORIZON, LONGEST_ASKED, next_try
from sentinel.delivery.sinks.protocol import Sink
from sentinel.delivery.workers import ThreadWorker, Worker
from sentinel.errors import DeliveryError
from sentinel.events import Severity, Telling, Text
from sentinel.model import Attempt, DeliveryState, Reached, unwatched

DEADLINE = timedelta(seconds=30)
MOST_HANGING = 4


@dataclass(frozen=True, slots=True)
class SinkReport:
    """How a sink is doing since the start.

    `waiting` deliveries are not settled yet; `failures` attempts failed in a row, the last with `last_error`;
    `hanging` sends were given up on and have not ended; `alive` is False when the loop itself is gone.
    """

    name: str
    alive: bool
    waiting: int
    delivered: int
    dead: int
    failures: int
    last_error: str
    hanging: int


@dataclass(slots=True, eq=False)
class _Sending:
    """One attempt. `until` is its deadline on the boot clock; `error` says how it ended, once it has."""

    item: Item
    attempt: int
    until: float
    worker: Worker
    error: Exception | None = None
    given_up: bool = False


class SinkLoop:
    """Sends the deliveries of one sink, at most `in_flight` at once and one of each subject, and owns the sink.

    `report` gets every outcome, on the loop's thread; it must not raise. `jitter` draws from [0, 1).
    A delivery that is offered while it is still in the loop is ignored, but one that was settled is sent
    again: nothing may be offered whose outcome was reported and is not stored yet.
    """

    def __init__(
        self,
        *,
        name: str,
        sink: Sink,
        report: Callable[[Attempt], None],
        in_flight: int = 1,
        deadline: timedelta = DEADLINE,
        jitter: Callable[[], float] = random.random,
        new_worker: Callable[[str], Worker] = ThreadWorker,
        reached: Reached = unwatched,
    ) -> None:
        self._name = name
        self._sink = sink
        self._report = report
        self._in_flight = in_flight
        self._deadline = deadline
        self._jitter = jitter
        self._new_worker = new_worker
        self._reached = reached
        self._thread: threading.Thread | None = None
        # Shared with other threads, under the condition's lock.
        self._news = threading.Condition()
        self._inbox: list[Telling] = []
        self._ended: list[_Sending] = []
        self._stopping = False
        # The loop's own.
        self._lanes = Lanes()
        self._sending: list[_Sending] = []
        self._idle: list[Worker] = []
        self._disabled = ""
        self._paused_until = 0.0
        self._hanging = 0
        self._story = _Story(name)

    def offer(self, tellings: Sequence[Telling]) -> None:
        """Takes committed deliveries over, in memory; returns at once. Any thread may call it."""
        with self._news:
            self._inbox.extend(tellings)
            self._news.notify()

    def status(self) -> SinkReport:
        """How the sink is doing. Any thread may call it."""
        return SinkReport(
            name=self._name,
            alive=self._thread is None or self._thread.is_alive(),
            waiting=len(self._lanes) + len(self._inbox),
            delivered=self._story.delivered,
            dead=self._story.dead,
            failures=self._story.failures,
            last_error=self._story.last_error,
            hanging=self._hanging,
        )

    def start(self, clock: Clock) -> None:
        """Starts the thread around `step`."""
        self._thread = threading.Thread(target=self._run, args=(clock,), name=f"sink-{self._name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Lets the loop begin nothing new; returns at once."""
        with self._news:
            self._stopping = True
            self._news.notify()

    def stop(self, deadline_s: float) -> bool:
        """Lets a running send finish for at most `deadline_s` and ends the thread; False if it is still busy.

        A send that did not finish does not count as an attempt: it is offered again after a restart.
        """
        self.ask_to_stop()
        if self._thread is None:
            return True
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def step(self, now: Instant) -> float | None:
        """Begins what may be sent now; returns the seconds until something is due again, None to wait for news."""
        self._take_in(now)
        self._settle_ended(now)
        self._give_up_overdue(now)
        while self._may_send(now) and (item := self._lanes.take(now.boot)) is not None:
            self._send(item, now)
        return self._seconds_left(now)

    def _run(self, clock: Clock) -> None:
        try:
            while not (self._stopping and not self._sending):
                seconds = self.step(clock.now())
                with self._news:
                    if not (self._inbox or self._ended or (self._stopping and not self._sending)):
                        self._news.wait(seconds)
        except Exception as error:
            self._story.broke_off(error)
            return
        for worker in self._idle:
            worker.retire()
        if not self._hanging:
            self._sink.close()

    def _take_in(self, now: Instant) -> None:
        with self._news:
            tellings, self._inbox = self._inbox, []
        for telling in tellings:
            delivery = telling.delivery
            due = None if delivery.next_try is None else _on_boot_clock(delivery.next_try, now)
            self._lanes.add(Item(telling, delivery.attempt, due))

    def _settle_ended(self, now: Instant) -> None:
        with self._news:
            ended, self._ended = self._ended, []
        for sending in ended:
            if sending.given_up:
                self._hanging -= 1
            if sending.error is None:
                self._delivered(sending, now)
            elif not sending.given_up:
                self._failed(sending.item, sending.attempt, sending.error, now)
            if not sending.given_up:
                self._idle.append(sending.worker)
                self._sending.remove(sending)
                self._lanes.release(sending.item)

    def _give_up_overdue(self, now: Instant) -> None:
        seconds = self._deadline.total_seconds()
        for sending in [sending for sending in self._sending if now.boot >= sending.until]:
            sending.given_up = True
            sending.worker.retire()
            self._sending.remove(sending)
            self._hanging += 1
            self._failed(
                sending.item, sending.attempt, DeliveryError(f"no answer within {seconds:g} s", retryable=True), now
            )
            self._lanes.release(sending.item)

    def _may_send(self, now: Instant) -> bool:
        return len(self._sending) < self._in_flight and not self._stopping and now.boot >= self._paused_until

    def _send(self, item: Item, now: Instant) -> None:
        if (error := self._hopeless()) is not None:
            self._failed(item, item.attempt + 1, error, now)
            self._lanes.release(item)
            return
        worker = self._idle.pop() if self._idle else self._new_worker(f"send-{self._name}")
        sending = _Sending(item, item.attempt + 1, now.boot + self._deadline.total_seconds(), worker)
        self._sending.append(sending)
        worker.submit(lambda: self._attempt(sending, now.wall))

    def _hopeless(self) -> DeliveryError | None:
        """Why nothing can be sent now at all."""
        if self._disabled:
            return DeliveryError(f"nothing more is sent there until the next start: {self._disabled}", retryable=False)
        if self._hanging >= max(MOST_HANGING, self._in_flight):
            return DeliveryError(f"{self._hanging} earlier sends still hang", retryable=True)
        return None

    def _attempt(self, sending: _Sending, now: datetime) -> None:
        """Runs in the worker."""
        self._reached("delivery taken")
        try:
            self._sink.send(sending.item.telling.message, now)
        except Exception as error:
            sending.error = error
        self._reached("answer received")
        with self._news:
            self._ended.append(sending)
            self._news.notify()

    def _delivered(self, sending: _Sending, now: Instant) -> None:
        item = sending.item
        if item.state is DeliveryState.DELIVERED:
            return
        # One that was given up for dead did arrive after all: that, too, settles it.
        item.state = DeliveryState.DELIVERED
        self._lanes.remove(item)
        self._story.succeeded(item.id, sending.attempt)
        self._report(Attempt(item.id, self._name, sending.attempt, item.state, now.wall))

    def _failed(self, item: Item, number: int, error: Exception, now: Instant) -> None:
        delivery = item.telling.delivery
        if item.state is not DeliveryState.PENDING:
            return
        item.attempt = number
        again = self._when_again(item, error, now)
        reason = _reason(error)
        if again is None:
            if not isinstance(error, DeliveryError) or error.retryable:
                reason = f"given up after {HORIZON // timedelta(hours=1)} h: {reason}"
            item.state = DeliveryState.DEAD
            self._lanes.remove(item)
        else:
            item.due = _on_boot_clock(again, now)
        attempt = Attempt(delivery.id, self._name, number, item.state, now.wall, again, reason)
        self._story.failed(attempt, error)
        self._report(attempt)

    def _when_again(self, item: Item, error: Exception, now: Instant) -> datetime | None:
        retry_after = None
        if isinstance(error, DeliveryError):
            if error.disables and not self._disabled:
                self._disabled = str(error)
                self._story.disabled(self._disabled)
            if not error.retryable:
                return None
            retry_after = error.retry_after
        if retry_after is not None:
            # It speaks for the whole service: sending it something else meanwhile would only prolong it.
            pause = min(retry_after, LONGEST_ASKED).total_seconds()
            self._paused_until = max(self._paused_until, now.boot + pause)
        return next_try(
            item.attempt,
            now=now.wall,
            created_at=item.telling.delivery.created_at,
            jitter=self._jitter(),
            retry_after=retry_after,
        )

    def _seconds_left(self, now: Instant) -> float | None:
        if self._ended:
            return 0.0
        dues = [sending.until for sending in self._sending]
        if len(self._sending) < self._in_flight and not self._stopping and (due := self._lanes.due()) is not None:
            dues.append(max(due, self._paused_until))
        return max(0.0, min(dues) - now.boot) if dues else None


class _Story:
    """Counts how a sink's attempts end and logs when that changes."""

    def __init__(self, name: str) -> None:
        self._log = logger.bind(log_source="sink", sink=name)
        self._told: set[type[Exception]] = set()
        self._told_dead = False
        self.delivered = 0
        self.dead = 0
        self.failures = 0
        self.last_error = ""

    def succeeded(self, delivery: int, attempt: int) -> None:
        """An attempt ended well."""
        self.delivered += 1
        self._log.bind(delivery=delivery, attempt=attempt).debug("delivered")
        if self.failures:
            self._log.bind(failures=self.failures).info("delivery recovered")
        self._told.clear()
        self._told_dead = False
        self.failures = 0

    def failed(self, attempt: Attempt, error: Exception) -> None:
        """An attempt failed; the error's own text is only in `attempt` when it is known to hold no secret."""
        self.failures += 1
        self.last_error = attempt.error
        log = self._log.bind(delivery=attempt.delivery, attempt=attempt.attempt, error=attempt.error)
        unexpected = not isinstance(error, DeliveryError)
        if unexpected and type(error) not in self._told:
            log = log.bind(error_type=type(error).__name__, where=_where(error))
        if attempt.state is DeliveryState.DEAD:
            self.dead += 1
            log.log("DEBUG" if self._told_dead else "ERROR", "delivery given up")
            self._told_dead = True
        elif self.failures == 1 or (unexpected and type(error) not in self._told):
            log.warning("delivery failed")
        else:
            log.bind(failures=self.failures).debug("delivery failed again")
        self._told.add(type(error))

    def disabled(self, reason: str) -> None:
        """The other side wants nothing more."""
        self._log.bind(error=reason).error("sink switched off until the next start: its address is gone")

    def broke_off(self, error: Exception) -> None:
        """The loop itself failed, which is a defect."""
        self.last_error = type(error).__name__
        self._log.bind(error_type=type(error).__name__, where=_where(error)).error("delivery loop broke off")


def say(sink: Sink, text: Text, severity: Severity, *, now: datetime, deadline: timedelta = DEADLINE) -> None:
    """Says words of Sentinel's own, such as a test, within `deadline`; raises only DeliveryError."""
    ended: SimpleQueue[Exception | None] = SimpleQueue()

    def attempt() -> None:
        try:
            sink.say(text, severity, now)
        except Exception as error:
            ended.put(error)
        else:
            ended.put(None)

    worker = ThreadWorker("say")
    worker.submit(attempt)
    worker.retire()
    try:
        error = ended.get(timeout=deadline.total_seconds())
    except Empty:
        raise DeliveryError(f"no answer within {deadline.total_seconds():g} s", retryable=True) from None
    if error is not None:
        raise (error if isinstance(error, DeliveryError) else DeliveryError(_reason(error), retryable=True)) from None


def _on_boot_clock(moment: datetime, now: Instant) -> float:
    # A wall clock that was set back must not hold a delivery for longer than anything could have asked for.
    return now.boot + min(moment - now.wall, LONGEST_ASKED).total_seconds()


def _reason(error: Exception) -> str:
    # Only the text of a DeliveryError is known to hold no secret.
    return str(error) if isinstance(error, DeliveryError) else f"unexpected {type(error).__name__}"


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
