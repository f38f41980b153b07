"""JSON as models write it, to objects that have a place: ``[{"bbox_2d": [...], "label": "..."}]``.

What it is: a scanner that minds no trailing comma, single quotes, missing comma or missing end, in one
pass, and knows where in the input each value stands. What it is not: a JSON parser (a strict one refuses
most of what models write), nor the one who says what an object means: see ``grounding``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from docparse.qwenvl_html.frame import BOX_KEYS, POINT_KEYS
from docparse.qwenvl_html.page import Piece, Stretch

_TOKEN = re.compile(
    # A quote ends a string only where something can follow it: models forget to escape those inside.
    r"""\s*+(?:"(?P<double>(?:[^"\\]++|\\.|"(?!\s*+(?:[,:\]}]|\Z)))*+)\""""
    r"""|'(?P<single>(?:[^'\\]++|\\.|'(?!\s*+(?:[,:\]}]|\Z)))*+)'"""
    r"""|(?P<mark>[\[\]{}:,])|(?P<open>["'])|(?P<word>[^\s\[\]{}:,"']++(?:[ ]++[^\s\[\]{}:,"']++)*+))""",
    re.DOTALL,
)
_DIGITS = re.compile("[-+0-9.eE]*")
_COLON = re.compile(r"\s*+:")
_OPENING = re.compile(r"[\[{]")
_CONSTANTS = frozenset({"true", "false", "null", "True", "False", "None", "NaN"})
_DEEPEST = 20
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # two references for one character
_ESCAPE = re.compile(rf"{_PAIR}|\\u[0-9a-fA-F]{{4}}|\\.", re.DOTALL)
_PLAIN_ESCAPE = re.compile(r'\\[n"\\]')

Said = tuple[str, Stretch]
"""A value with its escapes resolved, and where it stands, without its quotes."""


@dataclass
class Entry:
    """One object: ``markup[start:end]``, and what it says under each key.

    ``corners`` and ``point`` are the values that make its box and its point, and are not in ``said``.
    """

    start: int
    end: int = 0
    said: dict[str, list[Said]] = field(default_factory=dict)
    corners: list[Said] = field(default_factory=list)
    point: list[Said] = field(default_factory=list)

    def put(self, key: str, text: str, stretch: Stretch) -> None:
        self.said.setdefault(key, []).append((text, stretch))

    def has_words(self) -> bool:
        return any(not _DIGITS.fullmatch(text) for values in self.said.values() for text, _ in values)

    def take(self, keys: Iterable[str]) -> list[Said]:
        """All values of the first of ``keys`` that is there, which then is there no more."""
        return next((self.said.pop(key) for key in keys if key in self.said), [])


class Scanner:
    """Finds the objects of ``markup[start:end]``. After ``entries``: ``truncated``, whether it ends inside of
    one; ``outside``, what stands between and after the lists.
    """

    def __init__(self, markup: str, start: int, end: int) -> None:
        self.markup = markup
        self.start = start
        self.end = end
        self.truncated = False
        self.outside: list[Stretch] = []
        self._opened: list[Entry] = []
        self._key = ""

    def entries(self) -> Iterator[Entry]:
        """Each object once it is complete, so that what stands inside another one comes before it."""
        at = self.start
        depth: list[str] = []
        braces = 0  # in ``depth``
        while match := _TOKEN.match(self.markup, at, self.end):
            at = match.end()
            mark = match["mark"]
            if not depth and mark not in ("[", "{", ",", "]", "}"):
                # Not even a list: whatever comes before the next one.
                opening = _OPENING.search(self.markup, at, self.end)
                stop = opening.start() if opening else self.end
                self.outside.append((match.start(), stop))
                at = stop
            elif mark in ("[", "{"):
                depth.append(mark)
                braces += mark == "{"
                if mark == "{" and len(self._opened) < _DEEPEST:
                    self._opened.append(Entry(match.start("mark")))
            elif mark in ("]", "}"):
                if depth:
                    braces -= depth.pop() == "{"
                if mark == "}" and self._opened and braces < len(self._opened):
                    yield from self._close(at)
            elif mark is None:
                at = self._value(match)
        self.truncated = bool(self._opened)
        while self._opened:
            yield from self._close(self.end)

    def _value(self, match: re.Match[str]) -> int:
        """A key, or a value of the open object. Returns where to go on."""
        at = match.end()
        if match["open"]:  # a string that does not end
            text, stretch, at = self.markup[at : self.end], (at, self.end), self.end
        elif match["word"]:
            text, stretch = match["word"], (match.start("word"), at)
        else:
            text = match["double"] if match["double"] is not None else match["single"]
            stretch = (at - 1 - len(text), at - 1)
        if not match["open"] and _COLON.match(self.markup, at, self.end):
            self._key = unescaped(text)
            return at
        if not self._opened:
            self.outside.append(stretch)
        elif text not in _CONSTANTS:
            self._opened[-1].put(self._key, unescaped(text), stretch)
        return at

    def _close(self, end: int) -> Iterator[Entry]:
        """The object that was opened last is complete; without a place it is a part of the one around it."""
        entry = self._opened.pop()
        entry.end = end
        entry.corners, entry.point = entry.take(BOX_KEYS), entry.take(POINT_KEYS)
        if not any(text for text, _ in entry.corners):
            entry.corners = []
        if entry.corners or entry.point or not self._opened:
            yield entry
            return
        for key, values in entry.said.items():
            self._opened[-1].said.setdefault(key, []).extend(values)


def unescaped(string: str) -> str:
    """What a string of JSON says."""
    return "".join(text for text, _, _ in pieces_of_string(string))


def pieces_of_string(string: str) -> Iterator[Piece]:
    """The text between the escapes of ``string``, and what these stand for."""
    if "\\" not in string:
        yield string, 0, len(string)
        return
    try:
        json.loads(f'"{string}"', strict=False)
        escape = _ESCAPE
    except ValueError:
        escape = _PLAIN_ESCAPE  # "\alpha": nothing was escaped, or only what had to be
    last = 0
    for match in escape.finditer(string):
        if last < match.start():
            yield string[last : match.start()], last, match.start()
        yield _resolved(match[0]), match.start(), match.end()
        last = match.end()
    if last < len(string):
        yield string[last:], last, len(string)


@lru_cache(maxsize=1024)
def _resolved(escape: str) -> str:
    return str(json.loads(f'"{escape}"'))
