"""A program at an HTTP address: the recorded envelope, a key that makes repeats harmless, and a signature."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import orjson

from sentinel.delivery.render import render_body
from sentinel.delivery.sinks.posting import HttpAddress, HttpSettings
from sentinel.delivery.sinks.signature import key_of, signed
from sentinel.errors import ConfigError, Fault
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience

IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`secrets` sign each body, the first one being the newest; without any nothing is signed.

    `in_flight` is how many subjects are told at once.
    """

    http: HttpSettings
    secrets: tuple[str, ...] = field(default=(), repr=False)
    in_flight: int = IN_FLIGHT


class WebhookSink:
    """Posts each message as JSON."""

    audience = Audience.PROGRAMS

    def __init__(self, settings: WebhookSettings) -> None:
        """Sends nothing; raises ConfigError with the paths `url`, `ca_file`, `secrets` or `in_flight`."""
        if settings.in_flight < 1:
            raise ConfigError((Fault("must be at least 1", path="in_flight"),))
        self.in_flight = settings.in_flight
        self._keys = _keys(settings.secrets)
        self._address = HttpAddress(settings.http)

    def send(self, message: Message, now: datetime) -> None:
        """Posts the message; a repeat has the same key."""
        self._post(render_body(message), message.key, now)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Posts `text` in place of `event`, with a key of its own."""
        key = uuid4().hex
        words = {"title": text.title, "body": text.body, "severity": severity}
        self._post(orjson.dumps({"text": words, "idempotency_key": key}), key, now)

    def close(self) -> None:
        """Lets go of the kept connections."""
        self._address.close()

    def _post(self, body: bytes, key: str, now: datetime) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._keys:
            headers |= signed(self._keys, message_id=key, at=now, body=body)
        self._address.post(body, headers, now)


def _keys(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    keys: list[bytes] = []
    faults: list[Fault] = []
    for number, secret in enumerate(secrets):
        try:
            keys.append(key_of(secret))
        except ValueError as error:
            faults.append(Fault(str(error), path=f"secrets.{number}"))
    if faults:
        raise ConfigError(tuple(faults))
    return tuple(keys)
