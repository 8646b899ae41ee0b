"""Text for terminals: columns that line up, whatever the names in them are made of."""

import re
import shutil
import sys
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sentinel.logs import escape_controls

COLUMNS = 80
NARROWEST = 5
LONGEST_WORD = 56
_GAP = "  "


def screen() -> int:
    """How many columns there are: the terminal's, or eighty where nobody sees them."""
    return shutil.get_terminal_size((COLUMNS, 24)).columns if sys.stdout.isatty() else COLUMNS


def width(text: str) -> int:
    """How many columns a terminal gives the text."""
    return len(text) if is_plain(text) else sum(map(_columns, text))


def is_plain(text: str) -> bool:
    """Whether every character takes one column and none does anything else."""
    return text.isascii() and text.isprintable()


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
    return beside(titles, list(zip(*rows, strict=True)) or [()] * len(titles), columns=columns, whole=whole)


def beside(
    titles: Sequence[str],
    cells: Sequence[Sequence[str]],
    *,
    columns: int = COLUMNS,
    whole: Collection[str] = ("since", "last heard"),
) -> list[str]:
    """The same of cells that are sorted by column."""
    found = [_column(title, texts) for title, texts in zip(titles, cells, strict=True) if any(texts)]
    least = [column.width if column.title in whole else NARROWEST for column in found]
    widths = _fitted([column.width for column in found], least, columns)
    laid = [_laid(column, width) for column, width in zip(found, widths, strict=True)]
    return [_GAP.join(cells).rstrip() for cells in zip(*laid, strict=True)]


def wrapped(text: str, *, indent: str = "") -> str:
    """The text on lines that fit, each after the first begun with `indent`; only a word that is too long stands out."""
    line, *rest = re.split("( +)", escape_controls(text))
    lines = []
    for space, word in zip(rest[::2], rest[1::2], strict=True):
        if line.strip() and width(f"{line}{space}{word}") > COLUMNS:
            lines.append(line)
            line = indent + word
        else:
            line += space + word
    return "\n".join([*lines, line]).rstrip()


def shortened(text: str) -> str:
    """The text with its words cut to a length that fits; names from the network have any length."""
    return " ".join(cut(word, LONGEST_WORD) for word in escape_controls(text).split(" "))


def local(moment: datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """The moment on a clock in `zone`, empty if there is none."""
    return f"{moment.astimezone(zone):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}}" if moment else ""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table: its cells, the title above them, and how wide they are. `plain` is what most are."""

    title: str
    cells: Sequence[str]
    width: int
    numeric: bool
    plain: bool


def _column(title: str, texts: Sequence[str]) -> _Column:
    # One look at all of them together: a table may have thousands.
    plain, head = is_plain("".join(texts)), title.upper()
    cells = [head, *(texts if plain else map(escape_controls, texts))]
    widest = max(map(len if plain else width, cells))
    return _Column(title, cells, widest, all(map(str.isdecimal, texts)), plain)


def _laid(column: _Column, columns: int) -> list[str]:
    """The cells, each just so many columns wide."""
    if column.plain and column.width <= columns:
        return [cell.rjust(columns) if column.numeric else cell.ljust(columns) for cell in column.cells]
    kept = [cut(cell, columns) for cell in column.cells]
    spaces = [" " * (columns - width(cell)) for cell in kept]
    return [space + cell if column.numeric else cell + space for cell, space in zip(kept, spaces, strict=True)]


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
