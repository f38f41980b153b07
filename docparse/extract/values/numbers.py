"""A printed number read as a decimal: which mark groups, which one is the point, how surely.

What it is not: a search. It reads one run of digits and marks; ``amounts`` finds the runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Mark = Literal[".", ","]

_RUN = (
    r"\d{1,3}(?:'\d{3})+(?:[.,]\d{1,4})?(?!')"  # 1'234.56
    r"|\d+(?:[.,]\d+)+"  # 1.234,56  1,23,456.00  12.50, and what is no number at all: 12.03.2024
    r"|\d+"
    r"|(?<![\w.,])[.,]\d{1,4}(?!\d)"  # .50
)
# 12,- and 12.-- are how German, Dutch and Swiss print no cents.
_DASHES = r"(?P<dashes>[.,](?:-{1,2}|–|—)(?![\w-]))?"
RUN = re.compile(rf"(?:{_RUN}){_DASHES}")
"""A run of digits and marks that may be a number, in plain text (``match.plain``)."""
SPACED_RUN = re.compile(rf"[1-9]\d{{0,2}}(?: \d{{3}})+(?![ ]?\d)(?:[.,]\d{{1,4}}(?![\d.,])|(?![.,]\d)){_DASHES}")
"""The same, grouped with spaces: 1 234,56. It may as well be two numbers beside each other."""

_GROUPED: dict[Mark, re.Pattern[str]] = {
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+\Z"),
    # Thousands, or lakh and crore as in India: 1,23,456.
    ",": re.compile(r"\d{1,3}(?:,\d{3})+\Z|\d{1,2}(?:,\d{2})+,\d{3}\Z"),
}
# By the digits after the mark: two are money, none may be anything that is counted.
_SURE = {0: 0.3, 1: 0.5, 2: 0.95, 3: 0.55, 4: 0.55}
_MONTH_AND_YEAR = re.compile(r"(?:0?[1-9]|1[0-2])[.,](?:19|20)\d\d\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """``value`` without a sign; ``decimals`` digits stood after the ``mark`` (None: there is none)."""

    value: Decimal
    decimals: int
    mark: Mark | None
    sure: float


def read_number(printed: str, decimal: Mark | None = None) -> Number | None:
    """The reading of a run that ``NUMBER`` found, None where it is no number (12.03.2024, 1.2.3).

    ``decimal`` is the decimal mark where the document's is known. One mark with three digits after it
    (1.234) is read as thousands unless that mark is the decimal one: prices seldom have three decimals.
    """
    spaced = " " in printed
    digits = printed.replace("'", "").replace(" ", "")
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return _number(digits, "", None, _sure_of_integer(digits, grouped=spaced or "'" in printed))
    last: Mark = "." if marks[-1] == "." else ","
    whole, _, fraction = digits.rpartition(last)
    if len(set(marks)) == 2:
        group: Mark = "," if last == "." else "."
        if last in whole or not _GROUPED[group].match(whole):
            return None
        contradicted = decimal not in (None, last)
        return _number(whole.replace(group, ""), fraction, last, _sure(fraction) * (0.6 if contradicted else 1))
    if len(marks) > 1:
        if not _GROUPED[last].match(digits):
            return None
        return _number(digits.replace(last, ""), "", None, 0.3 if decimal == last else 0.7)
    if _GROUPED[last].match(digits) and whole.lstrip("0") == whole and decimal != last:
        return _number(whole + fraction, "", None, 0.5 if decimal is None else 0.7)
    sure = _sure(fraction)
    if decimal not in (None, last):
        sure = min(sure, 0.6)
    if _MONTH_AND_YEAR.match(digits) or len(fraction) > 4:
        sure = min(sure, 0.1)
    elif len(whole) > 1 and whole[0] == "0":
        sure = min(sure, 0.4)
    return _number(whole, fraction, last, sure)


def _number(whole: str, fraction: str, mark: Mark | None, sure: float) -> Number:
    return Number(Decimal(f"{whole or '0'}.{fraction}" if fraction else whole), len(fraction), mark, sure)


def _sure(fraction: str) -> float:
    return _SURE.get(len(fraction), 0.1)


def _sure_of_integer(digits: str, *, grouped: bool) -> float:
    if grouped:
        return 0.7
    # Seven digits in a row, or a leading zero: numbers of accounts, articles and phones are printed so.
    return 0.1 if len(digits) > 6 or (len(digits) > 1 and digits[0] == "0") else 0.3
