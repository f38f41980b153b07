"""Whether the memory of a long run grows: from samples of each process, leaps told from creep.

A worker that meets its first scan loads models, and is hundreds of MiB larger from one sample to the next; one that
is replaced begins small again. A line through the sum of all that says when scans were met, not whether memory is
lost. So each stretch of a process between two leaps is a group of its own, and one slope is fitted to all groups, each
with a level of its own (analysis of covariance). Leaps are counted; what they add up to is the peak.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from soak_watch import WARM, Sample, tail

MIB = 2**20
LEAP = 64 * MIB
"""Between two samples; the smallest model of the recogniser takes more."""
YOUNG = 500
"""Pages of the run after which a process that replaces another one has its caches filled, as after ``WARM``."""
Points = list[tuple[int, int]]
"""(pages of the whole run so far, bytes of one process)."""


@dataclass(frozen=True, slots=True)
class Creep:
    """``slope``: bytes a page of the run that its workers grow together, and the standard error of that. ``leaps``:
    how often one was suddenly larger or smaller by more than ``LEAP``; ``lives``: processes that there were."""

    slope: float
    error: float
    leaps: int
    lives: int


def creep(samples: Sequence[Sample]) -> Creep:
    """Of the workers, once the run is warm."""
    warm = tail(samples, WARM)
    born: dict[int, int] = {}
    for sample in samples:
        for pid in sample.workers:
            born.setdefault(pid, sample.pages)
    lives: dict[int, Points] = {pid: [] for sample in warm for pid in sample.workers}
    for sample in warm:
        for pid, held in sample.workers.items():
            if sample.pages - born[pid] >= YOUNG:
                lives[pid].append((sample.pages, held))
    grown = [points for points in lives.values() if points]
    groups = [group for points in grown for group in _between_leaps(points)]
    leaps = len(groups) - len(grown)
    workers = statistics.fmean(len(sample.workers) for sample in warm) if warm else 0.0
    slope, error = _common_slope(groups)
    return Creep(workers * slope, workers * error, leaps, len(lives))


def _between_leaps(points: Points) -> list[Points]:
    groups: list[Points] = [[]]
    for point in points:
        if groups[-1] and abs(point[1] - groups[-1][-1][1]) > LEAP:
            groups.append([])
        groups[-1].append(point)
    return groups


def _common_slope(groups: Sequence[Points]) -> tuple[float, float]:
    """Of lines through the groups that differ in their level only (least squares), and its standard error; not a
    number where there is too little to go by."""
    apart: list[tuple[float, float]] = []
    for group in groups:
        x, y = statistics.fmean(p for p, _ in group), statistics.fmean(b for _, b in group)
        apart += [(pages - x, held - y) for pages, held in group]
    spread = sum(x * x for x, _ in apart)
    free = len(apart) - len(groups) - 1
    if free < 2 or not spread:
        return math.nan, math.nan
    slope = sum(x * y for x, y in apart) / spread
    rest = sum((y - slope * x) ** 2 for x, y in apart) / free
    return slope, math.sqrt(rest / spread)


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Memory of each process over the pages read, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4), dpi=120)
    pages = [sample.pages for sample in samples]
    axes.plot(pages, [sample.total / MIB for sample in samples], color="#bbbbbb", label="all together")
    axes.plot(pages, [sample.leader / MIB for sample in samples], color="#b3402e", label="the leading process")
    for pid in dict.fromkeys(pid for sample in samples for pid in sample.workers):
        points = [(sample.pages, sample.workers[pid] / MIB) for sample in samples if pid in sample.workers]
        axes.plot(*zip(*points, strict=True), linewidth=1.2, label="a worker")
    axes.set_xlabel("pages read")
    axes.set_ylabel("MiB (PSS)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
