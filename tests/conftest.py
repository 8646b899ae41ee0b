"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--accept` writes golden files anew; read them before you commit them."""
    parser.addoption("--accept", action="store_true", help="write golden files anew instead of comparing")
