"""Which version of the schema a store has, and what to do about one of another Sentinel."""

import sqlite3
from pathlib import Path

from sentinel.errors import StoreError

SCHEMA_VERSION = 6


def version(connection: sqlite3.Connection) -> int:
    """That of the store behind a connection; 0 for one that has no tables yet."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError for a store that this Sentinel cannot understand; what is read from it would be guesswork."""
    found = version(connection)
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer Sentinel (schema {found}, this one knows {SCHEMA_VERSION}): "
            "install that version or restore a backup"
        )


def refuse_others(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError for a store that only a service can bring up to date, too; for those who only read."""
    refuse_newer(connection, path)
    found = version(connection)
    if found < SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by an older Sentinel (schema {found}, this one has {SCHEMA_VERSION}): "
            "start the service, which brings it up to date"
        )
