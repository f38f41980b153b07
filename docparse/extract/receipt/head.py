"""Who gave out a receipt, and where: the company and its address, from the rows above the items.

The company is the legal one where one is named (``... SDN BHD``, ``... GmbH``), else the name nearest to
what the shop says of itself: its kind of business, its registration number, its address. The address is
the run of rows that look like one below it; it ends before phone, tax number and title. Neither is ever
made of a slogan, a brand's licence, or a note that somebody wrote on the paper.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docparse.extract.page_text import Row, Span
from docparse.extract.receipt.mending import mended
from docparse.extract.receipt.places import (
    HeadKind,
    address_score,
    country_of,
    head_kind,
    is_business,
    is_place,
    joins_place,
    legal_form,
    prefix_cut,
    split,
    tail_cut,
    words,
)
from docparse.extract.receipt.rows import ReceiptRow

HEAD = 24
"""Rows from the top that the head of a receipt may have."""


@dataclass(frozen=True, slots=True)
class Named:
    """A text with its place and its confidence. ``last``: number of its last row."""

    value: str
    span: Span
    confidence: float
    last: int


@dataclass(frozen=True, slots=True)
class Head:
    company: Named | None
    address: Named | None
    end: int
    """Number of the first row below."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the head. ``start`` and ``end``: the part of its text that counts."""

    row: Row
    kind: HeadKind
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.row.text[self.start : self.end].strip()


def find_head(rows: Sequence[ReceiptRow]) -> Head:
    """Company and address in the rows of a receipt."""
    lines = _above_places([_line(row.row) for row in rows[: _limit(rows)]])
    first = next((i for i, line in enumerate(lines) if line.kind == "address"), None)
    at = _company_at(lines, first)
    company = None
    if at is not None:
        company = _company(lines, at, first)
        if legal_form(company.value) is None and all(line.kind in ("name", "noise") for line in lines):
            # Nothing but names above the amounts: the top may be torn off, and these be goods.
            company = replace(company, confidence=company.confidence * 0.5)
    after = company.last + 1 if company is not None else 0
    address = _address(lines, after)
    ends = [n.last + 1 for n in (company, address) if n is not None]
    return Head(company, address or _at_the_foot(rows[max(ends, default=0) :]), max(ends, default=0))


def _at_the_foot(rows: Sequence[ReceiptRow]) -> Named | None:
    """An address below the totals, with its postcode: where nothing like one is at the top."""
    lines = [_line(row.row) for row in rows]
    for at, line in enumerate(lines):
        if (
            line.kind == "address"
            and re.search(r"(?<![\d-])\d{5,6}(?![\d-])", line.text)
            and address_score(line.text) >= 4
        ):
            start = at
            while start and lines[start - 1].kind == "address" and _near(lines[start - 1], lines[start]):
                start -= 1
            found = _address(lines[start:], 0)
            return None if found is None else replace(found, confidence=min(found.confidence, 0.5))
    return None


def _above_places(lines: list[_Line]) -> list[_Line]:
    """A line with a house's number above the line with the town is of the address, though it names no street."""
    for at in range(len(lines) - 2, 0, -1):
        line, below = lines[at], lines[at + 1]
        named = any(other.kind == "name" for other in lines[:at])
        if line.kind != "name" or below.kind != "address" or not named or legal_form(line.text) is not None:
            continue
        if address_score(line.text) >= 1 and re.search(r"(?<!#)(?<!# )\d", line.text):
            lines[at] = replace(line, kind="address")
    return lines


def _limit(rows: Sequence[ReceiptRow]) -> int:
    for row in rows[:HEAD]:
        if row.moneys and address_score(row.text) < 2:
            return row.number
    return min(len(rows), HEAD)


def _line(row: Row) -> _Line:
    text = row.text
    start = prefix_cut(text, words().owner)
    end = tail_cut(text)
    kind = head_kind(text[start:])
    if kind not in ("name", "address"):
        start, end = 0, len(text)
    return _Line(row, kind, start, max(end, start + 1))


