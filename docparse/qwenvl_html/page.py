"""The blocks of a page as they are read, and the checks that no single block can make.

What it is: the place where a block gets its box, confidence, origin and id, shared by the readers of
HTML, Markdown and JSON. What it is not: a reader; it has never seen an element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from docparse.document import Block, Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.confidence import Confidences
from docparse.qwenvl_html.grammar import ID
from docparse.qwenvl_html.issues import IssueLog, shown

Stretch = tuple[int, int]
"""Start and end of text in the markup."""

Piece = tuple[str, int, int]
"""What some characters stand for, and their start and end."""

_NOTHING_SAID: Mapping[str, str] = MappingProxyType({})
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,18})?(?:[eE]-?[0-9]{1,2})?")
_INTEGER = re.compile(r" *([-+]?[0-9]{1,18}) *")
_SAME = 0.9  # intersection over union
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_NEEDS_NO_TEXT = frozenset({"image", "chart", "table", "list", "formula", "music_sheet", "chemical_formula"})


class PageBuilder:
    """Blocks in reading order.

    ``size`` is the width and height of the page image; boxes are cut to it, where it is known.
    ``trusted``: the markup is a file that ``write`` made and not the answer of a model, so that its
    boxes, repetitions and gaps are what the document has, and no faults.
    """

    def __init__(
        self,
        log: IssueLog,
        *,
        size: tuple[int, int] | None = None,
        confidences: Sequence[tuple[int, int, float]] = (),
        origin: str = "",
        trusted: bool = False,
    ) -> None:
        self.log = log
        self.blocks: list[Block] = []
        self.trusted = trusted
        self.confidences = Confidences(confidences)
        self.expects_boxes = True  # Markdown has none, and that is said once
        self.missing_cells = 0  # empty cells added to ragged tables so far
        self.size = size
        self.origin = origin
        self._ids: set[str] = set()
        self._seen: set[tuple[BBox, Kind, str]] = set()

    # ----------------------------------------------------------------------------- one block

    def add(
        self,
        kind: Kind,
        span: Stretch,
        bbox: BBox | None,
        runs: Iterable[Run] = (),
        stretches: Sequence[Stretch] = (),
        attributes: Mapping[str, str] = _NOTHING_SAID,
        *,
        expect_box: bool = True,
        **parts: Any,
    ) -> None:
        """Add a block; see ``block``."""
        self.put(self.block(kind, span, bbox, runs, stretches, attributes, expect_box=expect_box, **parts), span[0])

    def put(self, block: Block, at: int) -> None:
        """Add ``block``, whose element starts ``at``."""
        if not self.trusted and block.bbox is not None:
            self._compare(block, block.bbox, at)
        self.blocks.append(block)

    def block(
        self,
        kind: Kind,
        span: Stretch,
        bbox: BBox | None,
        runs: Iterable[Run] = (),
        stretches: Sequence[Stretch] = (),
        attributes: Mapping[str, str] = _NOTHING_SAID,
        *,
        expect_box: bool = True,
        **parts: Any,
    ) -> Block:
        """A block. ``span``: where its element is; ``stretches``: where its text is; ``parts``: what else
        a ``Block`` takes.
        """
        at = span[0]
        said = self.said(attributes, at) if attributes else {}
        said.setdefault("confidence", self.confidence(span, stretches))
        said["origin"] = said.get("origin") or self.origin
        if kind == "formula" and not self.trusted and parts.get("notation") != "text":
            runs = (Run(undelimited("".join(run.text for run in runs))),)
        block = Block(kind, bbox, tuple(runs), **said, **parts)
        if not self.trusted:
            if bbox is None and expect_box and self.expects_boxes and boxes.attribute(attributes) is None:
                self.log.add("box-missing", f"a {kind} without a box", at)
            if not block.runs and kind not in _NEEDS_NO_TEXT:
                self.log.add("empty-block", f"a {kind} without text", at)
        return block

    def confidence(self, span: Stretch, stretches: Sequence[Stretch]) -> float | None:
        """How sure the model was of the text at ``stretches``; of the element at ``span`` if it has none."""
        return self.confidences.of(stretches or [span]) if self.confidences else None

    def said(self, attributes: Mapping[str, str], at: int) -> dict[str, Any]:
        """What the attributes of an element say about its block: confidence, agreement, origin, id."""
        said: dict[str, Any] = {}
        for key in ("confidence", "agreement"):
            if (value := self.probability(attributes, f"data-{key}", at)) is not None:
                said[key] = value
        if "data-origin" in attributes:
            said["origin"] = attributes["data-origin"]
        if (name := attributes.get("id")) is not None:
            if not ID.fullmatch(name):
                self.log.add("value-malformed", f"{shown(name)!r} is no id", at)
            elif name in self._ids:
                self.log.add("id-repeated", f"{name!r} is the id of two elements", at)
            else:
                self._ids.add(name)
                said["id"] = name
        return said

    def probability(self, attributes: Mapping[str, str], key: str, at: int) -> float | None:
        """The number between 0 and 1 that attribute ``key`` gives, None if it gives none."""
        if (text := attributes.get(key)) is None:
            return None
        if _NUMBER.fullmatch(text) and float(text) <= 1:
            return float(text)
        self.log.add("value-malformed", f"{key}={shown(text)!r} is not between 0 and 1", at)
        return None

    def integer(self, attributes: Mapping[str, str], key: str, at: int) -> int | None:
        """The whole number that attribute ``key`` gives, None if it gives none."""
        if (text := attributes.get(key)) is None:
            return None
        if match := _INTEGER.fullmatch(text):
            return int(match[1])
        self.log.add("value-malformed", f"{key}={shown(text)!r} is not a whole number", at)
        return None

    # -------------------------------------------------------------------------------- boxes

    def box(self, attributes: Mapping[str, str], at: int) -> BBox | None:
        """The box that ``attributes`` give, whatever its form; None for none."""
        name = boxes.attribute(attributes)
        if name is None:
            return None
        if name != "data-bbox":
            self.log.add("box-format", f"{name} instead of data-bbox", at)
        return self.checked(boxes.parse(attributes[name], polygon=name == "data-polygon"), attributes[name], at)

    def checked(self, box: boxes.Box, text: str, at: int) -> BBox | None:
        """``box``, which was written as ``text``, with its faults noted and cut to the page."""
        for code, message in box.faults:
            self.log.add(code, f"{shown(text)!r}: {message}", at)
        bbox = box.bbox
        if bbox is None or self.trusted:
            return bbox
        bbox = bbox.rounded()
        width, height = self.size or (max(bbox.x2, 0), max(bbox.y2, 0))
        if bbox.x1 < 0 or bbox.y1 < 0 or bbox.x2 > width or bbox.y2 > height:
            page = f" of {width} x {height}" if self.size else ""
            self.log.add("box-outside-page", f"{shown(text)!r} reaches beyond the page{page}", at)
            bbox = bbox.clamped(width, height)
        if bbox.area == 0:
            self.log.add("box-empty", f"{shown(text)!r} has no area", at)
        return bbox

    # ---------------------------------------------------------------------- block after block

    def _compare(self, block: Block, bbox: BBox, at: int) -> None:
        """Whether the block was there before: anywhere in its very place, or just before it and a pixel off."""
        said, before = (block.kind, block.text), self.blocks[-1] if self.blocks else None
        near = before and before.bbox and (before.kind, before.text) == said and same_place(bbox, before.bbox)
        if near or (bbox, *said) in self._seen:
            self.log.add("duplicate-block", f"a {block.kind} is there twice: {shown(block.text)!r}", at)
        elif before and bbox == before.bbox:
            self.log.add("box-repeated", f"a {block.kind} has the box of the {before.kind} before it", at)
        self._seen.add((bbox, *said))


def same_place(box: BBox, other: BBox) -> bool:
    """Whether two boxes are one, give or take a pixel. A box without area is only itself."""
    return box == other or box.iou(other) > _SAME


def undelimited(text: str) -> str:
    """``text`` without the marks that say where LaTeX begins and ends; that it is a formula is said already."""
    text = text.strip(" \t\n\r\f")
    for opening, closing in _DELIMITERS:
        inside = text[len(opening) : -len(closing)]
        alone = bool(inside) and opening not in inside and closing not in inside
        if alone and text.startswith(opening) and text.endswith(closing):
            return undelimited(inside)  # no deeper than there are kinds of delimiters: each is gone from the inside
    return text
