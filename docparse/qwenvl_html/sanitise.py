"""Markup that may reach a browser: our vocabulary, and nothing else.

What it is: two filters that know nothing of each other. First the tree of ``tree.py`` is written out
again, balanced, bounded in depth, with only tags and attributes of the format. Then nh3 (ammonia, html5ever)
parses that as a browser does and lets pass what is on the same list. So whatever one parser sees that
the other does not is gone. What it is not: a repair; see ``read`` and ``write``.

No element of the format can run, load or link to anything; ``img`` has no ``src``. The style of a table
is the one text that is not text: it travels as an attribute, and is cut down by ``css`` on the way out.
"""

from __future__ import annotations

import json
import re

import nh3

from docparse.document import NOTATIONS, STATUSES
from docparse.qwenvl_html.css import safe_style
from docparse.qwenvl_html.grammar import ATTRIBUTES, DIV_CLASSES, ID, RAW_TEXT, TABLE_CLASS, TAGS, VOID
from docparse.qwenvl_html.issues import IssueLog
from docparse.qwenvl_html.tree import Element, Leaf, parse
from docparse.qwenvl_html.write import escape

_STYLE = "data-style"  # carries the style of a table past nh3, which has no way to filter one
_TAGS = set(TAGS) - {"html", "head", "body", "meta", "style"}
_ATTRIBUTES = {tag: set(ATTRIBUTES[tag]) for tag in _TAGS} | {"table": set(ATTRIBUTES["table"]) | {_STYLE}}
_DROPPED = frozenset({*RAW_TEXT, "template", "noscript", "title", "head"})

_NUMBERS = r"[-+0-9., \[\]()e]{1,200}"
_LABEL = "[^<>\"'&`]{0,200}"
_VALUES = {
    "data-bbox": _NUMBERS,
    "data-confidence": _NUMBERS,
    "data-agreement": _NUMBERS,
    "data-page": "[0-9]{1,9}",
    "data-size": _NUMBERS,
    "data-dpi": _NUMBERS,
    "data-size-pt": _NUMBERS,
    "data-rotation": "0|90|180|270",
    "data-level": "[1-9]",
    "data-origin": _LABEL,
    "data-renderer": _LABEL,
    "data-verdict": "|".join(STATUSES),
    "start": "[-+]?[0-9]{1,18}",
    "value": "[-+]?[0-9]{1,18}",
    "rowspan": "[0-9]{1,4}",
    "colspan": "[0-9]{1,4}",
    "id": ID.pattern,
    "format": "|".join(notation for notations in NOTATIONS.values() for notation in notations),
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _VALUES.items()}
_MOST_PASSES = 5
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")  # what UTF-8 or HTML has no way to say
_STYLED = re.compile(rf'<table([^<>]*?) {_STYLE}="([^"<>]*)"')


def sanitise(markup: str) -> str:
    """``markup`` with everything gone that is not QwenVL HTML; safe to show. Idempotent; never raises."""
    markup = _UNWRITABLE.sub("", markup)
    for _ in range(_MOST_PASSES):
        cleaned = _once(markup)
        if cleaned == markup:
            return cleaned
        markup = cleaned
    # Elements that a browser moves each time it reads them. Nobody has seen such a page.
    return f"<p>{escape(parse(markup, IssueLog('')).root.text)}</p>"


def _once(markup: str) -> str:
    out: list[str] = []
    _write(parse(markup, IssueLog(markup)).root, out)
    cleaned = nh3.clean(
        "".join(out),
        tags=_TAGS,
        clean_content_tags=set(),  # nothing that has content to be cleaned gets here
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        link_rel=None,
        url_schemes=set(),
        generic_attribute_prefixes=set(),
    )
    # Only here, behind every parser, do styles become elements again.
    return _STYLED.sub(r"<style>\2</style><table\1", cleaned)


def _write(element: Element, out: list[str]) -> None:
    """The children of ``element``, every one of them closed."""
    style = ""
    for child in element.children:
        if isinstance(child, Leaf):
            out.append(escape(child.text))
            style = style if child.text.isspace() else ""
            continue
        tag = child.tag
        if tag == "style":
            style = safe_style(child.text)
            continue
        if tag in _DROPPED:
            continue
        if tag not in _TAGS:
            _write(child, out)
            continue
        out.append(f"<{tag}")
        for name, value in child.attributes.items():
            if name in _ATTRIBUTES[tag] and name != _STYLE:
                out.append(f' {name}="{escape(value)}"')
        if tag == "table" and style:
            out.append(f' {_STYLE}="{style}"')
        style = ""
        out.append(">")
        if tag in VOID:
            continue
        first = len(out)
        _write(child, out)
        if tag == "pre" and first < len(out):
            out[first] = out[first].lstrip("\r\n")  # a browser drops one each time it reads
        out.append(f"</{tag}>")


def _filtered(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if _is_class(tag, value) else None
    if name == _STYLE:
        return safe_style(value) or None
    if name == "data-issues":
        return value if _is_json_list(value) else None
    pattern = _PATTERNS.get(name)
    return value if pattern is not None and pattern.fullmatch(value) else None


def _is_class(tag: str, value: str) -> bool:
    if tag == "table":
        return TABLE_CLASS.fullmatch(value) is not None
    return value in DIV_CLASSES if tag == "div" else (tag == "section" and value == "page")


def _is_json_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
