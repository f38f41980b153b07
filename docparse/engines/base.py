"""What an engine is, and how one is chosen.

An engine sees page images and returns QwenVL HTML as text, in pixels of those images. It builds no
blocks: ``qwenvl_html.read`` does, for every engine alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from docparse.document import EngineInfo, Issue
from docparse.raster import PageImage
from docparse.textlayer import Word

Finish = Literal["stop", "length", "loop", "error"]


@dataclass(frozen=True, slots=True)
class PageMarkup:
    """What an engine read from one page.

    html         QwenVL HTML; boxes are in pixels of the page image
    finish       how the reading ended: complete, cut off, in a loop, or failed
    confidences  (start, end, probability) by character span of ``html``, in order
    origin       where the text comes from: ``text-layer``, ``ocr``, ``mixed``, ``model``
    witness      words seen on the page independently of the markup, for the checks: the words of
                 the text layer, or of the OCR; pixels of the page image
    issues       what the engine itself noticed
    attempts     how many readings it took
    """

    number: int
    html: str
    finish: Finish = "stop"
    confidences: tuple[tuple[int, int, float], ...] = ()
    origin: str = ""
    witness: tuple[Word, ...] = ()
    issues: tuple[Issue, ...] = ()
    attempts: int = 1


class Engine(Protocol):
    """Reads pages. Streaming, any order, bounded memory: a page is released when it was read."""

    name: str

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]: ...

    def info(self) -> EngineInfo: ...
