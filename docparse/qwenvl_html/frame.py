"""What an answer is, and where in it the markup stands.

What it is: the format of the whole (HTML, Markdown, JSON, text, nothing), and the stretch that holds it
without the code fence and the chatter around it. What it is not: a reader of any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.page import Stretch
from docparse.qwenvl_html.tokens import SPECIAL

Format = Literal["html", "markdown", "json", "text", "empty"]
"""``text`` is Markdown in which nothing but paragraphs was found."""

CHATTER = 300
"""Characters of text around the markup that can be a model's remark. More than that is the page's."""

BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box", "bounding_box", "poly", "polygon")
"""Keys of a JSON list that give a box."""

POINT_KEYS = ("point_2d",)
"""And those that give a point."""

_FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*([A-Za-z0-9_+-]*)[ \t]*", re.MULTILINE)
_WRAPPERS = frozenset({"html", "htm", "xml", "json", "markdown", "md", "text", "txt", "qwenvl", ""})
_ROOT = re.compile(r"<(?:!doctype|html|body)\b", re.IGNORECASE)
_ROOT_END = re.compile(r"</(?:html|body)\s*+>", re.IGNORECASE)
_HTML = re.compile(r"<html\b", re.IGNORECASE)
_SECTION = re.compile(r'\s*<section class="page"')
_BOXED = re.compile(r"""<[a-z][^<>]{0,200}?\b(?:data-bbox|bbox|data-polygon|data-label)\s*=""", re.IGNORECASE)
_TAG = re.compile(r"<(?:section|div|p|h[1-6]|ul|ol|li|pre|img|style|table|tr|td)\b", re.IGNORECASE)
_JSON = re.compile(r"\[\s*+\{|\{\s*+[\"']")
_JSON_KEY = re.compile(rf"""["'](?:{"|".join((*BOX_KEYS, *POINT_KEYS))}|text_content)["']\s*+:""")
_NOTHING = " \t\n\r\f\ufeff"
_BEFORE_ANSWER = re.compile(
    r"\s*+(?:(?:<think>.*?|[^<]*+)</think>|---\n(?:[a-z_]++:[^\n]*+\n){1,20}---[ \t]*+(?=\n|\Z))", re.DOTALL
)
_MARKDOWN = re.compile(r"^(?:#{1,6}[ \t]|[-*+][ \t]|\|.*\|[ \t]*$|\$\$|!\[)", re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """``markup[start:end]`` is in ``format``. ``before``, ``after``: text outside of it that is the page's."""

    format: Format
    start: int
    end: int
    before: tuple[Stretch, ...] = ()
    after: tuple[Stretch, ...] = ()


def frame(markup: str, log: IssueLog) -> Frame:
    """Where the markup is. Notes a fence, and text outside of it."""
    if not markup.strip(_NOTHING):
        log.add("empty", "there is nothing to read", 0)
        return Frame("empty", 0, len(markup))
    answer = 0
    if match := _BEFORE_ANSWER.match(markup):  # how the model came to it, or what olmOCR puts in front
        log.add("prose-outside", shown(match[0].strip(), CHATTER), 0)
        answer = match.end()
    start, end, outside = _unfenced(markup, answer, log)
    if not markup[start:end].strip() and not any(markup[slice(*stretch)].strip() for stretch in outside):
        log.add("empty", "there is nothing in the code fence", start)
        return Frame("empty", start, end)
    kind: Format = _kind(markup, start, end)
    if kind == "html":
        start, end, more = _html(markup, start, end, log)
        outside += more
    elif kind == "json":
        match = _JSON.search(markup, start, end)
        assert match is not None
        outside.append((start, match.start()))
        start = match.start()
    before = [stretch for stretch in outside if stretch[1] <= start and is_of_the_page(markup, stretch, log)]
    after = [stretch for stretch in outside if stretch[0] >= end and is_of_the_page(markup, stretch, log)]
    return Frame(kind, start, end, tuple(before), tuple(after))


def _unfenced(markup: str, answer: int, log: IssueLog) -> tuple[int, int, list[Stretch]]:
    """The inside of the fence that holds the answer, which begins at ``answer``, and what is outside of it."""
    length = len(markup)
    opening = _FENCE.search(markup, answer)
    if opening is None or opening[1].lower() not in _WRAPPERS or _TAG.search(markup, answer, opening.start()):
        return answer, length, []
    first = not markup[answer : opening.start()].strip()
    closings = [match for match in _FENCE.finditer(markup, opening.end()) if not match[1]]
    closing = closings[-1] if closings else None
    if closing and _TAG.search(markup, closing.end()):
        closing = None  # the page goes on behind it
    start, end = opening.end(), closing.start() if closing else length
    if not first and _kind(markup, start, end) not in ("html", "json"):
        return answer, length, []  # a code block of the page
    if closing and not first and len(closings) > 1 and not _ROOT.search(markup, start, end):
        end, closing = closings[0].start(), closings[0]
    if first and opening[1] == "" and closing and markup[closing.end() :].strip():
        return answer, length, []  # a code block that opens the page
    log.add("fence", f"the markup stands in a code fence {shown(opening[0])!r}", opening.start())
    return start, end, [(answer, opening.start()), (closing.end() if closing else length, length)]


def _kind(markup: str, start: int, end: int) -> Literal["html", "json", "markdown"]:
    json = _JSON.search(markup, start, end)
    root = _ROOT.search(markup, start, end)
    tag = _TAG.search(markup, start, end)
    tags_from = min((match.start() for match in (root, tag) if match), default=end)
    if json and json.start() < tags_from and _JSON_KEY.search(markup, json.start(), end):
        return "json"  # which may have tables as HTML in its strings
    if root or _BOXED.search(markup, start, end) or _SECTION.match(markup, start, end):
        return "html"
    first = _TAG.match(markup, end - len(markup[start:end].lstrip()))
    if first and not _MARKDOWN.search(markup, start, end):
        return "html"  # else a page of Markdown whose first block is a table, say
    return "markdown"


def _html(markup: str, start: int, end: int, log: IssueLog) -> tuple[int, int, list[Stretch]]:
    """The HTML itself, from its root to the end of it."""
    if not _HTML.search(markup, start, end) and not _SECTION.match(markup, start, end):
        log.add("html-missing", "there is no <html> around the elements", start)
    outside: list[Stretch] = []
    root = _ROOT.search(markup, start, end)
    tag = _TAG.search(markup, start, end)
    if root and (tag is None or root.start() < tag.start()):
        outside.append((start, root.start()))
        start = root.start()
    ends = [match.end() for match in _ROOT_END.finditer(markup, start, end)]
    if ends and not _TAG.search(markup, ends[-1], end):
        outside.append((ends[-1], end))
        end = ends[-1]
    return start, end, outside


def note_special_tokens(markup: str, start: int, end: int, log: IssueLog) -> None:
    for match in SPECIAL.finditer(markup, start, end):
        log.once("special-token", f"{match[0]} is no part of the page", match.start())


def is_of_the_page(markup: str, stretch: Stretch, log: IssueLog) -> bool:
    """Note the text outside of the markup; whether it is so much that it must be the page's."""
    note_special_tokens(markup, *stretch, log)
    text = SPECIAL.sub("", markup[slice(*stretch)]).strip(" \t\n\r\ufeff`~")
    if not text:
        return False
    at = stretch[0] + markup[slice(*stretch)].find(text[0])
    log.add("prose-outside", shown(text, CHATTER), at)
    return len(text) > CHATTER
