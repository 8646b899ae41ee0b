"""A program of the operator's own: the message on its standard input, its answer in its exit status.

No shell is involved, nothing from the network is in its arguments or its environment, and of the service's environment
it sees what it was given by name. Such a program acts on this machine, so the operator has to allow it expressly.
"""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sentinel.delivery.render import cut, one_line, render_json, render_words
from sentinel.delivery.sinks.secrecy import pieces, scrub
from sentinel.errors import ConfigError, DeliveryError, Fault
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience

MOST_SAID = 8192
LONGEST_REASON = 200
GRACE_S = 0.2
LOOK_UP_MS = 100
PERMANENT = frozenset({os.EX_USAGE, os.EX_DATAERR, os.EX_NOPERM, os.EX_CONFIG})
"""The statuses of `sysexits.h` that say that the same message will fail again. Any other failure is tried again, 75
(EX_TEMPFAIL) like 1: most programs know only that one, and a message that is lost is worse than one that is late."""


@dataclass(frozen=True, slots=True)
class ExecSettings:
    """`command` is the program's absolute path and its arguments; `env` names the variables that it sees.

    After `timeout` it and all that it started are ended. It does not run unless `allow`.
    """

    command: tuple[str, ...] = field(repr=False)
    allow: bool = False
    env: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=20)


class ExecSink:
    """Runs the program once for each message."""

    audience = Audience.PROGRAMS

    def __init__(self, name: str, settings: ExecSettings, *, environment: Mapping[str, str]) -> None:
        """Runs nothing; raises ConfigError with the paths `command` or `allow`."""
        faults = tuple(_faults(settings))
        if faults:
            raise ConfigError(faults)
        self._name = name
        self._command = settings.command
        self._timeout = settings.timeout.total_seconds()
        given = {key: environment[key] for key in settings.env if key in environment}
        self._environment = {"PATH": os.defpath, "SENTINEL_SINK": name, **given}
        # What it says may quote a part of what it was given, such as the path of an address.
        self._secrets = frozenset(part for value in (*given.values(), *settings.command[1:]) for part in pieces(value))

    def send(self, message: Message, now: datetime) -> None:
        """Hands the program the message, as the line that `stdout` would write."""
        self._run(render_json(message))

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Hands the program a line with `text` in place of `event`."""
        self._run(render_words(self._name, text, severity))

    def close(self) -> None:
        """Nothing is held between messages."""

    def _run(self, line: bytes) -> None:
        # A file as its input: a program that does not read it cannot hold us up, whatever the length.
        with tempfile.TemporaryFile() as stdin:
            stdin.write(line + b"\n")
            stdin.seek(0)
            process = self._started(stdin)
        said = _Said(process.stderr)
        try:
            status = process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._end(process)
            raise DeliveryError(f"still running after {self._timeout:g} s", retryable=True) from None
        finally:
            said.stop()
        if status:
            raise self._failure(status, said.last_line())

    def _started(self, stdin: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self._command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise DeliveryError(f"the program cannot be started: {reason}", retryable=True) from None

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """Ends the program and all that it started: kindly first, then for good."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _failure(self, status: int, said: str) -> DeliveryError:
        what = f"exit status {status}" if status > 0 else f"ended by {_signal_name(-status)}"
        reason = f"{what}: {scrub(one_line(said), self._secrets)}" if said else what
        return DeliveryError(cut(reason, LONGEST_REASON), retryable=status not in PERMANENT)


class _Said:
    """What a program says on standard error: read as it comes, so that it never waits for us, and mostly forgotten."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._newest = b""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(stream,), name="program-says", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops listening, even if something that the program left running still holds the stream open."""
        self._thread.join(GRACE_S)
        self._stopped.set()

    def last_line(self) -> str:
        """The newest line that is not empty."""
        lines = [line for line in self._newest.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _read(self, stream: IO[bytes] | None) -> None:
        if stream is None:
            return
        with stream:
            poll = select.poll()
            poll.register(stream, select.POLLIN)
            while not self._stopped.is_set():
                if poll.poll(LOOK_UP_MS):
                    chunk = os.read(stream.fileno(), MOST_SAID)
                    if not chunk:
                        return
                    self._newest = (self._newest + chunk)[-MOST_SAID:]


def _faults(settings: ExecSettings) -> list[Fault]:
    faults = []
    if not settings.allow:
        faults.append(Fault("has to be `true`: a sink of this type runs a program on this machine", path="allow"))
    if not settings.command:
        faults.append(Fault("names no program", path="command"))
    elif not Path(settings.command[0]).is_absolute():
        faults.append(Fault("has to begin with the program's absolute path", path="command"))
    elif shutil.which(settings.command[0]) is None:
        faults.append(Fault("begins with something that cannot be run: is it there, and executable?", path="command"))
    return faults


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
