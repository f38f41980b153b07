"""What a model claims of one page, each value with its place on that page, if it has one.

A claim is as sure as the least sure token that it was written with, and as its place: a value that stands nowhere
on the page may still be right (a country from its flag), and is kept with little confidence. The confidence of a
model that nobody else bears out has a limit of its own: it is not calibrated, since no weights were here to do it.
What this file is not: it does not join pages, and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from docparse.extract.asking.answer import Confidence, Node, probability
from docparse.extract.asking.values import kind_of, readings
from docparse.extract.page_text import PageText, Span
from docparse.extract.places.anchor import Anchor, How, Places
from docparse.extract.places.passages import squeezed
from docparse.extract.result import Evidence
from docparse.extract.schemas import ALIASES
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import Manners

ALONE = 0.85
"""Confidence at most of what only the model says, though it stands on the page."""
UNANCHORED = 0.5
"""The same of what does not stand there."""
UNKNOWN = 0.8
"""The probability of a token where nobody says it: servers need not."""
LEAST = 0.3
"""Confidence below which a claim is none: wrong values are worse than none."""
TWICE = 0.5
"""What is left where the model gave the field two values."""
OWN_WORDS = 0.8
"""What is left where the words of the page are the model's own reading: it bears itself out."""
MOST_ROWS = 500
_HOW: Mapping[How, float] = {"exact": 1.0, "normalised": 1.0, "rounded": 0.7, "unsigned": 0.6, "fuzzy": 0.85}

Row = dict[str, "Claim"]
"""The claims of a row by their paths within it; a plain value has the path ''."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A value of a field that a model read from page ``page``. ``anchor``: its best place there."""

    value: Any
    page: int
    probability: float
    anchor: Anchor | None = None
    note: str = ""

    @property
    def confidence(self) -> float:
        if self.anchor is None:
            return UNANCHORED * self.probability
        seen = self.anchor.span.confidence
        placed = _HOW[self.anchor.how] * (1.0 if self.anchor.places == 1 else 0.95)
        return min(ALONE, self.probability * placed * (1.0 if seen is None else 0.5 + 0.5 * seen))

    def evidence(self, confidence: float | None = None) -> Evidence:
        sure = round(self.confidence if confidence is None else confidence, 4)
        if self.anchor is None:
            return Evidence(page=self.page, confidence=sure, source="model", note=self.note or "unanchored")
        span = self.anchor.span
        text = " ".join(span.text.split())
        return Evidence(text, span.page, span.box, span.block, sure, note=self.note)


@dataclass(slots=True)
class Claims:
    """What is claimed of one page: single values by path, rows of lists by path.

    unread  paths of values that are not of their field's type
    dropped paths of rows that only repeat others, and of values that are not sure enough
    """

    page: int
    single: dict[str, Claim] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def claims_of(
    node: Node,
    wanted: Sequence[Wanted],
    page: PageText,
    manners: Manners,
    *,
    kind: Literal["invoice", "receipt", "user"],
    confidences: Sequence[Confidence] = (),
) -> Claims:
    """The claims of an answer about ``page``. ``confidences`` by characters of the answer."""
    return _Reader(page, manners, kind, confidences).read(node, wanted)


