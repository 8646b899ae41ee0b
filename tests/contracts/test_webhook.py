"""What a webhook promises besides: its body, its signature, its connections, and whom it may reach."""

import base64
import hashlib
import hmac
import ipaddress
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson
import pytest

from sentinel import __version__
from sentinel.clock import SystemClock
from sentinel.delivery.sinks import HttpSettings, Reach, WebhookSettings
from sentinel.delivery.sinks.reach import Network
from sentinel.delivery.sinks.signature import key_of, signed
from sentinel.delivery.sinks.webhook import WebhookSink
from sentinel.dispatcher import SinkLoop
from sentinel.errors import ConfigError, DeliveryError
from sentinel.events import Severity, Text
from sentinel.model import Attempt, Change, DeliveryState
from tests.contracts.endpoint import Endpoint, Request, body, hang, status
from tests.messages import ONLINE, START, event, message, telling

NEW, OLD = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def made(url: str, *, secrets: tuple[str, ...] = (), in_flight: int = 8, **http: Any) -> WebhookSink:
    http.setdefault("timeout", timedelta(seconds=5))
    return WebhookSink(WebhookSettings(HttpSettings(url, **http), secrets=secrets, in_flight=in_flight))


Hook = Callable[..., WebhookSink]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Makes sinks that are closed after the test."""
    with ExitStack() as stack:

        def making(url: str, **settings: Any) -> WebhookSink:
            sink = made(url, **settings)
            stack.callback(sink.close)
            return sink

        yield making


def sent(url: str = "http://{place}/hook", **settings: Any) -> Request:
    with Endpoint(status(200)) as endpoint:
        sink = made(url.format(place=endpoint.place), **settings)
        sink.send(message(), START)
        sink.close()
    return endpoint.requests[0]


# The body --------------------------------------------------------------------------------------------------------


def test_the_body_is_the_envelope_and_its_key() -> None:
    request = sent()
    assert list(orjson.loads(request.body)) == ["event", "idempotency_key"]
    assert message().event.body in request.body
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == message().key
    assert request.headers["user-agent"] == f"Sentinel/{__version__}"


def test_what_was_folded_stands_beside_the_envelope(hook: Hook) -> None:
    earlier = event(number=1, changes=[Change("online", True, False)])
    with Endpoint(status(200)) as endpoint:
        hook(f"http://{endpoint.place}").send(message(event(ONLINE, number=2), folded=[earlier]), START)
    said = orjson.loads(endpoint.requests[0].body)
    assert said["folded"] == [earlier.key]
    assert said["since"] == [{"path": "online", "before": True, "after": False}]


def test_the_address_is_posted_to_as_it_is_written() -> None:
    assert sent("http://{place}/a%2Fb/ü?x=1&y=%20").path == "/a%2Fb/%C3%BC?x=1&y=%20"
    assert sent("http://{place}").path == "/"
    assert sent("http://{place}?x=1").path == "/?x=1"


def test_a_login_in_the_address_is_sent_as_such() -> None:
    assert sent("http://us%40er:pa%3Ass@{place}/").headers["authorization"] == (
        f"Basic {base64.b64encode(b'us@er:pa:ss').decode()}"
    )


# The signature ---------------------------------------------------------------------------------------------------


def verifies(request: Request, secret: str) -> bool:
    """An independent reading of Standard Webhooks."""
    key = base64.b64decode(secret)
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in request.headers["webhook-signature"].split(" ")


def test_the_specifications_own_example_verifies() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = START.fromtimestamp(1614265330, START.tzinfo)
    headers = signed([key], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, body=b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_nothing_is_signed() -> None:
    assert "webhook-signature" not in sent().headers


@pytest.mark.parametrize("secret", [NEW, f"whsec_{NEW}", f" whsec_{NEW}\n"])
def test_a_secret_signs_what_is_sent_with_or_without_its_prefix(secret: str) -> None:
    request = sent(secrets=(secret,))
    assert verifies(request, NEW)
    assert not verifies(request, OLD)


def test_while_a_secret_is_replaced_both_sign() -> None:
    request = sent(secrets=(NEW, OLD))
    assert verifies(request, NEW)
    assert verifies(request, OLD)


def test_every_changed_byte_breaks_the_signature() -> None:
    request = sent(secrets=(NEW,))
    for place in range(len(request.body)):
        changed = bytearray(request.body)
        changed[place] ^= 1
        assert not verifies(Request(request.path, request.headers, bytes(changed)), NEW)


def test_a_retry_has_the_same_id_and_its_own_time(hook: Hook) -> None:
    with Endpoint(status(503)) as endpoint:
        sink = hook(f"http://{endpoint.place}", secrets=(NEW,))
        for at in (START, START + timedelta(seconds=90)):
            with pytest.raises(DeliveryError):
                sink.send(message(), at)
    first, second = endpoint.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == message().key
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 90
    assert verifies(second, NEW)


def test_words_of_our_own_are_signed_under_an_id_of_their_own(hook: Hook) -> None:
    with Endpoint(status(200)) as endpoint:
        sink = hook(f"http://{endpoint.place}", secrets=(NEW,))
        sink.say(Text("Test", "This is a test."), Severity.INFO, START)
        sink.say(Text("Test", "This is a test."), Severity.INFO, START)
    first, second = endpoint.requests
    assert verifies(first, NEW)
    assert first.headers["webhook-id"] != second.headers["webhook-id"]


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "whsec_" + "ü" * 40, base64.b64encode(b"x" * 23).decode(), "canary" * 20]
)
def test_a_secret_of_the_wrong_form_or_length_is_refused_by_its_place(hook: Hook, secret: str) -> None:
    with pytest.raises(ConfigError) as raised:
        hook("http://localhost", secrets=(NEW, secret))
    assert [fault.path for fault in raised.value.faults] == ["secrets.1"]
    assert not secret or secret not in str(raised.value)


# Connections -----------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_from_one_message_to_the_next(hook: Hook) -> None:
    with Endpoint(status(200)) as endpoint:
        sink = hook(f"http://{endpoint.place}")
        for _ in range(5):
            sink.send(message(), START)
    assert endpoint.connections == 1


def test_a_connection_that_the_other_side_closed_is_made_anew(hook: Hook) -> None:
    with Endpoint(status(200, Connection="close")) as endpoint:
        sink = hook(f"http://{endpoint.place}")
        sink.send(message(), START)
        sink.send(message(), START)
    assert endpoint.connections == 2


def test_a_kept_connection_that_was_cut_meanwhile_costs_no_failure(hook: Hook) -> None:
    with Endpoint(status(200)) as endpoint:
        sink = hook(f"http://{endpoint.place}")
        sink.send(message(), START)
        sink._address._idle[0].sock.shutdown(socket.SHUT_RD)
        sink.send(message(), START)
    assert endpoint.connections == 2


def test_a_connection_that_was_in_use_when_the_sink_was_closed_is_not_kept(hook: Hook) -> None:
    with Endpoint(hang) as endpoint:
        sink = hook(f"http://{endpoint.place}")
        sending = threading.Thread(target=sink.send, args=(message(), START))
        sending.start()
        assert endpoint.arrived.wait(5)
        sink.close()
        endpoint.released.set()
        sending.join(5)
        assert not sending.is_alive()
    assert not sink._address._idle


def test_an_answer_without_end_is_read_to_a_bound_and_counts(hook: Hook) -> None:
    with Endpoint(body(200, b"x" * 1_000_000)) as endpoint:
        sink = hook(f"http://{endpoint.place}", timeout=timedelta(seconds=5))
        sink.send(message(), START)
        sink.send(message(), START)
    assert endpoint.connections == 2


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert sent().path == "/hook"


def test_several_subjects_are_told_at_once(hook: Hook) -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(hang) as endpoint:
        sink = hook(f"http://{endpoint.place}", in_flight=3, timeout=timedelta(seconds=5))
        loop = SinkLoop(name="hook", sink=sink, report=reported.put, in_flight=sink.in_flight)
        loop.start(SystemClock())
        now = SystemClock().now().wall
        loop.offer([telling(number, subject=f"s{number}", age=START - now) for number in range(1, 6)])
        together = threading.Event()
        while endpoint.connections < 3:
            assert not together.wait(0.01)
        endpoint.released.set()
        states = {reported.get(timeout=5).state for _ in range(5)}
        assert loop.stop(5)
    assert states == {DeliveryState.DELIVERED}
    assert endpoint.connections == 3


def test_at_least_one_subject_is_told_at_a_time(hook: Hook) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        hook("http://localhost", in_flight=0)


# TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secured(tls: ssl.SSLContext) -> Iterator[Endpoint]:
    with Endpoint(status(200), tls=tls) as endpoint:
        yield endpoint


def _port(endpoint: Endpoint) -> str:
    return endpoint.place.partition(":")[2]


def test_a_certificate_of_the_operators_own_is_trusted_for_its_name(
    hook: Hook, secured: Endpoint, authority_file: Path
) -> None:
    sink = hook(f"https://localhost:{_port(secured)}/", ca_file=authority_file)
    sink.send(message(), START)
    sink.send(message(), START)
    sink.close()
    assert secured.requests[0].headers["host"] == f"localhost:{_port(secured)}"
    assert secured.connections == 1


def test_a_certificate_for_another_name_is_not_trusted(hook: Hook, secured: Endpoint, authority_file: Path) -> None:
    sink = hook(f"https://127.0.0.1:{_port(secured)}/", ca_file=authority_file)
    with pytest.raises(DeliveryError, match="not trusted") as raised:
        sink.send(message(), START)
    assert raised.value.retryable
    assert not secured.requests


def test_who_is_sent_elsewhere_is_told_what_to_do(hook: Hook) -> None:
    with Endpoint(status(301)) as endpoint, pytest.raises(DeliveryError) as raised:
        hook(f"http://{endpoint.place}/").send(message(), START)
    assert str(raised.value) == "HTTP 301 Moved Permanently, and a redirect is not followed: give the final address"


def test_an_answer_without_tls_is_no_secure_connection(hook: Hook) -> None:
    with Endpoint(status(200)) as endpoint, pytest.raises(DeliveryError, match="no secure connection"):
        hook(f"https://{endpoint.place}/").send(message(), START)


@pytest.mark.parametrize("name", ["missing.pem", "words.pem"])
def test_a_file_without_certificates_is_refused(hook: Hook, name: str, tmp_path: Path) -> None:
    (tmp_path / "words.pem").write_text("no certificate")
    with pytest.raises(ConfigError) as raised:
        hook("https://localhost", ca_file=tmp_path / name)
    assert raised.value.faults[0].path == "ca_file"


# Whom it may reach -----------------------------------------------------------------------------------------------


def nets(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


LOOPBACK = Reach(deny=nets("127.0.0.0/8", "::1"))
SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.000.000.001",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "0.0.0.0",  # noqa: S104
    "0",
    "[::]",
    "127.0.0.1.",
    "①②⑦.0.0.1",
)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_denied_address_is_connected_to(hook: Hook, host: str) -> None:
    with Endpoint(status(200)) as endpoint:
        with pytest.raises((DeliveryError, ConfigError)):
            hook(f"http://{host}:{_port(endpoint)}/", reach=LOOPBACK).send(message(), START)
        assert endpoint.connections == 0


def _numbers() -> Iterator[str]:
    """Loopback as the system's resolver reads numbers: one to four parts, each decimal, octal or hexadecimal."""
    for parts in ((127, 0, 0, 1), (127, 0, 1), (127, 1), (0x7F000001,), (127, 255, 255, 254), (0, 0, 0, 0)):
        for forms in itertools.product(("{}", "0{:o}", "0x{:X}"), repeat=len(parts)):
            yield ".".join(form.format(part) for form, part in zip(forms, parts, strict=True))


