"""Fields that are answered by a mark in a box: yes or no, and one of several choices.

A mark belongs to the words that it stands nearest to. A box that is drawn and empty is often no character
at all: so one mark before "Yes" and none before "No" is an answer, and two marks are none.
What this file is not: a search for labels; it is given one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docparse.extract.page_text import PageText, Segment, Span, TextWord
from docparse.extract.user.labels import Labels, Sighting
from docparse.extract.user.names import answers, folded
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import choice_text

TICKED = frozenset("☑☒✓✔✗✘■⊠◉●⬛🗹🗷")
EMPTY = frozenset("☐□◻▢○◯⬜❑❒")
CROSS = frozenset("xX×")
"""Letters that are a mark where they stand alone before a choice."""
ROWS = 3
"""Rows under a question in which its boxes may be."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """An answer and the words that give it: the mark and what it marks."""

    value: Any
    span: Span
    sure: float


@dataclass(frozen=True, slots=True)
class _Option:
    value: Any
    words: tuple[TextWord, ...]
    marks: tuple[TextWord, ...]
    empty: bool


def is_mark(text: str) -> bool:
    """Whether a word is nothing but a mark or an empty box."""
    core = text.strip("[]()")
    return (bool(core) and all(c in TICKED | EMPTY for c in core)) or (text[:1] in "[(" and core in ("", *CROSS))


def ticked(sighting: Sighting, labels: Labels) -> Ticked | None:
    """The answer to a yes/no field or a choice, by marks; None where there is no mark, or more than one."""
    wanted = sighting.name.field
    if wanted.kind == "boolean" and not wanted.choices:
        own = _before(sighting)
        if own is not None:
            return own
    found = [o for o in _options(sighting, labels, wanted) if o.marks or o.empty]
    marked = [o for o in found if o.marks]
    if len(marked) != 1:
        return None
    option = marked[0]
    words = tuple(sorted((*option.marks, *option.words), key=lambda w: (w.box.y1 > option.words[0].box.y2, w.box.x1)))
    text = " ".join(w.text for w in words)
    return Ticked(option.value, Span(sighting.page.number, words, text), 0.95 if len(found) > 1 else 0.9)


def is_open(sighting: Sighting, labels: Labels) -> bool:
    """Whether more than one answer is printed, so that only a mark can say which one is given."""
    wanted = sighting.name.field
    places = _places(_near(sighting, labels, wanted), wanted)
    return len({repr(value) for _, _, value in places}) > 1


def all_ticked(sighting: Sighting, labels: Labels, item: Wanted) -> list[Ticked]:
    """Every choice of ``item`` that is marked, for a field that is a list of them."""
    page = sighting.page.number
    return [
        Ticked(o.value, Span(page, (*o.marks, *o.words), " ".join(w.text for w in (*o.marks, *o.words))), 0.9)
        for o in _options(sighting, labels, item)
        if o.marks
    ]


def _before(sighting: Sighting) -> Ticked | None:
    """The box that stands right before a statement: "☑ I agree to the terms"."""
    segment, page = sighting.segment, sighting.page
    before: TextWord | None = None
    if sighting.first > 0:
        before = segment.words[sighting.first - 1]
    else:
        left = [s for s in page.rows[segment.row].segments if s.box.x2 <= segment.box.x1 + 1]
        if left and segment.box.x1 - left[-1].box.x2 <= 3 * segment.size and len(left[-1].words) == 1:
            before = left[-1].words[0]
    if before is None or not (is_mark(before.text) or (before.text in CROSS and sighting.like >= 0.8)):
        return None
    words = (before, *sighting.words)
    value = bool(_marks(before))
    return Ticked(value, Span(page.number, words, " ".join(w.text for w in words)), 0.93)


def _marks(word: TextWord) -> bool:
    core = word.text.strip("[]()")
    return bool(core) and (core[0] in TICKED or core in CROSS)


def _options(sighting: Sighting, labels: Labels, wanted: Wanted) -> list[_Option]:
    """The choices that are printed after or under a question, with their marks."""
    words = _near(sighting, labels, wanted)
    places = _places(words, wanted)
    boxes = [word for word in words if is_mark(word.text) or word.text in CROSS]
    held: dict[int, list[TextWord]] = {}
    # A row of boxes has them all on one side of their words; which one is seen from the first.
    rows = _by_row(boxes, places)
    for row_boxes, row_places in rows:
        if not row_places:
            continue
        first_box = min(w.box.x1 for w in row_boxes)
        first_word = min(p[1][0].box.x1 for p in row_places)
        all_boxed = len(row_boxes) >= len(row_places)
        for box in row_boxes:
            right = [p for p in row_places if p[1][0].box.x1 >= box.box.x1]
            left = [p for p in row_places if p[1][-1].box.x2 <= box.box.x2]
            after = min(right, key=lambda p: p[1][0].box.x1) if right else None
            before = max(left, key=lambda p: p[1][-1].box.x2) if left else None
            if all_boxed:
                chosen = after if first_box < first_word else before
            else:
                gaps = [
                    (after[1][0].box.x1 - box.box.x2, after) if after else None,
                    (box.box.x1 - before[1][-1].box.x2, before) if before else None,
                ]
                known = [g for g in gaps if g is not None]
                chosen = min(known, key=lambda g: g[0])[1] if known else None
                if chosen is not None and min(g[0] for g in known) > 3 * box.size:
                    chosen = None
            if chosen is not None:
                held.setdefault(chosen[0], []).append(box)
    return [
        _Option(
            value,
            found,
            tuple(b for b in held.get(at, []) if _marks(b)),
            any(not _marks(b) for b in held.get(at, [])),
        )
        for at, found, value in places
    ]


Place = tuple[int, tuple[TextWord, ...], Any]


def _by_row(boxes: Sequence[TextWord], places: Sequence[Place]) -> list[tuple[list[TextWord], list[Place]]]:
    rows: list[tuple[list[TextWord], list[Place]]] = []
    for box in sorted(boxes, key=lambda w: w.box.center[1]):
        y = box.box.center[1]
        for row in rows:
            if abs(row[0][0].box.center[1] - y) <= 0.5 * box.size:
                row[0].append(box)
                break
        else:
            near = [p for p in places if abs(p[1][0].box.center[1] - y) <= 0.7 * max(box.size, p[1][0].size)]
            rows.append(([box], near))
    return rows


def _near(sighting: Sighting, labels: Labels, wanted: Wanted) -> list[TextWord]:
    """The words after the question: the rest of its row, and the rows below as long as they hold boxes or choices."""
    page, segment = sighting.page, sighting.segment
    words = list(segment.words[sighting.last :])
    for right in page.right_of(segment):
        if right is segment:
            continue
        if labels.is_label(right):
            break
        words += right.words
    if any(is_mark(w.text) for w in words) and _places(words, wanted):
        return words
    bottom = segment.box.y2
    for row in page.rows[segment.row + 1 : segment.row + 1 + ROWS]:
        if row.box.y1 - bottom > 2.5 * segment.size:
            break
        if any(
            s.closed and s.name is not sighting.name and s.like >= 0.8
            for g in row.segments
            for s in labels.in_segment(g)
        ):
            break
        words += _in_column(row.segments, segment, page)
        bottom = row.box.y2
    return words


def _in_column(segments: Sequence[Segment], label: Segment, page: PageText) -> list[TextWord]:
    row = page.rows[label.row].segments
    stop = min((s.box.x1 for s in row if s.box.x1 > label.box.x2 + 1), default=float("inf"))
    # A second question beside this one has its own boxes under it.
    return [w for s in segments if label.box.x1 - 3 * label.size <= s.box.x1 < stop for w in s.words]


def _places(words: Sequence[TextWord], wanted: Wanted) -> list[Place]:
    """Where the choices are printed among the words."""
    forms: list[tuple[list[str], Any]] = []
    if wanted.choices:
        forms += [(re.findall(r"\w+", folded(choice_text(choice))), choice) for choice in wanted.choices]
    else:
        yes, no = answers()
        forms += [([w], True) for w in yes] + [([w], False) for w in no]
    forms = sorted((f for f in forms if f[0]), key=lambda f: -len(f[0]))
    found: list[Place] = []
    at = 0
    plain = [re.findall(r"\w+", folded(w.text)) for w in words]
    while at < len(words):
        for form, value in forms if plain[at] else ():
            flat: list[str] = []
            stop = at
            while stop < len(words) and len(flat) < len(form) and plain[stop]:
                flat += plain[stop]
                stop += 1
            if flat == form:
                found.append((at, tuple(words[at:stop]), value))
                at = stop - 1
                break
        at += 1
    return found
