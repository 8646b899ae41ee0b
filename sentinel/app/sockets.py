"""gRPC servers on unix sockets.

gRPC makes its sockets readable by all, takes over one that is in use, and removes whatever lies at the path when it
ends. So each socket has a lock of its own that is held for as long as the server lives, and a narrow mask while it is
made: for this user alone, or, in a folder that hands its group on (mode 2750), for that group too. The latter is how a
sidecar that runs as another user gets in.
"""

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from sentinel.app.locks import exclusive
from sentinel.errors import StateError

LARGEST_MESSAGE = 64 << 20
"""Bytes: a change of ten thousand peers in one frame fits."""
STOP_WITHIN = 2.0
"""Seconds that calls under way have left once the server stops."""
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 16),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
)


@contextmanager
def served(path: Path, add: Callable[[grpc.Server], None], *, name: str) -> Iterator[grpc.Server]:
    """A running server at the socket; stopped, and its socket gone, at the end. Raises StateError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"the folder of {name}.socket cannot be made: {path.parent}: {error.strerror}") from error
    taken = f"another Sentinel answers at {path}: stop it, or set {name}.socket to another path"
    with exclusive(path.with_name(f"{path.name}.lock"), taken):
        # Whoever held the lock before is gone, so a socket that is still here is stale.
        path.unlink(missing_ok=True)
        threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix=name)
        server = grpc.server(threads, options=_OPTIONS)
        add(server)
        _bind(server, path, name)
        server.start()
        try:
            yield server
        finally:
            server.stop(STOP_WITHIN).wait()
            threads.shutdown(wait=False, cancel_futures=True)
            path.unlink(missing_ok=True)


def _bind(server: grpc.Server, path: Path, name: str) -> None:
    for_group = path.parent.stat().st_mode & stat.S_ISGID
    mask = os.umask(0o117 if for_group else 0o177)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise StateError(
            f"the socket {path} cannot be made: check the folder's permissions, or set {name}.socket"
        ) from error
    finally:
        os.umask(mask)
