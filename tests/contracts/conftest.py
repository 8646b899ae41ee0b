"""What every test of sinks needs around it."""

import logging
from collections.abc import Callable, Iterator

import pytest
from loguru import logger


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts the loggers that a sink hushes back as they were; no proxy stands between us and loopback."""
    monkeypatch.setenv("NO_PROXY", "*")
    names = ("apprise", "urllib3", "requests")
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
