"""The totals of an invoice as the consistent solution: net + tax = gross, and what else must be so.

A label says what an amount may be (``Witness``), arithmetic says what it is. Of all ways to give the
amounts their roles the one with the best score is taken; a label weighs up to ``LABEL``, an equation that
holds more. Where another value of a role scores nearly as well, there is a conflict and no value.

What it is not: it knows no page, no words and no currencies; amounts come in and roles go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from typing import Literal

Role = Literal["net", "tax", "gross", "due", "prepaid", "shipping", "discount", "rounding", "lines"]
"""What an amount can be. ``shipping`` stands for every charge on the document, ``lines`` for the sum of the lines."""

CENT = Decimal("0.01")
LABEL = 2.0
"""Score of an amount that carries the very label of its role."""
STRONG = 0.9
"""Weight of a label from which on it must be answered for: left without a role it counts against a solution."""
UNANSWERED = 1.0
CLOSE = 0.45
"""Difference of scores under which two solutions are equally good."""
MOST = 9
"""Amounts tried for one role."""


@dataclass(frozen=True, slots=True)
class Witness:
    """An amount that may play a role. ``weight``: 0 to 1, 1 for the very label of the role."""

    value: Decimal
    role: Role
    weight: float


@dataclass(frozen=True, slots=True)
class RateLine:
    """One rate of tax as printed: ``net`` * ``rate`` / 100 = ``tax`` where all are."""

    rate: Decimal | None
    net: Decimal | None
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known about the totals. ``lines``: the sum of the line items, ``rates``: per cent, as printed."""

    witnesses: Sequence[Witness]
    rate_lines: Sequence[RateLine] = ()
    rates: Sequence[Decimal] = ()
    lines: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """The roles and what proves them.

    proofs: ``sum`` net + tax = gross, ``rate`` a printed rate fits, ``tax-lines`` they add up to the tax,
    ``lines`` the items add up to it, ``due`` gross - prepaid = due. ``charges`` where shipping or a discount
    of the document had to be reckoned in.
    """

    values: Mapping[Role, Decimal]
    score: float
    proofs: frozenset[str] = frozenset()

    def get(self, role: Role) -> Decimal | None:
        return self.values.get(role)


@dataclass(frozen=True, slots=True)
class Result:
    """The best solution, and what speaks against it.

    conflicts  roles for which another value is as good, with all such values, the best one first
    margins    how much better the best value of a role is than the next one, as a score
    ignored    amounts with the very label of a role that the best solution gives to another
    """

    best: Solution
    conflicts: Mapping[Role, tuple[Decimal, ...]] = field(default_factory=dict)
    margins: Mapping[Role, float] = field(default_factory=dict)
    ignored: tuple[tuple[Role, Decimal], ...] = ()


def solve(facts: Facts) -> Result:
    """The best solution; its ``values`` are empty where nothing speaks for any."""
    weights = _weights(facts.witnesses)
    nets, taxes, grosses = (_options(weights, role) for role in ("net", "tax", "gross"))
    charges = _charges(weights)
    dues = {gross: _due(weights, gross) for gross in grosses}
    demands = _demands(facts.witnesses)
    found = []
    for net, tax, gross in product(nets, taxes, grosses):
        if net is None and tax is not None and gross is None:
            continue
        score, proofs = _judge(net, tax, gross, facts, charges)
        named = _given(net, tax, gross)
        for role, value in named.items():
            weight = weights[role].get(value, 0.0)
            # "Total" is a net only where something proves it.
            score += LABEL * weight if weight >= 0.5 or proofs else -0.2
        due_score, due_values, due_proofs = dues[gross]
        values: dict[Role, Decimal] = {**named, **due_values}
        score += due_score - UNANSWERED * min(len(_unanswered(demands, values, facts, proofs)), 4)
        found.append(Solution(values, score, proofs | due_proofs))
    best = max(found, key=lambda s: (s.score, s.get("gross") or 0))
    ignored = tuple(sorted(_unanswered(demands, best.values, facts, best.proofs)))
    return replace(_compared(best, found), ignored=ignored)


