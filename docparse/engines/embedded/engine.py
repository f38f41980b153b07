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
from docparse.engines.embedded import trust
from docparse.engines.embedded.digital import read_digital
from docparse.engines.embedded.markup import write_elements
from docparse.engines.embedded.profile import Profile, learn
from docparse.engines.embedded.scan import ScanReader, ScanReading, moved
from docparse.errors import DocparseError, SourceError
from docparse.geometry import BBox
from docparse.raster import Draws, PageImage, RawPage
from docparse.textlayer import Line, TextLayer, Word
from docparse.verify import likeness

log = logging.getLogger("docparse")

_HIDDEN = Issue("hidden-text-layer", "The page has text that is not shown; what is shown was read.", "info")
_STAMPED = Issue("scan-with-text", "The page is a scan with a few words on it; the pixels were read.", "info")
_DISTRUSTED = Issue(
    "text-layer-distrusted", "The text layer does not say what the page shows; the pixels were read.", "info"
)


def _text(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)


def _sure(lines: list[Line]) -> list[Line]:
    """Without what is read into the lines of a drawing."""
    return [line for line in lines if (line.words[0].confidence or 0) >= 0.85]


def _frame(page: PageImage) -> BBox | None:
    """The whole page, where only a part of it is read."""
    return None if page.part is None else page.part.frame


def _notes(layer: TextLayer) -> Iterator[Issue]:
    if any(not line.visible for line in layer.lines):
        yield _HIDDEN
    if layer.ligatures:
        message = f"The text layer lacks letters of {layer.ligatures} ligatures; they were restored by their widths."
        yield Issue("ligatures-restored", message, "warning")


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
        layer = page.text
        area = BBox(0, 0, page.width, page.height)
        if layer is None or not trust.has_text(layer):
            if layer is not None and not (layer.lines or layer.pictures or layer.shapes):
                return PageMarkup(page.number, "<html><body></body></html>", origin="text-layer")
            notes = [_HIDDEN] if layer is not None and layer.lines else []
            return self._scanned(page, notes)
        if trust.is_stamped_scan(layer, area) or trust.suspicious(layer):
            found = self._reader().read(page.pixels(), _frame(page))
            said, seen = _text(layer.words()), _text([w for line in found.lines for w in line.words])
            if len(seen) > 2 * len(said) or (seen and likeness(said, seen) < 0.5 and len(seen) > 0.5 * len(said)):
                note = _STAMPED if trust.is_stamped_scan(layer, area) else _DISTRUSTED
                return self._scanned(page, [note], found)
        layer, read_in = self._with_insets(page, layer, area)
        profile = self._profile(page.file)
        reading = read_digital(layer, page.width, page.height, profile, page.dpi / 72, _frame(page))
        out = write_elements(reading.elements, reading.upright.back)
        return PageMarkup(
            page.number,
            out.markup(),
            confidences=tuple(out.spans),
            origin="mixed" if read_in else "text-layer",
            witness=tuple(layer.words()),
            issues=tuple(_notes(layer)),
        )

    def _reader(self) -> ScanReader:
        self._scans = self._scans or ScanReader(self._threads)
        return self._scans

    def _with_insets(self, page: PageImage, layer: TextLayer, area: BBox) -> tuple[TextLayer, bool]:
        """The text layer and, for scanned parts of the page, the lines that OCR finds there."""
        more: list[Line] = []
        pictures = list(layer.pictures)
        for box in trust.insets(layer, area):
            x1, y1, x2, y2 = (int(v) for v in box.rounded().as_tuple())
            picture = page.pixels().crop((x1, y1, x2, y2))
            sure = _sure(self._reader().glance(picture))
            if sum(line.box.area for line in sure) > trust.TEXT_SHARE * box.area:
                sure = _sure(self._reader().lines(picture))
            more += [moved(line, box.x1, box.y1) for line in sure]
            if sum(line.box.area for line in sure) > 0.3 * box.area:
                # Mostly text: a scanned part of the page, not a picture with words in it.
                pictures = [p for p in pictures if p.box.clamped(area.x2, area.y2) != box]
        if not more:
            return layer, False
        return replace(layer, lines=(*layer.lines, *more), pictures=tuple(pictures)), True

    def _scanned(self, page: PageImage, notes: list[Issue], reading: ScanReading | None = None) -> PageMarkup:
        reading = reading or self._reader().read(page.pixels(), _frame(page))
        back = reading.posture.back()
        out = write_elements(reading.elements, back)
        witness = tuple(replace(word, box=back(word.box)) for line in reading.lines for word in line.words)
        return PageMarkup(
            page.number,
            out.markup(),
            confidences=tuple(out.spans),
            origin="ocr",
            witness=witness,
            issues=tuple(notes),
        )

    def _profile(self, reader: Draws) -> Profile:
        if reader not in self._profiles:

            def describe(number: int) -> RawPage | None:
                try:
                    return reader.describe(number)
                except SourceError:
                    return None  # that page's own reading will say what is wrong with it

            self._profiles[reader] = learn(reader.num_pages, describe)
        return self._profiles[reader]
