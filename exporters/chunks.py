"""Chunks for retrieval: pieces of text of bounded size, with their headings and their places.

One JSON object a line. A chunk ends where a heading begins, and where the next block would make it
too long; a block that is too long by itself is split between sentences, lines of code or rows of
a table, whose header rows are then repeated. Nothing else is said twice, and nothing is left out
but headers, footers and page numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docparse.document import Document
from docparse.exporters.pieces import Piece, groups
from docparse.exporters.registry import Job, Part, register
from docparse.geometry import BBox

_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]")


@dataclass(slots=True)
class _Chunk:
    """``body`` counts the characters below the headings; a chunk of headings only is never full."""

    path: list[str]
    pieces: list[Piece] = field(default_factory=list)
    body: int = 0

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        if piece.block.kind != "heading":
            self.body += len(piece.joint if self.body else piece.head) + len(piece.text)

    @property
    def text(self) -> str:
        parts: list[str] = []
        for piece in self.pieces:
            if piece.text:
                parts += [piece.joint if parts else piece.head, piece.text]
        return "".join(parts)


@register(
    "chunks",
    suffix=".chunks.jsonl",
    media_type="application/jsonl",
    description="pieces of text for retrieval, each with its headings, pages and places",
)
def chunks(job: Job) -> Iterator[Part]:
    lines = (
        json.dumps({"id": f"{job.stem}-{number:04d}", **_said(chunk)}, ensure_ascii=False)
        for number, chunk in enumerate(_chunked(job.document, job.options.chunk_size, job.options.furniture), 1)
    )
    yield job.main("".join(f"{line}\n" for line in lines))


def _said(chunk: _Chunk) -> dict[str, Any]:
    text = chunk.text
    boxes: dict[tuple[int, str], list[BBox | None]] = {}
    for piece in chunk.pieces:
        boxes.setdefault((piece.page.number, piece.block.id), []).append(piece.bbox)
    return {
        "text": text,
        "heading_path": chunk.path,
        "pages": sorted({piece.page.number for piece in chunk.pieces}),
        "boxes": [{"page": page, "bbox": _around(found), "block": block} for (page, block), found in boxes.items()],
        "kinds": list(dict.fromkeys(piece.block.kind for piece in chunk.pieces)),
        "tokens_estimate": tokens_estimate(text),
    }


def tokens_estimate(text: str) -> int:
    """About how many tokens a language model makes of ``text``: one for each wide character (Chinese,
    Japanese, Korean), one for four of any other."""
    wide = len(_WIDE.findall(text))
    return wide + (len(text) - wide + 3) // 4


def _around(boxes: list[BBox | None]) -> list[float] | None:
    known = [box for box in boxes if box is not None]
    return list(BBox.around(known).as_tuple()) if known else None


def _chunked(document: Document, size: int, furniture: bool) -> Iterator[_Chunk]:
    path: list[tuple[int, str]] = []
    chunk = _Chunk([])
    for group in groups(document, size, furniture=furniture):
        first = group[0].block
        if first.kind == "heading":
            if chunk.body:
                yield chunk
                chunk = _Chunk([])
            path = [
                *((level, text) for level, text in path if level < first.level),
                (first.level, " ".join(first.text.split())),
            ]
            chunk.path = [text for _, text in path]
        elif chunk.body and chunk.body + sum(len(piece.joint) + len(piece.text) for piece in group) > size:
            yield chunk
            chunk = _Chunk(chunk.path)
        for piece in group:
            if chunk.body and chunk.body + len(piece.joint) + len(piece.text) > size:
                yield chunk
                chunk = _Chunk(chunk.path)
            chunk.add(piece)
    if chunk.pieces:
        yield chunk
