"""Blocks of lines that may be somebody's name and address, and what their lines look like.

``party_blocks`` groups the lines of a page by column and distance. A line knows whether it looks like a
street, a place with its postcode, a company (by its legal form) or a way to reach somebody.

What this file is not: it does not say who sells and who buys; ``parties`` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property

from docparse.extract.invoice import address_words as words
from docparse.extract.page_text import PageText, Row, Span
from docparse.extract.values import emails, phones, postcodes, vat_ids
from docparse.extract.vocabulary import COMMON_GAP, Label, squeeze
from docparse.geometry import BBox

_LEGAL = re.compile(rf"(?<![\w.])(?:{'|'.join(words.LEGAL_FORMS)})(?![\w])|{'|'.join(words.WIDE_FORMS)}")


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(names)})"


_STREET = re.compile(
    rf"{_any(words.STREETS_BEFORE_NUMBER)}\s*\d+"
    rf"|\bstr\s+\d+"
    rf"|\b\d+\s?(?:bis|ter|[a-z])?,?\s+{_any(words.FRENCH_STREETS)}(?![^\W\d])"
    rf"|(?<![^\W\d]){_any(words.STREETS_FIRST)}(?![^\W\d]).*\d"
    rf"|\b\d+[a-z]?(?:[-/]\d+)?,?\s+(?:[\w'.]+\s){{0,4}}{_any(words.ENGLISH_STREETS)}\b"
    rf"|\b{_any(words.BOXES)}\s*\.?\s*#?\d"
    rf"|\b{_any(words.MALAY_STREETS)}\s"
    r"|(?:路|街|大道|巷|弄|号楼|段)\s*\d*\s*(?:号|號)?|\d+\s*(?:号|號)",
    re.IGNORECASE,
)
_HOUSE = re.compile(
    r"^[^\W\d][^\d,;:@]{2,30}\s\d{1,4}\s?[a-zA-Z]?(?:\s?[-/]\s?\d{1,4}[a-z]?)?$|^\d{1,5}\s?[a-zA-Z]?,?\s[^\W\d][^\d:;@]{3,30}$"
)
_PLACE = re.compile(
    # 12345 Town
    r"^(?:[A-Z]{1,3}[- ]{1,3})?\d{4,6}(?:-\d{3,4})?,?\s+[^\W\d][^\d]{1,40}(?:\s\d{1,2})?(?:\s?\([A-Z]{2}\))?$"
    r"|^[1-9]\d{3}\s?[A-Z]{2},?\s+[^\W\d]"  # 1234 AB Town
    # Town, ST 12345
    r"|[^\W\d][\w .'-]{2,}(?:,\s*|\s+)(?:[A-Z]{2}\s?|[A-Z][a-z]+(?: [A-Z][a-z]+)?,?\s+),?\s?\d{5}(?:-\d{4})?\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}\b"  # AB1 2CD
    r"|\b[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d\b"  # A1B 2C3
    r"|^[^\W\d][\w .'-]{2,30}[,\s-]+\d{3}\s?\d{3}$"  # Town - 560 001
    r"|^[^\W\d]{3,}[\w .'-]*,?\s[- ]?\d{5,6}(?:,|$|\s[^\W\d])"
)
_SALUTATION = re.compile(rf"{_any(words.SALUTATIONS)}\.?:?$", re.IGNORECASE)
_CONTACT = re.compile(
    r"https?://|www\.|\b[\w-]+\.(?:com|de|fr|net|org|eu|nl|it|es|co\.uk|at|ch|be|cn|in|my)\b", re.IGNORECASE
)
NAME_LETTERS = 3


@cache
def countries() -> frozenset[str]:
    """Names of countries in the languages of the vocabularies, squeezed."""
    from babel import Locale

    found = set()
    for language in ("en", "de", "fr", "nl", "es", "it", "zh"):
        names = Locale(language).territories
        found |= {squeeze(name)[0] for code, name in names.items() if len(code) == 2}
    return frozenset(found | {"usa", "uk", "unitedstatesofamerica", "holland", "england", "thenetherlands"})


@dataclass(frozen=True, eq=False)
class Line:
    """A stretch of a row that is read as one line of a block."""

    row: Row
    start: int
    end: int
    labels: tuple[Label, ...] = ()

    @cached_property
    def span(self) -> Span:
        return self.row.span(self.start, self.end)

    @cached_property
    def text(self) -> str:
        return self.row.text[self.start : self.end].strip()

    @cached_property
    def box(self) -> BBox:
        return self.span.box


def has_legal_form(text: str) -> bool:
    """Whether the text names a company by its legal form; not where that is all there is (``Sarl au capital``)."""
    found = _LEGAL.search(text)
    return found is not None and found.start() > 1 and sum(c.isalpha() for c in text[: found.start()]) >= 2


def end_of_form(text: str) -> int | None:
    """Where a company's name ends with its legal form; None where there is none."""
    found = next((m for m in _LEGAL.finditer(text) if m.start() > 1), None)
    return found.end() if found else None


