"""The words that documents put beside their values, and where they stand on a page.

The words are data: ``labels/<language>.toml``, one file a language. A table in it is a field, and its
``labels`` are what documents of that language call it::

    [invoice.due_date]
    labels = ["Due date", "Payment due( on| by|)"]

``(a|b|)`` is any one of these, or nothing. A word of everyday speech ends with a colon, ``To:``; it is a label
only where one follows, or where it stands alone. Case, accents, spaces and punctuation do not count, so that
``Due date`` is also ``DUE-DATE:``. There are three groups: ``invoice`` (the header and the totals),
``column`` (headings of a table of items) and ``receipt``. In one group a label belongs to one field,
whatever the language; where several labels begin at one place the longest wins. That is why there are
fields that nobody asks for, such as ``customer_number``: they keep ``Number`` from being found in them.

What this file is not: it knows where labels stand, and nothing about values.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from typing import Literal

from docparse.extract.page_text import DocumentText, PageText, Row, Span

Kind = Literal["invoice", "receipt"]
Group = Literal["invoice", "column", "receipt"]
GROUPS: dict[Kind, tuple[Group, ...]] = {"invoice": ("invoice", "column"), "receipt": ("receipt",)}

COMMON_GAP = 0.75
"""Letter heights between two segments of a row up to which one label may go over both: an ordinary space."""
GLUED = 4
"""Letters of a label that may be the beginning of a number, if digits follow without a space: DE123, PO-77."""
_GLUE = re.compile(r"[-/_]?\d")
MISREAD = 0.82
"""Likeness above which words read by OCR are taken for a label of ten letters or more."""
MISREAD_SHORT = 0.88
"""The same for shorter ones: "Seattle" is nearly "Spett.le"."""
CONFUSED = 0.95
"""Likeness of words that differ from a label in letters only that OCR often confuses, as O and 0."""
MISREAD_FROM = 5
"""Letters that a label has at least, to be found although some were misread."""
LIKENED_FROM = 7
"""Letters from which one may be quite another: "rice" is no "Price"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One way to say a field.

    ``languages`` all that say it so; ``bare``: it is a label only before a colon or alone.
    """

    field: str
    label: str
    languages: tuple[str, ...]
    bare: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A label on a page.

    ``field``      as in the files; those of columns begin with ``column.``
    ``language``   ISO 639-1; the first of those that say so
    ``start``, ``end``  characters of ``row.text``, a colon not among them
    ``likeness``   1 where it is printed just so, less where OCR may have misread it
    ``standing``   0 to 1, how much it stands as labels do: 1 alone or before a colon, 0.8 at the start of
                   its segment, 0.5 at the end, 0.2 in the midst of other words
    """

    field: str
    language: str
    span: Span
    row: Row
    start: int
    end: int
    likeness: float = 1.0
    standing: float = 1.0
    languages: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Label({self.field}, {self.span.text!r}, {self.language}, {self.standing:g})"


def find_labels(page: PageText, *, kind: Kind) -> list[Label]:
    """The labels of a page from top to bottom, each row from left to right.

    Those of one group never share characters; a heading of a column may also be a label of the header.
    """
    return list(_labels_of(page, kind))


@lru_cache(maxsize=16)
def _labels_of(page: PageText, kind: Kind) -> tuple[Label, ...]:
    found: list[Label] = []
    for row in page.rows:
        for group in GROUPS[kind]:
            found += _in_row(row, group, ocr=page.ocr)
    return tuple(sorted(found, key=lambda label: (label.row.index, label.start, label.field)))


def find_in(text: str, group: Group) -> list[tuple[str, int, int]]:
    """Labels in any text: field, start and end."""
    return [(_named(entry, group), start, end) for entry, start, end in _matches(text, group)]


def label_of(text: str, group: Group) -> str | None:
    """The field whose label the whole text is; None where it is none."""
    entry = vocabulary(group).get(squeeze(text)[0])
    return _named(entry, group) if entry else None


@lru_cache(maxsize=4)
def languages(text: DocumentText) -> tuple[str, ...]:
    """The languages that the labels of a document are in, the likeliest first; () where there are none."""
    votes: dict[str, float] = defaultdict(float)
    for row in text.rows:
        for group in ("invoice", "column", "receipt"):
            for label in _in_row(row, group, ocr=False):
                for language in label.languages:
                    # A label that many languages share says little about which it is.
                    votes[language] += (label.end - label.start) * label.standing / len(label.languages) ** 2
    return tuple(sorted(votes, key=lambda language: -votes[language]))


# --------------------------------------------------------------------------------------- the files


def codes() -> tuple[str, ...]:
    """The languages there are files for."""
    folder = resources.files("docparse.extract") / "labels"
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


