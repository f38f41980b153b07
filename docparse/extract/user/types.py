"""What a text beside a label says, as the type that a field has.

A text that does not begin with such a value is no value of the field: None, rather than the next number
that comes along. What this file is not: geometry. It sees texts.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docparse.extract.page_text import DocumentText
from docparse.extract.user.names import answers, folded, ideas, name_words
from docparse.extract.user.schema import Wanted
from docparse.extract.values import Mark, amounts, date_order, dates, decimal_mark, emails, ibans, phones, times
from docparse.extract.values.dates import Order

LONGEST = 160
"""Characters of a text that can be one value on one line."""
BEFORE_DATE = 30
"""Characters that may stand before a date: a place, a weekday."""
BEFORE_NUMBER = 8
"""The same before a number: a currency, "ca."."""

_URI = re.compile(
    r"(?:https?://|ftp://|www\.)[^\s<>\"']+|(?<![@\w.])(?:[\w-]+\.)+(?:com|org|net|eu|de|fr|io|info)\b[^\s,;]*"
)
_ID = re.compile(r"[^\s]*\d[^\s]*")
_FILLER = re.compile(r"[\s._…:;,*|\\/#№–—-]*")
_EDGE = " \t:;,.–—|"


@dataclass(frozen=True, slots=True)
class Manners:
    """How this document writes dates and numbers."""

    order: Order | None = None
    decimal: Mark | None = None
    ocr: bool = False

    @classmethod
    def of(cls, text: DocumentText) -> Manners:
        lines = [row.text for row in text.rows]
        return cls(date_order(lines), decimal_mark(lines), text.ocr)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value read from ``text[start:end]``; ``sure``: that it is such a value, by its form."""

    value: Any
    start: int
    end: int
    sure: float


def read(field: Wanted, text: str, manners: Manners) -> Reading | None:
    """The field's value at the beginning of a text; None where there is none of its type."""
    if field.choices:
        return _choice(field, text)
    if field.kind == "date":
        return _date(field, text, manners)
    if field.kind == "date-time":
        return _moment(field, text, manners)
    if field.kind == "time":
        return _first(times(text), BEFORE_DATE)
    if field.kind == "email":
        return _first(emails(text), BEFORE_NUMBER)
    if field.kind == "uri":
        match = _URI.search(text[: 4 * LONGEST])
        return Reading(match.group().rstrip(".,;)"), match.start(), match.end(), 0.95) if match else None
    if field.kind in ("number", "integer", "decimal"):
        return _number(field, text, manners)
    if field.kind == "boolean":
        return _answer(text)
    return _text(field, text, manners)


def as_number(field: Wanted, value: Decimal) -> Any | None:
    """A decimal as the type the field has; None where it cannot be that or is out of the schema's limits."""
    if not field.allows(value):
        return None
    if field.kind == "integer":
        return int(value) if value == value.to_integral_value() else None
    return float(value) if field.kind == "number" else value


def _first(found: list[Any], before: int) -> Reading | None:
    if not found or found[0].start > before:
        return None
    match = found[0]
    return Reading(match.value, match.start, match.end, match.sure)


def _date(field: Wanted, text: str, manners: Manners) -> Reading | None:
    found = [m for m in dates(text[:LONGEST], order=manners.order, ocr=manners.ocr) if m.sure >= 0.4]
    if not found or found[0].start > BEFORE_DATE:
        return None
    about = ideas(name_words(field.name))
    match = found[-1] if "end" in about and len(found) == 2 else found[0]
    # Of two dates it is known which one is meant only where the field says so.
    doubt = 0.7 if len(found) > 1 and not about & {"start", "end"} else 1.0
    return Reading(match.value, match.start, match.end, match.sure * doubt)


def _moment(field: Wanted, text: str, manners: Manners) -> Reading | None:
    day = _date(field, text, manners)
    if day is None:
        return None
    clock = next((m for m in times(text[:LONGEST]) if 0 <= m.start - day.end <= 12), None)
    if clock is None:
        # The time is not made up: a date alone is no moment.
        return None
    value = datetime.datetime.combine(day.value, clock.value)
    return Reading(value, day.start, clock.end, min(day.sure, clock.sure))


def _number(field: Wanted, text: str, manners: Manners) -> Reading | None:
    found = amounts(text[:LONGEST], decimal=manners.decimal, ocr=manners.ocr)
    if not found or found[0].start > BEFORE_NUMBER:
        return None
    match = found[0]
    if re.match(r"[./-]\d|[^\W\d_]*\d", text[match.end :]) or re.search(r"[^\W\d_]{3,}\s*$", text[: match.start]):
        return None  # a part of a date or of an article's number, not a number
    if any(m.start <= match.start < m.end and m.sure >= 0.7 for m in dates(text[:LONGEST], order=manners.order)):
        return None
    value = as_number(field, match.value)
    if value is None:
        return None
    # A bare number beside its label is as good as one with cents: the label has said what it is.
    sure = max(match.sure, 0.9) if len(found) == 1 else max(match.sure, 0.8) * 0.85
    return Reading(value, match.start, match.end, sure)


