"""The heading of a table of line items, and the columns it names.

A heading may go over several rows ("Unit" over "price"), and stand in a table or over bare columns of
text. What this file is not: the rows below it (``item_cells``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from docparse.extract.page_text import Row, Segment
from docparse.extract.totals.labels import ROLES, LabelledPage
from docparse.extract.vocabulary import Label, find_in, label_of
from docparse.geometry import BBox

WHAT = frozenset({"column.description", "column.article_number", "column.date", "column.hsn"})
HOW_MUCH = frozenset({"column.quantity", "column.unit_price", "column.amount"})
NUMERIC = frozenset({"position", "quantity", "unit_price", "tax_rate", "tax_amount", "discount", "amount"})
"""Roles of columns that hold numbers."""
STACKED = 3
"""Rows above and below its main row that a heading may have."""
NEAR_ROWS = 0.9
"""Gap between two rows of a heading, in heights of a row."""
COVERED = 0.85
"""Share of a segment's letters in labels from which on it is split into these: two headings with a narrow gap."""


@dataclass(frozen=True, slots=True)
class Column:
    """``role``: a field of ``column.*`` without its group, None for a heading that no vocabulary knows."""

    role: str | None
    box: BBox
    text: str = ""

    @property
    def numeric(self) -> bool:
        return self.role in NUMERIC


@dataclass(frozen=True, slots=True)
class Header:
    """``rows``: indices of its rows; ``columns`` from left to right."""

    page: int
    rows: range
    columns: tuple[Column, ...]
    bottom: float

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(column.role for column in self.columns if column.role)

    @property
    def is_priced(self) -> bool:
        """Whether it says how much of something, or for how much each."""
        return bool(self.roles & {"quantity", "unit_price"})


def is_header(labels: Iterable[Label]) -> bool:
    """Whether these labels of one row head a table of items: what, and how much of it or for how much."""
    fields = {label.field for label in labels if label.field.startswith("column.") and label.standing >= 0.5}
    numbers = fields & HOW_MUCH
    return bool(fields & WHAT and numbers) or ("column.quantity" in fields and len(numbers) > 1)


def headers(page: LabelledPage) -> list[Header]:
    """The headings of a page from top to bottom. Those that head totals or rates of tax are among them."""
    found: list[Header] = []
    for row in page.page.rows:
        if found and row.index in found[-1].rows:
            continue
        if not is_header(page.on(row)) or any(n.is_money for n in page.numbers[row.index]):
            continue
        if len(row.segments) < 2 and len([1 for label in page.on(row) if label.field.startswith("column.")]) < 3:
            continue
        rows = _stack(row, page)
        columns = _columns([page.page.rows[i] for i in rows])
        if len(columns) > 1:
            found.append(Header(page.page.number, rows, columns, max(page.page.rows[i].box.y2 for i in rows)))
    return found


def scaled(header: Header, by: float) -> Header:
    """The same heading on a page whose image has other pixels."""
    columns = tuple(replace(column, box=column.box.scaled(by)) for column in header.columns)
    return replace(header, columns=columns, bottom=header.bottom * by)


def heads_totals(header: Header, page: LabelledPage) -> bool:
    """Whether it heads a table of totals or of tax by rate: every column of amounts is the name of a total."""
    labels = [label for i in header.rows for label in page.on(page.page.rows[i])]
    totals = {label.field for label in labels if label.field in ROLES and label.standing >= 0.5}
    return not header.is_priced and "description" not in header.roles and len(totals) > 1


def _stack(row: Row, page: LabelledPage) -> range:
    """The rows of the heading whose main row this is."""
    rows = page.page.rows
    first = last = row.index
    for _ in range(STACKED):
        if first > 0 and _belongs(rows[first - 1], rows[first], row, page):
            first -= 1
        if last + 1 < len(rows) and _belongs(rows[last + 1], rows[last], row, page):
            last += 1
    return range(first, last + 1)


