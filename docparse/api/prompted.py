"""Pages that are read with a user's own prompt: by asking the model that is shared, a few at a time.

Each is opened, cut, asked about and judged in one thread, which mostly waits for the model; that is asked as by
anybody (``SharedEngine.ask``), between the pages that it reads as it knows how. Clients take turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future

from docparse.api.fairness import FairQueue
from docparse.api.open_files import OpenFiles, shown
from docparse.api.page_results import failed, finished
from docparse.api.ports import PageRead, PageTask
from docparse.api.shared import SharedEngine
from docparse.confidence import described
from docparse.convert import Options, finish_page, seen_words
from docparse.engines.base import PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.prompted import read_prompted
from docparse.errors import DocparseError, EngineError, EngineOutOfMemory
from docparse.raster import PageImage

log = logging.getLogger("docparse")

THREADS = 2
END_SECONDS = 2.0
"""How long is waited for a thread at the end; it may be reading without the model, which nobody can stop."""

Waiting = tuple[PageTask, "Future[PageRead]"]


class PromptedReader:
    """Reads with ``model``. ``options``: how files are opened; ``reason``: why this engine reads."""

    def __init__(self, model: SharedEngine, options: Options, *, reason: str = "") -> None:
        self._model = model
        self._reason = reason
        self._files = OpenFiles(options)
        self._changed = threading.Condition()
        self._waiting: FairQueue[Waiting] = FairQueue()
        self._in_hand = 0
        self._closed = False
        self._embedded: EmbeddedEngine | None = None
        self._reading_embedded = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"docparse-{model.name}-prompted-{n}", daemon=True)
            for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: PageTask) -> Future[PageRead]:
        future: Future[PageRead] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
            else:
                self._waiting.push((task, future), priority=task.priority, client=task.client, job=task.job)
                self._changed.notify()
        return future

    def load(self) -> Mapping[str, float]:
        with self._changed:
            return {"pages_waiting": len(self._waiting), "pages_in_hand": self._in_hand}

    def end(self, *, drain: float = 0.0) -> None:
        """Cancel what waits; what is asked may take ``drain`` seconds more, and is then cancelled too. To be called
        before the model ends: its last word to a question is not what a page says."""
        with self._changed:
            waiting = self._waiting.remove(lambda _: True)
            self._changed.wait_for(lambda: not self._in_hand, drain)
            self._closed = True
            self._changed.notify_all()
        for _, future in waiting:
            future.cancel()

    def close(self) -> None:
        """After ``end``, and after the model has ended."""
        self._files.close()
        for thread in self._threads:
            thread.join(END_SECONDS)

    # ------------------------------------------------------------------------ a thread

    def _run(self) -> None:
        while (found := self._next()) is not None:
            task, future = found
            try:
                outcome = self._read(task)
            except DocparseError as error:
                outcome = failed(task, error)
            except MemoryError:
                outcome = failed(task, EngineOutOfMemory("the page needs more memory than there is."))
            except Exception as error:
                log.exception("page %d of %s", task.number, task.name)
                outcome = failed(task, EngineError(f"the page could not be read ({type(error).__name__}: {error})."))
            with self._changed:
                self._in_hand -= 1
                self._changed.notify_all()
                # What the end of the service did to a page is not told of it: it is read again.
                ending = self._closed
            if ending:
                future.set_exception(CancelledError())
            else:
                future.set_result(outcome)

    def _next(self) -> Waiting | None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return None
                task, future = self._waiting.pop()
                if not task.cancelled() and future.set_running_or_notify_cancel():
                    self._in_hand += 1
                    return task, future
            future.cancel()

    def _read(self, task: PageTask) -> PageRead:
        begun = time.monotonic()
        file = self._files.get(task)
        try:
            image = shown(file.page(task.number, task.number), task.spec)
            markup = read_prompted(image, task.spec.prompt, self._model, self._without)
            info = self._model.info()
            page = finish_page(image, markup, info)
            seconds = time.monotonic() - begun
            return finished(page, seen_words(image, markup), described(info, self._reason), task, seconds=seconds)
        finally:
            file.forget(task.number)
            self._files.give_back(file)

    def _without(self, image: PageImage) -> PageMarkup:
        """The page without the model, one at a time."""
        with self._reading_embedded:
            self._embedded = self._embedded or EmbeddedEngine()
            return next(self._embedded.read_pages([image]))