def is_street(text: str) -> bool:
    return len(text) < 90 and _STREET.search(text) is not None


def is_house(text: str) -> bool:
    """Words and one number, as streets without a street word are: Ecke 12, 4557 De Silva."""
    return _HOUSE.match(text) is not None


def is_place(text: str) -> bool:
    """A town with its postcode."""
    text = text.strip(" ,.")
    return len(text) < 60 and _PLACE.search(text) is not None and not is_street(text) and bool(postcodes(text))


def is_country(text: str) -> bool:
    return squeeze(text)[0] in countries()


def is_contact(text: str) -> bool:
    return bool(_CONTACT.search(text) or emails(text) or any(p.sure >= 0.6 for p in phones(text)))


def is_salutation(text: str) -> bool:
    return _SALUTATION.match(text.strip()) is not None


def is_name(text: str) -> bool:
    """Whether it may be a person's or company's name by its form alone."""
    letters = sum(c.isalpha() for c in text)
    digits = sum(c.isdigit() for c in text)
    wide = sum(ord(c) >= 0x2E80 for c in text)
    if not (letters >= NAME_LETTERS and len(text) <= 70 and len(text.split()) <= 9) or ":" in text:
        return False
    if text.endswith((".", "!", "?", ",")) and not has_legal_form(text) and len(text.split()) > 3:
        return False
    if is_contact(text) or vat_ids(text) or is_place(text) or is_country(text) or digits * 2 > letters:
        return False
    return wide >= NAME_LETTERS or any(c.isupper() for c in text)


@dataclass(slots=True, eq=False)
class PartyBlock:
    """Lines that stand together. ``page``: its number; ``height``, ``width``: of the page."""

    page: int
    width: float
    height: float
    lines: list[Line] = field(default_factory=list)

    @property
    def box(self) -> BBox:
        return BBox.around(line.box for line in self.lines)

    @property
    def top(self) -> float:
        """Share of the page's height above it."""
        return self.box.y1 / self.height

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


class Lines:
    """The lines of a page and the blocks they form."""

    def __init__(self, page: PageText, labels: Iterable[Label]) -> None:
        self.page = page
        self._labels: dict[int, list[Label]] = {}
        for label in labels:
            self._labels.setdefault(label.row.index, []).append(label)

    @cached_property
    def lines(self) -> list[Line]:
        found = []
        for row in self.page.rows:
            at, begin = 0, 0
            for index, segment in enumerate(row.segments):
                end = at + len(segment.text)
                after = row.segments[index + 1] if index + 1 < len(row.segments) else None
                joined = after is not None and after.box.x1 - segment.box.x2 <= COMMON_GAP * max(
                    after.size, segment.size
                )
                if not joined:
                    labels = tuple(x for x in self._labels.get(row.index, ()) if begin <= x.start < end)
                    found.append(Line(row, begin, end, labels))
                    begin = end + 1
                at = end + 1
        return found

    @cached_property
    def blocks(self) -> list[PartyBlock]:
        size = self.page.page
        done: list[PartyBlock] = []
        for line in sorted(self.lines, key=lambda one: (one.box.y1, one.box.x1)):
            home = next((b for b in reversed(done) if _continues(b, line)), None)
            if home is None:
                done.append(PartyBlock(self.page.number, size.width, size.height, [line]))
            else:
                home.lines.append(line)
        return done


def _continues(block: PartyBlock, line: Line) -> bool:
    above = block.lines[-1]
    a, b = above.box, line.box
    height = max(min(a.height, b.height), 1.0)
    # A company's name may stand in larger letters over its address.
    heading = len(block.lines) == 1 and a.height > 1.2 * b.height
    larger = 2.4 if heading else 1.7
    if b.y1 < a.y1 + 0.5 * height or b.y1 - a.y2 > max(1.15 * height, 0.9 * a.height * heading):
        return False
    if max(a.height, b.height) > larger * height and not above.labels:
        return False
    if b.x1 > a.x2 or a.x1 > b.x2:
        return False
    near = 0.9 * height
    middle = abs(a.center[0] - b.center[0]) < near
    return abs(a.x1 - b.x1) < near or abs(a.x2 - b.x2) < near or middle