def _compared(best: Solution, found: Iterable[Solution]) -> Result:
    conflicts: dict[Role, tuple[Decimal, ...]] = {}
    margins: dict[Role, float] = {}
    roles: tuple[Role, ...] = ("net", "tax", "gross", "due")
    near = [s for s in found if s.score > best.score - 3]
    for role in roles:
        mine = best.get(role)
        if mine is None:
            continue
        others: dict[Decimal, float] = {}
        for solution in near:
            value = solution.get(role)
            if value is not None and not _same(value, mine):
                others[value] = max(others.get(value, -9.0), solution.score)
        if others:
            margins[role] = best.score - max(others.values())
            close = [value for value, score in others.items() if best.score - score < CLOSE]
            if close:
                conflicts[role] = (mine, *sorted(close))
    return Result(best, conflicts, margins)


def _weights(witnesses: Iterable[Witness]) -> dict[Role, dict[Decimal, float]]:
    found: dict[Role, dict[Decimal, float]] = {
        role: {} for role in ("net", "tax", "gross", "due", "prepaid", "shipping", "discount", "rounding", "lines")
    }
    for w in witnesses:
        before = found[w.role].get(w.value)
        # A second place that says the same adds a little.
        found[w.role][w.value] = w.weight if before is None else min(max(before, w.weight) + 0.05, 1.1)
    return found


def _options(weights: Mapping[Role, Mapping[Decimal, float]], role: Role) -> list[Decimal | None]:
    ranked = sorted(weights[role].items(), key=lambda item: -item[1])[:MOST]
    return [None, *(value for value, _ in ranked)]


def _charges(weights: Mapping[Role, Mapping[Decimal, float]]) -> list[Decimal]:
    """Everything that may stand between the lines and the net, or the net and the gross: sums of a few charges."""
    up = [abs(v) for v in weights["shipping"] if v]
    down = [-abs(v) for v in weights["discount"] if v]
    sums = {Decimal(0)}
    for value in (up + down + list(weights["rounding"]))[:6]:
        sums |= {s + value for s in sums}
    return sorted(sums - {Decimal(0)}, key=abs)


def _due(
    weights: Mapping[Role, Mapping[Decimal, float]], gross: Decimal | None
) -> tuple[float, dict[Role, Decimal], frozenset[str]]:
    """The best amount due (and payment) for a gross total."""
    best: tuple[float, dict[Role, Decimal], frozenset[str]] = (0.0, {}, frozenset())
    for due, paid in product(_options(weights, "due"), _options(weights, "prepaid")):
        if due is None:
            continue
        score = LABEL * weights["due"][due] + (weights["prepaid"][paid] if paid is not None else 0)
        proofs = frozenset[str]()
        if gross is not None:
            # Payments are printed with and without a minus; a debt from before is a payment that is missing.
            if paid and any(_same(gross - sign * paid, due) for sign in (1, -1)):
                score += 2.0
                proofs = frozenset({"due"})
            elif _same(gross, due):
                score += 0.8
            else:
                score -= 1.0
        if score > best[0]:
            best = (score, {"due": due, **({"prepaid": paid} if paid is not None and proofs else {})}, proofs)
    return best


