"""The oracle itself: a story in which all is well, and what it says when one thing in it is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.crash import oracle
from tests.crash.ledger import Device, Fate, Ledger, Recorded, Sent
from tests.crash.oracle import Evidence, Letter, Line, faults, repeated

PI = Device("pi", "online", ())


def event(number: int, before: str, after: str) -> Recorded:
    """The pi's contact; its revision is the event's number."""
    body = {"event_id": f"key-{number}"}
    return Recorded(number, f"key-{number}", f"peer.{after}", "presence", "id-pi", "pi", number, before, after, body)


def line(number: int) -> Line:
    """What a program gets of an event."""
    return Line("lines", f"key-{number}", {"event": {"event_id": f"key-{number}"}})


def sent(id_: int, sink: str, speaks: int) -> Sent:
    return Sent(id_, sink, f"key-{speaks}", "id-pi", speaks, "delivered")


LEDGER = Ledger(
    integrity="ok",
    self_id="id-self",
    devices={"id-pi": PI},
    events={
        1: event(1, "online", "offline"),
        2: event(2, "offline", "online"),
        3: event(3, "online", "offline"),
        4: event(4, "offline", "online"),
    },
    fates=(
        Fate(1, "lines", "told", 1),
        Fate(2, "lines", "folded", 2),
        Fate(3, "lines", "folded", 2),
        Fate(4, "lines", "told", 2),
        Fate(1, "phone", "told", 3),
        Fate(2, "phone", "told", 4),
        Fate(3, "phone", "reverted", None),
        Fate(4, "phone", "reverted", None),
    ),
    sent={1: sent(1, "lines", 1), 2: sent(2, "lines", 4), 3: sent(3, "phone", 1), 4: sent(4, "phone", 2)},
    differing=0,
    open_spans=(("id-pi", "up"),),
)
MANY = Letter("phone", oracle.MANY, "")
OFFLINE, ONLINE = Letter("phone", "pi", "peer.offline"), Letter("phone", "pi", "peer.online")
WELL = Evidence(
    truth={"id-pi": PI},
    ledger=LEDGER,
    programs={"lines"},
    people={"phone"},
    lines=(line(1), line(4), line(4)),
    letters=(OFFLINE, OFFLINE, ONLINE),
    kills=(frozenset({("lines", "key-4")}), frozenset({("phone", "key-1")})),
)


def but(**changes: object) -> Evidence:
    """The story with other evidence."""
    return replace(WELL, **changes)  # type: ignore[arg-type]


def with_ledger(**changes: object) -> Evidence:
    """The story with another ledger."""
    return replace(WELL, ledger=replace(LEDGER, **changes))  # type: ignore[arg-type]


def without_event(number: int) -> Evidence:
    """The story with an event that nobody recorded."""
    return with_ledger(
        events={known: one for known, one in LEDGER.events.items() if known != number},
        fates=tuple(fate for fate in LEDGER.fates if fate.event != number),
    )


def with_fate(changed: Fate) -> Evidence:
    """The story with another outcome of one event at one sink."""
    place = (changed.event, changed.sink)
    return with_ledger(fates=tuple(changed if (one.event, one.sink) == place else one for one in LEDGER.fates))


REFUSED = {
    **LEDGER.sent,
    5: replace(sent(5, "pager", 4), state="dead"),
    6: replace(sent(6, "spare", 4), key="key-4"),
}
STOOD_IN = replace(
    LEDGER,
    fates=(
        *LEDGER.fates,
        *(Fate(number, "pager", "reverted", None) for number in (1, 2, 3)),
        Fate(4, "pager", "told", 5),
        Fate(4, "spare", "told", 6, "pager"),
    ),
    sent=REFUSED,
)
REFUSING = replace(
    WELL,
    ledger=STOOD_IN,
    programs={"lines", "pager"},
    lines=(*WELL.lines, replace(line(4), sink="pager"), replace(line(4), sink="spare")),
    refusing={"pager"},
    standing_by={"spare": "pager"},
)


def with_refused(**changes: object) -> Evidence:
    """The story of a pager that refuses, with another ledger."""
    return replace(REFUSING, ledger=replace(STOOD_IN, **changes))  # type: ignore[arg-type]


AWAY = {"id-pi": replace(PI, presence="offline")}
STORIES: list[tuple[Callable[[Evidence], object], Evidence]] = [
    (oracle.the_store_is_sound, with_ledger(integrity="row 3 missing from index")),
    (oracle.the_store_is_sound, with_ledger(fates=(*LEDGER.fates, Fate(9, "lines", "told", 1)))),
    (oracle.the_view_is_the_truth, but(truth=AWAY)),
    (oracle.the_view_is_the_truth, but(truth={})),
    (oracle.the_view_is_the_truth, but(truth={"id-pi": PI, "id-nas": PI})),
    (oracle.availability_is_the_truth, with_ledger(open_spans=(("id-pi", "down"),))),
    (oracle.availability_is_the_truth, with_ledger(open_spans=(("id-pi", "up"), ("id-pi", "down")))),
    (oracle.events_lead_to_the_truth, without_event(2)),
    (oracle.events_lead_to_the_truth, but(truth=AWAY)),
    (oracle.events_lead_to_the_truth, with_ledger(events={**LEDGER.events, 4: replace(LEDGER.events[4], revision=3)})),
    (oracle.every_event_is_settled, with_ledger(fates=LEDGER.fates[1:])),
    (oracle.every_event_is_settled, with_fate(Fate(4, "lines", "held", None))),
    (oracle.every_event_is_settled, with_fate(Fate(4, "lines", "told", None))),
    (oracle.every_event_is_settled, with_fate(Fate(3, "lines", "told", 2))),
    (oracle.every_event_is_settled, with_ledger(sent={**LEDGER.sent, 2: replace(LEDGER.sent[2], state="pending")})),
    (oracle.every_event_is_settled, with_ledger(differing=1)),
    (oracle.the_last_telling_states_the_truth, with_fate(Fate(4, "lines", "reverted", None))),
    (oracle.fallbacks_are_told_what_others_refuse, with_refused(fates=STOOD_IN.fates[:-1])),
    (
        oracle.fallbacks_are_told_what_others_refuse,
        with_refused(fates=(*STOOD_IN.fates[:-1], Fate(4, "spare", "told", 6))),
    ),
    (
        oracle.fallbacks_are_told_what_others_refuse,
        with_refused(fates=(*STOOD_IN.fates[:-1], Fate(4, "spare", "held", None, "pager"))),
    ),
    (oracle.fallbacks_are_told_what_others_refuse, with_refused(sent={**REFUSED, 7: replace(REFUSED[6], id=7)})),
    (oracle.every_event_is_settled, with_refused(sent={**REFUSED, 5: replace(REFUSED[5], state="pending")})),
    (oracle.every_event_is_settled, with_refused(sent={**REFUSED, 6: replace(REFUSED[6], state="dead")})),
    (oracle.what_was_told_is_in_the_log, replace(REFUSING, lines=REFUSING.lines[:-1])),
    (oracle.what_was_told_is_in_the_log, but(lines=(line(1),))),
    (oracle.nothing_is_invented, but(lines=(line(1), line(4), line(7)))),
    (oracle.nothing_is_invented, but(lines=(line(1), replace(line(4), content={"event": {"event_id": "other"}})))),
    (
        oracle.one_key_has_one_content,
        but(lines=(line(1), line(4), replace(line(4), content={**line(4).content, "folded": []}))),
    ),
    (oracle.only_what_was_in_flight_comes_twice, but(lines=(line(1), line(1), line(4)))),
    (oracle.only_what_was_in_flight_comes_twice, but(lines=(line(1), line(4), line(4), line(4)))),
    (oracle.subjects_are_told_in_order, but(lines=(line(4), line(1)))),
    (oracle.people_hear_every_message, but(letters=(OFFLINE,))),
    (oracle.people_hear_every_message, but(letters=(OFFLINE, ONLINE, ONLINE))),
    (oracle.people_hear_every_message, but(letters=(ONLINE, OFFLINE))),
    (oracle.people_hear_every_message, but(letters=(OFFLINE, OFFLINE, OFFLINE, ONLINE))),
    (oracle.people_hear_every_message, but(letters=(OFFLINE, ONLINE, replace(ONLINE, name="nas")))),
]


def test_a_story_in_which_all_is_well_has_no_faults() -> None:
    assert faults(WELL) == faults(REFUSING) == []
    assert repeated(WELL) == 2


@pytest.mark.parametrize(
    ("rule", "story"), STORIES, ids=[f"{number}-{rule.__name__}" for number, (rule, _) in enumerate(STORIES)]
)
def test_one_thing_that_is_wrong_is_a_fault_of_its_rule(rule: Callable[[Evidence], list[str]], story: Evidence) -> None:
    assert list(rule(story))
    assert set(rule(story)) <= set(faults(story))


ABSORBED = {
    **LEDGER.sent,
    3: replace(LEDGER.sent[3], state="absorbed", absorbed_by=4),
    4: replace(LEDGER.sent[4], absorbing=True),
}


@pytest.mark.parametrize("letters", [(MANY,), (OFFLINE, MANY)])
def test_what_was_absorbed_may_come_first_by_itself_if_a_kill_found_it_in_flight(letters: tuple[Letter, ...]) -> None:
    story = replace(with_ledger(sent=ABSORBED), letters=letters)
    assert list(faults(story)) == []


@pytest.mark.parametrize("letters", [(), (MANY, MANY), (OFFLINE, ONLINE), (OFFLINE, OFFLINE, MANY), (ONLINE, MANY)])
def test_what_was_absorbed_is_told_by_one_letter_about_many(letters: tuple[Letter, ...]) -> None:
    story = replace(with_ledger(sent=ABSORBED), letters=letters)
    assert list(oracle.people_hear_every_message(story)) != []


@pytest.mark.parametrize(
    ("got", "fits"), [("b", True), ("ab", True), ("bb", True), ("abb", True), ("a", False), ("bab", False), ("", False)]
)
def test_a_word_that_must_come_is_not_taken_for_one_that_may(got: str, fits: bool) -> None:
    assert oracle._says(list(got), ["a", "b", "b"], [1, 1, 0], [False, False, True]) is fits


def test_what_was_absorbed_by_nothing_that_arrived_is_missing() -> None:
    lost = {**ABSORBED, 4: replace(ABSORBED[4], state="pending")}
    assert list(oracle.every_event_is_settled(with_ledger(sent=lost))) != []


def test_every_rule_has_a_story_that_breaks_it() -> None:
    assert {rule for rule, _ in STORIES} == set(oracle.RULES)


def test_what_was_purged_is_remembered_from_an_earlier_ledger() -> None:
    purged = without_event(1).ledger
    purged = replace(purged, sent={2: LEDGER.sent[2], 4: LEDGER.sent[4]})
    remembered = purged.remembering(LEDGER)
    assert remembered.events == LEDGER.events
    assert remembered.sent == LEDGER.sent
    assert set(remembered.fates) == set(LEDGER.fates)
