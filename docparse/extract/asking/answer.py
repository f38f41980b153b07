"""A model's answer as JSON, whatever it looks like: fenced, in the midst of talk, cut off, nearly JSON.

Every value keeps the characters of the answer that it is written in, which is how its probability is known. What
was cut off is left out up to the last value that is whole: half a number is another number. What this file is
not: it knows no schema and no document.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from docparse.document import clean

Confidence = tuple[int, int, float]
Kind = Literal["object", "array", "string", "number", "boolean", "null"]

LONGEST = 1_000_000
"""Characters of an answer that are read."""
DEEPEST = 24
MOST_STARTS = 64
"""Braces at which an object is tried: talk has some too."""

_BLANK = re.compile(r"\s+")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*)?\.?\d+(?:[eE][-+]?\d{1,4})?(?=\s*[,}\]\n])")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_DECIMALS = re.compile(r",\d")
_LOOSE = re.compile(r"[^\s{}\[\]\"',:](?:[^{}\[\]\",\n]|(?<=\d),(?=\d)){0,500}?(?=\s*(?:,(?!\d)|[}\]\n]))")
_NAMED = {
    **dict.fromkeys(("null", "none", "nan", "undefined", "nil", "infinity", "-infinity"), None),
    "true": True,
    "false": False,
}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CLOSING = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where in the answer it stands, without its quotes.

    number  is its text, as written: 12.50 has two decimals
    whole   nothing of it is missing; an object or array that was cut off has what was whole of it
    twice   the key came again with another value; this is the first
    """

    kind: Kind
    value: Value
    start: int
    end: int
    whole: bool = True
    twice: bool = field(default=False, compare=False)

    @property
    def members(self) -> dict[str, Node]:
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        return self.value if isinstance(self.value, list) else []


Value: TypeAlias = "dict[str, Node] | list[Node] | str | bool | None"


def read_answer(text: str) -> Node | None:
    """The JSON object in an answer, the longest if there are several; None where there is none."""
    text = text[:LONGEST]
    best: Node | None = None
    at = text.find("{")
    for _ in range(MOST_STARTS):
        if at < 0:
            break
        parser = _Parser(text, at)
        node = parser.value(0)
        if node is not None and (best is None or node.end - node.start > best.end - best.start):
            empty = not node.members
            if not empty or (node.whole and best is None):
                best = node
        at = text.find("{", node.end if node is not None and node.members else at + 1)
    return best


def probability(node: Node, confidences: Sequence[Confidence]) -> float | None:
    """How surely the model wrote these characters: as surely as the least sure token of them. None: nobody knows."""
    if not confidences:
        return None
    first = bisect_left(confidences, node.start, key=lambda c: c[1] - 1)
    found = []
    for start, _, sure in confidences[first:]:
        if start >= max(node.end, node.start + 1):
            break
        found.append(sure)
    return min(found, default=None)


class _Parser:
    """JSON from ``at`` on, and what models write instead of it. ``cut``: the text ended, or went on as no JSON."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.cut = False

    def value(self, depth: int, *, listed: bool = False) -> Node | None:
        """The value that begins here; None where none does, or where it is not whole and no object or array."""
        self._blank()
        letter = self.text[self.at : self.at + 1]
        if depth > DEEPEST or not letter:
            self.cut = True
            return None
        if letter == "{":
            return self._object(depth)
        if letter == "[":
            return self._array(depth)
        if letter in _CLOSING:
            return self._string()
        return self._bare(listed)

    def _object(self, depth: int) -> Node:
        start = self.at
        self.at += 1
        members: dict[str, Node] = {}
        while not self._ends("}"):
            key = self._key()
            if key is None or not self._takes(":"):
                self.cut = True
                break
            node = self.value(depth + 1)
            if node is not None:
                _add(members, key, node)
            if self.cut:
                break
            self._takes(",")
        return Node("object", members, start, self.at, not self.cut)

    def _array(self, depth: int) -> Node:
        start = self.at
        self.at += 1
        items: list[Node] = []
        while not self._ends("]"):
            before = self.at
            node = self.value(depth + 1, listed=True)
            if node is not None:
                items.append(node)
            if self.cut or self.at == before:
                self.cut = True
                break
            self._takes(",")
        return Node("array", items, start, self.at, not self.cut)

    def _key(self) -> str | None:
        self._blank()
        if self.text[self.at : self.at + 1] in _CLOSING and self.at < len(self.text):
            node = self._string()
            return None if node is None else str(node.value)
        match = _WORD.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def _string(self) -> Node | None:
        close = _CLOSING[self.text[self.at]]
        start = at = self.at + 1
        letters: list[str] = []
        while at < len(self.text):
            letter = self.text[at]
            if letter == "\\" and at + 1 < len(self.text):
                step, meant = self._escape(at)
                letters.append(meant)
                at += step
            elif letter == close:
                self.at = at + 1
                said = "".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                return Node("string", clean(said), start, at)
            else:
                letters.append(letter)
                at += 1
        self.at, self.cut = len(self.text), True
        return None

    def _escape(self, at: int) -> tuple[int, str]:
        letter = self.text[at + 1]
        if letter == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", self.text[at + 2 : at + 6]):
            return 6, chr(int(self.text[at + 2 : at + 6], 16))
        return 2, _ESCAPES.get(letter, letter)

    def _bare(self, listed: bool) -> Node | None:
        """A number, a name of JSON's or Python's, or words that lack their quotes.

        12,50 without quotes is one number, which JSON cannot say, but in a list it is two.
        """
        start = self.at
        number = _NUMBER.match(self.text, start)
        if number is not None and not listed and _DECIMALS.match(self.text, number.end()):
            number = None
        if number is not None:
            self.at = number.end()
            return Node("number", number.group().replace("_", ""), start, self.at)
        words = _LOOSE.match(self.text, start)
        if words is None:
            self.cut = True
            return None
        self.at = words.end()
        said = words.group()
        if said.lower() in _NAMED:
            named = _NAMED[said.lower()]
            return Node("null" if named is None else "boolean", named, start, self.at)
        return Node("string", clean(said), start, self.at)

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _takes(self, letter: str) -> bool:
        self._blank()
        there = self.text.startswith(letter, self.at)
        self.at += there
        return there

    def _ends(self, letter: str) -> bool:
        """Whether the object or array ends here; a text that ends instead is cut."""
        self._blank()
        while self._takes(","):
            pass
        if self.at >= len(self.text):
            self.cut = True
        return self.cut or self._takes(letter)


def _add(members: dict[str, Node], key: str, node: Node) -> None:
    """The first value of a key is kept; that another one came is noted."""
    known = members.get(key)
    if known is None or known.kind == "null":
        members[key] = node
    elif node.kind != "null" and _plain(known) != _plain(node):
        members[key] = replace(known, twice=True)


def _plain(node: Node) -> object:
    if node.kind == "object":
        return {key: _plain(inner) for key, inner in node.members.items()}
    return [_plain(inner) for inner in node.items] if node.kind == "array" else node.value
