"""Dates and times in text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from functools import cache
from typing import Literal

from docparse.extract.values.match import Match, plain

Order = Literal["dmy", "mdy", "ymd"]


def dates(text: str, *, order: Order | None = None, ocr: bool = False) -> list[Match[date]]:
    """The dates in the text, left to right."""
    searched = plain(text)
    found = []
    for match in re.finditer(r"(?<!\d)(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{2})", searched):
        a, _, b, c = match.groups()
        if len(a) > 2:
            parts = (int(a), int(b), int(c))
        elif order == "mdy" or int(b) > 12:
            parts = (int(c), int(a), int(b))
        else:
            parts = (int(c), int(b), int(a))
        try:
            value = date(parts[0] if parts[0] > 99 else 2000 + parts[0], parts[1], parts[2])
        except ValueError:
            continue
        found.append(Match(value, text[match.start() : match.end()], match.start(), match.end(), 0.9))
    return found


def date_order(texts: Iterable[str]) -> Order | None:
    """Which part of a numeric date comes first in this document, by the dates that have one reading only."""
    return None


def times(text: str) -> list[Match[time]]:
    """The times of day in the text."""
    found = []
    for match in re.finditer(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?![\d:])", plain(text)):
        hour, minute, second = (int(part or 0) for part in match.groups())
        found.append(Match(time(hour, minute, second), text[match.start() : match.end()], *match.span(), 0.9))
    return found
