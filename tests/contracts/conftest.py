"""What every test of sinks needs around it."""

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from loguru import logger


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts the loggers that a sink hushes back as they were; no proxy stands between us and loopback."""
    monkeypatch.setenv("NO_PROXY", "*")
    names = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    yield
    for library, level in before:
        library.setLevel(level)
        library.propagate = True
        library.handlers.clear()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """All that was logged at any level, by us and by libraries, with tracebacks."""
    seen: list[str] = []
    caplog.set_level(1)
    sink = logger.add(seen.append, level="TRACE", backtrace=False, diagnose=False)
    yield lambda: "".join(seen) + caplog.text
    logger.remove(sink)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Vouches for certificates that nobody else trusts."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's own certificate."""
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server that proves to be localhost, to those who trust the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context
