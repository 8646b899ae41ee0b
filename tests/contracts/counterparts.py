"""Other sides that are more than a script: a mail server, an MQTT broker, and Alertmanager as its API describes it."""

import logging
import re
import socket
import ssl
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.contracts.endpoint import Answer, answered

# Mail ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it came in: from and to whom the envelope says, and whether nobody could read it on the way."""

    sender: str
    recipients: list[str]
    content: EmailMessage
    secured: bool


@dataclass
class Postbox:
    """A mail server's memory; `logins` are the names and passwords that it was told, right or not."""

    mails: list[Mail] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        content = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        assert isinstance(content, EmailMessage)
        self.mails.append(Mail(str(envelope.mail_from), envelope.rcpt_tos, content, session.ssl is not None))
        return "250 taken"


@contextmanager
def mail_server(
    *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[tuple[Postbox, int]]:
    """A mail server on loopback, and its port. `tls`: nothing is taken in the open; `login`: from nobody else."""
    postbox, port = Postbox(), free_port()

    def check(_server: object, _session: object, _envelope: object, _how: str, told: LoginPassword) -> AuthResult:
        said = (told.login.decode(), told.password.decode())
        postbox.logins.append(said)
        # As some do: a refusal that repeats what it refuses.
        return AuthResult(success=said == login, handled=False, message=None if said == login else f"535 5.7.8 {said}")

    controller = Controller(
        postbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        auth_required=login is not None,
        authenticator=check,
        auth_require_tls=tls is not None,
    )
    # What the server itself logs is no output of ours.
    logging.getLogger("mail").propagate = False
    controller.start()
    try:
        yield postbox, port
    finally:
        controller.stop()
        logging.getLogger("mail").propagate = True


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# MQTT ------------------------------------------------------------------------------------------------------------

_PATIENCE = 60.0
"""Seconds."""
_MEMORY = Path("/dev/shm")
"""Where files are that no busy disk delays."""
_NO_MORE = "no/more"


@dataclass(frozen=True, slots=True)
class Published:
    """A message as a broker hands it on; `confirmed` if whoever sent it waits for the broker's word."""

    topic: str
    body: bytes
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """Files by which a server proves who it is: its certificate, its key, and who vouches for it."""

    certificate: Path
    key: Path
    authority: Path


@contextmanager
def broker(
    folder: Path, *, port: int, login: tuple[str, str], proof: Proof | None = None
) -> Iterator[Callable[[], list[Published]]]:
    """An MQTT broker on loopback that lets one login in, for as long as the context lasts.

    What it yields says what it was sent since then, and may be asked once. With `proof` it takes nothing in the open.
    """
    allowed = f'authorization {{ username: "{login[0]}", password: "{login[1]}" }}'
    secured = f'tls {{ cert_file: "{proof.certificate}", key_file: "{proof.key}" }}' if proof else ""
    configuration = folder / "broker.conf"
    store = TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else folder)
    configuration.write_text(f"""
        server_name: broker
        listen: "127.0.0.1:-1"
        jetstream {{ store_dir: "{store.name}" }}
        mqtt {{
            listen: "127.0.0.1:{port}"
            {allowed}
            {secured}
        }}
    """)
    program = Path(sysconfig.get_path("scripts"), "nats-server")
    with store, subprocess.Popen([program, "-c", configuration], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("Server is ready" in line for line in process.stderr), "the broker does not start"
        try:
            with _subscribed(port, login, proof) as published:
                yield published
        finally:
            process.kill()


@contextmanager
def _subscribed(port: int, login: tuple[str, str], proof: Proof | None) -> Iterator[Callable[[], list[Published]]]:
    """Somebody who listens to every topic."""
    heard: SimpleQueue[Published] = SimpleQueue()
    listening = threading.Event()

    def hear(_client: Client, _data: object, said: MQTTMessage) -> None:
        heard.put(Published(said.topic, bytes(said.payload), confirmed=said.qos > 0))

    def listen(*_: object) -> None:
        client.subscribe("#", qos=1)

    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(*login)
    if proof:
        client.tls_set(ca_certs=str(proof.authority))
    client.reconnect_delay_set(1, 1)
    client.on_connect = listen
    client.on_subscribe = lambda *_: listening.set()
    client.on_message = hear
    client.connect("localhost", port)
    client.loop_start()
    assert listening.wait(_PATIENCE)

    def published() -> list[Published]:
        client.publish(_NO_MORE, qos=1)
        return list(iter(lambda: heard.get(timeout=_PATIENCE), Published(_NO_MORE, b"", confirmed=True)))

    try:
        yield published
    finally:
        client.disconnect()
        client.loop_stop()


# Alertmanager ----------------------------------------------------------------------------------------------------

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_KNOWN = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}


@dataclass
class Alertmanager:
    """Takes alerts at `/api/v2/alerts` and refuses what its description does not allow.

    `alerts` has the last that was said of each, by its labels, which is what tells alerts apart.
    """

    alerts: dict[frozenset[tuple[str, str]], Mapping[str, Any]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self) -> Answer:
        """For an endpoint."""
        return answered(self._take)

    def firing(self, now: datetime) -> list[Mapping[str, Any]]:
        """What is still open at a time."""
        return [alert for alert in self.alerts.values() if _moment(alert["endsAt"]) > now]

    def _take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        faults = request_faults(path, headers, body)
        with self._lock:
            self.refusals += faults
            for alert in [] if faults else orjson.loads(body):
                self.alerts[frozenset(alert["labels"].items())] = alert
        return (400, orjson.dumps(faults)) if faults else (200, b"")


def request_faults(path: str, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What is wrong with a request that posts alerts; empty if nothing is."""
    faults = [] if path.endswith("/api/v2/alerts") else [f"there is no {path}"]
    faults += [] if headers.get("content-type") == "application/json" else ["only JSON is taken"]
    try:
        alerts = orjson.loads(body)
    except ValueError:
        return [*faults, "this is no JSON"]
    if not isinstance(alerts, list):
        return [*faults, "alerts come in a list"]
    return [*faults, *(fault for alert in alerts for fault in _alert_faults(alert))]


def _alert_faults(alert: Any) -> Iterator[str]:
    if not isinstance(alert, dict):
        yield "an alert is an object"
        return
    yield from (f"`{name}` is no field of an alert" for name in alert.keys() - _KNOWN)
    if not alert.get("labels"):
        yield "an alert without labels"
    for group in ("labels", "annotations"):
        yield from _label_faults(alert.get(group, {}))
    for name in alert.keys() & {"startsAt", "endsAt"}:
        if not isinstance(alert[name], str) or not _RFC3339.fullmatch(alert[name]):
            yield f"`{name}` is no time: {alert[name]!r}"
            return
    if {"startsAt", "endsAt"} <= alert.keys() and _moment(alert["endsAt"]) < _moment(alert["startsAt"]):
        yield "it ends before it starts"
    if "generatorURL" in alert and not urlsplit(str(alert["generatorURL"])).scheme:
        yield "`generatorURL` is no URL"


def _label_faults(labels: Any) -> Iterator[str]:
    if not isinstance(labels, dict):
        yield "labels and annotations are objects"
        return
    for name, value in labels.items():
        if not _LABEL.fullmatch(name):
            yield f"`{name}` cannot be the name of a label"
        if not isinstance(value, str):
            yield f"`{name}` is no text: {value!r}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
