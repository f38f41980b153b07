"""The Ray part of ``bench_batch``: ``docparse convert --ray local`` beside plain ``docparse convert``, in pairs.

Both read the same files on the same processors, as an operator would start them, one after the other and then in the
other order. Readers that start and a cluster that is taken down are time that a long run does not notice, and a short
one pays: both are said by themselves, and pages a second and processor time a page are those of the middle of a run,
from a tenth of its pages to nine tenths. Processor time is that of all processes below the benchmark, Ray's own daemons
with it.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import report
from measure import family
from soak_corpus import Corpus
from soak_watch import pages_so_far

AIM = 0.15
ABSENT = "Ray is not installed: pip install 'docparse[ray]'"
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


MIDDLE = (0.1, 0.9)
"""Of the pages of a run: what is between has no start and no end in it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a run, so many seconds after the command: pages that are done, and processor seconds of all its processes."""

    seconds: float
    pages: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Pass:
    """One run. ``seconds``: of all of it, and ``cpu`` of the processors, as last seen; ``start``: seconds to its first
    page, ``end``: from its last one. In its middle, pages a second (``speed``) and processor seconds a page
    (``effort``)."""

    seconds: float
    start: float
    end: float
    cpu: float
    speed: float
    effort: float


def passed(seen: Sequence[Seen], seconds: float) -> Pass:
    """A run of ``seconds`` that was looked at now and then. Raises ``ValueError`` where it was too short for that."""
    pages = max((one.pages for one in seen), default=0)
    first = next((one for one in seen if one.pages), None)
    early, late = (next((one for one in seen if one.pages >= share * pages), None) for share in MIDDLE)
    if first is None or early is None or late is None or late.pages <= early.pages:
        raise ValueError("the run was too short to look at its middle")
    last = next(one for one in seen if one.pages == pages)
    done = late.pages - early.pages
    speed, effort = done / (late.seconds - early.seconds), (late.cpu - early.cpu) / done
    return Pass(seconds, first.seconds, seconds - last.seconds, seen[-1].cpu, speed, effort)


def pairs(
    corpus: Corpus, rounds: int, room: Path, found: report.Report, say: Callable[[str], None], *, jobs: int = 2
) -> None:
    """Adds ``ray`` to the results, and a table."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        found.results["ray"] = {"note": ABSENT}
        return
    listing = room / "ray-files.txt"
    listing.write_text("\n".join(map(str, corpus.paths)), encoding="utf-8")
    done: dict[str, list[Pass]] = {"pool": [], "ray": []}
    for number in range(rounds):
        for way in sorted(done, reverse=number % 2 == 1):
            out = room / f"ray-{way}-{number}"
            command = [sys.executable, "-m", "docparse", "convert", "--from-file", str(listing), "-o", str(out)]
            command += ["--jobs", str(jobs), "--to", "html,md,json", "--engine", "embedded"]
            one = _run(command + (["--ray", "local"] if way == "ray" else []), out)
            done[way].append(one)
            say(
                f"  {way} {one.seconds:.1f} s, {one.start:.1f} to the first page; {one.speed:.1f} pages/s in the middle"
            )
    found.results["ray"] = results = _figures(corpus, done)
    rows = [
        [
            name,
            *(f"{results[key][way]:.1f}" for key in ("seconds", "start", "end", "pages_per_second", "cpu_seconds")),
            f"{results['cpu_ms_per_page'][way]:.1f}",
        ]
        for name, way in (("process pool", "pool"), ("Ray local", "ray"))
    ]
    note = (
        f"{corpus.num_pages} pages in {len(corpus.paths)} PDFs, median of {rounds} runs of each, in pairs. Pages a "
        "second and processor ms a page are those between a tenth of the pages and nine tenths. Ray local has "
        f"{results['speed']:.2f} times the pages a second of the process pool (median of the pairs), and takes "
        f"{results['cpu']:.2f} times its processor time a page; the aim is within {AIM:.0%}."
    )
    columns = ("readers", "s", "to the first page", "after the last", "pages/s", "processor s", "processor ms a page")
    found.tables.append(report.Table("Ray beside the process pool", columns, rows, note))


def _figures(corpus: Corpus, done: dict[str, list[Pass]]) -> dict[str, Any]:
    pages = corpus.num_pages

    def median(of: Callable[[Pass], float], digits: int = 2) -> dict[str, float]:
        return {way: round(statistics.median(map(of, mine)), digits) for way, mine in done.items()}

    couples = list(zip(done["ray"], done["pool"], strict=True))
    return {
        "files": len(corpus.paths),
        "pages": pages,
        "rounds": len(couples),
        "seconds": median(lambda one: one.seconds),
        "start": median(lambda one: one.start),
        "end": median(lambda one: one.end),
        "cpu_seconds": median(lambda one: one.cpu),
        "pages_per_second": median(lambda one: one.speed),
        "cpu_ms_per_page": median(lambda one: 1000 * one.effort),
        "speed": round(statistics.median(ray.speed / pool.speed for ray, pool in couples), 4),
        "cpu": round(statistics.median(ray.effort / pool.effort for ray, pool in couples), 4),
    }


def _run(command: list[str], out: Path) -> Pass:
    begun, seen = time.perf_counter(), list[Seen]()
    told = out.with_name(out.name + ".txt")
    with open(told, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        meter = Meter(process.pid)
        while process.poll() is None:
            seen.append(Seen(time.perf_counter() - begun, pages_so_far(out), meter.seconds()))
            time.sleep(measure.SAMPLE_SECONDS)
    seconds = time.perf_counter() - begun
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed: {told.read_text(encoding='utf-8')[-500:]}")
    try:
        return passed(seen, seconds)
    except ValueError as error:
        raise SystemExit(f"{' '.join(command)}: {error}") from error


class Meter:
    """Processor time of a process and all that it has started, as far as they were seen. Ray's daemons are waited for
    by nobody, so that the system's own sum (``getrusage``) would leave them out."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._seen: dict[int, float] = {}

    def seconds(self) -> float:
        """Until now."""
        for pid in self._seen.keys() | family(self._root):  # one whose parent has ended is nobody's child any more
            with suppress(OSError, ValueError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._seen[pid] = (int(fields[11]) + int(fields[12])) / TICKS
        return sum(self._seen.values())
