"""Which elements and cells of a reading are right, by lines or blocks of text that people typed, with their boxes.

An element is compared with the truth that stands in its box:

    whole   truth boxes with at least ``MOST`` of their area in it, joined: all of it must be said. Their order is the
            one that fits best: a confidence is about letters, nobody's order of lines shows in it
    part    it stands with at least ``MOST`` of its area in one truth box that other elements share: its text must be
            found there. In a line (that of a receipt which became two cells) about where the boxes put it; in a block
            of lines anywhere, where it has ``ENOUGH`` characters: fewer are found in any text
    none    no truth box touches it, or some are cut in two by its box: nobody says what is right, and it is left out

Letters are compared after NFKC, without case, white space, and the difference between kinds of quotes and dashes.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from docparse.document import Block, Cell
from docparse.geometry import BBox

MOST, TOUCHED = 0.6, 0.25
"""Share of a box inside of another that makes it belong there, and that is more than two lines standing close."""
RIGHT = 0.02
"""Share of wrong characters up to which a text counts as right: none in a text of less than fifty."""
SLACK = 3
"""Characters by which a part of a line may stand elsewhere than its box says, beside a tenth of the line."""
ENOUGH = 10
PERMUTED = 4
"""Truth boxes of one element whose every order is tried: 24 of them."""
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_ALIKE = str.maketrans({"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "−": "-"})


@dataclass(frozen=True, slots=True)
class Truth:
    """What stands in ``box``."""

    box: BBox
    text: str


@dataclass(frozen=True, slots=True)
class TruePage:
    """What was typed of a page of ``width`` x ``height``, in whatever unit."""

    width: float
    height: float
    texts: tuple[Truth, ...]

    def scaled(self, width: int, height: int) -> list[Truth]:
        """In pixels of a page image of that size. Some files have width and height the wrong way round."""
        own = (self.width, self.height)
        if (own[0] > own[1]) != (width > height):
            own = own[::-1]
        return [Truth(t.box.scaled(width / own[0], height / own[1]), t.text) for t in self.texts]


@dataclass(frozen=True, slots=True)
class Judged:
    """One element or cell with known truth.

    what    ``cell`` or ``element``
    raw     its confidence, as the engine says it
    errors  share of its characters that are wrong, 0 to 1: edits over the longer of both texts
    length  its characters
    """

    file: str
    what: str
    raw: float
    errors: float
    length: int

    @property
    def right(self) -> bool:
        return self.errors <= RIGHT


def documents(data: Path, *, pictures_only: bool) -> list[tuple[Path, list[TruePage]]]:
    """The files of which people typed the text, with boxes; page by page."""
    found: list[tuple[Path, list[TruePage]]] = []
    for path in sorted((data / "receipts").glob("*.lines.json")):
        told = json.loads(path.read_text("utf-8"))
        found.append((path.parent / told["file"], [_page(told, told["lines"])]))
    for path in sorted((data / "pages").glob("*.gt.json")):
        told = json.loads(path.read_text("utf-8"))
        pages = [_page(page, page["blocks"]) for page in told["pages"]]
        if told["quality"].startswith("human") and any(page.texts for page in pages):
            found.append((path.parent / told["file"], pages))
    return [one for one in found if one[0].suffix.lower() in PICTURES or not pictures_only]


def _page(told: dict[str, Any], parts: list[dict[str, Any]]) -> TruePage:
    texts = [Truth(BBox.of(*part["bbox"]), part["text"]) for part in parts if part.get("text") and part.get("bbox")]
    return TruePage(told["width"], told["height"], tuple(texts))


def judge(file: str, blocks: Iterable[Block], truth: Sequence[Truth], origin: str) -> tuple[list[Judged], int]:
    """The elements of ``origin`` that have a confidence and a known truth; and how many have no known one."""
    judged, unknown = [], 0
    for what, text, box, raw in _units(blocks, origin):
        errors = _errors(text, box, truth)
        if errors is None:
            unknown += 1
        else:
            judged.append(Judged(file, what, raw, errors, len(text)))
    return judged, unknown


def said(blocks: Iterable[Block], origin: str) -> list[tuple[float, int]]:
    """Confidence and length of all that ``origin`` read, whether anybody knows what is right or not."""
    return [(raw, len(text)) for _, text, _, raw in _units(blocks, origin)]


def _units(blocks: Iterable[Block], origin: str) -> Iterator[tuple[str, str, BBox | None, float]]:
    """Whatever has a text and no smaller parts: cells, items, other elements; as letters to compare."""
    for block in blocks:
        if block.items:
            yield from _units(block.items, origin)
        elif block.origin == origin:
            parts: list[tuple[str, Cell | Block]] = [("cell", cell) for cell in block.cells] or [("element", block)]
            for what, part in parts:
                text = letters(part.text)
                if text and part.confidence is not None:
                    yield what, text, part.bbox, part.confidence


def letters(text: str) -> str:
    """``text`` as it is compared."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE).split())


def _errors(text: str, box: BBox | None, truth: Sequence[Truth]) -> float | None:
    if box is None or box.area <= 0:
        return None
    touched = [(t, box.overlap(t.box) / max(t.box.area, 1.0)) for t in truth if box.overlap(t.box) > 0]
    whole = [t for t, share in touched if share >= MOST]
    cut = [t for t, share in touched if TOUCHED < share < MOST]
    if whole and not cut:
        orders = permutations(whole) if len(whole) <= PERMUTED else (whole, _by_rows(whole))
        return min(_distance(text, "".join(letters(t.text) for t in order)) for order in orders)
    around = [t for t, _ in touched if box.overlap(t.box) >= MOST * box.area]
    if whole or len(around) != 1 or len(cut) > 1:
        return None
    return _errors_in_part(text, box, around[0])


def _distance(a: str, b: str) -> float:
    return Levenshtein.distance(a, b) / max(len(a), len(b), 1)


def _by_rows(found: list[Truth]) -> list[Truth]:
    rows: list[list[Truth]] = []
    for t in sorted(found, key=lambda t: t.box.center[1]):
        if rows and t.box.center[1] < rows[-1][0].box.y2 - 0.3 * rows[-1][0].box.height:
            rows[-1].append(t)
        else:
            rows.append([t])
    return [t for row in rows for t in sorted(row, key=lambda t: t.box.x1)]


def _errors_in_part(text: str, box: BBox, around: Truth) -> float | None:
    """Edits that turn ``text`` into the best stretch of what stands around it."""
    said = letters(around.text)
    if around.box.height > 2 * box.height:
        if len(text) < ENOUGH:
            return None
    else:
        slack = SLACK + 0.1 * len(said)
        start = (box.x1 - around.box.x1) / around.box.width * len(said) - slack
        end = (box.x2 - around.box.x1) / around.box.width * len(said) + slack
        said = said[max(round(start), 0) : max(round(end), 0)]
    return min(_edits_inside(text, said) / len(text), 1.0)


def _edits_inside(text: str, around: str) -> int:
    """Semi-global alignment (Sellers 1980): what stands before and after in ``around`` costs nothing."""
    row = [0] * (len(around) + 1)
    for i, char in enumerate(text, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(around, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (char != other))
    return min(row)
