"""Facts about a page that are right or wrong, as olmOCR-bench has them (Poznanski et al. 2025, arXiv:2502.18443): a
text is there or is not, stands before another one, has this format; a cell has these neighbours; a formula or the mark
of a footnote is there; the output does not loop.

A fact is an object of its JSON lines. A formula is compared by its LaTeX, not by its picture, and differences in a text
are counted as edits; no fact is added that the lines do not have, and no script of letters is forbidden: figures are
near those of olmOCR's own program, and not the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docparse.evaluate.grids import PIPE_TABLE, grid_of, rows_of, tables_in
from docparse.evaluate.plain import TYPOGRAPHY, UNSEEN, levelled

LEAST_LIKE = 0.5
"""How much of a cell must be alike, whatever the fact allows."""
LIKE_FORMULA = 92.0
LOOP_TAIL, LONGEST_LOOP = 3000, 199
"""Characters at the end in which a loop is looked for, and how long a piece of it may be."""
BESIDE_MARK = 200
"""Characters beside the mark of a footnote in which its neighbours are looked for."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "present": ("text",),
    "absent": ("text",),
    "order": ("before", "after"),
    "table": ("cell",),
    "math": ("math",),
    "format": ("text", "format"),
    "footnote": ("marker",),
    "baseline": (),
}
"""The types that are known, and the texts that a fact of each must have."""
Fact = Mapping[str, Any]
Place = tuple[int, int]

_NUMBERS = ("page", "max_diffs", "first_n", "last_n", "max_length")
_BREAK = re.compile(r"<br\s*/?>")
_BOLD = re.compile(r"(\*\*\*|\*\*|__)(.+?)\1")
_ITALIC = re.compile(r"(?<!\w)[*_](\S[^*_\n]*?)[*_](?!\w)")
_NO_LETTERS = re.compile(r"[\W_]")
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$(.+?)\$", re.S)
_LATEX_LOOK = re.compile(
    r"\\(left|right|displaystyle|,|;|!|quad|qquad|mathrm|operatorname\*?|text|mathbf|boldsymbol|mathit)(?![a-zA-Z])"
)
_LATEX_SAME = {"\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\lvert": "|", "\\rvert": "|"}
_LATEX_REST = re.compile(r"[\s{}]|\\tag\{?.*?\}?$")
_PICTURE = re.compile(r"!\[.*?\]\(.*?\)")
_FORMATS: Mapping[str, re.Pattern[str]] = {
    "heading": re.compile(r"^ {0,3}#{1,6}[ \t]+([^\n]+)|<h[1-6]\b[^>]*>(.*?)</h[1-6]>", re.M | re.I | re.S),
    "bold": re.compile(r"\*\*(.+?)\*\*|__(.+?)__|<(?:b|strong)\b[^>]*>(.*?)</(?:b|strong)>", re.I | re.S),
    "italic": re.compile(
        r"(?<!\*)\*(?!\*)(.+?)(?<!\*)\*(?!\*)|(?<![\w_])_(?!_)(.+?)(?<!_)_(?![\w_])"
        r"|<(?:i|em)\b[^>]*>(.*?)</(?:i|em)>",
        re.I | re.S,
    ),
}
_RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_SIDES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


@dataclass(frozen=True, slots=True)
class FactScore:
    """``passed``: None for a type that is not known here, which does not count."""

    id: str
    type: str
    passed: bool | None


def lacking(fact: Fact) -> str | None:
    """What a fact must say and does not, or says in no way that is understood; None where all is well."""
    for key in ("type", *NEEDS.get(str(fact.get("type")), ())):
        if not isinstance(fact.get(key), str) or not fact[key].strip():
            return key
    if fact["type"] == "format" and fact["format"] not in _FORMATS:
        return "format"
    return next((key for key in _NUMBERS if type(fact.get(key)) not in (int, NoneType)), None)


