"""The vocabulary: which tags, classes and attributes there are, and what each of them means.

What it is: tables, and the two questions that tree and reader ask of them. QwenVL HTML itself is the
first part; then its relatives (what a Qwen3-VL, a fine-tuned fork or another layout model writes);
then what is merely HTML. What it is not: code that walks markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from docparse.document import Kind, Mark


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ------------------------------------------------------------------------------- QwenVL HTML

HEADINGS = {f"h{level}": level for level in range(1, 7)}
MARKS: dict[str, Mark] = {"b": "b", "code": "code", "i": "i", "s": "s", "sub": "sub", "sup": "sup", "u": "u"}
TABLE_PARTS = frozenset({"thead", "tbody", "tr", "th", "td"})
BLOCK_TAGS = frozenset({*HEADINGS, "p", "pre", "ul", "ol", "li", "table", "div", "section", "style"})
TAGS = frozenset({"html", "head", "meta", "body", *BLOCK_TAGS, *TABLE_PARTS, *MARKS, "br", "img"})
"""Every tag of the format."""

DIV_CLASSES: dict[str, Kind] = {
    "image": "image",
    "image caption": "image",
    "image ocr": "image",
    "chart": "chart",
    "formula": "formula",
    "music sheet": "music_sheet",
    "chemical formula": "chemical_formula",
    "caption": "caption",
    "header": "header",
    "footer": "footer",
    "footnote": "footnote",
    "page-number": "page_number",
    "list": "list",
}
"""Every class of a ``div``. ``list`` holds a list block that no single ul or ol can say."""

TABLE_CLASS = re.compile("table[0-9]{1,9}")

TABLE_NUMBER = re.compile(r"\btable([0-9]{1,9})\b")
"""What ties a table and its style together, in the class of the one and the text of the other."""

ID = re.compile("[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")

COMMON_ATTRIBUTES = frozenset({"data-bbox", "data-confidence", "data-agreement", "data-origin", "id"})
PAGE_ATTRIBUTES = (
    "data-page",
    "data-size",
    "data-dpi",
    "data-size-pt",
    "data-rotation",
    "data-renderer",
    "data-verdict",
    "data-issues",
)
ATTRIBUTES: dict[str, frozenset[str]] = {
    "html": frozenset(),
    "head": frozenset(),
    "body": frozenset(),
    "style": frozenset(),
    "meta": frozenset({"charset", "name", "content"}),
    "section": frozenset({"class", *PAGE_ATTRIBUTES}),
    "div": COMMON_ATTRIBUTES | {"class", "format"},
    "table": COMMON_ATTRIBUTES | {"class"},
    "ul": COMMON_ATTRIBUTES | {"data-level"},
    "ol": COMMON_ATTRIBUTES | {"data-level", "start"},
    "li": COMMON_ATTRIBUTES | {"value"},
    "img": frozenset({"data-bbox"}),
    "td": frozenset({"data-bbox", "data-confidence", "rowspan", "colspan"}),
    "th": frozenset({"data-bbox", "data-confidence", "rowspan", "colspan"}),
    **dict.fromkeys((*HEADINGS, "p", "pre"), COMMON_ATTRIBUTES),
    **dict.fromkeys((*MARKS, "br", "thead", "tbody", "tr"), frozenset()),
}
"""Every attribute of every tag."""

_INLINE_TAGS = frozenset({*MARKS, "br"})
_BLOCK_CHILDREN = frozenset({*HEADINGS, "p", "pre", "ul", "ol", "table", "style", "div"})
_PICTURE_AND_NOTATION = frozenset({"img", "div"})
CONTENT: dict[str, frozenset[str]] = {
    "": frozenset({"html"}),
    "html": frozenset({"head", "body"}),
    "head": frozenset({"meta"}),
    "body": _BLOCK_CHILDREN | {"section"},
    "section": _BLOCK_CHILDREN,
    "pre": frozenset({"code"}),
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "li": _INLINE_TAGS | {"ul", "ol"},
    "table": frozenset({"thead", "tbody", "tr"}),
    "thead": frozenset({"tr"}),
    "tbody": frozenset({"tr"}),
    "tr": frozenset({"td", "th"}),
    "div.image": frozenset({"img"}),
    "div.image caption": frozenset({"img", "p"}),
    "div.image ocr": frozenset({"img", "p"}),
    "div.chart": frozenset({"img", "p", "table"}),
    "div.formula": _PICTURE_AND_NOTATION,
    "div.music sheet": _PICTURE_AND_NOTATION,
    "div.chemical formula": _PICTURE_AND_NOTATION,
    "div.list": frozenset({"ul", "ol"}),
    "div": frozenset(),  # without a class: the notation inside of a formula
    "style": frozenset(),
    "img": frozenset(),
    "br": frozenset(),
    "meta": frozenset(),
    **dict.fromkeys((*HEADINGS, "p", "td", "th", *MARKS), _INLINE_TAGS),
    **{f"div.{name}": _INLINE_TAGS for name in ("caption", "header", "footer", "footnote", "page-number")},
}
"""What may stand in what: a tag, or a ``div`` with its class, and the tags of its children."""

NOTATION_HOLDERS = frozenset({"div.formula", "div.music sheet", "div.chemical formula"})
"""Where a ``div`` without a class may stand: it holds the notation."""

TEXT_HOLDERS = frozenset(role for role, children in CONTENT.items() if children & _INLINE_TAGS and role != "pre") | {
    "div",
    "style",
}
"""Where text may stand. Everywhere else there is only white space."""

BOXED = frozenset({*HEADINGS, "p", "pre", "table", "div", "img"})
"""Tags that need a box where they are a block. Of a list either it or each item needs one."""

# -------------------------------------------------------------------------- its relatives

Sense = Literal[Kind, "container", "image caption"]
Meaning = tuple[Sense, int]
"""What a div stands for: a kind of block (or an image that brings its caption, or only a holder of blocks),
and the level of a heading."""

CONTAINER: Meaning = ("container", 0)
IMAGE_CAPTION: Meaning = ("image caption", 0)

_MEANINGS: dict[str, Meaning] = {
    **{name.replace("-", " "): (kind, 0) for name, kind in DIV_CLASSES.items()},
    "image caption": IMAGE_CAPTION,
    # Qwen3-VL, and the fine-tuning dialect
    "text": ("paragraph", 0),
    "table": ("table", 0),
    "list item": ("list_item", 0),
    # the cookbook of Qwen2.5-VL
    "formula machine printed": ("formula", 0),
    "formula handwritten": ("formula", 0),
    # labels of chandra, dots.ocr, MinerU and DocLayNet, as data-label, class or category
    "title": ("heading", 1),
    "document title": ("heading", 1),
    "section header": ("heading", 2),
    "section title": ("heading", 2),
    "heading": ("heading", 2),
    "paragraph": ("paragraph", 0),
    "plain text": ("paragraph", 0),
    "handwriting": ("paragraph", 0),
    "reference": ("paragraph", 0),
    "abandon": ("paragraph", 0),
    "list group": CONTAINER,
    "form": CONTAINER,
    "complex block": CONTAINER,
    "table of contents": CONTAINER,
    "bibliography": CONTAINER,
    "page header": ("header", 0),
    "page footer": ("footer", 0),
    "equation": ("formula", 0),
    "equation block": ("formula", 0),
    "isolate formula": ("formula", 0),
    "chemical block": ("chemical_formula", 0),
    "code": ("code", 0),
    "code block": ("code", 0),
    "picture": ("image", 0),
    "figure": ("image", 0),
    "diagram": ("image", 0),
    "image caption text": ("caption", 0),
    "table caption": ("caption", 0),
    "figure caption": ("caption", 0),
    "table footnote": ("footnote", 0),
}
_SEPARATORS = re.compile(r"[\s._-]+")

LEAVES: frozenset[Sense] = frozenset(
    {"paragraph", "heading", "caption", "header", "footer", "footnote", "page_number", "list_item", "code"}
)
"""Meanings of a div that holds text and no other block."""
FIGURES: frozenset[Sense] = frozenset({"image", "image caption", "chart", "formula", "music_sheet", "chemical_formula"})
"""Meanings of a div that holds a picture and what it says."""


@lru_cache(maxsize=256)
def meaning(words: str) -> Meaning | None:
    """What a class (``formula.handwritten``) or a label (``Section-Header``) stands for; None if nothing known."""
    return _MEANINGS.get(" ".join(_SEPARATORS.sub(" ", words[:80]).lower().split()))


def meaning_of_div(attributes: Mapping[str, str]) -> Meaning | None:
    """What a div stands for, by its ``data-label`` or its class."""
    words = attributes.get("data-label") or attributes.get("class")
    return meaning(words) if words else None


# ---------------------------------------------------------------------------------- HTML

LIKE_MARKS: dict[str, Mark] = {
    "strong": "b",
    "em": "i",
    "var": "i",
    "cite": "i",
    "del": "s",
    "strike": "s",
    "ins": "u",
    "kbd": "code",
    "samp": "code",
    "tt": "code",
}
"""Other tags for the same marks."""

LIKE_BLOCKS: dict[str, Meaning] = {
    "figcaption": ("caption", 0),
    "caption": ("caption", 0),
    "dt": ("paragraph", 0),
    "dd": ("paragraph", 0),
    "address": ("paragraph", 0),
    "summary": ("paragraph", 0),
    "listing": ("code", 0),
}
"""Tags of HTML that are a block of ours under another name."""

CONTAINERS = _names(
    """
    html head body section article main aside nav header footer figure blockquote center dl form fieldset
    details dialog hgroup search template noscript frameset
    """
)
"""Tags that only hold blocks. HTML's header and footer are here: they hold headings and paragraphs."""

