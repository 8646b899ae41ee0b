"""The library that makes storage fail, compiled once."""

from pathlib import Path

import pytest

from tests.crash_storage.faults import Faults, build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def faults(library: Path, tmp_path: Path) -> Faults:
    return Faults(library, tmp_path / "orders")
