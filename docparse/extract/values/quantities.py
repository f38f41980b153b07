"""Quantities with their unit, and percentages."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from docparse.extract.values.amounts import Mark, amounts
from docparse.extract.values.match import Match


@dataclass(frozen=True, slots=True)
class Quantity(Match[Decimal]):
    """A number of something; ``unit`` as printed, "x" for a bare multiplier."""

    unit: str | None = None


def quantities(text: str, *, decimal: Mark | None = None) -> list[Quantity]:
    """The quantities in the text: a number with its unit, or a multiplier."""
    return []


def percentages(text: str, *, decimal: Mark | None = None) -> list[Match[Decimal]]:
    """The percentages in the text as percent numbers: 19 for 19 %."""
    return [Match(m.value, m.text, m.start, m.end, 0.95) for m in amounts(text, decimal=decimal) if m.percent]
