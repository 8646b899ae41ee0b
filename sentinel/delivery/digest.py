"""One text for many events: what is still so, what came and went, counts first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sentinel.events import Event, Message, Reading, Severity, Text, Words
from sentinel.model import SubjectKey
from sentinel.times import local_time

MORE = "and {} more"
NAMED = 3
"""Names in a title."""
_TO = "\u2013"
_LOUDNESS = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to one aspect of one subject: its first event and its newest."""

    first: Event
    last: Event

    @property
    def is_over(self) -> bool:
        """Everything is as it was before."""
        return self.first.before == self.last.after


def stories(message: Message) -> list[Story]:
    """One for each aspect that a message tells of, as far as no other of its subject speaks for it, oldest first."""
    found: dict[tuple[SubjectKey, str], Story] = {}
    for event in sorted((*message.also, *message.folded, message.event), key=lambda event: event.number):
        place = (event.subject, event.type.aspect)
        found[place] = Story(found[place].first if place in found else event, event)
    outranked = {
        (subject, name) for (subject, _), story in found.items() if not story.is_over for name in _outranked(story)
    }
    return [story for (subject, _), story in found.items() if (subject, story.last.type.name) not in outranked]


def loudest(message: Message) -> Event:
    """The event that decides how loud a message is: the gravest that is still so."""
    still = [story.last for story in stories(message) if not story.is_over] if message.also else []
    return max([message.event, *still], key=_gravity)


def digest(message: Message, word: Words, reading: Reading, size: int) -> Text:
    """The text of a message that speaks for others, its body in at most `size` characters if there are many."""
    told = stories(message)
    still = sorted((story for story in told if not story.is_over), key=lambda story: -_LOUDNESS[story.last.severity])
    over = [story for story in told if story.is_over]
    now_so = [_line(story.last, word, reading, _at(story.last.timestamp, reading)) for story in still]
    passed = [_line(story.first, word, reading, _span(story, reading)) for story in over]
    lines = [*now_so, *(["Came and went:"] if now_so and passed else []), *passed]
    title = f"{_counts(len(now_so), len(passed))}: {_names([story.last for story in (*still, *over)])}"
    return Text(title, "\n".join(_within(lines, size)))


def _outranked(story: Story) -> frozenset[str]:
    return story.last.type.outranks


def _gravity(event: Event) -> tuple[bool, int, int]:
    return event.type.problem != "ends", _LOUDNESS[event.severity], event.number


def _counts(still: int, over: int) -> str:
    changes = f"{still} change{'s' if still != 1 else ''}"
    if not over:
        return changes
    return f"{changes}, {over} more came and went" if still else f"{over} came and went"


def _names(events: Sequence[Event]) -> str:
    """Whom it is about, the gravest first."""
    names = list(dict.fromkeys(event.subject_name or event.subject.id for event in events))
    *some, last = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
    return f"{', '.join(some)} and {last}" if some else last


def _line(event: Event, word: Words, reading: Reading, when: str) -> str:
    return f"{word(Message('', '', event), reading).title}, {when}"


def _at(moment: datetime, reading: Reading) -> str:
    return f"since {local_time(moment, reading)}"


def _span(story: Story, reading: Reading) -> str:
    return f"{local_time(story.first.timestamp, reading)}{_TO}{local_time(story.last.timestamp, reading)}"


def _within(lines: Sequence[str], size: int) -> list[str]:
    """As many lines as fit, and how many more there are."""
    left = size - len(MORE) - len(str(len(lines))) - 1
    kept: list[str] = []
    for line in lines:
        left -= len(line) + 1
        if left < 0 and sum(len(rest) + 1 for rest in lines) > size:
            return [*kept, MORE.format(len(lines) - len(kept))]
        kept.append(line)
    return kept
