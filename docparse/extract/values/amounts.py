"""Amounts of money and other decimal numbers in text, in every style of print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from docparse.extract.values.currencies import code_of, sign_pattern
from docparse.extract.values.match import TIGHT_SPACES, Match, overlaps, plain

Mark = Literal[".", ","]


@dataclass(frozen=True, slots=True)
class Amount(Match[Decimal]):
    """A number in text.

    ``value`` has its sign, and as many digits after the point as are printed (``decimals``).
    ``currency`` is the ISO code of what is printed beside it, ``percent`` is true before a % sign.
    """

    currency: str | None = None
    decimals: int = 0
    percent: bool = False


@cache
def _pattern() -> re.Pattern[str]:
    money = sign_pattern()
    number = (
        r"\d{1,3}(?:'\d{3})+(?:[.,]\d{1,4})?"  # 1'234.56
        r"|\d{1,3}(?: \d{3})+(?:[.,]\d{1,4})?(?![\d.,])"  # 1 234,56
        r"|\d+(?:[.,]\d+)+"  # 1.234,56  1,23,456.00  12.50  and what is no number at all: 12.03.2024
        r"|\d+"
        r"|(?<![\w.,])[.,]\d{1,4}(?!\d)"  # .50
    )
    return re.compile(
        rf"(?P<open>\()?\s?(?P<sign1>[-–+]\s?)?(?P<before>(?<![^\W\d_])(?:{money})\s{{0,2}})?(?P<sign2>[-–+])?"
        rf"(?P<number>{number})(?P<dashes>[.,](?:-{{1,2}}|–|—))?"
        rf"(?P<percent>\s?%)?(?P<after>\s{{0,2}}(?:{money})(?![^\W\d_]))?"
        rf"(?P<minus>-(?![\w]))?(?P<credit>\s?(?:CR|DR)\b)?(?P<close>\s?\))?"
    )


_GROUPED = {
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+$"),
    ",": re.compile(r"\d{1,3}(?:,\d{3})+$|\d{1,2}(?:,\d{2})+,\d{3}$"),
}


@dataclass(frozen=True, slots=True)
class _Reading:
    value: Decimal
    decimals: int
    sure: float


def _decimal(whole: str, fraction: str, sure: float) -> _Reading:
    return _Reading(Decimal(f"{whole or 0}.{fraction}" if fraction else whole), len(fraction), sure)


def _sure_by_decimals(count: int) -> float:
    return {0: 0.3, 2: 0.95, 1: 0.6, 3: 0.55, 4: 0.55}.get(count, 0.3)


def _read(number: str, decimal: Mark | None) -> _Reading | None:
    """The reading of a run of digits and marks; None where it cannot be a number (12.03.2024)."""
    number = number.replace("'", "").replace(" ", "")
    marks = [c for c in number if c in ".,"]
    if not marks:
        long = len(number) > 6 or (len(number) > 1 and number[0] == "0")
        return _decimal(number, "", 0.1 if long else 0.3)
    last: Mark = "." if marks[-1] == "." else ","
    whole, _, fraction = number.rpartition(last)
    kinds = set(marks)
    if len(kinds) == 2:
        other: Mark = "," if last == "." else "."
        if last in whole or not _GROUPED[other].match(whole):
            return None
        sure = _sure_by_decimals(len(fraction))
        return _decimal(whole.replace(other, ""), fraction, sure if decimal in (None, last) else min(sure, 0.5))
    if len(marks) > 1:
        if not _GROUPED[last].match(number) or decimal == last:
            return None
        return _decimal(number.replace(last, ""), "", 0.7)
    groups = bool(_GROUPED[last].match(number)) and whole != "0"
    if groups and decimal != last:
        return _decimal(whole + fraction, "", 0.5 if decimal is None else 0.7)
    sure = _sure_by_decimals(len(fraction))
    return _decimal(whole, fraction, sure if decimal in (None, last) else min(sure, 0.6))


def amounts(text: str, *, decimal: Mark | None = None, ocr: bool = False) -> list[Amount]:
    """Every amount and number in the text, left to right."""
    searched = plain(text)
    found = []
    for match in _pattern().finditer(searched):
        reading = _read(match["number"], decimal)
        if reading is None:
            continue
        start, end = match.span()
        value = reading.value
        currency = (match["before"] or match["after"] or "").strip()
        negative = bool(
            "-" in (match["sign1"] or "")
            or match["sign2"] == "-"
            or match["minus"]
            or (match["credit"] or "").strip() == "CR"
            or (match["open"] and match["close"] and (reading.decimals == 2 or currency))
        )
        sure = reading.sure
        percent = bool(match["percent"])
        if percent:
            sure = 0.3
        elif currency:
            sure = min(1.0, max(sure, 0.85) + 0.05)
        found.append(
            Amount(
                -value if negative else value,
                text[start:end],
                start,
                end,
                sure,
                code_of(currency) if currency else None,
                reading.decimals,
                percent,
            )
        )
    return found


def decimal_mark(texts: Iterable[str]) -> Mark | None:
    """The decimal mark of a document, by the evidence of all its amounts; None without evidence."""
    votes = {".": 0, ",": 0}
    for text in texts:
        for number in re.findall(r"(?<![\w.,:/-])\d[\d.,' ]*[.,]\d{1,2}(?![\w.,:/-])", plain(text)):
            reading = _read(number.strip(), None)
            if reading is not None and reading.decimals == 2:
                votes[number.rstrip("0123456789")[-1]] += 1
    if votes["."] == votes[","]:
        return None
    return "." if votes["."] > votes[","] else ","
