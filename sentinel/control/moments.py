"""Moments in messages."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime | None) -> int:
    """The moment as a number; 0 for None."""
    return (moment - _EPOCH) // _MICROSECOND if moment else 0


def at(microseconds: int) -> datetime | None:
    """The moment that `microseconds` gave."""
    return _EPOCH + timedelta(microseconds=microseconds) if microseconds else None


def stamp(moment: datetime | None) -> Timestamp | None:
    """The moment in a message; None for None."""
    if moment is None:
        return None
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def moment(stamped: Timestamp) -> datetime:
    """The moment that a message has; its own way takes three times as long, which thousands of subjects feel."""
    return _EPOCH + timedelta(seconds=stamped.seconds, microseconds=stamped.nanos // 1_000)
