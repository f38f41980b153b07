"""Thousands of files in one run: speed, use of the cores, memory that does not grow, what the bookkeeping costs.

    docparse bench batch [--out DIR] [--quick] [--peers PYTHON]

``docparse convert`` reads a corpus of 2,000 PDFs (see ``soak_corpus``), 3 % of them broken, on two processors, as an
operator would start it, and is watched from the outside. Then the finished run is started again; parts of the corpus
are read without writing anything, in a plain loop over ``docparse.parse``, in one over pymupdf4llm, and in a run that
is killed (SIGKILL) several times and goes on each time; and, where Ray is installed, with ``--ray local`` beside the
process pool. A quarter of an hour; the machine should have nothing else to do.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import batch_ray
import measure
import report
import soak_corpus
from programs import PYMUPDF4LLM, Peers
from soak_corpus import Corpus
from soak_memory import LEAP, creep, draw
from soak_watch import Soak, pages_so_far, watch

RUNNER = Path(__file__).with_name("batch_runner.py")
FORMATS = {"html": ".html", "md": ".md", "json": ".json"}
MIB = 2**20
AIMS = {"cpu use": 0.9, "MB per 1,000 pages": 1.0, "overhead": 0.03, "resume, s": 3.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is read: files of the corpus, and of the parts that are read in other ways. ``ray`` 0: not that one."""

    files: int = 2000
    part: int = 300
    rounds: int = 4
    loop: int = 150
    peer: int = 40
    kills: int = 10
    every: float = 1.0
    ray: int = 600
    ray_rounds: int = 3


QUICK = Plan(files=40, part=12, rounds=1, loop=6, peer=2, kills=1, every=0.2, ray=20, ray_rounds=1)


