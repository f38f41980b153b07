"""The report of a run: what is in it, what order, how much at most; and that nothing in it is what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import making
import pytest
from fake_engine import EXIT, HANG, FakeEngine
from PIL import Image
from rich.console import Console
from test_cli import environment

from docparse import thumbnails
from docparse.batch import Conversion, Outcome
from docparse.batch.tally import Tally
from docparse.commands import convert as convert_command
from docparse.commands import reports
from docparse.convert import Options
from docparse.document import Block, Issue, Page, Status, Verdict
from docparse.document import Run as Text
from docparse.errors import DocparseError, EmptySource, EncryptedSource
from docparse.exporters import ExportOptions, find
from docparse.reading import REASON, REASONS, Job, PageDone, noted
from docparse.run_report import (
    MAX_FILES,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    MAX_ROWS,
    Run,
    WorstPages,
    report,
    with_pictures,
)
from docparse.thumbnails import SIDE, Album, draw

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>" onload="alert(3)&#60;b&#62;\u202egnp.\x1b[31m\n\udcff'


class Seen(HTMLParser):
    """The report as a browser has it: elements with their attributes, text, rows of tables by section."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: dict[str, list[list[str]]] = {}
        self._section = ""
        self._cell = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
            self.rows[self._section] = []
        elif tag == "tr":
            self.rows[self._section].append([])
        elif tag in ("td", "th"):
            self.rows[self._section][-1].append("")
            self._cell = True
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self.rows[self._section][-1][-1] += data

    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a"]


def job(
    name: str = "in/a.pdf", *, formats: tuple[str, ...] = ("html",), stem: str | None = None, out: str = "out"
) -> Job:
    return Job(name, out, stem or Path(name).stem, formats, Options(), ExportOptions())


def page(number: int, status: Status, *reasons: tuple[str, str], **more: Any) -> PageDone:
    return PageDone(number, status, tuple(code for code, _ in reasons), reasons=reasons, **more)


def a_run(*files: tuple[Job, list[PageDone]], **more: Any) -> Run:
    """A run in which these pages were read, and everything was written."""
    worst, outcomes = WorstPages(), []
    for index, (done, pages) in enumerate(files):
        outcome = Outcome(done.path, seconds=1.5)
        for one in pages:
            outcome.pages[one.number], outcome.codes[one.number] = one.status, one.codes
            if one.confidence is not None:
                outcome.sure[one.number] = (one.confidence, one.characters)
            worst.note(index, one)
        numbers = [one.number for one in pages]
        suffixes = [find(name).suffix for name in done.formats]
        written = [Path(done.folder, done.stem + s.format(page=n)) for s in suffixes for n in numbers]
        outcome.outputs = tuple(dict.fromkeys(map(str, written)))
        outcomes.append(outcome)
    return Run([done for done, _ in files], outcomes, worst.worst(), **more)


def seen(run: Run, path: str = "out/report.html") -> Seen:
    html = report(run, Path(path))
    html.encode()  # can be written, whatever is in the names
    return Seen(html)


# ------------------------------------------------------------------------------------ what is in it