class _Reader:
    def __init__(self, page: PageText, manners: Manners, kind: str, confidences: Sequence[Confidence]) -> None:
        self._number = page.number
        self._places = Places([page])
        self._manners = manners
        self._ours = kind != "user"
        self._confidences = confidences
        self._labels = _labels(page, kind)
        own = any(issue.code == "unchecked" for issue in page.page.verdict.issues)
        self._trust = OWN_WORDS if own else 1.0

    def read(self, node: Node, wanted: Iterable[Wanted]) -> Claims:
        found = Claims(self._number)
        self._object(_unwrapped(node, list(wanted)), wanted, found)
        return found

    def _object(self, node: Node, wanted: Iterable[Wanted], found: Claims) -> None:
        for item in wanted:
            given = member(node, item.name)
            if given is None or given.kind == "null":
                continue
            if item.kind == "object":
                self._object(given, item.members, found)
            elif item.kind == "array":
                self._list(given, item, found)
            else:
                claim = self._claim(given, item, item.path, found, near=self._labels.get(item.name, ()))
                if claim is not None:
                    found.single[item.path] = claim

    def _claim(
        self,
        node: Node,
        item: Wanted,
        path: str,
        found: Claims,
        *,
        near: Sequence[Span] = (),
        taken: Sequence[Span] = (),
    ) -> Claim | None:
        values = readings(item, node, self._manners, ours=self._ours)
        if not values:
            if node.kind != "null" and str(node.value or "").strip():
                found.unread.append(path)
            return None
        sure = probability(node, self._confidences)
        sure = self._trust * (UNKNOWN if sure is None else sure) * (TWICE if node.twice else 1.0)
        note = "the model gave it twice" if node.twice else ""
        placed = [(value, self._place(value, item, near, taken)) for value in values]
        # Of several readings the one that the page bears out best; of equals, and where it has none, the first.
        value, anchor = max(placed, key=lambda p: -1.0 if p[1] is None else p[1].score)
        claim = Claim(value, self._number, sure, anchor, note)
        if claim.confidence < LEAST:
            found.dropped.append(path)
            return None
        return claim

    def _place(self, value: Any, item: Wanted, near: Sequence[Span], taken: Sequence[Span]) -> Anchor | None:
        if isinstance(value, bool):
            return None  # no word on the page is a yes
        places = self._places.find(value, kind=kind_of(item, value, ours=self._ours), near=near, taken=taken)
        return places[0] if places else None

    def _list(self, given: Node, item: Wanted, found: Claims) -> None:
        within = item.members[0]
        nodes = given.items if given.kind == "array" else [given]
        taken: list[Span] = []  # equal rows stand in as many places
        rows: list[Row] = []
        for number, node in enumerate(nodes[:MOST_ROWS]):
            path = f"{item.path}[{number}]"
            row = self._row(node, within, path, found, taken)
            if not row:
                continue
            spans = [claim.anchor.span for claim in row.values() if claim.anchor is not None]
            if any(same_row(row, other) for other in rows) and not any(_free(span, taken) for span in spans):
                found.dropped.append(path)  # said again, and there is no second place where the page says it
                continue
            taken += spans
            rows.append(row)
        if rows:
            found.rows[item.path] = rows

    def _row(self, node: Node, within: Wanted, path: str, found: Claims, taken: Sequence[Span]) -> Row:
        if within.kind != "object":
            claim = self._claim(node, within, path, found, taken=taken)
            return {} if claim is None else {"": claim}
        row: Row = {}
        near: list[Span] = []
        for item, given in _leaves(node, within.members):
            claim = self._claim(given, item, f"{path}.{item.path}", found, near=near, taken=taken)
            if claim is not None:
                row[item.path] = claim
                if claim.anchor is not None:
                    near.append(claim.anchor.span)
        return row


def same_row(a: Row, b: Row) -> bool:
    return {path: claim.value for path, claim in a.items()} == {path: claim.value for path, claim in b.items()}


def member(node: Node, name: str) -> Node | None:
    """The member of that name, or of one that is the same but for its spelling."""
    members = node.members
    if name in members:
        return members[name]
    wanted = {squeezed(other)[0] for other in (name, *ALIASES.get(name, ()))}
    return next((inner for key, inner in members.items() if squeezed(key)[0] in wanted), None)


def _leaves(node: Node, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Node]]:
    """The values of a row; what is a list within a row is left out, as everywhere."""
    for item in wanted:
        given = member(node, item.name)
        if given is None:
            continue
        if item.kind == "object":
            yield from _leaves(given, item.members)
        elif item.kind != "array":
            yield item, given


def _unwrapped(node: Node, wanted: Sequence[Wanted]) -> Node:
    """The object that has the fields: some models put it into another one."""
    for _ in range(3):
        known = any(member(node, item.name) is not None for item in wanted)
        inner = [part for part in node.members.values() if part.kind == "object"]
        if known or len(inner) != 1:
            break
        node = inner[0]
    return node


def _free(span: Span, taken: Sequence[Span]) -> bool:
    box = span.box
    return not any(
        min(box.x2, other.box.x2) - max(box.x1, other.box.x1) > 0.5 * min(box.width, other.box.width)
        and min(box.y2, other.box.y2) - max(box.y1, other.box.y1) > 0.5 * min(box.height, other.box.height)
        for other in taken
    )


def _labels(page: PageText, kind: str) -> dict[str, list[Span]]:
    """The labels of our own fields on a page: of several places of a value, the one beside its label is meant."""
    if kind == "user":
        return {}
    from docparse.extract.vocabulary import find_labels

    found: dict[str, list[Span]] = {}
    for label in find_labels(page, kind="receipt" if kind == "receipt" else "invoice"):
        if label.standing >= 0.5:
            # A sum may stand at the other end of its row, further away than the line above.
            beside = (s.span() for s in label.row.segments if s.box.x1 >= label.span.box.x2)
            found.setdefault(label.field, []).extend((label.span, *islice(beside, 1)))
    return found
