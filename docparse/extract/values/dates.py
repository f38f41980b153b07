"""Dates and times in text.

Found and read here rather than by dateutil or dateparser: both guess what is missing (dateutil reads "3" and
"12.50" as days of this month), and neither says where a date stands or that it has two readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from typing import Literal

from docparse.extract.values.match import Match, plain
from docparse.extract.values.misread import put_right_dates
from docparse.extract.values.months import folded, months

Order = Literal["dmy", "mdy", "ymd"]

_YEAR = r"(?:19|20)\d\d"
# A time may be glued to the date: 05/01/201812:30.
_END = r"(?=\d{1,2}:\d{2}|[^\d]|\Z)(?![./]\d)(?:(?<=\d{4})|(?!-\d))(?!:\d)"
# After a four-digit year a hyphen is a range: 01/10/2018-31/10/2018.
_START = r"(?<!\d)(?<!\d[./])(?<!(?<!\d{3})\d-)"
_YEAR_LAST = re.compile(
    rf"{_START}(?P<a>\d{{1,2}})(?P<gap>[ ]?)(?P<s>[./-])[ ]?(?P<b>\d{{1,2}})[ ]?(?P<s2>[./-])[ ]?"
    rf"'?(?P<year>{_YEAR}|\d\d){_END}"
)
_YEAR_FIRST = re.compile(
    rf"{_START}(?P<year>{_YEAR})[ ]?(?P<s>[./-])[ ]?(?P<m>\d{{1,2}})[ ]?(?P=s)[ ]?(?P<d>\d\d?){_END}"
)
_CJK = re.compile(
    rf"(?<!\d)(?P<year>{_YEAR}|\d\d)\s?[年년]\s?(?P<m>\d{{1,2}})\s?[月월]\s?(?P<d>\d{{1,2}})\s?[日号號일]?"
)
_HAN_DIGITS = "〇零○一二三四五六七八九"
_HAN = re.compile(
    rf"(?P<year>[{_HAN_DIGITS}]{{4}})年(?P<m>[{_HAN_DIGITS}十]{{1,2}})月(?P<d>[{_HAN_DIGITS}十]{{1,3}})[日号號]"
)
_COMPACT = re.compile(rf"(?<![\w.,/-])(?P<year>{_YEAR})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?![\w.,/-]\w|\w)")

_NAME = r"(?P<name>[^\W\d_]{3,10})\.?"
_NAMED_YEAR = rf"'?(?P<year>{_YEAR}|\d\d)(?=\d{{1,2}}:\d{{2}}|[^\d]|\Z)(?!:\d)(?![.,]\d)"
_OF = r"(?:de|of|di|del|do)?"
_DAY_FIRST = re.compile(
    rf"(?<![\d.,/-])(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º|°|ª)?[ ]?[.,]?[ ]?(?:{_OF}[ ])?[-/ ]?"
    rf"{_NAME}[ ]?[-/,.]?[ ]?(?:{_OF}[ ])?{_NAMED_YEAR}",
    re.IGNORECASE,
)
_NAME_FIRST = re.compile(
    rf"(?<![^\W_]){_NAME}[ ]?[-/]?[ ]?(?P<d>\d{{1,2}})"
    rf"(?:(?:st|nd|rd|th)[ ]?[,./-]?[ ]?|[ ]?[/-][ ]?|[ ]?[,.]?[ ]|[,.](?=(?:19|20)\d\d)){_NAMED_YEAR}",
    re.IGNORECASE,
)
# Short months that are words of a bill as well: 5 SET 20.
_OTHER_WORDS = frozenset({"set", "dis", "mei", "out", "mac"})
_YEAR_NAME = re.compile(
    rf"(?<![\d.,/-])(?P<year>{_YEAR})[ ]?[-/,.]?[ ]?{_NAME}[ ]?[-/,.]?[ ]?(?P<d>\d{{1,2}})(?!\d|[.,:]\d)", re.IGNORECASE
)


def dates(text: str, *, order: Order | None = None, ocr: bool = False) -> list[Match[date]]:
    """The dates in the text, left to right; they do not overlap. A month alone or a day without year is none.

    ``order`` is the order of numeric dates where the document's is known (``date_order``); None reads the
    day first unless that is impossible, and a date with two readings is less sure (0.7 and below). Eight
    digits (20240305) are a date with low sure. ``ocr`` accepts letters read for digits and spaces inside.
    """
    searched = plain(text)
    guessed: frozenset[int] = frozenset()
    if ocr:
        searched, guessed = put_right_dates(searched)
    found: list[Match[date]] = []
    for match, value, sure in _candidates(searched, order, ocr=ocr):
        start, end = match.span()
        if any(start < other.end and other.start < end for other in found):
            continue
        if any(start <= place < end for place in guessed):
            sure = min(sure, 0.6)
        found.append(Match(value, text[start:end], start, end, sure))
    return sorted(found, key=lambda m: m.start)


_Candidate = tuple[re.Match[str], date, float]


def _candidates(searched: str, order: Order | None, *, ocr: bool) -> Iterable[_Candidate]:
    """The readings, the surest forms first: what is taken by one is not read again by the next."""
    if not any(c.isdigit() for c in searched):
        if "年" in searched:
            yield from _han(searched)
        return
    for match in _YEAR_FIRST.finditer(searched):
        if value := _date(match["year"], match["m"], match["d"]):
            yield match, value, 0.97 if match["s"] != "." else 0.9
    for match in _CJK.finditer(searched):
        if value := _date(match["year"], match["m"], match["d"]):
            yield match, value, 0.98 if len(match["year"]) == 4 else 0.85
    yield from _han(searched)
    if _has_word(searched):
        yield from _named(searched, ocr=ocr)
    for match in _YEAR_LAST.finditer(searched):
        mixed = match["s"] != match["s2"]
        spaced = " " in match.group()
        if (mixed and not ocr) or (spaced and match["s"] == "-"):
            continue  # 10 - 12 - 20 is arithmetic or a list
        if read := _numeric(match["a"], match["b"], match["year"], match["s"], order):
            value, sure = read
            yield match, value, min(sure, 0.6) if mixed else min(sure, 0.9) if spaced else sure
    for match in _COMPACT.finditer(searched):
        if value := _date(match["year"], match["m"], match["d"]):
            yield match, value, 0.3


def _has_word(searched: str) -> bool:
    return re.search(r"[^\W\d_]{3}|\d[a-zA-Z]", searched) is not None


def _numeric(a: str, b: str, year: str, separator: str, order: Order | None) -> tuple[date, float] | None:
    """The reading of a date with its year last, or of six digits in any order."""
    readings: dict[Order, date | None] = {"dmy": _date(year, b, a), "mdy": _date(year, a, b)}
    if len(year) == 2 and len(a) == 2:
        readings["ymd"] = _date(a, b, year)
    possible = {name: value for name, value in readings.items() if value is not None}
    if not possible:
        return None
    short = len(year) == 2
    if order in possible:
        return possible[order], 0.85 if short else 0.97
    usual: Order = "dmy" if "dmy" in possible else "mdy" if "mdy" in possible else "ymd"
    value = possible[usual]
    # Six digits may start with the year, but seldom do.
    others = {v for name, v in possible.items() if name != "ymd"} if usual != "ymd" else {value}
    if order is not None and order != "ymd":
        sure = 0.5  # it cannot be read in the document's order
    elif len(others) == 1:
        sure = 0.95
    else:
        sure = 0.9 if separator == "." else 0.7
    if usual == "ymd":
        sure = min(sure, 0.5)
    elif order is None and separator == "-" and "ymd" in possible:
        sure = min(sure, 0.7)
    return value, sure - 0.1 if short else sure


def _named(searched: str, *, ocr: bool) -> Iterable[_Candidate]:
    names = months()
    for pattern in (_DAY_FIRST, _NAME_FIRST, _YEAR_NAME):
        for match in pattern.finditer(searched):
            month = names.get(folded(match["name"]))
            if month is None:
                continue
            if value := _date(match["year"], str(month), match["d"]):
                sure = 0.98 if len(match["year"]) == 4 else 0.4 if folded(match["name"]) in _OTHER_WORDS else 0.85
                yield match, value, sure


def _han(searched: str) -> Iterable[_Candidate]:
    for match in _HAN.finditer(searched):
        year = "".join(str(_han_number(c)) for c in match["year"])
        if value := _date(year, str(_han_number(match["m"])), str(_han_number(match["d"]))):
            yield match, value, 0.97


def _han_number(written: str) -> int:
    """0 to 39 in Chinese numerals: 十一 is 11, 二十 is 20, 〇 is 0."""
    if "十" in written:
        tens, _, ones = written.partition("十")
        return (_han_number(tens) if tens else 1) * 10 + (_han_number(ones) if ones else 0)
    return int("".join(str(max(0, _HAN_DIGITS.index(c) - 2)) for c in written))


def _date(year: str, month: str, day: str) -> date | None:
    """The date, None where there is no such day. Two-digit years are 1970 to 2069, as POSIX has it."""
    number = int(year)
    if len(year) == 2:
        number += 1900 if number >= 70 else 2000
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None


def date_order(texts: Iterable[str]) -> Order | None:
    """Which part of a numeric date comes first in this document, None without evidence or against itself.

    The evidence is in the dates with one reading only: a part over 12 is the day. Dates that start with a
    four-digit year speak for ``ymd`` where no other numeric date decides.
    """
    votes: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
    for text in texts:
        searched = plain(text)
        for match in _YEAR_FIRST.finditer(searched):
            votes["ymd"] += _date(match["year"], match["m"], match["d"]) is not None
        for match in _YEAR_LAST.finditer(searched):
            if match["s"] != match["s2"] or (len(match["year"]) == 2 and match["s"] == "-"):
                continue
            day_first, month_first = (
                _date(match["year"], match["b"], match["a"]),
                _date(match["year"], match["a"], match["b"]),
            )
            votes["dmy"] += day_first is not None and month_first is None
            votes["mdy"] += month_first is not None and day_first is None
    if votes["dmy"] or votes["mdy"]:
        few, many = sorted((votes["dmy"], votes["mdy"]))
        if many < 3 * few:
            return None
        return "dmy" if votes["dmy"] == many else "mdy"
    return "ymd" if votes["ymd"] else None


_TIME = re.compile(
    r"(?:(?<![\d:.,])|(?<=[./-]\d{4})|(?<=[./-]\d{2}))(?P<h>2[0-3]|[01]?\d)"
    r"(?:[ ]?(?P<colon>:)[ ]?(?P<m>[0-5]\d)(?:(?:[ ]?:[ ]?|[.])(?P<s>[0-5]\d)(?!\d))?"
    r"|[.h](?P<m2>[0-5]\d)(?:[.](?P<s2>[0-5]\d))?"
    r"|时(?P<m3>[0-5]?\d)分(?:(?P<s3>[0-5]?\d)秒)?)?"
    r"(?P<word>[ ]?(?:uhr\b|(?P<half>[ap])\.?[ ]?m\b\.?))?",
    re.IGNORECASE,
)


def times(text: str) -> list[Match[time]]:
    """The times of day in the text: 12:30, 12:30:11, 2.30 pm, 14.30 Uhr, 14h30, 14时30分, 3pm."""
    searched = plain(text)
    found = []
    for match in _TIME.finditer(searched):
        start, end = match.span()
        minute = match["m"] or match["m2"] or match["m3"]
        if minute is None and not match["half"]:
            continue
        second = match["s"] or match["s2"] or match["s3"]
        hour = int(match["h"])
        if match["half"]:
            if not 1 <= hour <= 12 and minute is None:
                continue
            if hour <= 12:
                hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
        elif not match["colon"] and not match["m3"] and not match["word"] and "h" not in match.group().lower():
            continue  # 12.30 alone is an amount
        if not match["word"] and searched[end : end + 1].isdigit():
            continue
        sure = 0.95 if match["word"] or match["m3"] or second else 0.85 if len(match["h"]) == 2 else 0.6
        value = time(hour, int(minute or 0), int(second or 0))
        found.append(Match(value, text[start:end], start, end, sure))
    return found
