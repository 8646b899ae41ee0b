"""The service: everything wired, started, watched and ended in the right order."""

import gc
import os
import random
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from loguru import logger

from sentinel import memory
from sentinel.app import routing, tables
from sentinel.app import sinks as sinks_of
from sentinel.app.earlier import earlier
from sentinel.app.edges import edges
from sentinel.app.last_words import LastWords
from sentinel.app.locks import state_lock
from sentinel.app.loops import DRAIN_WITHIN, drain, loops, remember_open
from sentinel.app.reloading import Again, Ends, Reloading, Running, on_hangup
from sentinel.app.rules import rules
from sentinel.app.sockets import served
from sentinel.app.troubles import of_sink, troubles
from sentinel.clock import Clock, SystemClock
from sentinel.config import Config
from sentinel.control.service import Commits, ControlService, Live
from sentinel.delivery.sinks import Lines, Sink
from sentinel.edge import Supervisor, environment, find_sidecar
from sentinel.errors import ConfigError, Fault, StoreError
from sentinel.ingest import IngestService
from sentinel.model import DeliveryState, Reached, SinkPolicy, unwatched
from sentinel.pipeline.inbox import Inbox
from sentinel.pipeline.rules import give_up_orphans
from sentinel.pipeline.writer import Writer
from sentinel.store.protocol import Contents
from sentinel.store.reader import SqliteReader
from sentinel.store.sqlite import SqliteStore

OUT_OF_TIME = 5
"""The exit code of a single look that was not over in time."""
ONCE_WITHIN = 30.0
"""Seconds that a single look may take."""
LAST_ANSWERS = 3.0
"""Seconds for which the status still says why, before a service that failed ends."""
SELDOM = 20_000
"""As many new objects there are before the collector of cycles looks at them."""
UNCLEAN = "the last run was killed, or the machine lost power"


@dataclass(frozen=True, slots=True)
class _Given:
    """What every part of one run shares; `failures` say why it ends, if nobody asked for it."""

    config: Config
    again: Again | None
    lines: Lines
    clock: Clock
    reached: Reached
    stop: threading.Event
    failures: list[BaseException]


@dataclass(frozen=True, slots=True)
class _Core:
    """The parts between the sockets: what the ends are wired to."""

    inbox: Inbox
    store: SqliteStore
    contents: Contents
    writer: Writer
    running: Running
    commits: Commits


def serve(
    config: Config,
    *,
    extra_env: Mapping[str, str] | None = None,
    ready: Callable[[], None] | None = None,
    reached: Reached = unwatched,
    once: bool = False,
    again: Again | None = None,
    warnings: tuple[str, ...] = (),
) -> int:
    """Runs the service until SIGINT or SIGTERM; returns the exit code.

    With `once` it ends as soon as every source has been seen and all that follows is told, at the latest after
    `ONCE_WITHIN`. `again` reads the configuration anew when SIGHUP or a command asks for it; `warnings` are for the
    status. `extra_env` goes to a managed sidecar; `reached` is told each boundary at which the process may be
    killed. Raises ConfigError and StateError before anything has started; StoreError when the store failed, after
    everything has ended.
    """
    stop = threading.Event()
    failures: list[BaseException] = []
    given = _Given(config, again, Lines(sys.stdout.buffer), SystemClock(), reached, stop, failures)
    with ExitStack() as stack:
        sinks = stack.enter_context(_sinks(config, given.lines))
        supervisors = _supervisors(config, extra_env or {})
        stack.enter_context(_signals(stop))
        stack.enter_context(state_lock(config.state.store_path.parent))
        with _settled_memory():
            core = stack.enter_context(_core(given, sinks, warnings))
        _run_writer(given, core, stack)
        _run_loops(given, core, stack)
        ingest = _run_servers(given, core, supervisors, stack)
        for supervisor in supervisors.values():
            stack.callback(supervisor.stop)
            supervisor.start(given.clock)
        stack.callback(ingest.expect_end)
        logger.bind(store=str(config.state.store_path), sinks=sorted(sinks)).info("sentinel is running")
        if ready is not None:
            ready()
        code = _wait_once(given, core) if once else _wait(stop)
        logger.info("sentinel is stopping")
    if failures:
        raise failures[0]
    return code


