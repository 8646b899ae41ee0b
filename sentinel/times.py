"""Moments and lengths of time as people read them, whatever happened then."""

from datetime import datetime, timedelta

from sentinel.events import Reading


def duration(length: timedelta) -> str:
    """`45 s`, `2 min`, `1 h 12 min`, `3 d 4 h`: the two largest units, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes = rest // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def local_time(moment: datetime, reading: Reading) -> str:
    """`14:02` on the reader's own day, `Nov 20, 23:12` on another."""
    local, today = moment.astimezone(reading.zone), reading.now.astimezone(reading.zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"


def calendar(moment: datetime, reading: Reading) -> str:
    """`today at 14:02`, `on Nov 20 at 23:12`, `on Nov 20, 2031`: a moment that may be far away."""
    local, today = moment.astimezone(reading.zone), reading.now.astimezone(reading.zone)
    if local.date() == today.date():
        return f"today at {local:%H:%M}"
    if abs(moment - reading.now) < timedelta(days=300):
        return f"on {local:%b} {local.day} at {local:%H:%M}"
    return f"on {local:%b} {local.day}, {local.year}"


def since(moment: datetime, reading: Reading) -> str:
    """`at 14:02, 2 min ago`; without the second half while it is as good as now."""
    ago = reading.now - moment
    told = f"at {local_time(moment, reading)}"
    return told if ago < timedelta(seconds=30) else f"{told}, {duration(ago)} ago"
