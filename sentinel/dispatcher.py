"""One loop per sink: take what is due, send it, report how that ended. The only caller of sinks.

A loop is a `step(now)` that never blocks; the thread around it waits until the next due time or until something
happens. A send runs in a worker thread of the sink's own, so that one that hangs can be given up on. The loop never
writes: outcomes go to `report`, and what is not reported is offered again after a restart.
"""

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Protocol

from loguru import logger

from sentinel.clock import Clock, Instant
from sentinel.delivery.schedule import LONGEST_ASKED, next_try
from sentinel.delivery.sinks.protocol import Sink
from sentinel.errors import DeliveryError
from sentinel.events import Telling
from sentinel.model import Attempt, DeliveryState, SubjectKey

DEADLINE = timedelta(seconds=30)
MOST_ABANDONED = 4


class Worker(Protocol):
    """Runs the jobs that it is given, one after the other, somewhere else."""

    def submit(self, job: Callable[[], None]) -> None:
        """Takes the job; returns at once."""
        ...

    def retire(self) -> None:
        """Ends once the jobs that it has are done."""
        ...


class ThreadWorker:
    """A worker on a daemon thread: a job that hangs does not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Callable[[], None]) -> None:
        """Takes the job; returns at once."""
        self._jobs.put(job)

    def retire(self) -> None:
        """Ends once the jobs that it has are done."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


@dataclass(frozen=True, slots=True)
class SinkReport:
    """How a sink is doing. `waiting` are deliveries not yet settled, `failures` the attempts failed in a row."""

    name: str
    alive: bool
    waiting: int
    delivered: int
    dead: int
    failures: int
    last_error: str
    hanging: int


@dataclass(slots=True)
class _Item:
    """A delivery in the loop. `due` is on the boot clock, None while nothing keeps it back."""

    telling: Telling
    attempt: int
    due: float | None = None
    settled: bool = False

    @property
    def id(self) -> int:
        return self.telling.delivery.id


@dataclass(slots=True, eq=False)
class _Sending:
    """One attempt on its way. `error` is only of meaning once it has ended."""

    item: _Item
    attempt: int
    until: float
    error: BaseException | None = None
    abandoned: bool = False


class _Queue:
    """What is to be sent: per subject in order of delivery ids, across subjects the oldest that may be sent now."""

    def __init__(self) -> None:
        self._lines: dict[SubjectKey, list[tuple[int, _Item]]] = {}
        self._ids: set[int] = set()
        self._ready: list[tuple[int, SubjectKey]] = []
        self._later: list[tuple[float, int, SubjectKey]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, delivery: int) -> bool:
        return delivery in self._ids

    def add(self, item: _Item) -> None:
        """Takes a delivery that is not yet there."""
        line = self._lines.setdefault(item.telling.delivery.subject, [])
        heapq.heappush(line, (item.id, item))
        self._ids.add(item.id)
        if line[0][1] is item:
            self.put_back(item)

    def put_back(self, item: _Item) -> None:
        """Lines up the first of a subject, at once or when it is due."""
        subject = item.telling.delivery.subject
        if item.due is None:
            heapq.heappush(self._ready, (item.id, subject))
        else:
            heapq.heappush(self._later, (item.due, item.id, subject))

    def take(self, now: float) -> _Item | None:
        """The oldest delivery that may be sent now; it stays the first of its subject until it is settled."""
        while self._later and self._later[0][0] <= now:
            _, delivery, subject = heapq.heappop(self._later)
            heapq.heappush(self._ready, (delivery, subject))
        while self._ready:
            delivery, subject = heapq.heappop(self._ready)
            first = self._first(subject)
            # An older one may have come, or this one may have been settled late.
            if first is not None and first.id == delivery and (first.due or 0.0) <= now:
                return first
        return None

    def due(self) -> float | None:
        """When something may be sent next, on the boot clock; 0 for now."""
        if self._ready:
            return 0.0
        return self._later[0][0] if self._later else None

    def remove(self, item: _Item) -> None:
        """Lets a settled delivery go; the next of its subject comes forward."""
        if item.id not in self._ids:
            return
        self._ids.remove(item.id)
        subject = item.telling.delivery.subject
        line = self._lines[subject]
        was_first = line[0][1] is item
        line.remove((item.id, item))
        heapq.heapify(line)
        if not line:
            del self._lines[subject]
        elif was_first:
            self.put_back(line[0][1])

    def _first(self, subject: SubjectKey) -> _Item | None:
        line = self._lines.get(subject)
        return line[0][1] if line else None
