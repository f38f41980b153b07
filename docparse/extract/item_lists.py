"""Line items without a heading: rows of words that end in an amount and add up to a total.

A bill of insurance or telephone, a summary of charges. Nothing but the sum says that such rows are items,
so without one there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docparse.extract.page_text import Span
from docparse.extract.printed_numbers import Number, total
from docparse.extract.total_labels import ROLES, LabelledPage, is_carried

MOST_ROWS = 60
EDGE = 0.8
"""Letter heights by which the right edges of amounts in one column differ, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    words: Span
    amount: Number
    page: int
    left: float


def listed(
    pages: Sequence[LabelledPage], sums: Collection[Decimal]
) -> list[tuple[dict[str, Any], dict[str, list[Span]]]]:
    """The items as values and places by part; empty where no run of rows adds up."""
    for page in pages:
        lines = _lines(page)
        for column in _columns(lines):
            for run in _runs(column):
                if total([line.amount.value for line in run]) in sums and any(line.amount.value for line in run):
                    return [
                        (
                            {"description": line.words.text, "amount": line.amount.value},
                            {"description": [line.words], "amount": [line.amount.span]},
                        )
                        for line in run
                    ]
    return []


def _lines(page: LabelledPage) -> list[_Line]:
    found = []
    for row in page.page.rows:
        numbers = page.numbers[row.index]
        money = [n for n in numbers if n.is_money]
        if not money or money[-1].end < len(row.text.rstrip()) - 4 or is_carried(row):
            continue
        if any(label.field in ROLES and label.standing >= 0.5 for label in page.on(row)):
            continue
        text = row.text[: money[-1].start].strip(" .:…_-")
        if sum(c.isalpha() for c in text) < 3:
            continue
        words = row.span(0, money[-1].start)
        found.append(_Line(words, money[-1], page.page.number, row.box.x1))
    return found


def _columns(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines whose amounts end at the same place, from top to bottom."""
    groups: list[list[_Line]] = []
    for line in lines:
        edge, size = line.amount.box.x2, line.amount.box.height
        home = next((g for g in groups if abs(g[-1].amount.box.x2 - edge) <= EDGE * size), None)
        if home is None:
            groups.append([line])
        else:
            home.append(line)
    return groups


def _runs(column: Sequence[_Line]) -> list[list[_Line]]:
    """Runs to try, the longest first; then only those that begin at one place (charges and what is in them)."""
    rows = list(column[:MOST_ROWS])
    found = [rows]
    lefts = sorted({round(line.left / 4) for line in rows})
    found += [[line for line in rows if round(line.left / 4) == left] for left in lefts]
    found += [rows[a:b] for a in range(len(rows)) for b in range(len(rows), a, -1) if (a, b) != (0, len(rows))]
    return [run for run in found if run]
