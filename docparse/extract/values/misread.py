"""Numbers as a reader of pictures hands them over: l2.5O, 12 .50, 1.234.56.

The repairs keep every character in its place, so that a value found afterwards has its place in the text
as it was read. They touch only what is a number already in most of its characters.
"""

from __future__ import annotations

import re
from decimal import Decimal

from docparse.extract.values.numbers import Number

_DIGIT_FOR = str.maketrans({"O": "0", "o": "0", "Q": "0", "l": "1", "I": "1", "|": "1", "!": "1", "S": "5", "B": "8"})
_LIKE = r"[\dOoQlI|!SB]"
_MONEY = re.compile(
    rf"(?:(?<![^\W_.,])|(?<=(?<![^\W_])RM)|(?<=(?<![^\W_])EUR)|(?<=(?<![^\W_])USD)|(?<=[$€£¥]))"
    rf"(?:{_LIKE}{{1,3}}(?:,{_LIKE}{{3}})+|{_LIKE}{{1,6}})[.,]{_LIKE}{{2}}(?![\w|!]|[.,]\w)"
)
_DATE = re.compile(
    rf"(?<![\w|])(?:{_LIKE}{{1,2}}\s?[/.-]\s?{_LIKE}{{1,2}}\s?[/.-]\s?(?:{_LIKE}{{4}}|{_LIKE}{{2}})"
    rf"|{_LIKE}{{4}}[/.-]{_LIKE}{{1,2}}[/.-]{_LIKE}{{1,2}})(?![\w|])"
)
# A space inside a number. Before the mark (12 .50) it can be nothing else; elsewhere it needs a witness.
SPLIT = re.compile(
    r"(?<![\w.,])\d{1,3}(?:,\d{3})* [.,]\d{2}(?![\d.,])"
    r"|(?<![\d.,])(?P<doubtful>\d{1,3} \d{1,3}[.,]\d{2}|\d+[.,] \d{2}|\d+[.,]\d \d)(?![\d.,])"
)
_WRONG_MARKS = re.compile(r"\d{1,3}(?:\.\d{3})+\.\d{2}\Z|\d{1,3}(?:,\d{3})+,\d{2}\Z")


def put_right_money(text: str) -> tuple[str, frozenset[int]]:
    """The text with letters for digits in amounts put right, and the places where that was done."""
    return _put_right(text, _MONEY)


def put_right_dates(text: str) -> tuple[str, frozenset[int]]:
    """The same for dates."""
    return _put_right(text, _DATE)


def _put_right(text: str, pattern: re.Pattern[str]) -> tuple[str, frozenset[int]]:
    places: set[int] = set()
    characters = list(text)
    for match in pattern.finditer(text):
        read = match.group()
        wrong = [i for i, c in enumerate(read) if not c.isdigit() and c not in "/.,- \t"]
        right = sum(c.isdigit() for c in read)
        # S.20 and I.20 are headings as well, and what starts with S or B is a name or a $.
        if not wrong or right < 2 or right < len(wrong) or read[0] in "SBQ!" or (read[0] == "I" and read[1] in ".,"):
            continue
        for i in wrong:
            characters[match.start() + i] = read[i].translate(_DIGIT_FOR)
            places.add(match.start() + i)
    return "".join(characters), frozenset(places)


def read_split(printed: str) -> Number:
    """The number that ``SPLIT`` found: its last mark is the decimal one."""
    digits = printed.replace(" ", "")
    whole, fraction = digits[:-3], digits[-2:]
    return Number(Decimal(f"{re.sub('[.,]', '', whole)}.{fraction}"), 2, "." if digits[-3] == "." else ",", 0.6)


def read_wrong_marks(printed: str) -> Number | None:
    """1.234.56 and 1,234,56: the last mark can only be the decimal one, misread."""
    if not _WRONG_MARKS.match(printed):
        return None
    return Number(Decimal(f"{re.sub('[.,]', '', printed[:-3])}.{printed[-2:]}"), 2, None, 0.5)
