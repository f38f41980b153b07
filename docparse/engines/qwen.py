"""The qwen engine: the model in this repository reads pages as pictures.

It drives ``recovery``: each page has a reading under way, whose questions the model answers, several at the
same time. A page that the model cannot read is read by the embedded engine and marked ``fallback``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from docparse.document import EngineInfo
from docparse.engines.base import Answer, Ask, PageMarkup, is_ready
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.options import ModelOptions
from docparse.engines.recovery import Policy, Reading, fall_back, read_page, said
from docparse.engines.vision_language import Asked, VisionLanguage
from docparse.engines.watch import Watch
from docparse.errors import EngineError
from docparse.raster import PageImage

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(slots=True)
class _Page:
    """A page that is being read. ``asked``: the question that is being answered."""

    image: PageImage
    reading: Reading
    asked: Asked
    watch: Watch
    deadline: float


class QwenEngine:
    """Reads pages with a checkpoint. The model is loaded when it is made: see ``VisionLanguage``.

    ``page_seconds``: a page that takes longer is given up, and read by the embedded engine.
    """

    name = "qwen"

    def __init__(
        self,
        options: ModelOptions,
        *,
        threads: int | None = None,
        page_seconds: float = 600.0,
        alive: Callable[[], None] | None = None,
    ) -> None:
        self._policy = Policy(prompt=options.prompt, max_tokens=options.max_tokens, ocr=options.check == "ocr")
        self._threads = threads
        self._page_seconds = page_seconds
        self._model = VisionLanguage(options, threads=threads, alive=alive)
        self._embedded: EmbeddedEngine | None = None

    def info(self) -> EngineInfo:
        from docparse import __version__

        return EngineInfo(self.name, __version__, model=self._model.name)

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        """Each page as soon as it is written; up to the model's ``batch`` of them are in hand."""
        coming = iter(pages)
        under_way: list[_Page] = []
        while True:
            while under_way and (len(under_way) >= self._model.batch or not is_ready(coming)):
                yield from self._step(under_way)
            image = next(coming, None)
            if image is None:
                break
            begun = self._begin(image)
            if isinstance(begun, PageMarkup):
                yield begun
            else:
                under_way.append(begun)
        while under_way:
            yield from self._step(under_way)

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer:
        """One question, answered: see ``Asks``. An answer that takes longer than a page may is cut off."""
        deadline = time.monotonic() + self._page_seconds
        asked = self._model.submit(
            picture, question, system=system, max_new_tokens=max_new_tokens, json_schema=json_schema
        )
        while not asked.handle.done:
            if time.monotonic() > deadline:
                asked.handle.cancel()
            self._model.advance()
        answer = self._model.answer(asked, marks=True)
        if answer.finish == "error":
            raise EngineError(answer.error)
        return answer

    def _begin(self, image: PageImage) -> _Page | PageMarkup:
        """The first question of a page; or its markup, where nothing can be asked."""
        reading = read_page(image, self._policy, self._read_embedded)
        deadline = time.monotonic() + self._page_seconds
        try:
            ask = next(reading)
            asked = self._submit(ask)
            page = _Page(image, reading, asked, _watch(ask, asked), deadline)
        except Exception as error:  # noqa: BLE001  (whatever a page does to us costs that page)
            return fall_back(image, self._read_embedded, said(error))
        image.release()  # the model has its patches; the checks draw it again if they want to look
        return page

    def _submit(self, ask: Ask) -> Asked:
        return self._model.submit(
            ask.picture,
            ask.question,
            system=ask.system,
            max_new_tokens=ask.max_new_tokens,
            reply=ask.reply,
            json_schema=ask.json_schema,
        )

    def _step(self, under_way: list[_Page]) -> Iterator[PageMarkup]:
        """One step of the model; the pages that came to their end by it."""
        failure = ""
        try:
            self._model.advance()
        except Exception as error:  # noqa: BLE001  (the pages it was at are told why below)
            failure = said(error)
        for page in tuple(under_way):
            handle = page.asked.handle
            if page.watch.feed(self._model.news(page.asked)) is not None:
                handle.cancel()
                answer = replace(self._model.answer(page.asked), finish="loop")
            elif handle.done:
                answer = self._model.answer(page.asked)
            elif time.monotonic() > page.deadline or failure:
                handle.cancel()
                late = f"it was not read within {self._page_seconds:.0f} seconds."
                answer = Answer("", page.asked.width, page.asked.height, "error", error=failure or late)
            else:
                continue
            markup = self._go_on(page, answer)
            if markup is not None:
                under_way.remove(page)
                yield markup

    def _go_on(self, page: _Page, answer: Answer) -> PageMarkup | None:
        """Give a reading its answer. Its markup, where that was the last."""
        try:
            ask = page.reading.send(answer)
            page.asked = self._submit(ask)
            page.watch = _watch(ask, page.asked)
        except StopIteration as end:
            markup: PageMarkup = end.value
            return markup
        except Exception as error:  # noqa: BLE001  (see _begin)
            return fall_back(page.image, self._read_embedded, said(error))
        page.image.release()
        return None

    def _read_embedded(self, image: PageImage) -> PageMarkup:
        self._embedded = self._embedded or EmbeddedEngine(threads=self._threads)
        return next(self._embedded.read_pages([image]))


def _watch(ask: Ask, asked: Asked) -> Watch:
    return Watch(ask.allowed, size=(asked.width, asked.height))


def open_model(path: str, options: ModelOptions | None = None) -> VisionLanguage:
    """The model of a checkpoint folder, to ask about pictures. Raises as ``VisionLanguage`` does."""
    return VisionLanguage(replace(options or ModelOptions(), path=path))
