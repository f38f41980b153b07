"""The total of a receipt: of all amounts that call themselves one, that which the others agree with.

Each candidate is an amount with a label; what else is printed bears witness for it: cash less change, the
sum before tax and the tax, the rounding, the sum of the items, the table of taxes, the card. A candidate
that has a good label and no witness is believed less; two good candidates that contradict each other are
reported (``Issue`` "conflicting-totals"), and neither is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

from docparse.document import Issue
from docparse.extract.receipt.items import Items
from docparse.extract.receipt.rows import Kind, Money, ReceiptRow

CENT = Decimal("0.01")

_LABEL: dict[str, tuple[float, float]] = {
    "grand": (4.0, 0.8),
    "due": (3.6, 0.75),
    "total": (3.2, 0.75),
    "incl": (3.0, 0.7),
    "net": (1.6, 0.45),
    "card": (1.5, 0.5),
    "paid": (1.0, 0.4),
    "sub": (0.8, 0.35),
    "excl": (0.3, 0.1),
    "cash": (0.3, 0.2),
}
"""Weight of a label among candidates, and how often it is the total where nothing else is known."""

_WITNESS: dict[str, tuple[float, float]] = {
    "cash-less-change": (3.0, 0.15),
    "parts-add-up": (2.0, 0.2),
    "items-add-up": (2.0, 0.2),
    "tax-table-adds-up": (1.5, 0.25),
    "card-payment": (1.5, 0.3),
    "rounded": (1.5, 0.35),
    "said-twice": (1.0, 0.4),
}
"""Weight of a witness, and the share of doubt that it leaves."""


@dataclass(slots=True)
class Candidate:
    """An amount that may be the total. ``money`` stands beside its best label."""

    value: Decimal
    money: Money
    kind: Kind
    score: float
    sure: float
    witnesses: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """An amount with its confidence and the checks it passed."""

    money: Money
    confidence: float
    checks: tuple[str, ...] = ()
    value: Decimal | None = None
    """Where it is not the one printed there: a sum of several taxes."""


@dataclass(frozen=True, slots=True)
class Totals:
    total: Found | None = None
    subtotal: Found | None = None
    tax: Found | None = None
    payment: ReceiptRow | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Labelled:
    kind: Kind
    row: ReceiptRow
    money: Money

    @property
    def value(self) -> Decimal:
        return abs(self.money.value) if self.kind in ("cash", "paid", "card", "change") else self.money.value


def find_totals(rows: Sequence[ReceiptRow], items: Items) -> Totals:
    """Total, sum before tax and tax, and the row that says how it was paid."""
    labelled = list(_labelled(rows))
    candidates = _candidates(labelled, rows)
    for candidate in candidates:
        _hear(candidate, candidates, labelled, rows, items)
    if not candidates:
        return Totals(payment=_payment(labelled, None))
    candidates.sort(key=lambda c: -c.score)
    best = candidates[0]
    total, issues = _judged(best, candidates[1:])
    tax = _tax(best.value, labelled, rows)
    subtotal = _subtotal(best, tax, labelled, items)
    return Totals(total, subtotal, tax, _payment(labelled, best.value), issues)


def _labelled(rows: Sequence[ReceiptRow]) -> Iterable[_Labelled]:
    taken: set[int] = set()
    for at, row in enumerate(rows):
        if row.kind in ("", "count", "summary", "noise"):
            continue
        if row.amount is not None:
            yield _Labelled(row.kind, row, row.amount)
        elif row.kind in ("total", "grand", "due", "incl", "sub", "net") and not re.search(r"\d", row.text):
            near = [rows[i] for i in (at + 1, at - 1) if 0 <= i < len(rows) and i not in taken]
            for other in near:
                if other.amount is not None and _lone(other) and _beside(row, other):
                    taken.add(other.number)
                    yield _Labelled(row.kind, row, other.amount)
                    break


def _lone(row: ReceiptRow) -> bool:
    """An amount with nothing beside it but its currency."""
    return not row.kind and len(row.moneys) == 1 and len(re.findall(r"[^\W\d_]", row.text)) <= 3


def _beside(row: ReceiptRow, other: ReceiptRow) -> bool:
    gap = abs(row.row.box.center[1] - other.row.box.center[1])
    return row.row.page == other.row.page and gap <= 2.2 * max(row.row.box.height, other.row.box.height)


def _candidates(labelled: Sequence[_Labelled], rows: Sequence[ReceiptRow]) -> list[Candidate]:
    found: dict[Decimal, Candidate] = {}
    usual = sorted(r.row.box.height for r in rows)[len(rows) // 2] if rows else 0.0
    for item in labelled:
        if item.kind not in _LABEL or item.value <= 0:
            continue
        score, sure = _LABEL[item.kind]
        if item.row.row.box.height > 1.3 * usual:
            score += 0.7
        if not re.search(r"[^\W\d_]", item.row.row.text):
            score -= 1
        known = found.get(item.value)
        if known is None:
            found[item.value] = Candidate(item.value, item.money, item.kind, score, sure)
        elif score > known.score:
            # Of two readings of one amount the surer one is the witness of the other.
            found[item.value] = Candidate(item.value, item.money, item.kind, score, max(sure, known.sure))
    for money in _unlabelled(labelled, rows):
        found.setdefault(money.value, Candidate(money.value, money, "", 0.5, 0.3))
    return list(found.values())


def _unlabelled(labelled: Sequence[_Labelled], rows: Sequence[ReceiptRow]) -> Iterable[Money]:
    """The last amount without a label that is cash less change: the label may be unreadable or on another row."""
    paid = [i.value for i in labelled if i.kind in ("cash", "paid")]
    changes = [i.value for i in labelled if i.kind == "change" and i.value]
    wanted = {p - c for p in paid for c in changes if p > c}
    for row in reversed(rows):
        if not row.kind and row.amount is not None and row.amount.value in wanted:
            yield row.amount
            return


def _hear(
    candidate: Candidate,
    candidates: Sequence[Candidate],
    labelled: Sequence[_Labelled],
    rows: Sequence[ReceiptRow],
    items: Items,
) -> None:
    """Adds the witnesses for a candidate, and what speaks against it, to its score."""
    value = candidate.value
    by: dict[str, list[Decimal]] = {}
    for item in labelled:
        by.setdefault(item.kind, []).append(item.value)
    totals = [i for i in labelled if i.kind in ("total", "grand", "due", "incl") and i.value == value]
    changes = by.get("change", [])
    witnesses = candidate.witnesses
    tendered = [*by.get("cash", []), *by.get("paid", [])]
    if any(paid - change == value for paid in tendered for change in changes):
        witnesses.append("cash-less-change")
    elif not any(changes) and value in tendered and candidate.kind not in ("cash", "paid"):
        witnesses.append("card-payment")
    if value in by.get("card", []) and candidate.kind != "card":
        witnesses.append("card-payment")
    rounds = [r for r in by.get("round", []) if r]
    bases = [*by.get("total", []), *by.get("incl", []), *by.get("net", []), *by.get("sub", []), *by.get("due", [])]
    if any(base + sign * r == value for base in bases for r in rounds for sign in (1, -1)):
        witnesses.append("rounded")
    if _adds_up(value, by):
        witnesses.append("parts-add-up")
    if items.sum is not None and value in _item_sums(items, by):
        witnesses.append("items-add-up")
    if any(abs(s - value) <= 2 * CENT for s in _table_sums(rows)):
        witnesses.append("tax-table-adds-up")
    if len(totals) > 1:
        witnesses.append("said-twice")
    candidate.score += sum(_WITNESS[w][0] for w in set(witnesses))
    others = {c.value for c in candidates if c.kind in ("total", "grand", "due", "incl")} - {value}
    if any(value + sign * r in others for r in rounds for sign in (1, -1)) and "rounded" not in witnesses:
        candidate.score -= 2.0
    if any(paid == value for paid in tendered) and any(changes) and not totals:
        candidate.score -= 3.0


def _adds_up(value: Decimal, by: dict[str, list[Decimal]]) -> bool:
    """Whether a sum before tax and what was added to it make the value."""
    bases = {*by.get("sub", []), *by.get("excl", []), *by.get("net", []), *by.get("total", [])} - {value}
    parts = [*by.get("tax", []), *by.get("service", []), *by.get("tip", []), *by.get("round", [])]
    parts += [-abs(v) for v in by.get("saving", [])]
    parts = [p for p in dict.fromkeys(parts) if p][:7]
    sums = {sum(chosen, Decimal(0)) for n in range(1, len(parts) + 1) for chosen in combinations(parts, n)}
    return any(abs(base + s - value) < CENT for base in bases for s in sums if base > 0)


def _item_sums(items: Items, by: dict[str, list[Decimal]]) -> set[Decimal]:
    """What the items can come to."""
    total = items.sum or Decimal(0)
    added = [*by.get("tax", []), *by.get("service", []), *by.get("round", [])]
    taken = [items.savings, *(-abs(v) for v in by.get("saving", []))]
    sums = {total, *(total + t for t in taken), *(total + a for a in added), total + sum(added, Decimal(0))}
    return {s.quantize(CENT) for s in sums} | sums


def _table_sums(rows: Sequence[ReceiptRow]) -> list[Decimal]:
    """Net and tax of the tables of taxes, added up over their lines."""
    net, tax, gross = Decimal(0), Decimal(0), Decimal(0)
    for row in rows:
        if row.kind != "summary" or row.moneys == ():
            continue
        values = [m.value for m in row.moneys]
        if row.rate is None and len(values) > 2 and values[0] <= 30:
            values = values[1:]
        if len(values) >= 3 and _third(values) is not None:
            gross += _third(values) or Decimal(0)
        elif len(values) == 2:
            net, tax = net + max(values), tax + min(values)
    return [s for s in (net + tax if tax else Decimal(0), gross) if s]


def _third(values: Sequence[Decimal]) -> Decimal | None:
    """Of net, tax and gross in any order, the gross."""
    big = max(values[-3:])
    rest = sum(values[-3:], Decimal(0)) - big
    return big if abs(rest - big) <= CENT else None


def _judged(best: Candidate, others: Sequence[Candidate]) -> tuple[Found, tuple[Issue, ...]]:
    doubt = 1 - best.sure
    for witness in set(best.witnesses):
        doubt *= _WITNESS[witness][1]
    sure = 1 - doubt
    if best.money.sure < 0.9 and not best.witnesses:
        sure = min(sure, best.money.sure)
    issues: tuple[Issue, ...] = ()
    rivals = [o for o in others if o.kind in ("total", "grand", "due", "incl") and o.score > best.score - 1.0]
    if rivals:
        sure *= 0.55
        rivals = [o for o in rivals if o.score > best.score - 0.7]
        if rivals and not set(best.witnesses) - {"said-twice"}:
            sure = 0.0
            said = ", ".join(f"{c.value} ({c.money.row.text})" for c in (best, *rivals))
            issues = (Issue("conflicting-totals", f"the receipt names several totals: {said}."),)
    elif any(o.score > best.score - 1.5 for o in others):
        sure = min(sure, 0.85)
    return Found(best.money, sure, tuple(dict.fromkeys(best.witnesses))), issues


def _tax(total: Decimal, labelled: Sequence[_Labelled], rows: Sequence[ReceiptRow]) -> Found | None:
    """The tax: the labelled amount that fits its rate or the sums; several taxes are added up."""
    rows_ = [i for i in labelled if i.kind == "tax" and 0 <= i.value < total]
    bases = {i.value for i in labelled if i.kind in ("sub", "excl", "net", "total")}
    services = [Decimal(0), *(i.value for i in labelled if i.kind in ("service", "round", "tip"))]
    services.append(sum(services, Decimal(0)))
    for item in rows_:
        rate = item.row.rate
        fits = any(abs(b + s + item.value - total) < CENT for b in bases for s in services)
        if rate and abs(item.value - total * rate / (100 + rate)) <= 2 * CENT:
            fits = True
        if fits:
            return Found(item.money, 0.93 if item.money.sure > 0.9 else 0.85, ("tax-fits",))
    if len(rows_) > 1:
        whole = sum((i.value for i in rows_), Decimal(0))
        if any(abs(b + whole - total) < CENT for b in bases):
            return Found(rows_[0].money, 0.85, ("tax-fits",), whole)
    table = _table_tax(rows, total)
    if table is not None:
        return table
    if len({i.value for i in rows_}) == 1:
        return Found(rows_[0].money, 0.6)
    return None


def _table_tax(rows: Sequence[ReceiptRow], total: Decimal) -> Found | None:
    lines = [r for r in rows if r.kind == "summary" and len(r.moneys) >= 2]
    taxes = []
    for row in lines:
        last = row.moneys[-3:] if len(row.moneys) >= 3 and _third([m.value for m in row.moneys]) else row.moneys[-2:]
        taxes.append(min(last, key=lambda m: m.value))
    some = [t for t in taxes if t.value]
    if not taxes or not any(abs(s - total) <= 5 * CENT for s in _table_sums(rows)):
        return None
    whole = sum((t.value for t in some), Decimal(0))
    return Found((some or taxes)[0], 0.85, ("tax-table-adds-up",), whole if len(some) > 1 else None)


def _subtotal(best: Candidate, tax: Found | None, labelled: Sequence[_Labelled], items: Items) -> Found | None:
    taxed = None if tax is None else (tax.value if tax.value is not None else tax.money.value)
    for item in labelled:
        if item.kind == "sub" and item.value > 0:
            proved = items.sum == item.value or _follows(item.value, best.value, taxed, labelled)
            return Found(item.money, 0.92 if proved else 0.7, ("parts-add-up",) if proved else ())
    for item in labelled:
        other = item.kind in ("excl", "net", "total") and item.money is not best.money
        if other and taxed and _follows(item.value, best.value, taxed, labelled):
            return Found(item.money, 0.85, ("parts-add-up",))
    return None


def _follows(base: Decimal, total: Decimal, tax: Decimal | None, labelled: Sequence[_Labelled]) -> bool:
    parts = [i.value for i in labelled if i.kind in ("service", "round", "tip")]
    parts += [-abs(i.value) for i in labelled if i.kind == "saving"]
    if tax:
        parts.append(tax)
    parts = [p for p in parts if p][:6]
    return any(
        abs(base + sum(chosen, Decimal(0)) - total) < CENT
        for n in range(len(parts) + 1)
        for chosen in combinations(parts, n)
    )


def _payment(labelled: Sequence[_Labelled], total: Decimal | None) -> ReceiptRow | None:
    """The row that names the means: a card before cash that was given, both before a bare "paid"."""
    for kind in ("card", "cash", "paid"):
        rows = [i.row for i in labelled if i.kind == kind and (total is None or i.value >= total)]
        if rows:
            return rows[0]
    return None
