"""A run and its manifest: which of the files are left to do, and what became of them, written down as it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from docparse.batch.conversion import Outcome
from docparse.batch.manifest import FileRow, Manifest, Rows
from docparse.batch.resume import Decision, Retry, Stat, There, decide, known_as, stat_of
from docparse.reading import Job, PageDone


def statuses_of(manifest: Rows, row: FileRow | None) -> set[str]:
    """Of the pages of a file that is done."""
    return manifest.statuses(row.id) if row is not None and row.state == "done" else set()


def decided(
    job: Job,
    row: FileRow | None,
    now: Stat,
    statuses: Collection[str],
    recipe: str,
    retry: Sequence[Retry],
    there: There,
) -> Decision:
    """As ``decide``, for a job."""
    password, exists = job.options.password is not None, there.of(job)
    return decide(
        row, now, recipe=recipe, stem=job.stem, retry=retry, statuses=statuses, password=password, exists=exists
    )


def undone(
    manifest: Rows, jobs: Iterable[Job], recipe: str, retry: Sequence[Retry] = ()
) -> tuple[list[Job], Counter[str]]:
    """What ``Work.jobs`` would give, and how many files would be left alone, by why. Nothing is written down."""
    todo, left, there = [], Counter[str](), There()
    for job in jobs:
        row = manifest.row(known_as(job))
        decision = decided(job, row, stat_of(job), statuses_of(manifest, row), recipe, retry, there)
        if decision.do:
            todo.append(job)
        else:
            left[decision.why] += 1
    return todo, left


@dataclass(slots=True)
class _InHand:
    """A file that is being read: its number in the manifest, and pages of it that an earlier run has read."""

    number: int
    opened: bool = False
    known: set[int] = field(default_factory=set)


class Work:
    """Gives a ``Conversion`` its jobs, and is told by it what becomes of them. Of a million files it holds those in
    hand only.

    resume   False: whatever earlier runs did is done again
    retry    files that are done again although they are over
    left     how many files are left alone, and why: ``done`` or ``failed``
    before   of the pages of those that are done: whether there are any with this status
    """

    def __init__(self, manifest: Manifest, recipe: str, *, resume: bool = True, retry: Sequence[Retry] = ()) -> None:
        self._manifest = manifest
        self._recipe = recipe
        self._resume = resume
        self._retry = tuple(retry)
        self._in_hand: dict[int, _InHand] = {}
        self._there = There()
        self.left: Counter[str] = Counter()
        self.before: set[str] = set()

    def jobs(self, jobs: Iterable[Job], *, passed: Callable[[], None] = lambda: None) -> Iterator[Job]:
        """Those of ``jobs`` that are to be read, each noted when somebody takes it. ``passed`` is told of every
        other one."""
        taken = 0
        for job in jobs:
            number = self._number(job)
            if number is not None:
                self._in_hand[taken] = _InHand(number)
                taken += 1
                yield job
            else:
                passed()

    def _number(self, job: Job) -> int | None:
        """The file's number in the manifest; None: it is left alone."""
        path, now = known_as(job), stat_of(job)
        row = self._manifest.row(path) if self._resume else None
        statuses = statuses_of(self._manifest, row)
        decision = decided(job, row, now, statuses, self._recipe, self._retry, self._there)
        if row is not None and decision.touched:
            self._manifest.touched(row.id, size=now.size, mtime_ns=now.mtime_ns)
        if not decision.do:
            self.left[decision.why] += 1
            self.before |= statuses
            return None
        kept = row if decision.keep_pages else None
        fresh = FileRow(
            path,
            now.size,
            now.mtime_ns,
            kept.sha256 if kept is not None else "",
            self._recipe,
            job.stem,
            "waiting",
            tries=kept.tries if kept is not None else 0,
        )
        return self._manifest.put(fresh, keep_pages=kept is not None)

    # ------------------------------------------------------------------------ told by the conversion

    def opened(self, index: int, job: Job, outcome: Outcome) -> None:
        hand = self._in_hand[index]
        if not hand.opened:
            hand.opened = True
            self._manifest.reading(hand.number, total=outcome.total, sha256=outcome.sha256)

    def listen(self, index: int, done: PageDone) -> None:
        hand = self._in_hand[index]
        if done.number in hand.known:  # it is from here
            hand.known.discard(done.number)
            return
        self._manifest.page(hand.number, done)

    def ended(self, index: int, job: Job, outcome: Outcome) -> None:
        if job.to is not None:  # the manifest knows results by their names in the folder
            outcome = replace(outcome, outputs=job.beside(outcome.outputs))
        self._manifest.ended(self._in_hand.pop(index).number, outcome)

    def kept(self, index: int, job: Job) -> Mapping[int, PageDone]:
        if job.keeps_words:  # the words on a page are not kept
            return {}
        hand = self._in_hand[index]
        pages = self._manifest.kept_pages(hand.number)
        hand.known = set(pages)
        return pages
