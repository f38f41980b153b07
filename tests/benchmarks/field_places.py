"""Where the words of a value stand, from a source that extraction does not use, and how well its box fits them.

The truth are characters with boxes: of a PDF those of MuPDF's raw text, of a scan the lines that people drew and
typed, their characters taken as equally wide. All in pixels of the page image, origin top left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf
from field_sets import Known
from field_truth import Judged, Kind, amounts, day, days, letters, same

from docparse.geometry import BBox

RIGHT_BOX = 0.5
"""Intersection over union from which a box is on its words."""
_NUMBERS = (
    re.compile(r"[-−–(]?\s?(?<![\d.,])\d[\d.,'’]*(?:\s?[-−–)](?=\s|$))?"),
    re.compile(r"[-−–(]?(?<![\d.,])\d{1,3}(?:[  ]\d{3})+(?:[.,]\d+)?"),
)
_DATE = re.compile(r"(?<!\d)\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}(?!\d)")
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "MYR": "RM"}


@dataclass(frozen=True, slots=True)
class Line:
    """``boxes``: one for each character of ``text``."""

    text: str
    boxes: tuple[BBox, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """How the box of a right value lies.

    found  whether the value's words were found on the page at all
    iou    of its box with that of the words, where they stand nearest to it
    reads  whether what stands in the box, and nothing more, is the value
    """

    judged: Judged
    found: bool
    iou: float
    reads: bool


def printed_text(document: Known) -> str:
    """What stands on the pages, by the source that extraction does not use."""
    told = document.lines()
    if told is not None:
        return "\n".join(line["text"] for line in told["lines"])
    with pymupdf.open(document.path) as pages:
        return "\n".join(page.get_text() for page in pages)


def of_pdf(path: Path, number: int, width: float, height: float) -> list[Line]:
    """The lines of page ``number`` of a PDF, on a page image of ``width`` by ``height``."""
    with pymupdf.open(path) as document:
        page = document[number - 1]
        turn, sx, sy = page.rotation_matrix, width / page.rect.width, height / page.rect.height
        lines = []
        for block in page.get_text("rawdict")["blocks"]:
            for line in block.get("lines", ()):
                chars = [char for span in line["spans"] for char in span["chars"]]
                boxes = [pymupdf.Rect(char["bbox"]) * turn for char in chars]
                text = "".join(char["c"] for char in chars)
                lines.append(Line(text, tuple(BBox.of(b.x0, b.y0, b.x1, b.y1).scaled(sx, sy) for b in boxes)))
    return lines


def of_lines(told: Mapping[str, Any], width: float, height: float) -> list[Line]:
    """The typed lines of a scan, from the top."""
    found = []
    for line in told["lines"]:
        box = BBox.of(*line["bbox"]).scaled(width / told["width"], height / told["height"])
        step = box.width / max(len(line["text"]), 1)
        boxes = (BBox(box.x1 + i * step, box.y1, box.x1 + (i + 1) * step, box.y2) for i in range(len(line["text"])))
        found.append(Line(line["text"], tuple(boxes)))
    return sorted(found, key=lambda line: line.boxes[0].y1 if line.boxes else 0.0)


def places(lines: Sequence[Line], kind: Kind, value: str, printed: str) -> list[BBox]:
    """Where ``value`` stands in any of its printed forms; where it does not, where the text ``printed`` does."""
    if kind == "amount":
        found = [_box(line, *at) for line in lines for at in _numbers(line.text) if same("amount", at[2], value)]
    elif kind == "date":
        wanted = day(value)
        spans = ((line, match) for line in lines for match in _DATE.finditer(line.text))
        found = [_box(line, *match.span()) for line, match in spans if wanted in days(match[0])]
    elif kind == "currency":
        forms = {value, _SIGNS.get(value, value), printed}
        found = [box for form in forms for box in _literally(lines, form)]
    else:
        found = list(_letters(lines, letters(value)))
    return found or list(_letters(lines, letters(printed)) if letters(printed) else _literally(lines, printed))


def _numbers(text: str) -> Iterator[tuple[int, int, str]]:
    for pattern in _NUMBERS:
        for match in pattern.finditer(text):
            cut = match[0].rstrip(" .,'’")
            start = match.start() + len(cut) - len(cut.lstrip())
            yield start, match.start() + len(cut), cut


def _box(line: Line, start: int, end: int, *_: str) -> BBox:
    return BBox.around(line.boxes[start:end])


def _literally(lines: Sequence[Line], form: str) -> Iterator[BBox]:
    if form.strip():
        for line in lines:
            for match in re.finditer(re.escape(form.strip()), line.text, re.IGNORECASE):
                yield _box(line, *match.span())


def _letters(lines: Sequence[Line], wanted: str) -> Iterator[BBox]:
    """Where these letters follow each other, over the ends of lines too, but not in the midst of a word."""
    stream: list[tuple[str, BBox, bool]] = []  # a letter, its box, whether a word begins with it
    for line in lines:
        begins = True
        for char, box in zip(line.text, line.boxes, strict=True):
            plain = [c for c in unicodedata.normalize("NFKC", char).casefold() if c.isalnum()]
            stream += [(c, box, begins and i == 0) for i, c in enumerate(plain)]
            begins = not plain
    text = "".join(c for c, _, _ in stream)
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        if stream[at][2] and (end == len(stream) or stream[end][2]):
            yield BBox.around(box for _, box, _ in stream[at:end])
        at = text.find(wanted, at + 1)


def inside(lines: Sequence[Line], box: BBox, *, words: bool) -> str:
    """The text in ``box``: characters with their centre in it; with ``words``, whole words."""
    found = []
    for line in lines:
        if words:
            spans = [match.span() for match in re.finditer(r"\S+", line.text)]
            own = [line.text[a:b] for a, b in spans if box.contains(*_box(line, a, b).center)]
            found += own
        else:
            pairs = zip(line.text, line.boxes, strict=True)
            found.append("".join(char if box.contains(*at.center) else " " for char, at in pairs))
    return " ".join(" ".join(found).split())


def reads_as(kind: Kind, text: str, value: str, printed: str) -> bool:
    """Whether ``text`` is ``value`` and nothing else. ``printed`` stands for dates in words and for descriptions."""
    if kind == "amount":
        return any(same("amount", reading, value) for reading in map(str, amounts(text)))
    if kind == "date":
        return day(value) in days(text) or (letters(text) != "" and letters(text) == letters(printed))
    if kind == "currency":
        return text.strip(" .:()").casefold() in {form.casefold() for form in (value, _SIGNS.get(value, ""), printed)}
    return letters(text) in (letters(value), letters(printed))


def place(judged: Judged, sizes: Mapping[int, tuple[float, float]]) -> Place | None:
    """How the box of a right value lies; None where it has none, or shows what the value was worked out from.

    ``sizes``: of the page images, by number.
    """
    if judged.outcome != "right" or not judged.evidence or judged.evidence.get("bbox") is None:
        return None
    if judged.evidence.get("source") == "derived":
        return None
    number, box = judged.evidence["page"], BBox.of(*judged.evidence["bbox"])
    told = judged.document.lines()
    lines = of_pdf(judged.document.path, number, *sizes[number]) if told is None else of_lines(told, *sizes[number])
    printed = str(judged.evidence["text"])
    # A description is right where it is alike: then only what was taken can be found again.
    value = printed if judged.kind == "description" else str(judged.true)
    found = places(lines, judged.kind, value, printed)
    reads = reads_as(judged.kind, inside(lines, box, words=told is not None), value, printed)
    return Place(judged, bool(found), max((box.iou(other) for other in found), default=0.0), reads)
