"""Log lines: their keys, what is escaped, what is kept quiet."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from sentinel import logs


class Terminal(io.StringIO):
    """A stream with a person in front of it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    handlers, show = logging.root.handlers, warnings.showwarning
    levels = {name: logging.getLogger(name).level for name in ("apprise", "urllib3", "requests", "grpc")}
    yield
    logging.captureWarnings(capture=False)
    logging.root.handlers, warnings.showwarning = handlers, show
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logger.remove()


def stream(**options: Any) -> io.StringIO:
    target = io.StringIO()
    logs.configure(stream=target, **options)
    return target


def lines(target: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.getvalue().splitlines()]


def test_whoever_logs_nothing_itself_does_without_loguru_until_a_library_has_something_to_say() -> None:
    program = (
        "import logging, sys; from sentinel import logs;"
        "logs.configure_for_libraries(log_format='json', log_level='error', color=False);"
        "logging.getLogger('some').info('left out'); before = 'loguru' in sys.modules;"
        "logging.getLogger('some').error('told'); print(before, 'loguru' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["told"]


class TestJson:
    def test_a_line_has_its_four_keys_and_then_the_fields(self) -> None:
        target = stream(log_format="json")

        logger.bind(peer="nas").info("peer seen", revision=3)

        (line,) = lines(target)
        assert list(line) == ["timestamp", "level", "message", "log_source", "peer", "revision"]
        assert line["timestamp"].endswith("Z")
        assert {key: line[key] for key in list(line)[1:]} == {
            "level": "info",
            "message": "peer seen",
            "log_source": "sentinel",
            "peer": "nas",
            "revision": 3,
        }

    def test_the_source_can_be_another(self) -> None:
        target = stream(log_format="json")
        logger.bind(log_source="tailscale").warning("hm")
        assert lines(target)[0]["log_source"] == "tailscale"

    def test_a_field_cannot_stand_in_for_a_key_of_the_line(self) -> None:
        target = stream(log_format="json")
        logger.bind(level="x", message="y", timestamp="z").info("true")
        (line,) = lines(target)
        assert (line["level"], line["message"], line["level_"]) == ("info", "true", "x")

    @pytest.mark.parametrize("value", ["a\x1b[31m", "\x9b31m", "\u202egpj.exe", "line\nline", "\ud800", "\x7f"])
    def test_no_control_character_gets_out(self, value: str) -> None:
        target = stream(log_format="json")
        logger.bind(name=value).info("{}", value)
        text = target.getvalue()
        assert text.count("\n") == 1
        assert text.rstrip("\n").isprintable()
        assert json.loads(text)["name"] == value

    @pytest.mark.parametrize("value", [2**70, {1, 2}, object(), float("nan"), {1: 2}, b"x"])
    def test_any_value_can_be_logged(self, value: object) -> None:
        target = stream(log_format="json")
        logger.bind(value=value).info("said")
        assert lines(target)[0]["message"] == "said"


class TestPretty:
    def test_fields_follow_the_sentence(self) -> None:
        target = stream(log_format="pretty")
        logger.bind(name="Mira's phone", empty="", log_source="sink").error("not delivered", attempt=2)
        text = target.getvalue()
        assert text.rstrip().endswith("""ERROR   [sink] not delivered name="Mira's phone" empty="" attempt=2""")

    def test_control_characters_are_spelled_out(self) -> None:
        target = stream(log_format="pretty")
        logger.bind(name="a\x1b[31m\n").info("seen\r{}", "\u202e")
        assert target.getvalue().rstrip("\n").isprintable()
        assert "name=a\\u001b[31m\\u000a" in target.getvalue()

    def test_a_terminal_gets_it_in_colour_unless_that_is_not_wanted(self) -> None:
        for color, expected in ((True, True), (False, False)):
            terminal = Terminal()
            logs.configure(stream=terminal, color=color)
            logger.bind(a=1).warning("hm")
            assert ("\x1b[" in terminal.getvalue()) is expected
            assert "WARNING" in terminal.getvalue()

    def test_anything_else_gets_json_by_itself_and_never_colour(self) -> None:
        plain, chosen = stream(), stream(log_format="pretty", color=True)
        logger.info("x")
        assert plain.getvalue() == ""
        assert "\x1b" not in chosen.getvalue()
        again = stream()
        logger.info("x")
        assert lines(again)[0]["message"] == "x"


class TestExceptions:
    @staticmethod
    def fail(log_level: logs.LogLevel, log_format: logs.LogFormat) -> str:
        target = stream(log_level=log_level, log_format=log_format)
        secret = "canary"
        try:
            raise ValueError("too\nbad") if secret else KeyError
        except ValueError:
            logger.exception("it failed")
        return target.getvalue()

    def test_they_are_type_and_text(self) -> None:
        line = json.loads(self.fail("info", "json"))
        assert (line["error_type"], line["error"]) == ("ValueError", "too\nbad")
        assert "traceback" not in line
        assert self.fail("info", "pretty").rstrip().endswith(r"error_type=ValueError error=too\u000abad")

    def test_the_traceback_comes_at_debug_only_and_shows_no_values(self) -> None:
        for log_format in ("json", "pretty"):
            text = self.fail("debug", log_format)
            assert "Traceback (most recent call last)" in text
            assert "'canary'" not in text


class TestLevels:
    def test_less_than_the_level_is_not_logged(self) -> None:
        target = stream(log_level="warning", log_format="json")
        logger.info("no")
        logger.warning("yes")
        assert [line["message"] for line in lines(target)] == ["yes"]

    def test_configuring_again_replaces_the_stream(self) -> None:
        old, new = stream(), stream()
        logger.info("x")
        assert (old.getvalue(), len(lines(new))) == ("", 1)


class TestLibraries:
    def test_their_warnings_come_out_as_lines_of_ours(self) -> None:
        target = stream(log_format="json", log_level="debug")
        logging.getLogger("lib.part").warning("careful with %s", "{braces}")
        logging.getLogger("lib.part").info("chatter")
        (line,) = lines(target)
        assert (line["message"], line["logger"], line["level"]) == ("careful with {braces}", "lib.part", "warning")

    @pytest.mark.parametrize(
        "name", ["apprise", "apprise.plugins", "urllib3.connectionpool", "grpc._channel", "requests"]
    )
    def test_some_are_kept_quiet(self, name: str) -> None:
        target = stream(log_format="json", log_level="debug")
        logging.getLogger(name).warning("https://canary@host")
        assert target.getvalue() == ""

    def test_apprise_says_nothing_at_all_since_it_would_show_urls(self) -> None:
        target = stream(log_format="json", log_level="debug")
        logging.getLogger("apprise").critical("Unparseable URL https://canary@host")
        assert target.getvalue() == ""

    def test_what_a_handler_of_grpc_raises_is_not_lost(self) -> None:
        target = stream(log_format="json")
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("grpc._server").exception("Exception calling application")
        (line,) = lines(target)
        assert (line["level"], line["error_type"]) == ("error", "KeyError")

    def test_warnings_of_python_are_lines_too(self) -> None:
        target = stream(log_format="json")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=False)
            logging.captureWarnings(capture=True)
            warnings.warn("old", UserWarning, stacklevel=1)
        assert "old" in lines(target)[0]["message"]

    def test_unusual_levels_find_a_usual_one(self) -> None:
        target = stream(log_format="json")
        logging.getLogger("lib").log(35, "between")
        logging.getLogger("lib").log(99, "beyond")
        assert [line["level"] for line in lines(target)] == ["warning", "critical"]


def test_plain_text_is_not_touched_by_escaping() -> None:
    text = "nas 🖥 Ångström 日本 👩‍💻"
    assert logs.escape_controls(text) == text
