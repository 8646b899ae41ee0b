"""Where sends run, so that the loop that started one is free to give up on it."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol


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
