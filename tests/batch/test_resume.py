"""A run goes on where another ended, however that ended, and makes what an undisturbed one makes."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import making
import pytest
from program import HERE, killed_when, outputs, pages_in, run, start

from docparse.batch.manifest import FileRow, Look, PageRow, place
from docparse.batch.resume import Existing, Retry, Stat, decide, in_shard
from docparse.reading import STRETCH


def a_pdf(path: Path, pages: int = 1, word: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [making.text(f"{word or path.stem} page {n}", at=(20, 80), size=12) for n in range(1, pages + 1)]
    path.write_bytes(making.pdf(*texts, size=(200, 200)))
    return path


def look(out: Path) -> tuple[dict[str, FileRow], list[PageRow]]:
    with Look(place(out)) as manifest:
        return {Path(row.path).name: row for row in manifest.files()}, list(manifest.pages())


def times(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.is_file()}


def written_anew(out: Path, before: dict[str, int]) -> set[str]:
    return {name for name, when in times(out).items() if before.get(name) != when}


# ------------------------------------------------------------------------------------ what is left to do

DONE = FileRow("/in/a.pdf", 7, 70, "abc", "r", "a", "done", outputs=("/",))
NOW = Stat(7, 70)


def failed(code: str, tries: int = 1) -> FileRow:
    return FileRow("/in/a.pdf", 7, 70, "abc", "r", "a", "failed", code=code, tries=tries)


@pytest.mark.parametrize(
    ("row", "now", "retry", "statuses", "why"),
    [
        (None, NOW, (), (), "new"),
        (DONE, NOW, (), ("ok",), "leave: done"),
        (DONE, NOW, (), ("failed", "partial"), "leave: done"),
        (DONE, NOW, ("partial",), ("ok", "partial"), "retry"),
        (DONE, NOW, ("partial",), ("failed",), "retry"),
        (DONE, NOW, ("failed",), ("failed",), "retry"),
        (DONE, NOW, ("failed",), ("partial",), "leave: done"),
        (DONE, NOW, ("failed", "partial"), ("ok", "repaired", "fallback"), "leave: done"),
        (DONE, Stat(8, 70), (), (), "changed"),
        (DONE, Stat(7, 71), (), (), "changed"),  # nobody can say that it has the same bytes: it is not there
        (DONE, Stat(), (), (), "changed"),
        (FileRow("/in/a.pdf", 7, 70, "abc", "other", "a", "done", outputs=("/",)), NOW, (), (), "recipe"),
        (FileRow("/in/a.pdf", 7, 70, "abc", "r", "b", "done", outputs=("/",)), NOW, (), (), "recipe"),
        (FileRow("/in/a.pdf", 7, 70, "abc", "r", "a", "done", outputs=("/nowhere/a.md",)), NOW, (), (), "outputs gone"),
        (FileRow("/in/a.pdf", 7, 70, "abc", "r", "a", "reading"), NOW, (), (), "interrupted"),
        (FileRow("/in/a.pdf", 7, 70, "", "r", "a", "waiting"), NOW, (), (), "interrupted"),
        (failed("source.corrupt"), NOW, (), (), "leave: failed"),
        (failed("source.encrypted"), NOW, (), (), "leave: failed"),
        (failed("source.unsupported"), NOW, (), (), "leave: failed"),
        (failed("source.empty"), NOW, ("partial",), (), "leave: failed"),
        (failed("source.empty"), NOW, ("failed",), (), "retry"),
        (failed("source.timeout"), NOW, (), (), "chance"),
        (failed("source.timeout", 3), NOW, (), (), "leave: failed"),
        (failed("engine.timeout", 2), NOW, (), (), "chance"),
        (failed("engine.unavailable", 99), NOW, (), (), "chance"),
        (failed("output.failed", 99), NOW, (), (), "chance"),
        (failed("source.unreadable", 99), NOW, (), (), "chance"),
    ],
)
def test_what_is_left_to_do(
    row: FileRow | None, now: Stat, retry: Sequence[Retry], statuses: Sequence[str], why: str
) -> None:
    decision = decide(row, now, recipe="r", stem="a", retry=retry, statuses=statuses)
    assert f"{'' if decision.do else 'leave: '}{decision.why}" == why
    assert decision.keep_pages == (why in ("interrupted", "chance"))


def test_a_password_opens_what_was_locked() -> None:
    assert decide(failed("source.encrypted"), NOW, recipe="r", stem="a", password=True).do
    assert not decide(failed("source.corrupt"), NOW, recipe="r", stem="a", password=True).do


def test_shards_are_parts_of_a_whole() -> None:
    paths = [f"in/{n}.pdf" for n in range(300)]
    parts = [[path for path in paths if in_shard(path, (i, 3))] for i in (1, 2, 3)]
    assert sorted(path for part in parts for path in part) == sorted(paths)
    assert all(60 < len(part) < 140 for part in parts)
    assert all(in_shard("./in//0.pdf", (i, 3)) == in_shard("in/0.pdf", (i, 3)) for i in (1, 2, 3))
    assert all(in_shard(path, None) for path in paths)


def test_outputs_that_exist(tmp_path: Path) -> None:
    for name in ("a.md", "a.json", "a.overlay-001.png", "b.md", "c.overlay-012.png", "d-001.md"):
        (tmp_path / name).touch()
    there = Existing(tmp_path)
    assert there.outputs("a", [".md", ".json", ".overlay-{page:03d}.png"])
    assert not there.outputs("b", [".md", ".json"])
    assert not there.outputs("b", [".overlay-{page:03d}.png"])
    assert there.outputs("c", [".overlay-{page:03d}.png"])
    assert there.outputs("d-001", [".md"])
    assert not Existing(tmp_path / "nowhere").outputs("a", [".md"])


# ------------------------------------------------------------------------------------ the program


def test_only_what_is_missing_or_other_is_done_again(tmp_path: Path) -> None:
    for name in "abcd":
        a_pdf(tmp_path / f"in/{name}.pdf")
    (tmp_path / "in/e.pdf").write_bytes(b"%PDF-1.7\nnothing of this is true")
    words = ("convert", "in", "-o", "out", "--to", "json,text", "--renderer", "pymupdf")
    first = run(tmp_path, *words)
    assert first.returncode == 1
    out = tmp_path / "out"
    before = times(out)
    assert len(before) == 8

    again = run(tmp_path, *words)
    assert again.returncode == 1  # one is still not converted
    assert written_anew(out, before) == set()
    assert again.stderr.splitlines() == [
        "note 4 files done before.",
        "note 1 file failed before (--retry failed has them tried again).",
    ]

    a_pdf(tmp_path / "in/a.pdf", word="something else")
    os.utime(tmp_path / "in/b.pdf", (1, 1))  # the same bytes
    (out / "c.txt").unlink()
    a_pdf(tmp_path / "in/e.pdf")  # somebody has mended it
    a_pdf(tmp_path / "in/f.pdf")
    mended = run(tmp_path, *words)
    assert mended.returncode == 0
    assert written_anew(out, before) == {f"{name}.{ending}" for name in "acef" for ending in ("json", "txt")}
    assert (out / "a.txt").read_text().strip() == "something else page 1"
    assert mended.stderr.splitlines()[0] == "note 2 files done before."
    assert mended.stderr.splitlines()[-1] == "4 files; 4 pages: 4 ok"

    # The folder can be called by another name, and from elsewhere.
    before = times(out)
    moved = run(out, "convert", "../in", "-o", ".", "--to", "text,json", "--renderer", "pymupdf")
    assert moved.stderr.splitlines() == ["note 6 files done before."]
    assert written_anew(out, before) == set()

    assert run(tmp_path, *words, "--no-resume").stderr.splitlines()[-1] == "6 files; 6 pages: 6 ok"
    assert written_anew(out, before) == set(before)
    other = run(tmp_path, *words, "--dpi", "100")
    assert other.stderr.splitlines()[-1] == "6 files; 6 pages: 6 ok"


def test_what_failed_is_tried_again_when_it_is_asked(tmp_path: Path) -> None:
    a_pdf(tmp_path / "in/a.pdf")
    (tmp_path / "in/b.pdf").write_bytes(b"%PDF-1.7\nnothing of this is true")
    (tmp_path / "in/c.pdf").write_bytes(making.pdf(making.text("Behind the lock"), password="sesame"))
    words = ("convert", "in", "-o", "out", "--to", "text")
    assert run(tmp_path, *words).returncode == 1
    (row,) = [row for name, row in look(tmp_path / "out")[0].items() if name == "b.pdf"]
    assert (row.state, row.code, row.tries) == ("failed", "source.corrupt", 1)
    left = run(tmp_path, *words)
    assert "note 2 files failed before" in left.stderr
    opened = run(tmp_path, *words, "--password", "sesame")
    assert opened.stderr.splitlines()[-1].split()[:4] == ["in/c.pdf", "1", "1", "ok"]
    tried = run(tmp_path, *words, "--retry", "failed,partial")
    assert [line.rsplit("[")[-1] for line in tried.stderr.splitlines() if line.startswith("error")] == [
        "source.corrupt]"
    ]
    assert "note 2 files done before." in tried.stderr
    assert look(tmp_path / "out")[0]["b.pdf"].tries == 1  # a new count


def test_a_file_whose_name_is_taken_over_is_done_again(tmp_path: Path) -> None:
    for folder in "xy":
        a_pdf(tmp_path / folder / "a.pdf", word=folder)
    x, y = (("convert", folder, "-o", "out", "--to", "text") for folder in "xy")
    for words in (x, y, x):
        assert run(tmp_path, *words).stderr.splitlines()[-1].split()[1:4] == ["1", "1", "ok"]
        assert (tmp_path / "out/a.txt").read_text().split()[0] == words[1]
    assert run(tmp_path, *x).stderr == "note 1 file done before.\n"
    # One file alone, as it is read into the same folder.
    assert run(tmp_path, "convert", "y/a.pdf", "-o", "out", "--to", "text").returncode == 0
    assert run(tmp_path, *x).stderr.splitlines()[-1].split()[1:4] == ["1", "1", "ok"]


def test_one_file_is_read_without_notes(tmp_path: Path) -> None:
    a_pdf(tmp_path / "a.pdf")
    a_pdf(tmp_path / "b.pdf")
    assert run(tmp_path, "convert", "a.pdf", "-o", "out", "--to", "text").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
    assert run(tmp_path, "convert", "a.pdf", "b.pdf", "-o", "out", "--to", "text", "--no-manifest").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.txt", "b.txt"]
    assert run(tmp_path, "convert", "?.pdf", "-o", "out", "--to", "text").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".docparse", "a.txt", "b.txt"]


def test_some_of_the_files(tmp_path: Path) -> None:
    for number, name in enumerate("abcdef"):
        a_pdf(tmp_path / f"in/{name}.pdf", pages=6 - number)
    words = ("convert", "in", "-o", "out", "--to", "text", "--jobs", "1")
    out = tmp_path / "out"
    assert run(tmp_path, *words, "--limit", "2").returncode == 0
    assert sorted(times(out)) == ["a.txt", "b.txt"]
    assert run(tmp_path, *words, "--limit", "2", "--order", "smallest-first").returncode == 0
    assert sorted(times(out)) == ["a.txt", "b.txt", "e.txt", "f.txt"]
    skipped = run(tmp_path, *words, "--skip-existing", "--no-manifest")
    assert skipped.stderr.splitlines()[0] == "note 4 files left out: their results are there."
    assert len(times(out)) == 6

    parts = [run(tmp_path, "convert", "in", "-o", "parts", "--to", "text", "--shard", f"{i}/2") for i in (1, 2)]
    assert [part.returncode for part in parts] == [0, 0]
    assert outputs(tmp_path / "parts") == outputs(out)
    assert {path.name for path in (tmp_path / "parts/.docparse").glob("*.sqlite")} == {
        "manifest-1of2.sqlite",
        "manifest-2of2.sqlite",
    }


def test_a_list_of_files(tmp_path: Path) -> None:
    for name in ("a.pdf", "[b].pdf", "c d.pdf", "e.pdf"):
        a_pdf(tmp_path / name, word="here")
    (tmp_path / "list").write_bytes(b"a.pdf\r\n\n[b].pdf\nc d.pdf\ngone.pdf\na.pdf")
    listed = run(tmp_path, "convert", "--from-file", "list", "-o", "out", "--to", "text")
    assert listed.returncode == 1
    assert sorted(times(tmp_path / "out")) == ["[b].txt", "a.txt", "c d.txt"]
    assert "gone.pdf: there is no such file." in listed.stderr
    piped = run(tmp_path, "convert", "--from-file", "-", "-o", "out", "--to", "text", input="e.pdf\0a.pdf\0")
    assert piped.returncode == 0
    assert piped.stderr.splitlines()[0] == "note 1 file done before."
    assert sorted(times(tmp_path / "out")) == ["[b].txt", "a.txt", "c d.txt", "e.txt"]
    empty = run(tmp_path, "convert", "--from-file", "-", "-o", "out", input="\n")
    assert (empty.returncode, empty.stderr.splitlines()[-1][-14:]) == (3, "[source.empty]")
    missing = run(tmp_path, "convert", "--from-file", "nowhere", "-o", "out")
    assert (missing.returncode, missing.stderr.splitlines()[-1][-19:]) == (3, "[source.unreadable]")


@pytest.mark.parametrize(
    "words",
    [
        ("--shard", "0/2"),
        ("--shard", "3/2"),
        ("--shard", "half"),
        ("--retry", "everything"),
        ("--retry", ""),
        ("--order", "random"),
        ("--retry", "failed", "--no-manifest"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    a_pdf(tmp_path / "a.pdf")
    result = run(tmp_path, "convert", "a.pdf", *words)
    assert result.returncode == 2
    assert words[0] in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]


# ------------------------------------------------------------------------------------ kill -9


def a_corpus(folder: Path, *, long: int) -> None:
    """Short files, long ones that are read in stretches, and one that is none."""
    for name, pages in (("a", 1), ("b", 3), ("c", long), ("d", 2), ("e", 1), ("g", 5), ("h", 1)):
        a_pdf(folder / f"{name}.pdf", pages)
    (folder / "f.pdf").write_bytes(b"%PDF-1.7\nnothing of this is true")


def test_a_run_that_is_killed_again_and_again_makes_the_same(tmp_path: Path) -> None:
    """With the embedded engine: what was kept of a long document is as good as what is read now, to the last digit."""
    long = 2 * STRETCH + 7
    a_corpus(tmp_path / "in", long=long)
    formats = "json,html,md,chunks,overlay"
    whole = run(tmp_path, "convert", "in", "-o", "whole", "--to", formats)
    assert whole.returncode == 1
    expected = outputs(tmp_path / "whole")
    assert len(expected) == 7 * 5
    out = tmp_path / "out"
    out.mkdir()
    moments = [0, 1, 4, 12, 40]
    kills = 0
    for moment in moments:
        process = start(tmp_path, "convert", "in", "-o", "out", "--to", formats)
        kills += killed_when(process, lambda least=moment: pages_in(out) >= least)  # type: ignore[misc]
    assert kills >= 3
    final = run(tmp_path, "convert", "in", "-o", "out", "--to", formats)
    assert final.returncode == 1
    assert outputs(out) == expected
    files, pages = look(out)
    assert {name: row.state for name, row in files.items()} == {
        f"{name}.pdf": "failed" if name == "f" else "done" for name in "abcdefgh"
    }
    assert len(pages) == long + 13
    assert all(page.seconds is not None and page.engine.startswith("embedded") for page in pages)
    assert not list(out.glob("**/*.tmp"))


def test_no_page_of_a_long_document_is_read_twice_that_was_kept(tmp_path: Path) -> None:
    long = 4 * STRETCH
    a_corpus(tmp_path / "in", long=long)
    batch = [sys.executable, str(HERE / "killing_batch.py")]
    whole = start(tmp_path, "in", "whole", "diary-of-the-whole", program=batch)
    assert whole.wait(timeout=120) == 0
    expected = outputs(tmp_path / "whole")
    assert len(expected) == 7 * 2

    out, diary = tmp_path / "out", tmp_path / "diary"
    out.mkdir()
    chance = random.Random(20261122)
    kept: set[int] = set()
    under_way = 0
    for _ in range(10):
        known = pages_in(out)
        begun = len(diary.read_text().splitlines()) if diary.exists() else 0
        process = start(tmp_path, "in", "out", "diary", program=batch)
        if not killed_when(process, _some_more(out, known + chance.randrange(1, 16), chance.uniform(0, 0.1))):
            break
        _wait_for_the_workers(diary)
        read = [line.rsplit(" ", 1) for line in diary.read_text().splitlines()[begun:]]
        again = [int(number) for name, number in read if name == "c.pdf"]
        assert kept.isdisjoint(again), "a page that was kept is read again"
        files, pages = look(out)
        kept = {page.number for page in pages if page.file == files["c.pdf"].id} if "c.pdf" in files else set()
        under_way += 0 < len(kept) < long
        # What is read again is what was in hand: a page of each worker, and what they said while it was killed.
        assert len(set(again) - kept) <= 20
    assert under_way >= 3
    process = start(tmp_path, "in", "out", "diary", program=batch)
    assert process.wait(timeout=120) == 0
    assert outputs(out) == expected
    files, pages = look(out)
    assert {row.state for row in files.values()} == {"done", "failed"}
    assert len([page for page in pages if page.file == files["c.pdf"].id]) == long


def _some_more(out: Path, pages: int, seconds: float) -> Any:
    """True a moment after so many pages are known."""

    def reached() -> bool:
        if pages_in(out) < pages:
            return False
        time.sleep(seconds)
        return True

    return reached


def _wait_for_the_workers(diary: Path) -> None:
    """They end with their parent, in a moment: until then they may read on."""
    size = -1
    while size != (size := diary.stat().st_size if diary.exists() else 0):
        time.sleep(0.4)
