"""The real pipeline on a real store under a fake clock: what a test does to it, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import orjson

from sentinel.app.tables import CATALOGUE
from sentinel.control.service import Commits, ControlService, Live
from sentinel.events import Event, Telling
from sentinel.model import Attempt, Audience, DeliveryState, OutcomeState, Position, Reached, SinkPolicy, unwatched
from sentinel.pipeline.inbox import Arrived, Closed, Hello, Inbox, Opened
from sentinel.pipeline.rules import Exchange, Rules
from sentinel.pipeline.sealing import PLAIN, Sealing
from sentinel.pipeline.writer import Writer
from sentinel.policy.routes import Route, everything_to
from sentinel.sources.room import Earlier, Frame, Room
from sentinel.sources.tailnet import ROOM
from sentinel.store.protocol import Told
from sentinel.store.reader import SqliteReader
from sentinel.store.sqlite import SqliteStore
from tests.builders import Wire
from tests.fakes import FakeClock

SOURCE = "tailnet"


@dataclass(eq=False)
class FakeSession:
    """An edge's stream that writes down what it is told."""

    hello: Hello
    welcomes: list[Position | None] = field(default_factory=list)
    acks: list[Position] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def welcome(self, resume_after: Position | None) -> None:
        self.welcomes.append(resume_after)

    def ack(self, position: Position) -> None:
        self.acks.append(position)

    def refuse(self, why: str) -> None:
        self.refusals.append(why)


@dataclass
class FakeOutbox:
    """A sink's deliveries in the order in which they were offered."""

    tellings: list[Telling] = field(default_factory=list)

    def offer(self, tellings: Sequence[Telling]) -> None:
        self.tellings += tellings

    def look_again(self) -> None:
        """Nothing is read here."""


OPENED: list[SqliteStore] = []
"""What a test may have left open. The writer freezes what a base brings, so that none ever goes by itself."""


class World:
    """One service's writer; `restart` opens a new one on the same store, as after a kill."""

    def __init__(
        self,
        path: Path,
        *,
        sinks: Sequence[SinkPolicy] = (SinkPolicy("hook", Audience.PROGRAMS),),
        window: float = 3.0,
        ledger_id: str = "ledger",
        clock: FakeClock | None = None,
        retention: timedelta = timedelta(days=90),
        reached: Reached = unwatched,
        routes: Sequence[Route] | None = None,
        sealing: Sealing = PLAIN,
        earlier: Mapping[str, Earlier] | None = None,
    ) -> None:
        self.path = path
        self.sealing = sealing
        self.earlier = earlier or {}
        self.routes = routes
        self.sinks = sinks
        self.window = timedelta(seconds=window)
        self.ledger_ids = [ledger_id]
        self.clock = clock or FakeClock()
        self.retention = retention
        self.reached = reached
        self.wire = Wire(now=self.clock.now().wall)
        self.outboxes = {sink.name: FakeOutbox() for sink in sinks}
        self.commits = 0
        self.session: FakeSession
        self.start()

    def start(self) -> None:
        now = self.clock.now()
        self.store = SqliteStore(
            self.path,
            catalogue=CATALOGUE,
            new_id=lambda: self.ledger_ids[-1],
            now=now.wall,
            reached=self.reached,
        )
        OPENED.append(self.store)
        self.contents = self.store.load()
        self.writer = Writer(
            inbox=Inbox(),
            store=self.store,
            contents=self.contents,
            rooms={SOURCE: ROOM},
            rules=self.rules,
            outboxes=self.outboxes,
            new_id=lambda: self.ledger_ids[-1],
            on_commit=self._note_commit,
            now=now,
            reached=self.reached,
            earlier=self.earlier,
        )

    @property
    def rules(self) -> Rules:
        routes = everything_to(sink.name for sink in self.sinks) if self.routes is None else self.routes
        return Rules(self.sinks, routes, self.window, self.retention, self.sealing)

    def exchange(self) -> None:
        """The writer goes on by the rules as they are here now; outboxes of new sinks are new."""
        self.outboxes = {sink.name: self.outboxes.get(sink.name, FakeOutbox()) for sink in self.sinks}
        self.writer.inbox.ask(Exchange(self.rules, self.outboxes), lambda: None)
        self.step()

    def restart(self) -> None:
        self.store.close()
        self.start()

    def connect(self, *, last_made: Position | None = None, last_acked: Position | None = None) -> FakeSession:
        self.session = FakeSession(Hello(SOURCE, self.wire.boot_id, "sidecar test", last_made, last_acked))
        self.writer.inbox.post(Opened(self.session))
        self.step()
        return self.session

    def disconnect(self) -> None:
        self.writer.inbox.post(Closed(self.session))
        self.step()

    def see(self, *frames: Frame) -> None:
        """The frames arrive together; one step takes them all."""
        for frame in frames:
            self.writer.inbox.post(Arrived(self.session, frame))
        self.step()

    def step(self) -> float | None:
        return self.writer.step(self.clock.now())

    def pass_time(self, seconds: float) -> None:
        """Time passes for service and edge; the writer steps whenever something is due."""
        self.wire.pass_time(seconds)
        end = self.clock.now().boot + seconds
        while (due := self.step()) is not None and self.clock.now().boot + due < end:
            self.clock.advance(due)
        self.clock.advance(end - self.clock.now().boot)
        self.step()

    def settle(self, state: DeliveryState = DeliveryState.DELIVERED) -> None:
        """Every delivery offered so far ends in one attempt."""
        for outbox in self.outboxes.values():
            for telling in outbox.tellings:
                delivery = telling.delivery
                finished = self.clock.now().wall
                self.writer.inbox.report(Attempt(delivery.id, delivery.sink, 1, state, finished))
        self.pass_time(1)

    @property
    def reader(self) -> SqliteReader:
        return SqliteReader(self.path, CATALOGUE)

    def told(self, sink: str = "hook") -> list[str]:
        """What a sink was told, oldest first: `nas peer.offline`, with a number of folded events behind it."""
        return [_line(telling) for telling in self.outboxes[sink].tellings]

    def history(self) -> list[Told]:
        return list(self.reader.events(after=0, newest=None))

    def events(self) -> list[str]:
        return [_event_line(told.event) for told in self.history()]

    def outcomes(self, sink: str = "hook") -> list[OutcomeState]:
        """What became of each event at a sink."""
        return [outcome.state for told in self.history() for outcome in told.outcomes if outcome.sink == sink]

    def bodies(self) -> list[dict[str, object]]:
        return [orjson.loads(told.event.body) for told in self.history()]

    def _note_commit(self) -> None:
        self.commits += 1


def _event_line(event: Event) -> str:
    return f"{event.subject_name} {event.type.name}"


def _line(telling: Telling) -> str:
    folded = f" +{len(telling.message.folded)}" if telling.message.folded else ""
    return _event_line(telling.message.event) + folded


def controlled(
    world: World, sinks: Mapping[str, str], *, rooms: Mapping[str, Room] = MappingProxyType({})
) -> ControlService:
    """What the command line is answered by, on this world."""
    live = Live(
        sources=lambda: world.writer.reports,
        heard=lambda _: None,
        troubles=lambda: (),
        ledger_id=lambda: "ledger",
        started_at=world.clock.now().wall,
        store_path=world.path,
        sinks=sinks,
        last_words="",
    )
    ask, clock = world.writer.inbox.ask, world.clock
    return ControlService(
        live=live, reader=world.reader, rooms=rooms, routes=(), commits=Commits(), clock=clock, ask=ask
    )