def fact_score(fact: Fact, text: str | None) -> FactScore:
    """Whether ``fact``, which lacks nothing, holds of the output ``text``, with its marks; of no output nothing
    holds."""
    kind = str(fact["type"])
    holds = _HOLDS.get(kind)
    passed = None if holds is None else text is not None and holds(fact, text)
    return FactScore(str(fact.get("id", "")), kind, passed)


def _shown(text: str) -> str:
    """Without bold, italics and typography; other marks stay."""
    text = _ITALIC.sub(r"\1", _BOLD.sub(r"\2", _BREAK.sub(" ", text)))
    return " ".join(unicodedata.normalize("NFC", text).translate(TYPOGRAPHY | UNSEEN).split())


def _allowed(fact: Fact) -> int:
    """Letters that may be different."""
    return int(fact.get("max_diffs") or 0)


# ------------------------------------------------------------------------------------ texts


def _present(fact: Fact, text: str) -> bool:
    needle, hay = _shown(fact["text"]), _shown(text)
    if fact.get("case_sensitive") is False:
        needle, hay = needle.casefold(), hay.casefold()
    first, last = fact.get("first_n"), fact.get("last_n")
    if first and last:
        hay = f"{hay[:first]} {hay[-last:]}"
    elif first:
        hay = hay[:first]
    elif last:
        hay = hay[-last:]
    return bool(_places(needle, hay, _allowed(fact)))


def _absent(fact: Fact, text: str) -> bool:
    return not _present(fact, text)


def _in_order(fact: Fact, text: str) -> bool:
    hay = _shown(text)
    before, after = (_places(_shown(fact[key]), hay, _allowed(fact)) for key in ("before", "after"))
    return bool(before and after) and min(before) < max(after)


def _places(needle: str, hay: str, allowed: int) -> list[int]:
    """Where ``needle`` begins in ``hay``; if it is nowhere, one place with so many differences at most."""
    places = []
    at = hay.find(needle)
    while at >= 0:
        places.append(at)
        at = hay.find(needle, at + 1)
    if places or allowed <= 0 or not needle:
        return places
    least = 90 * (1 - 2 * allowed / len(needle))
    near = fuzz.partial_ratio_alignment(needle, hay, score_cutoff=least)
    if near is None:
        return []
    for start in range(max(0, near.dest_start - allowed), near.dest_start + allowed + 1):
        for length in range(max(1, len(needle) - allowed), len(needle) + allowed + 1):
            if Levenshtein.distance(needle, hay[start : start + length], score_cutoff=allowed) <= allowed:
                return [start]
    return []


def _no_loop(fact: Fact, text: str) -> bool:
    """There is text that does not loop; or, with ``max_length``, hardly any."""
    most = fact.get("max_length")
    if most is not None and fact.get("max_length_skips_image_alt_tags"):
        text = _PICTURE.sub("", text)
    shown = _shown(text)
    said = len(_NO_LETTERS.sub("", shown))
    if most is not None:
        return said <= int(most)
    return said > 0 and not _loops(shown)


