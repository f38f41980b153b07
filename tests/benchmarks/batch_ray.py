"""The Ray part of ``bench_batch``: ``docparse convert --ray local`` beside plain ``docparse convert``, in pairs.

Both read the same files on the same processors, as an operator would start them, one after the other and then in the
other order. Ray's start is time that a long run does not notice, and a short one pays: it is said by itself, as the
time from the command to the first page in the manifest, and so is the pool's. Processor time is that of all processes
below the benchmark, Ray's own daemons with it.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Pass:
    """One run. ``start``: seconds to its first page; ``seconds``: of all of it; ``cpu`` and ``start_cpu``: of the
    processors, over all its processes, as last seen while it ran."""

    seconds: float
    start: float
    cpu: float
    start_cpu: float

    @property
    def steady_seconds(self) -> float:
        return self.seconds - self.start

    @property
    def steady_cpu(self) -> float:
        return self.cpu - self.start_cpu


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
            say(f"  {way} {one.seconds:.1f} s, {one.start:.1f} of them to the first page; {one.cpu:.1f} s of processor")
    found.results["ray"] = results = _figures(corpus, done)
    rows = [
        [
            name,
            *(f"{results[key][way]:.1f}" for key in ("seconds", "start", "pages_per_second", "cpu_seconds")),
            f"{results['cpu_ms_per_page'][way]:.1f}",
        ]
        for name, way in (("process pool", "pool"), ("Ray local", "ray"))
    ]
    note = (
        f"{corpus.num_pages} pages in {len(corpus.paths)} PDFs, median of {rounds} runs of each, in pairs. Pages a "
        "second and processor ms a page are without the start. Ray local has "
        f"{results['speed']:.2f} times the pages a second of the process pool (median of the pairs), and takes "
        f"{results['cpu']:.2f} times its processor time a page; the aim is within {AIM:.0%}."
    )
    columns = ("readers", "s", "of that to the first page", "pages/s", "processor s", "processor ms a page")
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
        "cpu_seconds": median(lambda one: one.cpu),
        "pages_per_second": median(lambda one: pages / one.steady_seconds),
        "cpu_ms_per_page": median(lambda one: 1000 * one.steady_cpu / pages),
        "speed": round(statistics.median(pool.steady_seconds / ray.steady_seconds for ray, pool in couples), 4),
        "cpu": round(statistics.median(ray.steady_cpu / pool.steady_cpu for ray, pool in couples), 4),
    }


def _run(command: list[str], out: Path) -> Pass:
    begun = time.perf_counter()
    start = start_cpu = cpu = 0.0
    told = out.with_name(out.name + ".txt")
    with open(told, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        meter = Meter(process.pid)
        while process.poll() is None:
            cpu = meter.seconds()
            if not start and pages_so_far(out):
                start, start_cpu = time.perf_counter() - begun, cpu
            time.sleep(measure.SAMPLE_SECONDS)
    if process.returncode not in (0, 1) or not start:
        raise SystemExit(f"{' '.join(command)} failed: {told.read_text(encoding='utf-8')[-500:]}")
    return Pass(time.perf_counter() - begun, start, cpu, start_cpu)


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