def _company_at(lines: Sequence[_Line], first_address: int | None) -> int | None:
    """The line that names the company, the one with its legal form or the best of the others."""
    stop = len(lines)
    best, most = None, 0.0
    body = next((i for i, line in enumerate(lines) if line.kind == "body" and i > 2), stop)
    for at, line in enumerate(lines):
        if line.kind != "name" or at > max(body, (first_address or 0) + 3):
            continue
        score = _company_score(lines, at, first_address)
        if score > most:
            best, most = at, score
    return best


def _company_score(lines: Sequence[_Line], at: int, first_address: int | None) -> float:
    line = lines[at]
    score = 1.0
    if legal_form(line.text) is not None:
        score += 4.0
    if is_business(line.text):
        score += 1.5
    following = next((o.kind for o in lines[at + 1 :] if o.kind not in ("noise",)), None)
    if following == "registration" or line.end < len(line.row.text.rstrip(" .")):
        score += 1.5
    if following == "address":
        score += 1.0
    if first_address is not None and at > first_address:
        score -= 2.0
    score -= 0.25 * sum(o.kind == "name" for o in lines[:at])
    tallest = max((o.row.box.height for o in lines if o.kind == "name"), default=1.0)
    score += 0.8 * line.row.box.height / tallest
    sure = min((w.confidence if w.confidence is not None else 1.0) for w in line.row.words)
    if sure < 0.7:
        score -= 1.0
    if re.match(
        r"(?i)\W*(?:store|shop|branch|outlet|filiale|cawangan|magasin|till|kasse|caisse)\W{0,3}(?:no\W*|nr\W*)?\d",
        line.text,
    ):
        score -= 4.0
    letters = sum(c.isalpha() for c in line.text)
    if letters < 0.5 * len(line.text.replace(" ", "")) or letters < 3:
        score -= 1.0
    if len(split(line.text)) > 7 and legal_form(line.text) is None:
        score -= 1.0
    return score


def _company(lines: Sequence[_Line], at: int, first_address: int | None) -> Named:
    parts = [lines[at]]
    below = lines[at + 1] if at + 1 < len(lines) else None
    after = lines[at + 2] if at + 2 < len(lines) else None
    if at and _goes_on(lines[at - 1], lines[at], below):
        parts.insert(0, lines[at - 1])
    last = at
    if legal_form(lines[at].text) is None and below is not None and _goes_on(lines[at], below, after):
        parts.append(below)
        last = at + 1
    span = _span(parts)
    value = mended(" ".join(part.text for part in parts)).strip(" ,;:-*|_'\"=<>")
    legal = legal_form(value) is not None
    confidence = 0.85 if legal else 0.62
    if not legal and not is_business(value):
        confidence -= 0.17
    rivals = sum(
        line.kind == "name" and line not in parts and (legal_form(line.text) is not None) == legal
        for line in lines[: first_address if first_address is not None and first_address > at else at + 2]
    )
    confidence -= 0.08 * min(rivals, 2)
    return Named(value, span, _as_read(confidence, span), last)


def _goes_on(upper: _Line, lower: _Line, following: _Line | None) -> bool:
    """Whether a name that begins on the upper line goes on below."""
    if upper.kind != "name" or lower.kind not in ("name", "address") or upper.row.page != lower.row.page:
        return False
    a, b = upper.row.box, lower.row.box
    if b.y1 - a.y2 > 1.3 * max(a.height, b.height) or not 0.6 < a.height / max(b.height, 1) < 1.7:
        return False
    if legal_form(upper.text) is not None or upper.end < len(upper.row.text.rstrip()):
        return False
    text = lower.text
    if lower.kind == "address" and legal_form(text) is None:
        return False
    said = split(text)
    if re.search(r"[&\-]$|\band$|\bund$|\bet$", upper.text, re.IGNORECASE):
        return True
    if text.startswith("(") and (legal_form(text) is not None or ")" in text):
        return bool(re.search(r"[^\W\d_]{2}", text))
    if _second_half(upper, lower, following):
        return True
    return legal_form(text) is not None and bool(said) and (said[0] in words().follows or legal_form(text) == 0)


