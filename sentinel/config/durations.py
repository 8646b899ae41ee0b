"""Spans of time as people write them: `3s`, `500ms`, `12h`, `90d`, `1h30m`, and a bare `0`."""

import re
from datetime import timedelta

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
# Go writes these, too; none of them makes a difference here.
_TINY = {"us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|[dhms])")
PATTERN = r"^(0|(\d+(\.\d+)?(ms|us|µs|ns|[dhms]))+)$"


def parse_duration(text: object) -> timedelta:
    """The span that `text` spells; raises ValueError with an example for everything else."""
    spelled = str(text).strip() if isinstance(text, str | int) and not isinstance(text, bool) else ""
    if spelled == "0":
        return timedelta()
    if not re.fullmatch(PATTERN, spelled, re.ASCII):
        raise ValueError(_refusal(text))
    try:
        units = _UNITS | _TINY
        return timedelta(milliseconds=sum(float(number) * units[unit] for number, unit in _PART.findall(spelled)))
    except OverflowError:
        raise ValueError("is longer than Sentinel can count: for example 90d") from None


def spell_duration(span: timedelta) -> str:
    """The shortest spelling of the span, for example `1h30m`."""
    left = round(span / timedelta(milliseconds=1))
    parts = []
    for unit, length in _UNITS.items():
        count, left = divmod(left, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0"


def _refusal(text: object) -> str:
    if isinstance(text, int) and not isinstance(text, bool):
        return f"needs a unit: for example {text}s, 500ms, 12h, 90d or 1h30m"
    return "is not a duration: write for example 3s, 500ms, 12h, 90d or 1h30m"
