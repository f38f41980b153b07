"""The report and the summary of a batch: of all that its manifests know, with how things are spread."""

from __future__ import annotations

import json
import re
from pathlib import Path

import making
import pytest
from made_manifest import a_batch, put
from program import run
from test_report import Seen

from docparse.batch.manifest import Manifest, place, places
from docparse.batch.summary import Spread, summarize
from docparse.convert import Options
from docparse.errors import CorruptSource
from docparse.reading import Job
from docparse.run_plots import duration, plot
from docparse.run_report import Run, report
from docparse.run_whole import Whole, whole


def of(out: Path, *, pages: int = 100, files: int = 100) -> Whole:
    return whole(
        places(out), lambda path, stem: Job(path, str(out), stem, ("text",), Options()), pages=pages, files=files
    )


def seen(found: Whole, out: Path) -> Seen:
    about = Run(found.jobs, found.outcomes, found.pages, whole=found.summary, seconds=5, began="2026-11-22 03:00")
    return Seen(report(about, out / "report.html"))


def named(found: Whole) -> list[tuple[str, int]]:
    return [(Path(found.outcomes[index].path).name, number) for index, number in found.pages]


# ------------------------------------------------------------------------------------ from the manifest


def test_pages_and_files_are_as_the_run_has_told_of_them(tmp_path: Path) -> None:
    a_batch(tmp_path)
    found = of(tmp_path)
    assert named(found) == [("bad.pdf", 1), ("bad.pdf", 2), ("so-so.pdf", 1)]  # worst first
    by_name = {Path(outcome.path).name: outcome for outcome in found.outcomes}
    assert set(by_name) == {"good.pdf", "bad.pdf", "so-so.pdf", "broken.pdf", "locked.pdf", "hand.pdf"}
    assert by_name["bad.pdf"].pages == {1: "failed", 2: "partial", 3: "ok"}
    assert by_name["bad.pdf"].confidence == pytest.approx(0.6)
    error = by_name["broken.pdf"].error
    assert isinstance(error, CorruptSource)
    assert (error.message, error.file) == ("it is no PDF.", "/in/broken.pdf")
    assert by_name["broken.pdf"].pages == {}
    page = next(iter(found.pages.values()))
    assert (page.reasons, page.seconds) == ((("missing-text", "Half of it is gone."),), 9.0)


def test_the_report_counts_everything_whatever_it_names(tmp_path: Path) -> None:
    a_batch(tmp_path, (1, 2))
    a_batch(tmp_path, (2, 2))
    every, few = seen(of(tmp_path), tmp_path), seen(of(tmp_path, pages=2, files=1), tmp_path)
    for got in (every, few):
        assert "6 of 14 pages to look at; 4 files not converted" in got.text
        assert "12 files in 2 runs, the last of 5.0 s" in got.text
        assert [row[:2] for row in got.rows["verdicts"]] == [
            ["failed", "2"],
            ["partial", "2"],
            ["repaired", "2"],
            ["ok", "8"],
        ]
        assert ["6", "missing-text"] in [[row[0], row[2]] for row in got.rows["reasons"]]
    assert [len(every.rows[name]) for name in ("pages", "files", "errors")] == [1 + 6, 1 + 8, 4]
    assert "left out here" not in every.text
    assert [row[1].split()[:3] for row in few.rows["pages"][1:]] == [["failed", "page", "1"]] * 2
    assert "Left out: 4 pages, less bad than these" in few.text
    assert [row[0] for row in few.rows["files"][1:]] == ["/in/bad.pdf"] * 2  # one of each shard
    assert "6 more files left out here, with these pages: 2 repaired, 6 ok." in few.text
    assert "2 more files left out here: this file would become too large." in few.text


def test_links_lead_to_what_was_written(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.begin(engine="embedded", recipe={}, files=1)
        put(manifest, "/in/a.pdf", [("partial", 0.5, 1.0)], outputs=(str(tmp_path / "a.txt"),))
    assert seen(of(tmp_path), tmp_path).links() == ["a.txt", "a.txt"]


def test_how_things_are_spread_is_drawn_and_said(tmp_path: Path) -> None:
    a_batch(tmp_path)
    html = report(Run([], [], {}, whole=summarize(places(tmp_path)), began="now"), tmp_path / "report.html")
    got = Seen(html)
    plots = [attrs["aria-label"] for tag, attrs in got.tags if tag == "svg" and attrs.get("class") == "plot"]
    assert [said.split(":")[0] for said in plots if said] == [
        "Pages by the time they took",
        "Pages by confidence",
        "Files by the time they took",
        "Files by their pages",
    ]
    assert "7 in all; half up to 0.20 s" in got.text
    assert got.rows["spread"][0] == ["9.0 s", "failed page 1, /in/bad.pdf"]
    # Nothing in it that the policy would not let through.
    assert "script" not in {tag for tag, _ in got.tags}
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in got.tags)


