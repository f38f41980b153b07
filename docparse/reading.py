"""What a worker process does with a file: fetches it if it lies elsewhere, opens it, reads pages, and has the job make
of them what it is for.

``batch`` says which file and which pages; ``Runner`` does it with ``convert``'s one flow. It knows
nothing of processes: it is a function of a task that sends messages.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from docparse import __version__
from docparse.confidence import described
from docparse.convert import Options, open_for, page_images, page_numbers, read_source
from docparse.document import Document, EngineInfo, Page, Status
from docparse.engines.base import Engine, PageMarkup
from docparse.engines.choose import choose
from docparse.errors import DocparseError, EngineOutOfMemory
from docparse.exporters import ExportOptions, Images, write_files
from docparse.far.fetch import Alive as Alarm
from docparse.far.fetch import fetched, nobody, scratch
from docparse.far.find import FarFile
from docparse.far.folder import FarFolder
from docparse.raster import PageImage
from docparse.source import Source
from docparse.textlayer import Word
from docparse.verify import mean_confidence
from docparse.worker_process import Send

STRETCH = 24
"""Pages that are read in one piece. A crash costs no more than that many pages a second reading."""
ALIVE_SECONDS = 1.0
REASONS = 4
REASON = 240
"""Reasons that are told of a page, and characters of each: a batch may have a million pages."""
SPLIT = "split"
"""The result of a task whose file is too long to be read in one piece."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A document that was read whole; its file is still open.

    engine  who read it
    words   those seen on each page, independently of the markup, where the job keeps them
    images  draws a page
    """

    document: Document
    source: Source
    engine: Engine
    words: Mapping[int, Sequence[Word]]
    images: Images


@dataclass(frozen=True, slots=True)
class Finished:
    """What a job made of a file: the files written, and what else the parent is to know of it."""

    outputs: tuple[str, ...]
    told: Any = None


@dataclass(frozen=True, slots=True)
class Job:
    """One file to convert. ``stem`` names its outputs in ``folder``.

    Another kind of job makes something else of the pages: a class with a ``finish`` of its own.

    far  where the file lies, if not on this machine; ``path`` is then its URL, as it may be shown
    to   where the outputs go, if not on this machine; ``folder`` is then what this machine keeps of it
    """

    keeps_words: ClassVar[bool] = False

    path: str
    folder: str
    stem: str
    formats: tuple[str, ...]
    options: Options
    export: ExportOptions = ExportOptions()
    far: FarFile | None = None
    to: FarFolder | None = None

    @property
    def name(self) -> str | None:
        """What the file is called in its results; None: as it is called here."""
        return None if self.far is None else self.path

    @contextlib.contextmanager
    def file(self, alive: Alarm = nobody) -> Iterator[str]:
        """The path of the file on this machine: of itself, or of a copy, which is there until the end.

        ``alive`` is called while it comes. Raises ``SourceError``.
        """
        if self.far is None:
            yield self.path
            return
        with fetched(self.far, max_bytes=self.options.limits.max_bytes, alive=alive) as path:
            yield path

    def delivered(self, make: Callable[[Self], Finished], alive: Alarm = nobody) -> Finished:
        """What ``make`` makes of this job, its outputs where they belong. Raises ``OutputError``."""
        if self.to is None:
            return make(self)
        with scratch() as folder:
            finished = make(dataclasses.replace(self, folder=folder))
            return dataclasses.replace(finished, outputs=self.to.put_all(folder, finished.outputs, alive=alive))

    def beside(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """Paths of the outputs, as if those that lie elsewhere lay in ``folder``."""
        return tuple(outputs) if self.to is None else tuple(self.to.beside(self.folder, name) for name in outputs)

    def finish(self, reading: Reading) -> Finished:
        """Make of the pages what the job is for. Runs in the worker, which may be killed."""
        return Finished(self.write(reading.document, reading.images))

    def write(self, document: Document, images: Images) -> tuple[str, ...]:
        """Write all formats; the paths of the files. Raises ``ExportError``."""
        outputs: list[str] = []
        for name in self.formats:
            made = write_files(document, name, Path(self.folder), self.stem, images=images, options=self.export)
            outputs += [str(path) for path in made]
        return tuple(outputs)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What a worker is asked to do: a whole file, a stretch of its pages, or what the job makes of all of them."""

    index: int
    job: Job
    threads: int
    numbers: tuple[int, ...] | None = None
    pages: tuple[Page, ...] | None = None
    words: Mapping[int, Sequence[Word]] | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Sent by a worker: the file is open, these pages of it will be read. ``sha256``: of the whole file."""

    numbers: tuple[int, ...]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PageBegun:
    """Sent by a worker when it turns to a page: if the worker dies, it was on this one."""

    number: int


@dataclass(frozen=True, slots=True)
class PageDone:
    """Sent by a worker for each page; ``page`` itself, and its ``words``, only where the parent collects them.

    codes       of what is wrong with it, whatever is only worth knowing left out
    reasons     the worst of it in words: (code, message)
    confidence  mean over those of its characters whose confidence is known, which are ``characters``
    attempts    readings it took
    seconds     from when it was begun until it was read; pages may be read side by side. None: nobody knows
    engine      who was asked to read it, and its model
    """

    number: int
    status: Status
    codes: tuple[str, ...]
    page: Page | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None
    characters: int = 0
    attempts: int = 1
    seconds: float | None = None
    engine: str = ""
    words: Sequence[Word] = ()


@dataclass(frozen=True, slots=True)
class Alive:
    """Sent by a worker while it is at something long, so that it is not taken for hanging: drawing many
    pages, loading a model, a page that a model writes word by word."""


def noted(page: Page, *, whole: bool, attempts: int = 1, seconds: float | None = None, engine: str = "") -> PageDone:
    """What is told of a page that was read."""
    wrong = [issue for issue in page.verdict.issues if issue.severity != "info"]
    reasons: dict[str, str] = {}
    for issue in sorted(wrong, key=lambda issue: issue.severity != "error"):
        reasons.setdefault(issue.code, issue.message[:REASON])  # ten elements may have the same one
    confidence, characters = mean_confidence(page.blocks)
    return PageDone(
        page.number,
        page.verdict.status,
        codes=tuple(issue.code for issue in wrong),
        page=page if whole else None,
        reasons=tuple(reasons.items())[:REASONS],
        confidence=confidence,
        characters=characters,
        attempts=attempts,
        seconds=seconds,
        engine=engine,
    )


class _Counting:
    """An engine whose answers are looked at as they pass: how many readings each page took."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self._engine = engine
        self._attempts: dict[int, int] = {}

    def info(self) -> EngineInfo:
        return self._engine.info()

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for markup in self._engine.read_pages(pages):
            self._attempts[markup.number] = markup.attempts
            yield markup

    def attempts(self, number: int) -> int:
        """Of a page that was just read."""
        return self._attempts.pop(number, 1)


