"""One message for people instead of many that never left."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sentinel.events import Event, Telling

MOST_APART = 3
"""Unsent messages that still go out one by one."""


def merged(older: Sequence[Telling], newest: Telling) -> Telling:
    """The newest telling, which also tells what the older ones would have; its key and its own events stay."""
    also = thinned(event for telling in (*older, newest) for event in _for_others(telling, newest))
    delivery = replace(newest.delivery, also=tuple(event.number for event in also))
    return Telling(delivery, replace(newest.message, also=also))


def thinned(events: Iterable[Event]) -> tuple[Event, ...]:
    """The first and the newest event of each subject and aspect, oldest first: enough to say what came and went."""
    first: dict[tuple[object, str], Event] = {}
    last: dict[tuple[object, str], Event] = {}
    for event in sorted(events, key=lambda event: event.number):
        place = (event.subject, event.type.aspect)
        first.setdefault(place, event)
        last[place] = event
    kept = {event.number: event for event in (*first.values(), *last.values())}
    return tuple(kept[number] for number in sorted(kept))


def _for_others(telling: Telling, newest: Telling) -> Iterable[Event]:
    message = telling.message
    own = () if telling is newest else (*message.folded, message.event)
    return (*message.also, *own)
