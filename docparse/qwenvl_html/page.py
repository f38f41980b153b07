"""The blocks of a page as they are read, and the checks that no single block can make.

What it is: the place where a block gets its box, confidence, origin and id, shared by the readers of
HTML, Markdown and JSON. What it is not: a reader; it has never seen an element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from docparse.document import Block, Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.confidence import Confidences
from docparse.qwenvl_html.issues import IssueLog, shown

Stretch = tuple[int, int]
"""Start and end of text in the markup."""

_ID = re.compile("[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,18})?(?:[eE]-?[0-9]{1,2})?")
_INTEGER = re.compile(r"[ ]*([-+]?[0-9]{1,9})[ ]*")
_NEEDS_NO_TEXT = frozenset({"image", "chart", "table", "list", "formula", "music_sheet", "chemical_formula"})


class PageBuilder:
    """Blocks in reading order.

    ``width`` and ``height`` are the pixels of the page image; boxes are cut to them, where known.
    ``trusted``: the markup is a file that ``write`` made and not the answer of a model, so that its
    boxes, repetitions and gaps are what the document has, and no faults.
    """

    def __init__(
        self,
        log: IssueLog,
        *,
        width: int | None = None,
        height: int | None = None,
        confidences: Sequence[tuple[int, int, float]] = (),
        origin: str = "",
        trusted: bool = False,
    ) -> None:
        self.log = log
        self.blocks: list[Block] = []
        self.trusted = trusted
        self.confidences = Confidences(confidences)
        self._width = width
        self._height = height
        self._origin = origin
        self._ids: set[str] = set()

    # ----------------------------------------------------------------------------- one block

    def add(
        self,
        kind: Kind,
        at: int,
        bbox: BBox | None,
        runs: Sequence[Run] = (),
        stretches: Sequence[Stretch] = (),
        attributes: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> None:
        """Add a block whose element starts at ``at``; see ``block``."""
        block = self.block(kind, at, bbox, runs, stretches, attributes, **parts)
        if not self.trusted and self.blocks:
            self._compare(block, self.blocks[-1], at)
        self.blocks.append(block)

    def block(
        self,
        kind: Kind,
        at: int,
        bbox: BBox | None,
        runs: Sequence[Run] = (),
        stretches: Sequence[Stretch] = (),
        attributes: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> Block:
        """A block. ``stretches``: where its text is; ``parts``: what else a ``Block`` takes."""
        said = self.said(attributes, at) if attributes else {}
        if "confidence" not in said and self.confidences:
            said["confidence"] = self.confidences.of(stretches)
        if not said.get("origin"):
            said["origin"] = self._origin
        block = Block(kind, bbox, tuple(runs), **said, **parts)
        if not self.trusted:
            if bbox is None and kind != "list_item":
                self.log.add("box-missing", f"a {kind} without a box", at)
            if not block.runs and kind not in _NEEDS_NO_TEXT:
                self.log.add("empty-block", f"a {kind} without text", at)
        return block

    def said(self, attributes: Mapping[str, str], at: int) -> dict[str, Any]:
        """What the attributes of an element say about its block: confidence, agreement, origin, id."""
        said: dict[str, Any] = {}
        for key in ("confidence", "agreement"):
            if (text := attributes.get(f"data-{key}")) is not None:
                if _NUMBER.fullmatch(text) and float(text) <= 1:
                    said[key] = float(text)
                else:
                    self.log.add("value-malformed", f"data-{key}={shown(text)!r} is not between 0 and 1", at)
        if "data-origin" in attributes:
            said["origin"] = attributes["data-origin"]
        if (name := attributes.get("id")) is not None:
            if not _ID.fullmatch(name):
                self.log.add("value-malformed", f"{shown(name)!r} is no id", at)
            elif name in self._ids:
                self.log.add("id-repeated", f"{name!r} is the id of two elements", at)
            else:
                self._ids.add(name)
                said["id"] = name
        return said

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
        width, height = self._width, self._height
        beyond = bbox.x1 < 0 or bbox.y1 < 0
        if width is not None and height is not None:
            beyond = beyond or bbox.x2 > width or bbox.y2 > height
        if beyond:
            page = f" of {width} x {height}" if width is not None and height is not None else ""
            self.log.add("box-outside-page", f"{shown(text)!r} reaches beyond the page{page}", at)
            bbox = bbox.clamped(bbox.x2 if width is None else width, bbox.y2 if height is None else height)
        if bbox.area == 0:
            self.log.add("box-empty", f"{shown(text)!r} has no area", at)
        return bbox

    # ---------------------------------------------------------------------- block after block

    def _compare(self, block: Block, before: Block, at: int) -> None:
        if block.bbox is None or block.bbox != before.bbox:
            return
        if (block.kind, block.text) == (before.kind, before.text):
            self.log.add("duplicate-block", f"a {block.kind} is there twice: {shown(block.text)!r}", at)
        else:
            self.log.add("box-repeated", f"a {block.kind} has the box of the {before.kind} before it", at)
