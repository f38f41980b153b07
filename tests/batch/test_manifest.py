"""The manifest: what is written down is there after kill -9, whatever files are called, and can be looked at."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import making
import pytest
from program import environment

import docparse
from docparse.batch import Outcome
from docparse.batch.manifest import CACHE_KIB, FileRow, Look, Manifest, place, places
from docparse.batch.recipe import recipe
from docparse.batch.status import status
from docparse.batch.work import Work
from docparse.convert import Options
from docparse.document import Page
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import CorruptSource, OutputError
from docparse.exporters import ExportOptions
from docparse.reading import Job, PageDone, noted


def a_row(path: str = "/in/a.pdf", **more: object) -> FileRow:
    return dataclasses.replace(FileRow(path, 7, 70, "abc", "recipe", "a", "waiting"), **more)  # type: ignore[arg-type]


@pytest.fixture
def pages(tmp_path: Path) -> tuple[Page, ...]:
    """As they are read: with confidences, cells, and what else a page may have."""
    path = tmp_path / "seen.pdf"
    scan = making.scan(making.picture((300, 300)), (50, 200, 350, 500))
    path.write_bytes(making.pdf(making.together(making.text("Größe 数 \U0001f600"), scan), making.nothing))
    return docparse.parse(path).pages


# ------------------------------------------------------------------------------------ what is written


def test_what_becomes_of_a_file_is_told_again(tmp_path: Path) -> None:
    path = place(tmp_path)
    with Manifest(path) as manifest:
        manifest.begin(engine="embedded", recipe={"dpi": None}, files=3)
        number = manifest.put(a_row())
        manifest.reading(number, total=2, sha256="def")
        manifest.page(number, PageDone(1, "ok", (), confidence=0.5, characters=3, seconds=0.1, engine="embedded 1"))
        manifest.page(number, PageDone(2, "partial", ("x.y", "z"), reasons=(("x.y", "why"),), attempts=2))
        outputs = (str(tmp_path / "a.md"), "/elsewhere/a.json")
        manifest.ended(number, Outcome("/in/a.pdf", outputs=outputs, total=2, seconds=1.5))
        broken = manifest.put(a_row("/in/b.pdf", stem="b"))
        manifest.ended(broken, Outcome("/in/b.pdf", error=CorruptSource("it is broken.", file="b.pdf")))
        assert manifest.put(a_row("/in/c.pdf", stem="c")) != number
        done = manifest.row("/in/a.pdf")
        assert done == a_row(sha256="def", state="done", total=2, outputs=outputs, seconds=1.5, id=number)
        assert manifest.row("/in/z.pdf") is None
        assert manifest.statuses(number) == {"ok", "partial"}
        manifest.finish(1)
    with Look(path) as look:
        files = {Path(row.path).name: row for row in look.files()}
        assert files["a.pdf"] == done
        assert (files["b.pdf"].state, files["b.pdf"].code, files["b.pdf"].message, files["b.pdf"].tries) == (
            "failed",
            "source.corrupt",
            "it is broken.",
            1,
        )
        assert files["c.pdf"].state == "waiting"
        first, second = look.pages()
        assert (first.status, first.confidence, first.characters, first.seconds) == ("ok", 0.5, 3, 0.1)
        assert (second.codes, second.reasons, second.attempts) == (("x.y", "z"), (("x.y", "why"),), 2)
        assert look.counts() == ({"done": 1, "failed": 1, "waiting": 1}, {"ok": 1, "partial": 1})
        (run,) = look.runs()
        assert (run.engine, run.recipe, run.files, run.code) == ("embedded", {"dpi": None}, 3, 1)
        assert run.ended is not None
        assert run.ended >= run.began
        assert [(told.id, read) for told, read in look.pages_of_runs("recipe")] == [(run.id, 2)]


@pytest.mark.parametrize("name", ["größe 数.pdf", "\udcff.pdf", "two\nlines.pdf", "'; drop table files; --.pdf"])
def test_any_name_of_a_file(name: str, tmp_path: Path) -> None:
    row = a_row(f"/in/{name}", stem=name[:-4])
    with Manifest(place(tmp_path)) as manifest:
        number = manifest.put(row)
        manifest.ended(number, Outcome(row.path, outputs=(str(tmp_path / f"{row.stem}.md"),)))
        found = manifest.row(row.path)
        again = manifest.put(row)
    assert found is not None
    assert (found.path, found.stem, found.outputs) == (row.path, row.stem, (str(tmp_path / f"{row.stem}.md"),))
    assert again == number


def test_outputs_are_known_where_the_folder_goes(tmp_path: Path) -> None:
    with Manifest(place(tmp_path / "out")) as manifest:
        manifest.ended(manifest.put(a_row()), Outcome("/in/a.pdf", outputs=(str(tmp_path / "out/x/a.md"),)))
    shutil.move(tmp_path / "out", tmp_path / "moved")
    with Look(place(tmp_path / "moved")) as look:
        (row,) = look.files()
    assert row.outputs == (str(tmp_path / "moved/x/a.md"),)


def test_pages_of_a_long_document_are_kept_until_it_is_over(pages: tuple[Page, ...], tmp_path: Path) -> None:
    told = [noted(page, whole=True, attempts=2, seconds=1.25, engine="embedded 1") for page in pages]
    with Manifest(place(tmp_path)) as manifest:
        number = manifest.put(a_row())
        manifest.reading(number, total=9, sha256="abc")
        for done in told:
            manifest.page(number, done)
        manifest.page(number, PageDone(3, "ok", ()))  # without its content
        assert manifest.kept_pages(number) == {done.number: done for done in told}

        # The same file goes on ...
        manifest.put(a_row(), keep_pages=True)
        manifest.reading(number, total=9, sha256="abc")
        assert set(manifest.kept_pages(number)) == {1, 2}
        # ... one that was changed meanwhile does not ...
        manifest.reading(number, total=9, sha256="other")
        assert manifest.kept_pages(number) == {}
        # ... and one that is over needs none.
        manifest.page(number, told[0])
        manifest.ended(number, Outcome("/in/a.pdf", outputs=("/a.md",)))
        assert manifest.kept_pages(number) == {}
        assert manifest.statuses(number) == {told[0].status}


def test_a_kept_page_that_is_damaged_is_read_again(pages: tuple[Page, ...], tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        number = manifest.put(a_row())
        for page in pages:
            manifest.page(number, noted(page, whole=True))
    with sqlite3.connect(place(tmp_path)) as db:
        db.execute("update pages set content = x'00' where number = 1")
    db.close()
    with Manifest(place(tmp_path)) as manifest:
        assert list(manifest.kept_pages(number)) == [2]


def test_a_file_that_takes_the_name_of_another_ones_results(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.ended(manifest.put(a_row("/x/a.pdf")), Outcome("/x/a.pdf", outputs=("/out/a.md",)))
        manifest.put(a_row("/y/a.pdf"))
        row = manifest.row("/x/a.pdf")
    assert row is not None
    assert (row.state, row.outputs) == ("waiting", ())


def test_what_was_told_is_there_after_kill(tmp_path: Path) -> None:
    """Of a file that is over at once, of kept pages at once."""
    code = f"""
