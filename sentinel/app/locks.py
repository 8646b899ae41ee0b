"""Who may use a directory or a socket: a lock file for each, held to the end of the process.

The lock files are never removed: removing one that somebody else has just opened would let two processes in.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentinel.errors import StateError

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"}
)


@contextmanager
def state_lock(directory: Path) -> Iterator[None]:
    """The state directory, made if it is missing, for this process alone. Raises StateError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError as error:
        raise StateError(
            f"the state directory {directory} cannot be made by user {os.getuid()}: {_chown(_nearest(directory))}, "
            "or set state.path"
        ) from error
    except OSError as error:
        raise StateError(
            f"the state directory {directory} cannot be made: {error.strerror}; set state.path to another place"
        ) from error
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise StateError(
            f"the state directory {directory} is on a read-only file system: make that writable, or set state.path"
        )
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise StateError(
            f"the state directory {directory} cannot be read and written by user {os.getuid()}: "
            f"{_chown(directory)}, or set state.path"
        )
    kind = file_system(directory)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StateError(
            f"the state directory {directory} is on a network file system ({kind}), where a database can be damaged: "
            "set state.path to a local directory"
        )
    taken = f"another Sentinel uses the state directory {directory}: stop it, or set state.path to another directory"
    with exclusive(directory / "sentinel.lock", taken):
        yield


def _chown(directory: Path) -> str:
    return f"run 'chown -R {os.getuid()} {directory}' (of a volume, on the folder that is mounted there)"


def _nearest(directory: Path) -> Path:
    """The deepest folder on the way to the directory that is there."""
    return next(folder for folder in directory.parents if folder.is_dir())


@contextmanager
def exclusive(path: Path, taken: str) -> Iterator[None]:
    """The lock file, held. Raises StateError with `taken` and the holder's process id when somebody else has it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(
            f"the lock file {path} cannot be opened: {error.strerror}; make its folder writable for user {os.getuid()}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        os.close(lock)
        raise StateError(f"{taken} (it runs as process {holder})" if holder else taken) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    try:
        yield
    finally:
        os.close(lock)


def file_system(directory: Path) -> str:
    """The kind of file system that a directory is on, as the kernel names it; empty where the kernel does not say."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    place = directory.resolve()
    found = (line.split()[1:3] for line in mounts.read_text().splitlines())
    holding = [(point, kind) for point, kind in found if place.is_relative_to(point)]
    # The deepest mount point wins, and of several on one point the last.
    return max(reversed(holding), key=lambda mount: len(mount[0]), default=("", ""))[1]
