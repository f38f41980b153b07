"""The rows of a receipt: the amounts that stand on each, and what its words say that it is.

    SUBTOTAL          12.40      a ``ReceiptRow`` of kind "sub" with one ``Money``

What this file is not: it does not decide which of several totals is the total (``receipt_totals.py``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from docparse.extract.page_text import DocumentText, Row, Span
from docparse.extract.receipt.words import kinds, meanings
from docparse.extract.values import Amount, Mark, amounts, decimal_mark

Kind = Literal[
    "total", "grand", "incl", "due", "net", "excl", "sub", "tax", "round", "service", "tip", "saving", "cash", "card",
    "paid", "change", "count", "summary", "noise", "",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Money:
    """An amount on a row: ``row.text[start:end]``. ``sure``: how surely it is an amount, and read as printed."""

    value: Decimal
    row: Row
    start: int
    end: int
    sure: float
    currency: str | None = None

    @property
    def span(self) -> Span:
        return self.row.span(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class ReceiptRow:
    """A row with what it says. ``label``: its text up to its first amount. ``number``: its place in the receipt.

    ``amount`` is the one that counts: the last. ``rate`` is the percentage printed on it.
    """

    row: Row
    number: int
    kind: Kind
    moneys: tuple[Money, ...]
    label: str
    kinds: frozenset[str] = field(default_factory=frozenset)
    rate: Decimal | None = None

    @property
    def amount(self) -> Money | None:
        return self.moneys[-1] if self.moneys else None

    @property
    def text(self) -> str:
        return self.row.text


@dataclass(frozen=True, slots=True)
class Style:
    """How a receipt prints amounts. ``mark``: its decimal mark; ``cents`` is false where there are none (yen)."""

    mark: Mark | None = "."
    cents: bool = True


def receipt_rows(text: DocumentText) -> list[ReceiptRow]:
    """Every row of the document, with its amounts and its kind."""
    style = style_of(row.text for row in text.rows)
    found: list[ReceiptRow] = []
    table = False
    for number, row in enumerate(text.rows):
        moneys = moneys_of(row, style)
        label = row.text[: moneys[0].start] if moneys else row.text
        if moneys and not re.search(r"[^\W\d_]{2}", label):
            # The amount may stand before its label: "5.00 TOTAL".
            label = row.text[: moneys[0].start] + " " + row.text[moneys[-1].end :]
        said = kinds(label)
        kind = _kind(label, said) if _leads(label) else ""
        rate = _rate(label)
        if table and moneys and kind in ("", "tax", "excl", "net", "incl") and _tabular(row, moneys, rate, style):
            kind = "summary"
        elif "summary" in said or _heads_taxes(row.text):
            kind, table = "summary", True
        elif table and not moneys and len(label) > 12:
            table = False
        found.append(ReceiptRow(row, number, kind, moneys, label, said, rate))
    return found


def style_of(texts: Iterable[str]) -> Style:
    """The decimal mark, by all amounts; no cents where groups of thousands are all that is printed."""
    lines = list(texts)
    votes: Counter[int] = Counter()
    for text in lines:
        for match in re.finditer(r"(?<![\w.,:/-])-?\d{1,3}(?:[.,']\d{3})*(?:[.,](\d{2,3}))(?![\d.,:/-])", text):
            votes[len(match[1])] += 1
    groups, cents = votes[3], votes[2]
    return Style(decimal_mark(lines), cents=not (groups >= 2 and groups > 2 * cents))


def moneys_of(row: Row, style: Style) -> tuple[Money, ...]:
    """The amounts of a row, left to right."""
    found = [
        Money(a.value, row, a.start, a.end, _sure(a), a.currency)
        for a in amounts(row.text, decimal=style.mark, ocr=True)
        if not a.percent and a.sure >= 0.5 and _has_cents(a, style)
    ]
    lost = _lost_point(row) if style.cents and not (found and found[-1].end == len(row.text)) else None
    return (*(m for m in found if m.end <= lost.start), lost) if lost is not None else tuple(found)


def _sure(amount: Amount) -> float:
    """Tills print 0.95: an amount that begins with its point has lost a digit."""
    return min(amount.sure, 0.5) if re.match(r"\W*[.,]", amount.text) else amount.sure


def _has_cents(amount: Amount, style: Style) -> bool:
    """Whether it is printed as this receipt prints money: 12.50 here, 12,500 or a bare 800 with its sign there."""
    if not style.cents:
        return amount.decimals == 0 and (amount.currency is not None or not amount.text.isdigit())
    # Sdn Bhd 123456 is a company with its number: no dinar.
    bare = amount.decimals == 0 and amount.currency not in (None, "BHD") and not re.match(r"\W*0\d", amount.text)
    return amount.decimals == 2 or bare


def _lost_point(row: Row) -> Money | None:
    """``64 13`` at the end of a row: the OCR lost a small point, and left its room."""
    match = re.search(r"(?<![\d.,/:-])(?P<number>\d{1,4} \d{2})$", row.text)
    if match is None or len(row.words) < 3:
        return None
    units, cents = row.words[-2:]
    room = cents.box.x1 - units.box.x2
    if not 0 <= room <= 1.6 * max(units.size, cents.size) or not re.search(r"[^\W\d_]{3}", row.text):
        return None
    whole, part = match["number"].split()
    return Money(Decimal(f"{whole}.{part}"), row, match.start(), match.end(), 0.5)


def _leads(label: str) -> bool:
    """Whether the words that are known begin the label, or are most of it: MARS BAR 1.20 is not paid in cash."""
    known = [(m.start, m.end) for m in meanings(label) if m.kind not in ("body", "title", "date", "otherdate")]
    words = [m.span() for m in re.finditer(r"[^\W\d_]{2,}", label)]
    if not known or not words:
        return bool(known)
    if any(start <= words[0][0] < end for start, end in known):
        return True
    covered = sum(b - a for a, b in words if any(start <= a < end for start, end in known))
    return covered >= 0.75 * sum(b - a for a, b in words)


def _rate(label: str) -> Decimal | None:
    match = re.search(r"(?<![\d.,])(\d{1,2}(?:[.,]\d{1,2})?)\s?%", label)
    return Decimal(match[1].replace(",", ".")) if match else None


def _heads_taxes(text: str) -> bool:
    """The head of a table of taxes without a word for it: ``Code  Net  VAT``, ``A  Netto  MwSt  Brutto``."""
    said = [m.kind for m in meanings(text)]
    return not re.search(r"\d", text) and "tax" in said and bool({"excl", "net", "incl"} & set(said))


def _tabular(row: Row, moneys: Sequence[Money], rate: Decimal | None, style: Style) -> bool:
    words = re.findall(r"[^\W\d_]{4,}", row.text)
    return len(moneys) >= 2 or (rate is not None and len(words) <= 2) or (not words and bool(style))


def _kind(label: str, said: frozenset[str]) -> Kind:
    """What the label of an amount says. Of several meanings the one that names the amount wins."""
    if not said:
        return ""
    total = bool({"total", "final"} & said)
    if "noise" in said and not total:
        return "noise"
    if "part" in said and "tax" in said:
        return "tax"
    if "count" in said and total and _counted(label):
        return "total"
    if (
        "count" in said
        and "saving" not in said
        and (total or not {"due", "cash", "card", "paid"} & said)
        and "sub" not in said
    ):
        return "count"
    if "saving" in said and not {"due", "sub"} & said and not _after(label, "total", "saving"):
        return "saving"
    if "change" in said:
        return "change"
    if "round" in said:
        return "grand" if total or "due" in said or "net" in said else "round"
    if "due" in said:
        return "excl" if "excl" in said else "due"
    if "cash" in said and "total" not in said:
        return "cash"
    if "service" in said and "tax" not in said and not total:
        return "service"
    if "tip" in said and not total:
        return "tip"
    if "excl" in said and (total or "sub" in said or "tax" in said or "net" in said):
        return "excl"
    if "sub" in said:
        return "sub"
    if "tax" in said:
        if "service" in said and "incl" in said:
            return "service"
        return (
            "incl"
            if "incl" in said and (total or "net" in said or ("card" not in said and _amountlike(label)))
            else "tax"
        )
    if "excl" in said:
        return "excl"
    if "final" in said:
        return "grand"
    if total:
        if "net" in said:
            return "grand"
        if {"paid", "cash", "card"} & said:
            return "paid"
        return "incl" if "incl" in said else "total"
    for kind in ("card", "paid", "cash"):
        if kind in said:
            return kind
    if "net" in said:
        return "net"
    if "amount" in said:
        return "incl" if "incl" in said else "net"
    return "incl" if "incl" in said and _amountlike(label) else ""


def _after(label: str, first: str, second: str) -> bool:
    """Whether a word of kind ``second`` comes after one of ``first`` with "after" between: TOTAL AFTER DISCOUNT."""
    return (
        first in kinds(label)
        and second in kinds(label)
        and bool(re.search(r"(?i)\b(after|aft|less|nach|apr[eè]s)\b", label))
    )


def _counted(label: str) -> bool:
    """Whether the number of items stands in the label of the total: TOTAL FOR 3 ITEMS 12.40."""
    pattern = r"(?<![\d.,])\d{1,3}\s*(?:items?|art\w*|pcs|pieces)\b|\b(?:items?|art\w*)\W{0,3}\d{1,3}(?![\d.,])"
    return bool(re.search(pattern, label, re.IGNORECASE))


def _amountlike(label: str) -> bool:
    return bool(re.search(r"(?i)\b(amount|amt|sales?|price|bill|betrag|montant)\b", label))
