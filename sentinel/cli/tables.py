"""Text for terminals: columns that line up, whatever the names in them are made of."""

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sentinel.logs import escape_controls

COLUMNS = 80
NARROWEST = 5
_GAP = "  "


def screen() -> int:
    """How many columns there are: the terminal's, or eighty where nobody sees them."""
    return shutil.get_terminal_size((COLUMNS, 24)).columns if sys.stdout.isatty() else COLUMNS


def width(text: str) -> int:
    """How many columns a terminal gives the text."""
    if text.isascii() and text.isprintable():
        return len(text)
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


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    columns: int = COLUMNS,
    whole: Collection[str] = ("since", "last heard"),
) -> list[str]:
    """Lines of a table within `columns`; empty columns are left out, numbers stand on the right.

    Columns whose title is among `whole` are not cut.
    """
    shown = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    cells = [[escape_controls(row[index]) for index in shown] for row in rows]
    numeric = [all(row[at].isdecimal() for row in cells) for at in range(len(shown))]
    lines = [[titles[index].upper() for index in shown], *cells]
    wanted = [max(width(line[at]) for line in lines) for at in range(len(shown))]
    least = [wanted[at] if titles[index] in whole else NARROWEST for at, index in enumerate(shown)]
    widths = _fitted(wanted, least, columns)
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


def _fitted(wanted: Sequence[int], least: Sequence[int], columns: int) -> list[int]:
    """The widths, the widest that can give made narrower until all fit or none can give any more."""
    fitted = list(wanted)
    while sum(fitted) + len(_GAP) * (len(fitted) - 1) > columns:
        giving = [at for at in range(len(fitted)) if fitted[at] > least[at]]
        if not giving:
            break
        fitted[max(giving, key=lambda at: fitted[at])] -= 1
    return fitted


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
