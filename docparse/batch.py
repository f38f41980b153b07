"""Many files, or many pages of one, in worker processes: the ``convert`` command's engine room.

Short documents are read and written by one worker. Long ones are cut into stretches of pages that
several workers read, and one of them writes the whole. A page whose worker dies or hangs is tried
once more on its own; if it fails again it becomes a failed page, and all others are kept.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docparse import __version__
from docparse.convert import Options, failed_page, open_for, read_source
from docparse.document import Document, Page, Status
from docparse.engines.base import Engine
from docparse.engines.choose import choose
from docparse.errors import CorruptSource, DocparseError, EngineError, EngineTimeout, SourceTimeout
from docparse.exporters import ExportOptions
from docparse.source import parse_pages
from docparse.workers import Done, Lost, Message, Pool, Send

STRETCH = 24
"""Pages that are read in one piece. Fewer would cost more in opening the file again."""
TRIES = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One file to convert. ``stem`` names its outputs in ``folder``."""

    path: str
    folder: str
    stem: str
    formats: tuple[str, ...]
    options: Options
    threads: int
    may_split: bool
    export: ExportOptions


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What a worker is asked to do: a whole file, a stretch of its pages, or writing it."""

    job: int
    numbers: tuple[int, ...] | None = None
    pages: tuple[Page, ...] | None = None
    skip: tuple[tuple[int, str], ...] = ()
    """Pages that nobody could read, with the code of what happened."""


@dataclass(slots=True)
class Outcome:
    """What became of a file."""

    path: str
    pages: dict[int, Status] = field(default_factory=dict)
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    error: DocparseError | None = None
    total: int | None = None
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        return self.error is not None or bool(self.outputs)


@dataclass(frozen=True, slots=True)
class Opened:
    """Sent by a worker: the file is open, so many of its pages will be read."""

    pages: int


@dataclass(frozen=True, slots=True)
class PageBegun:
    """Sent by a worker when it turns to a page: if the worker dies, it was on this one."""

    number: int


@dataclass(frozen=True, slots=True)
class PageDone:
    """Sent by a worker for each page; ``page`` itself only where the parent collects them."""

    number: int
    status: Status
    codes: tuple[str, ...]
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class _Split:
    numbers: tuple[int, ...]


class _Runner:
    """The function of a worker process, with the engine it keeps between tasks."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = list(jobs)
        self._engine: tuple[str, Engine, str] | None = None

    def __call__(self, task: Task, send: Send) -> Any:
        try:
            return self._run(self.jobs[task.job], task, send)
        except DocparseError as error:
            return error
        except MemoryError:
            return EngineError("the file needs more memory than there is.", file=self.jobs[task.job].path)
        except Exception as error:  # noqa: BLE001  (the last line of defence: a fault of ours is not the batch's end)
            return EngineError(
                f"docparse made a mistake ({type(error).__name__}: {error}).",
                file=self.jobs[task.job].path,
                hint="Please report it with the file, if you may share it.",
            )

    def _run(self, job: Job, task: Task, send: Send) -> Any:
        with open_for(job.path, job.options) as source:
            if task.pages is not None:
                return self._write(job, source, task.pages)
            numbers = task.numbers
            if numbers is None:
                numbers = tuple(parse_pages(job.options.pages, source.num_pages, name=source.info.name))
                send(Opened(len(numbers)))
                if job.may_split and len(numbers) > 1.5 * STRETCH:
                    return _Split(numbers)
            engine = self._engine_for(job)
            skip = dict(task.skip)
            pages: list[Page] = []
            for number in sorted(skip):
                if number in numbers:
                    page = failed_page(number, _lost(skip[number], job.path, number))
                    pages.append(page)
                    send(_note(page, whole=task.numbers is not None))

            def announced() -> Iterator[int]:
                for number in numbers:
                    if number not in skip:
                        send(PageBegun(number))
                        yield number

            for page in read_source(source, engine, announced()):
                pages.append(page)
                send(_note(page, whole=task.numbers is not None))
            if task.numbers is not None:
                return None
            return self._write(job, source, tuple(sorted(pages, key=lambda p: p.number)))

    def _write(self, job: Job, source: Any, pages: tuple[Page, ...]) -> tuple[str, ...]:
        from docparse.exporters import write_files

        engine = self._engine_for(job)
        reason = self._engine[2] if self._engine else ""
        info = dataclasses.replace(engine.info(), reason=reason)
        document = Document(pages, source.info, info, __version__)
        outputs: list[str] = []
        images = source_images(source)
        for name in job.formats:
            made = write_files(document, name, Path(job.folder), job.stem, images=images, options=job.export)
            outputs += [str(path) for path in made]
        return tuple(outputs)

    def _engine_for(self, job: Job) -> Engine:
        key = f"{job.options.engine}:{job.threads}"
        if self._engine is None or self._engine[0] != key:
            engine, reason = choose(job.options.engine, threads=job.threads)
            self._engine = (key, engine, reason)
        return self._engine[1]


def source_images(source: Any) -> Callable[[int], Any]:
    """Page pixels by number, for exporters: one page at a time in memory."""
    last: list[Any] = []

    def images(number: int) -> Any:
        if not last or last[0] != number:
            last[:] = [number, source.page(number).pixels()]
        return last[1]

    return images


def _note(page: Page, *, whole: bool) -> PageDone:
    codes = tuple(issue.code for issue in page.verdict.issues if issue.severity != "info")
    return PageDone(page.number, page.verdict.status, codes, page if whole else None)