class Bench:
    """One run of the benchmark: a room for corpus and outputs, and the report that grows."""

    def __init__(self, plan: Plan, peers: Peers, room: Path, found: report.Report, say: Callable[[str], None]) -> None:
        self.plan, self.peers, self.room, self.report, self.say = plan, peers, room, found, say
        self.corpus: Corpus = soak_corpus.make(room / "files", plan.files)
        say(f"{plan.files} files, {self.corpus.num_pages} pages, {len(self.corpus.broken)} broken")

    def convert(self, corpus: Corpus, out: Path, *, kill_at: int | None = None, every: float | None = None) -> Soak:
        """``docparse convert`` over a corpus, by a list of its files."""
        listing = out.with_name(out.name + "-files.txt")
        listing.write_text("\n".join(map(str, corpus.paths)), encoding="utf-8")
        command = [sys.executable, "-m", "docparse", "convert", "--from-file", str(listing), "-o", str(out)]
        command += ["--jobs", str(measure.CORES), "--to", ",".join(FORMATS), "--engine", "embedded"]
        return watch(command, out, every=every or self.plan.every, kill_at=kill_at)

    # ------------------------------------------------------------------------ the long run

    def soak(self) -> Soak:
        """All of the corpus at once, then once more when there is nothing left to do."""
        out = self.room / "soak"
        soak = self.convert(self.corpus, out)
        self.say(f"  soak {soak.seconds:.1f} s, cores {soak.cpu_use:.0%} busy, peak {_mib(soak.peak)} MiB")
        again = self.convert(self.corpus, out)
        self.say(f"  resume of the finished run {again.seconds:.2f} s")
        pages = self.corpus.num_pages
        line, _ = soak.slope(lambda s: s.total)
        crept = creep(soak.samples)
        leader, leader_error = soak.slope(lambda s: s.leader)
        results: dict[str, Any] = {
            "files": len(self.corpus.paths),
            "pages": pages,
            "seconds": round(soak.seconds, 2),
            "pages_per_second": round(pages / soak.seconds, 2),
            "pages_a_day": round(pages / soak.seconds * 86_400),
            "cpu_use": round(soak.cpu_use, 4),
            "limit_pages_per_second": round(pages / soak.cpu * measure.CORES, 2),
            "peak_mib": _mib(soak.peak),
            "final_mib": _mib(soak.final()),
            "workers_mb_per_1000_pages": _known(crept.slope / 1000),
            "workers_mb_per_1000_pages_error": _known(crept.error / 1000),
            "leaps": crept.leaps,
            "lives": crept.lives,
            "line_mb_per_1000_pages": _known(line / 1000),
            "leader_mb_per_1000_pages": _known(leader / 1000),
            "leader_mb_per_1000_pages_error": _known(leader_error / 1000),
            "resume_seconds": round(again.seconds, 2),
            "exit_codes": [soak.code, again.code],
            **self._checked(self.corpus, out),
            "memory": [[s.pages, _mib(s.leader), *map(_mib, s.workers.values())] for s in _thinned(soak.samples, 60)],
        }
        self.report.results["soak"] = results
        aims = (
            ("pages/s", f"{results['pages_per_second']:.1f}", f"{results['limit_pages_per_second']:.1f}, cores full"),
            ("use of both cores", f"{soak.cpu_use:.1%}", "90 % or more"),
            ("workers grow, MB per 1,000 pages", _with_error(crept.slope, crept.error), "less than 1"),
            ("the leading process grows", _with_error(leader, leader_error), "less than 1"),
            ("leaps of workers; their number", f"{crept.leaps}; {crept.lives}", ""),
            ("a line through all of it", _shown(line / 1000), ""),
            ("memory, peak and final MiB", f"{_mib(soak.peak)}, {_mib(soak.final())}", ""),
            ("resume of the finished run, s", f"{again.seconds:.2f}", "less than 3"),
            ("files lost; broken ones named", f"{results['lost']}; {results['named']}", f"0; {results['broken']}"),
        )
        note = (
            f"{pages} pages in {len(self.corpus.paths)} PDFs, {results['broken']} of them broken; HTML, Markdown and "
            "JSON, two worker processes. Memory: PSS, over the last three quarters of the pages. A leap is a worker "
            f"that is larger or smaller by {LEAP // MIB} MiB from one second to the next: it loads the recogniser's "
            "models, or gives memory back; growth is fitted between leaps (`soak_memory.py`), a line through all of "
            "it says mostly when the leaps were."
        )
        self.report.tables.append(report.Table("A long run", ("what", "measured", "limit or aim"), aims, note))
        return soak

    def _checked(self, corpus: Corpus, out: Path) -> dict[str, int]:
        """Whether every file became what it had to."""
        good = [path for path in corpus.paths if path not in corpus.broken]
        lost = [path for path in good if not all((out / (path.stem + end)).is_file() for end in FORMATS.values())]
        read = sum(any((out / (path.stem + end)).exists() for end in FORMATS.values()) for path in corpus.broken)
        return {
            "lost": len(lost),
            "broken": len(corpus.broken),
            "named": len(corpus.broken) - read,
            "pages_in_manifest": pages_so_far(out),
            "left_behind": len(list(out.rglob("*.tmp"))),
        }

    # ------------------------------------------------------------------------ what the bookkeeping costs

    def overhead(self) -> None:
        """The same files with manifest and results, and with neither: processor time is steadier than a clock."""
        part = self.corpus.part(self.plan.part)
        listing = self.room / "part.txt"
        listing.write_text("\n".join(map(str, part.paths)), encoding="utf-8")
        runs: dict[str, list[Soak]] = {"kept": [], "bare": []}
        for number in range(self.plan.rounds):
            for way in sorted(runs, reverse=number % 2 == 1):
                out = self.room / f"{way}-{number}"
                out.mkdir()
                run = watch([sys.executable, str(RUNNER), way, str(listing), str(out)], out, every=3600)
                self.say(f"  {way} {run.seconds:.1f} s, {run.cpu:.1f} s of processor time")
                if run.code:
                    raise SystemExit(f"{way} failed: {run.told[-500:]}")
                runs[way].append(run)
        cpu = {way: statistics.median(run.cpu for run in mine) for way, mine in runs.items()}
        wall = {way: statistics.median(run.seconds for run in mine) for way, mine in runs.items()}
        pairs = list(zip(runs["kept"], runs["bare"], strict=True))
        results = {
            "files": len(part.paths),
            "pages": part.num_pages,
            "rounds": self.plan.rounds,
            "cpu_seconds": {way: round(value, 2) for way, value in cpu.items()},
            "seconds": {way: round(value, 2) for way, value in wall.items()},
            "cpu_overhead": round(statistics.median(k.cpu / b.cpu for k, b in pairs) - 1, 4),
            "overhead": round(statistics.median(k.seconds / b.seconds for k, b in pairs) - 1, 4),
        }
        out = self.room / "parts"
        out.mkdir()
        told = watch([sys.executable, str(RUNNER), "parts", str(listing), str(out)], out, every=3600)
        if told.code:
            raise SystemExit(f"parts failed: {told.told[-500:]}")
        parts = json.loads(told.told.splitlines()[-1])
        share = (parts["writing"] + parts["manifest"]) / parts["bare"]
        self.say(
            f"  writing {parts['writing']:.2f} s, manifest {parts['manifest']:.2f} s, all else {parts['bare']:.1f} s"
        )
        results |= {"parts": parts, "share": round(share, 4)}
        self.report.results["overhead"] = results
        rows = [
            [name, f"{cpu[way]:.1f}", f"{wall[way]:.1f}"]
            for way, name in (("bare", "nothing is written"), ("kept", "manifest and results"))
        ]
        rows.append(["difference", f"{results['cpu_overhead']:.1%}", f"{results['overhead']:.1%}"])
        rows.append(["in one process: all else", f"{parts['bare']:.1f}", ""])
        rows.append(["writing, beyond making", f"{parts['writing']:.2f}", ""])
        rows.append(["manifest", f"{parts['manifest']:.2f}", ""])
        rows.append(["overhead", f"{share:.1%}", ""])
        note = (
            f"{part.num_pages} pages in {len(part.paths)} PDFs, median of {self.plan.rounds} runs of each, in "
            "pairs; the difference is the median of the pairs, and as small as the machine's noise. Both make the same "
            "exports; one leaves them in memory. Below, one process whose parts are timed. The aim is less than 3 %."
        )
        self.report.tables.append(report.Table("Manifest and writing", ("way", "processor s", "s"), rows, note))

    # ------------------------------------------------------------------------ beside plain loops

    def loops(self, soak: Soak) -> None:
        """What a program without a batch would do: one file after the other."""
        rows = [["docparse convert", f"{self.corpus.num_pages / soak.seconds:.1f}", f"{soak.cpu_use:.0%}", "all"]]
        results: dict[str, Any] = {}
        for name, count, command in (
            ("docparse.parse in a loop", self.plan.loop, self._our_loop),
            ("pymupdf4llm in a loop", self.plan.peer, self._peer_loop),
        ):
            part = self.corpus.part(count)
            out = self.room / f"loop-{count}"
            out.mkdir()
            if command == self._peer_loop and (absent := self.peers.missing(PYMUPDF4LLM)):
                rows.append([name, "-", "-", absent])
                results[name] = {"note": absent}
                continue
            run = watch(command(part, out), out, every=3600)
            if run.code not in (0, 1):
                raise SystemExit(f"{name} failed: {run.told[-500:]}")
            self.say(f"  {name} {run.seconds:.1f} s for {part.num_pages} pages")
            results[name] = {
                "pages": part.num_pages,
                "seconds": round(run.seconds, 2),
                "pages_per_second": round(part.num_pages / run.seconds, 2),
                "cpu_use": round(run.cpu_use, 4),
            }
            speed = f"{part.num_pages / run.seconds:.1f}"
            rows.append([name, speed, f"{run.cpu_use:.0%}", f"the first {count} files, {part.num_pages} pages"])
        self.report.results["loops"] = results
        note = (
            "Whole processes, start-up included. Ours write HTML, Markdown and JSON, the loop without pictures; "
            "pymupdf4llm writes Markdown, with its layout model if that is installed, OCR off. Both loops are one "
            "process, which may use all threads it likes."
        )
        columns = ("program", "pages/s", "use of both cores", "files")
        self.report.tables.append(report.Table("Beside plain loops", columns, rows, note))

    def _our_loop(self, part: Corpus, out: Path) -> list[str]:
        listing = out.with_name(out.name + "-files.txt")
        listing.write_text("\n".join(map(str, part.paths)), encoding="utf-8")
        return [sys.executable, str(RUNNER), "loop", str(listing), str(out)]

    def _peer_loop(self, part: Corpus, out: Path) -> list[str]:
        return [*self.peers.command(PYMUPDF4LLM, part.paths, out)[:-1], "1"]

    # ------------------------------------------------------------------------ killed

    def killed(self) -> None:
        """A run that is killed again and again, and goes on: the same results as the undisturbed one, byte for byte."""
        part = self.corpus.part(self.plan.part)
        out, chance = self.room / "killed", random.Random(8)
        marks = sorted(chance.randrange(1, part.num_pages) for _ in range(self.plan.kills))
        pages = []
        for mark in marks:
            killed = self.convert(part, out, kill_at=mark)
            if killed.code != -signal.SIGKILL:
                raise SystemExit(f"a run that was to be killed ended with {killed.code}: {killed.told[-500:]}")
            pages.append(pages_so_far(out))
        last = self.convert(part, out)
        wanted, got = _digests(part, self.room / "soak"), _digests(part, out)
        different = sorted(name for name in wanted | got if wanted.get(name) != got.get(name))
        self.say(f"  killed at {pages} of {part.num_pages} pages; {len(different)} results differ")
        results = {
            "files": len(part.paths),
            "pages": part.num_pages,
            "killed_at_pages": pages,
            "code": last.code,
            "results": len(wanted),
            "different": len(different),
            "left_behind": len(list(out.rglob("*.tmp"))),
        }
        self.report.results["killed"] = results
        rows = [[str(i), str(done), f"{done / part.num_pages:.0%}"] for i, done in enumerate(pages, 1)]
        note = (
            f"{part.num_pages} pages in {len(part.paths)} PDFs. At the end {len(wanted)} results were compared with "
            f"those of the undisturbed run, byte for byte: {len(different)} differ."
        )
        columns = ("kill", "pages in the manifest", "of all")
        self.report.tables.append(report.Table("Killed and gone on", columns, rows, note))


