"""The qwen engine: the model in this repository reads pages as pictures.

A page is drawn, shown to the model with the makers' prompt, and what it writes comes back as QwenVL HTML
whose boxes are in pixels of the page: the model writes them in pixels of the picture it was shown, and
they are mapped back here and nowhere else. Several pages are written at the same time. A page that the
model cannot read is read by the embedded engine and marked ``fallback``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from docparse.document import EngineInfo, Issue
from docparse.engines.base import Answer, PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.options import ModelOptions
from docparse.engines.prompts import PAGE
from docparse.engines.vision_language import Asked, VisionLanguage
from docparse.errors import DocparseError, EngineError, EngineTimeout
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage

SMALL = 0.6
"""A page that is shown at less than this share of its own resolution may have become illegible."""


@dataclass(slots=True)
class _Reading:
    """A page that is being written."""

    page: PageImage
    asked: Asked
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
        self._options = options
        self._threads = threads
        self._page_seconds = page_seconds
        self._model = VisionLanguage(options, threads=threads, alive=alive)
        self._embedded: EmbeddedEngine | None = None

    def info(self) -> EngineInfo:
        from docparse import __version__

        return EngineInfo(self.name, __version__, model=self._model.name)

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        """Each page as soon as it is written; up to the model's ``batch`` of them are in hand."""
        under_way: list[_Reading] = []
        for page in pages:
            try:
                under_way.append(self._begin(page))
            except Exception as error:  # noqa: BLE001  (whatever a page does to us costs that page)
                yield self._fallback(page, _explained(error))
            while len(under_way) >= self._model.batch:
                yield from self._step(under_way)
        while under_way:
            yield from self._step(under_way)

    def _begin(self, page: PageImage) -> _Reading:
        question = PAGE[self._options.prompt]
        picture = page.pixels()
        asked = self._model.submit(
            picture, question.text, system=question.system, max_new_tokens=self._options.max_tokens
        )
        page.release()  # the model has its patches; the checks draw it again if they want to look
        return _Reading(page, asked, time.monotonic() + self._page_seconds)

    def _step(self, under_way: list[_Reading]) -> Iterator[PageMarkup]:
        """One step of the generator; the pages that it finished."""
        failure: DocparseError | None = None
        try:
            self._model.advance()
        except Exception as error:  # noqa: BLE001  (the pages it was at are told why below)
            failure = _explained(error)
        for reading in tuple(under_way):
            if time.monotonic() > reading.deadline and not reading.asked.handle.done:
                reading.asked.handle.cancel()
                under_way.remove(reading)
                limit = f"it was not read within {self._page_seconds:.0f} seconds."
                yield self._fallback(reading.page, EngineTimeout(limit))
            elif reading.asked.handle.done:
                under_way.remove(reading)
                yield self._finish(reading)
            elif failure is not None:
                reading.asked.handle.cancel()
                under_way.remove(reading)
                yield self._fallback(reading.page, failure)

    def _finish(self, reading: _Reading) -> PageMarkup:
        answer = self._model.answer(reading.asked)
        if answer.finish == "error":
            return self._fallback(reading.page, EngineError(answer.error))
        return page_markup(reading.page, answer)

    def _fallback(self, page: PageImage, error: DocparseError) -> PageMarkup:
        """What the embedded engine reads, with the reason why it had to."""
        self._embedded = self._embedded or EmbeddedEngine(threads=self._threads)
        note = Issue(
            "fallback", f"The embedded engine read this page, because the model did not: {error.message}", "warning"
        )
        markup = next(self._embedded.read_pages([page]))
        return replace(markup, issues=(note, *markup.issues), attempts=markup.attempts + 1)


def page_markup(page: PageImage, answer: Answer) -> PageMarkup:
    """An answer about a page as the page's markup: boxes from the picture's pixels to the page's.

    The picture's size is that of the final grid of patches, whatever was asked for (facts/qwen.md 1.4).
    """
    mapped = rescale(answer.text, page.width / answer.width, page.height / answer.height)
    return PageMarkup(
        page.number,
        mapped.markup,
        finish=answer.finish,
        confidences=mapped.carry(answer.confidences),
        origin="model",
        witness=tuple(page.text.words()) if page.text is not None else (),
        issues=tuple(_notes(page, answer)),
    )


def _notes(page: PageImage, answer: Answer) -> Iterator[Issue]:
    scale = (answer.width * answer.height / (page.width * page.height)) ** 0.5
    if scale < 0.95:  # less is rounding to whole patches
        message = (
            f"The page has {page.width} x {page.height} pixels; the model was shown {answer.width} x {answer.height}."
        )
        yield Issue("page-shrunk", message, "info" if scale >= SMALL else "warning")


def _explained(error: Exception) -> DocparseError:
    if isinstance(error, DocparseError):
        return error
    return EngineError(f"the model failed ({type(error).__name__}: {error}).")


def open_model(path: str, options: ModelOptions | None = None) -> VisionLanguage:
    """The model of a checkpoint folder, to ask about pictures. Raises as ``VisionLanguage`` does."""
    return VisionLanguage(replace(options or ModelOptions(), path=path))
