"""Another configuration while the service runs: examined whole, then taken at once as far as that can be done."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue

from loguru import logger

from sentinel import logs
from sentinel.app import sinks as sinks_of
from sentinel.app.edges import edges
from sentinel.app.loops import loops, remember_open
from sentinel.app.routing import routes
from sentinel.app.rules import rules
from sentinel.clock import Clock
from sentinel.config import Config, Loaded
from sentinel.config.reloading import Changed, Restart, compare, running
from sentinel.control.service import ControlService
from sentinel.control.values import Reloaded
from sentinel.delivery.sinks import Lines, Sink, SinkSpec
from sentinel.dispatcher import SinkLoop
from sentinel.errors import ConfigError, Fault
from sentinel.ingest import Configured, IngestService
from sentinel.model import Reached, SinkPolicy
from sentinel.pipeline.inbox import Inbox
from sentinel.pipeline.rules import Exchange
from sentinel.store.protocol import Reader

DRAIN_WITHIN = 5.0
EDGES_WITHIN = 10.0
"""Seconds for the sends of sinks that go or change, and for the answers of edges."""

Again = Callable[[], Loaded]
"""Reads the configuration once more and checks it."""


@dataclass(slots=True)
class Running:
    """What is exchanged while everything else stays: read from any thread, replaced as a whole by the reloading one."""

    config: Config
    loops: Mapping[str, SinkLoop]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ends:
    """What a new configuration has to be told to."""

    inbox: Inbox
    reader: Reader
    ingest: IngestService
    control: ControlService
    lines: Lines
    clock: Clock
    reached: Reached
    stop: threading.Event


@dataclass(slots=True)
class Reloading:
    """Takes one configuration after the other, one at a time. Any thread may call it."""

    again: Again
    now: Running
    ends: Ends
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Reloaded:
        """What became of the configuration as it is now; with a fault in it the old one stays."""
        with self._turn:
            try:
                loaded = self.again()
                if loaded.config is None:
                    return _refused(loaded.faults)
                return self._take(loaded.config, tuple(each.text for each in loaded.skipped))
            except ConfigError as error:
                return _refused(error.faults)

    def _take(self, wanted: Config, warnings: tuple[str, ...]) -> Reloaded:
        old = self.now.config
        new = running(old, wanted)
        self._exchange(old, new)
        if new.output != old.output:
            logs.configure(
                log_format=new.output.log_format, log_level=new.output.log_level, color=not new.output.no_color
            )
        configured = self.ends.ingest.configure(edges(new), within=EDGES_WITHIN)
        self.now.config, self.now.warnings = new, warnings
        found = _told(compare(old, new), compare(new, wanted), _remarks(configured))
        fields = logger.bind(taken=found.taken, restarted=found.restarted, waiting=found.waiting)
        fields.info("the configuration was read again")
        return found

    def _exchange(self, old: Config, new: Config) -> None:
        """The writer's rules and the sinks. What a sink that changed has pending, its new loop reads from the store."""
        fresh = _built(new, _changed(old, new), self.ends.lines)
        stay = {name: loop for name, loop in self.now.loops.items() if name in new.sinks and name not in fresh}
        made = loops(new, fresh, inbox=self.ends.inbox, reader=self.ends.reader, reached=self.ends.reached)
        _drain([loop for name, loop in self.now.loops.items() if name not in stay])
        whole = stay | made
        policies = [SinkPolicy(name, loop.audience) for name, loop in whole.items()]
        committed = threading.Event()
        self.ends.inbox.ask(Exchange(rules(new, policies), whole), committed.set)
        while not committed.wait(0.2):
            if self.ends.stop.is_set():
                return
        remember_open(made, self.ends.reader)
        for loop in made.values():
            loop.start(self.ends.clock)
        self.now.loops = whole
        types = {spec.name: spec.type for spec in sinks_of.specs(new)}
        self.ends.control.show(routes(new), types)


@contextmanager
def on_hangup(reload: Callable[[], Reloaded]) -> Iterator[None]:
    """SIGHUP asks for it; a thread of its own does it, because the handler of a signal must neither wait nor log."""
    asked: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        while asked.get():
            _reload_for_the_log(reload)

    thread = threading.Thread(target=listen, name="reload", daemon=True)
    thread.start()
    before = signal.signal(signal.SIGHUP, lambda *_: asked.put(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        asked.put(False)
        thread.join(1.0)


def _reload_for_the_log(reload: Callable[[], Reloaded]) -> None:
    try:
        reload()
    except Exception as error:
        logger.bind(error=f"{type(error).__name__}: {error}").error("the configuration could not be read again")


def _refused(faults: Iterable[Fault]) -> Reloaded:
    told = tuple(str(fault) for fault in faults)
    for fault in told:
        logger.bind(fault=fault).error("the new configuration is not taken, the old one stays")
    return Reloaded(faults=told)


def _changed(old: Config, new: Config) -> list[SinkSpec]:
    """The sinks that are new or no longer as they were; with another zone all of them say times in other words."""
    before = {} if old.time_zone != new.time_zone else {spec.name: spec for spec in sinks_of.specs(old)}
    return [spec for spec in sinks_of.specs(new) if before.get(spec.name) != spec]


def _built(config: Config, specs: Iterable[SinkSpec], lines: Lines) -> dict[str, Sink]:
    """The sinks. Raises ConfigError, and then none of them is left."""
    sinks, faults = sinks_of.built(config, specs, lines)
    if faults:
        for sink in sinks.values():
            sink.close()
        raise ConfigError(sinks_of.placed(faults))
    return sinks


def _drain(gone: list[SinkLoop]) -> None:
    for loop in gone:
        loop.ask_to_stop()
    for loop in gone:
        loop.stop(DRAIN_WITHIN)


def _told(taken: Iterable[Changed], waiting: Iterable[Changed], remarks: Iterable[str]) -> Reloaded:
    taken, waiting = list(taken), list(waiting)

    def paths(changes: list[Changed], restart: Restart) -> tuple[str, ...]:
        return tuple(each.path for each in changes if each.restart is restart)

    return Reloaded(
        taken=paths(taken, Restart.NOTHING),
        restarted=paths(taken, Restart.NODE),
        waiting=(*paths(taken, Restart.SERVICE), *(each.path for each in waiting)),
        remarks=tuple(remarks),
    )


def _remarks(configured: Mapping[str, Configured | None]) -> Iterator[str]:
    for name, answer in sorted(configured.items()):
        if answer is None:
            yield f"source {name}: its sidecar has not answered yet"
        elif answer.error:
            yield f"source {name}: its sidecar could not take it: {answer.error}"
