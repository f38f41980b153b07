"""Whole documents: the file that ``write`` makes, back to the document it was.

What it is: the pages, and what the head and each section say about them. A file of ours is believed: a
box outside of its page is there because the document has it. Markup without sections is one page of
a model, and is doubted like any. What it is not: a reader of blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docparse.document import STATUSES, Block, Document, EngineInfo, Issue, Page, Source, Verdict
from docparse.geometry import BBox
from docparse.qwenvl_html.frame import frame
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.page import PageBuilder
from docparse.qwenvl_html.read import read_into
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tree import Element, Leaf, parse

_WHOLE = re.compile("[0-9]{1,9}")
_SIZE = re.compile("([0-9]{1,9}) ([0-9]{1,9})")
_FLOAT = r"[0-9]{1,309}(?:\.[0-9]{1,330})?(?:e[-+][0-9]{1,3})?"
_BODY_SIZE = re.compile('<(?:html|body)[^<>]{0,200} data-size="([0-9]{1,9}) ([0-9]{1,9})"')
_POINTS = re.compile(f"({_FLOAT}) ({_FLOAT})")
_POSITIVE = re.compile(_FLOAT)


def read_document(markup: str) -> tuple[Document, tuple[Issue, ...]]:
    """Read a whole document. ``read_document(write(document)) == (document, ())``.

    Markup without ``<section class="page">`` is one page; its size is what its body says, or the
    extent of its boxes. Never raises for any string.
    """
    log = IssueLog(markup)
    framed = frame(markup, log)
    if framed.format == "html":
        tree = parse(markup, log, framed.start, framed.end)
        about = _about(tree.root, log)
        sections = list(_taken_out(tree.root))
        if sections or about:
            if tree.truncated:
                log.add("truncated", *tree.truncated)
            return Document(tuple(_pages(tree.root, sections, log)), **about), log.issues()
        log = IssueLog(markup)
        framed = frame(markup, log)
    page = PageBuilder(log)
    format_, _ = read_into(page, markup, framed)
    pages = () if format_ == "empty" else (_page_around(markup, page.blocks),)
    return Document(pages), log.issues()


# ------------------------------------------------------------------------------------- pages


def _taken_out(element: Element) -> Iterator[Element]:
    """The page sections of ``element``, which are then no longer in it."""
    rest: list[Element | Leaf] = []
    for child in element.children:
        if isinstance(child, Leaf):
            rest.append(child)
        elif child.tag == "section" and child.attributes.get("class") == "page":
            yield child
        else:
            yield from _taken_out(child)
            rest.append(child)
    element.children = rest


def _pages(root: Element, sections: Sequence[Element], log: IssueLog) -> Iterator[Page]:
    number = 0
    outside = PageBuilder(log, trusted=True)
    Reader(outside).read(root)
    if outside.blocks:
        log.add("page-malformed", "there is something outside of the pages", 0)
        if not sections:
            yield Page(1, *_extent(outside.blocks), blocks=tuple(outside.blocks))
    for section in sections:
        said = section.attributes
        page = PageBuilder(log, trusted=True)
        page.blocks, outside.blocks = outside.blocks, []  # on the first page, for want of a better place
        Reader(page).read(section)
        number = _number(said, number, section.start, log)
        width, height = _size(said, section.start, log) or _extent(page.blocks)
        yield Page(
            number,
            width,
            height,
            blocks=tuple(page.blocks),
            renderer=said.get("data-renderer", ""),
            verdict=_verdict(said, section.start, log),
            **_geometry(said, section.start, log),
        )


def check_page(section: Element, last: int, log: IssueLog) -> tuple[int, tuple[int, int] | None]:
    """Note what is wrong with the attributes of a page after page ``last``. Returns its number and size."""
    said, at = section.attributes, section.start
    _geometry(said, at, log)
    _verdict(said, at, log)
    return _number(said, last, at, log), _size(said, at, log)


def _page_around(markup: str, blocks: Sequence[Block]) -> Page:
    """A page for blocks that came without one."""
    width, height = _extent(blocks)
    if match := _BODY_SIZE.search(markup):
        width, height = max(int(match[1]), 1), max(int(match[2]), 1)
    return Page(1, width, height, blocks=tuple(blocks))


def _extent(blocks: Sequence[Block]) -> tuple[int, int]:
    boxes = [block.bbox for block in blocks if block.bbox]
    around = BBox.around(boxes) if boxes else BBox(0, 0, 1, 1)
    return max(int(around.x2), 1), max(int(around.y2), 1)


def _number(said: Mapping[str, str], last: int, at: int, log: IssueLog) -> int:
    text = said.get("data-page", "")
    if _WHOLE.fullmatch(text) and int(text) > last:
        return int(text)
    log.add("page-malformed", f"data-page={shown(text)!r} after page {last}", at)
    return last + 1


def _size(said: Mapping[str, str], at: int, log: IssueLog) -> tuple[int, int] | None:
    match = _SIZE.fullmatch(said.get("data-size", ""))
    if match and int(match[1]) and int(match[2]):
        return int(match[1]), int(match[2])
    log.add("page-malformed", f"data-size={shown(said.get('data-size', ''))!r}", at)
    return None


def _geometry(said: Mapping[str, str], at: int, log: IssueLog) -> dict[str, Any]:
    """dpi, size in points and rotation of a page, those that are said."""
    geometry: dict[str, Any] = {}
    if (text := said.get("data-dpi")) is not None:
        if _POSITIVE.fullmatch(text) and 0 < (dpi := float(text)) < float("inf"):
            geometry["dpi"] = dpi
        else:
            log.add("value-malformed", f"data-dpi={shown(text)!r}", at)
    if (text := said.get("data-size-pt")) is not None:
        match = _POINTS.fullmatch(text)
        size = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
        if min(size) > 0 and max(size) < float("inf"):
            geometry["size_pt"] = size
        else:
            log.add("value-malformed", f"data-size-pt={shown(text)!r}", at)
    if (text := said.get("data-rotation")) is not None:
        if text in ("0", "90", "180", "270"):
            geometry["rotation"] = int(text)
        else:
            log.add("value-malformed", f"data-rotation={shown(text)!r}", at)
    return geometry


def _verdict(said: Mapping[str, str], at: int, log: IssueLog) -> Verdict:
    status = said.get("data-verdict", "ok")
    if status not in STATUSES:
        log.add("value-malformed", f"data-verdict={shown(status)!r}", at)
        status = "partial"
    text = said.get("data-issues", "[]")
    try:
        issues = tuple(_issue(item) for item in json.loads(text))
    except (ValueError, TypeError, OverflowError, RecursionError):
        log.add("value-malformed", f"data-issues={shown(text)!r}", at)
        issues = ()
    return Verdict(status, issues)  # type: ignore[arg-type]


def _issue(item: object) -> Issue:
    if not isinstance(item, dict):
        raise TypeError("an issue is an object")
    parts: dict[str, Any] = {key: str(item[key]) for key in ("code", "message", "severity", "block") if key in item}
    parts |= {key: int(item[key]) for key in ("line", "column") if key in item}
    return Issue(**parts)


# ------------------------------------------------------------------------------------- the head


def _about(root: Element, log: IssueLog) -> dict[str, Any]:
    """Version, source and engine, as the head says; nothing if it says nothing."""
    for meta in _metas(root):
        try:
            said = json.loads(meta.attributes.get("content", ""))
            source = _strings(said.get("source", {}), ("name", "sha256", "media_type"))
            source |= {key: int(said["source"][key]) for key in ("bytes", "pages") if key in said.get("source", {})}
            engine = _strings(said.get("engine", {}), ("name", "version", "model", "reason", "calibration"))
            version = str(said.get("version", ""))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            log.add("metadata-malformed", "the head says nothing that can be read", meta.start)
            continue
        return {"version": version, "source": Source(**source), "engine": EngineInfo(**engine)}
    return {}


def _metas(element: Element) -> Iterator[Element]:
    for child in element.elements():
        if child.tag == "meta" and child.attributes.get("name") == "docparse":
            yield child
        else:
            yield from _metas(child)


def _strings(said: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: str(said[key]) for key in keys if key in said}
