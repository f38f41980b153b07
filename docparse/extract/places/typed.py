"""The typed values that stand on pages, each with its words: amounts, percentages, dates, times, currencies.

Read once for all values that are looked for, in every reading that the page allows: 03/04/2024 has two. What
this file is not: it decides for no reading; whoever asks knows the value.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal

from docparse.extract.page_text import PageText, Span
from docparse.extract.values import (
    Mark,
    Match,
    amounts,
    currencies,
    date_order,
    dates,
    decimal_mark,
    percentages,
    times,
)

TypedKind = Literal["amount", "percent", "date", "time", "currency"]
_ANOTHER_READING = 0.8
"""What is left of the trust in a value that is not read as the rest of the document is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that words may be read as."""

    span: Span
    value: Any
    sure: float


class TypedPlaces:
    """The readings of some pages."""

    def __init__(self, pages: Sequence[PageText]) -> None:
        self._pages = tuple(pages)
        self._kept: dict[str, list[Reading]] = {}

    def readings(self, kind: TypedKind) -> Iterator[list[Reading]]:
        """Lists of readings, the likeliest way to read the pages first; each is made when it is asked for."""
        for name, make in self._ways(kind):
            if name not in self._kept:
                self._kept[name] = list(make())
            yield self._kept[name]

    def _ways(self, kind: TypedKind) -> list[tuple[str, Callable[[], Iterable[Reading]]]]:
        numbers: list[tuple[str, Callable[[], Iterable[Reading]]]] = [
            ("amounts", lambda: self._each(self._amounts)),
            ("numbers", self._other_amounts),
            ("words", lambda: self._each(self._amounts, by_word=True)),
        ]
        ways: dict[TypedKind, list[tuple[str, Callable[[], Iterable[Reading]]]]] = {
            "amount": numbers,
            "percent": [("percentages", lambda: self._each(self._percentages)), *numbers],
            "date": [
                ("dates", lambda: self._each(lambda text, ocr: dates(text, order=self._order, ocr=ocr))),
                ("other dates", self._other_dates),
            ],
            "time": [("times", lambda: self._each(lambda text, ocr: times(text)))],
            "currency": [("currencies", lambda: self._each(lambda text, ocr: currencies(text)))],
        }
        return ways[kind]

    def _each(
        self, read: Callable[[str, bool], Sequence[Match[Any]]], *, by_word: bool = False, trust: float = 1.0
    ) -> Iterator[Reading]:
        for page in self._pages:
            for segment in page.segments:
                for match in () if by_word else read(segment.text, page.ocr):
                    if match.text.strip():
                        yield Reading(segment.span(match.start, match.end), match.value, trust * match.sure)
                for word in segment.words if by_word and len(segment.words) > 1 else ():
                    for match in read(word.text, page.ocr):
                        yield Reading(Span(page.number, (word,), word.text), match.value, trust * match.sure)

    @cached_property
    def _rows(self) -> list[str]:
        return [row.text for page in self._pages for row in page.rows]

    @cached_property
    def _mark(self) -> Mark | None:
        return decimal_mark(self._rows)

    @cached_property
    def _order(self) -> Any:
        return date_order(self._rows)

    def _amounts(self, text: str, ocr: bool) -> Sequence[Match[Any]]:
        return amounts(text, decimal=self._mark, ocr=ocr) if _has_digit(text) else ()

    def _percentages(self, text: str, ocr: bool) -> Sequence[Match[Any]]:
        return percentages(text, decimal=self._mark) if _has_digit(text) else ()

    def _other_amounts(self) -> Iterator[Reading]:
        marks: tuple[Mark, ...] = (".", ",")
        for mark in marks:
            if mark != self._mark:
                yield from self._each(
                    lambda text, ocr, mark=mark: amounts(text, decimal=mark, ocr=ocr) if _has_digit(text) else (),  # type: ignore[misc]
                    trust=_ANOTHER_READING,
                )

    def _other_dates(self) -> Iterator[Reading]:
        for order in ("dmy", "mdy", "ymd"):
            if order != self._order:
                yield from self._each(
                    lambda text, ocr, order=order: dates(text, order=order, ocr=ocr),  # type: ignore[misc]
                    trust=_ANOTHER_READING,
                )


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def as_kind(value: Any, kind: TypedKind) -> Any:
    """A value as the kind's type: ``Decimal``, ``date``, ``time``, ``str``; None where it is no such value."""
    try:
        if kind in ("amount", "percent"):
            number = Decimal(str(value)) if not isinstance(value, bool) else None
            return number if number is not None and number.is_finite() else None
        if kind == "date":
            if isinstance(value, datetime.datetime):
                return value.date()
            return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(str(value).strip())
        if kind == "time":
            return value if isinstance(value, datetime.time) else datetime.time.fromisoformat(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return str(value).strip().upper() or None


def agreement(wanted: Any, read: Any, printed: str) -> Literal["exact", "normalised", "rounded", "unsigned"] | None:
    """How a value on the page is the one that is wanted; None: it is another one."""
    if wanted == read:
        return "exact" if printed == (f"{wanted:f}" if isinstance(wanted, Decimal) else str(wanted)) else "normalised"
    if not isinstance(wanted, Decimal) or not isinstance(read, Decimal):
        return None
    if wanted == -read:
        return "unsigned"
    exponent = read.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= -2:
        step = Decimal(1).scaleb(exponent)
        ways = (ROUND_HALF_UP, ROUND_HALF_EVEN)
        if read and any(_rounded(wanted, step, way) == read for way in ways):
            return "rounded"
    return None


def _rounded(value: Decimal, step: Decimal, way: str) -> Decimal | None:
    try:
        return value.quantize(step, rounding=way)
    except InvalidOperation:  # more digits than the context has
        return None
