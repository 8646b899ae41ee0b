"""The writer: the only one that changes anything, one step at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from loguru import logger

from sentinel import memory
from sentinel.clock import Clock, Instant, earlier
from sentinel.errors import FrameError
from sentinel.events import Telling
from sentinel.model import (
    Attempt,
    Audience,
    Condition,
    Position,
    Reached,
    Sight,
    SubjectKey,
    unwatched,
)
from sentinel.pipeline import intake
from sentinel.pipeline.commands import obey
from sentinel.pipeline.fallback import Fallbacks
from sentinel.pipeline.inbox import Arrived, Asked, Closed, Inbox, Item, Opened, Session
from sentinel.pipeline.intake import Place, SourceState, SubjectState
from sentinel.pipeline.lines import log_events, say_sight
from sentinel.pipeline.recorder import Recorder, subject_digest
from sentinel.pipeline.rules import Exchange, Outbox, Rules, give_up_orphans
from sentinel.policy.views import Views
from sentinel.sources import own
from sentinel.sources.room import Earlier, Frame, Room
from sentinel.store.protocol import Batch, Contents, SourceRow, SpanRow, Store, SubjectRow

MOST_FRAMES = 256
"""Frames per commit."""
OUTCOMES_AT_ONCE = 8
OUTCOMES_WAIT = 0.020
"""Outcomes of deliveries ride with the next commit; this many, or this many seconds, make one of their own."""
PURGE_EVERY = timedelta(hours=1)
PURGE_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source as the status shows it."""

    name: str
    kind: str
    sight: Sight
    remedy: str
    blind: bool
    since: datetime
    subjects: int
    network: str
    edge: str
    last_frame_at: datetime | None
    rejected: int


@dataclass(slots=True)
class _Pass:
    """What one step gathers: what to commit, and what to tell whom once that is done."""

    batch: Batch
    acks: dict[Session, Position]
    welcomes: list[tuple[Session, Position | None]]
    asked: list[Asked]


