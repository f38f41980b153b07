"""The models of the embedded engine, loaded once for all tests that need them."""

from __future__ import annotations

import pytest

from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.embedded.ocr import Ocr
from docparse.engines.embedded.scan import ScanReader


@pytest.fixture(scope="session")
def ocr() -> Ocr:
    return Ocr(threads=2)


@pytest.fixture(scope="session")
def reader() -> ScanReader:
    return ScanReader(threads=2)


@pytest.fixture(scope="session")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(threads=2)
