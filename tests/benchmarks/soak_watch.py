"""Watches one long run from the outside: what it holds while it goes on, and the processor time it took.

Memory is the proportional set size (PSS), as in ``measure``; the process that leads the run and its workers are told
apart, because they grow for different reasons.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measure import CORES, family, pss

from docparse.batch.manifest import Look, place
from docparse.errors import DocparseError

WARM = 0.25
"""Share of the run before memory is fitted: models are loaded and caches filled by then."""
WORKER = 32 * 2**20
"""Bytes that a process has at least once it can read a page."""


@dataclass(frozen=True, slots=True)
class Sample:
    """``pages`` read so far; bytes of the leading process, and of each of its workers by the number of the process."""

    seconds: float
    pages: int
    leader: int
    workers: Mapping[int, int]

    @property
    def total(self) -> int:
        return self.leader + sum(self.workers.values())


@dataclass(slots=True)
class Soak:
    """A run. ``cpu``: seconds of processor time of the whole tree. ``told``: what it printed, its complaints last."""

    seconds: float = 0.0
    cpu: float = 0.0
    code: int = 0
    told: str = ""
    samples: list[Sample] = field(default_factory=list)

    @property
    def cpu_use(self) -> float:
        """Share of all that the cores had to give."""
        return self.cpu / (self.seconds * CORES)

    @property
    def peak(self) -> int:
        return max((sample.total for sample in self.samples), default=0)

    def final(self) -> int:
        """What it held over the last tenth, when all workers are still there: the median."""
        return int(statistics.median([s.total for s in tail(self.samples, 0.9)] or [0]))

    def slope(self, part: Callable[[Sample], int]) -> tuple[float, float]:
        """Bytes a page that ``part`` of the memory grows once the run is warm, and the standard error of that: the
        line through all samples (least squares)."""
        warm = tail(self.samples, WARM)
        return _line([s.pages for s in warm], [part(s) for s in warm])


def watch(command: Sequence[str], out: Path, *, every: float = 1.0, kill_at: int | None = None) -> Soak:
    """Runs ``command``, which keeps its manifest in ``out``. ``kill_at``: pages there, whereupon it is killed."""
    soak, begun = Soak(), time.perf_counter()
    errors = out.with_name(out.name + ".txt")
    with open(errors, "w+", encoding="utf-8", errors="replace") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
        while True:
            # Not Popen.wait: that says nothing of the processor time.
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            now = time.perf_counter() - begun
            if kill_at is not None:
                if pages_so_far(out) >= kill_at:
                    # Not Popen.kill: where the process has just ended by itself, that takes its status away.
                    os.kill(process.pid, signal.SIGKILL)
            elif not soak.samples or now - soak.samples[-1].seconds > every:
                soak.samples.append(_sample(process.pid, now, out))
            time.sleep(0.02)
        process.returncode = soak.code = os.waitstatus_to_exitcode(status)
        soak.seconds = time.perf_counter() - begun
        soak.cpu = usage.ru_utime + usage.ru_stime
        told.seek(0)
        soak.told = told.read()
    soak.samples = [sample for sample in soak.samples if sample.workers]
    return soak


def _sample(root: int, now: float, out: Path) -> Sample:
    workers = {pid: pss(pid) for pid in family(root) - {root}} if sys.platform == "linux" else {}
    # Others only keep count of what the workers share, or are just beginning.
    workers = {pid: held for pid, held in workers.items() if held > WORKER}
    return Sample(now, pages_so_far(out), pss(root), workers)


def pages_so_far(out: Path) -> int:
    """What the manifest in ``out`` says; 0 where there is none yet."""
    with contextlib.suppress(DocparseError), Look(place(out)) as look:
        return sum(look.counts()[1].values())
    return 0


def tail(samples: Sequence[Sample], share: float) -> list[Sample]:
    """Those after ``share`` of all pages."""
    pages = max((sample.pages for sample in samples), default=0)
    return [sample for sample in samples if sample.pages >= share * pages]


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope and its standard error; not a number where there are too few points."""
    if len(x) < 3 or min(x) == max(x):
        return math.nan, math.nan
    slope, start = statistics.linear_regression(x, y)
    rest = sum((b - start - slope * a) ** 2 for a, b in zip(x, y, strict=True)) / (len(x) - 2)
    mean = statistics.fmean(x)
    return slope, math.sqrt(rest / sum((a - mean) ** 2 for a in x))
