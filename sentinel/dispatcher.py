"""One loop per sink: take what is due, send it, report how that ended. The only caller of sinks.

A loop is a `step(now)` that never waits for a sink; the thread around it waits until the next due time or for news. A
send runs in a worker thread of the sink's own, so that one that hangs can be given up on. The loop writes nothing:
outcomes go to `report`, and what was not reported is read again after a restart. It has a window of its deliveries in
memory and reads the rest from the store, oldest first, as that runs low.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sentinel.clock import Clock, Instant
from sentinel.delivery.absorption import Absorb, Absorbing
from sentinel.delivery.breaker import Breaker
from sentinel.delivery.lanes import Item
from sentinel.delivery.pace import Pace
from sentinel.delivery.repeats import Repeats
from sentinel.delivery.schedule import LONGEST_ASKED, WAITS, is_over, next_try
from sentinel.delivery.sinks.protocol import RepeatingSink, Sink
from sentinel.delivery.stock import Backlog, Stock, on_boot_clock
from sentinel.delivery.story import SinkReport, Story, reason_of, too_old
from sentinel.delivery.vanishing import Vanishing
from sentinel.delivery.watch import Watch
from sentinel.delivery.window import SIZE
from sentinel.delivery.workers import ThreadWorker, Worker
from sentinel.errors import DeliveryError
from sentinel.events import Message, Telling
from sentinel.model import Attempt, Audience, Condition, DeliveryState, Reached, unwatched

DEADLINE = timedelta(seconds=30)
MOST_HANGING = 4


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

    `report` gets every outcome, on the loop's thread; it must not raise. `jitter` draws from [0, 1). With a `backlog`
    the loop holds at most `window` deliveries in memory and begins with what the store has. `absorb` is for what piles
    up: people get one message, of an incident that came and went nothing is sent. `tell` hears when the sink fails and
    is well again; it must not raise. `per_minute` paces the sends, None does not.
    """

    def __init__(
        self,
        *,
        name: str,
        sink: Sink,
        report: Callable[[Attempt], None],
        backlog: Backlog | None = None,
        absorb: Absorb | None = None,
        tell: Callable[[Condition], None] | None = None,
        window: int = SIZE,
        in_flight: int = 1,
        per_minute: int | None = None,
        deadline: timedelta = DEADLINE,
        jitter: Callable[[], float] = random.random,
        new_worker: Callable[[str], Worker] = ThreadWorker,
        reached: Reached = unwatched,
    ) -> None:
        self._name = name
        self._sink = sink
        self._report = report
        self._tell = tell
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
        self._more = False
        self._stopping = False
        self._repeated = False
        # The loop's own.
        self._story = Story(name)
        self._stock = Stock(backlog, window, self._story)
        self._lanes = self._stock.lanes
        self._breaker = Breaker()
        self._watch = Watch()
        self._pace = Pace(per_minute)
        self._absorbing: Absorbing | Vanishing | None = None
        self._vanishing: Vanishing | None = None
        if absorb and sink.audience is Audience.PEOPLE:
            self._absorbing = Absorbing(name, self._lanes, absorb, self._wake)
        elif absorb and sink.audience is Audience.INCIDENTS:
            self._absorbing = self._vanishing = Vanishing(name, self._lanes, absorb, self._wake)
        self._sending: list[_Sending] = []
        self._idle: list[Worker] = []
        self._disabled = ""
        self._paused_until = 0.0
        self._hanging = 0
        self._repeats = Repeats(name, sink, new_worker) if isinstance(sink, RepeatingSink) else None

    @property
    def audience(self) -> Audience:
        """To whom its sink speaks."""
        return self._sink.audience

    def remember(self, messages: Sequence[Message]) -> None:
        """Takes over what the sink was told before and is still open, if it keeps incidents; before the start only."""
        if self._vanishing is not None:
            self._vanishing.remember(messages)
        if self._repeats is not None:
            self._repeats.remember(messages)

    def offer(self, tellings: Sequence[Telling]) -> None:
        """Takes committed deliveries over, in memory; returns at once. Any thread may call it."""
        with self._news:
            self._inbox.extend(tellings)
            self._news.notify()

    def look_again(self) -> None:
        """The store has deliveries that nobody offers; returns at once. Any thread may call it."""
        with self._news:
            self._more = True
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
            failing_since=self._story.failing_since,
            resting=self._breaker.is_open,
            disabled=self._disabled,
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

        A send that did not finish does not count as an attempt: it is read again after a restart.
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
        if self._absorbing is not None:
            self._absorbing.settle()
        if not self._stopping and self._stock.refill(now):
            self._give_up_old(now)
        if self._absorbing is not None and not self._stopping:
            self._absorbing.begin()
        self._repeat_open(now)
        if self._breaker.is_open and self._watch.rests(now.boot):
            self._say(now, failing=True)
        while (item := self._next(now)) is not None:
            self._send(item, now)
        return self._seconds_left(now)

    def _run(self, clock: Clock) -> None:
        try:
            while not (self._stopping and not self._sending):
                seconds = self.step(clock.now())
                with self._news:
                    if not (self._has_news() or (self._stopping and not self._sending)):
                        self._news.wait(seconds)
        except Exception as error:
            self._story.broke_off(error)
            return
        for worker in self._idle:
            worker.retire()
        if self._repeats is not None:
            self._repeats.close()
        if not self._hanging:
            self._sink.close()

    def _has_news(self) -> bool:
        absorbed = self._absorbing is not None and self._absorbing.committed
        return bool(self._inbox or self._ended or self._more or self._repeated or absorbed)

    def _take_in(self, now: Instant) -> None:
        with self._news:
            tellings, self._inbox = self._inbox, []
            more, self._more = self._more, False
            self._repeated = False
        if self._vanishing is not None:
            self._vanishing.offered(tellings)
        self._stock.take_in(tellings, now, more=more)

    def _note_repeated(self) -> None:
        self._repeated = True
        self._wake()

    def _wake(self) -> None:
        """Something happened elsewhere; runs there."""
        with self._news:
            self._news.notify()

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

    def _repeat_open(self, now: Instant) -> None:
        due = None if self._repeats is None else self._repeats.due()
        if self._repeats is None or due is None or self._sending or self._stopping:
            return
        if now.boot >= max(due, self._from()):
            self._repeats.begin(now, self._note_repeated)

    def _next(self, now: Instant) -> Item | None:
        """What may be sent now; a sink that is left alone is probed with the oldest that there is, due or not."""
        if not self._has_room() or now.boot < self._from():
            return None
        return self._lanes.take_oldest() if self._breaker.is_open else self._lanes.take(now.boot)

    def _has_room(self) -> bool:
        most = 1 if self._breaker.is_open else self._in_flight
        repeating = self._repeats is not None and self._repeats.busy
        return len(self._sending) < most and not (repeating or self._is_absorbing() or self._stopping)

    def _is_absorbing(self) -> bool:
        return self._absorbing is not None and self._absorbing.busy

    def _from(self) -> float:
        """From when on the sink as a whole may be sent something, on the boot clock."""
        return max(self._paused_until, self._pace.due(), self._breaker.due())

    def _send(self, item: Item, now: Instant) -> None:
        if (error := self._hopeless()) is not None:
            self._failed(item, item.attempt + 1, error, now)
            self._lanes.release(item)
            return
        worker = self._idle.pop() if self._idle else self._new_worker(f"send-{self._name}")
        sending = _Sending(item, item.attempt + 1, now.boot + self._deadline.total_seconds(), worker)
        self._sending.append(sending)
        if self._vanishing is not None:
            self._vanishing.began(item)
        self._pace.begins(now.boot)
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
        if self._repeats is not None:
            self._repeats.told(item.telling.message, now)
        if self._vanishing is not None:
            self._vanishing.delivered(item.telling.message)
        self._story.succeeded(item.id, sending.attempt)
        if self._breaker.succeeded():
            # Whatever waits for its next try has waited for this.
            self._lanes.hasten()
        self._report(Attempt(item.id, self._name, sending.attempt, item.state, now.wall))
        if self._watch.arrived():
            self._say(now, failing=False)

    def _failed(self, item: Item, number: int, error: Exception, now: Instant) -> None:
        delivery = item.telling.delivery
        if item.state is not DeliveryState.PENDING:
            return
        item.attempt = number
        again = self._when_again(item, error, now)
        reason = reason_of(error)
        self._story.reason = reason
        if again is None:
            if not isinstance(error, DeliveryError) or error.retryable:
                reason = too_old(reason)
            item.state = DeliveryState.DEAD
            self._lanes.remove(item)
        else:
            item.due = on_boot_clock(again, now, WAITS[-1])
        attempt = Attempt(delivery.id, self._name, number, item.state, now.wall, again, reason)
        self._story.failed(attempt, error)
        self._report(attempt)
        self._look_at_dead(item, now)
        self._give_up_old(now)

    def _give_up_old(self, now: Instant) -> None:
        """What got too old while its sink took nothing at all, though none of its own attempts may have failed."""
        failures = self._breaker.failures
        for item in self._lanes.waiting() if self._breaker.is_open and not self._is_absorbing() else ():
            if is_over(now=now.wall, created_at=item.telling.delivery.created_at, failures=failures):
                item.state = DeliveryState.DEAD
                self._lanes.remove(item)
                why = too_old(self._story.reason)
                given_up = Attempt(item.id, self._name, item.attempt, item.state, now.wall, error=why)
                self._story.gave_up(given_up)
                self._report(given_up)
                self._look_at_dead(item, now)

    def _look_at_dead(self, item: Item, now: Instant) -> None:
        if item.state is DeliveryState.DEAD and self._watch.gave_up():
            self._say(now, failing=True)

    def _say(self, now: Instant, *, failing: bool) -> None:
        """Others have to know how the sink does."""
        if self._tell is not None:
            since = self._story.failing_since or now.wall
            error = self._story.last_error if failing else ""
            self._tell(Condition(self._name, failing, since, error, self._watch.given_up))

    def _when_again(self, item: Item, error: Exception, now: Instant) -> datetime | None:
        retry_after = None
        if isinstance(error, DeliveryError):
            if error.disables and not self._disabled:
                self._disabled = str(error)
                self._story.disabled(self._disabled)
            if not error.retryable:
                return None
            retry_after = error.retry_after
        self._breaker.failed(now.boot, self._jitter())
        if retry_after is not None:
            # It speaks for the whole service: sending it something else meanwhile would only prolong it.
            pause = min(retry_after, LONGEST_ASKED).total_seconds()
            self._paused_until = max(self._paused_until, now.boot + pause)
        created_at = item.telling.delivery.created_at
        if is_over(now=now.wall, created_at=created_at, failures=self._breaker.failures):
            return None
        return next_try(
            item.attempt,
            now=now.wall,
            created_at=created_at,
            jitter=self._jitter(),
            retry_after=retry_after,
        )

    def _seconds_left(self, now: Instant) -> float | None:
        if self._has_news():
            return 0.0
        dues = [sending.until for sending in self._sending]
        if self._has_room() and (due := self._lanes.due()) is not None:
            dues.append(self._from() if self._breaker.is_open else max(due, self._from()))
        if self._repeats is not None and not (self._sending or self._stopping):
            dues += [max(due, self._from()) for due in [self._repeats.due()] if due is not None]
        if not self._stopping:
            dues += [due for due in (self._stock.due(), self._watch.due()) if due is not None]
        return max(0.0, min(dues) - now.boot) if dues else None
