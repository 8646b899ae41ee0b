"""Log lines on stderr: JSON for programs, readable ones for people; our own and those of libraries alike.

A line is a constant sentence plus fields: `logger.info("stream opened", source="home")`. Its keys are
`timestamp`, `level`, `message`, `log_source` (`sentinel` unless bound otherwise), then the fields. An
exception adds `error_type` and `error`, and at level debug its traceback, without values of variables.

loguru is imported when there is a log to configure: commands that only ask have none, and their start is what one
waits for.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TextIO

import orjson

if TYPE_CHECKING:
    from loguru import Logger, Message, Record

LogFormat = Literal["pretty", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_BIDI = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_RESERVED = frozenset({"timestamp", "level", "message", "log_source"})
_COLOURS = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[1;31m",
}
_DIM, _RESET = "\x1b[2m", "\x1b[0m"
# What Apprise says can carry a sink's URL, and every outcome is reported by the dispatcher anyway.
_QUIET = {
    "apprise": logging.CRITICAL + 1,
    "urllib3": logging.ERROR,
    "requests": logging.ERROR,
    "grpc": logging.ERROR,
}


def configure(
    *,
    log_format: LogFormat | None = None,
    log_level: LogLevel = "info",
    color: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Sends every log line to `stream` (stderr) from now on; replaces what was configured before.

    Without a `log_format` a terminal gets `pretty` and everything else `json`. Colours need a terminal, too.
    """
    target = stream or sys.stderr
    terminal = target.isatty()
    tracebacks = log_level == "debug"
    if (log_format or ("pretty" if terminal else "json")) == "json":
        layout = partial(_json_line, tracebacks=tracebacks)
    else:
        layout = partial(_pretty_line, tracebacks=tracebacks, color=color and terminal)
    logger = the_logger()
    logger.remove()
    logger.add(
        _writer(target, layout),
        level=log_level.upper(),
        format=lambda _: "",
        diagnose=False,
        backtrace=False,
    )
    _intercept()


def the_logger() -> "Logger":
    """loguru's, imported with the first use of it."""
    logger: Logger = import_module("loguru").logger
    return logger


def configure_for_libraries(*, log_format: LogFormat | None, log_level: LogLevel, color: bool) -> None:
    """The same for a program that logs nothing itself: it is done when a library has something to say."""
    _intercept(lambda: configure(log_format=log_format, log_level=log_level, color=color))


def escape_controls(text: str) -> str:
    """The text with every character that could move the cursor or reorder the line spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{ord(char):04x}" if _is_control(char) else char for char in text)


class _LibraryHandler(logging.Handler):
    """Takes what libraries log through `logging` into our own lines; before it does, it may configure these."""

    def __init__(self, configure_first: Callable[[], None] | None = None) -> None:
        super().__init__(level=logging.WARNING)
        self._configure_first = configure_first

    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on unless its library is one that we keep quiet."""
        if record.levelno < _QUIET.get(record.name.partition(".")[0], logging.WARNING):
            return
        if self._configure_first is not None:
            self._configure_first()
        level = min(record.levelno, logging.CRITICAL) // 10 * 10
        bound = the_logger().bind(logger=record.name).opt(exception=record.exc_info)
        bound.log(logging.getLevelName(level), "{}", record.getMessage())


def _intercept(configure_first: Callable[[], None] | None = None) -> None:
    logging.root.handlers = [_LibraryHandler(configure_first)]
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        # At debug these libraries spell out tokens; nothing may ever format such a line.
        logging.getLogger(name).setLevel(logging.INFO)


def _writer(stream: TextIO, layout: "Callable[[Record], str]") -> "Callable[[Message], None]":
    def write(message: "Message") -> None:
        stream.write(layout(message.record) + "\n")
        stream.flush()

    return write


def _json_line(record: "Record", *, tracebacks: bool) -> str:
    line = {
        "timestamp": record["time"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": record["level"].name.lower(),
        "message": record["message"],
        **_fields(record, tracebacks=tracebacks),
    }
    try:
        text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        text = json.dumps(line, default=str, skipkeys=True)
    return escape_controls(text)


def _pretty_line(record: "Record", *, tracebacks: bool, color: bool) -> str:
    fields = _fields(record, tracebacks=tracebacks)
    source, trace = fields.pop("log_source"), fields.pop("traceback", None)
    level = record["level"].name
    origin = "" if source == "sentinel" else f"[{escape_controls(str(source))}] "
    message = origin + escape_controls(record["message"])
    shown = "".join(f" {escape_controls(str(key))}={_value(value)}" for key, value in fields.items())
    if color:
        shown = f"{_DIM}{shown}{_RESET}" if shown else ""
    mark, reset = (_COLOURS.get(level, ""), _RESET) if color else ("", "")
    line = f"{record['time']:%Y-%m-%d %H:%M:%S} {mark}{level:<7}{reset} {message}{shown}"
    if trace is not None:
        line += "".join(f"\n    {escape_controls(part)}" for part in str(trace).splitlines())
    return line


def _fields(record: "Record", *, tracebacks: bool) -> dict[str, object]:
    """`log_source`, what was bound, the exception; nothing can stand in for the line's own keys."""
    extra = record["extra"]
    fields: dict[str, object] = {"log_source": extra.get("log_source", "sentinel")}
    fields.update(
        {f"{key}_" if key in _RESERVED else key: value for key, value in extra.items() if key != "log_source"}
    )
    if (raised := record["exception"]) is not None and raised.type is not None:
        fields["error_type"] = raised.type.__name__
        fields["error"] = str(raised.value)
        if tracebacks:
            fields["traceback"] = "".join(traceback.format_exception(raised.type, raised.value, raised.traceback))
    return fields


def _value(value: object) -> str:
    text = escape_controls(value if isinstance(value, str) else str(value))
    return '"' + text.replace('"', '\\"') + '"' if text == "" or any(char in text for char in ' "=') else text


def _is_control(char: str) -> bool:
    code = ord(char)
    return code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or char in _BIDI