def test_no_way_to_write_a_number_leads_to_a_denied_address(hook: Hook) -> None:
    hosts = list(_numbers())
    assert len(hosts) > 200
    with Endpoint(status(200)) as endpoint:
        for host in hosts:
            with pytest.raises(DeliveryError, match="may not be connected to"):
                hook(f"http://{host}:{_port(endpoint)}/", reach=LOOPBACK).send(message(), START)
        assert endpoint.connections == 0
        hook(f"http://{hosts[5]}:{_port(endpoint)}/").send(message(), START)
        assert endpoint.connections == 1


def test_a_denied_address_is_told_apart_from_one_that_does_not_answer(hook: Hook) -> None:
    with pytest.raises(DeliveryError, match="may not be connected to") as raised:
        hook("http://127.0.0.1:1/", reach=LOOPBACK).send(message(), START)
    assert raised.value.retryable


def answers(*addresses: str) -> Any:
    """A resolver with these addresses for every name."""

    def lookup(_host: str, port: int, **_: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]

    return lookup


def test_of_several_addresses_only_permitted_ones_are_tried(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint(status(200)) as endpoint:
        monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.2", "127.0.0.1"))
        sink = hook(f"http://hooks.example:{_port(endpoint)}/", reach=Reach(deny=nets("127.0.0.2")))
        sink.send(message(), START)
    assert endpoint.requests[0].headers["host"].startswith("hooks.example:")


def test_a_name_that_changes_its_address_is_judged_anew(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = Reach(allow=nets("127.0.0.1"))
    with Endpoint(status(200, Connection="close")) as endpoint:
        sink = hook(f"http://hooks.example:{_port(endpoint)}/", reach=reach)
        monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
        sink.send(message(), START)
        monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.2"))
        with pytest.raises(DeliveryError, match="may not be connected to"):
            sink.send(message(), START)
    assert endpoint.connections == 1


PRIVATE = ("10.0.0.1", "10.255.255.254", "127.0.0.1", "169.254.169.254", "172.16.9.9", "192.168.1.1", "100.100.100.100")
PRIVATE_NETWORKS = ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")


def _carrying(address: str) -> Iterator[str]:
    """The address as IPv4 and inside every kind of IPv6 address that leads to it."""
    number = int(ipaddress.IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    yield address
    yield from (f"{before}{high}:{low}" for before in ("::ffff:", "::", "64:ff9b::", "64:ff9b:1::"))
    yield from (f"2002:{high}:{low}::{host}" for host in ("1", "ffff:ffff:ffff:ffff"))
    yield f"2001:0:{high}:{low}::1"
    yield f"2001:0:c000:207::{number >> 16 ^ 0xFFFF:x}:{number & 0xFFFF ^ 0xFFFF:x}"


def test_no_answer_of_a_resolver_leads_to_a_denied_address(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(_socket: socket.socket, place: tuple[Any, ...]) -> None:
        tried.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    sink = hook("http://hooks.example/", reach=Reach(deny=nets(*PRIVATE_NETWORKS, "::1", "fc00::/7", "fe80::/10")))
    denied = [form for address in PRIVATE for form in _carrying(address)]
    denied += ["::1", "fd00::1", "fe80::1%lo", "0.0.0.0", "::", "224.0.0.1", "ff02::1"]  # noqa: S104
    lots = [answers(one) for one in denied] + [answers(one, other) for one in denied for other in PRIVATE]
    assert len(lots) > 200
    for lot in lots:
        monkeypatch.setattr(socket, "getaddrinfo", lot)
        with pytest.raises(DeliveryError, match="may not be connected to"):
            sink.send(message(), START)
    assert tried == []
    for one in denied:
        monkeypatch.setattr(socket, "getaddrinfo", answers(one, "192.0.2.7", one))
        with pytest.raises(DeliveryError):
            sink.send(message(), START)
    assert tried == ["192.0.2.7"] * len(denied)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "::10.1.2.3",
        "64:ff9b::a01:203",
        "2002:a01:203::1",
        "2001:0:a01:203::1",
        "2001:0:1:1::f5fe:fdfc",
    ],
)
def test_a_denied_address_inside_another_one_is_denied(address: str) -> None:
    assert not Reach(deny=nets("10.0.0.0/8")).permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:0.0.0.0"])  # noqa: S104
def test_what_is_no_single_address_is_never_reached(address: str) -> None:
    assert not Reach(allow=nets("0.0.0.0/0", "::/0")).permits(ipaddress.ip_address(address))


def test_denying_comes_before_allowing_and_allowing_excludes_the_rest() -> None:
    reach = Reach(allow=nets("10.0.0.0/8"), deny=nets("10.9.0.0/16"))
    judged = [reach.permits(ipaddress.ip_address(text)) for text in ("10.1.1.1", "10.9.1.1", "192.0.2.1")]
    assert judged == [True, False, False]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook.example",
        "ftp://hook.example/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://host:0/",
        "http://host:99999/",
        "http://host:port/",
        "http://[::1/",
        "http://host/\r\nX: y",
        "http://host/a b",
        "http://" + "x" * 64 + ".example/",
        "https://user:canary@:443/",
    ],
)
def test_what_is_no_address_is_refused_without_being_shown(hook: Hook, url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        hook(url)
    assert raised.value.faults[0].path == "url"
    assert "canary" not in str(raised.value)
