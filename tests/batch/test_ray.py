"""Readers on a Ray cluster do what processes on this machine do, and are lost without loss.

The cluster is one that docparse starts on this machine; where Ray is not installed (``docparse[ray]``), what needs
it is skipped.
"""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from program import outputs, run
from ray_files import a_pdf

import docparse
from docparse.batch import ray_runner
from docparse.batch.manifest import FileRow, Look, place
from docparse.batch.ray_runner import LOCAL, RayPool
from docparse.batch.ray_worker import Feed, Setup
from docparse.errors import EngineUnavailable, OutputError, SettingsError
from docparse.reading import STRETCH

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None,
    reason="Ray is not installed: pip install 'docparse[ray]'",
)


def told(of: FileRow) -> tuple[Any, ...]:
    return Path(of.path).name, of.state, of.total, of.code, of.sha256, [Path(path).name for path in of.outputs]


def files(out: Path) -> list[FileRow]:
    with Look(place(out)) as manifest:
        return sorted(manifest.files(), key=lambda row: row.path)


# ------------------------------------------------------------------------------------ without a cluster


def test_the_feed_says_the_same_again_and_forgets_what_is_over() -> None:
    async def story() -> None:
        feed = Feed()
        await feed.put({0: b"zero", 1: b"one"}, ())
        assert [await feed.take(0), await feed.take(1), await feed.take(0)] == [b"zero", b"one", b"zero"]
        waits = asyncio.create_task(feed.take(2))
        await asyncio.sleep(0)
        assert not waits.done()
        await feed.put({2: b"two"}, (0, 1))
        assert await waits == b"two"
        assert [await feed.take(0), await feed.take(1)] == [b"", b""], "they are over: nothing is left of them"
        last = asyncio.create_task(feed.take(3))
        await asyncio.sleep(0)
        await feed.close()
        assert await last is None
        assert await feed.take(2) == b"two", "there are no more, but what is there is to be done"

    asyncio.run(story())


def test_a_bundle_that_was_overtaken_on_its_way_to_the_feed_is_waited_for() -> None:
    """Ray brings a large one, as the pages of a long document, later than small ones that were sent after it."""

    async def story() -> None:
        feed = Feed()
        await feed.put({1: b"small"}, ())
        large = asyncio.create_task(feed.take(0))
        await asyncio.sleep(0)
        assert not large.done()
        await feed.put({0: b"large"}, ())
        assert await large == b"large"
        await feed.put({}, (1,))
        assert (await feed.take(0), await feed.take(1)) == (b"large", b"")

    asyncio.run(story())


def test_a_bundle_is_begun_once() -> None:
    async def story() -> None:
        feed = Feed()
        await feed.put({0: b"zero", 1: b"one"}, ())
        assert [await feed.begin(0), await feed.begin(1), await feed.begin(0)] == [True, True, False]
        await feed.put({}, (0,))
        assert not await feed.begin(0), "it is over: whoever is given it once more leaves it"

    asyncio.run(story())


def test_the_feed_tells_at_once_what_is_over_and_the_rest_now_and_then() -> None:
    async def story() -> None:
        feed = Feed()
        assert await feed.news() == []
        asked = asyncio.create_task(feed.news())
        await asyncio.sleep(0)
        await feed.tell(3, b"a page", False)
        await asyncio.sleep(0)
        assert not asked.done(), "a page alone wakes nobody"
        await feed.tell(4, b"the last page", True)
        assert [(number, told) for number, _, told in await asked] == [(3, b"a page"), (4, b"the last page")]
        await feed.tell(5, b"another", False)
        assert [number for number, _, _ in await feed.news()] == [5]
        assert await feed.news() == [], "it keeps nothing"

    asyncio.run(story())


def test_a_machine_that_sees_other_files_takes_no_part(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    setup = Setup(docparse.__version__, str(tmp_path), (), str(probe), 60.0)
    refusal = setup.refusal()
    assert isinstance(refusal, OutputError)
    assert str(tmp_path) in str(refusal)
    probe.touch()
    assert setup.refusal() is None
    assert Setup(docparse.__version__, str(tmp_path), (), None, 60.0).refusal() is None
    other = Setup("0.0.1", str(tmp_path), (), None, 60.0).refusal()
    assert isinstance(other, SettingsError)
    assert docparse.__version__ in str(other)
    assert "0.0.1" in str(other)


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_runner.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'docparse\[ray\]'"):
        RayPool(LOCAL, seconds=60.0)


@needs_ray
def test_the_address_of_a_client_is_refused() -> None:
    with pytest.raises(SettingsError, match="ray job submit"):
        RayPool("ray://head:10001", seconds=60.0)


def test_a_service_or_a_cluster(tmp_path: Path) -> None:
    a_pdf(tmp_path / "a.pdf")
    said = run(tmp_path, "convert", "a.pdf", "--ray", "local", "--server", "http://127.0.0.1:9")
    assert said.returncode == 2
    assert "--ray: with --server" in said.stderr


# ------------------------------------------------------------------------------------ with one


@needs_ray
def test_a_cluster_makes_what_this_machine_makes(tmp_path: Path, cluster: str) -> None:
    """Of names that are relative, too; a second run finds nothing to do, and asks for no cluster."""
    for name, pages in (("a", 1), ("b", 3), ("long", STRETCH * 3 // 2 + 1), ("c", 2)):
        a_pdf(tmp_path / "in" / f"{name}.pdf", pages)
    (tmp_path / "in" / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing else")
    words = ("convert", "in", "--to", "json,md", "--engine", "embedded")
    here = run(tmp_path, *words, "-o", "here")
    there = run(tmp_path, *words, "-o", "there", "--ray", cluster)
    assert (here.returncode, there.returncode) == (1, 1), there.stderr
    assert len(outputs(tmp_path / "there")) == 8
    assert outputs(tmp_path / "here") == outputs(tmp_path / "there")
    assert [told(row) for row in files(tmp_path / "here")] == [told(row) for row in files(tmp_path / "there")]
    assert all(row.seconds for row in files(tmp_path / "there") if row.state == "done")
    assert "ray" not in there.stderr.replace("Ray is asked", ""), "it keeps quiet"
    again = run(tmp_path, *words, "-o", "there", "--ray", "127.0.0.1:1")
    assert again.returncode == 1, "the broken one is still broken"
    assert "4 files done before" in again.stderr
    assert outputs(tmp_path / "here") == outputs(tmp_path / "there")
