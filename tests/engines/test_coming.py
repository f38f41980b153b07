"""Pages that come one by one, each only when the one before was read: an engine that waited for more would wait
for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import making
import pytest

from docparse.document import EngineInfo
from docparse.engines.base import Engine, PageMarkup, is_ready
from docparse.engines.cached import CachedEngine
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.engines.qwen import QwenEngine
from docparse.engines.remote import RemoteEngine
from docparse.raster import PageImage
from docparse.result_cache import CacheOptions, ResultCache
from docparse.source import Source, open_source
from tests import small_checkpoint
from tests.scripted_server import Reply, ScriptedServer

HELLO = '<html><body><p data-bbox="84 112 420 168">Hello</p></body></html>'


class OneByOne:
    """``docparse.engines.base.Coming``: the next page is there when all that were given are read."""

    def __init__(self, source: Source, numbers: Iterable[int], together: int = 1) -> None:
        self._source = source
        self._numbers = list(numbers)
        self._together = together
        self.given = self.read = 0

    def __iter__(self) -> Iterator[PageImage]:
        return self

    def ready(self) -> bool:
        return not self._numbers or self.given - self.read < self._together

    def __next__(self) -> PageImage:
        assert self.ready(), "it would wait for a page that comes when it has read what it has"
        if not self._numbers:
            raise StopIteration
        self.given += 1
        return self._source.page(self._numbers.pop(0))


class Side(Engine):
    """Reads up to three pages side by side, and none of them before it has to."""

    name = "side"

    def __init__(self) -> None:
        self.most = 0

    def info(self) -> EngineInfo:
        return EngineInfo("side", "1")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        coming, hand, more = iter(pages), [], True
        while more or hand:
            self.most = max(self.most, len(hand))
            if hand and (not more or len(hand) == 3 or not is_ready(coming)):
                yield PageMarkup(hand.pop(0).number, HELLO)
                continue
            image = next(coming, None)
            more = image is not None
            hand += [image] if image is not None else []


@pytest.fixture(params=["qwen", "remote", "cached", "cached and known", "cached, every second known"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "qwen":
        checkpoint = small_checkpoint.put(tmp_path / "small")
        options = ModelOptions(path=str(checkpoint), device="cpu", pixels=28 * 28 * 4, max_tokens=4, batch=3)
        yield QwenEngine(options)
    elif request.param == "remote":
        with ScriptedServer(lambda _: Reply(HELLO)) as server:
            remote = RemoteEngine(RemoteOptions(url=server.url, concurrency=3), pause=0.01)
            yield remote
            remote.close()
    else:
        known = {"cached": (), "cached and known": (1, 2, 3, 4, 5), "cached, every second known": (2, 4)}[request.param]
        cached = CachedEngine(
            Side, Side().info(), identity="", kept=ResultCache(CacheOptions(str(tmp_path / "kept"), 2**20))
        )
        with open_source(a_pdf()) as source:
            assert len(list(cached.read_pages(map(source.page, known)))) == len(known)
        yield cached


def a_pdf() -> bytes:
    return making.pdf(*(making.text(f"This is page {n}") for n in range(1, 6)))


@pytest.mark.parametrize("together", [1, 2, 5])
def test_it_goes_on_with_what_it_has(engine: Engine, together: int) -> None:
    with open_source(a_pdf()) as source:
        coming = OneByOne(source, range(1, 6), together)
        numbers = []
        for markup in engine.read_pages(coming):
            coming.read += 1
            numbers.append(markup.number)
    assert sorted(numbers) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("together", "most"), [(1, 1), (2, 2), (5, 3)])
def test_what_is_ready_is_taken(together: int, most: int) -> None:
    side = Side()
    with open_source(a_pdf()) as source:
        coming = OneByOne(source, range(1, 6), together)
        for _ in side.read_pages(coming):
            coming.read += 1
    assert side.most == most


@pytest.mark.parametrize("make", [iter, lambda pages: (page for page in pages)])
def test_of_other_iterators_nobody_knows(make: Callable[[list[int]], Iterator[int]]) -> None:
    assert is_ready(make([1, 2]))
