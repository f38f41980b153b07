"""Many files, or many pages of one, in worker processes: the engine room of ``convert`` and ``extract``.

Short documents are read and finished by one worker. Long ones are cut into stretches of pages that
several workers read, and one of them finishes the whole: writes it, or finds its fields. A page whose
worker dies or hangs is tried once more on its own; if it fails again it becomes a failed page, and all
others are kept. A file that goes on like that is given up: what is left of it is not read.

Files are taken from an iterator as workers come free: of a million files only those in hand are in memory. What
this file is not: it does not know which files were read by an earlier run; ``resume`` does.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.convert import failed_page
from docparse.document import Page, Status
from docparse.errors import (
    CorruptSource,
    DocparseError,
    EngineError,
    EngineTimeout,
    OutputDiskError,
    SourceTimeout,
)
from docparse.reading import SPLIT, STRETCH, Finished, Job, Opened, PageBegun, PageDone, Runner, Task, noted
from docparse.reading_abreast import Abreast
from docparse.textlayer import Word
from docparse.workers import Done, Message, Pool, Processes, Recycle

TRIES = 2
MOST_DEATHS = 20
"""Workers that one file may cost, ten pages' worth: then its other pages are left, or it would take a night."""
PAGES_PER_PATIENCE = 500
"""A document is written as a whole, without a word; this many pages may take as long as one is read."""


@dataclass(slots=True)
class Outcome:
    """What became of a file. ``pages``, ``codes`` and ``sure`` are by page number, as far as it has come.

    ``sure``: the mean confidence of a page's characters, and how many these are, where they are known.
    ``told``: what else the job has to say of the file.
    """

    path: str
    pages: dict[int, Status] = field(default_factory=dict)
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    sure: dict[int, tuple[float, int]] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    told: Any = None
    error: DocparseError | None = None
    total: int | None = None
    seconds: float = 0.0
    sha256: str = ""

    @property
    def done(self) -> bool:
        return self.error is not None or bool(self.outputs)

    @property
    def confidence(self) -> float | None:
        """Mean over the characters of the file whose confidence is known."""
        characters = sum(number for _, number in self.sure.values())
        return sum(mean * number for mean, number in self.sure.values()) / characters if characters else None


Watch = Callable[[Outcome], None]
Listen = Callable[[int, PageDone], None]
"""Is told the number of a file among the jobs, and what is known of a page of it: again, if it is read again."""


Taken = Callable[[int, Job, Outcome], None]
"""Is told that a file was opened, or is over, one way or the other."""
Kept = Callable[[int, Job], Mapping[int, PageDone]]
"""Pages of a long document that an earlier run has read, with their content. Asked when the file is open."""


@dataclass(slots=True)
class _Progress:
    """How far a running task has come: pages it has turned to, and pages it has done."""

    begun: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Long:
    """A document that is read in pieces: its pages so far, their words if the job wants them, and the tasks that
    are not yet done."""

    pages: dict[int, Page] = field(default_factory=dict)
    words: dict[int, Sequence[Word]] = field(default_factory=dict)
    tasks: int = 0