def _digests(corpus: Corpus, out: Path) -> dict[str, str]:
    """Of all results of these files, by name."""
    names = {path.stem: path for path in corpus.paths}
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.iterdir()
        if path.is_file() and path.stem in names
    }


def _mib(size: float) -> int:
    return round(size / MIB)


def _known(slope: float) -> float | None:
    """MB per 1,000 pages from bytes per page / 1,000, None where nothing could be fitted."""
    return None if slope != slope else round(slope, 3)


def _with_error(slope: float, error: float) -> str:
    return f"{_shown(slope / 1000)} ± {_shown(error / 1000)}"


def _shown(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"


def _thinned(samples: Sequence[Any], count: int) -> Sequence[Any]:
    step = max(len(samples) // count, 1)
    return samples[::step]


def run(plan: Plan, peers: Peers, room: Path, say: Callable[[str], None], picture: Path | None = None) -> report.Report:
    """``picture``: a folder for memory over pages."""
    found = report.Report("batch", report.machine(measure.pin(), peers.versions))
    bench = Bench(plan, peers, room, found, say)
    soak = bench.soak()
    if picture is not None:
        picture.mkdir(parents=True, exist_ok=True)
        draw(soak.samples, picture / f"batch-{found.machine['date'][:10]}.png")
    bench.overhead()
    bench.loops(soak)
    bench.killed()
    if plan.ray:
        batch_ray.pairs(bench.corpus.part(plan.ray), plan.ray_rounds, room, found, say)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Thousands of files in one run.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON, a Markdown table and a picture")
    parser.add_argument("--quick", action="store_true", help="a few files: a try, not a result")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python that has the other programs, if not this one")
    given = parser.parse_args(arguments)
    say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    with tempfile.TemporaryDirectory(prefix="docparse-bench-") as room:
        picture = Path(given.out) if given.out else None
        return run(QUICK if given.quick else Plan(), Peers(given.peers), Path(room), say, picture).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
