"""Layout, escaping and limits. What a type of event says in words stands in its source's own room.

Names and other values come from the network, so for people they are tamed before any word is put around
them: one line each, no character that moves the cursor or reorders text, no mention that would call somebody.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import orjson

from sentinel.delivery.digest import digest
from sentinel.events import Event, Message, Reading, Severity, Text, Words

ELLIPSIS = "…"
REPLACEMENT = "\ufffd"
LONGEST_CHARACTER = 24

# Joiners belong to emoji and to several scripts; the zero-width space takes the call out of a mention.
_HARMLESS_FORMATS = frozenset("\u200b\u200c\u200d")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BREAKS = re.compile(r"[\r\n\t\v\f\x85\u2028\u2029]+")
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#+~|]")
_LIST = re.compile(r"^([ \t]*\d*)([-.])", re.MULTILINE)
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=//)")
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)|(?<=<)(?=[@#!&:])")


@dataclass(frozen=True, slots=True)
class Limit:
    """How many characters a title and a body may have."""

    title: int = 250
    body: int = 4000


def render_json(message: Message) -> bytes:
    """The message as one line of JSON without its end, for streams and files that several sinks share."""
    return orjson.dumps({"log_source": "sink", "sink": message.sink, **_fields(message)})


def render_body(message: Message) -> bytes:
    """The message as one JSON object, for a program that is told by itself."""
    return orjson.dumps(_fields(message))


def render_words(sink: str, text: Text, severity: Severity) -> bytes:
    """Words of Sentinel's own as one line of JSON without its end: `text` stands in place of `event`."""
    words = {"title": text.title, "body": text.body, "severity": severity}
    return orjson.dumps({"log_source": "sink", "sink": sink, "text": words})


def _fields(message: Message) -> dict[str, object]:
    """`event` is the envelope byte for byte as it was recorded.

    `folded` (keys) and `since` (the changes of the folded events, oldest first) are there only when something was
    folded.
    """
    fields: dict[str, object] = {
        "event": orjson.Fragment(message.event.body),
        "idempotency_key": message.key,
    }
    if message.folded:
        fields["folded"] = [event.key for event in message.folded]
        fields["since"] = [change for event in message.folded for change in orjson.loads(event.body)["changes"]]
    return fields


def render_text(message: Message, words: Mapping[str, Words], reading: Reading, limit: Limit) -> Text:
    """The message for people, within `limit`. A type without words is told by its event's own summary.

    A message that speaks for others says in a line each what is still so and what came and went.
    """
    tamed = _tame_message(message)
    if tamed.also:
        return fit(digest(tamed, partial(_briefly, words), reading, limit.body), limit)
    return fit(_worded(words, tamed, reading), limit)


def fit(text: Text, limit: Limit) -> Text:
    """The text without control characters, with a title of one line, cut to `limit`."""
    return Text(cut(one_line(text.title), limit.title), cut(_plain(text.body), limit.body))


def one_line(text: str) -> str:
    """The text on one line, whatever it held, without control characters."""
    return _visible(_BREAKS.sub(" ", text)).strip()


def escape_markdown(text: str) -> str:
    """The text for a service that reads Markdown: every character shows as itself, and no address becomes a link."""
    escaped = _LIST.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", text))
    return _LINK.sub(lambda found: found[0] + "\u200b", escaped)


def tame(value: str) -> str:
    """A value from the network: on one line, without control characters, calling nobody."""
    return _MENTION.sub(lambda found: found[0] + "\u200b", one_line(value))


def cut(text: str, size: int) -> str:
    """The text in at most `size` characters; an ellipsis marks what went, and no character is halved."""
    if len(text) <= size:
        return text
    end = max(size - len(ELLIPSIS), 0)
    # Nobody would miss a character made of ever more accents: look back a little only.
    for whole in range(end, max(end - LONGEST_CHARACTER, 0), -1):
        if not _joined(text[whole - 1], text[whole]):
            return text[:whole].rstrip() + ELLIPSIS
    return (text[:end].rstrip() + ELLIPSIS)[:size]


def _joined(left: str, right: str) -> bool:
    """Whether both belong to one character as people see it: accents, joined emoji, skin tones, flags."""
    if left == "\u200d" or right == "\u200d" or unicodedata.category(right).startswith("M"):
        return True
    if "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return all("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in (left, right))


def _plain(text: str) -> str:
    return "\n".join(_visible(line.replace("\t", " ")) for line in text.splitlines()).strip()


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(REPLACEMENT if _is_unseen(char) else char for char in text)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN and char not in _HARMLESS_FORMATS


def _worded(words: Mapping[str, Words], message: Message, reading: Reading) -> Text:
    return words.get(message.event.type.name, _summary)(message, reading)


def _briefly(words: Mapping[str, Words], message: Message, reading: Reading) -> Text:
    """The same for a line of its own: a name alone would not say what happened."""
    told = _worded(words, message, reading)
    return told if message.event.type.name in words else Text(told.body, "")


def _summary(message: Message, _reading: Reading) -> Text:
    event = message.event
    return Text(event.subject_name, str(orjson.loads(event.body)["summary"]))


def _tame_message(message: Message) -> Message:
    folded, also = tuple(map(_tame_event, message.folded)), tuple(map(_tame_event, message.also))
    return replace(message, event=_tame_event(message.event), folded=folded, also=also)


def _tame_event(event: Event) -> Event:
    body = orjson.dumps(_tame_json(orjson.loads(event.body)))
    return replace(event, subject_name=tame(event.subject_name), body=body)


def _tame_json(value: object) -> object:
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, list):
        return [_tame_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _tame_json(item) for key, item in value.items()}
    return value
