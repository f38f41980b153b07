"""A value that was found with its place and its score, and the choice among several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from docparse.extract.page_text import Span
from docparse.extract.result import Evidence

TRUSTED = 0.95
"""No value is surer than this by where it stands alone; checks may raise it."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A candidate. ``score``: 0 to 1, how surely it is the field's value."""

    value: Any
    span: Span
    score: float


def best(candidates: Iterable[Found]) -> Found | None:
    """The one with the highest score, first come first taken.

    A value that several places say is surer; one that others of nearly its score contradict, less sure.
    """
    known = list(candidates)
    if not known:
        return None
    top = max(known, key=lambda one: one.score)
    again = sum(one.value == top.value for one in known) - 1
    rival = max((one.score for one in known if one.value != top.value), default=0.0)
    score = top.score
    if again:
        score += 0.3 * (1.0 - score)
    if rival > 0.85 * top.score:
        score *= 0.75
    return Found(top.value, top.span, min(score, TRUSTED))


def evidence_of(found: Found) -> Evidence:
    """Its evidence; words read by OCR with doubt make it less sure."""
    span = found.span
    seen = 1.0 if span.confidence is None else span.confidence
    return Evidence(span.text, span.page, span.box, span.block, round(found.score * (0.4 + 0.6 * seen), 3))