class Writer:
    """Frames and outcomes in; events, deliveries and acknowledgements out, after one commit for all of them."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        store: Store,
        contents: Contents,
        rooms: Mapping[str, Room],
        rules: Rules,
        outboxes: Mapping[str, Outbox],
        new_id: Callable[[], str],
        on_commit: Callable[[], None],
        now: Instant,
        reached: Reached = unwatched,
        earlier: Mapping[str, Earlier] = MappingProxyType({}),
    ) -> None:
        """`earlier` is, by source, what was known of it before this ledger began."""
        self.inbox = inbox
        self.reports: tuple[SourceReport, ...] = ()
        self._store = store
        self._new_id = new_id
        self._on_commit = on_commit
        self._reached = reached
        self._recorder = Recorder(
            ledger_id=contents.ledger_id,
            high_revision=contents.high_revision,
            next_event=contents.next_event,
            sealing=rules.sealing,
            earlier=earlier,
        )
        self._own = _restored(own.SOURCE, own.ROOM, contents, now)
        self._follow(rules, outboxes, contents, contents.next_delivery, now)
        self._sources = {name: _restored(name, room, contents, now) for name, room in sorted(rooms.items())}
        self._unwatched = [_unwatched(state, contents, now) for state in self._sources.values() if state.row.based]
        self._attempts: list[Attempt] = []
        self._attempts_due: float | None = None
        self._purge_due = now.boot
        self._grown = False
        self._publish()

    @property
    def ledger_id(self) -> str:
        """Part of every event's identity."""
        return self._recorder.ledger_id

    def step(self, now: Instant) -> float | None:
        """Takes what is there through to its commit; returns seconds until something is due, None for nothing.

        Raises StoreError; then nothing of the step was acknowledged or sent, and the writer must not go on.
        """
        items, attempts, asked = self.inbox.take(MOST_FRAMES)
        done = _Pass(Batch(), {}, [], asked)
        done.batch.spans, self._unwatched = self._unwatched, []
        for item in items:
            self._take(item, done, now)
        self._note_own(done, now)
        self._look(done, now)
        # A full step means that more frames wait; they say themselves how far time has come.
        if len(items) < MOST_FRAMES:
            self._pass_time(done, now)
            self._settle(now, until=now)
        obey((one.command for one in asked), done.batch, self._programs, self._views.new_delivery, now)
        self._settle_attempts(attempts, done, now)
        if self._fallbacks.there_are:
            self._fallbacks.tell(self._views, self._store, done.batch.attempts, self._failing(), now)
        self._reached("folded")
        self._commit(done)
        for one in asked:
            if isinstance(one.command, Exchange):
                self._exchange(one.command, now)
            one.done()
        self._purge(now)
        self._store.tidy()
        return self._next_due(now)

    def _follow(
        self, rules: Rules, outboxes: Mapping[str, Outbox], contents: Contents, next_delivery: int, now: Instant
    ) -> None:
        """Goes on by these rules from what is stored."""
        self._outboxes = outboxes
        self._configured = {sink.name for sink in rules.sinks}
        self._programs = {sink.name for sink in rules.sinks if sink.audience is Audience.PROGRAMS}
        self._retention = rules.retention
        self._recorder.sealing = rules.sealing
        self._views = Views(
            sinks=rules.sinks,
            routes=rules.routes,
            window=rules.window,
            rows=contents.differences,
            next_delivery=next_delivery,
            now=now,
        )
        self._fallbacks = Fallbacks(rules, self._failing())

    def _take(self, item: Item, done: _Pass, now: Instant) -> None:
        state = self._sources[item.session.hello.source]
        match item:
            case Opened(session):
                self._open(state, session, done, now)
            case Closed(session, expected):
                if intake.close_session(state, session):
                    logger.bind(source=state.row.name).log("INFO" if expected else "WARNING", "edge disconnected")
            case Arrived(session, frame) if state.session is session:
                try:
                    self._fold(state, frame, done, now)
                except FrameError as error:
                    session.refuse(str(error))
                    intake.close_session(state, session)
                else:
                    # Not the frame's own position: one that was seen before must not take an acknowledgement back.
                    done.acks[session] = state.row.position or frame.position

    def _open(self, state: SourceState, session: Session, done: _Pass, now: Instant) -> None:
        if intake.was_rolled_back(state, session.hello):
            self._renew_ledger(state, done)
        intake.open_session(state, session)
        done.welcomes.append((session, intake.resume_after(state, session.hello)))
        logger.bind(source=state.row.name, edge=session.hello.edge).info("edge connected")

    def _renew_ledger(self, state: SourceState, done: _Pass) -> None:
        """An older copy of the ledger was put back: what it will record must not repeat identities already told."""
        self._recorder.ledger_id = done.batch.ledger_id = self._new_id()
        state.row = replace(state.row, position=None)
        done.batch.sources[state.row.name] = state.row
        fields = logger.bind(source=state.row.name, ledger_id=self.ledger_id)
        fields.error("the store is older than what its edge was told: going on as a new ledger")

    def _fold(self, state: SourceState, frame: Frame, done: _Pass, now: Instant) -> None:
        """Frame → Snapshot → Event → what each sink makes of it."""
        if intake.place(frame, state.row.position) is Place.SEEN:
            return
        # What was over before it was decided then, however many frames arrive together.
        self._look(done, now)
        self._settle(now, until=earlier(now, frame.captured_at))
        first = frame.whole and not state.row.based
        events, dropped = self._recorder.record(state, frame, done.batch, now)
        self._views.forget(dropped)
        intake.advance(state, frame)
        done.batch.sources[state.row.name] = state.row
        for event in events:
            self._views.observe(event, frame.captured_at, now)
        if frame.whole:
            self._grown = True
        if first:
            fields = logger.bind(source=state.row.name, subjects=state.devices(), network=state.row.network)
            fields.info("first sight: changes are news from now on")

    def _pass_time(self, done: _Pass, now: Instant) -> None:
        """What is due by now, after the frames that were waiting."""
        for state in self._sources.values():
            due = state.due.take(now.wall, state.ready())
            for event in self._recorder.pass_time(state, due, done.batch, now) if due else ():
                self._views.observe(event, now.wall, now)

    def _note_own(self, done: _Pass, now: Instant) -> None:
        """How the sinks do: what their loops said, and that those which are no longer configured are gone."""
        said = [one.command for one in done.asked if isinstance(one.command, Condition)]
        retired = self._own.subjects[own.SINK].keys() - self._configured
        news = [(one.sink, one) for one in said if one.sink in self._configured]
        for name, condition in (*news, *((name, None) for name in sorted(retired))):
            for event in self._recorder.note(self._own, {own.SINK: {name: condition}}, done.batch, now):
                self._views.observe(event, now.wall, now)
        for one in said:
            if one.failing:
                self._fallbacks.begins(one.sink)

    def _failing(self) -> frozenset[str]:
        """The sinks at which messages do not arrive."""
        return frozenset(name for name, known in self._own.subjects[own.SINK].items() if own.fails(known.record))

    def _look(self, done: _Pass, now: Instant) -> None:
        """Which sources began or ceased to see."""
        for name, state in self._sources.items():
            changed = intake.look(state, now)
            say_sight(state)
            if not changed:
                continue
            key = SubjectKey(name, "source", name)
            done.batch.spans.append(SpanRow(key, now.wall, "unknown" if state.blind else "up"))
            if not state.blind:
                self._views.sighted(name, now)

    def _settle(self, now: Instant, *, until: Instant) -> None:
        watched = (*self._sources.items(), (own.SOURCE, self._own))
        seeing = {(name, of) for name, state in watched for of in state.believable()}
        self._views.settle(now, seeing, until=until)

    def _settle_attempts(self, attempts: list[Attempt], done: _Pass, now: Instant) -> None:
        self._attempts += attempts
        if not self._attempts:
            return
        if self._attempts_due is None:
            self._attempts_due = now.boot + OUTCOMES_WAIT
        if done.batch or done.asked or len(self._attempts) >= OUTCOMES_AT_ONCE or now.boot >= self._attempts_due:
            done.batch.attempts, self._attempts, self._attempts_due = self._attempts, [], None

    def _commit(self, done: _Pass) -> None:
        rulings = self._views.rulings()
        done.batch.differences = rulings.rows
        done.batch.outcomes = rulings.outcomes
        done.batch.deliveries = [telling.delivery for telling in rulings.tellings]
        if done.batch:
            self._store.commit(done.batch)
            self._reached("committed")
        for session, resume_after in done.welcomes:
            session.welcome(resume_after)
        for session, position in done.acks.items():
            session.ack(position)
        self._reached("acknowledged")
        self._offer(rulings.tellings)
        self._answer(done)
        log_events(done.batch.events)
        self._publish()
        if done.batch:
            self._on_commit()

    def _offer(self, tellings: list[Telling]) -> None:
        by_sink: dict[str, list[Telling]] = {}
        for telling in tellings:
            by_sink.setdefault(telling.delivery.sink, []).append(telling)
        for sink, offered in by_sink.items():
            self._outboxes[sink].offer(offered)

    def _answer(self, done: _Pass) -> None:
        if done.batch.revivals:
            for outbox in self._outboxes.values():
                outbox.look_again()

    def _exchange(self, command: Exchange, now: Instant) -> None:
        """After the commit nothing is known here that the store does not know, so that this is like a start."""
        contents = self._store.load()
        give_up_orphans(self._store, contents, command.rules.sinks, now)
        # Its own count, not the store's: loops that go on take no number that they have had.
        self._follow(command.rules, command.outboxes, contents, self._views.new_delivery(), now)

    def _purge(self, now: Instant) -> None:
        if now.boot < self._purge_due:
            return
        gone = self._store.purge(now.wall - self._retention, PURGE_AT_ONCE)
        # A full portion means that there is more; the writer's other work comes in between.
        self._purge_due = now.boot + (0 if gone == PURGE_AT_ONCE else PURGE_EVERY.total_seconds())
        if gone:
            logger.bind(events=gone).info("old events purged")

    def _next_due(self, now: Instant) -> float | None:
        if self._fallbacks.behind:
            return 0.0
        dues = [self._purge_due - now.boot]
        if self._attempts_due is not None:
            dues.append(self._attempts_due - now.boot)
        if (views_due := self._views.next_due(now)) is not None:
            dues.append(views_due)
        for state in self._sources.values():
            if (subjects_due := state.due.next_due(now.wall, state.ready())) is not None:
                dues.append(subjects_due)
        return max(0.0, min(dues))

    def _publish(self) -> None:
        self.reports = tuple(_report(name, state) for name, state in self._sources.items())

    def run(self, clock: Clock) -> None:
        """Steps until the inbox is closed and empty. Raises StoreError."""
        while True:
            closing = self.inbox.closed
            due = self.step(clock.now())
            if self._grown:
                # A base is thousands of records that stay, and as much again that was needed on the way.
                memory.settle()
                self._grown = False
            if closing:
                return
            self.inbox.wait(due)


