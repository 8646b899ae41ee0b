"""Layout, escaping and limits."""

import unicodedata
from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.delivery.render import (
    Limit,
    cut,
    escape_markdown,
    fit,
    one_line,
    render_body,
    render_json,
    render_text,
    render_words,
    tame,
)
from sentinel.events import Message, Reading, Severity, Text
from sentinel.model import Change
from tests.messages import OFFLINE, ONLINE, RENAMED, START, event, message

READING = Reading(START, ZoneInfo("UTC"))
ROOMY = Limit(title=1000, body=5000)


def names(told: Message, _reading: Reading) -> Text:
    """Words that put an untrusted name in the title and untrusted values in the body."""
    owner = told.event.payload().get("owner", "")
    return Text(f"{told.event.subject_name} lost contact", f"{told.event.subject_name} of {owner} is away.\nLook.")


WORDS = {OFFLINE.name: names}


def told(name: str, owner: str = "") -> Text:
    return render_text(message(event(name=name, payload={"owner": owner})), WORDS, READING, ROOMY)


def test_programs_get_the_envelope_byte_for_byte() -> None:
    said = message()
    assert said.event.body in render_json(said)


def test_programs_get_one_line_with_sink_and_key() -> None:
    said = message(sink="hook")
    line = render_json(said)
    assert b"\n" not in line
    fields = orjson.loads(line)
    assert list(fields) == ["log_source", "sink", "event", "idempotency_key"]
    assert (fields["log_source"], fields["sink"], fields["idempotency_key"]) == ("sink", "hook", said.key)


def test_a_program_that_is_told_by_itself_gets_the_envelope_and_the_key_alone() -> None:
    said = message(sink="hook")
    body = render_body(said)
    assert said.event.body in body
    assert list(orjson.loads(body)) == ["event", "idempotency_key"]


def test_words_of_our_own_stand_in_place_of_the_event() -> None:
    line = orjson.loads(render_words("out", Text("Test", "A test."), Severity.INFO))
    words = {"title": "Test", "body": "A test.", "severity": "info"}
    assert line == {"log_source": "sink", "sink": "out", "text": words}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain words, 1.5 h - and so on.", "plain words, 1.5 h - and so on."),
        ("**a** _b_ `c` ~d~ |e|", r"\*\*a\*\* \_b\_ \`c\` \~d\~ \|e\|"),
        ("[x](y) <b> #h \\", r"\[x\]\(y\) \<b\> \#h \\"),
        ("- list\n 1. list\nend-1.5", "\\- list\n 1\\. list\nend-1.5"),
        ("https://evil.example", "https:\u200b//evil.example"),
    ],
)
def test_markdown_shows_every_character_as_itself(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


def test_programs_get_the_keys_and_changes_of_what_was_folded_oldest_first() -> None:
    earlier = event(OFFLINE, number=1, changes=[Change("online", True, False)])
    later = event(ONLINE, number=2, changes=[Change("online", False, True), Change("name", "a", "b")])
    fields = orjson.loads(render_json(message(event(OFFLINE, number=3), folded=[earlier, later])))
    assert fields["folded"] == [earlier.key, later.key]
    assert fields["since"] == [
        {"path": "online", "before": True, "after": False},
        {"path": "online", "before": False, "after": True},
        {"path": "name", "before": "a", "after": "b"},
    ]


def test_people_get_the_words_of_the_type() -> None:
    assert told("nas", "alice@example.com") == Text("nas lost contact", "nas of alice@example.com is away.\nLook.")


def test_a_type_without_words_is_told_by_its_summary() -> None:
    said = message(event(RENAMED, summary="nas is now called box"))
    assert render_text(said, WORDS, READING, ROOMY) == Text("nas", "nas is now called box")


@pytest.mark.parametrize("breaking", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029", "\v", "\f", "\t"])
def test_a_name_stays_on_its_line(breaking: str) -> None:
    text = told(f"nas{breaking}ALL CLEAR")
    assert text.title == "nas ALL CLEAR lost contact"
    assert text.body.splitlines() == ["nas ALL CLEAR of  is away.", "Look."]


@pytest.mark.parametrize("hidden", ["\x1b[2J", "\x00", "\x07", "\x9b31m", "\u202egpj", "\u2066", "\u200f", "\ufeff"])
def test_control_characters_of_a_name_are_made_visible(hidden: str) -> None:
    text = told(f"nas{hidden}", owner=hidden)
    assert "\ufffd" in text.title
    assert hidden[0] not in text.title + text.body


@pytest.mark.parametrize("call", ["@everyone", "@here", "<@1234>", "<!channel>", "<#C1>", "@channel"])
def test_a_name_calls_nobody(call: str) -> None:
    assert call not in told(call).title


def test_an_address_of_an_owner_stays_as_it_is() -> None:
    assert tame("alice.b+x@example.com") == "alice.b+x@example.com"


@pytest.mark.parametrize("name", ["nas", "büro-server", "žluťoučký", "サーバー", "👩‍💻-laptop"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert tame(name) == name


def test_what_was_folded_is_tamed_as_well() -> None:
    seen: list[str] = []

    def words(message: Message, _reading: Reading) -> Text:
        seen.extend(earlier.subject_name for earlier in message.folded)
        return Text("t", "b")

    said = message(event(number=2), folded=[event(name="a\nb")])
    render_text(said, {OFFLINE.name: words}, READING, ROOMY)
    assert seen == ["a b"]


def test_title_and_body_are_cut_to_their_limits() -> None:
    text = fit(Text("t" * 300, "b" * 300), Limit(title=10, body=20))
    assert text == Text("t" * 9 + "…", "b" * 19 + "…")


def test_what_fits_is_not_cut() -> None:
    assert cut("nas is back", 11) == "nas is back"


def test_nothing_is_left_where_there_is_no_room() -> None:
    assert cut("nas", 0) == ""


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("cafe\u0301s", 5, "caf…"),
        ("a👩\u200d💻b", 4, "a…"),
        ("ab👍\U0001f3fdc", 4, "ab…"),
        ("a🇩🇪b", 3, "a…"),
        ("word word", 6, "word…"),
    ],
)
def test_a_cut_halves_no_character(text: str, size: int, expected: str) -> None:
    assert cut(text, size) == expected


def test_a_name_of_nothing_but_accents_is_cut_all_the_same() -> None:
    assert len(cut("a" + "\u0301" * 500, 100)) == 100


@given(st.text(max_size=60), st.integers(min_value=0, max_value=50))
def test_no_text_is_longer_than_its_limit(text: str, size: int) -> None:
    assert len(cut(text, size)) <= size


@given(st.text(max_size=60))
def test_one_line_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    kinds = {unicodedata.category(char) for char in line if char not in "\u200b\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_words_are_asked_with_the_circumstances_of_the_reading() -> None:
    later = Reading(START + timedelta(hours=1), ZoneInfo("Europe/Berlin"), several_networks=True)
    seen: list[Reading] = []

    def words(_message: Message, reading: Reading) -> Text:
        seen.append(reading)
        return Text("t", "b")

    render_text(message(), {OFFLINE.name: words}, later, ROOMY)
    assert seen == [later]
