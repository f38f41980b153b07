"""One model for the pages of all requests: it reads them side by side, whosever they are.

Three kinds of threads. Preparers open files in processes of their own (``isolation``), draw pages and put them ready:
a file that is slow to draw costs a preparer, not the model. One thread has the engine, and hands it pages as they
come: the engine goes on with those in hand where none is ready (``engines.base.Coming``). Finishers check what was
read. Pages of different files may have the same number, by which an engine tells them apart: each is given another
while it is in hand.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docparse.api.fairness import FairQueue
from docparse.api.open_files import OpenFiles, SharedFile, shown
from docparse.api.page_results import failed, finished
from docparse.api.ports import PageRead, PageTask
from docparse.confidence import described
from docparse.convert import Options, finish_page, seen_words
from docparse.document import EngineInfo
from docparse.engines.answered import answered, explained
from docparse.engines.base import Answer, Asks, Engine, PageMarkup
from docparse.engines.cached import NotLoaded
from docparse.errors import DocparseError, EngineError, EngineTimeout
from docparse.raster import PageImage

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("docparse")

PREPARERS = 3
FINISHERS = 2
AHEAD = 2
"""Pages that are ready before the engine asks: drawn pages are large, and whoever comes now is served after them."""
FIRST_NUMBER = 1_000_000_000
"""Larger than the number of any page of a file."""
TICK_SECONDS = 1.0
LATE = 3.0
"""Times the limit of a page after which one that the engine has not answered for is given up."""


@dataclass(eq=False, slots=True)
class _Item:
    """A page on its way. ``number``: the one that the engine knows it by."""

    task: PageTask
    future: Future[PageRead]
    number: int = 0
    file: SharedFile | None = None
    image: PageImage | None = None
    begun: float = 0.0


@dataclass(eq=False, slots=True)
class _Question:
    picture: Image
    question: str
    how: dict[str, Any]
    future: Future[Answer]


class SharedEngine:
    """The engine that ``make`` makes, in a thread of its own, from the first page on. It answers questions too.

    ``options``: how files are opened. ``reason``: why this engine reads.
    """

    def __init__(self, name: str, make: Callable[[], Engine], options: Options, *, reason: str = "") -> None:
        self.name = name
        self.trouble: DocparseError | None = None
        """Why the engine cannot be had."""
        self._make = make
        self._reason = reason
        self._limits = options.limits
        self._files = OpenFiles(options)
        self._engine: Engine | None = None
        self._changed = threading.Condition()
        self._waiting: FairQueue[_Item] = FairQueue()
        self._prepared: deque[_Item] = deque()
        self._preparing = 0
        self._in_hand: dict[int, _Item] = {}
        self._finishing = 0
        self._questions: deque[_Question] = deque()
        self._numbers = itertools.count(FIRST_NUMBER)
        self._closed = False
        self._read = 0
        self._finishers = ThreadPoolExecutor(FINISHERS, thread_name_prefix=f"docparse-{name}-finish")
        self._threads = [
            threading.Thread(target=self._prepare, name=f"docparse-{name}-prepare-{n}", daemon=True)
            for n in range(PREPARERS)
        ]
        self._reader = threading.Thread(target=self._run, name=f"docparse-{name}", daemon=True)
        for thread in (*self._threads, self._reader):
            thread.start()

    @property
    def model(self) -> str:
        return self.info().model

    def info(self) -> EngineInfo:
        """Of the engine; before it is made, its name."""
        return EngineInfo(self.name) if self._engine is None else self._engine.info()

    def submit(self, task: PageTask) -> Future[PageRead]:
        future: Future[PageRead] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
            else:
                item = _Item(task, future)
                self._waiting.push(item, priority=task.priority, client=task.client, job=task.job)
                self._changed.notify_all()
        return future

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer:
        """From any thread: see ``engines.base.Asks``. Waits for the engine's thread to come to it."""
        how = {"system": system, "max_new_tokens": max_new_tokens, "json_schema": json_schema}
        asked = _Question(picture, question, how, Future())
        with self._changed:
            if self._closed:
                raise EngineError("the service is ending.")
            self._questions.append(asked)
            self._changed.notify_all()
        try:
            return asked.future.result()
        except CancelledError:
            raise EngineError("the service is ending.") from None

    def load(self) -> Mapping[str, float]:
        with self._changed:
            return {
                "pages_waiting": len(self._waiting),
                "pages_in_hand": self._preparing + len(self._prepared) + len(self._in_hand) + self._finishing,
                "engine_batch": len(self._in_hand),
                "engine_questions": len(self._questions),
                "engine_pages": self._read,
            }

    def close(self, *, drain: float = 0.0) -> None:
        """Cancel what waits; what the engine has begun may take ``drain`` seconds more, and is then cancelled too."""
        deadline = time.monotonic() + drain
        with self._changed:
            self._closed = True
            waiting = self._waiting.remove(lambda _: True)
            prepared, self._prepared = list(self._prepared), deque()
            questions, self._questions = self._questions, deque()
            self._changed.notify_all()
        for item in waiting:
            item.future.cancel()
        for item in prepared:
            self._settle(item, CancelledError())
        for asked in questions:
            asked.future.cancel()
        with self._changed:
            self._changed.wait_for(lambda: not (self._in_hand or self._finishing), drain)
            left = list(self._in_hand.values())
            self._in_hand.clear()
        for item in left:
            self._settle(item, CancelledError())
        self._reader.join(max(deadline - time.monotonic(), TICK_SECONDS))
        self._finishers.shutdown(wait=not left)
        self._files.close()
        for thread in self._threads:
            thread.join(TICK_SECONDS)
        engine = self._engine
        with suppress(Exception):
            getattr(engine, "close", lambda: None)()

    # ------------------------------------------------------------------------ pages are made ready

    def _prepare(self) -> None:
        while (item := self._next_to_prepare()) is not None:
            error: DocparseError | CancelledError | None = None
            try:
                item.file = self._files.get(item.task)
                item.image = shown(item.file.page(item.task.number, item.number), item.task.spec)
            except DocparseError as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001 -- hostile files find every fault in a library
                error = explained(failure)
            with self._changed:
                self._preparing -= 1
                if self._closed:
                    error = CancelledError()
                if error is None:
                    self._prepared.append(item)
                self._changed.notify_all()
            if error is not None:
                self._settle(item, failed(item.task, error) if isinstance(error, DocparseError) else error)

    def _next_to_prepare(self) -> _Item | None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or (self._waiting and len(self._prepared) + self._preparing < AHEAD),
                    TICK_SECONDS,
                )
                if self._closed:
                    return None
                if self._waiting and len(self._prepared) + self._preparing < AHEAD:
                    item = self._waiting.pop()
                    if not item.task.cancelled() and item.future.set_running_or_notify_cancel():
                        item.number = next(self._numbers)
                        self._preparing += 1
                        return item
                    item.future.cancel()
            self._give_up_late()

    def _give_up_late(self) -> None:
        """An engine is anybody's code: it may never answer for a page."""
        longest = LATE * self._limits.model_page_seconds
        now = time.monotonic()
        with self._changed:
            late = [item for item in self._in_hand.values() if now - item.begun > longest]
            for item in late:
                del self._in_hand[item.number]
        for item in late:
            error = EngineTimeout(f"it took longer than {longest:g} s.", file=item.task.name, page=item.task.number)
            self._settle(item, failed(item.task, error))

    # ------------------------------------------------------------------------ the engine's thread

    def _run(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._prepared or self._questions)
            engine = self._made()
            if engine is not None:
                self._read_all(engine)

    def _made(self) -> Engine | None:
        """The engine; None where it cannot be had, and then whoever waits is told."""
        if self._engine is None and not self._closed:
            try:
                self._engine = self._make()
                self.trouble = None
            except Exception as failure:  # noqa: BLE001 -- an engine is anybody's code
                self._refuse(explained(failure))
        return self._engine

    def _refuse(self, error: DocparseError) -> None:
        self.trouble = error
        with self._changed:
            items = [*self._prepared, *self._in_hand.values(), *self._waiting.remove(lambda _: True)]
            questions = [*self._questions]
            self._prepared.clear()
            self._in_hand.clear()
            self._questions.clear()
            self._changed.notify_all()
        for item in items:
            self._settle(item, failed(item.task, error))
        for asked in questions:
            asked.future.set_exception(error)

    def _read_all(self, engine: Engine) -> None:
        """Read pages until the service ends, or the engine cannot be had."""
        try:
            for image, told in answered(engine, _Feed(self)):
                if isinstance(told, DocparseError):
                    self._give_up(image.number, told)
                else:
                    self._finish(told)
        except DocparseError as failure:
            self._refuse(failure)

    def _give_up(self, number: int, error: DocparseError) -> None:
        with self._changed:
            item = self._in_hand.pop(number, None)
        if item is not None:
            self._settle(item, failed(item.task, error))

    def _finish(self, markup: PageMarkup) -> None:
        with self._changed:
            item = self._in_hand.pop(markup.number, None)
            if item is not None:
                self._finishing += 1
                self._read += 1
        if item is None:
            log.warning("the %s engine answered for a page that it was not asked", self.name)
            return
        assert self._engine is not None
        try:
            self._finishers.submit(self._finished, item, markup, self._engine.info())
        except RuntimeError:  # the service has ended
            self._settle(item, CancelledError())

    def _finished(self, item: _Item, markup: PageMarkup, info: EngineInfo) -> None:
        """In a thread of its own: checks may look at the pixels again."""
        task = item.task
        try:
            assert item.image is not None
            image = dataclasses.replace(item.image, number=task.number)
            page = finish_page(image, dataclasses.replace(markup, number=task.number), info)
            seconds = time.monotonic() - item.begun
            outcome: Any = finished(
                page, seen_words(image, markup), described(info, self._reason), task, seconds=seconds
            )
        except Exception as failure:  # noqa: BLE001 -- a fault of ours costs this page
            outcome = failed(task, explained(failure))
        with self._changed:
            self._finishing -= 1
            self._changed.notify_all()
        self._settle(item, outcome)

    def _settle(self, item: _Item, outcome: PageRead | BaseException) -> None:
        if item.file is not None:
            item.file.forget(item.number)
            self._files.give_back(item.file)
            item.file = None
        if item.image is not None:
            item.image.release()
            item.image = None
        if not item.future.running() and not item.future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, BaseException):
            item.future.set_exception(outcome)
        else:
            item.future.set_result(outcome)

    # ------------------------------------------------------------------------ what the feed asks

    def ready(self) -> bool:
        self._answer_questions()
        with self._changed:
            return bool(self._prepared) or self._closed

    def take(self) -> PageImage:
        """The next page; waits for it. Raises ``StopIteration`` at the end."""
        while True:
            self._answer_questions()
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._prepared or self._questions)
                if self._prepared:
                    item = self._prepared.popleft()
                    self._changed.notify_all()
                    if not item.task.cancelled():
                        assert item.image is not None
                        item.begun = time.monotonic()
                        self._in_hand[item.number] = item
                        return item.image
                elif self._closed:
                    raise StopIteration
                else:
                    continue
            self._settle(item, CancelledError())

    def _answer_questions(self) -> None:
        while self._questions:
            with self._changed:
                if not self._questions:
                    return
                asked = self._questions.popleft()
            if not asked.future.set_running_or_notify_cancel():
                continue
            asks: Any = self._engine if isinstance(self._engine, Asks) else None
            try:
                if asks is None:
                    raise EngineError(f"the {self.name} engine reads pages and answers no questions.")
                answer = asks.ask(asked.picture, asked.question, **asked.how)
            except NotLoaded as failure:
                asked.future.set_exception(failure.error)
            except Exception as failure:  # noqa: BLE001 -- whoever asked is told
                asked.future.set_exception(explained(failure))
            else:
                asked.future.set_result(answer)


class _Feed:
    """The pages of all requests, as ``engines.base.Coming``."""

    def __init__(self, shared: SharedEngine) -> None:
        self._shared = shared

    def __iter__(self) -> Iterator[PageImage]:
        return self

    def __next__(self) -> PageImage:
        return self._shared.take()

    def ready(self) -> bool:
        return self._shared.ready()
