"""The page to look at: standalone, safe, and it says how far it can be trusted."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from golden_documents import DOCUMENTS, page_image
from hypothesis import given, settings
from lxml import html as lxml_html
from strategies import documents

from docparse.document import Block, Cell, Document, Issue, Page, Run, Source, Verdict
from docparse.exporters import export, html_page
from docparse.geometry import BBox
from docparse.json_form import from_json, to_json

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--<script>",
    "&lt;script&gt;",
    "<iframe src=//evil.test>",
    "]]><script>",
)
_WORD = re.compile(r"[\w-]+")
ELEMENTS = frozenset(
    _WORD.findall(
        """html head meta title style body header main section div span h1 h2 h3 h4 h5 h6 p details summary
        ul ol li code pre figure img table thead tbody tr th td br b i s u sub sup"""
    )
)
ATTRIBUTES = frozenset(
    _WORD.findall("charset http-equiv content name id class title dir value rowspan colspan alt src")
)


def elements(text: str) -> list[lxml_html.HtmlElement]:
    return [element for element in lxml_html.document_fromstring(text).iter() if isinstance(element.tag, str)]


def check_safe(text: str) -> None:
    for element in elements(text):
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        assert element.get("src", "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
    assert "<!--" not in text


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_never_becomes_markup(attack: str) -> None:
    runs = (Run(attack), Run(attack, ("b",)))
    blocks = (
        *(
            Block(kind, BBox(0, 0, 9, 9), runs)
            for kind in ("heading", "paragraph", "image", "caption", "code", "formula")
        ),
        Block("table", cells=(Cell(0, 0, runs=runs),), style=attack),
        Block("list_item", runs=runs),
        Block("chart", BBox(0, 0, 9, 9), runs, cells=(Cell(0, 0, runs=runs),), origin=attack),
    )
    page = Page(1, 99, 99, blocks=blocks, verdict=Verdict("partial", (Issue(attack, attack),)), renderer=attack)
    document = Document((page,), Source(attack, media_type=attack), version=attack)
    text = export(document, "html-page").text
    check_safe(text)
    assert len(elements(text)) == len(elements(export(without(document, attack), "html-page").text))


def without(document: Document, attack: str) -> Document:
    """The same document with harmless words in the place of ``attack``."""
    return from_json(to_json(document).replace(json.dumps(attack, ensure_ascii=False)[1:-1], "harmless"))


@given(documents())
@settings(max_examples=40, deadline=None)
def test_any_document_is_safe(document: Document) -> None:
    check_safe(export(document, "html-page").text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_loaded_or_run(name: str) -> None:
    document = DOCUMENTS[name]
    text = export(document, "html-page", images=lambda n: page_image(document, n)).text
    check_safe(text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    style = re.search(r"(?s)<style>(.*)</style>", text)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy[1]
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_text_is_there() -> None:
    for document in DOCUMENTS.values():
        shown = "".join(lxml_html.document_fromstring(export(document, "html-page").text).text_content().split())
        for _, block in document.blocks():
            if block.kind in ("header", "footer", "page_number"):
                continue
            for line in (cell.text for cell in block.cells) if block.cells else block.text.split("\n"):
                assert "".join(line.split()) in shown


def test_figures_are_inside_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    document = DOCUMENTS["kinds"]
    text = export(document, "html-page", images=lambda n: page_image(document, n)).text
    assert text.count('src="data:image/jpeg;base64,') == 6  # image, chart, formulas, music, chemistry
    monkeypatch.setattr(html_page, "MAX_PICTURES", 1000)
    small = export(document, "html-page", images=lambda n: page_image(document, n)).text
    assert small.count("src=") < 6
    assert "left out: the file would become too large" in small


def test_verdicts() -> None:
    text = export(DOCUMENTS["kinds"], "html-page").text
    assert text.count('class="badge partial"') == 1
    assert text.count('<p class="missing">image</p>') == 1
    assert text.count('class="badge fallback"') == 2  # page 3, and the document
    assert "The text layer has 40 words that are not here." in text
    assert "2 pages of 3" in text


def test_a_remark_on_what_a_person_corrected_since_says_so() -> None:
    issues = tuple(Issue("unsupported-words", "Words that are nowhere.", block=id) for id in ("p1b1", "p1b2", "p1b3.1"))
    item = Block("list_item", runs=(Run("an item"),), origin="user", id="p1b3.1")
    blocks = (
        Block("paragraph", BBox(0, 0, 9, 9), (Run("by the engine"),), origin="model", id="p1b1"),
        Block("paragraph", BBox(0, 9, 9, 19), (Run("by a person"),), origin="user", id="p1b2"),
        Block("list", BBox(0, 19, 9, 29), items=(item,), id="p1b3"),
    )
    page = Page(1, 99, 99, blocks=blocks, verdict=Verdict("partial", (*issues, Issue("loop", "It looped."))))
    said = [
        element.text_content()
        for element in elements(export(Document((page,)), "html-page").text)
        if element.tag == "li" and "warning" in element.text_content()
    ]
    assert ["A person has corrected this element since." in each for each in said] == [False, True, True, False]
    assert from_json(to_json(Document((page,)))).pages[0].verdict.issues == page.verdict.issues, "the JSON has both"
