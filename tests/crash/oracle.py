"""What must hold when all is quiet: the tailnet, the ledger and what the sinks were told are one story.

Each rule is a function that names what breaks it; `faults` asks them all. Nothing found means: nothing is missing,
nothing was invented, nothing was told in another order, and what was told twice is what a kill left in flight.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from tests.crash.ledger import Device, Fate, Ledger, Recorded, Sent

SETTLED = frozenset({"told", "folded", "reverted"})
BEGINNINGS = {"presence": "offline", "membership": "absent"}
"""What a subject is before it is there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message that a sink for programs got, over all runs of the service."""

    sink: str
    key: str
    content: Mapping[str, Any]


MANY = ""
"""Whom a letter about many is about."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that a sink for people got: about whom, and what type of event its words stand for."""

    sink: str
    name: str
    type: str


InFlight = AbstractSet[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the rules look at.

    `truth` is the tailnet without the node that watches it. `kills` are, for each kill, sink and key of what was in
    flight when it came. `programs` and `people` are the configured sinks, `refusing` those of them that take nothing.
    `standing_by` are further sinks for programs, each with the one that it is the fallback for.
    """

    truth: Mapping[str, Device]
    ledger: Ledger
    programs: AbstractSet[str]
    people: AbstractSet[str] = frozenset()
    lines: Sequence[Line] = ()
    letters: Sequence[Letter] = ()
    kills: Sequence[InFlight] = ()
    refusing: AbstractSet[str] = frozenset()
    standing_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def sinks(self) -> list[str]:
        """All of them that are told for their own sake."""
        return sorted(self.programs | self.people)


def faults(evidence: Evidence) -> list[str]:
    """Everything that is wrong; empty when all is well."""
    return [fault for rule in RULES for fault in rule(evidence)]


def the_store_is_sound(evidence: Evidence) -> Iterator[str]:
    """SQLite finds no damage, and no row speaks of an event that is not there."""
    ledger = evidence.ledger
    if ledger.integrity != "ok":
        yield f"integrity: {ledger.integrity}"
    yield from (f"an outcome without its event: {fate}" for fate in ledger.fates if fate.event not in ledger.events)
    yield from (
        f"a delivery without its event: {one}" for one in ledger.sent.values() if one.speaks not in ledger.events
    )


def the_view_is_the_truth(evidence: Evidence) -> Iterator[str]:
    """Every peer is known as it is, and no other is."""
    known, truth = evidence.ledger.devices, evidence.truth
    for id_ in sorted(known.keys() | truth.keys()):
        if known.get(id_) != truth.get(id_):
            yield f"{id_} is known as {known.get(id_)} and is {truth.get(id_)}"


def availability_is_the_truth(evidence: Evidence) -> Iterator[str]:
    """Every peer is in one open span, of the right kind."""
    kinds = {"online": "up", "offline": "down", "unknown": "unknown"}
    expected = Counter((id_, kinds[device.presence]) for id_, device in evidence.truth.items())
    wrong = (expected - Counter(evidence.ledger.open_spans)) + (Counter(evidence.ledger.open_spans) - expected)
    yield from (f"availability: {id_} {state}" for id_, state in wrong)


def events_lead_to_the_truth(evidence: Evidence) -> Iterator[str]:
    """The events of a subject follow each other without a hole, and the last one says what is."""
    for (subject, aspect), events in _by_aspect(evidence.ledger.events.values()).items():
        for one, other in pairwise(events):
            if other.before != one.after or other.revision <= one.revision:
                yield f"{other.name}: revision {other.revision} does not follow {one.revision}, {one.after}"
        is_now = _truth(evidence, subject, aspect, events)
        if events[-1].after != is_now:
            yield f"{events[-1].name}: the last event says {events[-1].after}, it is {is_now}"


def every_event_is_settled(evidence: Evidence) -> Iterator[str]:
    """At every sink each event was told, folded into a message or reverted, and every message was delivered."""
    ledger = evidence.ledger
    fates = {(fate.event, fate.sink): fate for fate in ledger.fates}
    for event in ledger.events.values():
        for sink in evidence.sinks:
            if _is_about(sink, event.subject):
                continue
            fate = fates.get((event.number, sink))
            if fate is None or fate.state not in SETTLED:
                yield f"missing: {event.name} {event.type} {event.revision} at {sink}: {fate and fate.state}"
            elif fate.state != "reverted":
                yield from _undelivered(fate, ledger)
    yield from (f"not delivered: {one}" for one in ledger.sent.values() if not _arrived(one, evidence))
    if ledger.differing:
        yield f"{ledger.differing} views still differ from the truth"


def the_last_telling_states_the_truth(evidence: Evidence) -> Iterator[str]:
    """Whoever hears a sink alone knows of each subject what is."""
    told = {(fate.event, fate.sink) for fate in evidence.ledger.fates if fate.state == "told"}
    for (subject, aspect), events in _by_aspect(evidence.ledger.events.values()).items():
        for sink in (*evidence.sinks, *evidence.standing_by):
            if _is_about(evidence.standing_by.get(sink, sink), subject):
                continue
            heard = [event.after for event in events if (event.number, sink) in told]
            believed, is_now = [events[0].before, *heard][-1], _truth(evidence, subject, aspect, events)
            if believed != is_now:
                yield f"{sink} believes that {events[0].name} is {believed}, it is {is_now}"


def fallbacks_are_told_what_others_refuse(evidence: Evidence) -> Iterator[str]:
    """What a sink was to be told and refused, its fallback was told, in one delivery that says for whom it is."""
    ledger = evidence.ledger
    fates = {(fate.event, fate.sink): fate for fate in ledger.fates}
    for sink, other in evidence.standing_by.items():
        for fate in ledger.fates:
            its = fates.get((fate.event, sink))
            if fate.sink == other and fate.state in ("told", "folded") and (its is None or its.state != fate.state):
                yield f"missing at {sink}, which stands by {other}: {fate}, there {its}"
            elif fate.sink == sink and fate.state != "reverted":
                yield from _undelivered(fate, ledger)
        keys = Counter(one.key for one in ledger.sent.values() if one.sink == sink)
        yield from (f"{times} deliveries of {key} at {sink}" for key, times in keys.items() if times > 1)
        if not any(fate.fallback_for == other for fate in ledger.fates if fate.sink == sink):
            yield f"{sink} never stood in for {other}"


def what_was_told_is_in_the_log(evidence: Evidence) -> Iterator[str]:
    """Every delivery of a sink for programs is among its lines."""
    got = {(line.sink, line.key) for line in evidence.lines}
    for one in evidence.ledger.sent.values():
        if one.sink in {*evidence.programs, *evidence.standing_by} and (one.sink, one.key) not in got:
            yield f"missing: {one}"


def nothing_is_invented(evidence: Evidence) -> Iterator[str]:
    """Every line is a delivery of the ledger and says what the ledger says."""
    told = _told(evidence.ledger)
    for line in evidence.lines:
        event = told.get((line.sink, line.key))
        if event is None:
            yield f"invented at {line.sink}: {line.key}"
        elif line.content["event"] != event.body:
            yield f"changed on the way to {line.sink}: {line.key}"


def one_key_has_one_content(evidence: Evidence) -> Iterator[str]:
    """A repetition is the same message to the last letter."""
    firsts: dict[tuple[str, str], Line] = {}
    for line in evidence.lines:
        first = firsts.setdefault((line.sink, line.key), line)
        if first.content != line.content:
            yield f"one key, two contents at {line.sink}: {line.key}"


def only_what_was_in_flight_comes_twice(evidence: Evidence) -> Iterator[str]:
    """A message comes once, and once more for each kill that found it in flight."""
    for (sink, key), times in Counter((line.sink, line.key) for line in evidence.lines).items():
        allowed = 1 + sum((sink, key) in kill for kill in evidence.kills)
        if times > allowed:
            yield f"{key} came to {sink} {times} times, at most {allowed} were possible"


def subjects_are_told_in_order(evidence: Evidence) -> Iterator[str]:
    """To one sink, of one subject, later revisions come later."""
    told, newest = _told(evidence.ledger), dict[tuple[str, str], int]()
    for sink, key in dict.fromkeys((line.sink, line.key) for line in evidence.lines):
        event = told.get((sink, key))
        if event is None:
            continue
        before = newest.get((sink, event.subject), 0)
        if event.revision < before:
            yield f"out of order at {sink}: {event.name} {event.revision} after {before}"
        newest[sink, event.subject] = event.revision


def people_hear_every_message(evidence: Evidence) -> Iterator[str]:
    """Letters about a subject are its deliveries in their order, each repeated for as many kills as found it unsent.

    What was absorbed is told by a letter about many, after a letter of its own only if a kill found that in flight.
    """
    due: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for one in _with_event(evidence.ledger):
        if one.sink in evidence.people:
            due[one.sink, evidence.ledger.events[one.speaks].name].append(one)
    got: dict[tuple[str, str], list[str]] = defaultdict(list)
    for letter in evidence.letters:
        got[letter.sink, letter.name].append(letter.type)
    for place in sorted(due.keys() | got.keys()):
        words = [evidence.ledger.events[one.speaks].type for one in due[place]]
        repeats = [sum((one.sink, one.key) in kill for kill in evidence.kills) for one in due[place]]
        musts = [one.absorbed_by is None and not one.absorbing for one in due[place]]
        if place[1] != MANY and not _says(got[place], words, repeats, musts):
            due_was = list(zip(words, repeats, musts, strict=True))
            yield f"{place} heard {got[place]}, due was (word, repeats, must) {due_was}"
    for sink in evidence.people:
        absorbing = [one for one in evidence.ledger.sent.values() if one.sink == sink and one.absorbing]
        most = len(absorbing) + sum((one.sink, one.key) in kill for kill in evidence.kills for one in absorbing)
        if not len([one for one in absorbing if one.absorbed_by is None]) <= len(got[sink, MANY]) <= most:
            yield f"{sink} got {len(got[sink, MANY])} letters about many, due were {absorbing}"


RULES = (
    the_store_is_sound,
    the_view_is_the_truth,
    availability_is_the_truth,
    events_lead_to_the_truth,
    every_event_is_settled,
    the_last_telling_states_the_truth,
    fallbacks_are_told_what_others_refuse,
    what_was_told_is_in_the_log,
    nothing_is_invented,
    one_key_has_one_content,
    only_what_was_in_flight_comes_twice,
    subjects_are_told_in_order,
    people_hear_every_message,
)


def repeated(evidence: Evidence) -> int:
    """How many messages were repetitions."""
    to_people = sum(one.sink in evidence.people and one.state != "absorbed" for one in evidence.ledger.sent.values())
    lines = {(line.sink, line.key) for line in evidence.lines}
    return len(evidence.lines) - len(lines) + len(evidence.letters) - to_people


def _says(got: list[str], words: list[str], repeats: list[int], musts: list[bool]) -> bool:
    """Whether `got` are the words in their order, those that must be there once, each at most `repeats` times more."""
    ends = {0}
    for word, again, must in zip(words, repeats, musts, strict=True):
        spoken = [[word] * times for times in range(must, must + again + 1)]
        ends = {end + len(each) for end in ends for each in spoken if got[end : end + len(each)] == each}
    return len(got) in ends


def _arrived(one: Sent, evidence: Evidence) -> bool:
    """Whether it was delivered, or at a sink for people what speaks for it; one that refuses has heard it."""
    if one.sink in evidence.refusing:
        return one.state == "dead"
    speaker = one
    while speaker.absorbed_by is not None and speaker.sink in evidence.people:
        speaker = evidence.ledger.sent.get(speaker.absorbed_by, replace(one, absorbed_by=None))
    return speaker.state == "delivered"


def _is_about(sink: str, subject: str) -> bool:
    """Whether the subject is the sink itself, which hears nothing of its own trouble."""
    return subject == f"sink {sink}"


def _undelivered(fate: Fate, ledger: Ledger) -> Iterator[str]:
    message = None if fate.message is None else ledger.sent.get(fate.message)
    if message is None:
        yield f"missing: {fate} points to no delivery"
    elif (message.speaks == fate.event) != (fate.state == "told") or message.sink != fate.sink:
        yield f"{fate} and {message} contradict each other"


def _told(ledger: Ledger) -> dict[tuple[str, str], Recorded]:
    """The event that each message tells, by sink and key."""
    return {(one.sink, one.key): ledger.events[one.speaks] for one in _with_event(ledger)}


def _with_event(ledger: Ledger) -> list[Sent]:
    """Deliveries in the order in which they were decided; those without an event are another rule's fault."""
    return sorted((one for one in ledger.sent.values() if one.speaks in ledger.events), key=lambda one: one.id)


def _by_aspect(events: Iterable[Recorded]) -> dict[tuple[str, str], list[Recorded]]:
    """Events by subject and aspect, in the order of the ledger."""
    found: dict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.number):
        found[event.subject, event.aspect].append(event)
    return found


def _truth(evidence: Evidence, subject: str, aspect: str, events: Sequence[Recorded]) -> str:
    """What the tailnet says, of contact and membership; of anything else the ledger's last word has to do."""
    if aspect not in BEGINNINGS:
        return events[-1].after
    device = evidence.truth.get(subject)
    if device is None:
        return BEGINNINGS[aspect]
    return device.presence if aspect == "presence" else "present"
