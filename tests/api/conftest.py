"""What tests of the service share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.redis_server import PROGRAM, WHY_NOT, redis_server
from tests.api.stores import KINDS, Place, place_of


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that all tests share; each has a prefix of its own."""
    if PROGRAM is None:
        pytest.skip(WHY_NOT)
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a store keeps its jobs, for each kind of store."""
    return place_of(request, tmp_path)