def _wait(stop: threading.Event) -> int:
    stop.wait()
    return 0


def _wait_once(given: _Given, core: _Core) -> int:
    """Until there is nothing to wait for: each commit may be the one after which there is not."""
    reader = SqliteReader(given.config.state.store_path, tables.CATALOGUE)
    started, seen = given.clock.now().boot, 0
    while not given.stop.is_set() and not _is_over(core, reader):
        left = started + ONCE_WITHIN - given.clock.now().boot
        if left <= 0:
            logger.bind(seconds=ONCE_WITHIN).warning("not everything could be seen and told in time")
            return OUT_OF_TIME
        seen, _ = core.commits.wait(seen, min(left, 1.0))
    return 0


def _is_over(core: _Core, reader: SqliteReader) -> bool:
    if any(report.blind for report in core.writer.reports):
        return False
    # A sink that is no longer configured keeps what it was not told: nobody waits for that.
    counts = [count for name, count in reader.sink_counts().items() if name in core.running.loops]
    return not any(count.held or count.states.get(DeliveryState.PENDING) for count in counts)


@contextmanager
def _settled_memory() -> Iterator[None]:
    """What is made in here stays: the collector of cycles looks at it neither now nor later, and at the rest seldom."""
    gc.set_threshold(SELDOM)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    memory.settle()


@contextmanager
def _sinks(config: Config, lines: Lines) -> Iterator[dict[str, Sink]]:
    sinks, faults = sinks_of.built(config, sinks_of.specs(config), lines)
    if faults:
        raise ConfigError(sinks_of.placed(faults))
    try:
        yield sinks
    finally:
        for sink in sinks.values():
            sink.close()


def _supervisors(config: Config, extra_env: Mapping[str, str]) -> dict[str, Supervisor]:
    """The managed sidecars, not yet started, by source."""
    managed = [name for name, source in config.sources.items() if source.sidecar == "managed"]
    program = find_sidecar()
    if managed and program is None:
        text = "no sentinel-sidecar program was found: run 'make build', put it on the PATH, or set `sidecar: external`"
        raise ConfigError((Fault(text, path="sources"),))
    return {name: _supervisor(config, name, str(program), extra_env) for name in managed}


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def _core(given: _Given, sinks: Mapping[str, Sink], warnings: tuple[str, ...]) -> Iterator[_Core]:
    now, config = given.clock.now(), given.config
    store = SqliteStore(
        config.state.store_path, catalogue=tables.CATALOGUE, new_id=_new_id, now=now.wall, reached=given.reached
    )
    contents = store.load()
    store.last_words(UNCLEAN)
    words = LastWords(config.state.store_path.with_name("last-words"))
    contents = replace(contents, last_words=words.take() or contents.last_words)
    if contents.last_words:
        logger.bind(last_words=contents.last_words).warning("the last run did not end cleanly")
    policies = [SinkPolicy(name, sink.audience) for name, sink in sinks.items()]
    give_up_orphans(store, contents, policies, now)
    commits = Commits()
    inbox = Inbox()
    reader = SqliteReader(config.state.store_path, tables.CATALOGUE)
    made = loops(config, sinks, inbox=inbox, reader=reader, reached=given.reached)
    remember_open(made, reader)
    writer = Writer(
        inbox=inbox,
        store=store,
        contents=contents,
        rooms=tables.rooms(config),
        rules=rules(config, policies),
        outboxes=made,
        new_id=_new_id,
        on_commit=commits.note,
        now=now,
        reached=given.reached,
        earlier=earlier(config, contents),
    )
    try:
        yield _Core(inbox, store, contents, writer, Running(config, made, warnings), commits)
    finally:
        _say_last_words(store, words, given.failures)
        store.close()


def _new_id() -> str:
    return uuid.uuid4().hex


