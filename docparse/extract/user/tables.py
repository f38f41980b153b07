"""Lists: of objects from tables whose heads are called as the properties, of plain values from columns,
bullets under a heading, or what follows a label with commas.

What this file is not: reading of tables. Rows and cells are those of the page's elements; where a table
was not seen as one, rows that line up under a row of heads are taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docparse.document import Block
from docparse.extract.page_text import DocumentText, PageText, Segment, Span, TextWord
from docparse.extract.user.labels import Name
from docparse.extract.user.names import Ideas, best, folded, ideas
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import Manners, Reading, read

LEAST = 0.6
HEAD_ROWS = 3
"""Rows of a table in which its heads are looked for."""
MOST_ROWS = 5000
LINE_GAP = 3.0
"""Letter heights between two rows above which the second is no row of the table."""
_SUM = frozenset({"total", "amount", "subtotal", "carried", "ubertrag", "summe", "zwischensumme"})


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A table as rows of cells; an empty cell is None. ``head``: how many of the rows are marked as heads."""

    page: int
    rows: tuple[tuple[Span | None, ...], ...]
    head: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a list, or one property of its objects."""

    value: Any
    span: Span
    sure: float


Record = dict[str, Item]


def grids(page: PageText) -> Iterator[Grid]:
    """The tables of a page, by its elements."""
    words: dict[tuple[str, int, int], list[TextWord]] = {}
    for row in page.rows:
        for word in row.words:
            if word.block is not None and word.cell is not None:
                words.setdefault((word.block, *word.cell), []).append(word)
    for block in page.blocks.values():
        if block.kind == "table" and block.cells:
            yield _grid(page, block, words)


def _grid(page: PageText, block: Block, words: Mapping[tuple[str, int, int], list[TextWord]]) -> Grid:
    rows: list[list[Span | None]] = [[None] * block.num_cols for _ in range(block.num_rows)]
    for cell in block.cells:
        held = words.get((block.id, cell.row, cell.col))
        if not held:
            continue
        span = Span(page.number, tuple(held), " ".join(w.text for w in held))
        for col in range(cell.col, min(cell.col + cell.colspan, block.num_cols)):
            rows[cell.row][col] = span
    head = 0
    for at in range(block.num_rows):
        if not any(c.header for c in block.cells if c.row == at):
            break
        head = at + 1
    return Grid(page.number, tuple(tuple(row) for row in rows), head)


def loose_grids(page: PageText, names: Sequence[Name]) -> Iterator[Grid]:
    """Rows that line up under a row of heads which fits the properties, where no table was seen."""
    rows = page.rows
    for at, row in enumerate(rows):
        heads = [s for s in row.segments if s.cell is None]
        if len(heads) < 2 or len(heads) != len(row.segments):
            continue
        fitting = sum(any(best(ideas(s.text), n.phrases, ocr=page.ocr) >= LEAST for n in names) for s in heads)
        if fitting < 2 or 2 * fitting < min(len(names), len(heads)):
            continue
        found: list[tuple[Span | None, ...]] = [tuple(_spanned([s]) for s in heads)]
        bottom = row.box.y2
        for below in rows[at + 1 :]:
            size = max(s.size for s in below.segments)
            if below.box.y1 - bottom > LINE_GAP * size:
                break
            placed = _placed(below.segments, heads)
            if placed is None:
                break
            found.append(placed)
            bottom = below.box.y2
        if len(found) > 1:
            yield Grid(page.number, tuple(found), 1)


def _spanned(segments: Sequence[Segment]) -> Span | None:
    words = tuple(w for s in segments for w in s.words)
    return Span(segments[0].page if segments else 0, words, " ".join(w.text for w in words)) if words else None


def _placed(segments: Sequence[Segment], heads: Sequence[Segment]) -> tuple[Span | None, ...] | None:
    """The segments of a row under the heads that they overlap most, or stand nearest to; None for a line of text."""
    held: list[list[Segment]] = [[] for _ in heads]
    for segment in segments:
        over = [min(segment.box.x2, h.box.x2) - max(segment.box.x1, h.box.x1) for h in heads]
        at = max(range(len(heads)), key=over.__getitem__)
        if sum(o > 0.5 * segment.size for o in over) > 1:
            return None
        if over[at] < -4 * segment.size:
            return None
        held[at].append(segment)
    if sum(bool(h) for h in held) < 2:
        return None
    return tuple(_spanned(h) for h in held)


def columns(grid: Grid, names: Sequence[Name], *, ocr: bool) -> tuple[int, dict[int, Name], float] | None:
    """The row of heads, which column is which property, and how well they fit; None where they do not."""
    found: tuple[int, dict[int, Name], float] | None = None
    for at, row in enumerate(grid.rows[: max(HEAD_ROWS, grid.head)]):
        abouts = [_about(span) for span in row]
        pairs = sorted(
            (
                (best(about, name.phrases, ocr=ocr), -col, name)
                for col, about in enumerate(abouts)
                if about
                for name in names
            ),
            key=lambda p: (-p[0], -p[1]),
        )
        taken: dict[int, Name] = {}
        score = 0.0
        for like, minus, name in pairs:
            if like < LEAST or -minus in taken or any(n is name for n in taken.values()):
                continue
            taken[-minus] = name
            score += like
        needed = 1 if len(names) == 1 else 2
        if len(taken) >= needed and score >= 0.45 * len(names) and (found is None or score > found[2] * len(names)):
            found = at, taken, score / len(names)
    return found


def _about(span: Span | None) -> Ideas:
    return ideas(span.text) if span is not None else frozenset()


def records(text: DocumentText, names: Sequence[Name], manners: Manners) -> tuple[list[Record], float]:
    """The rows of the table that fits the properties best, over pages, and how well it fits."""
    candidates: list[tuple[float, list[Record]]] = []
    going: tuple[int, dict[int, Name], list[Record]] | None = None
    for page in text.pages:
        held = list(grids(page))
        fits = [(grid, columns(grid, names, ocr=page.ocr)) for grid in held]
        trust = 1.0
        if not any(fit for _, fit in fits) and (going is None or not held):
            fits, trust = [(g, columns(g, names, ocr=page.ocr)) for g in loose_grids(page, names)][:1], 0.85
        for grid, fit in fits:
            width = len(grid.rows[0]) if grid.rows else 0
            if fit is not None:
                at, by_column, score = fit
                rows = list(_rows(grid, at + 1, by_column, manners))
                if going is not None and going[0] == width and _names(going[1]) == _names(by_column):
                    going[2].extend(rows)
                else:
                    candidates.append((trust * score, rows))
                    going = width, by_column, rows
            elif going is not None and going[0] == width and held and grid is held[0]:
                # The table goes on at the top of the next page, without its heads.
                going[2].extend(_rows(grid, grid.head, going[1], manners))
    candidates = [c for c in candidates if c[1]]
    if not candidates:
        return [], 0.0
    score, rows = max(candidates, key=lambda c: (round(c[0], 2), len(c[1])))
    return rows[:MOST_ROWS], score


def _names(by_column: Mapping[int, Name]) -> dict[int, str]:
    return {col: name.field.path for col, name in by_column.items()}


def _rows(grid: Grid, start: int, by_column: Mapping[int, Name], manners: Manners) -> Iterator[Record]:
    for row in grid.rows[start:]:
        record: Record = {}
        printed = 0
        for col, name in by_column.items():
            span = row[col] if col < len(row) else None
            if span is None:
                continue
            printed += 1
            reading = read(name.field, span.text, manners)
            if reading is not None:
                record[name.field.path] = Item(reading.value, part(span, reading), reading.sure)
        if not record or _is_sum(row) or 2 * len(record) < printed:
            continue
        yield record


def _is_sum(row: Sequence[Span | None]) -> bool:
    first = next((span for span in row if span is not None), None)
    if first is None:
        return True
    about = ideas(first.text) | {folded(first.words[0].text).strip(":")}
    filled = sum(span is not None for span in row)
    return bool(about & _SUM) and len(first.words) <= 4 and 2 * filled <= len(row) + 1


def part(span: Span, reading: Reading) -> Span:
    """The words of a span that a reading was made from; the whole where its text was joined over lines."""
    text = " ".join(word.text for word in span.words)
    if text != span.text.replace("\n", " "):
        return span
    words: list[TextWord] = []
    at = 0
    for word in span.words:
        end = at + len(word.text)
        if at < reading.end and reading.start < end:
            a, b = max(reading.start - at, 0), min(reading.end - at, len(word.text))
            if (a, b) == (0, len(word.text)):
                words.append(word)
            else:
                step = word.box.width / max(len(word.text), 1)
                box = type(word.box)(word.box.x1 + a * step, word.box.y1, word.box.x1 + b * step, word.box.y2)
                words.append(
                    TextWord(word.text[a:b], box, word.size, word.bold, word.confidence, word.block, word.cell)
                )
        at = end + 1
    return Span(span.page, tuple(words), span.text[reading.start : reading.end]) if words else span


def values(text: DocumentText, name: Name, item: Wanted, manners: Manners) -> list[Item]:
    """A list of plain values: a column, or the bullets under a heading, or a repeated label's."""
    for page in text.pages:
        for grid in grids(page):
            fit = columns(grid, [name], ocr=page.ocr)
            if fit is None or fit[2] < 0.8:
                continue
            column = next(iter(fit[1]))
            found = []
            for row in grid.rows[fit[0] + 1 :]:
                span = row[column]
                reading = read(item, span.text, manners) if span is not None else None
                if span is not None and reading is not None and not _is_sum(row):
                    found.append(Item(reading.value, part(span, reading), 0.9 * reading.sure))
            if found:
                return found
    return list(_bullets(text, name, item, manners))


