"""The sanitiser: what an independent HTML5 parser still finds in its output."""

from __future__ import annotations

import re
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.qwenvl_html import read, sanitise
from docparse.qwenvl_html.css import safe_style
from docparse.qwenvl_html.grammar import ATTRIBUTES, DIV_CLASSES, TAGS
from tests.qwenvl_html import cases
from tests.qwenvl_html.xss import VECTORS
from tests.strategies import modest

ALLOWED = TAGS - {"html", "head", "body", "meta"}
SAFE_CSS = re.compile(r"(?:\.table[0-9]+[ a-z>:()0-9,.-]*\{(?:[a-z-]+:[ a-z0-9#.,%()-]+;?)+\})+")
STYLED = '<style>{}</style><table class="table1" data-bbox="1 2 3 4"><tbody><tr><td>a</td></tr></tbody></table>'


def elements(markup: str) -> list[Any]:
    return list(html5lib.parseFragment(markup, namespaceHTMLElements=False).iter())[1:]


def assert_harmless(markup: str) -> None:
    for element in elements(markup):
        assert isinstance(element.tag, str), "a comment"
        assert element.tag in ALLOWED
        assert element.attrib.keys() <= ATTRIBUTES[element.tag]
        if element.tag == "style":
            assert SAFE_CSS.fullmatch(element.text)
        if element.tag == "div" and "class" in element.attrib:
            assert element.attrib["class"] in DIV_CLASSES


def test_there_are_enough_vectors() -> None:
    assert len(set(VECTORS)) > 100


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize(
    "around", ["{}", '<div class="header">{}</div>', "<table><tr><td>{}</td></tr></table>", "<p>{}"]
)
def test_vector(vector: str, around: str) -> None:
    clean = sanitise(around.format(vector))
    assert_harmless(clean)
    assert sanitise(clean) == clean


@pytest.mark.parametrize("vector", VECTORS)
def test_what_is_read_and_written_is_harmless_too(vector: str) -> None:
    """The other way to a browser: blocks, whose text the exporters escape."""
    for block in read(vector).blocks:
        assert "\x00" not in block.text


FRAGMENTS = [
    *("<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "</td>", "</table>", "<thead>", "<ul>", "<li>"),
    *("</li>", "</ul>", "<b>", "</b>", "<i>", "</i>", "<h2>", "</h2>", "<pre>", "</pre>", "<br>", "<img>", "<code>"),
    *("<style>", "</style>", "<style>.table1{color:red}</style>", '<table class="table1">', "<script>", "</script>"),
    *("<svg>", "</svg>", "<math>", "<mtext>", "<mglyph>", "<a href=x>", "</a>", "<select>", "<option>", "<textarea>"),
    *(
        "<title>",
        "</title>",
        "<template>",
        "</template>",
        "<noscript>",
        "<form>",
        "</form>",
        "<!--",
        "-->",
        "<![CDATA[",
    ),
    *("text", "\n", "&lt;", "&amp;", '"', "'", "<", ">", "onclick=x", " x=y>", "<section class='page'>", "</section>"),
    *("\x00", "\ud800", "\u00a0", "<col>", "<caption>", "<body>", "<html>", "<head>", "]]>", "<img src=x onerror=y>"),
]


@modest
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join))
def test_any_markup_comes_out_harmless_and_stays_so(markup: str) -> None:
    clean = sanitise(markup)
    assert_harmless(clean)
    assert sanitise(clean) == clean


@pytest.mark.parametrize("case", cases.load(), ids=lambda case: case.name)
def test_cases_come_out_harmless(case: cases.Case) -> None:
    clean = sanitise(case.markup)
    assert_harmless(clean)
    assert sanitise(clean) == clean


def test_a_class_outside_the_list_is_dropped_with_its_meaning() -> None:
    markup = '<div class="evil" data-bbox="1 2 3 4">a</div><div class="header">b</div>'
    assert sanitise(markup) == '<div data-bbox="1 2 3 4">a</div><div class="header">b</div>'


STYLES = {
    ".table1{border:1px solid #000}": ".table1{border:1px solid #000}",
    "table1 { Border: 1PX solid }": ".table1{border:1px solid}",
    ".table1 > td{text-align:center}": "",
    "table.table1 td{text-align:center}": ".table1 td{text-align:center}",
    ".table1 td, .table1 th { text-align : center; }": ".table1 td,.table1 th{text-align:center}",
    ".table1 tr:nth-child(even) td{background-color:rgb(1, 2, 3)}": (
        ".table1 tr:nth-child(even) td{background-color:rgb(1, 2, 3)}"
    ),
    ".table1 td{padding:2px 4px;position:fixed}": ".table1 td{padding:2px 4px}",
    ".table1{color:red;background:url(x)}": ".table1{color:red}",
    ".table1{width:calc(1px + 1px)}": "",
    ".table1{color:red !important}": "",
    ".table1/**/{color:r/**/ed}": ".table1{color:r ed}",
    "@media print{.table1{color:red}}": "",
    "@import url(x);.table1{color:red}": "",
    ".table1:hover{color:red}": "",
    "#table1{color:red}": "",
    ".table1{color:red": "",
    ".table1{color:}": "",
    "": "",
}


@pytest.mark.parametrize("style", STYLES)
def test_style(style: str) -> None:
    assert safe_style(style) == STYLES[style]
    assert safe_style(safe_style(style)) == safe_style(style)


def test_a_style_stays_with_its_table() -> None:
    markup = STYLED.format(".table1 td{padding:2px}")
    assert sanitise(markup) == markup
    assert sanitise(STYLED.format("body{display:none}")) == markup.partition("</style>")[2]
    assert "<style" not in sanitise("<style>.table1{color:red}</style><p>a</p>")


def test_deep_markup_is_quick() -> None:
    """html5ever takes a minute for this by itself: its time grows with the square of the depth."""
    assert sanitise("<div>" * 200_000 + "a").count("<div>") == 64
