"""From a sink's loop to the writer: how the sink does, with what its own loop cannot know."""

from collections.abc import Callable
from dataclasses import replace

import orjson

from sentinel.errors import StoreError
from sentinel.events import Event
from sentinel.model import Condition, DeliveryState
from sentinel.pipeline.inbox import Inbox
from sentinel.store.protocol import Reader

MOST_NAMED = 20


def reporting(inbox: Inbox, reader: Reader) -> Callable[[Condition], None]:
    """What a sink's loop calls, on its own thread, when its sink fails or is well again."""

    def report(condition: Condition) -> None:
        inbox.ask(condition if condition.failing else completed(condition, reader), _nothing)

    return report


def completed(condition: Condition, reader: Reader) -> Condition:
    """With all of the sink's dead letters, and what it was told of and is open."""
    try:
        counts = reader.sink_counts().get(condition.sink)
        still_open = reader.still_open(condition.sink, limit=MOST_NAMED)
    except StoreError:
        # That it is well is worth more than the rest.
        return condition
    dead = counts.states.get(DeliveryState.DEAD, 0) if counts else 0
    lines = tuple(_summary(message.event) for message in still_open)
    return replace(condition, given_up=max(dead, condition.given_up), still_open=lines)


def _summary(event: Event) -> str:
    return str(orjson.loads(event.body)["summary"])


def _nothing() -> None:
    """The loop does not wait for the writer."""