def test_the_worst_pages_come_first_with_all_that_is_known() -> None:
    files = [
        (job("in/a.pdf"), [page(1, "ok", confidence=0.99, characters=100), page(2, "repaired", ("x", "Mended."))]),
        (
            job("in/b.pdf"),
            [
                page(1, "fallback", ("fallback", "The embedded engine read it."), attempts=4, seconds=601.0),
                page(2, "partial", ("loop", "it looped."), confidence=0.9, characters=10, seconds=0.25),
                page(3, "partial", ("missing-text", "Half is gone."), ("z", "Zed."), confidence=0.2, characters=10),
                page(4, "failed", ("engine.timeout", "it took too long.")),
            ],
        ),
    ]
    got = seen(a_run(*files, engine="qwen Tortoise", seconds=3725, began="2026-11-21 21:00"))
    assert "5 of 6 pages to look at" in got.text
    assert "2026-11-21 21:00 · 2 files in 1 h 02 min · read by qwen Tortoise" in got.text
    assert [row[:2] for row in got.rows["verdicts"]] == [
        ["failed", "1"],
        ["partial", "2"],
        ["fallback", "1"],
        ["repaired", "1"],
        ["ok", "1"],
    ]
    head, *rows = got.rows["pages"]
    assert head == ["picture", "page", "why", "confidence", "readings", "time"]
    assert [row[1:] for row in rows] == [
        ["failed page 4 in/b.pdf html", "It took too long. engine.timeout", "", "1", ""],
        ["partial page 3 in/b.pdf html", "Half is gone. missing-textZed. z", "20%", "1", ""],
        ["partial page 2 in/b.pdf html", "It looped. loop", "90%", "1", "0.25 s"],
        ["fallback page 1 in/b.pdf html", "The embedded engine read it. fallback", "", "4", "10 min 01 s"],
        ["repaired page 2 in/a.pdf html", "Mended. x", "", "1", ""],
    ]
    assert got.rows["files"] == [
        ["file", "failed", "partial", "fallback", "repaired", "ok", "confidence", "time", "results"],
        ["in/b.pdf", "1", "2", "1", "", "", "55%", "1.5 s", "html"],
        ["in/a.pdf", "", "", "", "1", "1", "99%", "1.5 s", "html"],
    ]
    meaning = {row[2]: row[1] for row in got.rows["reasons"][1:]}
    assert meaning["loop"] == "The reading ran into a loop and was stopped."
    assert meaning["engine.timeout"] == "A page took longer than its limit."


def test_a_run_without_fault_says_so() -> None:
    got = seen(a_run((job(), [page(1, "ok"), page(2, "ok")])))
    assert "2 pages, and all are ok" in got.text
    assert "None: every page is ok." in got.text
    assert "reasons" not in got.rows
    assert got.rows["files"][1:] == [["in/a.pdf", "2", "", "1.5 s", "html"]]


def test_files_that_were_not_converted() -> None:
    run = a_run((job("in/locked.pdf"), []), problems=[EmptySource("the pattern matches no file.", file="*.jpg")])
    run.outcomes[0].outputs = ()
    run.outcomes[0].error = EncryptedSource("it is locked.", file="in/locked.pdf", hint="Give the password.")
    got = seen(run)
    assert "no page was read; 2 files not converted" in got.text
    assert got.rows["errors"] == [
        ["in/locked.pdf", "It is locked. Give the password.", "source.encrypted"],
        ["*.jpg", "The pattern matches no file.", "source.empty"],
    ]
    assert "files" not in got.rows
    assert "interrupted" not in got.text


def test_an_interrupted_run_says_so() -> None:
    assert "The run was interrupted" in seen(a_run((job(), [page(1, "ok")]), interrupted=True)).text


# ------------------------------------------------------------------------------------ links


def test_links_lead_to_what_was_written(tmp_path: Path) -> None:
    """From wherever the report is, for any name that a file can have."""
    names = [
        "plain",
        "javascript:alert(1)",
        "a b#c?d%41",
        "größe 数",
        "..",
        "q\"uo'te<b>",
        "\udcff",
        "//host/x".replace("/", "_"),
    ]
    formats = ("html", "html-page", "overlay", "overlay-png")
    out = tmp_path / "out put"
    files = [
        (job(f"in/{n}.pdf", stem=n, out=str(out), formats=formats), [page(3, "ok"), page(7, "partial")]) for n in names
    ]
    run = a_run(*files)
    for place in (out, tmp_path, tmp_path / "else where"):
        got = seen(run, str(place / "report.html"))
        found = set()
        for link in got.links():
            parts = urlsplit(link)
            assert (parts.scheme, parts.netloc, parts.query) == ("", "", "")
            found.add(
                os.path.normpath(
                    os.path.join(os.fsencode(place), os.fsencode(unquote(parts.path, errors="surrogateescape")))
                )
            )
        all_files = {os.fsencode(path) for outcome in run.outcomes for path in outcome.outputs}
        assert found == {path for path in all_files if b"overlay-003" not in path}
        assert {urlsplit(link).fragment for link in got.links()} == {"", "page-7", "page=2"}


