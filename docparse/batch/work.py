"""A run and its manifest: which of the files are left to do, and what became of them, written down as it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docparse.batch.conversion import Outcome
from docparse.batch.manifest import FileRow, Manifest
from docparse.batch.resume import Retry, decide, stat
from docparse.document import Page
from docparse.reading import Job, PageDone


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file that is to be read, and its number in the manifest."""

    job: Job
    number: int


class Work:
    """The callbacks of a ``Conversion`` over ``jobs()``, written into the manifest.

    ``resume`` False: whatever earlier runs did is done again. ``left``: how many files are left alone, and why.
    ``before``: statuses of the pages of those files that earlier runs read.
    """

    def __init__(self, manifest: Manifest, recipe: str, *, resume: bool = True, retry: Sequence[Retry] = ()) -> None:
        self._manifest = manifest
        self._recipe = recipe
        self._resume = resume
        self._retry = tuple(retry)
        self._chosen: list[Chosen] = []
        self._reading: set[str] = set()
        self._by_path: dict[str, int] = {}
        self.left: Counter[str] = Counter()

    def choose(self, jobs: Iterable[Job], *, limit: int | None = None) -> list[Job]:
        """Those that are to be read, at most ``limit`` of them, noted as waiting."""
        for job in jobs:
            if limit is not None and len(self._chosen) >= limit:
                self.left["limit"] += 1
                continue
            path = str(Path(job.path).absolute())
            now = stat(path)
            row = self._manifest.row(path) if self._resume else None
            done = row is not None and row.state == "done" and bool(self._retry)
            statuses = self._manifest.statuses(row.id) if row is not None and done else set()
            decision = decide(row, now, recipe=self._recipe, stem=job.stem, retry=self._retry, statuses=statuses)
            if row is not None and decision.touched:
                self._manifest.touched(row.id, size=now.size, mtime_ns=now.mtime_ns)
            if not decision.do:
                self.left[decision.why] += 1
                continue
            fresh = FileRow(
                path,
                now.size,
                now.mtime_ns,
                row.sha256 if row is not None and decision.keep_pages else "",
                self._recipe,
                job.stem,
                "waiting",
                tries=row.tries if row is not None and decision.keep_pages else 0,
            )
            number = self._manifest.put(fresh, keep_pages=decision.keep_pages)
            self._by_path[job.path] = number
            self._chosen.append(Chosen(job, number))
        self._manifest.commit()
        return [chosen.job for chosen in self._chosen]

    # ------------------------------------------------------------------------ told by the conversion

    def watch(self, outcome: Outcome) -> None:
        if outcome.total is not None and outcome.path not in self._reading and not outcome.done:
            self._reading.add(outcome.path)
            self._manifest.reading(self._by_path[outcome.path], total=outcome.total, sha256=outcome.sha256)

    def listen(self, index: int, done: PageDone) -> None:
        self._manifest.page(self._chosen[index].number, done)

    def ended(self, index: int, job: Job, outcome: Outcome) -> None:
        if outcome.path not in self._reading:  # it was never opened: that counts as a try all the same
            self._manifest.reading(self._chosen[index].number, total=outcome.total, sha256=outcome.sha256)
        self._reading.discard(outcome.path)
        self._manifest.ended(self._chosen[index].number, outcome)

    def kept(self, index: int, job: Job) -> Mapping[int, Page]:
        if job.keeps_words:  # the words on a page are not kept
            return {}
        return self._manifest.kept_pages(self._chosen[index].number)
