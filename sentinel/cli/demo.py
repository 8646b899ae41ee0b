"""The demonstration: a simulated tailnet, the real sidecar, the real service, in a folder that goes away."""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import yaml

from sentinel.cli.application import Application
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.session import configure_logs
from sentinel.cli.simulation import Simulation, simulated
from sentinel.clock import SystemClock
from sentinel.config import Config, examine
from sentinel.errors import ConfigError, SentinelError

SIMULATOR = "simtailnet"
PEERS = 15
SETTLING = 4.0
"""Seconds after the last scene in which everything that it brings about has been told."""
SIDECAR_ENV: Mapping[str, str] = {
    "TS_ASSUME_NETWORK_UP_FOR_TEST": "1",
    "TS_NO_LOGS_NO_SUPPORT": "true",
    "TS_DISABLE_PORTMAPPER": "1",
    "TS_PANIC_IF_HIT_MAIN_CONTROL": "1",
}
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_INTRODUCTION = """\
A tailnet of {peers} devices is simulated on this machine; nothing leaves it.
Sentinel joins it as a node of its own and watches. For about a minute things
will happen: a line that begins with a dot says what; the others are what
Sentinel tells.

While it runs, try in another terminal:

  {program} status  --config {file}
  {program} devices --config {file}
  {program} events  --config {file}

Ctrl-C ends it and leaves nothing behind.
"""
_ENDING = "That was the story: each change was told once, and what came and went was not."


@click.command(cls=SentinelCommand)
@click.option("--exit-after-story", is_flag=True, help="End by itself once everything has been told.")
@click.pass_context
def demo(context: click.Context, *, exit_after_story: bool) -> int:
    """Show Sentinel at work in a simulated tailnet. Needs neither an account nor a configuration."""
    app: Application = context.obj
    simulator = app.find_binary(SIMULATOR)
    if simulator is None or app.find_sidecar() is None:
        missing = SIMULATOR if simulator is None else "the sidecar"
        raise SentinelError(f"{missing} is not built: run 'make build' in Sentinel's source tree")
    code: int = ExitCode.OK
    with _ended_by_signals() as deafen, tempfile.TemporaryDirectory(prefix="sentinel-demo-") as name:
        folder = Path(name)
        with simulated(simulator, peers=PEERS, log=folder / "simtailnet.log") as simulation:
            try:
                code = _show(app, simulation, folder, exit_after_story=exit_after_story)
            finally:
                deafen()
    return code


def _show(app: Application, simulation: Simulation, folder: Path, *, exit_after_story: bool) -> int:
    file = folder / "sentinel.yaml"
    file.write_text(yaml.safe_dump(_settings(simulation.control_url, folder), sort_keys=False))
    config = _loaded(file)
    configure_logs(config)
    click.echo(_INTRODUCTION.format(peers=PEERS, program=_program(), file=file))
    narrator = _Narrator(simulation, config, exit_after_story=exit_after_story)
    try:
        code = app.serve(config, extra_env=SIDECAR_ENV, ready=narrator.start)
    finally:
        narrator.stop()
    if narrator.lost:
        raise SentinelError("the simulated tailnet has ended before its story")
    return code


def _program() -> str:
    """How to call this program from another terminal: by name where that finds it, else by its path."""
    here = Path(sys.argv[0])
    found = shutil.which(here.name)
    return here.name if found and Path(found).resolve() == here.resolve() else str(here.absolute())


class _Narrator:
    """Says what happens in the simulated tailnet, beside what Sentinel tells of it."""

    def __init__(self, simulation: Simulation, config: Config, *, exit_after_story: bool) -> None:
        self.lost = False
        self._simulation = simulation
        self._config = config
        self._exit_after_story = exit_after_story
        self._stopped = threading.Event()
        self._clock = SystemClock()

    def start(self) -> None:
        """Begins to narrate, in a thread."""
        threading.Thread(target=self._run, name="narrator", daemon=True).start()

    def stop(self) -> None:
        """Says nothing any more."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            self._narrate()
        except OSError:
            _end_service()  # nobody reads any longer

    def _narrate(self) -> None:
        for told, scene in enumerate(self._simulation.story(), start=1):
            if self._stopped.is_set():
                return
            now = self._clock.now().wall.astimezone(self._config.time_zone)
            click.secho(f"· {now:%H:%M:%S} {scene}", dim=True)
            if told == self._simulation.scenes and not self._stopped.wait(SETTLING):
                self._finish()
        if not self._stopped.is_set():
            self.lost = True
            _end_service()

    def _finish(self) -> None:
        click.secho(_ENDING if self._exit_after_story else f"{_ENDING} Ctrl-C ends.", dim=True)
        if self._exit_after_story:
            _end_service()


def _settings(control_url: str, folder: Path) -> dict[str, object]:
    return {
        "sinks": {"terminal": {"type": "stdout", "format": "text"}},
        "policy": {"debounce_window": "1s"},
        "state": {"path": str(folder / "state.db")},
        "tsnet": {
            "hostname": "sentinel",
            "state_dir": str(folder / "tsnet"),
            "control_url": control_url,
            "auth_key": "tskey-auth-demo",
            "log_upload": False,
        },
        "ingest": {"socket": str(folder / "ingest.sock")},
        "control": {"socket": str(folder / "control.sock")},
        "output": {"log_format": "pretty", "log_level": "warning"},
    }


def _loaded(file: Path) -> Config:
    """The configuration just written; nothing of the user's own environment but the time zone reaches it."""
    zone = {name: os.environ[name] for name in ("TZ",) if name in os.environ}
    loaded = examine(file, zone, cwd=file.parent)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    return loaded.config


class _Ended(BaseException):
    """Somebody ends the demonstration while the service does not take care of that itself."""


@contextmanager
def _ended_by_signals() -> Iterator[Callable[[], None]]:
    """The first signal that would end the program ends the block instead; later ones do not disturb it.

    What it yields makes the block deaf to all of them. The service takes two of the signals while it runs.
    """
    deaf = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if not deaf.is_set():
            deaf.set()
            raise _Ended

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    try:
        yield deaf.set
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_service() -> None:
    """What somebody at the terminal would do."""
    os.kill(os.getpid(), signal.SIGTERM)
