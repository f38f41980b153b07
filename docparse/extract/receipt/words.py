"""What the words of a receipt's row mean: ``words.toml``, matched as OCR may have read them.

A word is matched as it stands, then as known words glued together (``GSTSummary``), then with a letter
or two misread (``Totai``, ``Invo1ce``). Chinese is found inside of runs of characters. What this file is
not: it does not say what a row is (``receipt_rows.py``).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

_LOOKALIKES = str.maketrans("01568|", "olsgbl")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A phrase of the words' file in a text: ``text[start:end]``; ``exact`` where no letter was misread."""

    kind: str
    start: int
    end: int
    words: int
    exact: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class _Book:
    phrases: dict[tuple[str, ...], tuple[str, ...]]
    """Kinds by the words of the phrase."""
    words: frozenset[str]
    signs: dict[str, tuple[str, ...]]
    """Kinds by the phrase, where it is written without spaces."""
    longest: int


def folded(text: str) -> str:
    """Lower case without accents, character for character (what has no such form stays)."""
    found = []
    for char in text:
        parts = unicodedata.normalize("NFKD", char).casefold()
        bare = [c for c in parts if not unicodedata.combining(c)]
        found.append(bare[0] if bare else char)
    return "".join(found)


@cache
def _book() -> _Book:
    raw = tomllib.loads((files("docparse.extract") / "receipt" / "words.toml").read_text("utf-8"))
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    signs: dict[str, tuple[str, ...]] = {}
    for kind, languages in raw.items():
        for listed in languages.values():
            for phrase in listed:
                if _CJK.search(phrase):
                    signs[phrase] = (*signs.get(phrase, ()), kind)
                else:
                    key = tuple(phrase.split())
                    phrases[key] = tuple(dict.fromkeys((*phrases.get(key, ()), kind)))
    words = frozenset(word for phrase in phrases for word in phrase)
    return _Book(phrases, words, signs, max(map(len, phrases)))


@lru_cache(maxsize=4096)
def meanings(text: str) -> tuple[Meaning, ...]:
    """Every phrase in the text; of phrases of one kind that overlap, the longest."""
    book = _book()
    tokens = _tokens(text)
    found: list[Meaning] = []
    for at in range(len(tokens)):
        seen: set[str] = set()
        for length in range(min(book.longest, len(tokens) - at), 0, -1):
            part = tokens[at : at + length]
            for kind in book.phrases.get(tuple(t.text for t in part), ()):
                if kind not in seen:
                    seen.add(kind)
                    found.append(Meaning(kind, part[0].start, part[-1].end, length, all(t.exact for t in part)))
    if _CJK.search(text):
        found += _signs(text, book)
    return tuple(m for m in found if not any(_within(m, other) for other in found))


def _within(inner: Meaning, outer: Meaning) -> bool:
    return (
        inner.kind == outer.kind
        and outer.start <= inner.start
        and inner.end <= outer.end
        and outer.end - outer.start > inner.end - inner.start
    )


def kinds(text: str) -> frozenset[str]:
    """The kinds of all phrases in the text."""
    return frozenset(m.kind for m in meanings(text))


def _signs(text: str, book: _Book) -> list[Meaning]:
    # Characters stand apart in print as often as not: 合 计.
    places = [i for i, c in enumerate(text) if not c.isspace()]
    tight = "".join(text[i] for i in places)
    found = []
    for sign, kinds_ in book.signs.items():
        for match in re.finditer(re.escape(sign), tight):
            start, end = places[match.start()], places[match.end() - 1] + 1
            found += [Meaning(kind, start, end, len(sign), True) for kind in kinds_]
    return found


def _tokens(text: str) -> list[_Token]:
    raw = [_Token(m.group(), *m.span()) for m in re.finditer(r"[^\W_]+", folded(text)) if not _CJK.search(m.group())]
    found: list[_Token] = []
    at = 0
    while at < len(raw):
        token = raw[at]
        if at + 1 < len(raw) and (joined := _joined(token, raw[at + 1])):
            found.append(joined)
            at += 2
            continue
        found += _read(token)
        at += 1
    return found


def _joined(a: _Token, b: _Token) -> _Token | None:
    """One word that was read as two: ``Tot al``."""
    words = _book().words
    text = a.text + b.text
    if len(text) >= 5 and b.start - a.end <= 1 and text in words and (a.text not in words or b.text not in words):
        return _Token(text, a.start, b.end, False)
    return None


def _read(token: _Token) -> list[_Token]:
    words = _book().words
    if token.text in words or token.text.isdigit():
        return [token]
    parts = _apart(token.text, words, 3)
    if parts:
        found, at = [], token.start
        for part in parts:
            found.append(_Token(part, at, at + len(part)))
            at += len(part)
        return found
    word = _nearest(token.text)
    return [_Token(word, token.start, token.end, False)] if word else [token]


def _apart(text: str, words: frozenset[str], most: int) -> Sequence[str]:
    """The text as up to ``most`` known words; () where it is not."""
    if text in words:
        return (text,)
    if most == 1:
        return ()
    for cut in range(3, len(text) - 2):
        if text[:cut] in words and (rest := _apart(text[cut:], words, most - 1)):
            return (text[:cut], *rest)
    return ()


_SHORT = frozenset({"total", "grand", "round", "summe", "tunai"})
"""Words of five letters that may be misread: of the others, too many are one letter away from some goods."""


@lru_cache(maxsize=4096)
def _nearest(text: str) -> str | None:
    """The known word that this may be, misread."""
    words = _book().words
    plain = text.translate(_LOOKALIKES)
    letters = sum(c.isalpha() for c in text)
    if plain != text and letters * 2 >= len(text) and plain in words and len(plain) > 2:
        return plain
    if len(text) < 5 or letters * 2 < len(text):
        return None
    from rapidfuzz.distance import Levenshtein

    slips = 2 if len(text) >= 9 else 1
    best, least = None, slips + 1
    for word in words:
        if (len(word) > 5 or word in _SHORT) and abs(len(word) - len(plain)) <= slips:
            far = Levenshtein.distance(plain, word, score_cutoff=slips)
            if far < least and misreadable(plain, word):
                best, least = word, far
    return best


_ALIKE = [frozenset(group) for group in ("lijtf1", "ceoaq0d", "mnhru", "uvy", "sz5", "gq96", "bh86", "kx", "pr")]


def misreadable(read: str, word: str) -> bool:
    """Whether all letters that differ look alike in print; one may be lost or too many."""
    from rapidfuzz.distance import Levenshtein

    steps = Levenshtein.editops(read, word)
    lost = sum(step.tag != "replace" for step in steps)
    alike = all(
        any(read[s.src_pos] in group and word[s.dest_pos] in group for group in _ALIKE)
        for s in steps
        if s.tag == "replace"
    )
    return lost <= 1 and alike
