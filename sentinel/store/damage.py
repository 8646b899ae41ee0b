"""Finds damage in a store before anything is read from it or written to it; never changes it.

Four looks, each at what the others cannot see: the file's header, its write-ahead log, the structure of its pages and
indexes (SQLite's own check), and the seal of each row.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from sentinel.errors import StoreError
from sentinel.store import rows, wal
from sentinel.store.versions import refuse_newer

_HEADER_BYTES = 100
_INDEX_BYTES = 96
# Errors of the machine, not of the file's contents.
_NOT_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


def refuse_damaged(path: Path) -> None:
    """Raises StoreError if the store has lost anything; OSError and sqlite3.DatabaseError if it cannot be read."""
    log = _beside(path, "-wal")
    if what := _header_fault(_beginning(path, _HEADER_BYTES)):
        _refuse(path, f"its header is damaged ({what})")
    if what := wal.damage(log.read_bytes() if log.exists() else b"", _beginning(_beside(path, "-shm"), _INDEX_BYTES)):
        _refuse(path, f"its log {log.name} {what}")
    try:
        # Reading alone leaves the file and its log as they are, which the end of a writing connection would not.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            what = _structure_fault(connection)
            if not what and (what := _row_fault(connection)):
                # A newer one may seal its rows in a way of its own.
                refuse_newer(connection, path)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGE:
            raise
        what = str(error)
    except UnicodeError:
        what = "it has text that is none"
    if what:
        _refuse(path, what)


def refuse_orphaned_log(path: Path) -> None:
    """Raises StoreError if there is a log without its store: SQLite would remove it for the new one."""
    log = _beside(path, "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(f"the store {path} is gone but its log is not: put it back, or move {log} away to start anew")


def schema_seal(connection: sqlite3.Connection) -> int:
    """The checksum of the definitions of all tables and indexes, and of the number of their version."""
    version = connection.execute("PRAGMA user_version").fetchone()
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    return rows.seal(*version, *(value for row in found for value in row))


def _refuse(path: Path, what: str) -> NoReturn:
    raise StoreError(
        f"the store {path} is damaged: {' '.join(what.split())}; "
        f"restore a backup, or move {path.name}* away to start anew"
    )


def _header_fault(header: bytes) -> str:
    """What is wrong with the fields that SQLite itself takes as they are; empty for nothing."""
    if len(header) < _HEADER_BYTES:
        return "the file is empty or cut off"
    if not header.startswith(b"SQLite format 3\0"):
        return "this is not a database"
    if header[18] != header[19]:
        return "its two versions differ"
    if header[24:28] != header[92:96]:
        return "its two counters of changes differ"
    settings = (header[44:48], header[48:56], header[56:60], header[64:92])
    if settings != (b"\0\0\0\4", bytes(8), b"\0\0\0\1", bytes(28)):
        return "it has settings that no Sentinel makes"
    return ""


def _structure_fault(connection: sqlite3.Connection) -> str:
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return "" if verdict == "ok" else str(verdict)


def _row_fault(connection: sqlite3.Connection) -> str:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if "ledger" not in tables:
        return "it has no ledger"
    for table in tables:
        broken = sum(row[-1] != rows.seal(*row[:-1]) for row in connection.execute(f"SELECT * FROM {table}"))
        if broken:
            return f"{broken} rows of its table {table} do not match their checksums"
    found = connection.execute("SELECT schema FROM ledger").fetchone()
    return "" if found == (schema_seal(connection),) else "the definitions of its tables do not match their checksum"


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


def _beginning(path: Path, size: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(size)