def _belongs(row: Row, near: Row, main: Row, page: LabelledPage) -> bool:
    gap = max(row.box.y1 - near.box.y2, near.box.y1 - row.box.y2)
    if gap > NEAR_ROWS * max(near.box.height, 1.0) or any(c.isdigit() for c in row.text):
        return False
    cells = {(s.block, s.cell[0]) for s in main.segments if s.cell is not None}
    if cells and all(s.cell is not None and (s.block, s.cell[0]) in cells for s in row.segments):
        return True
    named = sum(label_of(_bare(segment.text), "column") is not None for segment in row.segments)
    completed = sum(
        label_of(_joined([other, segment]), "column") is not None
        for segment in row.segments
        for other in main.segments
        if _shared(segment.box, other.box) > 0
    )
    return max(named, completed) * 2 >= len(row.segments) and max(named, completed) > 0


def _columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Segments of all rows by the space that they share from left to right."""
    parts = sorted((part for row in rows for part in _with_signs(row)), key=lambda p: p[0].x1)
    groups: list[list[tuple[BBox, str]]] = []
    for box, text in parts:
        home = next((g for g in groups if any(_shared(box, b) > 0.3 * min(box.width, b.width) for b, _ in g)), None)
        if home is None:
            groups.append([(box, text)])
        else:
            home.append((box, text))
    return tuple(_column(group) for group in sorted(groups, key=lambda g: min(b.x1 for b, _ in g)))


def _with_signs(row: Row) -> list[tuple[BBox, str]]:
    """The headings of one row; a sign that stands apart ("VAT  %") goes to the one before it."""
    found: list[tuple[BBox, str]] = []
    for segment in row.segments:
        lone = not any(c.isalnum() for c in segment.text) and segment.text != "#"
        if lone and found and segment.box.x1 - found[-1][0].x2 < 1.5 * segment.size:
            box, text = found.pop()
            found.append((BBox.around((box, segment.box)), f"{text} {segment.text}"))
        else:
            found += _parts(segment)
    return found


def _parts(segment: Segment) -> list[tuple[BBox, str]]:
    """A segment, or the several headings in it."""
    found = find_in(segment.text, "column")
    letters = sum(c.isalpha() for c in segment.text)
    covered = sum(sum(c.isalpha() for c in segment.text[start:end]) for _, start, end in found)
    if len(found) < 2 or len({field for field, _, _ in found}) < 2 or covered < COVERED * letters:
        return [(segment.box, segment.text)]
    # "Disc.%": a sign behind a label is part of it.
    ends = [start for _, start, _ in found[1:]] + [len(segment.text)]
    spans = [segment.span(start, end) for (_, start, _), end in zip(found, ends, strict=True)]
    return [(span.box, span.text) for span in spans]


def _column(group: Sequence[tuple[BBox, str]]) -> Column:
    ordered = sorted(group, key=lambda part: (part[0].y1, part[0].x1))
    texts = [text for _, text in ordered]
    joined = _dehyphenated(texts)
    field = label_of(_bare(joined), "column")
    if field is None:
        whole = [label_of(_bare(text), "column") for text in texts]
        field = next((f for f in whole if f == "column.description"), next((f for f in whole if f), None))
    if field is None:
        inside = find_in(joined, "column")
        field = max(inside, key=lambda f: f[2] - f[1])[0] if inside else None
    return Column(field.removeprefix("column.") if field else None, BBox.around(b for b, _ in ordered), joined)


def _bare(text: str) -> str:
    """Without the currency or unit that stands behind: "Amount (EUR)", "Price in €"."""
    return (
        re.sub(
            r"\s*(?:[(\[]\s*[^)\]]{1,6}\s*[)\]]|\bin\s+\S{1,4}|[€$£¥]|\b(?:EUR|USD|GBP|CHF)\b)\s*$", "", text
        ).strip()
        or text
    )


def _joined(segments: Sequence[Segment]) -> str:
    return _bare(_dehyphenated([s.text for s in sorted(segments, key=lambda s: (s.row, s.box.x1))]))


def _dehyphenated(texts: Sequence[str]) -> str:
    return re.sub(r"(?<=\w)- (?=[a-zäöüß])", "", " ".join(texts))


def _shared(a: BBox, b: BBox) -> float:
    return min(a.x2, b.x2) - max(a.x1, b.x1)
