"""How much there is to read, and how long that takes: from a sample, as nobody wants to open ten thousand files twice.

Files of the sample are opened by a worker process, which may die of them. What this file is not: it does not know
what is left to do (``resume``), and it writes nothing that stays.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docparse.batch.conversion import Conversion, Outcome
from docparse.batch.manifest import Look
from docparse.batch.resume import stat_of
from docparse.convert import open_for, page_numbers
from docparse.errors import DocparseError
from docparse.reading import Job
from docparse.worker_process import Send
from docparse.workers import Done, Pool

SAMPLE = 100
"""Files that are opened to count their pages; as many or fewer are all opened."""
READ = 8
"""Files of them that are read to measure the speed, their first pages only."""
READ_PAGES = "1-4"
READ_SECONDS = 30.0
"""No further file is read after that."""
ENOUGH_PAGES = 50
"""Pages that earlier runs must have read for their speed to be believed: they took a while to start."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What there is to read.

    files, bytes  all of them
    pages         about; of the files that can be read
    spread        standard error of ``pages``; 0 where all files were opened
    opened        files that were opened, and ``unreadable`` of them could not be
    counts        pages by number of the job, of those that could be
    """

    files: int
    bytes: int
    pages: float
    spread: float
    opened: int
    unreadable: int
    counts: Mapping[int, int]


def amount(jobs: Sequence[Job], *, seconds: float) -> Amount:
    """Count files, bytes and pages. ``seconds``: the longest time for a file."""
    sizes = [stat_of(job).size or 0 for job in jobs]
    counts: dict[int, int] = {}
    opened = _spread_out(sizes, SAMPLE)
    with Pool(_count, 1, seconds=seconds) as pool:
        for index in opened:
            pool.submit((index, jobs[index]))
        for event in pool.events():  # a file that takes the worker with it has no pages
            if isinstance(event, Done) and event.result is not None:
                counts[event.task[0]] = event.result
    # Files that cannot be read count as files without pages.
    pages = [counts.get(index, 0) for index in opened]
    mean = statistics.fmean(pages) if pages else 0.0
    spread = 0.0
    if 1 < len(opened) < len(jobs):
        spread = len(jobs) * statistics.stdev(pages) / math.sqrt(len(pages)) * math.sqrt(1 - len(pages) / len(jobs))
    return Amount(len(jobs), sum(sizes), mean * len(jobs), spread, len(opened), len(opened) - len(counts), counts)


def _spread_out(sizes: Sequence[int], most: int) -> list[int]:
    """Indices of small and large files, in the proportion in which they are there; the same every time."""
    by_size = sorted(range(len(sizes)), key=lambda index: (sizes[index], index))
    if len(by_size) <= most:
        return by_size
    return [by_size[int((n + 0.5) * len(by_size) / most)] for n in range(most)]


def _count(task: tuple[int, Job], send: Send) -> int | None:
    """Pages of a file that would be read. Runs in a worker process."""
    _, job = task
    try:
        with job.file(lambda: send(None)) as path, open_for(path, job.options, name=job.name) as source:
            return len(page_numbers(source, job.options))
    except (DocparseError, MemoryError):
        return None


# ------------------------------------------------------------------------------------ speed


@dataclass(frozen=True, slots=True)
class Speed:
    """Pages a second, all workers together, as ``pages`` pages have shown; ``earlier``: of runs that are over."""

    rate: float
    pages: int
    earlier: bool


def earlier_speed(manifest: Look, recipe: str) -> Speed | None:
    """What runs with this recipe have shown; None where they have read too little."""
    pages, seconds = 0, 0.0
    for run, read in manifest.pages_of_runs(recipe):
        if run.ended is not None:
            pages += read
            seconds += max(run.ended - run.began, 0.001)
    return Speed(pages / seconds, pages, earlier=True) if pages >= ENOUGH_PAGES else None


def measured_speed(jobs: Sequence[Job], amount: Amount, workers: int, *, seconds: float, cores: int) -> Speed | None:
    """Read the first pages of some of the files that were opened; None where no page could be read."""
    readable = sorted(amount.counts, key=lambda index: (stat_of(jobs[index]).size or 0, index))
    some = [readable[n] for n in _spread_out(range(len(readable)), READ)]
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="docparse-") as folder:
        conversion = Conversion(
            [_first_pages(jobs[index], folder, f"{n}") for n, index in enumerate(some)],
            workers,
            seconds=seconds,
            cores=cores,
            watch=clock.watch,
            listen=lambda index, page: clock.page(),
        )
        clock.stop = conversion.stop
        conversion.run()
    return clock.speed()


def _first_pages(job: Job, folder: str, stem: str) -> Job:
    options = job.options if job.options.pages is not None else dataclasses.replace(job.options, pages=READ_PAGES)
    return dataclasses.replace(job, folder=folder, stem=stem, options=options, to=None)


class _Clock:
    """Starts with the first page that is done: before it, workers start and models are loaded."""

    def __init__(self) -> None:
        self.stop: Any = None
        self._pages = 0
        self._first = self._last = 0.0

    def page(self) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._pages += 1

    def watch(self, outcome: Outcome) -> None:
        self._last = time.monotonic()
        if self._pages and self._last - self._first > READ_SECONDS:
            self.stop()

    def speed(self) -> Speed | None:
        if self._pages < 2:
            return None
        return Speed((self._pages - 1) / max(self._last - self._first, 0.001), self._pages, earlier=False)