def _lost(reason: str, path: str, number: int | None) -> DocparseError:
    if reason == "timeout":
        kind: type[DocparseError] = EngineTimeout if number else SourceTimeout
        return kind("it took longer than its time limit.", file=path, page=number)
    if number is None:
        return CorruptSource(f"the file made its reader stop ({reason}).", file=path)
    return EngineError(f"the page made its reader stop ({reason}).", file=path, page=number)


Watch = Callable[[Outcome], None]


@dataclass(slots=True)
class _Progress:
    """How far a running task has come: the page it is on, and the pages it has done."""

    begun: int | None = None
    done: set[int] = field(default_factory=set)


class Conversion:
    """A run over files: submits tasks, collects pages, retries, and tells ``watch`` what changed."""

    def __init__(self, jobs: Sequence[Job], workers: int, *, seconds: float, watch: Watch) -> None:
        self.jobs = list(jobs)
        self.outcomes = [Outcome(job.path) for job in jobs]
        self._watch = watch
        self._pool = Pool(_Runner(jobs), workers, seconds=seconds)
        self._tries: dict[tuple[int, int | None], int] = {}
        self._collected: dict[int, dict[int, Page]] = {}
        self._open_tasks: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._now: dict[Task, _Progress] = {}

    def run(self) -> list[Outcome]:
        """Convert all files. Ctrl-C ends the workers and raises ``KeyboardInterrupt``."""
        with self._pool:
            for i in range(len(self.jobs)):
                self._submit(Task(i))
            for event in self._pool.events():
                if isinstance(event, Message):
                    self._message(event.task, event.value)
                elif isinstance(event, Done):
                    self._done(event.task, event.result)
                else:
                    self._lost(event)
        return self.outcomes

    def _submit(self, task: Task, *, first: bool = False) -> None:
        self._now[task] = _Progress()
        self._pool.submit(task, first=first)

    def _message(self, task: Task, value: Any) -> None:
        outcome = self.outcomes[task.job]
        self._started.setdefault(task.job, time.monotonic())
        if isinstance(value, Opened):
            outcome.total = value.pages
        elif isinstance(value, PageBegun):
            self._now[task].begun = value.number
            return
        elif isinstance(value, PageDone):
            self._now[task].done.add(value.number)
            outcome.pages[value.number] = value.status
            outcome.codes[value.number] = value.codes
            if value.page is not None:
                self._collected.setdefault(task.job, {})[value.number] = value.page
        self._watch(outcome)

    def _done(self, task: Task, result: Any) -> None:
        self._now.pop(task, None)
        outcome = self.outcomes[task.job]
        if isinstance(result, _Split):
            stretches = [result.numbers[i : i + STRETCH] for i in range(0, len(result.numbers), STRETCH)]
            self._open_tasks[task.job] = len(stretches)
            # The first stretch first: somebody is waiting for page one.
            for stretch in reversed(stretches):
                self._submit(Task(task.job, numbers=stretch), first=True)
        elif isinstance(result, DocparseError):
            outcome.error = outcome.error or result
            self._close(task.job)
        elif task.numbers is not None:
            self._open_tasks[task.job] -= 1
            self._write_if_whole(task.job)
        else:
            outcome.outputs = result
            self._close(task.job)
        self._watch(outcome)

    def _write_if_whole(self, job: int) -> None:
        if self._open_tasks.get(job) == 0 and self.outcomes[job].error is None:
            pages = tuple(page for _, page in sorted(self._collected.pop(job, {}).items()))
            self._submit(Task(job, pages=pages), first=True)

    def _close(self, job: int) -> None:
        self.outcomes[job].seconds = time.monotonic() - self._started.setdefault(job, time.monotonic())

    def _lost(self, event: Lost) -> None:
        """A worker died. The page it was on is tried once more; lost twice, it is given up."""
        task: Task = event.task
        now = self._now.pop(task)
        outcome = self.outcomes[task.job]
        culprit = now.begun if now.begun not in now.done else None
        key = (task.job, culprit)
        self._tries[key] = self._tries.get(key, 0) + 1
        hopeless = self._tries[key] >= TRIES
        if culprit is None:
            # It died while opening the file, or while writing.
            if hopeless:
                outcome.error = _lost(event.reason, outcome.path, None)
                self._close(task.job)
            else:
                self._submit(task, first=True)
        elif task.numbers is None:
            skip = {**dict(task.skip), **({culprit: event.reason} if hopeless else {})}
            self._submit(Task(task.job, skip=tuple(sorted(skip.items()))), first=True)
        else:
            self._resume(task, now, culprit, event.reason if hopeless else None)
        self._watch(outcome)

    def _resume(self, task: Task, now: _Progress, culprit: int, given_up: str | None) -> None:
        """Go on with a stretch of pages after ``culprit`` stopped its worker."""
        left = [n for n in task.numbers or () if n not in now.done and n != culprit]
        if given_up is None:
            alone = Task(task.job, numbers=(culprit,))
            self._open_tasks[task.job] += 1
            self._submit(alone, first=True)
        else:
            page = failed_page(culprit, _lost(given_up, self.outcomes[task.job].path, culprit))
            self._now[task] = _Progress()
            self._message(task, _note(page, whole=True))
            del self._now[task]
        if left:
            self._submit(Task(task.job, numbers=tuple(left)), first=True)
        else:
            self._open_tasks[task.job] -= 1
            self._write_if_whole(task.job)
