"""Every text format of the golden documents, byte for byte; and which block wrote what."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from golden_documents import DOCUMENTS
from hypothesis import given, settings
from strategies import documents

from docparse.document import Document
from docparse.exporters import FORMATS, Export, export
from docparse.exporters.markdown import block_markdown
from docparse.exporters.plain import block_text
from docparse.qwenvl_html import write_block

BY_PLACE = re.compile(r' id="[^"]*"|(?<=<table class="table)[0-9]+(?=")')
"""What ``write`` says of a block only where it stands elsewhere than it seems to."""
TEXT_FORMATS = ("json", "html", "markdown", "html-page", "text", "chunks")


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_golden(name: str, format: str, golden: Callable[[str, str], None]) -> None:
    result = export(DOCUMENTS[name], format, stem=name)
    golden(f"exporters/{name}{FORMATS[format].suffix}", result.text)


def test_golden_files_are_compared_in_ci(request: pytest.FixtureRequest) -> None:
    assert not (os.environ.get("CI") and request.config.getoption("--rewrite-golden"))


def spanned(result: Export) -> dict[tuple[int, str], str]:
    ends = [(span.start, span.end) for span in result.spans]
    assert ends == sorted(ends)
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))
    texts = {(span.page, span.block): result.text[span.start : span.end] for span in result.spans}
    assert len(texts) == len(result.spans)
    return texts


def check_spans(document: Document) -> None:
    found = {format: spanned(export(document, format)) for format in ("json", "html", "markdown", "text")}
    for page, block in document.blocks():
        key = (page.number, block.id)
        assert json.loads(found["json"][key])["id"] == block.id
        if block.kind == "list_item":
            inner = write_block(block)
            assert found["html"][key].startswith("<li")
            assert inner[inner.index(">", inner.index("<li")) : inner.index("</li>")] in found["html"][key]
        else:
            assert BY_PLACE.sub("", found["html"][key]) == BY_PLACE.sub("", write_block(block))
        if key in found["text"]:
            assert found["text"][key] == block_text(block)
        if key in found["markdown"] and block.kind not in ("image", "chart", "list_item"):
            assert found["markdown"][key] == block_markdown(block)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_spans(name: str) -> None:
    check_spans(DOCUMENTS[name])


@given(documents())
@settings(max_examples=60, deadline=None)
def test_spans_of_any_document(document: Document) -> None:
    check_spans(document)


@given(documents())
@settings(max_examples=30, deadline=None)
def test_every_text_format_takes_any_document(document: Document) -> None:
    for format in TEXT_FORMATS:
        export(document, format).data.decode("utf-8")


def test_an_empty_document() -> None:
    for format in TEXT_FORMATS:
        export(Document(), format)
    assert export(Document(), "markdown").text == ""
    assert export(Document(), "text").text == ""
    assert export(Document(), "chunks").text == ""