@cache
def file_of(language: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Group -> field -> labels of one file, alternatives written out."""
    text = (resources.files("docparse.extract") / "labels" / f"{language}.toml").read_text("utf-8")
    groups = {name: table for name, table in tomllib.loads(text).items() if isinstance(table, dict)}
    return {
        group: {field: tuple(dict.fromkeys(expand(entry["labels"]))) for field, entry in fields.items()}
        for group, fields in groups.items()
    }


def expand(labels: Iterable[str]) -> Iterator[str]:
    """``"Due (on|by|)"`` -> Due on, Due by, Due. Parentheses may stand in one another."""
    for label in labels:
        yield from (" ".join(one.split()) for one in _expand(label))


def _expand(label: str) -> list[str]:
    start = label.find("(")
    if start < 0:
        return [label]
    depth, parts, begin = 0, [], start + 1
    for at in range(start, len(label)):
        match label[at]:
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "|" if depth == 1:
                parts.append(label[begin:at])
                begin = at + 1
        if depth == 0:
            parts.append(label[begin:at])
            inner = [one for part in parts for one in _expand(part)]
            return [label[:start] + one + rest for one in inner for rest in _expand(label[at + 1 :])]
    raise ValueError(f"a parenthesis is not closed in {label!r}")


@cache
def vocabulary(group: Group) -> Mapping[str, Entry]:
    """Every label of a group in all languages, by its squeezed form."""
    found: dict[str, Entry] = {}
    # The languages that most documents are in come first; the others by name.
    order = {"en": 0, "de": 1, "fr": 2, "es": 3, "it": 4, "nl": 5, "zh": 6}
    for language in sorted(codes(), key=lambda code: (order.get(code, 9), code)):
        for field, labels in file_of(language).get(group, {}).items():
            for label in labels:
                key = squeeze(label)[0]
                old = found.get(key)
                bare = label.endswith(":")
                if old is None:
                    found[key] = Entry(field, label, (language,), bare)
                elif old.field == field and language not in old.languages:
                    found[key] = Entry(field, old.label, (*old.languages, language), old.bare and bare)
    return found


@cache
def _lengths(group: Group) -> Mapping[str, tuple[int, ...]]:
    """Lengths of the squeezed labels by their first character, longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for key in vocabulary(group):
        found[key[0]].add(len(key))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}


def _named(entry: Entry, group: Group) -> str:
    return f"column.{entry.field}" if group == "column" else entry.field


# ------------------------------------------------------------------------------------------ matching

_KEPT = "#%"
_FOLDED = {"°": "o", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "№": "no"}


@cache
def _folded(char: str) -> str:
    if char in _FOLDED:
        return _FOLDED[char]
    plain = unicodedata.normalize("NFKD", char).casefold()
    return "".join(c for c in plain if (c.isalnum() or c in _KEPT) and not unicodedata.combining(c))


