"""Ways to reach somebody: e-mail, phone, postcode.

Phones are found by their form. The phonenumbers package knows every country's plan and weighs 48 MB; no field
of ours is a phone number, so all that is asked is what in an address block is one.
"""

from __future__ import annotations

import re

from docparse.extract.values.dates import dates
from docparse.extract.values.identifiers import ibans
from docparse.extract.values.match import Match, plain

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w@])")


def emails(text: str) -> list[Match[str]]:
    """The e-mail addresses in the text."""
    searched = plain(text)
    found = []
    for match in _EMAIL.finditer(searched):
        if ".." in match.group() or match.group()[0] in ".-":
            continue
        found.append(Match(match.group(), text[match.start() : match.end()], match.start(), match.end(), 0.97))
    return found


_PHONE = re.compile(
    r"(?P<plus>(?:\+|(?<![\d.,])00)[1-9]\d{0,2}(?:[ ./-]{0,2}\(0?\d{1,5}\)\d{0,8})?"
    r"(?:[ ./-]{1,3}\d{1,8}|\d{4,12}){1,6})(?![\d,]|[./-]\d)"
    r"|(?<![\w.,+/-])(?P<zero>\(?0\d{1,5}\)?(?:[ ./-]{1,3}\d{2,8}){1,5})(?![\d]|[.,/-]\d)"
    r"|(?<![\w.,+/-])(?P<us>(?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\d]|[.,/-]\d)"
)


def phones(text: str) -> list[Match[str]]:
    """The phone numbers in the text; ``value`` is digits, with a + where a country code is printed."""
    searched = plain(text)
    others: list[tuple[int, int]] | None = None
    found: list[Match[str]] = []
    for match in _PHONE.finditer(searched):
        if others is None:
            others = [(m.start, m.end) for m in dates(text) if m.sure >= 0.4]
            others += [(m.start, m.end) for m in ibans(text)]
        if any(match.start() < stop and start < match.end() for start, stop in others):
            continue
        printed = match.group()
        digits = re.sub(r"\D", "", printed)
        if not 7 <= len(digits) <= 15 or re.fullmatch(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}", printed):
            continue
        value, sure = digits, 0.5
        if match["plus"]:
            # +49 (0)30: the zero is dialled at home only.
            value = "+" + re.sub(r"\D", "", printed.replace("(0)", "")).removeprefix("00")
            sure = 0.95 if printed[0] == "+" else 0.6
        elif match["us"] or "(" in printed or "/" in printed:
            sure = 0.7
        end = match.end()
        found.append(Match(value, text[match.start() : end], match.start(), end, sure))
    return found


# By how rarely anything else looks like it. The form alone says little about five digits.
_POSTCODES: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"(?<!\w)(?:D|A|CH|F|I|B|L|NL|DK|S|SE|FI|FIN|E|P|PL|CZ)[ ]?-[ ]?(\d{4,6})(?![\w.,-])"), 0.85),
    (re.compile(r"〒[ ]?(\d{3}-\d{4})(?!\d)"), 0.97),
    (re.compile(r"(?<!\w)((?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}))(?!\w)"), 0.8),
    (re.compile(r"(?<!\w)([ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d)(?!\w)"), 0.8),
    (re.compile(r"(?<![\w.,/-])([1-9]\d{3} ?[A-RT-Z][A-Z])(?!\w)"), 0.5),
    (re.compile(r"(?<=\b[A-Z]{2} )(\d{5}(?:-\d{4})?)(?![\w-]|[.,]\d)"), 0.6),
    (re.compile(r"(?<![\w.,/-])(\d{5}-\d{4}|\d{5}-\d{3}|\d{4}-\d{3}|\d{2}-\d{3})(?![\w/-]|[.,]\d)"), 0.4),
    (re.compile(r"(?<![\w.,/-])(\d{3} \d{2}(?= [^\W\d_]))"), 0.4),
    (re.compile(r"(?<![\w.,/-])(\d{5}|\d{6})(?=,? [^\W\d_]{2})"), 0.5),
    (re.compile(r"(?<![\w.,/-])(\d{4})(?= [A-ZÀ-Þ][^\W\d_]{2})"), 0.3),
    (re.compile(r"(?<![\w.,/-])(\d{5}|\d{6})(?![\w/-]|[.,]\d)"), 0.3),
)


def postcodes(text: str) -> list[Match[str]]:
    """What may be a postcode: British, Canadian, Dutch, prefixed (D-10115) or Japanese ones by form.

    Four to six digits are 0.3 alone and 0.5 before a word; the prefix of a country is not part of ``value``.
    """
    searched = plain(text)
    found: list[Match[str]] = []
    for pattern, sure in _POSTCODES:
        for match in pattern.finditer(searched):
            start, end = match.span(1)
            if not any(start < other.end and other.start < end for other in found):
                found.append(Match(match.group(1), text[start:end], start, end, sure))
    return sorted(found, key=lambda m: m.start)
