"""Supervises a managed sidecar: starts it, passes its log on, starts it again when it ends.

The sidecar's standard input is a pipe that only this process holds: however this process ends, the pipe closes and the
sidecar ends too, so that no orphan keeps the node's identity.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import orjson
from loguru import logger

from sentinel.clock import Clock, Instant

BINARY = "sentinel-sidecar"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY_AFTER = 60.0
"""Seconds after which a run counts as good and the next pause is short again."""
END_WITHIN = 10.0
_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}


def find_binary(name: str) -> Path | None:
    """A program of ours: in the source tree's `bin`, beside the running Python, or on the PATH."""
    for folder in (Path(__file__).parents[1] / "bin", Path(sys.executable).parent):
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def find_sidecar() -> Path | None:
    """The sidecar's binary, if there is one."""
    return find_binary(BINARY)


def environment(own: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """A managed sidecar is configured by its service alone: no variable of Sentinel's reaches it."""
    return {name: value for name, value in own.items() if not name.startswith("SENTINEL_")} | dict(extra)


class Supervisor:
    """One managed sidecar. `trouble` says what is wrong with it, empty while it runs."""

    def __init__(self, *, command: tuple[str, ...], env: Mapping[str, str], jitter: Callable[[], float]) -> None:
        self.trouble = ""
        self._command = command
        self._env = dict(env)
        self._jitter = jitter
        self._changed = threading.Condition()
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause = FIRST_PAUSE
        self._start_at: float | None = None
        self._thread: threading.Thread | None = None

    def step(self, now: Instant) -> float | None:
        """Starts the sidecar if it is due; returns seconds until something is, None to wait for its end."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode, now)
        if self._process is not None:
            return None
        if self._start_at is not None and now.boot < self._start_at:
            return self._start_at - now.boot
        self._start(now)
        return None

    def start(self, clock: Clock) -> None:
        """Runs the steps in a thread of their own."""
        self._thread = threading.Thread(target=self._run, args=(clock,), name="edge", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the sidecar, gently first; returns when it is gone."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._process is not None:
            _end(self._process)

    def _run(self, clock: Clock) -> None:
        while not self._stopping:
            due = self.step(clock.now())
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._has_ended(), due)

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _start(self, now: Instant) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._env,
                # Ctrl-C in a terminal is for the service, which then ends the sidecar in its turn.
                start_new_session=True,
            )
        except OSError as error:
            self._plan(now, f"the sidecar {self._command[0]} cannot be started: {error.strerror}")
            return
        self._process, self._started_at, self.trouble = process, now.boot, ""
        threading.Thread(target=self._watch, args=(process,), name="edge-log", daemon=True).start()

    def _note_end(self, code: int, now: Instant) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if now.boot - self._started_at >= STEADY_AFTER:
            self._pause = FIRST_PAUSE
        self._plan(now, f"the sidecar ended with code {code}; its log lines before that say why")

    def _plan(self, now: Instant, trouble: str) -> None:
        """The next start, after a pause that grows as long as starts fail."""
        if trouble != self.trouble:
            logger.error(trouble)
        self.trouble = trouble
        self._start_at = now.boot + self._pause * (0.5 + self._jitter() / 2)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Passes the sidecar's log on until it ends, then wakes the supervisor."""
        if process.stderr is not None:
            pass_on(process.stderr)
            process.stderr.close()
        process.wait()
        with self._changed:
            self._changed.notify_all()


def pass_on(lines: IO[bytes]) -> None:
    """Writes a sidecar's log lines into our log; what is no log line (a crash) is an error."""
    for line in lines:
        try:
            entry = orjson.loads(line)
            level, message = str(entry.pop("level")).upper(), str(entry.pop("message"))
        except (orjson.JSONDecodeError, KeyError, AttributeError):
            logger.bind(log_source="sidecar", line=line.decode(errors="replace").rstrip()).error("the sidecar said")
            continue
        entry.pop("timestamp", None)
        logger.bind(**entry).log(level if level in _LEVELS else "INFO", message)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        logger.warning("the sidecar does not end: killing it")
        process.kill()
        process.wait()