def _judge(
    net: Decimal | None, tax: Decimal | None, gross: Decimal | None, facts: Facts, charges: Sequence[Decimal]
) -> tuple[float, frozenset[str]]:
    score, proofs = 0.0, set[str]()
    if net is not None and tax is not None and gross is not None:
        if _same(net + tax, gross):
            score += 3.0 if tax else 1.5
            proofs.add("sum" if tax else "no-tax")
        elif any(_same(net + tax + charge, gross) for charge in charges):
            score += 2.6
            proofs |= {"sum", "charges"}
        elif abs(net + tax - gross) <= 5 * CENT:
            score += 1.0
            proofs.add("rounded")
        else:
            score -= 3.0
    elif net is not None and gross is not None and abs(net) >= abs(gross):
        # Without a tax the two are one amount, and it is the gross that every invoice has.
        score -= 2.0
    implied = tax if tax is not None or net is None or gross is None else gross - net
    if implied and _rate_fits(net, implied, gross, facts.rates):
        score += 1.5
        proofs.add("rate")
    if tax is not None and not _plausible(tax, net, gross):
        score -= 2.0
    if tax is not None and facts.rate_lines:
        taxes = sum((line.tax for line in facts.rate_lines), Decimal(0))
        if _same(taxes, tax):
            score += 1.5
            proofs.add("tax-lines")
        nets = [line.net for line in facts.rate_lines if line.net is not None]
        if net is not None and len(nets) == len(facts.rate_lines) and _same(sum(nets, Decimal(0)), net):
            score += 1.0
            proofs.add("tax-lines")
    if facts.lines is not None and facts.lines:
        if net is not None and _same(facts.lines, net):
            score += 2.0
            proofs.add("lines")
        elif gross is not None and _same(facts.lines, gross):
            score += 1.6
            proofs.add("lines")
        elif net is not None and any(_same(facts.lines + charge, net) for charge in charges):
            score += 1.6
            proofs |= {"lines", "charges"}
        elif gross is not None and any(_same(facts.lines + charge, gross) for charge in charges):
            score += 1.2
            proofs |= {"lines", "charges"}
    return score, frozenset(proofs)


def _rate_fits(net: Decimal | None, tax: Decimal, gross: Decimal | None, rates: Iterable[Decimal]) -> bool:
    for rate in rates:
        if net is not None and _same(net * rate / 100, tax, 2 * CENT):
            return True
        if net is None and gross is not None and _same(gross * rate / (100 + rate), tax, 2 * CENT):
            return True
    return False


def _plausible(tax: Decimal, net: Decimal | None, gross: Decimal | None) -> bool:
    """No tax is a third of what is taxed, and it has the sign of it."""
    base = net if net is not None else gross
    if base is None or not tax:
        return True
    return (tax > 0) == (base > 0) and abs(tax) <= abs(base) * Decimal("0.35")


def _demands(witnesses: Iterable[Witness]) -> set[tuple[Role, Decimal]]:
    asked: tuple[Role, ...] = ("net", "tax", "gross", "due")
    return {(w.role, w.value) for w in witnesses if w.weight >= STRONG and w.role in asked and w.value}


def _unanswered(
    demands: Iterable[tuple[Role, Decimal]], values: Mapping[Role, Decimal], facts: Facts, proofs: frozenset[str]
) -> list[tuple[Role, Decimal]]:
    """Strong labels whose amounts do not play their role, nor another one that arithmetic proves."""
    used: list[Decimal] = []
    if proofs & {"sum", "lines", "tax-lines", "no-tax"}:
        used += values.values()
    if facts.lines is not None:
        used.append(facts.lines)
    for line in facts.rate_lines:
        used += [line.tax] if line.net is None else [line.tax, line.net, line.net + line.tax]
    twins: dict[Role, Role] = {"gross": "due", "due": "gross"}

    def answered(role: Role, value: Decimal) -> bool:
        own = [values[r] for r in (role, twins.get(role, role)) if r in values]
        return any(_same(value, other) for other in own + used)

    return [demand for demand in demands if not answered(*demand)]


def _same(a: Decimal, b: Decimal, within: Decimal = Decimal("0.005")) -> bool:
    return abs(a - b) <= within


def _given(net: Decimal | None, tax: Decimal | None, gross: Decimal | None) -> dict[Role, Decimal]:
    values: dict[Role, Decimal | None] = {"net": net, "tax": tax, "gross": gross}
    return {role: value for role, value in values.items() if value is not None}
