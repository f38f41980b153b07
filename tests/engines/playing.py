"""A model that reads perfectly, and faults that are put into its answers.

``Player`` knows what stands on a page (the embedded engine's reading, checked elsewhere) and answers any question
about it, or about a region of it, as a model would: QwenVL HTML in pixels of the picture it was shown. A fault changes
one of its answers. ``play`` drives a reading with it, as an engine does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from docparse.convert import finish_page
from docparse.document import Block, Page
from docparse.engines.base import Answer, Ask, PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.recovery import Policy, read_page
from docparse.engines.splice import moved
from docparse.geometry import BBox
from docparse.qwenvl_html import read, write_block
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage
from docparse.source import open_source

SAMPLES = Path(__file__).parents[2] / "samples"
SHOWN = 0.9
"""The size at which the model sees a picture, by that of the picture."""

Fault = Callable[[str], str | Answer]
"""What becomes of the text of an answer."""

_engine = EmbeddedEngine(threads=1)


@cache
def image(name: str, number: int = 1) -> PageImage:
    """A page of a sample. The source stays open."""
    return open_source(SAMPLES / name).page(number)


@cache
def truth(name: str, number: int = 1) -> tuple[Block, ...]:
    """What stands on it, without furniture of the engine: plain blocks with boxes."""
    page = image(name, number)
    reading = read(_engine.read_page(page).html, width=page.width, height=page.height)
    plain = [replace(b, id="", confidence=None, origin="", agreement=None) for b in reading.blocks]
    return tuple(b for b in plain if b.bbox is not None)


@dataclass
class Player:
    """``faults``: what goes wrong with the first answer, the second, and so on; None is nothing."""

    blocks: Sequence[Block]
    faults: Sequence[Fault | Exception | None] = ()

    def __post_init__(self) -> None:
        self.asks: list[Ask] = []

    def answer(self, ask: Ask) -> Answer:
        number = len(self.asks)
        self.asks.append(ask)
        fault = self.faults[number] if number < len(self.faults) else None
        size = seen(ask)
        if isinstance(fault, Exception):
            return Answer("", *size, "error", error=str(fault))
        text = markup(self.blocks, ask)
        changed = text if fault is None else fault(text)
        if isinstance(changed, Answer):
            return replace(changed, width=size[0], height=size[1])
        return Answer(changed, *size)


def seen(ask: Ask) -> tuple[int, int]:
    """The size of the picture as the model sees it: whole cells of 28 pixels."""
    width, height = ask.picture.size
    return max(28, round(width * SHOWN / 28) * 28), max(28, round(height * SHOWN / 28) * 28)


def markup(blocks: Sequence[Block], ask: Ask) -> str:
    """QwenVL HTML of what the picture shows, in pixels of what the model sees."""
    region = ask.region or BBox(0, 0, *ask.picture.size)
    shown = [b for b in blocks if b.bbox is not None and _inside(b.bbox.center, region)]
    html = " \n ".join(write_block(block) for block in moved(shown, -region.x1, -region.y1))
    width, height = seen(ask)
    scaled = rescale(html, width / ask.picture.width, height / ask.picture.height).markup
    return f"```html\n<html><body>\n{scaled}\n</body></html>\n```"


def _inside(point: tuple[float, float], box: BBox) -> bool:
    return box.x1 <= point[0] <= box.x2 and box.y1 <= point[1] <= box.y2


def play(page: PageImage, player: Player, policy: Policy | None = None) -> tuple[Page, PageMarkup]:
    """The page as it is read with this model, and the markup it was read from."""
    reading = read_page(page, policy or Policy(), _engine.read_page)
    try:
        ask = next(reading)
        while True:
            ask = reading.send(player.answer(ask))
    except StopIteration as end:
        result: PageMarkup = end.value
        return finish_page(page, result), result


def words(blocks: Sequence[Block]) -> list[str]:
    """All words of blocks, in order."""
    return " ".join(block.text for block in blocks).split()
