"""One HTTP address that is posted to, over connections that are kept.

The standard library's client does the talking: it follows no redirect, reads no proxy from the environment and tries
nothing twice. What is added is what it lacks: which addresses may be reached, a deadline for the whole answer, a bound
on its size, and failures that say whether trying again can help. No text that leaves this module holds a path, a query,
a header or a body.
"""

import base64
import contextlib
import http.client
import io
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from sentinel import __version__
from sentinel.clock import boot_seconds
from sentinel.delivery.sinks.reach import Reach, UnreachableError, connect
from sentinel.errors import ConfigError, DeliveryError, Fault

MOST_READ = 65_536
TIMEOUT = timedelta(seconds=20)
"""For one answer; less than the dispatcher's deadline, so that a send that hangs ends by itself."""
_CONNECTING = timedelta(seconds=5)
_AT_ONCE, _APART = 8, 0.25
"""So many pieces of an answer are taken as they come, the others so many seconds apart."""
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (UnreachableError, "the address may not be connected to: see `allow` and `deny` of the sink"),
    (socket.gaierror, "the name of the host cannot be resolved"),
    (ssl.SSLError, "no secure connection came about"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.IncompleteRead, "the connection broke off in the middle of the answer"),
    (http.client.HTTPException, "the answer is no valid HTTP"),
)
_WORTH_A_RETRY = frozenset({408, 425, 429})
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How an address is reached. `ca_file` holds the certificates that are trusted instead of the machine's own."""

    url: str = field(repr=False)
    reach: Reach = field(default_factory=Reach)
    ca_file: Path | None = None
    timeout: timedelta = TIMEOUT


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered; header names are lower case, the body is cut at `MOST_READ`."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpAddress:
    """Where to post to. Several threads may post at once, each over a connection of its own."""

    def __init__(self, settings: HttpSettings, *, suffix: str = "", query: str = "") -> None:
        """Connects to nothing yet; raises ConfigError with the path `url` or `ca_file`, without the URL.

        `suffix` is put behind the URL's path, `query` behind its query.
        """
        url = _split(settings.url)
        self._host, self._port = str(url.hostname), url.port
        self._target = _target(url, suffix=suffix, query=query)
        self._headers = {"User-Agent": f"Sentinel/{__version__}", **_login(url)}
        self._reach = settings.reach
        self._timeout = settings.timeout
        self._tls = _tls(settings.ca_file) if url.scheme == "https" else None
        self._idle: deque[_Connection] = deque()
        self._closed = threading.Event()

    def post(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Reply:
        """Posts and returns the answer if it is a success; raises DeliveryError if not, a RefusedError if
        that is what was answered.

        A date in `Retry-After` is counted from the other side's own clock if it tells it, else from `now`.
        """
        reply = self._exchange(body, {**self._headers, **headers})
        if not 200 <= reply.status < 300:
            raise RefusedError(reply, now)
        return reply

    def close(self) -> None:
        """Lets go of the connections, of one in use when its answer is there."""
        self._closed.set()
        self._drop_idle()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        connection = self._connection()
        try:
            reply = connection.exchange(self._target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # Its text may quote what was sent, and so may the exception itself, which is therefore not passed on.
            raise DeliveryError(self._reason(error), retryable=True) from None
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._idle.append(connection)
        else:
            connection.close()
        if self._closed.is_set():
            self._drop_idle()
        return reply

    def _drop_idle(self) -> None:
        # Two threads may be at it, and each takes what the other has left.
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _connection(self) -> "_Connection":
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not connection.dropped():
                return connection
            connection.close()
        return _Connection(self._host, self._port, self._reach, self._timeout, self._tls, closed=self._closed)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout.total_seconds():g} s"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {error.verify_message}"
        known = next((text for kind, text in _REASONS if isinstance(error, kind)), "")
        told = error.strerror.lower() if isinstance(error, OSError) and error.strerror else ""
        return known or told or "the connection broke off"


class _Connection(http.client.HTTPConnection):
    """One connection; it reaches only what it may, and an answer has a deadline from its first byte to its last."""

    def __init__(
        self,
        host: str,
        port: int | None,
        reach: Reach,
        timeout: timedelta,
        tls: ssl.SSLContext | None,
        *,
        closed: threading.Event,
    ) -> None:
        super().__init__(host, port or (443 if tls else 80), timeout=timeout.total_seconds())
        # So that the header `Host` leaves the port out where it is the usual one.
        self.default_port = 443 if tls else 80
        self._reach = reach
        self._seconds = timeout.total_seconds()
        self._tls = tls
        self._closed = closed
        self.reusable = False

    def connect(self) -> None:
        """Connects to an address that may be reached; the name stays the one that TLS checks."""
        seconds = min(self._seconds, _CONNECTING.total_seconds())
        plain = connect(self.host, self.port, timeout=seconds, reach=self._reach)
        try:
            self.sock = plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self.sock.settimeout(self._seconds)

    def exchange(self, target: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Posts and reads the answer. Raises what the library raises, TimeoutError if it took too long."""
        self.reusable = False
        if self.sock is not None:
            self.sock.settimeout(self._seconds)
        self.request("POST", target, body, dict(headers))
        return self._answer(boot_seconds() + self._seconds)

    def dropped(self) -> bool:
        """Whether the other side hung up, or said something that nobody asked for."""
        if self.sock is None:
            return True
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def _answer(self, until: float) -> Reply:
        self.response_class = partial(_response, until, self._closed)  # type: ignore[assignment]  # it is only called
        response = self.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        body = response.read(MOST_READ + 1)
        if len(body) <= MOST_READ and response.length:
            raise http.client.IncompleteRead(b"")
        self.reusable = response.isclosed() and not response.will_close
        return Reply(response.status, headers, body[:MOST_READ])


class _Received(io.RawIOBase):
    """What a socket receives until a moment on the boot clock: its own timeout would start anew with each byte.

    What comes in many pieces is taken four times a second, unless all is `closed`: to wake up for each byte of many
    answers that trickle would take the time of those who wait for others.
    """

    def __init__(self, connected: socket.socket, until: float, closed: threading.Event) -> None:
        self._socket = connected
        self._bytes = connected.makefile("rb", buffering=0)
        self._until = until
        self._closed = closed
        self._pieces = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError once the moment has come."""
        self._pieces += 1
        if self._pieces > _AT_ONCE:
            self._closed.wait(min(_APART, self._left()))
        self._socket.settimeout(self._left())
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()

    def _left(self) -> float:
        left = self._until - boot_seconds()
        if left <= 0:
            raise TimeoutError
        return left


def _response(
    until: float, closed: threading.Event, connected: socket.socket, method: str | None
) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(connected, method=method)
    response.fp.close()
    response.fp = io.BufferedReader(_Received(connected, until, closed))
    return response


class RefusedError(DeliveryError):
    """An answer that is no success. `asked` is a wait that stood in its body."""

    def __init__(self, reply: Reply, now: datetime, *, asked: timedelta | None = None) -> None:
        retryable = not 400 <= reply.status < 500 or reply.status in _WORTH_A_RETRY
        waits = [wait for wait in (retry_after(reply.headers, now), asked) if wait is not None]
        super().__init__(
            _status(reply.status),
            retryable=retryable,
            retry_after=max(waits, default=None) if retryable else None,
            disables=reply.status == HTTPStatus.GONE,
        )
        self.reply = reply


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the other side asks to be left alone, from seconds or a date; None if it does not say so sensibly."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return timedelta(seconds=min(int(told[:10]), 10**9))
    moment = _date(told)
    if moment is None:
        return None
    return max(moment - (_date(headers.get("date", "")) or now), timedelta(0))


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _status(status: int) -> str:
    try:
        known = HTTPStatus(status)
    except ValueError:
        return f"HTTP {status}"
    elsewhere = ", and a redirect is not followed: give the final address" if status in _ELSEWHERE else ""
    return f"HTTP {status} {known.phrase}{elsewhere}"


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text.strip())
        usable = url.port != 0 and not any(mark <= " " or mark == "\x7f" for mark in text.strip())
    except ValueError:
        usable = False
    if not usable or url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigError((Fault("is no address: it has to look like `https://host/path`", path="url"),))
    try:
        url.hostname.encode("idna")
    except UnicodeError:
        raise ConfigError((Fault("has a host whose name cannot be one", path="url"),)) from None
    return url


def _target(url: SplitResult, *, suffix: str, query: str) -> str:
    path = (url.path.rstrip("/") + suffix if suffix else url.path) or "/"
    asked = "&".join(part for part in (url.query, query) if part)
    text = f"{path}?{asked}" if asked else path
    return "".join(mark if mark.isascii() else "".join(f"%{byte:02X}" for byte in mark.encode()) for mark in text)


def _login(url: SplitResult) -> dict[str, str]:
    if url.username is None:
        return {}
    login = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "holds no certificate" if isinstance(error, ssl.SSLError) else str(error.strerror).lower()
        raise ConfigError((Fault(f"cannot be used: {reason}", path="ca_file"),)) from None
