"""The result cache: what was read is read once, nothing that was not asked for comes out, damage costs nothing."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import making
import pytest
from test_cli import environment

import docparse
from docparse import cli
from docparse.commands import doctor
from docparse.convert import Options, open_for, read_source
from docparse.document import EngineInfo, Issue, Page
from docparse.engines.base import PageMarkup
from docparse.engines.cached import AHEAD, CachedEngine, from_json, model_identity, to_json, worth_keeping
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import EngineUnavailable
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.result_cache import ABANDONED_SECONDS, BLOCK, CacheOptions, ResultCache, Usage
from docparse.textlayer import Word
from tests import small_checkpoint
from tests.model.parrot import SAMPLES, sample_parrot
from tests.scripted_server import ScriptedServer

KEY = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


def store(folder: Path, max_bytes: int = 2**20) -> ResultCache:
    return ResultCache(CacheOptions(str(folder), max_bytes))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def the_file(folder: Path) -> Path:
    (path,) = files(folder)
    return path


# ------------------------------------------------------------------------------------ the store


def test_what_is_put_is_got_by_anybody(tmp_path: Path) -> None:
    entry = {"text": "größe 数 \ud800", "numbers": [1, 0.1, None]}
    store(tmp_path / "new" / "cache").put(KEY, entry)
    other = store(tmp_path / "new" / "cache")
    assert other.get(KEY) == entry
    assert other.get(OTHER) is None
    other.put(KEY, {"text": "new"})
    assert store(tmp_path / "new" / "cache").get(KEY) == {"text": "new"}


def test_it_is_nobody_elses_business(tmp_path: Path) -> None:
    store(tmp_path / "cache").put(KEY, {"text": "private"})
    for path in (tmp_path / "cache", *(tmp_path / "cache").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("key", ["", "../../etc/passwd", KEY[:-1], KEY.upper(), KEY + "0"])
def test_a_key_is_no_path(key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a key"):
        store(tmp_path).get(key)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-12])


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": _cut,
    "a bit flipped": _flipped,
    "not compressed": lambda path: path.write_bytes(b'{"text": "plain"}'),
    "not JSON": lambda path: path.write_bytes(gzip.compress(b"{")),
    "not a dict": lambda path: path.write_bytes(gzip.compress(b"[1]")),
    "not UTF-8": lambda path: path.write_bytes(gzip.compress(b'{"a": "\xff\xfe"}')),
    "endlessly deep": lambda path: path.write_bytes(gzip.compress(b"[" * 10**6)),
    "a bomb": lambda path: path.write_bytes(gzip.compress(b"[" + b" " * 65 * 2**20 + b"]", 1)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_none_and_is_replaced(damage: str, tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.put(KEY, {"text": "the quick brown fox jumps over the lazy dog" * 5})
    DAMAGE[damage](the_file(tmp_path))
    assert kept.get(KEY) is None
    kept.put(KEY, {"text": "whole"})
    if damage != "a folder":  # somebody means it
        assert kept.get(KEY) == {"text": "whole"}


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = store(tmp_path / "file" / "cache")
    kept.put(KEY, {"text": "lost"})
    assert kept.get(KEY) is None
    assert kept.usage() == Usage(0, 0)
    assert kept.clear() == Usage(0, 0)


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    kept = store(tmp_path, 10 * BLOCK)
    keys = [f"{n:02x}" * 32 for n in range(10)]
    for age, key in enumerate(keys):
        kept.put(key, {"n": key})
        os.utime(tmp_path / key[:2] / f"{key[2:]}.json.gz", (time.time() - 1000 + age,) * 2)
    assert kept.usage() == Usage(10, 10 * BLOCK)
    assert kept.get(keys[0]) == {"n": keys[0]}  # and is now the one that was used last
    kept.put(KEY, {"n": "one too many"})
    left = [key for key in keys if kept.get(key) is not None]
    assert left == [keys[0], *keys[3:]]
    assert kept.get(KEY) is not None
    assert kept.usage().bytes <= 10 * BLOCK


def test_its_size_is_bounded_whatever_is_put(tmp_path: Path) -> None:
    kept = store(tmp_path, 64 * BLOCK)
    for n in range(200):
        kept.put(f"{n:064x}"[::-1], {"n": n, "noise": os.urandom(2000).hex()})
        assert kept.usage().bytes <= 64 * BLOCK + 64 * BLOCK // 64
    kept.put(KEY, {"noise": os.urandom(64 * BLOCK).hex()})  # larger than all there may be: not at all
    assert kept.get(KEY) is None
    assert kept.usage().entries > 20


def test_only_its_own_files_are_removed(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.put(KEY, {"text": "gone"})
    old, new = tmp_path / "01" / f".{'ab' * 8}.tmp", tmp_path / "01" / f".{'cd' * 8}.tmp"
    strangers = [
        tmp_path / "notes.txt",
        tmp_path / "01" / "notes.json.gz",
        tmp_path / "elsewhere" / the_file(tmp_path).name,
    ]
    for path in (old, new, *strangers):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    os.utime(old, (time.time() - 2 * ABANDONED_SECONDS,) * 2)
    assert kept.clear() == Usage(1, BLOCK)
    assert files(tmp_path) == sorted([new, *strangers])


WRITER = """
import sys
from docparse.result_cache import CacheOptions, ResultCache
folder, seed = sys.argv[1], int(sys.argv[2])
kept = ResultCache(CacheOptions(folder, 40 * 4096))
for n in range(300):
    key = f"{n * 7 % 60:064x}"[::-1]
    found = kept.get(key)
    assert found is None or (found["key"] == key and len(found["filling"]) == 3000), found
    kept.put(key, {"key": key, "filling": str(seed) * 3000})
