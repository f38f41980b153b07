"""Values as people write them, compared by what they mean: days, amounts, currencies, words.

What it is not: the reader of documents (``extract.values``). A judge that shared its code would share its mistakes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from docparse.evaluate.plain import DASHES

Kind = Literal["date", "amount", "currency", "text"]
CENT = Decimal("0.005")
"""Amounts that differ by less are one."""
_PLACES = Decimal("0.0001")

_MONTHS = {
    unicodedata.normalize("NFKC", name): number
    for number, names in enumerate(
        (
            "january jan januar janvier januari",
            "february feb februar février fevrier februari",
            "march mar märz maerz mars maart mrz",
            "april apr avril",
            "may mai mei",
            "june jun juni juin",
            "july jul juli juillet",
            "august aug août aout augustus",
            "september sep sept septembre",
            "october oct oktober octobre okt",
            "november nov novembre",
            "december dec dezember décembre decembre dez",
        ),
        1,
    )
    for name in names.split()
}
_CURRENCIES = {
    sign: code
    for code, signs in {
        "EUR": "€ euro eur",
        "USD": "$ us$ usd",
        "GBP": "£",
        "JPY": "¥",
        "MYR": "rm",
        "INR": "₹ rs",
        "DEM": "dm",
        "CHF": "chf fr",
    }.items()
    for sign in signs.split()
}

_WITH_TIME = re.compile(r"\d[t ]+\d{1,2}:\d{2}")
_TIME = re.compile(r"[t ]\d{1,2}[:.]\d{2}([:.]\d{2})?.*$")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
_YEAR_FIRST_TIGHT = re.compile(r"\D*(\d{4})(\d{2})(\d{2})\D*")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})(?!\d)")
_YEAR_LAST_TIGHT = re.compile(r"\D*(\d{2})(\d{2})(\d{4})\D*")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er)?[\s.,/-]*([^\W\d_]+)[\s.,'/-]*(\d{4}|\d{2})(?!\d)")
_MONTH_DAY = re.compile(r"([^\W\d_]+)[\s.]*(\d{1,2})(?:st|nd|rd|th)?[\s.,']+(\d{4}|\d{2})(?!\d)")
_THREE_NUMBERS = re.compile(r"(\d{1,2})\D+(\d{1,2})\D+(\d{2,4})")

_NUMBER = re.compile(r"\d[\d.,' \u00a0]*")
_MINUS_AFTER = re.compile(r"\s*-")
_IN_BRACKETS = re.compile(r"\(\s*[^\d]*\d[^)]*\)")
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Match:
    """``exact``: the same but for white space; ``same``: it means the same; ``likeness``: 0 to 1, of text by letters,
    of others 0 or 1."""

    exact: bool
    same: bool
    likeness: float


NOTHING = Match(exact=False, same=False, likeness=0.0)


def match(kind: Kind, said: Any, true: Any) -> Match:
    """Compare two values of a kind. A true date that can be read in two ways is read with its day first."""
    if blank(said):
        return NOTHING
    ours, theirs = " ".join(str(said).split()), " ".join(str(true).split())
    exact = ours == theirs
    if kind == "text":
        a, b = letters_and_digits(ours), letters_and_digits(theirs)
        return Match(exact, a == b, 1.0 if a == b else Levenshtein.normalized_similarity(a, b))
    if kind == "date":
        same = exact or bool(days(ours) & _true_days(theirs))
    elif kind == "amount":
        a_number, b_number = amount(said), amount(true)
        same = a_number is not None and b_number is not None and abs(a_number - b_number) < CENT
    else:
        same = _currency(ours) == _currency(theirs)
    return Match(exact, same, float(same))


def blank(value: Any) -> bool:
    """Whether there is no value."""
    return value is None or not str(value).strip()


def letters_and_digits(value: Any) -> str:
    """Of the value's text, folded."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", str(value)).casefold())


def _currency(text: str) -> str:
    return _CURRENCIES.get(text.casefold().strip(" ."), text.upper().strip(" ."))


# ------------------------------------------------------------------------------------ days


def days(text: str) -> frozenset[date]:
    """All days that the text can mean: of numbers alone, with the day first and with the month first."""
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    if _WITH_TIME.search(text):
        text = _TIME.sub("", text).strip()
    if found := _YEAR_FIRST.search(text):
        return _days(found.groups())
    if (found := _YEAR_FIRST_TIGHT.fullmatch(text)) and (day := _days(found.groups())):
        return day
    if found := _YEAR_LAST.search(text):
        a, b, year = found.groups()
        return _days((year, b, a), (year, a, b))
    if found := _YEAR_LAST_TIGHT.fullmatch(text):
        a, b, year = found.groups()
        return _days((year, b, a))
    if (found := _DAY_MONTH.search(text)) and found[2] in _MONTHS:
        return _days((found[3], _MONTHS[found[2]], found[1]))
    if (found := _MONTH_DAY.search(text)) and found[1] in _MONTHS:
        return _days((found[3], _MONTHS[found[1]], found[2]))
    return frozenset()


def _days(*numbers: tuple[Any, ...]) -> frozenset[date]:
    """The days among these years, months and days."""
    found = set()
    for year, month, day in numbers:
        try:
            found.add(date(_full(int(year)), int(month), int(day)))
        except ValueError:
            continue
    return frozenset(found)


def _full(year: int) -> int:
    return year + (2000 if year < 70 else 1900 if year < 100 else 0)


def _true_days(text: str) -> frozenset[date]:
    found = days(text)
    numbers = _THREE_NUMBERS.search(text)
    if len(found) < 2 or numbers is None:
        return found
    day, month, year = map(int, numbers.groups())
    return frozenset(one for one in found if one == _day_first(day, month, year)) or found


def _day_first(day: int, month: int, year: int) -> date | None:
    try:
        return date(year + 2000 if year < 70 else year, month, day)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------ amounts


def amount(value: Any) -> Decimal | None:
    """The number in a printed amount, whatever its separators; None where there is none. ``1,234`` are thousands,
    ``1,23`` and ``0,500`` decimals."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _rounded(str(value), negative=False)
    text = unicodedata.normalize("NFKC", str(value)).translate(DASHES)
    found = _NUMBER.search(text)
    if found is None:
        return None
    negative = "-" in text[: found.start()] or _MINUS_AFTER.match(text, found.end()) or _IN_BRACKETS.search(text)
    return _rounded(_plain_number(re.sub(r"[ '\u00a0]", "", found[0]).strip(".,")), negative=bool(negative))


def _plain_number(digits: str) -> str:
    """With a decimal point and nothing else."""
    last = max(digits.rfind(","), digits.rfind("."))
    before, after = re.sub(r"[.,]", "", digits[: max(last, 0)]), digits[last + 1 :]
    if last < 0:
        return digits
    if "," in digits and "." in digits:
        return f"{before}.{after}"
    if digits.count(digits[last]) > 1:
        return before + after
    thousands = digits[last] == "," and len(after) == 3 and len(before) <= 3 and before != "0"
    return before + after if thousands else f"{before}.{after}"


def _rounded(digits: str, *, negative: bool) -> Decimal | None:
    try:
        number = Decimal(digits)
        if number.is_nan():
            return None
        return (-number if negative else number).quantize(_PLACES).normalize()
    except InvalidOperation:
        return None
