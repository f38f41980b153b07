"""The samples, each converted once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from sample_views import SAMPLES

import docparse
from docparse.document import Document


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Document]:
    """``sample(name)``: the document as the embedded engine reads it."""

    @functools.cache
    def convert(name: str) -> Document:
        return docparse.parse(SAMPLES / name, engine="embedded")

    return convert