"""


def test_processes_side_by_side(tmp_path: Path) -> None:
    """They write and remove the same entries all the time; each reads whole entries or none."""
    runs = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(seed)], env=environment(), stderr=-1)
        for seed in (1, 2, 3)
    ]
    for run in runs:
        _, said = run.communicate(timeout=60)
        assert run.returncode == 0, said.decode()
    assert store(tmp_path).usage().entries <= 40 + 3
    assert not [path for path in files(tmp_path) if path.suffix == ".tmp"]


# ------------------------------------------------------------------------------------ markup in entries

MARKUP = PageMarkup(
    3,
    '<html><body><p data-bbox="1 2 3 4">größe &lt; \ud800</p></body></html>',
    confidences=((0, 5, 0.1 + 0.2), (5, 9, 1.0)),
    origin="model",
    witness=(Word("größe", BBox(1.25, 2, 3, 4), confidence=0.5), Word("x", BBox(1, 2, 3, 4))),
    issues=(Issue("page-shrunk", "Small.", "warning"), Issue("x", "y", "info", block="p1b1", line=3, column=4)),
    attempts=2,
)


def test_markup_comes_back_as_it_was() -> None:
    data = json.loads(json.dumps(to_json(MARKUP)))
    assert from_json(data, 3) == MARKUP
    assert from_json(data, 7) == dataclasses.replace(MARKUP, number=7)
    # What an entry has is all there is: a field that is added must be kept too.
    assert {"number", *data} == {field.name for field in dataclasses.fields(PageMarkup)}


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"finish": "length"}, False),
        ({"finish": "loop"}, False),
        ({"finish": "error"}, False),
        ({"issues": (Issue("fallback", "The model did not.", "warning"),)}, False),
        ({"issues": (Issue("some-trouble", "Half is missing.", "error"),)}, False),
    ],
)
def test_only_whole_readings_are_kept(changes: dict[str, Any], kept: bool) -> None:
    assert worth_keeping(dataclasses.replace(MARKUP, **changes)) is kept


# ------------------------------------------------------------------------------------ the engine


class Slow:
    """Reads ``batch`` pages at a time, notes which, and says how each looks: by its size and its words."""

    name = "slow"

    def __init__(self, batch: int = 1, finish: dict[int, Any] | None = None) -> None:
        self.batch, self.finish = batch, finish or {}
        self.read: list[int] = []
        self.loads = 0

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, "1", model="tortoise")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        held: list[PageImage] = []
        for page in pages:
            held.append(page)
            if len(held) == self.batch:
                yield from self._answers(held)
                held = []
        yield from self._answers(held)

    def _answers(self, held: list[PageImage]) -> Iterator[PageMarkup]:
        for page in reversed(held):
            self.read.append(page.number)
            assert page.text is not None
            said = " ".join(word.text for word in page.text.words())
            html = f'<html><body><p data-bbox="0 0 {page.width} {page.height}">{said}</p></body></html>'
            yield PageMarkup(page.number, html, finish=self.finish.get(page.number, "stop"), origin="model")


def cached(slow: Slow, folder: Path, identity: object = "options") -> CachedEngine:
    def make() -> Slow:
        slow.loads += 1
        return slow

    return CachedEngine(make, slow.info(), identity=identity, kept=store(folder))


def a_pdf(*said: str) -> bytes:
    return making.pdf(*(making.text(words, at=(20, 60), size=12) for words in said), size=(160, 100))


def read(engine: CachedEngine, data: bytes, **how: Any) -> list[Page]:
    return list(docparse.iter_pages(data, engine=engine, **how))


def remembered(pages: Iterable[Page]) -> list[int]:
    return [page.number for page in pages if "from-cache" in {issue.code for issue in page.verdict.issues}]


def test_a_page_is_read_once(tmp_path: Path) -> None:
    slow = Slow()
    first = read(cached(slow, tmp_path), a_pdf("one", "two"))
    assert (slow.read, remembered(first)) == ([1, 2], [])
    again = Slow()
    engine = cached(again, tmp_path)
    # Another file, in another order, with one page that nobody has seen.
    second = read(engine, a_pdf("three", "two", "one"))
    assert again.read == [1]
    assert remembered(second) == [2, 3]
    assert [page.text for page in second] == ["three", "two", "one"]
    assert read(engine, a_pdf("three"))[0].text == "three"
    assert again.read == [1]


def test_a_remembered_page_is_the_page_and_says_so(tmp_path: Path) -> None:
    first = read(cached(Slow(), tmp_path), a_pdf("one", "two"))
    second = read(cached(Slow(), tmp_path), a_pdf("one", "two"))
    for page, again in zip(first, second, strict=True):
        *issues, note = again.verdict.issues
        assert (note.code, note.severity) == ("from-cache", "info")
        assert dataclasses.replace(again, verdict=page.verdict) == page
        assert (again.verdict.status, tuple(issues)) == (page.verdict.status, page.verdict.issues)


def test_nothing_is_loaded_where_all_is_known(tmp_path: Path) -> None:
    read(cached(Slow(), tmp_path), a_pdf("one", "two"))
    slow = Slow()
    engine = cached(slow, tmp_path)
    assert engine.info() == slow.info()
    assert remembered(read(engine, a_pdf("two", "one", "one"))) == [1, 2, 3]
    assert slow.loads == 0
    read(engine, a_pdf("three", "four"))
    read(engine, a_pdf("five"))
    assert slow.loads == 1


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_known_and_unknown_pages_in_any_order(batch: int, tmp_path: Path) -> None:
    names = [f"page {n}" for n in range(1, 61)]
    known = [n for n in range(1, 61) if n % 7 in (1, 2) or 20 <= n <= 45]
    read(cached(Slow(), tmp_path), a_pdf(*(names[n - 1] for n in known)))
    slow = Slow(batch)
    pages = read(cached(slow, tmp_path), a_pdf(*names))
    assert {page.number: page.text for page in pages} == dict(enumerate(names, 1))
    assert len(pages) == 60
    assert sorted(remembered(pages)) == known
    assert sorted(slow.read) == [n for n in range(1, 61) if n not in known]


def test_known_pages_do_not_pile_up(tmp_path: Path) -> None:
    names = [f"page {n}" for n in range(1, 80)]
    read(cached(Slow(), tmp_path), a_pdf(*names[1:]))
    asked: list[int] = []
    engine = cached(Slow(batch=2), tmp_path)  # it wants two pages before it answers, and there is but one
    with open_for(a_pdf(*names), Options()) as source:

        def numbers() -> Iterator[int]:
            for number in range(1, 80):
                asked.append(number)
                yield number

        waiting = [len(asked) - n for n, _ in enumerate(read_source(source, engine, numbers()), 1)]
    assert len(waiting) == 79
    assert max(waiting) <= AHEAD


def test_what_was_not_read_to_its_end_is_read_again(tmp_path: Path) -> None:
    finish = {1: "length", 2: "loop", 3: "error"}
    read(cached(Slow(finish=finish), tmp_path), a_pdf("one", "two", "three", "four"))
    slow = Slow()
    pages = read(cached(slow, tmp_path), a_pdf("one", "two", "three", "four"))
    assert (slow.read, remembered(pages)) == ([1, 2, 3], [4])


def test_everything_that_an_answer_depends_on_is_in_the_key(tmp_path: Path) -> None:
    data = a_pdf("one")
    read(cached(Slow(), tmp_path, ["html", 8192]), data)

    def known(engine: CachedEngine, data: bytes = data, **how: Any) -> bool:
        return bool(remembered(read(engine, data, **how)))

    assert known(cached(Slow(), tmp_path, ["html", 8192]))
    assert not known(cached(Slow(), tmp_path, ["html", 4096]))
    assert not known(cached(Slow(), tmp_path, ["html", 8192]), a_pdf("One"))
    assert not known(cached(Slow(), tmp_path, ["html", 8192]), dpi=100)
    # The same pixels, but another text layer: the model is checked against that one, and may be helped by it.
    hidden = making.pdf(making.together(making.text("one", at=(20, 60), size=12), _unseen), size=(160, 100))
    assert not known(cached(Slow(), tmp_path, ["html", 8192]), hidden)


def _unseen(page: Any) -> None:
    page.insert_text((20, 90), "not to be seen", render_mode=3)


def test_an_engine_that_cannot_be_had_is_no_fault_of_the_page(tmp_path: Path) -> None:
    read(cached(Slow(), tmp_path), a_pdf("one"))

    def make() -> Slow:
        raise EngineUnavailable("the model is on holiday.")

    engine = CachedEngine(make, Slow().info(), identity="options", kept=store(tmp_path))
    assert remembered(read(engine, a_pdf("one"))) == [1]
    with pytest.raises(EngineUnavailable, match="on holiday"):
        read(engine, a_pdf("one", "two"))
    with pytest.raises(EngineUnavailable, match="on holiday"):
        docparse.parse(a_pdf("two"), engine=engine)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"markup": None, "read": "2026-11-21"},
        {"markup": {}, "read": "2026-11-21"},
        {"markup": {**to_json(MARKUP), "html": 5}, "read": "2026-11-21"},
        {"markup": {**to_json(MARKUP), "finish": "error"}, "read": "2026-11-21"},
        {"markup": {**to_json(MARKUP), "witness": [["x", 5, 5, 1, 1, None]]}, "read": "2026-11-21"},
        {"markup": {**to_json(MARKUP), "witness": [["x"]]}, "read": "2026-11-21"},
        {"markup": {**to_json(MARKUP), "issues": [{"code": "x", "message": "y", "severity": "deadly"}]}, "read": "now"},
        {"markup": {**to_json(MARKUP), "confidences": [[1, 2]]}, "read": "2026-11-21"},
        {"markup": to_json(MARKUP)},
    ],
)
def test_an_entry_that_is_no_reading_is_replaced(entry: dict[str, Any], tmp_path: Path) -> None:
    read(cached(Slow(), tmp_path), a_pdf("one"))
    path = the_file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(gzip.compress(json.dumps(entry).encode()))
    (page,) = read(cached(Slow(), tmp_path), a_pdf("one"))
    assert (page.text, remembered([page])) == ("one", [])
    assert path.read_bytes() == good


# ------------------------------------------------------------------------------------ a model's identity


def test_a_model_is_known_by_its_files(tmp_path: Path) -> None:
    folder = small_checkpoint.put(tmp_path / "model")
    options = ModelOptions(path=str(folder))
    before = model_identity(options)
    assert before == model_identity(dataclasses.replace(options, batch=3))
    (folder / "README.md").write_text("nothing that matters")
    assert before == model_identity(options)
    moved = folder.rename(tmp_path / "elsewhere")
    assert before == model_identity(ModelOptions(path=str(moved)))
    options = ModelOptions(path=str(moved))
    for change in (
        {"prompt": "markdown"},
        {"pixels": 10**6},
        {"max_tokens": 5},
        {"penalty": 1.1},
        {"dtype": "bfloat16"},
    ):
        assert before != model_identity(dataclasses.replace(options, **change))
    weights = moved / small_checkpoint.shards()[0]
    os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1))
    assert before != (after := model_identity(options))
    config = moved / "config.json"
    config.write_text(config.read_text() + "\n")
    assert after != model_identity(options)


def test_a_model_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert model_identity(ModelOptions(path=str(tmp_path / "nowhere")))["files"] == []


# ------------------------------------------------------------------------------------ the program


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docparse", *words]
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=300, cwd=SAMPLES
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_a_second_run_needs_no_model(tmp_path: Path) -> None:
    parrot = sample_parrot()
    folder = tmp_path / "parrot"
    folder.mkdir()
    for path in parrot.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    how: dict[str, Any] = {"engine": "qwen", "model": ModelOptions(path=str(folder))}
    kept = tmp_path / "kept"
    one = docparse.parse(SAMPLES / "receipt.jpg", **how, cache=CacheOptions(str(kept)))
    # Weights that are none, of the same size and time: only who loads them finds out.
    for weights in folder.glob("*.safetensors"):
        stat = weights.stat()
        weights.write_bytes(b"\xff" * stat.st_size)
        os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = docparse.parse(SAMPLES / "receipt.jpg", **how, cache=CacheOptions(str(kept)))
    assert again.engine == one.engine
    assert (remembered(one.pages), remembered(again.pages)) == ([], [1])
    assert again.pages[0].blocks == one.pages[0].blocks
    assert again.pages[0].verdict.status == one.pages[0].verdict.status
    # Who wants it read anew learns what is wrong with the model.
    for cache in (None, CacheOptions(str(tmp_path / "another"))):
        with pytest.raises(EngineUnavailable):
            docparse.parse(SAMPLES / "receipt.jpg", **how, cache=cache)


def test_a_model_that_cannot_be_loaded_overwrites_nothing(tmp_path: Path) -> None:
    """The program says why, of the file; results of earlier runs stay as they are."""
    folder = small_checkpoint.put(tmp_path / "broken", dict.fromkeys(small_checkpoint.shards(), b"no weights"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "receipt.json").write_text("of last year")
    words = ["convert", "receipt.jpg", "--to", "json", "--engine", "qwen", "--model", str(folder)]
    done = run(*words, "-o", str(tmp_path / "out"), DOCPARSE_CACHE_DIR=str(tmp_path / "kept"))
    assert done.returncode == 3
    assert "[engine.unavailable]" in done.stderr
    assert (tmp_path / "out" / "receipt.json").read_text() == "of last year"
    assert files(tmp_path / "kept") == []


def test_the_program_keeps_readings_unless_told_not_to(tmp_path: Path) -> None:
    with ScriptedServer('<html><body><p data-bbox="84 112 420 168">Hello</p></body></html>') as server:
        words = ["convert", "receipt.jpg", "--to", "json", "--engine", "remote", "--server-url", server.url]
        words += ["-o", str(tmp_path / "out"), "--page-seconds", "60"]
        for more, entries in ((["--no-cache"], 0), ([], 1)):
            done = run(*words, *more, DOCPARSE_CACHE_DIR=str(tmp_path / "kept"))
            assert done.returncode == 0, done.stderr
            assert len(files(tmp_path / "kept")) == entries
        # In one process: the code may be worked on while tests run, and then nothing counts that was kept before.
        how: dict[str, Any] = {"engine": "remote", "remote": RemoteOptions(url=server.url)}
        cache = CacheOptions(str(tmp_path / "another"))
        one = docparse.parse(SAMPLES / "receipt.jpg", **how, cache=cache)
        asked = len(server.asked)
        two = docparse.parse(SAMPLES / "receipt.jpg", **how, cache=cache)
        assert (remembered(one.pages), remembered(two.pages)) == ([], [1])
        assert len(server.asked) == asked
        assert two.pages[0].blocks == one.pages[0].blocks


def test_what_the_program_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCPARSE_CACHE_DIR", str(tmp_path / "kept"))
    (seen,) = [finding for finding in doctor.findings() if finding.name == "result cache"]
    assert seen.state == f"{tmp_path / 'kept'} (0 pages, 0.0 MiB of 1024 MiB at most)"
    for n in range(200):
        store(tmp_path / "kept").put(f"{n:064x}"[::-1], {"n": n})
    monkeypatch.setenv("DOCPARSE_CACHE", "0")
    (seen,) = [finding for finding in doctor.findings() if finding.name == "result cache"]
    assert seen.state == f"off; {tmp_path / 'kept'} (200 pages, 0.8 MiB of 1024 MiB at most)"
    with pytest.raises(SystemExit) as ended:
        cli.app(["cache", "clear"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"200 pages, 0.8 MiB removed from {tmp_path / 'kept'}.\n"
    assert files(tmp_path / "kept") == []