def test_there_are_no_links_to_what_is_not_there() -> None:
    run = a_run((job(formats=("html", "json")), [page(1, "partial")]))
    run.outcomes[0].outputs = (str(Path("out", "a.json")),)
    assert seen(run).links() == ["a.json", "a.json"]


# ------------------------------------------------------------------------------------ hostile


def test_nothing_in_it_is_markup() -> None:
    run = a_run(
        (job(HOSTILE, stem="x"), [page(1, "partial", (HOSTILE, HOSTILE)), page(2, "failed", ("loop", HOSTILE))]),
        (job(f"in/{HOSTILE}.pdf", stem="y"), []),
        engine=HOSTILE,
        problems=[EmptySource(HOSTILE, file=HOSTILE, hint=HOSTILE)],
        pictures={(0, 1): b"jpeg"},
    )
    run.outcomes[1].error = EncryptedSource(HOSTILE, hint=HOSTILE)
    html = report(run, Path("out/report.html"))
    got = Seen(html)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "table"}
    allowed |= {"tr", "th", "td", "ul", "li", "code", "a", "br", "span", "img", "svg", "rect"}
    assert {tag for tag, _ in got.tags} <= allowed
    names = {name for _, attrs in got.tags for name in attrs}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    sources = [attrs["src"] or "" for _, attrs in got.tags if "src" in attrs]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "http" not in re.sub(r'http-equiv="Content', "", html)
    assert all(c.isprintable() or c == "\n" for c in html)
    assert got.text.count("<script>alert(1)</script>") > 5  # shown as it is
    policy = next(attrs["content"] for tag, attrs in got.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


# ------------------------------------------------------------------------------------ bounds


def test_a_hundred_thousand_bad_pages() -> None:
    """Only the worst are kept, whatever comes; all are counted."""
    worst = WorstPages(50)
    for number in range(1, 5001):
        status: Status = "failed" if number % 500 == 0 else "partial" if number % 100 == 0 else "repaired"
        worst.note(0, page(number, status, confidence=number / 10_000))
        assert len(worst._pages) <= 100
    kept = worst.worst()
    assert len(kept) == 50
    numbers = [number for _, number in kept]
    assert numbers == [n * 500 for n in range(1, 11)] + [n for n in range(100, 5001, 100) if n % 500]


def test_what_is_said_of_a_page_last_counts() -> None:
    worst = WorstPages()
    worst.note(0, page(1, "partial"))
    worst.note(0, page(2, "partial"))
    worst.note(0, page(1, "ok"))
    worst.note(0, page(2, "failed"))
    assert {key: done.status for key, done in worst.worst().items()} == {(0, 2): "failed"}


def test_the_file_has_a_size_that_it_does_not_exceed() -> None:
    said = (("text-disagrees", "<" * REASON),) * REASONS
    name = "/".join(["long folder name " * 10] * 8)
    bad = [page(n, "partial", *said) for n in range(1, 4001)]
    files = [
        (job(f"{name}/{i}.pdf", stem=str(i), formats=("html", "json", "markdown")), [page(1, "repaired")])
        for i in range(3000)
    ]
    run = a_run((job(f"{name}/bad.pdf"), bad), *files)
    run = Run(run.jobs, run.outcomes, run.pages, {(0, n): b"\xff" * 40_000 for n in range(1, 1001)})
    html = report(run, Path("out/report.html"))
    assert len(html) < 4 / 3 * MAX_PICTURE_BYTES + 6_000_000
    got = Seen(html)
    assert len(got.rows["pages"]) == 1 + MAX_ROWS
    assert len(got.rows["files"]) == 1 + MAX_FILES
    assert "Left out: 6,000 pages, less bad than these" in got.text
    assert "1,001 more files left out here, with these pages: 1,001 repaired." in got.text
    assert f"the pictures of {MAX_ROWS - MAX_PICTURE_BYTES // 40_000} pages" in got.text
    assert sum(len(numbers) for numbers in with_pictures(run.pages).values()) == MAX_PICTURES


def test_what_is_told_of_a_page_is_short() -> None:
    issues = [Issue("mild", "mild", "warning"), Issue("info", "of no matter", "info")]
    issues += [Issue(f"bad-{n % 6}", f"{n} " + "x" * 1000, "error") for n in range(12)]
    blocks = (
        Block("paragraph", runs=(Text("abcd"),), confidence=0.5),
        Block("paragraph", runs=(Text("x" * 16),), confidence=1.0),
        Block("paragraph", runs=(Text("nobody knows"),)),
    )
    done = noted(Page(1, 10, 10, blocks=blocks, verdict=Verdict("partial", tuple(issues))), whole=False)
    assert [code for code, _ in done.reasons] == ["bad-0", "bad-1", "bad-2", "bad-3"]
    assert [message.split()[0] for _, message in done.reasons] == ["0", "1", "2", "3"]
    assert all(len(message) <= REASON for _, message in done.reasons)
    assert (done.confidence, done.characters) == (0.9, 20)
    assert "mild" in done.codes
    assert "info" not in done.codes


# ------------------------------------------------------------------------------------ pictures


def test_pictures_of_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(making.pdf(*[making.text("Hello")] * 3))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    albums = {
        4: Album(str(path), Options(), (3, 1)),
        5: Album(str(tmp_path / "broken.pdf"), Options(renderer="pymupdf"), (1,)),
        6: Album(str(path), Options(), (2, 99)),
    }
    pictures = draw(albums, 2)
    assert sorted(pictures) == [(4, 1), (4, 3), (6, 2)]
    for jpeg in pictures.values():
        with Image.open(BytesIO(jpeg)) as image:
            assert (image.format, max(image.size)) == ("JPEG", SIDE)


class Killing:
    """Draws, but dies of some pages."""

    def __init__(self, deadly: int, how: str) -> None:
        self.deadly, self.how = deadly, how

    def __call__(self, album: Album, send: Any) -> None:
        for number in album.numbers:
            if number == self.deadly:
                if self.how == HANG:
                    time.sleep(100)
                os._exit(7)
            send(thumbnails._Drawn(number, b"jpeg"))


@pytest.mark.parametrize("how", [EXIT, HANG])
def test_a_page_that_kills_who_draws_it_has_no_picture(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "draw_album", Killing(2, how))
    if how == HANG:
        monkeypatch.setattr(thumbnails, "PAGE_SECONDS", 0.3)
        monkeypatch.setattr("docparse.workers.START_SECONDS", 5.0)
    assert sorted(draw({0: Album("a.pdf", Options(), (1, 2, 3, 4))}, 1)) == [(0, 1), (0, 3), (0, 4)]


# ------------------------------------------------------------------------------------ from runs


def test_a_batch_tells_how_its_pages_were_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(making.pdf(*[making.text("a", at=(20, 80), size=12)] * 30, size=(100, 120)))
    told: dict[tuple[int, int], PageDone] = {}
    engine = FakeEngine(trouble={3: EXIT, 29: "raise"})
    conversion = Conversion(
        [Job(str(path), str(tmp_path), "a", ("json",), Options(engine=engine))],
        2,
        seconds=60,
        cores=2,
        watch=lambda _: None,
        listen=lambda index, done: told.__setitem__((index, done.number), done),
    )
    conversion.run()
    assert sorted(told) == [(0, n) for n in range(1, 31)]
    assert told[0, 1].engine == "fake"
    assert told[0, 1].attempts == 1
    assert told[0, 1].seconds is not None
    assert told[0, 3].status == told[0, 29].status == "failed"
    ((code, said),) = told[0, 29].reasons
    assert code == "engine.failed"
    assert "out of ideas" in said
    assert told[0, 3].seconds is None


def run_program(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "docparse", "convert", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_program_writes_one_beside_the_results(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(making.pdf(making.text("I am called report")))
    scan = making.tiff(making.picture(), making.picture(), compression="tiff_lzw")
    (tmp_path / "scan.tif").write_bytes(scan[: len(scan) // 2])
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    words = ("report.pdf", "scan.tif", "broken.pdf", "--to", "html", "-o", "out", "--report")
    done = run_program(tmp_path, *words)
    assert done.returncode == 1
    # The result of report.pdf has the name: the report takes another, and the same one again next time.
    assert done.stderr.splitlines()[-1] == f"report {Path('out/report-2.html')}"
    assert "I am called report" in (tmp_path / "out/report.html").read_text()
    got = Seen((tmp_path / "out/report-2.html").read_text())
    assert "2 of 3 pages to look at; 1 file not converted" in got.text
    failed, repaired = (row[1:3] for row in got.rows["pages"][1:])
    assert failed[0] == "failed page 2 scan.tif html"
    assert failed[1].endswith("source.corrupt")
    assert repaired[0] == "repaired page 1 scan.tif html"
    assert "read by embedded" in got.text
    assert got.rows["files"][-1][0] == "report.pdf"
    assert done.stderr.splitlines()[-1] == run_program(tmp_path, *words).stderr.splitlines()[-1]


def test_a_report_where_one_wants_it(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(making.pdf(making.text("Hello")))
    (tmp_path / "mine.html").write_text("precious")
    words = ("a.pdf", "--to", "html,text", "-o", "out", "--report-to")
    for wrong in ("a.pdf", "out/a.html", "./out/../out/a.html", "folder"):
        done = run_program(tmp_path, *words, wrong)
        assert (done.returncode, "--report-to" in done.stderr) == (2, True), wrong
        assert not (tmp_path / "out/a.html").exists()
    done = run_program(tmp_path, *words, "new/run.html")
    assert done.returncode == 0
    got = Seen((tmp_path / "new/run.html").read_text())
    assert got.links() == ["../out/a.html", "../out/a.txt"]


class Said:
    """A display that notes what is said."""

    def __init__(self) -> None:
        self.errors: list[DocparseError] = []
        self.sentences: list[str] = []

    def error(self, error: DocparseError) -> None:
        self.errors.append(error)

    def say(self, kind: str, colour: str, sentence: str) -> None:
        self.sentences.append(sentence)


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    display, run = Said(), a_run((job(), [page(1, "ok")]))
    path = tmp_path / "file" / "report.html"
    assert not reports.write(run, reports.Reports(path, path), display)  # type: ignore[arg-type]
    assert [error.code for error in display.errors] == ["output.failed"]
    there = tmp_path / "report.html"
    assert reports.write(run, reports.Reports(there, there), display)  # type: ignore[arg-type]
    assert display.sentences == [str(tmp_path / "report.html")]


def test_pictures_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reports, "draw", interrupted)
    run = a_run((job(), [page(1, "failed")]))
    where = reports.Reports(tmp_path / "report.html", tmp_path / "summary.json")
    assert reports.write(run, where, Said())  # type: ignore[arg-type]
    assert not where.summary.exists()  # there is no manifest to sum up
    assert "Left out: the pictures of 1 page (" in (tmp_path / "report.html").read_text()


def test_the_table_says_how_sure_it_is_where_anybody_knows() -> None:
    def table(*sure: tuple[float, int] | None) -> list[str]:
        outcomes = [
            Outcome(f"{i}.pdf", pages={1: "ok"}, sure={} if one is None else {1: one, 2: (1.0, 100)})
            for i, one in enumerate(sure)
        ]
        text, tally = StringIO(), Tally()
        for i, outcome in enumerate(outcomes):
            tally.add(i, outcome)
        convert_command._summary(tally, Console(file=text, width=200))
        return text.getvalue().splitlines()

    head, known, unknown, _ = table((0.5, 300), None)
    assert head.split() == ["file", "pages", "verdicts", "reasons", "confidence", "s"]
    assert known.split() == ["0.pdf", "1", "1", "ok", "62%", "0.0"]
    assert unknown.split() == ["1.pdf", "1", "1", "ok", "0.0"]
    assert table(None)[0].split() == ["file", "pages", "verdicts", "reasons", "s"]


def test_without_the_option_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(making.pdf(making.text("Hello")))
    assert run_program(tmp_path, "a.pdf", "--to", "text", "-o", "out").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