def test_bars_are_as_high_as_their_numbers() -> None:
    spread = Spread.of([1.5] * 10 + [3] * 5 + [30], (1, 2, 5, 10, 20, 50))
    assert spread is not None
    drawn = plot(spread, "Pages", lambda number: f"{number:g}")
    heights = [float(height) for height in re.findall(r'<rect[^>]* height="([0-9.]+)"', drawn)]
    assert len(heights) == 3
    assert heights[1] == pytest.approx(heights[0] / 2, rel=0.02)
    assert heights[2] > 0
    assert re.findall("<title>(.*?)</title>", drawn) == [
        "1 to less than 2: 10",
        "2 to less than 5: 5",
        "20 to less than 50: 1",
    ]
    assert re.findall(r'y="106">([^<]*)', drawn) == ["2", "5", "10", "20"]  # empty bins at the ends are left out


def test_a_million_of_one_kind_does_not_hide_the_one_of_another() -> None:
    spread = Spread(10**6 + 1, 1, 1, 1, 1, 9, (1, 5), (0, 10**6, 1))
    heights = re.findall(r'<rect[^>]* height="([0-9.]+)"', plot(spread, "Pages", str))
    assert min(map(float, heights)) >= 1
    assert ">1.0M<" in plot(spread, "Pages", str)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.25, "0.25 s"), (12.34, "12.3 s"), (59.9, "59.9 s"), (185, "3 min 05 s"), (3725, "1 h 02 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


# ------------------------------------------------------------------------------------ the program


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in ("a", "report", "summary"):
        data = making.pdf(making.text(f"file {name}", at=(20, 80), size=12), size=(200, 200))
        (tmp_path / "in" / f"{name}.pdf").write_bytes(data)
    (tmp_path / "in" / "no.pdf").write_text("%PDF-1.7 not really")
    return tmp_path


def test_a_batch_leaves_a_report_and_a_summary(inbox: Path) -> None:
    words = ("convert", "in", "-o", "out", "--to", "text", "--report")
    run(inbox, *words, "--limit", "2")
    assert run(inbox, *words).returncode == 1  # one is no PDF
    # Of both runs together; and the first run's are replaced.
    assert sorted(path.name for path in (inbox / "out").glob("*.*")) == [
        ".docparse",
        "a.txt",
        "report.html",
        "report.txt",
        "summary.json",
        "summary.txt",
    ]
    got = Seen((inbox / "out" / "report.html").read_text())
    assert "3 pages, and all are ok; 1 file not converted" in got.text
    assert "4 files in 2 runs" in got.text
    assert [row[0] for row in got.rows["errors"]] == ["in/no.pdf"]
    assert sorted(got.links()) == ["a.txt", "report.txt", "summary.txt"]
    told = json.loads((inbox / "out" / "summary.json").read_text())
    assert told["files"] == {"total": 4, "done": 3, "failed": 1, "reading": 0, "waiting": 0}
    assert told["pages"]["ok"] == 3
    assert [one["code"] for one in told["runs"]][-1] == 1
    status = json.loads(run(inbox, "status", "out", "--json").stdout)
    assert {name: status[name] for name in told if name != "runs"} == {n: v for n, v in told.items() if n != "runs"}


def test_results_of_those_names_are_not_overwritten(inbox: Path) -> None:
    assert run(inbox, "convert", "in", "-o", "out", "--to", "html,json", "--report").returncode == 1
    assert "docparse report" in (inbox / "out" / "report-2.html").read_text()
    assert "summary" in json.loads((inbox / "out" / "summary-2.json").read_text())
    assert "pages" in json.loads((inbox / "out" / "summary.json").read_text())
    assert run(inbox, "convert", "in", "-o", "out", "--to", "html,json", "--report-to", "here.html").returncode == 1
    assert (inbox / "here.html").exists()
    assert (inbox / "here.summary.json").exists()
