"""The answer of a model to blocks.

What it is: the way in for markup that nobody vouches for, in any of the forms that models answer in.
What it is not: where those are read (``reader``, ``markdown``, ``grounding``), nor the way in for a
file that docparse wrote (``documents``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docparse.document import Block, Issue
from docparse.qwenvl_html.frame import Format, Frame, frame, is_of_the_page, note_special_tokens
from docparse.qwenvl_html.grounding import GroundingReader
from docparse.qwenvl_html.issues import IssueLog
from docparse.qwenvl_html.markdown import MarkdownReader
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tree import parse


@dataclass(frozen=True)
class Reading:
    """What was read from the answer for one page.

    ``truncated``: it stops in the middle of something, so that text is probably missing.
    """

    blocks: tuple[Block, ...]
    issues: tuple[Issue, ...]
    truncated: bool
    format: Format


def read(
    markup: str,
    *,
    width: int | None = None,
    height: int | None = None,
    confidences: Sequence[tuple[int, int, float]] = (),
    origin: str = "",
) -> Reading:
    """Read the markup of one page, whatever a model made of it. Never raises for any string.

    ``width``, ``height``: pixels of the page image that the boxes refer to, to check and cut them;
    no box is ever scaled. ``confidences``: (start, end, probability) of the tokens by character of
    ``markup``, sorted; the confidence of a block is their geometric mean over its text. ``origin`` is
    stamped on blocks that do not say theirs.
    """
    log = IssueLog(markup)
    size = (width, height) if width is not None and height is not None else None
    page = PageBuilder(log, size=size, confidences=confidences, origin=origin)
    format_, truncated = read_into(page, markup, frame(markup, log))
    return Reading(tuple(page.blocks), log.issues(), truncated, format_)


def read_into(page: PageBuilder, markup: str, framed: Frame) -> tuple[Format, bool]:
    """Add the blocks of ``markup`` to ``page``. Returns its format and whether it is truncated."""
    log = page.log
    start, end, after = framed.start, framed.end, list(framed.after)
    if framed.format == "empty":
        return "empty", False
    if framed.format != "html":  # there the tree has them
        note_special_tokens(markup, start, end, log)
    if framed.format == "markdown":
        reader = _read_markdown(page, markup, (start, end))
        log.add("not-html", f"the answer is {'Markdown' if reader.structured else 'plain text'}", start)
        return "markdown" if reader.structured else "text", reader.truncated
    truncated = False
    # Text outside of the markup that is too long to be a remark of the model is the page's.
    for stretch in framed.before:
        truncated |= _read_markdown(page, markup, stretch).truncated
    if framed.format == "html":
        tree = parse(markup, log, start, end)
        Reader(page).read(tree.root)
        if tree.truncated:
            truncated = True
            log.add("truncated", *tree.truncated)
    else:
        log.add("not-html", "the answer is a JSON list of boxes", start)
        count = len(page.blocks)
        objects = GroundingReader(page, markup, start, end)
        objects.read()
        truncated |= objects.truncated
        if len(page.blocks) == count:  # it only looked like one
            truncated |= _read_markdown(page, markup, (start, end)).truncated
        else:
            after = [stretch for stretch in objects.outside if is_of_the_page(markup, stretch, log)] + after
    for stretch in after:
        truncated |= _read_markdown(page, markup, stretch).truncated
    return framed.format, truncated


def _read_markdown(page: PageBuilder, markup: str, stretch: Stretch) -> MarkdownReader:
    page.expects_boxes = False  # that there are none is told once, as not-html
    reader = MarkdownReader(page, markup, *stretch)
    reader.read()
    page.expects_boxes = True
    return reader