class KeptEngine:
    """The engine of a worker process, which loads its models once. ``alive`` is called while it is at something
    long."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._engine: tuple[Options, int, Engine, str] | None = None

    def of(self, task: Task) -> tuple[Engine, str]:
        """The engine that the task asks for, and the reason for it. Raises ``DocparseError``."""
        options = dataclasses.replace(task.job.options, pages=None, password=None)
        if self._engine is None or self._engine[:2] != (options, task.threads):
            self._engine = None  # before the next is made: two models seldom fit
            engine, reason = choose(
                options.engine,
                threads=task.threads,
                model=options.model,
                remote=options.remote,
                page_seconds=options.limits.model_page_seconds,
                alive=self._alive,
                cache=options.cache,
            )
            self._engine = (options, task.threads, engine, reason)
        return self._engine[2:]


def begin_file(task: Task, source: Source, send: Send) -> tuple[int, ...] | None:
    """Say of an open file which pages of it the job asks for: these; None where they are too many for one task.
    Raises ``PageRangeError``."""
    numbers = tuple(page_numbers(source, task.job.options))
    send(Opened(numbers, source.info.sha256))
    return None if len(numbers) > 1.5 * STRETCH else numbers


def name_of(engine: EngineInfo) -> str:
    """Who is asked to read, and its model, as manifests have it."""
    return f"{engine.name} {engine.model}".strip()


def finish_file(
    task: Task,
    source: Source,
    pages: Iterable[Page],
    words: Mapping[int, Sequence[Word]],
    chosen: tuple[Engine, str],
    alive: Callable[[], None],
) -> Finished:
    """Have the job made of a file whose pages are all read, in whatever order."""
    engine, reason = chosen
    inside = tuple(sorted(pages, key=lambda page: page.number))
    document = Document(inside, source.info, described(engine.info(), reason), __version__)
    drawn = page_images(source, inside)

    def images(number: int) -> Any:
        alive()
        return drawn(number)

    reading = Reading(document, source, engine, words, images)
    return task.job.delivered(lambda job: job.finish(reading), alive)


def as_error(error: Exception, task: Task) -> DocparseError:
    """What to tell of a task that has failed: the last line of defence, a fault of ours is not the batch's end."""
    if isinstance(error, DocparseError):
        return error
    if isinstance(error, MemoryError):
        return EngineOutOfMemory("the file needs more memory than there is.", file=task.job.path)
    return DocparseError(
        f"docparse made a mistake ({type(error).__name__}: {error}).",
        file=task.job.path,
        hint="Please report it with the file, if you may share it.",
    )


