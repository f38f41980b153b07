"""Amounts of money and other decimal numbers in text, in every style of print.

1.234,56 · 1,234.56 · 1 234,56 · 1'234.56 · 1,23,456.00 · １２．５０ · 12,- · RM12.50 · 12,50€ · (12.50) · 12.50-
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from docparse.extract.values.currencies import MONEY, code_beside
from docparse.extract.values.match import TIGHT_SPACES, Match, plain
from docparse.extract.values.misread import SPLIT, put_right_money, read_split, read_wrong_marks
from docparse.extract.values.numbers import RUN, SPACED_RUN, Mark, Number, read_number
from docparse.extract.values.units import UNIT


@dataclass(frozen=True, slots=True)
class Amount(Match[Decimal]):
    """A number in text.

    ``value`` has its sign, and as many digits after the point as are printed (``decimals``).
    ``currency`` is the ISO code of what is printed beside it: of a sign that several countries share, the
    commonest reading ($ is USD, ¥ is JPY or, among Chinese characters, CNY). ``percent``: a % sign follows.
    ``text`` is the number with its sign and what makes it negative, without the currency and the %.
    """

    currency: str | None = None
    decimals: int = 0
    percent: bool = False


_LEFT = re.compile(
    rf"(?P<open>\([ ]?)?(?P<sign>[-–+][ ]?)?(?:(?<![^\W\d_])(?P<money>{MONEY})[ ]{{0,2}})?(?P<inner>[-–+])?\Z"
)
_LEFT_BARE = re.compile(r"(?P<open>\([ ]?)?(?P<sign>[-–+][ ]?)?(?P<money>(?!))?(?P<inner>(?!))?\Z")
_RIGHT = re.compile(
    rf"(?P<minus>-(?![\w-])(?![ ]?\d))?(?P<percent>[ ]?(?:%|percent\b|per cent\b|prozent\b))?"
    rf"(?:[ ]{{0,2}}(?P<money>{MONEY})(?![^\W\d_]))?(?P<outer>-(?![\w-]))?"
    r"(?P<credit>[ ]?(?:CR|DR)\b)?(?P<close>[ ]?\))?",
    re.IGNORECASE,
)
_RIGHT_BARE = re.compile(
    r"(?P<minus>-(?![\w-])(?![ ]?\d))?(?P<percent>[ ]?(?:%|percent\b|per cent\b|prozent\b))?(?P<money>(?!))?"
    r"(?P<outer>(?!))?(?P<credit>[ ]?(?:CR|DR)\b)?(?P<close>[ ]?\))?",
    re.IGNORECASE,
)
_UNIT_NEXT = re.compile(rf"[ ]?{UNIT}", re.IGNORECASE)
_CLOCK_NEXT = re.compile(r"[ ]?(?:uhr\b|[ap]\.?m\b)", re.IGNORECASE)
_REACH = 14  # characters back from a number: a bracket, a sign, a currency and spaces


@dataclass(frozen=True, slots=True)
class _Run:
    number: Number
    start: int
    end: int
    at_most: float = 1.0  # sure, whatever stands beside it


def amounts(text: str, *, decimal: Mark | None = None, ocr: bool = False) -> list[Amount]:
    """Every amount and number in the text, left to right; they do not overlap.

    ``decimal`` is the document's decimal mark where it is known (``decimal_mark``). ``ocr`` accepts what a
    reader of pictures makes of a number (l2.5O, 12 .50), with less trust. Parts of dates, times, phone
    numbers, IBANs and codes may come back, but never surely: with ``sure`` of 0.5 and below it is a number
    of something, with 0.8 and more it is money by its form.
    """
    searched = plain(text)
    guessed: frozenset[int] = frozenset()
    if ocr:
        searched, guessed = put_right_money(searched)
    runs = _runs(text, searched, decimal, ocr=ocr)
    lefts = [_left(searched, runs[i - 1].end if i else 0, run.start) for i, run in enumerate(runs)]
    rights = [
        # One character more, so that the right side sees that a number follows.
        _right(searched, run.end, runs[i + 1].start + 1 if i + 1 < len(runs) else len(searched))
        for i, run in enumerate(runs)
    ]
    # A currency between two numbers belongs to one of them: to the right one if the first number has its before it.
    leads = bool(lefts) and lefts[0]["money"] is not None
    found = []
    for i, (run, left, right) in enumerate(zip(runs, lefts, rights, strict=True)):
        before, after = left["money"], right["money"]
        if before and i and not leads and rights[i - 1].span("money") == left.span("money"):
            before = None
        if after and leads and i + 1 < len(runs) and lefts[i + 1].span("money") == right.span("money"):
            after = None
        amount = _amount(text, searched, run, left, right)
        money = before or after
        if money:
            zeros = amount.decimals == 0 and re.match(r"0\d", searched[run.start : run.end])
            sure = amount.sure if amount.percent or zeros else min(1.0, max(amount.sure, 0.8) + 0.05)
            amount = replace(amount, currency=code_beside(money, text), sure=min(sure, run.at_most))
        touched = sum(run.start <= place < run.end for place in guessed)
        if touched:
            amount = replace(amount, sure=min(amount.sure, 0.6 if touched == 1 else 0.45))
        found.append(amount)
    return found


def _runs(text: str, searched: str, decimal: Mark | None, *, ocr: bool) -> list[_Run]:
    runs = []
    position = 0
    while match := RUN.search(searched, position):
        start = match.start()
        read = None
        if (
            ocr
            and (split := SPLIT.match(searched, start))
            and (not split["doubtful"] or _alone(searched, *split.span()))
        ):
            read = _Run(read_split(split.group()), start, split.end(), 0.7)
        elif spaced := SPACED_RUN.match(searched, start):
            read = _spaced(text, searched, spaced, decimal)
        if read is None:
            read = _plain_run(match, decimal, ocr=ocr)
            if read is not None and start and searched[start - 1] == " " and _three_after_digit(searched, match):
                read = replace(read, number=replace(read.number, sure=min(read.number.sure, 0.7)))
        if read is not None:
            runs.append(read)
        position = read.end if read else match.end()
    return runs


def _plain_run(match: re.Match[str], decimal: Mark | None, *, ocr: bool) -> _Run | None:
    dashes = match["dashes"] or ""
    printed = match.group()[: len(match.group()) - len(dashes)]
    number = read_number(printed, decimal)
    at_most = 1.0
    if number is None and ocr:
        number, at_most = read_wrong_marks(printed), 0.6
    if number is None:
        return None
    if dashes and number.decimals == 0:
        number = replace(number, sure=max(number.sure, 0.85))
    return _Run(number, match.start(), match.end(), at_most)


def _three_after_digit(searched: str, match: re.Match[str]) -> bool:
    """Whether this may be the tail of a number grouped with spaces: the 234.56 of 1 234.56."""
    whole = re.match(r"\d+", match.group())
    return bool(whole) and len(whole.group()) == 3 and searched[match.start() - 2 : match.start() - 1].isdigit()  # type: ignore[union-attr]


def _spaced(text: str, searched: str, match: re.Match[str], decimal: Mark | None) -> _Run | None:
    """A number grouped with spaces, None where it is more likely several numbers in a row."""
    start, end = match.span()
    dashes = match["dashes"] or ""
    printed = match.group()[: len(match.group()) - len(dashes)]
    number = read_number(printed, decimal)
    if number is None or (number.mark is None and re.search(r"[.,]", printed)):
        return None
    spaces = [text[start + i] for i, c in enumerate(printed) if c == " "]
    if dashes or all(space in TIGHT_SPACES for space in spaces):
        return _Run(replace(number, sure=max(number.sure, 0.7)), start, end)
    beside = _alone(searched, start, end)
    if number.decimals == 0:
        # 10 500 is a quantity and an article as often as it is ten thousand five hundred; 10 000 is one number.
        if re.search(" 0", printed) or beside or _right(searched, end, len(searched))["money"]:
            return _Run(replace(number, sure=0.6), start, end)
        return None
    if len(spaces) > 1:
        return _Run(replace(number, sure=min(number.sure, 0.8)), start, end)
    # Those who group with a space write a decimal comma; with a point it takes a witness.
    if (number.mark == "," and decimal != ".") or beside:
        return _Run(replace(number, sure=min(number.sure, 0.8 if beside else 0.6)), start, end)
    return None


def _alone(searched: str, start: int, end: int) -> bool:
    """Whether the text is this number, or a currency stands right before it."""
    left = _left(searched, 0, start)
    if left["money"]:
        return True
    right = _right(searched, end, len(searched))
    return not searched[: left.start()].strip() and not searched[right.end() :].strip()


def _left(searched: str, since: int, start: int) -> re.Match[str]:
    """What stands before a number, up to it: a bracket, a sign, a currency, a sign."""
    at = max(since, start - _REACH)
    match = _LEFT.search(searched, at, start)
    if match and match["money"] and code_beside(match["money"], searched) is None:
        match = None
    match = match or _LEFT_BARE.search(searched, at, start)
    assert match is not None
    return match


def _right(searched: str, end: int, until: int) -> re.Match[str]:
    match = _RIGHT.match(searched, end, until)
    if match and match["money"] and code_beside(match["money"], searched) is None:
        match = None
    match = match or _RIGHT_BARE.match(searched, end, until)
    assert match is not None
    return match


def _amount(text: str, searched: str, run: _Run, left: re.Match[str], right: re.Match[str]) -> Amount:
    number = run.number
    percent = right["percent"] is not None
    money = left["money"] or right["money"]
    start, end = run.start, run.end
    sign = _sign(searched, left)
    if sign is not None:
        start = sign
    bracketed = bool(left["open"] and right["close"] and not percent and (number.decimals == 2 or money))
    credit = (right["credit"] or "").strip().upper() == "CR"
    after = right["minus"] or right["outer"]
    if after:
        end = right.end("minus") if right["minus"] else right.end("outer")
    elif credit:
        end = right.end("credit")
    elif bracketed:
        start, end = left.start("open"), right.end("close")
    negative = sign is not None or bool(after) or bracketed or credit
    sure = _sure_in_place(searched, run, left, right, number.sure)
    if percent:
        sure = min(sure, 0.3)
    elif bracketed:
        sure = min(sure, 0.7)
    value = -number.value if negative and number.value else number.value
    return Amount(value, text[start:end], start, end, sure, None, number.decimals, percent)


def _sign(searched: str, left: re.Match[str]) -> int | None:
    """Where a minus before the number stands; None where there is none, or it is a dash or a hyphen."""
    if left["inner"] and left["inner"] != "+":
        at = left.start("inner")
        # 10.00-20.00 is a range, A-12.50 a name; RM-5.00 has the currency between.
        return at if left["money"] or at == 0 or searched[at - 1] in " (:\t|\n" else None
    if left["sign"] and not left["sign"].startswith("+"):
        at = left.start("sign")
        if len(left["sign"]) > 1 and not left["money"]:
            # "- 12.50" on its own is a deduction; after words the dash separates.
            return at if not searched[:at].strip() else None
        return at if at == 0 or searched[at - 1] in " (:\t|\n" else None
    return None


def _sure_in_place(searched: str, run: _Run, left: re.Match[str], right: re.Match[str], sure: float) -> float:
    """``sure`` after a look at the characters that touch the number: codes, dates, times, units."""
    start, end = run.start, run.end
    before = searched[start - 1] if start else " "
    after = searched[end] if end < len(searched) else " "
    if not left["money"] and (before.isalpha() or before in "_#"):
        sure = min(sure, 0.3)
    touches = before in "/-" and searched[start - 2 : start - 1].isalnum()
    touches |= before in ":." and searched[start - 2 : start - 1].isdigit()
    if start > 1 and touches and not left["money"]:
        sure = min(sure, 0.5 if run.number.decimals == 2 and before == "-" else 0.2)
    if not right["money"] and not right["percent"]:
        tail = re.match(r"[^\W\d_]*", searched[end : end + 4])
        letters = tail.group() if tail else ""
        # A till prints the tax code behind the price: 12.50A, 12.50SR.
        if letters and not (len(letters) <= 2 and letters.isupper() and run.number.decimals == 2):
            sure = min(sure, 0.3)
        unit = _UNIT_NEXT.match(searched, end)
        if (unit and not re.match(r" ?[A-Z](?!\w)", searched[end : end + 3])) or _CLOCK_NEXT.match(searched, end):
            sure = min(sure, 0.4)
    if after in "/:" and searched[end + 1 : end + 2].isdigit():
        sure = min(sure, 0.2)
    if after == "-" and searched[end + 1 : end + 2].isalnum():
        sure = min(sure, 0.5)
    if (
        after == "."
        and run.number.mark == "."
        and re.match(r"(?:0?\d|[12]\d|3[01])\.(?:0\d|1[0-2])\Z", searched[start:end])
    ):
        sure = min(sure, 0.6)  # 05.01. is a day and a month
    return sure


def decimal_mark(texts: Iterable[str]) -> Mark | None:
    """The decimal mark of a document, by the evidence of all its amounts; None without clear evidence."""
    votes = {".": 0.0, ",": 0.0}
    for text in texts:
        for amount in amounts(text):
            marks = [c for c in plain(amount.text) if c in ".,"]
            if (amount.sure < 0.6 and not amount.percent) or not marks:
                continue
            if amount.decimals == 2:
                votes[marks[-1]] += 2 if len(set(marks)) == 2 else 1
            elif amount.decimals == 0 and len(marks) > 1:  # 1.234.567: the mark that groups is not the decimal one
                votes["," if marks[0] == "." else "."] += 1
    few, many = sorted(votes.values())
    if many < 2 * few or not many:
        return None
    return "." if votes["."] == many else ","
