"""Moments in messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def stamp(moment: datetime | None) -> Timestamp | None:
    """The moment in a message; None for None."""
    if moment is None:
        return None
    made = Timestamp()
    made.FromDatetime(moment)
    return made
