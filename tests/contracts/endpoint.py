"""A real HTTP endpoint on loopback that answers as a test wants, for sinks that speak HTTP."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Answer = Callable[["_Handler"], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; headers have lower-case names."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """Gives the answer `answer` to every request and keeps the requests; `released` ends what hangs."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, peer = super().get_request()
        self.endpoint.connections += 1
        return connection, peer

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        tls = self.endpoint.tls
        if tls is not None:
            # What began as plain is shut down by the server as plain; this one is ours to close.
            with tls.wrap_socket(request, server_side=True) as secured:
                _Handler(secured, client_address, self)
            return
        _Handler(request, client_address, self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what several answers are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True
    request_body: bytes = b""

    def do_POST(self) -> None:
        self.request_body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.endpoint.requests.append(Request(self.path, headers, self.request_body))
        self.server.endpoint.arrived.set()
        self.server.endpoint.answer(self)

    do_GET = do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def status(code: int, *, after: float = 0.0, **headers: str) -> Answer:
    """Answers with a status, and with everything that was sent repeated in its reason and body."""

    def answer(handler: _Handler) -> None:
        echo = repr((handler.path, handler.headers.items(), handler.request_body)).encode()
        handler.server.endpoint.released.wait(after)
        handler.send_response(code, handler.path)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if 300 <= code < 400:
            handler.send_header("Location", f"http://127.0.0.1:{handler.server.server_port}/elsewhere")
        if code == 204:
            handler.end_headers()
            return
        handler.send_header("Content-Length", str(len(echo)))
        handler.end_headers()
        handler.wfile.write(echo)

    return answer


def body(code: int, content: bytes) -> Answer:
    """Answers with a status and this body."""

    def answer(handler: _Handler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def answered(by: Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]) -> Answer:
    """Answers with the status and body that come of path, headers (lower-case names) and body of the request."""

    def answer(handler: _Handler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        code, content = by(handler.path, headers, handler.request_body)
        body(code, content)(handler)

    return answer


def reset(handler: _Handler) -> None:
    """Promises a body, sends part of it and resets the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"part")
    handler.wfile.flush()
    # Closing with a linger of zero sends a reset instead of an orderly end.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang(handler: _Handler) -> None:
    """Says nothing until it is released, then takes the message."""
    handler.server.endpoint.released.wait(20)
    status(200)(handler)


def trickle(handler: _Handler) -> None:
    """Sends a byte now and then, so that no timeout of a socket ever strikes, until it is released."""
    released = handler.server.endpoint.released
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not released.wait(0.02):
        handler.wfile.write(b".")
        handler.wfile.flush()
    handler.close_connection = True


def trickle_headers(handler: _Handler) -> None:
    """Begins an answer and never comes to the end of its first header, until it is released."""
    released = handler.server.endpoint.released
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not released.wait(0.02):
        handler.wfile.write(b".")
        handler.wfile.flush()
    handler.close_connection = True


def cut_short(handler: _Handler) -> None:
    """Promises a body, sends part of it and ends the connection in good order."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"part")
    handler.close_connection = True
