"""The JSON that models answer with when they are asked where text is: lists of boxes with text.

What it is: a scanner for ``[{"bbox_2d": [...], "text_content": "..."}]`` and its relatives, that minds no
trailing comma, single quotes or missing end. What it is not: a JSON parser: a strict one refuses most
of what models write.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field

from docparse.document import Kind, Run
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.frame import BOX_KEYS
from docparse.qwenvl_html.grammar import Meaning, meaning
from docparse.qwenvl_html.issues import IssueLog
from docparse.qwenvl_html.marks import marked
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tree import parse

_TOKEN = re.compile(
    r"""\s*+(?:"(?P<double>(?:[^"\\]++|\\.)*+)"|'(?P<single>(?:[^'\\]++|\\.)*+)'"""
    r"""|(?P<number>[-+]?[0-9][0-9.]{0,20}(?:[eE][-+]?[0-9]{1,3})?)|(?P<mark>[\[\]{}:,])|(?P<other>\S))""",
    re.DOTALL,
)
_HASHES = re.compile(r"(#{1,6})[ \t]+")
_COLON = re.compile(r"\s*+:")
_TEXT_KEYS = ("text_content", "text", "content", "transcription")
_KIND_KEYS = ("label", "category", "type", "class", "sub_type")
_DEEPEST = 20


@dataclass
class _Entry:
    """One object of the list."""

    start: int
    strings: dict[str, tuple[str, Stretch]] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)


def read_grounding(page: PageBuilder, markup: str, start: int, end: int) -> bool:
    """Add a block for each object in ``markup[start:end]``; whether the list is cut off."""
    opened: list[_Entry] = []
    key = ""
    at = start
    depth = 0
    while match := _TOKEN.match(markup, at, end):
        at = match.end()
        string = match["double"] if match["double"] is not None else match["single"]
        if string is not None:
            if _COLON.match(markup, at, end):
                key = _unescaped(string)
            elif opened:
                opened[-1].strings.setdefault(key, (_unescaped(string), (match.end() - len(string) - 1, at - 1)))
        elif match["number"]:
            if opened:
                opened[-1].numbers.setdefault(key, []).append(_number(match["number"]))
        elif match["mark"] == "{":
            depth += 1
            if len(opened) < _DEEPEST:
                opened.append(_Entry(match.start("mark")))
        elif match["mark"] == "}":
            depth -= 1
            if opened and depth < len(opened):
                _add(page, opened.pop(), at)
        elif match["other"] == '"':  # a string that does not end
            if opened and key:
                opened[-1].strings.setdefault(key, (_unescaped(markup[at:end]), (at, end)))
            break
    truncated = bool(opened)
    while opened:
        _add(page, opened.pop(), end)
    if truncated:
        page.log.add("truncated", "the list ends inside an object", end)
    return truncated


def _add(page: PageBuilder, entry: _Entry, end: int) -> None:
    numbers = next((entry.numbers[key] for key in BOX_KEYS if key in entry.numbers), None)
    text, stretch = next((entry.strings[key] for key in _TEXT_KEYS if key in entry.strings), ("", None))
    label, label_stretch = next((entry.strings[key] for key in _KIND_KEYS if key in entry.strings), ("", None))
    said = meaning(label) if label else None
    if stretch is None and said is None:
        text, stretch = label, label_stretch  # what was asked for: the label is the text
    if numbers is None and stretch is None:
        return
    bbox = None
    if numbers is not None:
        bbox = page.checked(boxes.from_numbers(numbers, polygon=True), " ".join(map(str, numbers)), entry.start)
    span = (entry.start, end)
    stretches = [stretch] if stretch else []
    kind, level = _kind(said)
    if kind == "heading" and (match := _HASHES.match(text)):
        text, level = text[match.end() :], len(match[1])
    if "<table" in text.lower():
        # Its places are not those of the markup, so that its issues stay behind.
        inside = PageBuilder(IssueLog(text), origin=page.origin)
        Reader(inside).walk(parse(text, inside.log).root, bbox)
        sure = page.confidence(span, stretches)
        page.blocks += [dataclasses.replace(block, confidence=sure) for block in inside.blocks]
    elif kind in ("formula", "code", "music_sheet", "chemical_formula"):
        page.add(kind, span, bbox, (Run(text),), stretches)
    else:
        page.add(kind, span, bbox, marked(text), stretches, level=level or int(kind == "list_item"))


def _kind(said: Meaning | None) -> tuple[Kind, int]:
    sense, level = said or ("paragraph", 0)
    if sense == "image caption":
        return "image", 0
    if sense == "container" or sense == "list" or sense == "table":  # a table in text alone has no cells
        return "paragraph", 0
    return sense, level


def _unescaped(string: str) -> str:
    if "\\" not in string:
        return string
    try:
        return str(json.loads(f'"{string}"', strict=False))
    except ValueError:
        return string.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # 1.2.3
        return float("nan")