def squeeze(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text without case and accents, and where each stands in it."""
    chars, places = [], []
    for at, char in enumerate(text):
        for plain in _folded(char):
            chars.append(plain)
            places.append(at)
    return "".join(chars), places


def _script(char: str) -> str:
    """What a character may stand beside without being of its word."""
    if ord(char) >= 0x2E80:
        return "wide"
    return "digit" if char.isdigit() else "letter" if char.isalpha() else "sign"


def _edge(text: str, at: int) -> bool:
    """Whether a word may end before the character at ``at`` and another begin there."""
    if at <= 0 or at >= len(text):
        return True
    a, b = _script(text[at - 1]), _script(text[at])
    return a != b or a in ("wide", "sign")


_JOINTS = re.compile(r"[-._@'’]{1,2}")


def _joined(text: str, start: int, end: int) -> bool:
    """Whether these characters are a part of a longer word: KUNDE of MUSTER-KUNDE."""
    after = _JOINTS.match(text, end)
    if after and after.end() < len(text):
        char = text[after.end()]
        if char.isalpha() or (char.isdigit() and "_" in after.group()):
            return True
    before = start
    while before and text[before - 1] in "-._@'’" and start - before < 2:
        before -= 1
    return before < start and before > 0 and text[before - 1].isalpha()


def _matches(text: str, group: Group) -> Iterator[tuple[Entry, int, int]]:
    """The longest labels from left to right, none sharing characters with another."""
    squeezed, places = squeeze(text)
    entries, lengths = vocabulary(group), _lengths(group)
    at = 0
    while at < len(squeezed):
        start = places[at]
        if not _edge(text, start):
            at += 1
            continue
        for length in lengths.get(squeezed[at], ()):
            stop = at + length
            entry = entries.get(squeezed[at:stop]) if stop <= len(squeezed) else None
            if entry is None:
                continue
            end = places[stop - 1] + 1
            if not _edge(text, end) or _joined(text, start, end):
                continue
            if length <= GLUED and _GLUE.match(text, end):
                continue
            if stop < len(places) and places[stop] == places[stop - 1]:
                continue
            yield entry, start, end
            at = stop
            break
        else:
            at += 1


def _in_row(row: Row, group: Group, *, ocr: bool) -> Iterator[Label]:
    starts = _segment_starts(row)
    misread = list(_misread(row, group)) if ocr else []
    taken: list[tuple[int, int]] = []
    for entry, start, end in _within_columns(row, starts, group):
        if any(a <= start and end <= b and likeness == CONFUSED for _, a, b, likeness in misread):
            continue  # AMOUNT of T0TAL AMOUNT
        label = _label(entry, row, group, starts, start, end, 1.0)
        if not entry.bare or label.standing == 1.0:
            taken.append((start, end))
            yield label
    for entry, start, end, likeness in misread:
        if not any(start < b and a < end for a, b in taken):
            taken.append((start, end))
            yield _label(entry, row, group, starts, start, end, likeness)


def _segment_starts(row: Row) -> list[int]:
    starts, at = [], 0
    for segment in row.segments:
        starts.append(at)
        at += len(segment.text) + 1
    return starts


def _within_columns(row: Row, starts: list[int], group: Group) -> Iterator[tuple[Entry, int, int]]:
    """The labels of each column on its own: no label goes over a wide gap."""
    cuts = [0]
    for (a, b), start in zip(pairwise(row.segments), starts[1:], strict=True):
        if b.box.x1 - a.box.x2 > COMMON_GAP * max(a.size, b.size, 1.0):
            cuts.append(start)
    for begin, stop in pairwise([*cuts, len(row.text) + 1]):
        for entry, start, end in _matches(row.text[begin : stop - 1], group):
            yield entry, begin + start, begin + end


def _label(entry: Entry, row: Row, group: Group, starts: list[int], start: int, end: int, likeness: float) -> Label:
    return Label(
        _named(entry, group),
        entry.languages[0],
        row.span(start, end),
        row,
        start,
        end,
        likeness,
        _standing(row, starts, start, end),
        entry.languages,
    )


def _standing(row: Row, starts: list[int], start: int, end: int) -> float:
    begin = max(s for s in starts if s <= start)
    stop = min((s for s in starts if s >= end), default=len(row.text) + 1) - 1
    before = row.text[begin:start].strip(" .:*-–•|(/")
    after = row.text[end:stop].strip()
    if after[:1] in (":", "："):
        return 1.0 if not before else 0.7
    if not before:
        rest = after.lstrip(".)#-–/ ")
        words = sum(any(c.isalpha() for c in word) and not any(c.isdigit() for c in word) for word in rest.split())
        return 1.0 if not rest else 0.8 if words <= 3 else 0.5
    return 0.5 if not after.strip(" .)#-") else 0.2


def _misread(row: Row, group: Group) -> Iterator[tuple[Entry, int, int, float]]:
    """Runs of words that are a label but for letters that OCR confuses, or nearly one; the likeliest first."""
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    entries, keys = vocabulary(group), _confusable(group)
    found: list[tuple[float, int, int, int, str]] = []
    for start, end in _windows(row.text):
        text = squeeze(row.text[start:end])[0]
        letters = sum(c.isalpha() for c in text)
        if text in entries or letters < MISREAD_FROM - 1 or letters * 2 <= len(text) or len(text) > 40:
            continue
        folded = _confused(text)
        if folded in keys:
            found.append((CONFUSED, len(text), start, end, keys[folded]))
            continue
        if len(folded) < LIKENED_FROM:
            continue
        least = MISREAD if len(folded) >= 10 else MISREAD_SHORT
        best = process.extractOne(folded, keys.keys(), scorer=Indel.normalized_similarity, score_cutoff=least)
        if best is not None and abs(len(best[0]) - len(folded)) <= 2:
            found.append((min(float(best[1]), CONFUSED - 0.01), len(text), start, end, keys[best[0]]))
    for likeness, _, start, end, key in sorted(found, key=lambda f: -f[0] * f[1]):
        yield entries[key], start, end, likeness


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Runs of one to four words: start and end."""
    words, at = [], 0
    for word in text.split(" "):
        words.append((at, at + len(word)))
        at += len(word) + 1
    for first in range(len(words)):
        for last in range(first, min(first + 4, len(words))):
            yield words[first][0], words[last][1]


_LOOKALIKES = str.maketrans({"0": "o", "1": "i", "l": "i", "5": "s", "8": "b", "6": "b", "2": "z", "q": "g", "c": "e"})


def _confused(text: str) -> str:
    """A squeezed text with one letter for all that OCR takes for each other."""
    return text.translate(_LOOKALIKES).replace("rn", "m").replace("vv", "w")


@cache
def _confusable(group: Group) -> Mapping[str, str]:
    """Confused form -> squeezed form of the labels long enough to be likened."""
    return {_confused(key): key for key in vocabulary(group) if len(key) >= MISREAD_FROM}
