"""The embedded engine: reads pages without weights, a network or a GPU.

Born-digital pages are read from their text layer, scans by OCR and a layout model that ship inside
their packages. What comes out is QwenVL HTML in pixels of the page image, as from any engine.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace

from docparse.document import EngineInfo, Issue
from docparse.engines.base import PageMarkup
from docparse.engines.embedded.digital import read_digital
from docparse.engines.embedded.markup import write_elements
from docparse.engines.embedded.profile import Profile, learn
from docparse.engines.embedded.scan import ScanReader
from docparse.engines.embedded.trust import trusted
from docparse.errors import DocparseError, SourceError
from docparse.raster import Draws, PageImage, RawPage

log = logging.getLogger("docparse")


def _failed(page: PageImage, code: str, message: str) -> PageMarkup:
    return PageMarkup(page.number, "", finish="error", issues=(Issue(code, message, "error"),))


class EmbeddedEngine:
    """Reads pages one by one; keeps what it learned of a document as long as that is open."""

    name = "embedded"

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._scans: ScanReader | None = None
        self._profiles: weakref.WeakKeyDictionary[Draws, Profile] = weakref.WeakKeyDictionary()

    def info(self) -> EngineInfo:
        from docparse import __version__

        return EngineInfo(self.name, __version__)

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            try:
                markup = self.read_page(page)
            except DocparseError as error:
                markup = _failed(page, error.code, error.message)
            except Exception as error:
                log.exception("page %d of %s", page.number, page.source)
                markup = _failed(page, "engine.failed", f"The page could not be read ({type(error).__name__}).")
            yield markup

    def read_page(self, page: PageImage) -> PageMarkup:
        """One page as markup; raises what goes wrong."""
        if page.text is None or not trusted(page.text):
            return self._scanned(page)
        reading = read_digital(page.text, page.width, page.height, self._profile(page.reader))
        out = write_elements(reading.elements, reading.upright.back, {})
        return PageMarkup(
            page.number,
            out.markup(),
            confidences=tuple(out.spans),
            origin="text-layer",
            witness=tuple(page.text.words()),
        )

    def _scanned(self, page: PageImage) -> PageMarkup:
        self._scans = self._scans or ScanReader(self._threads)
        reading = self._scans.read(page.pixels())
        back = reading.posture.back()
        out = write_elements(reading.elements, back, {})
        witness = tuple(replace(word, box=back(word.box)) for line in reading.lines for word in line.words)
        return PageMarkup(page.number, out.markup(), confidences=tuple(out.spans), origin="ocr", witness=witness)

    def _profile(self, reader: Draws) -> Profile:
        if reader not in self._profiles:

            def describe(number: int) -> RawPage | None:
                try:
                    return reader.describe(number)
                except SourceError:
                    return None  # that page's own reading will say what is wrong with it

            self._profiles[reader] = learn(reader.num_pages, describe)
        return self._profiles[reader]
