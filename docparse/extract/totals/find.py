"""The totals of an invoice with their evidence: net, tax by rate, tax, gross, what is due.

Candidates come from labels (``total_labels``) and rows of tax (``tax_lines``), the choice among them from
arithmetic (``solver``); here the values get their places and confidences. Where two solutions are
equally good the field stays empty, and an issue ``conflicting-totals`` names both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from docparse.document import Issue
from docparse.extract.items.header import is_header
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Evidence, Fields
from docparse.extract.totals.labels import ROLES, Candidate, LabelledPage, candidates, labelled
from docparse.extract.totals.printed_numbers import Number, reading, total
from docparse.extract.totals.solver import STRONG, Facts, Result, Role, Witness, solve
from docparse.extract.totals.tax_lines import PrintedTax, printed_rates, tax_lines

FIELDS: Mapping[Role, str] = {"net": "net_total", "tax": "tax_total", "gross": "grand_total", "due": "amount_due"}
UNLABELLED = 0.2
"""Weight of an amount without a label that is just what two labelled ones ask for."""
DUE_UNSAID = 0.7
"""How surely all of it is due where the document does not say what is."""
_PAID = re.compile(
    r"\b(?:paid|prepaid|beglichen|bezahlt|vorausbezahlt|abgebucht|pay[ée]e?|acquitt[ée]e?|betaald|vooruitbetaald|voldaan"
    r"|pagad[oa]|pagat[oa]|saldat[oa]|已付|已支付)\b",
    re.IGNORECASE,
)
LEAST = 0.3
"""Confidence under which a value is not given."""


def find_totals(text: DocumentText, items: Fields) -> Fields:
    """net_total, tax_lines, tax_total, grand_total and amount_due, as far as the document says them."""
    pages = labelled(text, reading(text))
    used = {page.page.number: _item_rows(page, items) for page in pages}
    found = [c for page in pages for c in candidates(page, without=used[page.page.number])]
    taxes = [line for page in pages for line in tax_lines(page, without=used[page.page.number])]
    taxes = [line for line in taxes if line.net is not None] or taxes
    rates = {rate for page in pages for rate in printed_rates(page, without=used[page.page.number])}
    rates |= {abs(line.rate.value) for line in taxes if line.rate is not None and line.rate.value}
    lines = _lines_total(items)
    witnesses = [*_witnesses(found), *_tax_sum(taxes)]
    others = _wanted(found, taxes, pages, used)
    facts = Facts(
        [*witnesses, *(Witness(n.value, role, UNLABELLED) for role, n, _ in others)],
        [line.plain for line in taxes],
        sorted(rates),
        lines,
    )
    return _Report(solve(facts), found, others, taxes, lines, paid=_names_payment(pages)).fields()


def _item_rows(page: LabelledPage, items: Fields) -> set[int]:
    """Rows of line items, and the rows that head them."""
    rows = {row.index for row in page.page.rows if is_header(page.on(row))}
    boxes = [e.bbox for e in items.evidence.values() if e.page == page.page.number and e.bbox is not None]
    for row in page.page.rows:
        if any(box.y1 <= row.box.center[1] <= box.y2 for box in boxes):
            rows.add(row.index)
    return rows


def _names_payment(pages: Sequence[LabelledPage]) -> bool:
    """Whether the document says anywhere that something was paid, or subtracts something from its total."""
    for page in pages:
        if any(label.field == "prepaid" and label.standing >= 0.8 for label in page.labels):
            return True
        if any(_PAID.search(row.text) for row in page.page.rows):
            return True
    return False


def _lines_total(items: Fields) -> Decimal | None:
    lines: Sequence[Mapping[str, Any]] = items.values.get("line_items") or ()
    amounts = [line.get("amount") for line in lines]
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known and len(known) == len(amounts) else None


def _witnesses(found: Iterable[Candidate]) -> list[Witness]:
    result = []
    for c in found:
        for role, weight in ROLES[c.field].items():
            result.append(Witness(c.number.value, role, c.weight * weight))
            # "(incl. 9.50)" is no negative tax: the parentheses are those of a remark.
            if role == "tax" and c.number.value < 0 and c.number.amount.text.lstrip().startswith("("):
                result.append(Witness(-c.number.value, role, c.weight * weight * 0.95))
    return result


def _tax_sum(taxes: Sequence[PrintedTax]) -> list[Witness]:
    """Where only the tax of each rate is printed, the sum of them is the tax, and that of their bases the net."""
    if not taxes:
        return []
    nets = [line.net.value for line in taxes if line.net is not None]
    found = [Witness(total([line.tax.value for line in taxes]), "tax", 0.6)]
    return [*found, Witness(total(nets), "net", 0.5)] if len(nets) == len(taxes) else found


def _wanted(
    found: Sequence[Candidate],
    lines: Sequence[PrintedTax],
    pages: Sequence[LabelledPage],
    used: Mapping[int, Collection[int]],
) -> list[tuple[Role, Number, int]]:
    """Amounts without a label of their own that two labelled ones ask for: net + tax, or gross - tax."""

    def named(role: Role) -> set[Decimal]:
        return {c.number.value for c in found if ROLES[c.field].get(role, 0.0) * c.weight >= 0.3}

    taxes = {c.number.value for c in found if c.field == "tax_total" and c.weight >= 0.8 and c.number.value}
    taxes |= {total([line.tax.value for line in lines])} if lines else set()
    wanted: dict[Decimal, Role] = {n + t: "gross" for n in named("net") for t in taxes}
    wanted |= {g - t: "net" for g in named("gross") for t in taxes}
    taken = {id(c.number) for c in found}
    return [
        (wanted[n.value], n, page.page.number)
        for page in pages
        for index, row in enumerate(page.numbers)
        if index not in used[page.page.number]
        for n in row
        if n.is_money and n.value in wanted and id(n) not in taken
    ]


@dataclass(frozen=True, slots=True)
class _Report:
    """The solution as fields."""

    result: Result
    found: Sequence[Candidate]
    others: Sequence[tuple[Role, Number, int]]
    taxes: Sequence[PrintedTax]
    lines: Decimal | None
    paid: bool

    def fields(self) -> Fields:
        values: dict[str, Any] = {}
        evidence: dict[str, Evidence] = {}
        for role, name in FIELDS.items():
            value = self.result.best.get(role)
            if value is None or role in self.result.conflicts:
                continue
            proof = self._evidence(role, value)
            if proof is not None and proof.confidence >= LEAST:
                values[name], evidence[name] = value, proof
        self._derive(values, evidence)
        self._add_due(values, evidence)
        self._add_taxes(values, evidence)
        return Fields(values, evidence, issues=tuple(self._issues()))

    def _issues(self) -> Iterable[Issue]:
        for role, values in self.result.conflicts.items():
            printed = " and ".join(f"{value:f}" for value in values)
            yield Issue("conflicting-totals", f"The document gives several values as {FIELDS[role]}: {printed}.")
        for role, value in self._against():
            chosen = self.result.best.get(role)
            message = f"The document also gives {value:f} as {FIELDS[role]}; {chosen:f} agrees with its other amounts."
            yield Issue("conflicting-totals", message)

    def _against(self) -> list[tuple[Role, Decimal]]:
        """Labelled totals that contradict the solution; smaller ones are those of parts."""
        best = self.result.best
        return [
            (role, value)
            for role, value in self.result.ignored
            if role in ("gross", "due")
            and role not in self.result.conflicts
            and abs(value) > abs(best.get(role) or value)
        ]

    def _evidence(self, role: Role, value: Decimal) -> Evidence | None:
        named = [
            (c.weight * ROLES[c.field].get(role, 0.0), c.number, c.page)
            for c in self.found
            if abs(c.number.value) == abs(value) and ROLES[c.field].get(role)
        ]
        named += [(UNLABELLED, n, page) for r, n, page in self.others if r == role and n.value == value]
        if not named:
            if role not in ("tax", "net") or not self.taxes:
                return None
            printed = [(line, line.tax if role == "tax" else line.net) for line in self.taxes]
            if len(printed) == 1 and printed[0][1] is not None:
                return place(printed[0][1], printed[0][0].page, self._confidence(role, 0.8))
            return Evidence(confidence=self._confidence(role, 0.6), source="derived", note="sum of the tax lines")
        weight, number, page = max(named, key=lambda item: (item[0], item[2], item[1].row.index))
        return place(number, page, self._confidence(role, weight))

    def _confidence(self, role: Role, weight: float) -> float:
        """How sure a value is, by its label and by what proves it.

        The figures are set by hand, in the order of what proves most; they are not fitted. No invoice at hand
        contradicts them, but there are too few for 0.98 to be measured.
        """
        proofs = self.result.best.proofs
        proved = _PROVES[role] & proofs
        if role == "due":
            gross = self.result.best.get("gross")
            agrees = gross is not None and self.result.best.get("due") == gross
            sure = 0.97 if "due" in proofs else 0.96 if agrees else 0.7
            sure = sure if weight >= 0.8 else sure - 0.15
        elif "sum" in proofs and role in ("net", "tax", "gross"):
            sure = 0.985 if weight >= 0.8 else 0.95 if len(proved) > 1 or weight >= 0.5 else 0.85
            sure = min(0.99, sure + 0.002 * len(proved))
        elif proved:
            sure = 0.97 if weight >= 0.8 else 0.9 if weight >= 0.5 else 0.7
        else:
            sure = 0.8 if weight >= STRONG else 0.6 if weight >= 0.7 else 0.1
        if weight < 0.5 and not proofs & {"sum", "rate"}:
            return 0.0
        if role in {against for against, _ in self._against()}:
            sure *= 0.9
        if self.result.margins.get(role, 9.0) < 1.0:
            sure *= 0.8
        return sure

    def _derive(self, values: dict[str, Any], evidence: dict[str, Evidence]) -> None:
        """A net or a tax that is not printed, where the other two leave no choice."""
        gross = values.get("grand_total")
        if gross is None:
            return
        if "charges" in self.result.best.proofs and "tax_total" in values and "net_total" in values:
            # A subtotal before shipping and discounts is not what is taxed.
            sure = 0.8 * evidence["tax_total"].confidence
            if gross - values["tax_total"] != values["net_total"]:
                values["net_total"] = gross - values["tax_total"]
                evidence["net_total"] = Evidence(confidence=sure, source="derived", note="grand_total - tax_total")
        whole = self.lines == gross and "tax-lines" in self.result.best.proofs
        if "rate" not in self.result.best.proofs and not whole:
            return
        for name, other in (("net_total", "tax_total"), ("tax_total", "net_total")):
            known = values.get(other)
            if name in values or known is None:
                continue
            sure = min(evidence[other].confidence, evidence["grand_total"].confidence)
            values[name] = gross - known
            evidence[name] = Evidence(confidence=sure * 0.95, source="derived", note=f"grand_total - {other}")

    def _add_due(self, values: dict[str, Any], evidence: dict[str, Evidence]) -> None:
        """All of it is due where nothing speaks of a payment, and the document is no credit note."""
        gross = values.get("grand_total")
        if gross is None or gross <= 0 or self.paid or "amount_due" in values or "due" in self.result.best.values:
            return
        printed = evidence["grand_total"]
        sure = DUE_UNSAID * printed.confidence
        if sure < LEAST:
            return
        values["amount_due"] = gross
        evidence["amount_due"] = replace(printed, confidence=sure, source="derived", note="grand_total, nothing paid")

    def _add_taxes(self, values: dict[str, Any], evidence: dict[str, Evidence]) -> None:
        """Lines of tax, where they add up to the total of tax, or there is none to compare."""
        if not self.taxes:
            return
        tax = values.get("tax_total")
        lines = list(self.taxes)
        if tax is not None and total([line.tax.value for line in lines]) != tax:
            lines = [line for line in lines if line.tax.value == tax][:1]
        if not lines:
            return
        sure = 0.97 if tax is not None else 0.6
        values["tax_lines"] = [
            {"rate": line.plain.rate, "net": line.plain.net, "tax": line.plain.tax} for line in lines
        ]
        for at, line in enumerate(lines):
            for part, number in (("rate", line.rate), ("net", line.net), ("tax", line.tax)):
                if number is not None:
                    evidence[f"tax_lines[{at}].{part}"] = place(number, line.page, sure)


_PROVES: Mapping[Role, frozenset[str]] = {
    "net": frozenset({"sum", "rate", "lines", "tax-lines", "no-tax"}),
    "tax": frozenset({"sum", "rate", "tax-lines", "no-tax"}),
    "gross": frozenset({"sum", "rate", "lines", "tax-lines", "no-tax", "due"}),
    "due": frozenset({"due"}),
}


def place(number: Number, page: int, sure: float) -> Evidence:
    """The evidence of one number; words that OCR was not sure of make it less sure."""
    span = number.span
    seen = span.confidence
    return Evidence(
        text=span.text,
        page=page,
        bbox=span.box,
        block=span.block,
        confidence=sure if seen is None else sure * min(1.0, 0.25 + 0.75 * seen + 0.05),
    )