def _second_half(upper: _Line, lower: _Line, following: _Line | None) -> bool:
    """A kind of shop above and a name below it, printed alike, right above number or address: RESTORAN / SIN HUAT."""
    if following is None or following.kind not in ("registration", "address", "tax_id"):
        return False
    alike = 0.75 < upper.row.box.height / max(lower.row.box.height, 1) < 1.33
    named = is_business(upper.text) and not is_business(lower.text) and legal_form(lower.text) is None
    named = named and address_score(lower.text) < 1
    return alike and named and not re.search(r"\d", lower.text) and len(split(lower.text)) <= 4


def _address(lines: Sequence[_Line], after: int) -> Named | None:
    start = _address_start(lines, after)
    if start is None:
        return None
    parts: list[_Line] = []
    at, end = start, start
    while at < len(lines):
        line = lines[at]
        if line.kind == "noise" and not (parts and re.fullmatch(r"\W*\d{5,6}\W*", line.text)):
            at += 1
            continue
        if line.kind not in ("name", "address", "noise"):
            break
        if parts and not _near(parts[-1], line):
            break
        if line.kind == "name" and not _belongs(lines, at, parts):
            break
        if _complete(parts) and not is_place(line.text) and not joins_place(parts[-1].text, line.text):
            break
        parts.append(line)
        end = at
        at += 1
        if line.end < len(line.row.text.rstrip(" .")):
            break
    span = _span(parts)
    value = re.sub(r"\s+([,.;])", r"\1", mended(" ".join(part.text for part in parts))).strip(" ,;:-*|_")
    return Named(value, span, _address_confidence(value, span, parts, after, start), end)


def _address_start(lines: Sequence[_Line], after: int) -> int | None:
    start = next((i for i in range(after, len(lines)) if lines[i].kind == "address"), None)
    if start is None:
        return None
    if start > after:
        above = lines[start - 1]
        building = address_score(above.text) >= 1 and not is_business(above.text)
        if above.kind == "name" and (building or above.text.endswith(",")) and legal_form(above.text) is None:
            start -= 1
    return start


def _complete(parts: Sequence[_Line]) -> bool:
    """Whether a town with its postcode was the last that was said, and no comma lets it go on."""
    if not parts or parts[-1].text.endswith(","):
        return False
    return any(re.search(r"(?<!\d)\d{5,6}(?!\d).*[^\W\d_]{3}", part.text) for part in parts[1:] or parts)


def _near(upper: _Line, lower: _Line) -> bool:
    a, b = upper.row.box, lower.row.box
    return upper.row.page == lower.row.page and b.y1 - a.y2 <= 2.0 * max(a.height, b.height)


def _belongs(lines: Sequence[_Line], at: int, parts: Sequence[_Line]) -> bool:
    """Whether a line that does not look like one is part of the address all the same."""
    text = lines[at].text
    if legal_form(text) is not None:
        return False
    following = lines[at + 1] if at + 1 < len(lines) else None
    if following is not None and following.kind == "address" and not is_business(text):
        return True
    if not parts:
        return False
    above = parts[-1].text
    ended = is_place(above) or (country_of(above) is not None and re.search(r"\d{5}", above))
    if above.endswith(",") and len(split(text)) <= 4:
        return True
    return not ended and address_score(text) >= 1 and not is_business(text)


def _address_confidence(value: str, span: Span, parts: Sequence[_Line], after: int, start: int) -> float:
    confidence = 0.45
    if re.search(r"(?<!\d)\d{5,6}(?!\d)|[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|(?<!\d)\d{4} ", value):
        confidence += 0.2
    if len(parts) > 1:
        confidence += 0.08
    if start == after:
        confidence += 0.07
    if country_of(value):
        confidence += 0.05
    return _as_read(confidence, span)


def _as_read(confidence: float, span: Span) -> float:
    """Less where the words were read unsurely."""
    sure = span.confidence
    if sure is None:
        return min(confidence + 0.03, 0.89)
    return confidence * (1.0 if sure >= 0.97 else 0.93 if sure >= 0.93 else 0.8 if sure >= 0.8 else 0.6)


def _span(parts: Sequence[_Line]) -> Span:
    spans = [part.row.span(part.start, part.end) for part in parts]
    found = spans[0]
    for span in spans[1:]:
        found = found + span
    return found
