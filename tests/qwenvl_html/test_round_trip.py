"""Whatever a document holds, its markup says; whatever was read, reads the same again."""

from __future__ import annotations

from hypothesis import given

from docparse.document import Document
from docparse.qwenvl_html import read_document, write
from tests.strategies import documents


@given(documents())
def test_a_document_comes_back(document: Document) -> None:
    assert read_document(write(document)) == (document, ())
