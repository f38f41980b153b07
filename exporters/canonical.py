"""The two exact formats: JSON and QwenVL HTML. Both give the document back without loss."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docparse.document import Document, default_id
from docparse.exporters.flow import Scroll
from docparse.exporters.registry import Job, Part, Span, register
from docparse.json_form import json_lines
from docparse.qwenvl_html import write, write_block


@register(
    "json",
    suffix=".json",
    media_type="application/json",
    description="every block with its place, text, markup, confidence and origin; docparse reads it back",
)
def json(job: Job) -> Iterator[Part]:
    scroll = Scroll()
    for text, page, block in json_lines(job.document, html=write_block):
        scroll.add(text, page, block)
    yield job.main(scroll.text, scroll.spans)


@register(
    "html",
    suffix=".html",
    media_type="text/html",
    description="QwenVL HTML: every element with its place in pixels; docparse reads it back",
)
def html(job: Job) -> Iterator[Part]:
    text = write(job.document)
    yield job.main(text, html_spans(job.document, text))


def html_spans(document: Document, text: str) -> Iterator[Span]:
    """Where each block stands in ``text``, which ``write`` made of ``document``.

    An element is looked for as ``write_block`` writes it, less the ids that its place gives it.
    """
    at = 0
    for page in document.pages:
        styled = 0
        for index, block in enumerate(page.blocks, 1):
            place = default_id(page.number, index)
            element = write_block(block)
            for name, part in ((place, block), *((f"{place}.{i}", item) for i, item in enumerate(block.items, 1))):
                if part.id == name:
                    element = element.replace(f' id="{name}"', "", 1)
            if block.kind == "list_item":
                span = _item(text, at, element)
            else:
                styled += bool(block.style)
                span = _element(text, at, element, styled)
            if span:
                at = span[1]
                yield Span(*span, page.number, block.id)


_STYLE_CLASS = re.compile(r'(?<=</style><table class="table)1(?=")')


def _element(text: str, at: int, element: str, styled: int) -> tuple[int, int] | None:
    start = text.find(element, at)
    if start < 0 and styled > 1:  # a style with no number of its own is counted through the page
        element = _STYLE_CLASS.sub(str(styled), element, count=1)
        start = text.find(element, at)
    return (start, start + len(element)) if start >= 0 else None


def _item(text: str, at: int, element: str) -> tuple[int, int] | None:
    """The start tag and text of an ``<li>``; lists may follow inside it."""
    said = element[element.index(">", element.index("<li")) : element.index("</li>")]
    start = text.find("<li", at)
    end = text.find(">", start) + len(said) if start >= 0 else -1
    return (start, end) if start >= 0 and text[end - len(said) : end] == said else None
