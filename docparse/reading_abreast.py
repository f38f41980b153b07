"""What a worker process does with several files at a time, for an engine that reads several pages at a time.

A model has slots: pages that it writes side by side. One file of one page would fill one of them. So files are taken
as they come, and the pages of all go through one engine. Three kinds of threads: preparers open files and draw pages,
so that the next page is there before a slot is free; the main thread has the engine; finishers check what was read,
and have whole files made of it. ``Runner`` is the plain way, for one file at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from docparse.convert import failed_page, finish_page, not_read, open_for, seen_words
from docparse.document import Page
from docparse.engines.answered import answered, explained
from docparse.engines.base import Engine, PageMarkup
from docparse.errors import DocparseError
from docparse.open_file import OpenFile, Room
from docparse.raster import PageImage
from docparse.reading import (
    ALIVE_SECONDS,
    SPLIT,
    Alive,
    KeptEngine,
    PageBegun,
    PageDone,
    Task,
    as_error,
    begin_file,
    finish_file,
    name_of,
    noted,
)
from docparse.source import Source
from docparse.textlayer import Word
from docparse.worker_process import Answer

PREPARERS = 3
FINISHERS = 2
AHEAD = 2
"""Pages that are drawn before the engine asks, for each of its slots that becomes free: they are large."""
KEPT_BYTES = 512 * 1024**2
"""Pixels that are kept of pages in hand; what goes over is drawn again where somebody asks."""
FIRST_NUMBER = 1_000_000_000
"""Pages of several files are told apart by numbers larger than that of any page of a file."""


@dataclass(eq=False, slots=True)
class _File:
    """A task in hand. ``left``: numbers of its pages that are not read yet; ``begun``: when each was."""

    key: int
    task: Task
    stack: contextlib.ExitStack
    source: Source
    file: OpenFile
    lock: threading.RLock
    left: set[int] = field(default_factory=set)
    begun: dict[int, float] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    words: dict[int, Sequence[Word]] = field(default_factory=dict)
    over: bool = False


class Abreast:
    """The function of a worker process (``workers.Abreast``).

    ``isolate``: each file is opened by a process of its own. A file that ends its process costs itself; without, it
    costs this one, with the model in it, and only one file is drawn at a time.
    """

    def __init__(self, *, isolate: bool) -> None:
        self.isolate = isolate

    def serve(self, tasks: Callable[[], tuple[int, Any]], answer: Answer) -> None:
        desk = _Desk(answer, isolate=self.isolate)
        try:
            desk.run(tasks)
        finally:
            desk.close()


class _Desk:
    """All that a running worker has in hand. It is also the pages as the engine takes them
    (``engines.base.Coming``)."""

    def __init__(self, answer: Answer, *, isolate: bool) -> None:
        self._answer = answer
        self._answering = threading.Lock()
        self._isolate = isolate
        self._one_lock = threading.RLock()
        self._room = Room(KEPT_BYTES)
        self._engine = KeptEngine(self._alive)
        self._engine_lock = threading.Lock()
        self._told = 0.0
        self._inbox: queue.SimpleQueue[tuple[int, Task] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._prepared: deque[PageImage] = deque()
        self._drawing = 0
        self._in_hand: dict[int, tuple[_File, int]] = {}
        self._tasks: dict[int, Task] = {}
        self._files: dict[int, _File] = {}
        self._numbers = itertools.count(FIRST_NUMBER)
        self._over = False
        self._finishers = ThreadPoolExecutor(FINISHERS, thread_name_prefix="docparse-finish")

    def run(self, tasks: Callable[[], tuple[int, Any]]) -> None:
        """Until ``tasks`` raises ``EOFError``, which is raised then."""
        threading.Thread(target=self._receive, args=(tasks,), daemon=True).start()
        for _ in range(PREPARERS):
            threading.Thread(target=self._prepare, daemon=True).start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._over or self._prepared)
                if self._over:
                    raise EOFError
                file, _ = self._in_hand[self._prepared[0].number]
            try:
                engine, _ = self._engine_of(file.task)
                for image, told in answered(engine, self):
                    self._have_done(self._in_hand[image.number][0], self._page_read, image, told)
            except Exception as error:  # noqa: BLE001  (the engine cannot be had, as every page would find out)
                self._refuse(error)

    def close(self) -> None:
        """What is being written is written."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._finishers.shutdown(wait=True, cancel_futures=True)
        for file in tuple(self._files.values()):
            with contextlib.suppress(Exception):
                file.stack.close()

    # ------------------------------------------------------------------------ pages, as the engine takes them

    def __iter__(self) -> Iterator[PageImage]:
        return self

    def __next__(self) -> PageImage:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._prepared)
            if self._over:
                raise StopIteration
            self._changed.notify_all()
            return self._prepared.popleft()

    def ready(self) -> bool:
        return bool(self._prepared) or self._over

    # ------------------------------------------------------------------------ preparers

    def _receive(self, tasks: Callable[[], tuple[int, Any]]) -> None:
        try:
            while True:
                key, task = tasks()
                self._tasks[key] = task
                self._inbox.put((key, task))
        except (EOFError, OSError):
            with self._changed:
                self._over = True
                self._changed.notify_all()
            for _ in range(PREPARERS):
                self._inbox.put(None)

    def _prepare(self) -> None:
        while (item := self._inbox.get()) is not None:
            key, task = item
            try:
                if task.pages is not None:
                    file = self._opened(key, task)
                    self._have_done(file, self._finish, file, task.pages, task.words or {})
                else:
                    self._draw_all(key, task)
            except Exception as error:  # noqa: BLE001  (hostile files find every fault in a library)
                self._end(key, as_error(error, task))

    def _opened(self, key: int, task: Task) -> _File:
        """The task's file, open. Raises ``DocparseError``."""
        options = dataclasses.replace(task.job.options, isolate=self._isolate or task.job.options.isolate)
        lock = threading.RLock() if options.isolate else self._one_lock
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(task.job.file(self._alive))
            with lock:
                source = open_for(path, options, name=task.job.name)
            opened = OpenFile(source, self._room, lock)
            stack.callback(opened.close)
            file = _File(key, task, stack.pop_all(), source, opened, lock)
        self._files[key] = file
        return file

    def _draw_all(self, key: int, task: Task) -> None:
        """Draw the pages of a file, and put them ready for the engine."""
        file = self._opened(key, task)
        numbers = task.numbers
        if numbers is None:
            with file.lock:
                numbers = begin_file(task, file.source, lambda told: self._tell(key, told))
            if numbers is None:
                self._end(key, SPLIT)
                return
        file.left = set(numbers)
        if not numbers:
            self._have_done(file, self._finish, file, (), {})
        for number in numbers:
            if not self._room_for_one(file):
                return
            shown_as = next(self._numbers)
            file.begun[number] = time.monotonic()
            self._tell(key, PageBegun(number))
            image, error = None, None
            try:
                image = file.file.page(number, shown_as)
            except Exception as failure:  # noqa: BLE001  (see _prepare)
                error = explained(failure)
            with self._changed:
                self._drawing -= 1
                if image is not None and not file.over:
                    self._in_hand[shown_as] = (file, number)
                    self._prepared.append(image)
                self._changed.notify_all()
            if error is not None:
                self._have_done(file, self._page_done, file, failed_page(number, error), (), 1)

    def _room_for_one(self, file: _File) -> bool:
        """Wait until a page may be drawn. False: none of this file will be wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or file.over or len(self._prepared) + self._drawing < AHEAD)
            wanted = not (self._over or file.over)
            self._drawing += wanted
            return wanted

    # ------------------------------------------------------------------------ finishers

    def _have_done(self, file: _File, work: Callable[..., None], *told: Any) -> None:
        """Have a finisher do it. What goes wrong with it, which nothing should, costs the file."""

        def guarded() -> None:
            try:
                work(*told)
            except Exception as error:  # noqa: BLE001  (see as_error)
                self._end(file.key, as_error(error, file.task))

        with contextlib.suppress(RuntimeError):  # the worker is ending
            self._finishers.submit(guarded)

    def _page_read(self, image: PageImage, told: PageMarkup | DocparseError) -> None:
        with self._changed:
            file, number = self._in_hand.pop(image.number)
        shown_as, image = image.number, dataclasses.replace(image, number=number)
        words: Sequence[Word] = ()
        attempts = 1
        if isinstance(told, DocparseError):
            page = not_read(image, told)
        else:
            engine, _ = self._engine_of(file.task)
            markup, attempts = dataclasses.replace(told, number=number), told.attempts
            page = finish_page(image, markup, engine.info())
            words = seen_words(image, markup) if file.task.job.keeps_words else ()
        file.file.forget(shown_as)
        self._page_done(file, page, words, attempts)

    def _page_done(self, file: _File, page: Page, words: Sequence[Word], attempts: int) -> None:
        """A page has come to its end; with the last one, so has its task."""
        stretch = file.task.numbers is not None
        seconds = time.monotonic() - file.begun.pop(page.number)
        done: PageDone = noted(page, whole=stretch, attempts=attempts, seconds=seconds, engine=self._name(file))
        if stretch:
            done = dataclasses.replace(done, words=words)
        with self._changed:
            file.left.discard(page.number)
            last = not file.left
            if not stretch:
                file.pages.append(page)
                if file.task.job.keeps_words:
                    file.words[page.number] = words
            # Told in here: nobody else may find that there is no page left before this one is told of.
            self._tell(file.key, done)
        if last and stretch:
            self._end(file.key, None)
        elif last:
            self._finish(file, file.pages, file.words)

    def _name(self, file: _File) -> str:
        engine, _ = self._engine_of(file.task)
        return name_of(engine.info())

    def _finish(self, file: _File, pages: Sequence[Page], words: Any) -> None:
        try:
            with file.lock:
                made: Any = finish_file(file.task, file.source, pages, words, self._engine_of(file.task), self._alive)
        except Exception as error:  # noqa: BLE001  (see as_error)
            made = as_error(error, file.task)
        self._end(file.key, made)

    def _end(self, key: int, result: Any) -> None:
        """A task is over, once."""
        with self._changed:
            file = self._files.pop(key, None)
            if file is not None:
                file.over = True
            self._changed.notify_all()
        if file is not None:
            with file.lock:
                file.stack.close()
        with self._answering:
            if self._tasks.pop(key, None) is not None:
                self._answer("done", key, result)

    def _tell(self, key: int, told: Any) -> None:
        """Say something of a task that is not over."""
        with self._answering:
            if key in self._tasks:
                self._answer("message", key, told)

    def _engine_of(self, task: Task) -> tuple[Engine, str]:
        with self._engine_lock:
            return self._engine.of(task)

    def _refuse(self, error: Exception) -> None:
        """The engine cannot be had: whoever waits for it is told so."""
        with self._changed:
            files = {file.key: file for file, _ in self._in_hand.values()}
            self._prepared.clear()
            self._in_hand.clear()
        for file in files.values():
            self._end(file.key, as_error(error, file.task))

    def _alive(self) -> None:
        """Say so, of any task, but not for every token."""
        now = time.monotonic()
        if now - self._told > ALIVE_SECONDS:
            self._told = now
            for key in tuple(self._tasks)[:1]:
                self._tell(key, Alive())
