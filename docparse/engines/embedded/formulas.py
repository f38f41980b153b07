"""Displayed formulas: their numerators, limits and lines are one element, and what a formula looks like.

A text layer gives a fraction as lines of their own above and below the bar; what stands beside it,
above it and below it within the height of a line belongs to it.
"""

from __future__ import annotations

import re

from docparse.engines.embedded.element import Element
from docparse.geometry import BBox
from docparse.textlayer import Word

MATH = frozenset("=+−×÷⋅±∓≤≥≠≈∼≡∝∞∑∏∫∂∇√∈∉⊂⊆∪∩∧∨∀∃→←↔⇒⇔⟨⟩‖∥⊗⊕·∗^_|<>{}[]()/αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩϵϕℓℝ")
EQUAL = frozenset("=≤≥≈≡→∈≠")
RELATIONS = frozenset("=<>≤≥≈∼≡→∈≠")
MATH_FONT = re.compile(r"CMMI|CMSY|CMEX|MSBM|MSAM|Math|Symbol|MTMI|MTSY|STIX.*Math|Euclid|txsy|rsfs", re.IGNORECASE)
EQUATION_NUMBER = re.compile(r"[(\[]\s*[A-Z]?\.?\d{1,3}(?:\.\d{1,3}){0,2}[a-z]?\s*[)\]]$")
FUNCTIONS = frozenset({"arg", "argmax", "argmin", "cos", "cosh", "det", "dim", "exp", "inf", "lim", "log", "max"}) | {
    *("min", "rank", "sin", "sinh", "sup", "tan", "tanh", "where"),
}
"""Names that are no words of a sentence."""
_WORD = re.compile(r"[^\W\d_]{3}")
LONGEST = 240
"""Characters of the longest formula."""


def is_formula(element: Element) -> bool:
    """Mathematics with few words, away from the text around it."""
    text = element.text
    if len(element.lines) > 6 or len(text) > LONGEST:
        return False
    body = EQUATION_NUMBER.sub("", text).strip()
    if len(body) < 3:
        return False
    symbols = sum(c in MATH for c in body)
    words: list[Word] = [w for line in element.lines for w in line.words]
    if _prose(words) > max(2, 0.25 * len(words)):
        return False
    relation = any(c in RELATIONS for c in body)
    numbered = body != text
    if _math_share(words) >= 0.35 and (relation or numbered) and symbols >= 1:
        return True
    if relation and symbols >= 0.15 * len(body) and numbered:
        return True
    return len(words) >= 3 and _wordless(words) and symbols >= 0.15 * len(body) and any(c in EQUAL for c in body)


def join_formulas(elements: list[Element], em: float) -> None:
    """Put the pieces of each displayed formula together, in place, as one formula."""
    waiting = [e for e in elements if e.kind == "paragraph" and e.lines and _is_piece(e)]
    while waiting:
        parts = [waiting.pop(0)]
        box = parts[0].box
        grown = True
        while grown:
            near = [e for e in waiting if _belongs(e, box, em)]
            grown = bool(near)
            for piece in near:
                waiting.remove(piece)
                parts.append(piece)
                box = box.union(piece.box)
        if len(parts) > 1 and _is_displayed(parts, box, elements):
            first = parts[0]
            first.lines = [line for e in sorted(parts, key=_place) for line in e.lines]
            first.kind, first.box = "formula", box
            for piece in parts[1:]:
                elements.remove(piece)


def _place(element: Element) -> tuple[float, float]:
    return element.box.x1, element.box.y1


def _is_piece(element: Element) -> bool:
    """Whether a paragraph can be a part of a formula: short, and without words."""
    words = [w for line in element.lines for w in line.words]
    heavy = element.lines[0].bold and not _wordless(words)  # vectors are set bold, and so are headings
    return len(element.lines) <= 3 and len(element.text) <= 80 and _prose(words) == 0 and not heavy


def _belongs(piece: Element, formula: BBox, em: float) -> bool:
    """Whether a piece stands beside, above or below a formula, as near as its own lines are."""
    box = piece.box
    across = max(box.x1, formula.x1) - min(box.x2, formula.x2)
    down = max(box.y1, formula.y1) - min(box.y2, formula.y2)
    if down < -0.2 * min(box.height, formula.height):
        return across < 9 * em or EQUATION_NUMBER.fullmatch(piece.text) is not None  # which is set flush right
    return across < 0 and down < 0.35 * em


def _is_displayed(parts: list[Element], box: BBox, elements: list[Element]) -> bool:
    """Whether pieces are a formula: a relation, letters or signs of mathematics, and no one else inside."""
    words = [w for e in parts for line in e.lines for w in line.words]
    text = " ".join(w.text for w in words)
    if len(text) > LONGEST or not any(c in RELATIONS for c in text):
        return False
    others = (e for e in elements if not any(e is p for p in parts))
    if any(box.overlap(e.box) > 0.05 * min(box.area, e.box.area) for e in others):
        return False
    signs = sum(c in MATH for c in text) / len(text)
    numbered = any(EQUATION_NUMBER.search(e.text) for e in parts)
    return _math_share(words) >= 0.25 or (numbered and signs >= 0.1) or (_wordless(words) and signs >= 0.15)


def _prose(words: list[Word]) -> int:
    return sum(1 for w in words if len(w.text) >= 4 and w.text.isalpha() and w.text not in FUNCTIONS)


def _wordless(words: list[Word]) -> bool:
    """Whether there are letters, but none that make a word of three or more."""
    texts = [w.text for w in words]
    return any(c.isalpha() for t in texts for c in t) and not any(_WORD.search(t) for t in texts if t not in FUNCTIONS)


def _math_share(words: list[Word]) -> float:
    """Share of the stretches of text that are set in a font of mathematics, or in italic letters alone."""
    styles = [(text, style) for word in words for text, style in word.parts]
    math = sum(1 for text, style in styles if MATH_FONT.search(style.font) or (style.italic and len(text) <= 2))
    return math / max(len(styles), 1)
