"""What piles up at a sink for people becomes one message."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sentinel.delivery.absorption import merged, thinned
from sentinel.delivery.digest import loudest, stories
from sentinel.delivery.render import Limit, render_text
from sentinel.dispatcher import SinkLoop
from sentinel.errors import DeliveryError
from sentinel.events import Event, EventType, Message, Reading, Severity, Text
from sentinel.model import Absorption, Attempt, Audience, DeliveryState
from tests.fakes import FakeClock
from tests.messages import OFFLINE, ONLINE, RENAMED, START, event, message, telling
from tests.unit.test_dispatcher import InlineWorker, ScriptedSink

DOWN = DeliveryError("connection refused", retryable=True)
READING = Reading(START + timedelta(hours=1), ZoneInfo("UTC"))
REMOVED = EventType("peer.removed", aspect="membership", order=90, outranks=frozenset({"peer.offline"}), removal=True)


def words(told: Message, _reading: Reading) -> Text:
    """The same few words for every type."""
    said = {OFFLINE.name: "lost contact", ONLINE.name: "is back", REMOVED.name: "is gone", RENAMED.name: "is renamed"}
    return Text(f"{told.event.subject_name} {said[told.event.type.name]}", "At length.")


WORDS = {type_.name: words for type_ in (OFFLINE, ONLINE, REMOVED, RENAMED)}


def happened(
    type_: EventType, number: int, *, subject: str = "nas", minutes: float = 0, severity: Severity = Severity.WARNING
) -> Event:
    before, after = {ONLINE: ("offline", "online"), REMOVED: ("present", "absent")}.get(type_, ("online", "offline"))
    made = event(type_, subject=subject, number=number, at=START + timedelta(minutes=minutes), severity=severity)
    return replace(made, before=before, after=after)


def digested(*events: Event, size: int = 4_000) -> list[str]:
    """Title and lines of a message whose newest event speaks for all others."""
    *also, newest = events
    said = replace(message(newest), also=thinned(also))
    text = render_text(said, WORDS, READING, Limit(body=size))
    return [text.title, *text.body.splitlines()]


class People:
    """A loop for a sink that people read, and a writer that commits when it is told to."""

    def __init__(self, script: Sequence[Exception | None] = ()) -> None:
        self.clock = FakeClock()
        self.sink = ScriptedSink(list(script))
        self.sink.audience = Audience.PEOPLE
        self.asked: list[tuple[Absorption, Callable[[], None]]] = []
        self.reported: list[Attempt] = []
        self.loop = SinkLoop(
            name="sink",
            sink=self.sink,
            report=self.reported.append,
            absorb=lambda absorption, done: self.asked.append((absorption, done)),
            jitter=lambda: 0.5,
            new_worker=lambda _name: InlineWorker(),
        )

    def offer(self, *numbers: int, after: float = 0.0) -> None:
        self.loop.offer([telling(number, subject=f"s{number}") for number in numbers])
        self.rest(after)

    def rest(self, after: float = 0.0) -> None:
        self.clock.advance(after)
        while self.loop.step(self.clock.now()) == 0:
            pass

    def commit(self) -> Absorption:
        absorption, done = self.asked.pop()
        done()
        self.rest()
        return absorption


def test_a_few_messages_go_out_one_by_one() -> None:
    people = People()
    people.offer(1, 2, 3)
    assert people.sink.sent == [1, 2, 3]
    assert people.asked == []


def test_many_unsent_messages_become_one_with_the_newest_key_once_that_is_committed() -> None:
    people = People()
    people.offer(1, 2, 3, 4)
    assert people.sink.sent == []
    assert people.commit() == Absorption("sink", (1, 2, 3), 4, (1, 2, 3))
    assert people.sink.sent == [4]
    assert [(one.delivery, one.state) for one in people.reported] == [(4, DeliveryState.DELIVERED)]


def test_programs_get_every_message_however_many_there_are() -> None:
    people = People()
    people.sink.audience = Audience.PROGRAMS
    loop = SinkLoop(
        name="sink",
        sink=people.sink,
        report=people.reported.append,
        absorb=lambda absorption, done: people.asked.append((absorption, done)),
        new_worker=lambda _name: InlineWorker(),
    )
    loop.offer([telling(number) for number in range(1, 9)])
    while loop.step(people.clock.now()) == 0:
        pass
    assert people.sink.sent == list(range(1, 9))
    assert people.asked == []


def test_what_was_attempted_is_never_absorbed() -> None:
    people = People([DOWN])
    people.offer(1)
    people.offer(2, 3, 4, 5)
    assert people.commit().older == (2, 3, 4)
    people.rest(after=60)
    assert people.sink.sent == [1, 5, 1]


def test_what_comes_meanwhile_waits_and_is_absorbed_next() -> None:
    people = People()
    people.offer(1, 2, 3, 4)
    people.offer(5, 6, 7)
    assert len(people.asked) == 1
    people.commit()
    assert people.commit() == Absorption("sink", (4, 5, 6), 7, (1, 2, 3, 4, 5, 6))
    assert people.sink.sent == [7]


def test_nothing_of_an_absorbed_subject_overtakes_the_message_that_speaks_for_it() -> None:
    people = People([DOWN])
    people.offer(1, 2, 3, 4)
    people.commit()
    assert people.sink.sent == [4]
    people.loop.offer([telling(5, subject="s1"), telling(6, subject="other")])
    people.rest()
    assert people.sink.sent == [4, 6]
    people.rest(after=2.5)
    assert people.sink.sent == [4, 6, 4, 5]


def test_what_follows_a_message_that_was_attempted_is_absorbed_only_if_that_does_not_speak_for_it() -> None:
    people = People([DOWN])
    people.offer(1, 2, 3, 4)
    people.commit()
    people.loop.offer([telling(number, subject=f"s{number % 5}") for number in range(5, 15)])
    people.rest()
    assert people.asked == []
    people.rest(after=2.5)
    assert people.commit().older == (6, 7, 8, 9, 11, 12, 13)
    assert people.sink.sent == [4, 5, 10, 4, 14]


def test_what_a_message_absorbed_before_stays_with_it() -> None:
    first = merged([telling(1, subject="a"), telling(2, subject="b")], telling(3, subject="c"))
    second = merged([first, telling(4, subject="d")], telling(5, subject="e"))
    assert second.delivery.also == (1, 2, 3, 4)
    assert (second.delivery.id, second.delivery.key, second.delivery.events) == (
        5,
        telling(5, subject="e").message.key,
        (5,),
    )
    assert [one.number for one in second.message.also] == [1, 2, 3, 4]


def test_of_each_subject_and_aspect_the_first_and_the_newest_event_stay() -> None:
    flaps = [happened(ONLINE if number % 2 else OFFLINE, number) for number in range(1, 50)]
    other = happened(OFFLINE, 60, subject="pi")
    assert [one.number for one in thinned([*flaps, other])] == [1, 49, 60]


def test_what_is_still_so_comes_before_what_came_and_went() -> None:
    told = digested(
        happened(OFFLINE, 1, minutes=10),
        happened(OFFLINE, 2, subject="pi", minutes=12),
        happened(ONLINE, 3, minutes=25),
        happened(OFFLINE, 4, subject="tv", minutes=30),
    )
    assert told == [
        "2 changes, 1 more came and went: pi, tv and nas",
        "pi lost contact, since 09:12",
        "tv lost contact, since 09:30",
        "Came and went:",
        "nas lost contact, 09:10\u201309:25",
    ]


def test_when_everything_came_and_went_that_is_all_that_is_said() -> None:
    told = digested(happened(OFFLINE, 1), happened(ONLINE, 2, minutes=5))
    assert told == ["1 came and went: nas", "nas lost contact, 09:00\u201309:05"]


def test_the_gravest_comes_first() -> None:
    told = digested(
        happened(OFFLINE, 1),
        happened(OFFLINE, 2, subject="pi", severity=Severity.CRITICAL),
        happened(OFFLINE, 3, subject="tv"),
    )
    assert told[1] == "pi lost contact, since 09:00"


def test_a_removal_speaks_for_the_contact_that_it_ended() -> None:
    told = digested(happened(OFFLINE, 1), happened(OFFLINE, 2, subject="pi"), happened(REMOVED, 3))
    assert [line.partition(",")[0] for line in told[1:]] == ["pi lost contact", "nas is gone"]


@pytest.mark.parametrize("size", [80, 200, 1_000])
def test_many_are_cut_with_their_number(size: int) -> None:
    told = digested(*(happened(OFFLINE, number, subject=f"s{number}") for number in range(1, 500)), size=size)
    assert told[0] == "499 changes: s1, s2, s3 and 496 more"
    assert told[-1] == f"and {499 - len(told[1:-1])} more"
    assert len("\n".join(told[1:])) <= size


def test_without_words_such_a_message_has_a_summary_in_each_line() -> None:
    said = replace(message(happened(OFFLINE, 2, subject="pi")), also=(happened(OFFLINE, 1, subject="tv"),))
    assert render_text(said, {}, READING, Limit()).body.splitlines() == ["nas lost contact, since 09:00"] * 2


def test_names_in_such_a_message_call_nobody() -> None:
    told = digested(happened(OFFLINE, 1, subject="@everyone"), happened(OFFLINE, 2, subject="pi"))
    assert "@everyone" not in "\n".join(told)


def test_a_message_is_as_loud_as_the_gravest_that_is_still_so() -> None:
    critical = happened(OFFLINE, 1, severity=Severity.CRITICAL)
    back = happened(ONLINE, 3, subject="pi", severity=Severity.INFO)
    said = replace(message(back), also=(critical,))
    assert loudest(said) is critical
    over = replace(message(happened(ONLINE, 4, severity=Severity.INFO)), also=(critical,))
    assert loudest(over).number == 4


def test_a_message_that_absorbed_nothing_is_as_loud_as_its_event() -> None:
    said = message(happened(OFFLINE, 2), folded=[happened(RENAMED, 1, severity=Severity.CRITICAL)])
    assert loudest(said) is said.event
    assert len(stories(said)) == 2