VOID = _names(
    """
    area base basefont br col embed frame hr img input link meta param source track wbr
    """
)
RAW_TEXT = ("script", "style")
"""Tags whose content is no markup."""
ACTIVE = frozenset({"script", "object", "embed", "applet", "iframe", "frame", "link", "base"})
"""Tags that do something. Of an object or iframe the text is kept, it is shown where they fail."""

MORE_TABLE_PARTS = TABLE_PARTS | {"tfoot", "caption", "colgroup", "col"}

_INLINE = _names(
    """
    a abbr acronym audio bdi bdo big blink button canvas data datalist dfn font iframe input label
    legend map mark marquee math menu menuitem meter nobr object option optgroup output picture progress
    q rb rp rt rtc ruby select slot small span svg text textarea time title video wbr
    """
)
HTML_NAMES = frozenset(
    {*TAGS, *LIKE_MARKS, *LIKE_BLOCKS, *CONTAINERS, *VOID, *RAW_TEXT, *ACTIVE, *MORE_TABLE_PARTS, *_INLINE}
)
"""Names that are taken for a tag wherever they stand."""

BLOCK_LEVEL = BLOCK_TAGS | LIKE_BLOCKS.keys() | CONTAINERS | MORE_TABLE_PARTS
"""Tags that cannot stand inside a line of text."""
