"""The other side of webhooks, in a process of its own: what is measured does not share an interpreter."""

import multiprocessing
import socket
import threading
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Literal, Self

Manner = Literal["takes", "hangs", "trickles"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


class Receivers:
    """Several, each with a port and a manner of its own."""

    def __init__(self, *manners: Manner) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(manners, theirs), daemon=True)
        self._process.start()
        ports: list[int] = self._pipe.recv()
        self.urls = [f"http://127.0.0.1:{port}/" for port in ports]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join(10)

    def arrivals(self) -> list[float]:
        """When each request was there, of those since the last time that somebody asked (monotonic clock)."""
        self._pipe.send("arrivals")
        answer: list[float] = self._pipe.recv()
        return answer


def _serve(manners: tuple[Manner, ...], pipe: Connection) -> None:
    arrived: list[float] = []
    listening = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in manners]
    for manner, listener in zip(manners, listening, strict=True):
        threading.Thread(target=_accept, args=(manner, listener, arrived), daemon=True).start()
    pipe.send([listener.getsockname()[1] for listener in listening])
    while pipe.recv():
        told, arrived[:] = arrived[:], []
        pipe.send(told)


def _accept(manner: Manner, listener: socket.socket, arrived: list[float]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(manner, connection, arrived), daemon=True).start()


def _answer(manner: Manner, connection: socket.socket, arrived: list[float]) -> None:
    try:
        while _take(connection):
            if manner == "takes":
                arrived.append(time.monotonic())
                connection.sendall(OK)
            else:
                _keep_waiting(manner, connection)
    except OSError:
        """The other side gave up, as it should."""


def _take(connection: socket.socket) -> bool:
    """Reads one request; False when there are no more."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65_536)):
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return True


def _keep_waiting(manner: Manner, connection: socket.socket) -> None:
    if manner == "trickles":
        connection.sendall(ENDLESS)
    while True:
        time.sleep(0.02)
        if manner == "trickles":
            connection.sendall(b".")
