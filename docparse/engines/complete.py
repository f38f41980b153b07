"""Up to where a cut-off answer is whole.

What it is: ``last_complete``, for the three forms in which models answer. What it is not: a parser; what
follows the place is for ``recovery.py`` to ask for again.
"""

from __future__ import annotations

import re

from docparse.qwenvl_html.tokens import tokenize

_ROW_PARTS = frozenset(["tr", "td", "th"])
_BLOCKS = frozenset(["p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "div", "table", "ul", "ol", "pre", "figure", "tr"])
_FRAME = frozenset(["html", "body", "head", "section"])
_CLOSED_BY_NEXT = {
    "p": _BLOCKS - {"tr"},
    "li": frozenset(["li"]),
    "tr": frozenset(["tr"]),
    "td": _ROW_PARTS,
    "th": _ROW_PARTS,
}
_ALONE = frozenset(["br", "img", "hr", "meta", "col", "input", "wbr"])
_JSON = re.compile(r"\s*(?:```[a-z]*\s*)?[\[{]")
_JSON_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"|["\[\]{}]', re.DOTALL)
_NO_LINE = re.compile(r"\s*(?:```[a-z]*\s*)?", re.IGNORECASE)
_DEEPEST = 200  # elements open at a time that are remembered; a spiral has thousands, and none of them ends


def last_complete(markup: str, end: int | None = None) -> int:
    """The end of the last complete element of ``markup[:end]``; 0 if there is none.

    HTML: a heading, paragraph, list item, ``div``, list or table, or a whole row of a table that is still
    open; never within a row, since half a row cannot be gone on with. Markdown, or lines between HTML
    elements: a line with its line break. JSON: an object of the list. The closing tags of the page itself do
    not count: what is missing comes before them.
    """
    end = len(markup) if end is None else end
    if _JSON.match(markup, 0, end):
        return _last_object(markup, end)
    return _last_block(markup, end)


def _last_block(markup: str, end: int) -> int:
    last = 0
    line = False  # whether a line has begun, without text so far
    opened: list[str] = []
    for token in tokenize(markup, 0, end):
        name = token.name
        if token.kind == "start":
            if name in _FRAME:
                last = last if opened else 0  # what came before the page was no part of it
            elif name not in _ALONE and not token.closed:
                while opened and name in _CLOSED_BY_NEXT.get(opened[-1], ()):
                    opened.pop()
                    if _ROW_PARTS.isdisjoint(opened):
                        last = token.start
                if len(opened) < _DEEPEST:
                    opened.append(name)
        elif token.kind == "end" and name in opened:
            while opened.pop() != name:
                pass
            if name in _BLOCKS and _ROW_PARTS.isdisjoint(opened):
                last = token.end
        elif token.kind == "declaration" and not opened:
            line = True  # Qwen3-VL's Markdown says in comments where tables and images are
        elif token.kind == "text" and not opened:
            whole = markup.rfind("\n", token.start, token.end) + 1
            if whole and (line or not _NO_LINE.fullmatch(markup, token.start, whole)):
                last = whole
                line = False
    return last


def _last_object(markup: str, end: int) -> int:
    """Strings are passed over whole; one that the end cuts off ends the search."""
    last = depth = lists = 0
    for part in _JSON_PARTS.finditer(markup, 0, end):
        mark = part[0]
        if mark == '"':
            break
        if mark == "[":
            lists += 1
        elif mark == "]":
            lists -= 1
        elif mark == "{":
            depth += 1
        elif mark == "}":
            depth = max(depth - 1, 0)
            if depth == 0:
                last = part.end()
    return last