def _say_last_words(store: SqliteStore, words: LastWords, failures: list[BaseException]) -> None:
    reason = str(failures[0]) or type(failures[0]).__name__ if failures else ""
    if reason:
        words.leave(reason)
    else:
        words.clear()
    # A store that failed is not written to again: what it has now is what was promised.
    if any(isinstance(failure, StoreError) for failure in failures):
        return
    try:
        store.last_words(reason)
    except StoreError as error:
        logger.bind(error=str(error)).error("the reason for the end could not be stored")


def _run_writer(given: _Given, core: _Core, stack: ExitStack) -> None:
    """The writer's thread; if it fails, the service ends."""

    def run() -> None:
        try:
            core.writer.run(given.clock)
        except BaseException as error:
            given.failures.append(error)
            for loop in core.running.loops.values():
                loop.ask_to_stop()
            logger.bind(error=str(error)).error("the writer failed: nothing more is acknowledged or sent")
        core.inbox.close()
        given.stop.set()

    thread = threading.Thread(target=run, name="writer", daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(core.inbox.close)


def _run_loops(given: _Given, core: _Core, stack: ExitStack) -> None:
    """Sinks drain while the writer still takes their outcomes."""
    for loop in core.running.loops.values():
        loop.start(given.clock)
    stack.callback(_drain, given, core)


def _drain(given: _Given, core: _Core) -> None:
    drain(core.running.loops.values(), given.clock, within=0.0 if given.failures else DRAIN_WITHIN)


def _linger(given: _Given) -> None:
    """Lets the status say for a moment why the service ends; another signal cuts it short."""
    if given.failures:
        given.stop.clear()
        given.stop.wait(LAST_ANSWERS)


def _run_servers(given: _Given, core: _Core, supervisors: Mapping[str, Supervisor], stack: ExitStack) -> IngestService:
    """Control first, so that the status can be asked while edges still come in."""
    config, clock = given.config, given.clock
    ingest = IngestService(inbox=core.inbox, edges=edges(config), clock=clock, reached=given.reached)
    reader = SqliteReader(config.state.store_path, tables.CATALOGUE)
    control = ControlService(
        live=_live(given, core, ingest, supervisors),
        reader=reader,
        rooms=tables.rooms(config),
        routes=routing.routes(config),
        commits=core.commits,
        clock=clock,
        ask=core.inbox.ask,
    )
    if given.again is not None:
        ends = Ends(core.inbox, reader, ingest, control, given.lines, clock, given.reached, given.stop)
        control.reload = Reloading(given.again, core.running, ends)
        stack.enter_context(on_hangup(control.reload))
    stack.enter_context(served(config.control.socket, control.register, name="control"))
    stack.callback(core.commits.close)
    stack.callback(_linger, given)
    stack.enter_context(served(config.ingest.socket, ingest.register, name="ingest"))
    stack.callback(ingest.end_all)
    return ingest


def _supervisor(config: Config, name: str, sidecar: str, extra_env: Mapping[str, str]) -> Supervisor:
    command = (
        *(sidecar, "--managed", "--connect", f"unix:{config.ingest.socket}"),
        *("--source", name, "--state-dir", str(config.tsnet_of(name).state_dir)),
    )
    return Supervisor(command=command, env=environment(os.environ, extra_env), jitter=random.random)


def _live(given: _Given, core: _Core, ingest: IngestService, supervisors: Mapping[str, Supervisor]) -> Live:
    config = given.config

    def current_troubles() -> tuple[str, ...]:
        return (
            *(f"the service ends: {failure}" for failure in given.failures[:1]),
            *troubles(
                core.writer.reports,
                sidecars={name: supervisor.trouble for name, supervisor in supervisors.items()},
                turned_away=ingest.turned_away,
                silent_for=ingest.heard,
                sinks={name: of_sink(loop.status()) for name, loop in core.running.loops.items()},
                socket=str(config.ingest.socket),
            ),
        )

    return Live(
        sources=lambda: core.writer.reports,
        heard=ingest.heard,
        troubles=current_troubles,
        ledger_id=lambda: core.writer.ledger_id,
        started_at=given.clock.now().wall,
        store_path=config.state.store_path,
        sinks={spec.name: spec.type for spec in sinks_of.specs(config)},
        last_words=core.contents.last_words,
        warnings=lambda: core.running.warnings,
        own_variables=ingest.own_variables,
    )