class Conversion:
    """A run over files: submits tasks, collects pages, retries, and tells ``watch`` what changed.

    ``seconds``: the longest time for one page. ``cores``: CPU threads that all workers share. ``listen`` is told
    of every page, ``opened`` and ``ended`` of every file. ``files``: how many there are, where ``jobs`` does not
    say. ``keep`` False: outcomes are forgotten once ``ended`` was told of them. ``recycle``: when a worker is
    replaced by a new one. ``at_once``: files that each worker has in hand, for an engine that reads several pages side
    by side; ``isolate``: each of these is opened by a process of its own, so that one which ends it does not cost the
    model. ``pool``: ``workers`` processes that are not ours, and have their own limits.

    full  the error, where the disk of the results takes nothing more: the run was ended then, at once
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        workers: int,
        *,
        seconds: float,
        cores: int,
        watch: Watch,
        listen: Listen | None = None,
        opened: Taken | None = None,
        ended: Taken | None = None,
        kept: Kept | None = None,
        files: int | None = None,
        keep: bool = True,
        recycle: Recycle | None = None,
        at_once: int = 1,
        isolate: bool = False,
        pool: Processes | None = None,
    ) -> None:
        if files is None:
            jobs = list(jobs)
            files = len(jobs)
        self._waiting = enumerate(jobs)
        self._jobs: dict[int, Job] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._keep_all = keep
        self._files = files
        self._all_taken = False
        self._stopping = False
        self._left_some = False
        self.full: OutputDiskError | None = None
        self._watch = watch
        self._listen = listen
        self._opened = opened
        self._ended = ended
        self._kept = kept
        self._workers = max(workers, 1)
        # Several files keep the cores busy by themselves; a single short one gets them all.
        self._threads = max(1, cores // max(1, min(workers, files)))
        self._threads_of_many = max(1, cores // max(1, workers))
        if pool is None:
            pool = Pool(
                Runner() if at_once == 1 else Abreast(isolate=isolate),
                workers,
                seconds=seconds,
                recycle=recycle or Recycle(),
                threads=self._threads,
                at_once=at_once,
            )
        self._pool: Processes = pool
        self._deaths: dict[int, int] = {}
        self._tries: dict[tuple[int, int | None], int] = {}
        self._numbers: dict[int, tuple[int, ...]] = {}
        self._long: dict[int, _Long] = {}
        self._started: dict[int, float] = {}
        self._now: dict[Task, _Progress] = {}

    @property
    def outcomes(self) -> list[Outcome]:
        """In the order of the jobs: of all that were begun, or of those in hand."""
        return [outcome for _, outcome in sorted(self._outcomes.items())]

    def run(self) -> list[Outcome]:
        """Convert all files; the outcomes are in the order of the jobs.

        Ctrl-C ends the workers and raises ``KeyboardInterrupt``; ``outcomes`` then says what is done.
        """
        with self._pool:
            self._feed()
            for event in self._pool.events():
                outcome = self._outcomes[event.task.index]
                if isinstance(event, Message):
                    self._message(event.task, event.value, time.monotonic() - event.ago)
                elif isinstance(event, Done):
                    self._done(event.task, event.result, time.monotonic() - event.ago)
                elif event.alone:
                    self._lost(event.task, event.reason)
                else:
                    self._lost_with_others(event.task)
                self._watch(outcome)
                if self.full is not None:
                    break
                self._feed()
        return self.outcomes

    def stop(self) -> None:
        """Begin no more files; those in hand are finished. May be called while anything else goes on, by whoever
        handles a signal: it is only noted."""
        self._stopping = True

    @property
    def stopped(self) -> bool:
        """Whether there may be files that were not read because of ``stop``."""
        return self._stopping and (self._left_some or not self._all_taken)

    def _feed(self) -> None:
        """Take files while there are fewer in hand than keep the workers busy."""
        if self._stopping:
            self._leave_waiting()
        most = self._workers * (1 + self._pool.ahead)
        while not self._all_taken and not self._stopping and len(self._now) < most:
            index, job = next(self._waiting, (0, None))
            if job is None:
                self._all_taken = True
                return
            self._jobs[index] = job
            self._outcomes[index] = Outcome(job.path)
            self._submit(Task(index, job, self._threads))

    def _leave_waiting(self) -> None:
        """Take back the files that nobody has turned to yet."""
        begun = self._started.keys() | self._deaths.keys()
        for task in self._pool.withdraw(lambda task: task.index not in begun):
            self._left_some = True
            del self._now[task], self._jobs[task.index]

    # ------------------------------------------------------------------------ submitting

    def _submit(self, task: Task, *, first: bool = False, patience: float = 1.0, alone: bool = False) -> None:
        self._now[task] = _Progress()
        # A file that has cost a worker shall not cost others theirs.
        self._pool.submit(task, first=first, patience=patience, alone=alone or task.index in self._deaths)

    def _submit_pages(self, index: int, numbers: Sequence[int]) -> None:
        """Have these pages read, in stretches, before any other file is begun."""
        stretches = [tuple(numbers[i : i + STRETCH]) for i in range(0, len(numbers), STRETCH)]
        self._long.setdefault(index, _Long()).tasks += len(stretches)
        for stretch in reversed(stretches):
            self._submit(Task(index, self._jobs[index], self._threads_of_many, numbers=stretch), first=True)

    def _write_if_whole(self, index: int) -> None:
        if self._long[index].tasks:
            return
        long = self._long.pop(index)
        pages = tuple(page for _, page in sorted(long.pages.items()))
        if self._outcomes[index].error is not None:
            self._end(index)
            return
        task = Task(index, self._jobs[index], self._threads_of_many, pages=pages, words=long.words)
        self._submit(task, first=True, patience=1 + len(pages) / PAGES_PER_PATIENCE)

    # ------------------------------------------------------------------------ what workers say

    def _message(self, task: Task, value: Any, sent: float) -> None:
        self._started.setdefault(task.index, sent)
        if isinstance(value, Opened):
            self._numbers[task.index] = value.numbers
            outcome = self._outcomes[task.index]
            outcome.total, outcome.sha256 = len(value.numbers), value.sha256
            if self._opened is not None:
                self._opened(task.index, task.job, outcome)
        elif isinstance(value, PageBegun):
            self._now[task].begun.add(value.number)
        elif isinstance(value, PageDone):
            self._now[task].done.add(value.number)
            self._keep(task.index, value)

    def _keep(self, index: int, done: PageDone) -> None:
        outcome = self._outcomes[index]
        outcome.pages[done.number] = done.status
        outcome.codes[done.number] = done.codes
        outcome.sure.pop(done.number, None)
        if done.confidence is not None:
            outcome.sure[done.number] = (done.confidence, done.characters)
        if self._listen is not None:
            self._listen(index, done)
        if done.page is not None:
            self._long[index].pages[done.number] = done.page
            self._long[index].words[done.number] = done.words

    def _done(self, task: Task, result: Any, at: float) -> None:
        del self._now[task]
        if result == SPLIT:
            self._split(task.index)
            return
        failed = isinstance(result, DocparseError)
        if isinstance(result, OutputDiskError):
            self.full = result
        if task.numbers is None:
            self._end(task.index, finished=None if failed else result, error=result if failed else None, at=at)
            return
        outcome = self._outcomes[task.index]
        outcome.error = outcome.error or (result if failed else None)
        self._long[task.index].tasks -= 1
        self._write_if_whole(task.index)

    def _split(self, index: int) -> None:
        """A long document: have its pages read that nobody has read yet."""
        numbers = self._numbers[index]
        known = {} if self._kept is None else self._kept(index, self._jobs[index])
        self._long[index] = _Long()
        for number in numbers:
            if number in known:
                self._keep(index, known[number])
        self._submit_pages(index, [number for number in numbers if number not in known])
        self._write_if_whole(index)

    def _end(
        self,
        index: int,
        *,
        finished: Finished | None = None,
        error: DocparseError | None = None,
        at: float | None = None,
    ) -> None:
        outcome = self._outcomes[index]
        if finished is not None:
            outcome.outputs, outcome.told = finished.outputs, finished.told
        outcome.error = outcome.error or error
        end = time.monotonic() if at is None else at
        outcome.seconds = max(end - self._started.pop(index, end), 0.0)
        if self._ended is not None:
            self._ended(index, self._jobs[index], outcome)
        if not self._keep_all:
            del self._outcomes[index]
        del self._jobs[index]
        self._numbers.pop(index, None)
        self._deaths.pop(index, None)
        for key in [key for key in self._tries if key[0] == index]:
            del self._tries[key]

    # ------------------------------------------------------------------------ workers that died

    def _lost_with_others(self, task: Task) -> None:
        """A worker died with several tasks in hand. Nobody knows whose fault that was: each is done again, by itself,
        and whichever costs another worker is to blame for that one."""
        now = self._now.pop(task)
        if task.numbers is not None:
            task = dataclasses.replace(task, numbers=tuple(n for n in task.numbers if n not in now.done))
            if not task.numbers:
                self._long[task.index].tasks -= 1
                self._write_if_whole(task.index)
                return
        patience = 1.0 if task.pages is None else 1 + len(task.pages) / PAGES_PER_PATIENCE
        self._submit(task, first=True, patience=patience, alone=True)

    def _lost(self, task: Task, reason: str) -> None:
        """A worker died. What it was on is tried once more by itself; lost twice, it is given up."""
        now = self._now.pop(task)
        self._deaths[task.index] = self._deaths.get(task.index, 0) + 1
        suspects = now.begun - now.done
        times = max([self._try(task.index, number) for number in suspects] or [self._try(task.index, None)])
        if task.numbers is None and not suspects:
            # It died while opening the file, or while writing.
            if times >= TRIES:
                self._end(task.index, error=_stopped(reason, task.job.path))
            else:
                patience = 1.0 if task.pages is None else 1 + len(task.pages) / PAGES_PER_PATIENCE
                self._submit(task, first=True, patience=patience)
            return
        if task.numbers is None:
            # Nobody has the pages that it had read: from now on somebody keeps them.
            left = set(self._numbers[task.index])
            self._long.setdefault(task.index, _Long())
        else:
            left = set(task.numbers) - now.done
            self._long[task.index].tasks -= 1
        alone = task.numbers is not None and len(task.numbers) == 1
        if self._deaths[task.index] >= MOST_DEATHS:
            self._give_up(task.index, left, reason, file=True)
            for waiting in self._pool.withdraw(lambda other: other.index == task.index):
                del self._now[waiting]
                self._long[task.index].tasks -= 1
                self._give_up(task.index, waiting.numbers, reason, file=True)
        elif times >= TRIES and (alone or not suspects):
            self._give_up(task.index, left, reason)
        else:
            self._submit_pages(task.index, sorted(left - suspects))
            for number in sorted(suspects, reverse=True):
                self._submit_pages(task.index, [number])
        self._write_if_whole(task.index)

    def _try(self, index: int, number: int | None) -> int:
        self._tries[index, number] = self._tries.get((index, number), 0) + 1
        return self._tries[index, number]

    def _give_up(self, index: int, numbers: Iterable[int], reason: str, *, file: bool = False) -> None:
        """These pages are lost. ``file``: not they are to blame, or not they alone."""
        path = self._outcomes[index].path
        for number in numbers:
            error = _isolated(reason, path, number) if file else _stopped(reason, path, number)
            self._keep(index, noted(failed_page(number, error), whole=True))


def _stopped(reason: str, path: str, number: int | None = None) -> DocparseError:
    """What to call it when a worker stopped on a page, or before the first or after the last one."""
    if reason == "timeout":
        kind: type[DocparseError] = EngineTimeout if number else SourceTimeout
        return kind("it took longer than its time limit.", file=path, page=number)
    if number is None:
        return CorruptSource(f"the file made its reader stop ({reason}).", file=path)
    return EngineError(f"the page made its reader stop ({reason}).", file=path, page=number)


def _isolated(reason: str, path: str, number: int) -> DocparseError:
    """What to call it when a page was left because of the others of its file."""
    return EngineError(
        f"the page is left: {MOST_DEATHS} times its file made the reader stop ({reason}).", file=path, page=number
    )
