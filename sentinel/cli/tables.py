"""Text for terminals: columns that line up, whatever the names in them are made of."""

import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sentinel.logs import escape_controls

COLUMNS = 80
NARROWEST = 5
_GAP = "  "


def width(text: str) -> int:
    """How many columns a terminal gives the text."""
    return sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """The text within so many columns; an ellipsis stands for what is left out."""
    if width(text) <= columns:
        return text
    kept, used = "", 0
    for char in text:
        used += _columns(char)
        if used > columns - 1:
            break
        kept += char
    return kept + "…"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, columns: int = COLUMNS) -> list[str]:
    """Lines of a table within `columns`; empty columns are left out, numbers stand on the right."""
    shown = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    cells = [[escape_controls(row[index]) for index in shown] for row in rows]
    numeric = [all(row[at].isdecimal() for row in cells) for at in range(len(shown))]
    lines = [[titles[index].upper() for index in shown], *cells]
    widths = _fitted([max(width(line[at]) for line in lines) for at in range(len(shown))], columns)
    return [_line(line, widths, numeric) for line in lines]


def wrapped(text: str, *, indent: str = "") -> str:
    """The text on lines that fit, each after the first begun with `indent`."""
    return textwrap.fill(
        escape_controls(text),
        COLUMNS,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def local(moment: datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """The moment on a clock in `zone`, empty if there is none."""
    return f"{moment.astimezone(zone):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}}" if moment else ""


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for text, columns, right in zip(cells, widths, numeric, strict=True):
        kept = cut(text, columns)
        space = " " * (columns - width(kept))
        padded.append(space + kept if right else kept + space)
    return _GAP.join(padded).rstrip()


def _fitted(widths: list[int], columns: int) -> list[int]:
    """The widths, the widest made narrower until all fit or none can give any more."""
    fitted = list(widths)
    while fitted and sum(fitted) + len(_GAP) * (len(fitted) - 1) > columns and max(fitted) > NARROWEST:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
