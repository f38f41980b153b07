"""The embedded engine beside other programs: speed, memory, start-up, accuracy. One run, one machine.

    docparse bench embedded [--data DIR] [--out DIR] [--rounds N] [--quick] [--peers PYTHON]

Each program runs as a process of its own over the same files, on the same two processors, with two
worker processes; whole processes are timed, from start to end. The order of the programs turns
round from one round to the next, and the median of the rounds counts. Last line: JSON.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import accuracy
import corpus
import measure
import report
from programs import (
    BYTES,
    LITEPARSE,
    OURS,
    PYMUPDF4LLM,
    PYMUPDF4LLM_OCR,
    RAPIDOCR,
    RAPIDOCR_TUNED,
    RAWDICT,
    Peers,
    Program,
    starter,
)

FIRST_PAGE = """
import sys, docparse
page = next(docparse.iter_pages(sys.argv[1], engine="embedded"))
docparse.export(docparse.Document((page,)), "html")
print(page.number, flush=True)
"""

ACCURACY = (
    accuracy.Task(
        "tables in PDFs",
        "tables",
        (".pdf",),
        (
            ("tables", "all", "teds"),
            ("tables", "all", "teds_s"),
            ("tables", "all", "missing"),
            ("tables", "all", "extra"),
        ),
        (OURS, PYMUPDF4LLM_OCR, LITEPARSE),
    ),
    accuracy.Task(
        "pages in PDFs",
        "pages",
        (".pdf",),
        (
            ("text", "quality=human", "ned"),
            ("text", "all", "ned"),
            ("text", "all", "word_f1"),
            ("facts", "", "without_math"),
        ),
        (OURS, PYMUPDF4LLM_OCR, LITEPARSE),
    ),
    accuracy.Task(
        "pictures of pages",
        "pages",
        corpus.PICTURES,
        (("text", "quality=human", "ned"), ("text", "quality=human", "word_f1"), ("order", "human", "tau")),
        (OURS, RAPIDOCR_TUNED),
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. ``limit``: files a set, or None for all of them."""

    rounds: int
    pages: int
    long_pages: int
    limit: int | None
    data: Path | None