import os, signal
from pathlib import Path
from docparse.batch import Outcome
from docparse.batch.manifest import FileRow, Manifest, place
manifest = Manifest(place(Path({str(tmp_path)!r})))
manifest.begin(engine="e", recipe={{}}, files=2)
number = manifest.put(FileRow("/in/a.pdf", 1, 1, "", "r", "a", "waiting"))
manifest.reading(number, total=1, sha256="abc")
manifest.ended(number, Outcome("/in/a.pdf", outputs=("/a.md",)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], env=environment(), timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with Look(place(tmp_path)) as look:
        assert [(row.state, row.sha256) for row in look.files()] == [("done", "abc")]
        assert look.runs()[0].ended is None
    with Manifest(place(tmp_path)) as manifest:  # nobody holds it any more
        assert manifest.row("/in/a.pdf") is not None


# ------------------------------------------------------------------------------------ what is wrong


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no manifest"):
        Look(place(tmp_path))
    assert places(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_just_being_made_is_empty_or_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(tmp_path)
    seen: list[str] = []

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            look()
            return super().execute(sql, *rest)

        def executescript(self, script: str) -> sqlite3.Cursor:
            cursor = self.cursor()
            for statement in script.split(";"):
                cursor.execute(statement)
                look()
            return cursor

    connect = sqlite3.connect

    def look() -> None:
        """Whoever looks, at each moment."""
        with monkeypatch.context() as plain:
            plain.setattr(sqlite3, "connect", connect)
            with Look(path) as there:
                assert there.counts() == ({}, {})
            with pytest.raises(OutputError, match="no run has begun"):
                status(tmp_path)
            names = connect(path).execute("select name from sqlite_master where type = 'table'")
            seen.append("".join(sorted(name[0] for (name,) in names)))

    monkeypatch.setattr(sqlite3, "connect", lambda *a, **how: connect(*a, **how, factory=Watched))
    with Manifest(path):
        pass
    assert sorted(set(seen)) == ["", "fpr"]
    assert len(seen) > 10


@pytest.mark.parametrize("content", [b"not a database at all, and long enough to be seen as none" * 20, b""])
def test_a_damaged_manifest_is_said_and_can_be_begun_anew(content: bytes, tmp_path: Path) -> None:
    path = place(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    if content:
        with pytest.raises(OutputError, match="--no-resume"):
            Manifest(path)
        with pytest.raises(OutputError, match="manifest"):
            Look(path)
    with Manifest(path, fresh=True) as manifest:
        manifest.put(a_row())
    with Look(path) as look:
        assert len(list(look.files())) == 1


def test_a_manifest_of_another_version(tmp_path: Path) -> None:
    Manifest(place(tmp_path)).close()
    with sqlite3.connect(place(tmp_path)) as db:
        db.execute("pragma user_version = 99")
    db.close()
    for opened in (Manifest, Look):
        with pytest.raises(OutputError, match="another version of docparse"):
            opened(place(tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".docparse").write_bytes(b"a file")
    with pytest.raises(OutputError, match="cannot be written"):
        Manifest(place(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_manifest_that_can_only_be_read(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.put(a_row())
    place(tmp_path).parent.chmod(0o500)
    try:
        with Look(place(tmp_path)) as look:
            assert len(list(look.files())) == 1
    finally:
        place(tmp_path).parent.chmod(0o700)


def test_looking_disturbs_nobody(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest, Look(place(tmp_path)) as look:
        number = manifest.put(a_row())
        assert list(look.files()) == []  # not yet committed
        manifest.reading(number, total=1, sha256="")
        assert [row.state for row in look.files()] == ["reading"]
        manifest.page(number, PageDone(1, "ok", ()))
        manifest.ended(number, Outcome("/in/a.pdf", outputs=("/a.md",)))
        assert look.counts() == ({"done": 1}, {"ok": 1})


# ------------------------------------------------------------------------------------ recipes


def test_the_memory_of_the_database_is_bounded(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        assert manifest._db.execute("pragma cache_size").fetchone() == (-CACHE_KIB,)
    assert CACHE_KIB <= 512


def test_a_recipe_is_what_a_result_depends_on() -> None:
    plain = recipe(Options(), "embedded", ("md", "json"), ExportOptions())
    same = [
        recipe(Options(), "embedded", ("json", "md"), ExportOptions()),
        recipe(Options(password="secret"), "embedded", ("md", "json"), ExportOptions()),
        recipe(Options(model=ModelOptions(path="/elsewhere")), "embedded", ("md", "json"), ExportOptions()),
        recipe(Options(remote=RemoteOptions(api_key="secret")), "embedded", ("md", "json"), ExportOptions()),
    ]
    other = [
        recipe(Options(), "qwen", ("md", "json"), ExportOptions()),
        recipe(Options(), "embedded", ("md",), ExportOptions()),
        recipe(Options(), "embedded", ("md", "json"), ExportOptions(heat=True)),
        recipe(Options(pages="1-3"), "embedded", ("md", "json"), ExportOptions()),
        recipe(Options(dpi=100), "embedded", ("md", "json"), ExportOptions()),
        recipe(Options(renderer="pdf2image"), "embedded", ("md", "json"), ExportOptions()),
    ]
    assert {each.hash for each in same} == {plain.hash}
    assert len({each.hash for each in other} | {plain.hash}) == len(other) + 1
    assert not any("secret" in str(each.told) for each in same)
    models = [Options(model=ModelOptions(path=path)) for path in ("/3b", "/7b")]
    assert len({recipe(options, "qwen", (), ExportOptions()).hash for options in models}) == 2
    servers = [RemoteOptions(url="http://a", model="m", api_key="1"), RemoteOptions(url="http://a", model="m")]
    told = {recipe(Options(remote=remote), "remote", (), ExportOptions()).hash for remote in servers}
    assert len(told) == 1  # a key changes no result


# ------------------------------------------------------------------------------------ bounded


def test_of_many_files_those_in_hand_are_held(tmp_path: Path) -> None:
    """A job is asked for when there is room for it, and forgotten when it is over."""
    with Manifest(place(tmp_path)) as manifest:
        work = Work(manifest, "r")
        asked: list[str] = []

        def found() -> object:
            for n in range(1000):
                asked.append(f"{n}")
                yield Job(f"/in/{n}.pdf", str(tmp_path), f"{n}", ("md",), Options())

        jobs = work.jobs(found())  # type: ignore[arg-type]
        for index in range(1000):
            job = next(jobs)
            assert len(asked) == index + 1
            work.ended(index, job, Outcome(job.path, outputs=(job.path,)))
            assert not work._in_hand
        assert next(jobs, None) is None
        assert manifest.row("/in/999.pdf") is not None