def _answer(text: str) -> Reading | None:
    match = re.match(r"\W*(\w+)", text)
    if match is None:
        return None
    yes, no = answers()
    word = folded(match.group(1))
    if word not in yes | no or re.search(r"\w", text[match.end() :][:40]):
        return None  # "Yes No": both are printed, a mark decides
    return Reading(word in yes, match.start(1), match.end(1), 0.95)


def choice_text(choice: Any) -> str:
    """A choice as it may be printed."""
    return name_words(choice) if isinstance(choice, str) else str(choice)


def _choice(field: Wanted, text: str) -> Reading | None:
    held = folded(text[:LONGEST])
    if len(held) != len(text[:LONGEST]):
        held = text[:LONGEST].casefold()  # places must stay places
    found: list[Reading] = []
    for choice in field.choices:
        for form in {str(choice).casefold(), folded(choice_text(choice))}:
            match = re.search(rf"(?<!\w){re.escape(form)}(?!\w)", held)
            if match:
                found.append(Reading(choice, match.start(), match.end(), 0.95))
                break
    # Of "part time" and "time" the longer one is meant.
    found = [
        r
        for r in found
        if not any(o is not r and o.start <= r.start and r.end <= o.end and o.value != r.value for o in found)
    ]
    if len({repr(r.value) for r in found}) != 1 or found[0].start > BEFORE_DATE:
        return None
    return found[0]


def _text(field: Wanted, text: str, manners: Manners) -> Reading | None:
    skipped = _FILLER.match(text)
    start = skipped.end() if skipped else 0
    end = len(text.rstrip(_EDGE)) if not text.rstrip().endswith((".", ")")) else len(text.rstrip())
    if start >= end or end - start > LONGEST * (8 if "\n" in text else 1):
        return None
    if text.rstrip().endswith(":") or not re.search(r"\w", text[start:end]):
        return None
    about = ideas(name_words(field.name)) | ideas(field.title)
    special = _special(about, text, manners)
    if special is not None:
        return _limited(field, text, special)
    if about & {"iban", "email"} or ("telephone" in about and len(re.findall(r"\d", text)) < 5):
        return None
    sure = 0.9 if "name" not in about or _like_a_name(text[start:end]) else 0.5
    if "number" in about and not about & {"telephone", "name"}:
        match = _ID.search(text, start)
        words = text[start:end].split()
        if match is None:
            sure = 0.5  # a number without a digit
        elif len(words) > 4:
            return _limited(field, text, Reading(match.group().strip(_EDGE), match.start(), match.end(), 0.7))
    elif len(text[start:end].split()) > 14:
        sure = 0.6
    return _limited(field, text, Reading(text[start:end], start, end, sure))


def _like_a_name(text: str) -> bool:
    """Whether a text can be the name of somebody or something: more letters than digits, and more than initials."""
    letters, digits = len(re.findall(r"[^\W\d_]", text)), len(re.findall(r"\d", text))
    words = re.findall(r"[^\W\d_]{2,}", text)
    return letters > 2 * digits and (len(words) > 1 or any(not w.isupper() or len(w) > 4 for w in words))


def _special(about: frozenset[str], text: str, manners: Manners) -> Reading | None:
    """A text that has a form of its own, by the field's name."""
    if "iban" in about:
        return _first(ibans(text), BEFORE_DATE)
    if "email" in about:
        return _first(emails(text), BEFORE_NUMBER)
    if "telephone" in about:
        found = _first(phones(text), BEFORE_NUMBER)
        return Reading(text[found.start : found.end], found.start, found.end, found.sure) if found else None
    return None


def _limited(field: Wanted, text: str, whole: Reading) -> Reading | None:
    """The reading, or a part of it, that keeps to the schema's pattern and lengths."""

    def fits(value: str) -> bool:
        if len(value) < field.min_length or (field.max_length is not None and len(value) > field.max_length):
            return False
        return field.fits is None or field.fits(value)

    value = str(whole.value)
    if fits(value):
        return whole
    if field.fits is None:
        return None
    words = list(re.finditer(r"\S+", text[whole.start : whole.end]))[:12]
    for size in range(min(4, len(words)), 0, -1):
        for first in range(len(words) - size + 1):
            a, b = whole.start + words[first].start(), whole.start + words[first + size - 1].end()
            part = text[a:b].strip(_EDGE)
            if fits(part):
                return Reading(part, a, a + len(part), 0.9)
    return None
