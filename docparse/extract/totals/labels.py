"""Amounts beside the labels of totals: who may be what (``Witness``), and where it is printed.

A label's amount stands right of it in its row, or under it in the column of a table of totals. What this
file is not: the choice among them (``solver``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from docparse.extract.page_text import DocumentText, PageText, Row
from docparse.extract.totals.printed_numbers import Number, Reading
from docparse.extract.totals.solver import Role
from docparse.extract.vocabulary import Label, find_labels
from docparse.geometry import BBox

ROLES: dict[str, dict[Role, float]] = {
    "grand_total": {"gross": 1.0, "net": 0.35, "lines": 0.3},
    "net_total": {"net": 1.0, "gross": 0.3, "lines": 0.7},
    "line_total": {"lines": 1.0, "net": 0.6, "gross": 0.2},
    "tax_total": {"tax": 1.0},
    "taxed_total": {"tax": 0.7, "gross": 0.6},
    "amount_due": {"due": 1.0, "gross": 0.55},
    "prepaid": {"prepaid": 1.0},
    "shipping": {"shipping": 1.0},
    "surcharge": {"shipping": 0.9},
    "discount": {"discount": 1.0},
    "rounding": {"rounding": 1.0},
}
"""What an amount with a label may be: "Total" is the net of some invoices, "subtotal" the sum of the lines."""
ELSEWHERE = 0.5
"""What is left of a label's weight for an amount in its row that is not the last, or not surely its own."""
LETTERS_BETWEEN = 15
"""So many letters between a label and an amount say that it is the amount of something else."""
BELOW_ROWS = 7
_STANDING = {0.2: 0.4, 0.5: 0.8}
"""What is left of the weight of a label that stands in the midst of other words, or at their end."""
_FEW = 10
"""Letters before a label that do not count: "plus 19 % VAT" is a label of tax."""
_CARRY = re.compile(
    r"[\W\d_]*(?:übertrag|uebertrag|carr(?:y|ied|y-over)[ -]*(?:over|forward)|(?:balance )?brought[ -]*forward"
    r"|[àa] reporter|report|transport(?: te)?|saldo vorige pagina|suma y sigue|a riportare|riporto"
    r"|zwischensumme seite|page total|total (?:of )?(?:this )?page|seitensumme)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_INCLUDING = re.compile(
    r"\b(?:incl\w*|inkl\w*|einschl\w*|with|mit|y compris|dont|compris\w*|iva inclusa?|inbegrepen)[.,]?"
    r"(?: (?:of|de|la|der|die|the))?(?: \d+(?:[.,]\d+)? ?%)?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A number and what its label says it is, and how surely."""

    number: Number
    field: str
    weight: float
    page: int


def is_carried(row: Row) -> bool:
    """Whether the row carries a sum over to another page: it begins with words for that, and has no others."""
    match = _CARRY.match(row.text)
    if match is None:
        return False
    # "Report 3 x 20.00 60.00" is a report that was delivered.
    numbers = [word for word in match["rest"].split() if any(c.isdigit() for c in word)]
    return _letters(match["rest"]) <= 12 and len(numbers) <= 2


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPage:
    """A page with its numbers, by row, and its labels."""

    page: PageText
    numbers: Sequence[Sequence[Number]]
    labels: Sequence[Label]

    def on(self, row: Row) -> list[Label]:
        return [label for label in self.labels if label.row is row]


def labelled(text: DocumentText, how: Reading) -> list[LabelledPage]:
    return [
        LabelledPage(page, [how.numbers(row) for row in page.rows], find_labels(page, kind="invoice"))
        for page in text.pages
    ]


def candidates(page: LabelledPage, *, without: Collection[int] = ()) -> list[Candidate]:
    """The amounts that the page's labels name. ``without``: rows of line items and their headers."""
    found: list[Candidate] = []
    for label in page.labels:
        if label.field not in ROLES or label.row.index in without or is_carried(label.row):
            continue
        field = "taxed_total" if label.field == "tax_total" and _is_included(label) else label.field
        weight = label.likeness * standing(label)
        for number, share in _beside(label, page) or _under(label, page, without):
            found.append(Candidate(number, field, weight * share, page.page.number))
    return found


def _beside(label: Label, page: LabelledPage) -> list[tuple[Number, float]]:
    """Numbers right of a label in its row, and how surely they are its own."""
    row = label.row
    later = [other.start for other in page.on(row) if other.start >= label.end and other.field in ROLES]
    stop = min(later, default=len(row.text))
    right = [n for n in page.numbers[row.index] if n.start >= label.end - 1 and n.end <= stop and not n.amount.percent]
    money = [n for n in right if n.is_money]
    if not money:
        # A currency without cents writes whole numbers; alone they prove little.
        return [(n, ELSEWHERE) for n in right[-1:] if n.end >= len(row.text.rstrip()) and n.amount.decimals == 0]
    far = ELSEWHERE if _letters(row.text[label.end : money[0].start]) >= LETTERS_BETWEEN else 1.0
    return [(n, far if n is money[-1] else far * ELSEWHERE) for n in money]


def _is_included(label: Label) -> bool:
    """Whether "including" stands before a label of tax: then the amount may be the tax, or what includes it."""
    return _INCLUDING.search(label.row.text[: label.start]) is not None


def standing(label: Label) -> float:
    """How surely a label names what stands beside it, 0 to 1."""
    if label.field in ("tax_total", "tax_rate") and _letters(_before(label)) <= _FEW:
        return 1.0
    return _STANDING.get(label.standing, 1.0)


def _before(label: Label) -> str:
    """What stands before a label in its segment."""
    begin = 0
    for segment in label.row.segments:
        if begin + len(segment.text) > label.start:
            break
        begin += len(segment.text) + 1
    return label.row.text[begin : label.start]


def _letters(text: str) -> int:
    return sum(c.isalpha() for c in re.sub(r"\([^)]*\)", "", text))


def _under(label: Label, page: LabelledPage, without: Collection[int]) -> list[tuple[Number, float]]:
    """Amounts in the column under a label that is a segment of its own, and how surely they are its own."""
    row, box = label.row, label.span.box
    segment = next((s for s in row.segments if s.box.x1 <= box.center[0] <= s.box.x2), None)
    if segment is None or _letters(segment.text) > 2 * _letters(label.span.text) + 4:
        return []
    heads = len({other.start for other in page.on(row) if other.field in ROLES}) > 1
    column = _column(label)
    found: list[Number] = []
    bottom = box.y2
    for below in page.page.rows[row.index + 1 : row.index + 1 + BELOW_ROWS]:
        if below.box.y1 - bottom > 2.0 * max(box.height, segment.size) or below.index in without:
            break
        here = [n for n in page.numbers[below.index] if n.is_money and _overlap(n.box, column) > 0.5 * n.box.width]
        others = [o for o in page.on(below) if o.field in ROLES and _overlap(o.span.box, column) > 0]
        if others and not (heads and here):
            break
        if here:
            found.append(here[-1])
            bottom = below.box.y2
            if not heads:
                break
    return [(n, 0.95 if n is found[-1] else ELSEWHERE) for n in found]


def _column(label: Label) -> BBox:
    """The label's column: it may go half the way to its neighbours."""
    box, row = label.span.box, label.row
    left = max((s.box.x2 for s in row.segments if s.box.x2 <= box.x1), default=box.x1 - 2 * box.height)
    right = min((s.box.x1 for s in row.segments if s.box.x1 >= box.x2), default=box.x2 + 4 * box.height)
    return BBox((left + box.x1) / 2, box.y1, (right + box.x2) / 2, box.y2)


def _overlap(a: BBox, b: BBox) -> float:
    return min(a.x2, b.x2) - max(a.x1, b.x1)