def _loops(text: str) -> bool:
    """Whether it ends in one piece over and over: one letter 30 times, a few 10 times, a sentence 6 times."""
    tail = text[-LOOP_TAIL:]
    for length in range(1, min(LONGEST_LOOP, len(tail) // 6) + 1):
        piece, stop = tail[-length:], len(tail)
        while stop >= length and tail[stop - length : stop] == piece:
            stop -= length
        enough = 30 if length == 1 else 10 if length < 20 else 6
        if (len(tail) - stop) // length >= enough and piece.strip():
            return True
    return False


# ------------------------------------------------------------------------------------ formats and footnotes


def _formatted(fact: Fact, text: str) -> bool:
    """Whether a heading, a bold or an italic part has the text in it."""
    needle = _shown(fact["text"])
    parts = [_shown("".join(groups)) for groups in _FORMATS[fact["format"]].findall(text)]
    if fact.get("case_sensitive") is False:
        needle, parts = needle.casefold(), [part.casefold() for part in parts]
    return any(_places(needle, part, _allowed(fact)) for part in parts)


def _footnote(fact: Fact, text: str) -> bool:
    """Whether a raised mark is there, after one text and before another: of several, each beside any of them."""
    marker = fact["marker"]
    ways = [rf"\[\^{re.escape(marker)}\](?!:)", rf"<sup\b[^>]*>\s*{re.escape(marker)}\s*</sup>"]
    if marker.isascii() and marker.isdigit():
        ways.append(re.escape(marker.translate(_RAISED)))
    marks = list(re.finditer("|".join(ways), text, re.I))
    if not marks:
        return False
    before = [_only_letters(text[max(0, mark.start() - BESIDE_MARK) : mark.start()]) for mark in marks]
    after = [_only_letters(text[mark.end() : mark.end() + BESIDE_MARK]) for mark in marks]
    return _any_beside(fact, "appears_before_marker", before, last=True) and _any_beside(
        fact, "appears_after_marker", after, last=False
    )


def _any_beside(fact: Fact, key: str, texts: Sequence[str], *, last: bool) -> bool:
    """Whether one of the texts ends (or begins) with about what the fact says; true where it says nothing."""
    wanted = _only_letters(str(fact.get(key) or ""))
    near = 2 * len(wanted)
    parts = (text[-near:] if last else text[:near] for text in texts)
    return not wanted or any(_places(wanted, part, _allowed(fact)) for part in parts)


def _only_letters(text: str) -> str:
    return _NO_LETTERS.sub("", _shown(text)).casefold()


# ------------------------------------------------------------------------------------ cells and formulas


def _in_a_table(fact: Fact, text: str) -> bool:
    if fact.get("ignore_markdown_tables"):
        text = PIPE_TABLE.sub("\n", text)
    return any(_in_table(fact, html) for html in tables_in(text))


def _in_table(fact: Fact, html: str) -> bool:
    grid, cells = grid_of(rows_of(html) or ())
    texts = [_shown(levelled(cell.text)) for cell in cells]
    allowed = _allowed(fact)

    def like(key: str, place: Place) -> bool:
        wanted = str(fact[key])
        least = max(LEAST_LIKE, 1 - allowed / max(1, len(wanted)))
        return place in grid and fuzz.ratio(_shown(wanted), texts[grid[place]]) / 100 >= least

    def beside(place: Place, side: Place) -> Place:
        """The next place that is another cell's."""
        row, col = place
        while grid.get((row, col)) == grid[place]:
            row, col = row + side[0], col + side[1]
        return row, col

    return any(
        like("cell", (r, c))
        and all(like(key, beside((r, c), side)) for key, side in _SIDES.items() if fact.get(key))
        and (not fact.get("top_heading") or any(like("top_heading", (row, c)) for row in range(r)))
        and (not fact.get("left_heading") or any(like("left_heading", (r, col)) for col in range(c)))
        for r, c in grid
    )


def _formula(fact: Fact, text: str) -> bool:
    wanted = _latex(fact["math"])
    # The second and third are in brackets, the others in dollars.
    counted = slice(1, 3) if fact.get("ignore_dollar_delimited") else slice(None)
    found = (latex for parts in _FORMULA.findall(text) if (latex := _latex("".join(parts[counted]))))
    return any(wanted in one or fuzz.ratio(wanted, one) >= LIKE_FORMULA for one in found)


def _latex(text: str) -> str:
    """Without what changes the look only."""
    text = _LATEX_LOOK.sub("", text)
    for said, same in _LATEX_SAME.items():
        text = text.replace(said, same)
    return _LATEX_REST.sub("", text)


_HOLDS: Mapping[str, Callable[[Fact, str], bool]] = {
    "present": _present,
    "absent": _absent,
    "order": _in_order,
    "table": _in_a_table,
    "math": _formula,
    "baseline": _no_loop,
    "format": _formatted,
    "footnote": _footnote,
}