class Bench:
    """One run: the plan, the peers, a room for outputs, and the report that grows."""

    def __init__(self, plan: Plan, peers: Peers, room: Path, found: report.Report, say: Callable[[str], None]) -> None:
        self.plan, self.peers, self.room, self.report, self.say = plan, peers, room, found, say

    def race(
        self, programs: Sequence[Program], files: Sequence[Path], name: str, *, to: str, count: int | None = None
    ) -> dict[str, measure.Runs | str]:
        """All programs over ``files``; instead of runs, a sentence for those that are absent or fail."""
        self.say(name)
        absent = {p.name: self.peers.missing(p) for p in programs if self.peers.missing(p)}
        racers = {
            p.name: starter(self.peers, p, files, self.room / name.replace(" ", "-") / p.name, to=to)
            for p in programs
            if p.name not in absent
        }
        runs = measure.rounds(racers, count or self.plan.rounds, self.say)
        done: dict[str, measure.Runs | str] = {}
        for program in programs:
            if program.name in absent:
                done[program.name] = absent[program.name]
            else:
                mine = runs[program.name]
                done[program.name] = f"failed: {mine.failed}" if mine.failed else mine
        return done

    def digital(self) -> None:
        """Pages a second on born-digital PDFs, with and without the time to start."""
        paths = corpus.born_digital(self.plan.data)
        paths = corpus.spread(paths, self.plan.limit) if self.plan.limit else paths
        files = corpus.repeated(paths, self.plan.pages, self.room / "digital-files")
        single = corpus.repeated([corpus.SAMPLES / "invoice.pdf"], 1, self.room / "one-page")
        programs = (OURS, LITEPARSE, PYMUPDF4LLM, RAWDICT, BYTES)
        to = "html,md,json"
        start = self.race(programs, single.paths, "digital start", to=to)
        runs = self.race(programs, files.paths, "digital", to=to)
        rows, results = [], {}
        for program in programs:
            whole, alone = runs[program.name], start[program.name]
            if isinstance(whole, str) or isinstance(alone, str):
                rows.append([program.name, "-", "-", "-", "-", "-", whole if isinstance(whole, str) else str(alone)])
                results[program.name] = {"note": rows[-1][-1]}
                continue
            rest = whole.seconds - alone.seconds
            warm = (files.pages - 1) / rest if rest > whole.seconds / 2 else None  # else it is mostly start-up
            results[program.name] = {
                "seconds": round(whole.seconds, 3),
                "start_seconds": round(alone.seconds, 3),
                "pages_per_second": round(files.pages / whole.seconds, 2),
                "warm_pages_per_second": warm and round(warm, 2),
                "peak_mib": round(whole.peak / 2**20),
                "spread": round(whole.spread, 3),
            }
            speeds = (f"{files.pages / whole.seconds:.1f}", f"{warm:.1f}" if warm else "-", f"{alone.seconds:.2f}")
            rows.append([program.name, *speeds, _mib(whole.peak), f"{whole.spread:.2f}", program.settings])
        note = (
            f"{files.pages} pages in {len(files.paths)} PDFs ({len(paths)} different). Ours writes HTML, Markdown and "
            "JSON, the others Markdown. Warm: without the time for one page alone. Peak: PSS of the process tree."
        )
        columns = ("program", "pages/s", "warm pages/s", "one page, s", "peak MiB", "slowest/fastest", "settings")
        self.report.tables.append(report.Table("Born-digital PDFs", columns, rows, note))
        self.report.results["digital"] = {"pages": files.pages, "files": len(files.paths), "programs": results}

    def scans(self) -> None:
        """Seconds a scan, and how right the text is."""
        paths = corpus.scans(self.plan.data)
        paths = corpus.spread(paths, self.plan.limit) if self.plan.limit else paths
        pages = corpus.count_pages(paths)
        programs = (OURS, RAPIDOCR, RAPIDOCR_TUNED)
        runs = self.race(programs, paths, "scans", to="md")
        task = accuracy.Task(
            "receipts",
            "receipts",
            corpus.PICTURES,
            (("text", "all", "word_f1"), ("text", "all", "line_recall")),
            programs,
        )
        rows, results = [], {}
        for program in programs:
            whole = runs[program.name]
            if isinstance(whole, str):
                rows.append([program.name, "-", "-", "-", "-", whole])
                results[program.name] = {"note": whole}
                continue
            scores: accuracy.Figures = {}
            if self.plan.data:
                out = self.room / "scans" / program.name
                scores = accuracy.scored(task, self.plan.data, out, [path.stem for path in paths])
            results[program.name] = {
                "seconds_per_page": round(whole.seconds / pages, 3),
                "peak_mib": round(whole.peak / 2**20),
                **scores,
            }
            right = [_figure(scores.get(key)) for key in ("text word_f1", "text line_recall")]
            rows.append(
                [
                    program.name,
                    f"{whole.seconds / pages:.2f}",
                    *right,
                    _mib(whole.peak),
                    str(scores.get("note", program.settings)),
                ]
            )
        what = "receipts" if self.plan.data else "pages of the scanned samples"
        note = f"{pages} {what}. Seconds are those of the whole run divided by pages, start-up included."
        columns = ("program", "s/page", "word F1", "line recall", "peak MiB", "settings")
        self.report.tables.append(report.Table("Scans", columns, rows, note))
        self.report.results["scans"] = {"pages": pages, "programs": results}

    def memory(self) -> None:
        """Peak memory on one long document."""
        path = corpus.long_pdf(self.plan.long_pages, self.room / "long.pdf")
        programs = (OURS, LITEPARSE)
        runs = self.race(programs, [path], "long document", to="html,md,json", count=1)
        rows, results = [], {}
        for program in programs:
            run = runs[program.name]
            if isinstance(run, str):
                rows.append([program.name, "-", "-", run])
                results[program.name] = {"note": run}
            else:
                rows.append([program.name, _mib(run.peak), f"{run.seconds:.1f}", program.settings])
                results[program.name] = {"peak_mib": round(run.peak / 2**20), "seconds": round(run.seconds, 2)}
        note = f"One PDF of {self.plan.long_pages} pages. Peak: PSS of the process tree, sampled five times a second."
        self.report.tables.append(report.Table("A long document", ("program", "peak MiB", "s", "settings"), rows, note))
        self.report.results["long_document"] = {"pages": self.plan.long_pages, "programs": results}

    def latency(self) -> None:
        """From the start of a process to its first result."""
        python = [sys.executable]
        long = self.room / "long.pdf"
        page = [*python, "-c", FIRST_PAGE]
        commands = {
            "docparse --help": [*python, "-m", "docparse", "--help"],
            "first page of a long PDF": [*page, str(long)],
            "first page of a receipt scan": [*page, str(corpus.SAMPLES / "receipt.jpg")],
            "python alone (limit)": [*python, "-c", "print(1)"],
        }
        self.say("latency")
        racers = {name: (lambda command=command: measure.until_line(command)) for name, command in commands.items()}
        runs = measure.rounds(racers, self.plan.rounds, self.say)
        rows, results = [], {}
        for name, mine in runs.items():
            rows.append([name, "failed" if mine.failed else f"{mine.seconds:.2f}", mine.failed])
            results[name] = {"note": mine.failed} if mine.failed else {"seconds": round(mine.seconds, 3)}
        note = "From the start of the process to its first line of output; for pages: to the HTML of page 1."
        self.report.tables.append(report.Table("Start-up", ("what", "s", ""), rows, note))
        self.report.results["latency"] = results

    def accuracy(self) -> None:
        """Figures of score.py for the tasks in ``ACCURACY``."""
        if self.plan.data is None:
            self.say("accuracy: not measured, there is no evaluation data (--data DIR)")
            return
        self.say("accuracy")
        for task in ACCURACY:
            found = accuracy.measure(task, self.plan.data, self.peers, self.room, self.plan.limit, self.say)
            keys = [accuracy.label(*figure) for figure in task.figures]
            rows = [
                [name, *(_figure(figures.get(key)) for key in keys), str(figures.get("note", ""))]
                for name, figures in found.items()
            ]
            columns = ("program", *keys, "")
            note = "ned and missing, extra: lower is better; all others: higher is better."
            self.report.tables.append(report.Table(f"Accuracy: {task.name}", columns, rows, note))
            self.report.results.setdefault("accuracy", {})[task.name] = found


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f}" if size else "-"


def _figure(value: float | str | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}" if isinstance(value, float) else value


def run(plan: Plan, peers: Peers, *, say: Callable[[str], None] = print) -> report.Report:
    """Every measure of ``plan``."""
    found = report.Report("embedded", report.machine(measure.pin(), peers.versions))
    found.machine["rounds"] = plan.rounds
    found.machine["evaluation data"] = plan.data is not None
    with tempfile.TemporaryDirectory(prefix="docparse-bench-") as folder:
        bench = Bench(plan, peers, Path(folder), found, say)
        for step in (bench.digital, bench.scans, bench.memory, bench.latency, bench.accuracy):
            step()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The embedded engine beside other programs.")
    parser.add_argument("--data", metavar="DIR", help="evaluation data")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each program")
    parser.add_argument("--quick", action="store_true", help="few files and one round: a try of the harness")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python in which the other programs are installed")
    given = parser.parse_args(arguments)
    data = corpus.find_data(given.data)
    plan = Plan(1, 30, 60, 4, data) if given.quick else Plan(max(given.rounds, 1), 200, 500, None, data)
    peers = Peers(given.peers)
    return run(plan, peers).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
