"""Options of the test run, and what is put away after each test."""

from collections.abc import Iterator

import pytest

from tests.world import OPENED


@pytest.fixture(autouse=True)
def stores_are_closed() -> Iterator[None]:
    """Thousands of tests would otherwise leave more files open than select() can watch."""
    yield
    while OPENED:
        OPENED.pop().close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--accept` writes golden files anew; read them before you commit them."""
    parser.addoption("--accept", action="store_true", help="write golden files anew instead of comparing")
