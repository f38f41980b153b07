"""What an engine is, and how one is chosen.

An engine sees page images and returns QwenVL HTML as text, in pixels of those images. It builds no
blocks: ``qwenvl_html.read`` does, for every engine alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from docparse.document import EngineInfo, Issue
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.textlayer import Word

if TYPE_CHECKING:
    from PIL.Image import Image

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


@dataclass(frozen=True, slots=True)
class Ask:
    """What a model is asked about a picture.

    system       the system message; None is the model's own
    reply        how the answer begins: the model goes on from there, where it can be made to
    region       what of the page the picture shows, in pixels of the page; None is all of it
    allowed      how often the page itself has a text: repetition that is its own is no loop
    json_schema  what the answer is to be; a server may be unable to hold its model to it
    """

    picture: Image
    question: str
    system: str | None = None
    max_new_tokens: int = 8192
    reply: str = ""
    region: BBox | None = None
    allowed: Callable[[str], int] | None = None
    json_schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of a picture.

    width, height  pixels of the picture as the model saw it, which its boxes are in
    confidences    (start, end, probability) by character span of ``text``, in order
    error          a sentence, where ``finish`` is ``error``
    """

    text: str
    width: int
    height: int
    finish: Finish = "stop"
    confidences: tuple[tuple[int, int, float], ...] = ()
    error: str = ""


@runtime_checkable
class Asks(Protocol):
    """A model that can be asked about a picture. Raises ``EngineError`` where it cannot answer.

    ``json_schema``: the answer is to be JSON that is valid against it, which need not succeed: see ``Ask``.
    """

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer: ...


class Coming(Protocol):
    """Pages that come as they are sent: an iterator that can be asked whether its next page is there already."""

    def __iter__(self) -> Iterator[PageImage]: ...
    def __next__(self) -> PageImage: ...
    def ready(self) -> bool: ...


def is_ready(pages: object) -> bool:
    """Whether the next page of an iterator need not be waited for, or nobody knows. An engine that has other pages
    in hand goes on with these, instead of waiting for one that may never come."""
    ready = getattr(pages, "ready", None)
    return ready is None or bool(ready())


class Engine(Protocol):
    """Reads pages. Streaming, any order, bounded memory: a page is released when it was read. Pages may be
    ``Coming``: see ``is_ready``."""

    name: str

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]: ...

    def info(self) -> EngineInfo: ...
