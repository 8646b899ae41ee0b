"""What the store has, and what must be true of it after every commit."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import orjson

from sentinel.delivery.schedule import FEWEST, FEWEST_AT_SINK
from sentinel.events import Difference, Event
from sentinel.model import Audience, OutcomeState
from sentinel.pipeline.recorder import subject_digest
from sentinel.sources.tailnet import ROOM
from sentinel.store.protocol import Contents, Told
from tests.model.edge import Edge
from tests.model.reference import Seen, Turn, aspects, concerned_for_being_away, open_problems, turns, went_away
from tests.model.service import NARROW, SINKS, WIDE, Receiver, Service

PRESENCE = {"online": True, "offline": False, "unknown": None}
NAMES = ("laptop", "nas", "phone", "pi")


@dataclass(frozen=True)
class Row:
    """A delivery as it is stored."""

    id: int
    sink: str
    key: str
    events: tuple[int, ...]
    state: str
    attempt: int
    absorbed_by: int | None


@dataclass(frozen=True)
class Books:
    """Everything that the store has, and the sequence of frames that it has to have come from."""

    contents: Contents
    told: Sequence[Told]
    deliveries: Sequence[Row]
    turns: Sequence[Turn]

    @property
    def events(self) -> list[Event]:
        """All events, oldest first."""
        return [told.event for told in self.told]

    def by_number(self) -> Mapping[int, Event]:
        """All events."""
        return {event.number: event for event in self.events}

    def truth(self) -> Mapping[str, bool | None]:
        """The peers after the newest frame."""
        return self.turns[-1].after if self.turns else {}

    def tellings(self, sink: str) -> list[tuple[str, str]]:
        """What a sink was told, as (peer, type of the event that speaks)."""
        events = self.by_number()
        speaking = [events[row.events[-1]] for row in self.deliveries if row.sink == sink]
        return [(event.subject_name, event.type.name) for event in speaking]

    def believed(self, sink: str) -> dict[tuple[str, str], str]:
        """What a sink believes of each (peer, aspect): the first sight, and then the newest that it was told."""
        believed = dict(aspects(self.turns[0].after if self.turns else {}, NAMES))
        events = self.by_number()
        for row in self.deliveries:
            if row.sink == sink:
                told = [events[number] for number in sorted(row.events)]
                believed |= {(event.subject_name, event.type.aspect): event.after for event in told}
        return believed

    def seen_to(self, sink: str) -> dict[tuple[str, str], str]:
        """What a view of each (peer, aspect) has to be: the truth after the newest event that does not wait there."""
        seen = dict(aspects(self.turns[0].after if self.turns else {}, NAMES))
        for told in self.told:
            if (sink, OutcomeState.HELD) not in {(outcome.sink, outcome.state) for outcome in told.outcomes}:
                seen[told.event.subject_name, told.event.type.aspect] = told.event.after
        return seen


def read(service: Service, edge: Edge) -> Books:
    """The books as they are on disk."""
    with closing(sqlite3.connect(f"{service.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute(_DELIVERIES).fetchall()
    made = ((frame, edge.made[frame.position].peers) for frame in service.admission.counted)
    sequence = [Seen(frame.captured_at, peers) for frame, peers in made if peers is not None]
    return Books(
        contents=service.store.load(),
        told=service.history(),
        deliveries=[Row(id_, sink, key, tuple(orjson.loads(events)), *rest) for id_, sink, key, events, *rest in found],
        turns=list(turns(sequence)),
    )


_DELIVERIES = "SELECT id, sink, key, events, state, attempt, absorbed_by FROM deliveries ORDER BY id"


def check(books: Books, receivers: Mapping[str, Receiver]) -> None:
    """What must hold after every commit."""
    subjects_are_what_the_frames_say(books)
    events_are_those_of_the_frames(books)
    hashes_chain(books)
    revisions_only_grow(books)
    endings_name_the_problem_that_they_end(books)
    each_event_has_one_outcome_per_sink(books)
    outcomes_and_deliveries_agree(books)
    views_are_what_was_told(books)
    narrow_sinks_are_told_who_went_away_and_how_it_ended(books)
    nothing_admitted_is_lost(books)
    what_was_absorbed_is_spoken_for(books)
    deliveries_are_what_receivers_saw(books, receivers)


def check_at_rest(books: Books, edge: Edge) -> None:
    """What must hold besides once everything is connected, delivered and over."""
    final = aspects(edge_truth(books, edge), NAMES)
    assert not [told.event.number for told in books.told if OutcomeState.HELD in {o.state for o in told.outcomes}]
    assert not books.contents.pending
    assert edge.settled(), "the edge waits for an acknowledgement"
    for sink in SINKS:
        problems = {row.subject.id.removeprefix("n-") for row in _rows(books, sink.name) if row.problem is not None}
        assert problems == open_problems(books.tellings(sink.name))
        assert not any(books.truth().get(name) for name in problems)
    for sink in WIDE:
        assert books.believed(sink.name) == final
        assert all(row.subject.id.removeprefix("n-") in books.truth() for row in _rows(books, sink.name))
    for sink in NARROW:
        assert books.seen_to(sink.name) == final
        last = dict(books.tellings(sink.name))
        away = went_away([(event.subject_name, event.type.name) for event in books.events])
        assert all(last[name] in ("peer.offline", "peer.removed") for name in away)


def edge_truth(books: Books, edge: Edge) -> Mapping[str, bool | None]:
    """What the edge knows, and for what it cannot say the last that it said."""
    known = books.truth()
    assert edge.peers.keys() == known.keys()
    return {name: known[name] if online is None else online for name, online in edge.peers.items()}


def subjects_are_what_the_frames_say(books: Books) -> None:
    decode = ROOM.kinds["peer"].decode
    peers = [row for row in books.contents.subjects if row.key.type == "peer"]
    stored = {row.key.id.removeprefix("n-"): decode(row.body).presence for row in peers}
    assert {name: PRESENCE[presence] for name, presence in stored.items()} == books.truth()


def events_are_those_of_the_frames(books: Books) -> None:
    expected = [event for turn in books.turns for event in turn.events]
    assert [(event.subject_name, event.type.name) for event in books.events] == expected


def hashes_chain(books: Books) -> None:
    """An event begins with the hash that the one before it ended with, unless a change without event lies between."""
    bodies = iter([orjson.loads(event.body) for event in books.events])
    last: str | None = None
    for turn in books.turns:
        frame = list(islice(bodies, len(turn.events)))
        if frame:
            hashes = {(body["before_hash"], body["after_hash"]) for body in frame}
            assert len(hashes) == 1
            ((before, after),) = hashes
            assert last in (None, before)
            last = after
        elif turn.before != turn.after:
            last = None
    assert last in (None, _snapshot_hash(books))


def _snapshot_hash(books: Books) -> str:
    rows = books.contents.subjects
    return format(sum(subject_digest(row.key.type, row.key.id, row.body) for row in rows) % (1 << 256), "064x")


def revisions_only_grow(books: Books) -> None:
    """From frame to frame of one subject; and whoever is added anew starts above all that there ever was."""
    newest: dict[str, int] = {}
    bodies: dict[str, str] = {}
    for event in books.events:
        name, frame = event.subject_name, orjson.loads(event.body)["after_hash"]
        if event.type.name == "peer.added":
            assert event.revision > max(newest.values(), default=0)
        grows = event.revision > newest.get(name, 0)
        assert grows or (event.revision == newest[name] and bodies[name] == frame)
        newest[name], bodies[name] = event.revision, frame
    for row in books.contents.subjects:
        assert row.revision >= newest.get(row.key.id.removeprefix("n-"), 0)
        assert row.revision <= books.contents.high_revision


def endings_name_the_problem_that_they_end(books: Books) -> None:
    problems: dict[str, str] = {}
    for event in books.events:
        if event.problem == "opens":
            assert event.resolves is None
            problems[event.subject_name] = event.event_id
        elif event.problem == "ends" or event.type.removal:
            assert event.resolves == problems.pop(event.subject_name, None)
        else:
            assert event.resolves is None


def each_event_has_one_outcome_per_sink(books: Books) -> None:
    """Where a sink is not concerned it has none; who asks for an event is."""
    for told in books.told:
        counted = Counter(outcome.sink for outcome in told.outcomes)
        asking = SINKS if told.event.type.name == "peer.offline" else WIDE
        assert {sink.name for sink in asking} <= counted.keys() <= {sink.name for sink in SINKS}
        assert set(counted.values()) == {1}


def outcomes_and_deliveries_agree(books: Books) -> None:
    said = {(row.id, row.sink, number): number == row.events[-1] for row in books.deliveries for number in row.events}
    ruled = {}
    held = set()
    for told in books.told:
        for outcome in told.outcomes:
            if outcome.message is not None:
                speaks = outcome.state is OutcomeState.TOLD
                assert speaks or outcome.state is OutcomeState.FOLDED
                ruled[outcome.message, outcome.sink, outcome.event] = speaks
            else:
                assert outcome.state in (OutcomeState.HELD, OutcomeState.REVERTED)
            if outcome.state is OutcomeState.HELD:
                held.add((outcome.event, outcome.sink))
    assert ruled == said
    assert held == {(event.number, row.sink) for row in books.contents.differences for event in row.waiting}
    keys = [(row.sink, row.key) for row in books.deliveries]
    assert len(keys) == len(set(keys))


def views_are_what_was_told(books: Books) -> None:
    truth = aspects(books.truth(), NAMES)
    for sink in SINKS:
        rows = {(row.subject.id.removeprefix("n-"), row.aspect): row for row in _rows(books, sink.name)}
        assert all(row.truth == truth[place] for place, row in rows.items())
        views = dict(truth) | {place: row.told for place, row in rows.items()}
        assert books.seen_to(sink.name) == views
        assert sink in NARROW or books.believed(sink.name) == views


def narrow_sinks_are_told_who_went_away_and_how_it_ended(books: Books) -> None:
    for sink in NARROW:
        assert concerned_for_being_away(books.tellings(sink.name)), books.tellings(sink.name)


def nothing_admitted_is_lost(books: Books) -> None:
    """Whatever was admitted is delivered, dead, absorbed or pending."""
    assert [row.id for row in books.deliveries] == list(range(1, len(books.deliveries) + 1))
    states = Counter((row.sink, row.state) for row in books.deliveries)
    assert {state for _, state in states} <= {"delivered", "dead", "absorbed", "pending"}
    assert books.contents.pending == {sink: count for (sink, state), count in states.items() if state == "pending"}


def what_was_absorbed_is_spoken_for(books: Books) -> None:
    """By a newer delivery of the same sink, which is for people; an incident that vanished by its own end. And an
    absorbed one was never attempted.
    """
    by_id = {row.id: row for row in books.deliveries}
    audiences = {sink.name: sink.audience for sink in SINKS}
    for row in books.deliveries:
        assert (row.state == "absorbed") == (row.absorbed_by is not None)
        if row.absorbed_by is not None:
            assert audiences[row.sink] is not Audience.PROGRAMS
            assert not row.attempt
            vanished = by_id[row.absorbed_by].absorbed_by == row.absorbed_by
            assert vanished is (audiences[row.sink] is Audience.INCIDENTS)
            assert row.absorbed_by >= row.id if vanished else row.absorbed_by > row.id
            assert by_id[row.absorbed_by].sink == row.sink


def deliveries_are_what_receivers_saw(books: Books, receivers: Mapping[str, Receiver]) -> None:
    events = books.by_number()
    for row in books.deliveries:
        receiver = receivers[row.sink]
        assert row.state != "delivered" or row.key in receiver.took
        tried_enough = row.attempt >= FEWEST or receiver.failures >= FEWEST_AT_SINK or receiver.hung
        assert row.state != "dead" or row.key in receiver.refused or tried_enough
        if row.key in receiver.contents:
            *folded, speaks = [events[number] for number in row.events]
            assert receiver.contents[row.key] == (speaks.body, tuple(event.key for event in folded))
    for name, receiver in receivers.items():
        assert receiver.contents.keys() <= {row.key for row in books.deliveries if row.sink == name}
        _order_is_kept(receiver)


def _order_is_kept(receiver: Receiver) -> None:
    revisions: dict[str, list[int]] = defaultdict(list)
    for message in receiver.tried:
        revisions[message.event.subject_name].append(message.event.revision)
    assert all(seen == sorted(seen) for seen in revisions.values()), revisions


def _rows(books: Books, sink: str) -> Iterator[Difference]:
    return (row for row in books.contents.differences if row.sink == sink)
