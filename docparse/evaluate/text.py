"""How much of a text is right: edit distances by characters and words, and words in any order.

Normalised edit distance as OmniDocBench has it (edits over the longer text, 0 is best); character and word error rate
as in speech and OCR (edits over the true text, which may pass 1 where the output runs on).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docparse.evaluate.plain import letters, levelled, words

SHORT_LINE = 5
"""Letters below which a line has to be found as it is."""
LIKE_LINE = 90.0
"""Percent of likeness from which a line is found."""


@dataclass(frozen=True, slots=True)
class TextScore:
    """``ned``: normalised edit distance; ``ned_nospace``: without white space; ``cer``, ``wer``: error rates;
    ``word_f1``: words that are right, wherever they stand; ``line_recall``: share of the true lines that are found,
    None where the truth has no lines. ``edits``, ``longer`` and ``characters`` make figures over many documents."""

    ned: float
    ned_nospace: float
    cer: float
    wer: float
    word_f1: float
    edits: int
    longer: int
    characters: int
    line_recall: float | None = None


def text_score(said: str, true: str, *, lines: Sequence[str] | None = None) -> TextScore:
    """Compare two texts without marks. ``lines``: those of the truth, where it has them."""
    p, g = levelled(said), levelled(true)
    edits, longer = Levenshtein.distance(p, g), max(len(p), len(g))
    p_words, g_words = words(p), words(g)
    word_edits = Levenshtein.distance(p_words, g_words)
    common = _folded(p_words) & _folded(g_words)
    all_words = len(p_words) + len(g_words)
    p_tight, g_tight = "".join(p.split()), "".join(g.split())
    return TextScore(
        ned=edits / max(longer, 1),
        ned_nospace=Levenshtein.distance(p_tight, g_tight) / max(len(p_tight), len(g_tight), 1),
        cer=edits / max(len(g), 1),
        wer=word_edits / max(len(g_words), 1),
        word_f1=2 * common.total() / all_words if all_words else 1.0,
        edits=edits,
        longer=longer,
        characters=len(g),
        line_recall=None if lines is None else _line_recall(said, lines),
    )


def _folded(found: Sequence[str]) -> Counter[str]:
    return Counter(word.casefold() for word in found)


def _line_recall(said: str, lines: Sequence[str]) -> float | None:
    """Reading order does not count: what is asked is whether the line is there at all."""
    text = letters(said)
    wanted = [line for line in map(letters, lines) if line]
    found = sum(
        line in text or (len(line) >= SHORT_LINE and fuzz.partial_ratio(line, text) >= LIKE_LINE) for line in wanted
    )
    return found / len(wanted) if wanted else None