_BULLET = re.compile(r"^(?:[•·▪●◦‣*–—-]|\(?[0-9]{1,2}[.)]|\(?[a-z][.)])$", re.IGNORECASE)


def _bullets(text: DocumentText, name: Name, item: Wanted, manners: Manners) -> Iterator[Item]:
    """The list under a heading or a line that is called as the field."""
    for page in text.pages:
        blocks = list(page.page.blocks)
        for head, block in enumerate(blocks[:-1]):
            called = block.text.split("\n")[-1] if block.kind in ("heading", "paragraph") else ""
            if not called or len(called.split()) > 10 or best(ideas(called.rstrip(":")), name.phrases) < 0.75:
                continue
            following = blocks[head + 1]
            if following.kind != "list":
                continue
            for entry in following.items or (following,):
                words = [w for row in page.rows for w in row.words if w.block == entry.id]
                while words and _BULLET.match(words[0].text):
                    words = words[1:]
                if not words:
                    continue
                span = Span(page.number, tuple(words), " ".join(w.text for w in words))
                reading = read(item, span.text, manners)
                if reading is not None:
                    yield Item(reading.value, part(span, reading), 0.9 * reading.sure)
            return


_PARTED = re.compile(r"\s*[;,]\s*(?:and\s|und\s|et\s)?|\s+(?:and|und|et)\s+|\n")


def split_values(span: Span, item: Wanted, manners: Manners) -> Iterator[Item]:
    """The values of a list that is printed on one line: "red, green and blue"."""
    text = span.text
    at = 0
    for match in [*_PARTED.finditer(text), None]:
        end = match.start() if match else len(text)
        piece = text[at:end]
        lead = len(piece) - len(piece.lstrip())
        reading = read(item, piece.strip(), manners)
        if reading is not None:
            begin = at + lead
            yield Item(
                reading.value,
                part(span, Reading(reading.value, begin + reading.start, begin + reading.end, reading.sure)),
                0.85 * reading.sure,
            )
        at = match.end() if match else end
