"""Whole documents that are not as ``write`` makes them."""

from __future__ import annotations

import pytest

from docparse.document import Document, EngineInfo, Page, Source, Verdict
from docparse.qwenvl_html import read_document
from tests.qwenvl_html.compact import compact

P = '<p data-bbox="1 2 30 40">a</p>'
Q = '<p data-bbox="1 50 30 60">b</p>'


def sections(*attributes: str, before: str = "", head: str = "") -> str:
    inside = "".join(f'<section class="page" {text}>{P}</section>' for text in attributes)
    return f"<html>{head}<body>{before}{inside}</body></html>"


GOOD = 'data-page="1" data-size="100 200"'
ODD = {
    "no number": sections('data-size="100 200"'),
    "two of one number": sections(GOOD, GOOD),
    "no size": sections('data-page="1"'),
    "size of nothing": sections('data-page="1" data-size="0 0"'),
    "odd geometry": sections(f'{GOOD} data-dpi="x" data-size-pt="1 -1" data-rotation="45"'),
    "odd verdict": sections(f'{GOOD} data-verdict="great" data-issues="{{"'),
    "odd issues": sections(f"{GOOD} data-issues='[1]'"),
    "something outside": sections(GOOD, before=Q),
    "odd head": sections(GOOD, head='<head><meta name="docparse" content="[1]"/></head>'),
    "bad head": sections(GOOD, head='<head><meta name="docparse" content="{"/></head>'),
}


def read(markup: str) -> tuple[Document, list[str]]:
    document, issues = read_document(markup)
    return document, [issue.code for issue in issues]


def shape(document: Document) -> list[tuple[int, int, int, list[str]]]:
    return [(p.number, p.width, p.height, [compact(b).partition(" id=")[0] for b in p.blocks]) for p in document.pages]


def test_what_sections_lack_is_made_up_and_told() -> None:
    document, codes = read(ODD["no number"])
    assert (shape(document), codes) == ([(1, 100, 200, ["p@1,2,30,40"])], ["page-malformed"])
    document, codes = read(ODD["two of one number"])
    assert ([page.number for page in document.pages], codes) == ([1, 2], ["page-malformed"])
    for name in ("no size", "size of nothing"):
        document, codes = read(ODD[name])
        assert (shape(document), codes) == ([(1, 30, 40, ["p@1,2,30,40"])], ["page-malformed"])


def test_values_that_mean_nothing_are_left_out_and_told() -> None:
    document, codes = read(ODD["odd geometry"])
    assert codes == ["value-malformed"] * 3
    page = document.pages[0]
    assert (page.dpi, page.size_pt, page.rotation) == (72, (100, 200), 0)
    document, codes = read(ODD["odd verdict"])
    assert (document.pages[0].verdict, codes) == (Verdict("partial"), ["value-malformed"] * 2)
    assert read(ODD["odd issues"])[1] == ["value-malformed"]


@pytest.mark.parametrize("name", ["odd head", "bad head"])
def test_a_head_that_says_nothing(name: str) -> None:
    document, codes = read(ODD[name])
    assert (document.source, document.engine, codes) == (Source(), EngineInfo(), ["metadata-malformed"])


def test_what_stands_outside_of_the_pages_is_kept() -> None:
    document, codes = read(ODD["something outside"])
    assert (shape(document), codes) == (
        [(1, 100, 200, ["p@1,50,30,60", "p@1,2,30,40"])],
        ["page-malformed"],
    )


def test_a_file_of_ours_is_believed() -> None:
    """Boxes off the page, without area, or twice: the document has them."""
    inside = '<p data-bbox="-5 2 900 2">a</p><p data-bbox="-5 2 900 2">a</p><p></p>'
    document, codes = read(f'<html><body><section class="page" {GOOD}>{inside}</section></body></html>')
    assert codes == []
    assert shape(document)[0][3] == ["p@-5,2,900,2", "p@-5,2,900,2", "p@-"]


def test_without_sections_it_is_one_page() -> None:
    assert shape(read(f"<html><body>{P}{Q}</body></html>")[0]) == [(1, 30, 60, ["p@1,2,30,40", "p@1,50,30,60"])]
    assert shape(read(f'<html><body data-size="100 200">{P}</body></html>')[0]) == [(1, 100, 200, ["p@1,2,30,40"])]
    assert shape(read("# Title")[0]) == [(1, 1, 1, ["h1@-"])]
    assert shape(read('[{"bbox_2d": [1, 2, 30, 40], "text_content": "a"}]')[0]) == [(1, 30, 40, ["p@1,2,30,40"])]


def test_nothing_is_no_document() -> None:
    assert read("") == (Document(), ["empty"])
    assert read("<html><head><meta name='docparse' content='{}'/></head><body></body></html>") == (Document(), [])


def test_a_cut_document_keeps_what_there_is() -> None:
    document, codes = read(sections(GOOD, 'data-page="2" data-size="100 200"')[:-30])
    assert [page.number for page in document.pages] == [1, 2]
    assert codes == ["truncated"]
    assert document.pages[1] == Page(2, 100, 200, blocks=document.pages[1].blocks)