def _restored(name: str, room: Room, contents: Contents, now: Instant) -> SourceState:
    """The source as it was committed; blind until its edge has caught up."""
    row = next((row for row in contents.sources if row.name == name), SourceRow(name, room.kind))
    state = SourceState(room=room, row=row, since=now.wall)
    for subject in contents.subjects:
        if subject.key.source == name and subject.key.type in room.kinds:
            _restore(state, subject)
    # What followed from these records is stored as well.
    state.derivation.inputs()
    state.digest %= 1 << 256
    return state


def _restore(state: SourceState, row: SubjectRow) -> None:
    _, of, subject_id = row.key
    digest = subject_digest(of, subject_id, row.body)
    record = state.room.kinds[of].decode(row.body)
    state.subjects[of][subject_id] = SubjectState(row.revision, record, digest, dict(row.problems))
    state.digest += digest
    state.derivation.follow(of, subject_id, None, record)
    state.note_due(of, subject_id, None, record)


def _unwatched(state: SourceState, contents: Contents, now: Instant) -> SpanRow:
    """Between two runs nobody watched; after a kill nobody knows since when, so the last frame has to do."""
    began = state.row.seen_at if contents.last_words and state.row.seen_at else now.wall
    return SpanRow(SubjectKey(state.row.name, "source", state.row.name), began, "unknown")


def _report(name: str, state: SourceState) -> SourceReport:
    sight = intake.sight(state)
    return SourceReport(
        name=name,
        kind=state.room.kind,
        sight=sight,
        remedy=intake.remedy(state, sight),
        blind=state.blind,
        since=state.since,
        subjects=state.devices(),
        network=state.row.network,
        edge=state.edge if state.session else "",
        last_frame_at=state.row.seen_at,
        rejected=state.rejected,
    )