class Runner:
    """The function of a worker process, with the engine and the file it keeps between tasks."""

    def __init__(self) -> None:
        self._engine = KeptEngine(self._alive)
        self._send: Send | None = None
        self._told = 0.0
        self._open: tuple[int, Source, contextlib.ExitStack] | None = None

    def __call__(self, task: Task, send: Send) -> Any:
        self._send = send
        try:
            result = self._run(task, send)
        except Exception as error:  # noqa: BLE001  (see as_error)
            result = as_error(error, task)
        if task.numbers is None or isinstance(result, DocparseError):
            self._close()
        return result

    def _run(self, task: Task, send: Send) -> Any:
        source = self._source(task)
        if task.pages is not None:
            return self._finish(task, source, task.pages, task.words or {}, send)
        numbers = task.numbers if task.numbers is not None else begin_file(task, source, send)
        if numbers is None:
            return SPLIT
        engine, _ = self._engine.of(task)

        begun: dict[int, float] = {}

        def announced() -> Iterator[int]:
            for number in numbers:
                begun[number] = time.monotonic()
                send(PageBegun(number))
                yield number

        pages: list[Page] = []
        words: dict[int, Sequence[Word]] = {}
        counting = _Counting(engine)
        info = engine.info()
        for page in read_source(
            source, counting, announced(), seen=words.__setitem__ if task.job.keeps_words else None
        ):
            done = noted(
                page,
                whole=task.numbers is not None,
                attempts=counting.attempts(page.number),
                seconds=time.monotonic() - begun.pop(page.number),
                engine=name_of(info),
            )
            if task.numbers is None:
                pages.append(page)
            else:
                done = dataclasses.replace(done, words=words.pop(page.number, ()))
            send(done)
        if task.numbers is not None:
            return None
        return self._finish(task, source, pages, words, send)

    def _finish(
        self, task: Task, source: Source, pages: Iterable[Page], words: Mapping[int, Sequence[Word]], send: Send
    ) -> Finished:
        return finish_file(task, source, pages, words, self._engine.of(task), lambda: send(Alive()))

    def _source(self, task: Task) -> Source:
        """The task's file. It stays open between its stretches: opening means reading all of it
        once, and the engine learns what is common to its pages. One that lies elsewhere is fetched as often."""
        if self._open is not None and self._open[0] == task.index:
            return self._open[1]
        self._close()
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(task.job.file(self._alive))
            source = stack.enter_context(open_for(path, task.job.options, name=task.job.name))
            self._open = (task.index, source, stack.pop_all())
        return source

    def _close(self) -> None:
        if self._open is not None:
            stack, self._open = self._open[2], None
            stack.close()

    def _alive(self) -> None:
        """Say so, but not for every token."""
        now = time.monotonic()
        if self._send is not None and now - self._told > ALIVE_SECONDS:
            self._told = now
            self._send(Alive())
