"""Quantities with their unit, and percentages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from docparse.extract.values.amounts import amounts
from docparse.extract.values.match import Match, plain
from docparse.extract.values.numbers import RUN, Mark, read_number
from docparse.extract.values.units import UNIT


@dataclass(frozen=True, slots=True)
class Quantity(Match[Decimal]):
    """A number of something; ``unit`` as printed, "x" for a bare multiplier (2 x, x2, 3 @)."""

    unit: str | None = None


_UNIT = re.compile(rf"[ ]?(?P<unit>{UNIT})", re.IGNORECASE)
_TIMES = re.compile(r"[ ]?[xX×*@](?![^\W\d_])")
_TIMES_BEFORE = re.compile(r"(?<![^\W_])[xX×*][ ]?\Z")


def quantities(text: str, *, decimal: Mark | None = None) -> list[Quantity]:
    """The quantities in the text: a number with its unit (3 Stk, 1,5 h, 10 kg), or a multiplier (2 x)."""
    searched = plain(text)
    found: list[Quantity] = []
    for match in RUN.finditer(searched):
        start, end = match.span()
        number = read_number(match.group(), decimal) if not match["dashes"] else None
        before = searched[start - 1] if start else " "
        if (
            number is None
            or before in "/:-#_"
            or (before.isalpha() and not _TIMES_BEFORE.search(searched, max(0, start - 2), start))
        ):
            continue
        sure = 0.9
        if unit := _UNIT.match(searched, end):
            stop, name = unit.end(), text[unit.start("unit") : unit.end("unit")]
            # A letter or two may be anything: 12.50 m, 3 t, 5 A.
            sure = 0.6 if len(name.rstrip(".")) == 1 and name.isascii() else 0.9
        elif number.decimals != 2 and (times := _TIMES.match(searched, end)):
            stop, name, sure = times.end(), "x", 0.8
        elif number.decimals != 2 and (times := _TIMES_BEFORE.search(searched, max(0, start - 2), start)):
            if found and found[-1].end > times.start():
                continue
            start, stop, name, sure = times.start(), end, "x", 0.7
        else:
            continue
        found.append(Quantity(number.value, text[start:stop], start, stop, sure, name))
    return found


_PERCENT = re.compile(r"[ ]?(?:%|percent\b|per cent\b|prozent\b)", re.IGNORECASE)


def percentages(text: str, *, decimal: Mark | None = None) -> list[Match[Decimal]]:
    """The percentages in the text as percent numbers: 19 for 19 %. ``text`` of each has the sign."""
    searched = plain(text)
    found: list[Match[Decimal]] = []
    if not _PERCENT.search(searched):
        return found
    for amount in amounts(text, decimal=decimal):
        if not amount.percent:
            continue
        sign = _PERCENT.match(searched, amount.end)
        end = sign.end() if sign else amount.end
        found.append(Match(amount.value, text[amount.start : end], amount.start, end, 0.95))
    return found
