"""Marks of Markdown, and the few tags that models put into it, to runs.

What it is: ``**b**``, ``*i*``, ``~~s~~``, `` `code` ``, ``<sup>``, links as their text; control tokens of a
model, such as ``<|im_end|>``, go. What it is not: CommonMark: a mark that is not closed in its line is text,
and nothing here looks back. Dollar signs stay: LaTeX inside a line is the text of that line.
"""

from __future__ import annotations

import re

from docparse.document import Mark, Run, inline
from docparse.qwenvl_html.grammar import LIKE_MARKS, MARKS
from docparse.qwenvl_html.tokens import unescape

# Each alternative stops at the characters that could start it again, so that a line is looked at a
# fixed number of times however many marks stay open.
_MARK = re.compile(
    r"""
      \\(?P<escaped>[!-/:-@\[-`{-~])
    | `(?P<code>[^`\n]+)`
    | \*\*\*(?P<bi>[^*\s](?:[^*]*[^*\s])?)\*\*\*
    | \*\*(?P<b>[^*\s](?:[^*]*[^*\s])?)\*\*
    | __(?P<b2>[^_\s](?:[^_]*[^_\s])?)__(?!\w)
    | (?<![0-9A-Za-z])\*(?P<i>[^*\s](?:[^*]*[^*\s])?)\*(?![0-9A-Za-z])
    | (?<!\w)_(?P<i2>[^_\s](?:[^_]*[^_\s])?)_(?!\w)
    | ~~(?P<s>[^~]+)~~
    | !?\[(?P<link>[^\[\]]{1,500})\]\([^()\s]{0,2000}(?:\s"[^"()]{0,200}")?\)
    | <br\s*/?>(?P<br>)
    | (?P<special><\|[a-z_]{2,24}\|>)
    | <(?P<tag>b|i|s|u|sub|sup|code|strong|em|del|ins)>(?P<inside>[^<>]*)</(?P=tag)>
    """,
    re.VERBOSE,
)
_MARKDOWN_ONLY = frozenset("\\`*_~![")


def marked(text: str, *, markdown: bool = True, marks: tuple[Mark, ...] = ()) -> tuple[Run, ...]:
    """``text`` as runs; ``\\n`` in it is a line break. Without ``markdown`` only the tags count."""
    return inline(_runs(text, markdown, marks))


def _runs(text: str, markdown: bool, marks: tuple[Mark, ...]) -> list[Run]:
    runs: list[Run] = []
    last = 0
    for match in _MARK.finditer(text):
        if not markdown and match[0][0] in _MARKDOWN_ONLY:
            continue
        runs.append(Run(unescape(text[last : match.start()]), marks))
        last = match.end()
        runs += _one(match, markdown, marks)
    runs.append(Run(unescape(text[last:]), marks))
    return runs


def _one(match: re.Match[str], markdown: bool, marks: tuple[Mark, ...]) -> list[Run]:
    found = match.groupdict()
    if found["escaped"]:
        return [Run(found["escaped"], marks)]
    if found["special"]:
        return []
    if found["code"]:
        return [Run(found["code"], (*marks, "code"))]
    if found["br"] is not None:
        return [Run("\n", marks)]
    if found["tag"]:
        tag = found["tag"]
        return _runs(found["inside"], markdown, (*marks, MARKS.get(tag) or LIKE_MARKS[tag]))
    if found["link"]:
        return _runs(found["link"], markdown, marks)
    if found["bi"]:
        return _runs(found["bi"], markdown, (*marks, "b", "i"))
    if inside := found["b"] or found["b2"]:
        return _runs(inside, markdown, (*marks, "b"))
    if inside := found["i"] or found["i2"]:
        return _runs(inside, markdown, (*marks, "i"))
    return _runs(found["s"], markdown, (*marks, "s"))
