"""The validator: markup, and what it says about it, with line and column."""

from __future__ import annotations

import pytest

from docparse.qwenvl_html import validate
from tests.qwenvl_html import cases

P = '<p data-bbox="1 2 30 40">a</p>'


def body(*lines: str) -> str:
    """``lines`` from line 2 on, in a body."""
    return "\n".join(("<html><body>", *lines, "</body></html>"))


# name: markup, (code, line, column) of each issue
ROWS: dict[str, tuple[str, list[tuple[str, int, int]]]] = {
    "clean": (body(P), []),
    "empty": ("", [("empty", 1, 1)]),
    "markdown": ("# Title", [("not-html", 1, 1)]),
    "json": ('[{"bbox_2d": [1, 2, 3, 4], "text_content": "a"}]', [("not-html", 1, 1)]),
    # around
    "no html": (P, [("html-missing", 1, 1)]),
    "fence": ("```html\n" + body(P) + "\n```", [("fence", 1, 1)]),
    "prose": ("Here it is:\n" + body(P), [("prose-outside", 1, 1)]),
    "doctype": ("<!DOCTYPE html>" + body(P), [("declaration", 1, 1)]),
    "comment": (body("<!-- a -->", P), [("declaration", 2, 1)]),
    "after the body": ("<html><body></body><p data-bbox='1 2 3 4'>a</p></html>", [("misplaced", 1, 20)]),
    "after html": ("<html><body></body></html>" + P, [("outside-body", 1, 27)]),
    "text in html": ("<html>a<body></body></html>", [("text-outside-block", 1, 7)]),
    "special token": (body('<p data-bbox="1 2 30 40">a<|im_end|></p>'), [("special-token", 2, 27)]),
    # elements
    "unknown tag": (body('<p data-bbox="1 2 30 40">a <span>b</span></p>'), [("unknown-tag", 2, 28)]),
    "unknown class": (body('<div class="text" data-bbox="1 2 3 4">a</div>'), [("unknown-class", 2, 1)]),
    "no class": (body('<div data-bbox="1 2 3 4">a</div>'), [("unknown-class", 2, 1)]),
    "table class": (
        body('<table class="grid" data-bbox="1 2 3 4"><tr><td>a</td></tr></table>'),
        [("unknown-class", 2, 1), ("class-without-style", 2, 1)],
    ),
    "section class": (
        "<html><body><section>" + P + "</section></body></html>",
        [("unknown-class", 1, 13), ("page-malformed", 1, 13), ("page-malformed", 1, 13)],
    ),
    "unknown attribute": (body('<p data-bbox="1 2 30 40" style="x">a</p>'), [("unknown-attribute", 2, 1)]),
    "repeated attribute": (body('<p data-bbox="1 2 3 4" data-bbox="1 2 3 4">a</p>'), [("repeated-attribute", 2, 1)]),
    "unquoted": (body("<p data-bbox=1 id=x>a</p>"), [("unquoted-attribute", 2, 1), ("box-malformed", 2, 1)]),
    "bad number": (body('<p data-bbox="1 2 30 40" data-confidence="2">a</p>'), [("value-malformed", 2, 1)]),
    "bad id": (body('<p data-bbox="1 2 30 40" id="a b">a</p>'), [("value-malformed", 2, 1)]),
    "id twice": (
        body('<p data-bbox="1 2 30 40" id="x">a</p>', '<p data-bbox="1 42 30 50" id="x">b</p>'),
        [("id-repeated", 3, 1)],
    ),
    "bad notation": (
        body('<div class="formula" format="smile" data-bbox="1 2 3 4"><img data-bbox="1 2 3 4"/><div>x</div></div>'),
        [("value-malformed", 2, 1)],
    ),
    "format on p": (
        body('<p format="smile" data-bbox="1 2 3 4">x</p>'),
        [("unknown-attribute", 2, 1), ("value-malformed", 2, 1)],
    ),
    "empty block": (body('<p data-bbox="1 2 30 40"> </p>'), [("empty-block", 2, 1)]),
    "div in p": (body('<p data-bbox="1 2 30 40">a<div>b</div></p>'), [("unknown-class", 2, 27), ("misplaced", 2, 27)]),
    "p in td": (
        body('<table data-bbox="1 2 30 40"><tr><td><p data-bbox="1 2 30 40">a</p></td></tr></table>'),
        [("misplaced", 2, 38)],
    ),
    "table in td": (
        body(
            '<table data-bbox="1 2 9 9"><tr><td><table data-bbox="2 3 8 8">',
            "<tr><td>a</td></tr></table></td></tr></table>",
        ),
        [("misplaced", 2, 36)],
    ),
    "text in body": (body("a", P), [("text-outside-block", 2, 1)]),
    "text in table": (
        body('<table data-bbox="1 2 30 40">', "x<tr><td>a</td></tr></table>"),
        [("table-malformed", 3, 1)],
    ),
    "text in list": (body('<ul data-bbox="1 2 30 40">x<li>a</li></ul>'), [("list-malformed", 2, 27)]),
    "table in image": (
        body(
            '<div class="image" data-bbox="1 2 9 9"><img data-bbox="1 2 9 9"/><table><tr><td>a</td></tr></table></div>'
        ),
        [("misplaced", 2, 66)],
    ),
    # tags
    "not closed": (body("<div class='header' data-bbox='1 2 30 40'>a"), [("unclosed-element", 2, 1)]),
    "end omitted": (body('<p data-bbox="1 2 30 40">a'), [("closer-omitted", 2, 1)]),
    "stray closer": (body(P + "</div>"), [("stray-closer", 2, 31)]),
    "crossed": (body('<p data-bbox="1 2 30 40"><b>a<i>b</b>c</i></p>'), [("misnested", 2, 34)]),
    "crossed ends": ("<html><body>" + P + "</html></body>", [("misnested", 1, 43)]),
    "bad tag": (body('<p data-bbox="1 2 30 40>a</p>'), [("malformed-tag", 2, 1)]),
    "bare <": (body('<p data-bbox="1 2 30 40">1 < 2</p>'), [("unescaped-text", 2, 26)]),
    "script": (body("<script>x</script>", P), [("active-content", 2, 1)]),
    "deep": (
        body('<p data-bbox="1 2 30 40">' + "<b>" * 70 + "a" + "</b>" * 70 + "</p>"),
        [("nesting-too-deep", 2, 209)],
    ),
    "truncated": ('<html><body>\n<p data-bbox="1 2 30 40">a', [("truncated", 2, 27)]),
    # boxes
    "no box": (body("<p>a</p>"), [("box-missing", 2, 1)]),
    "no img box": (
        body('<div class="image" data-bbox="1 2 9 9"><img/></div>'),
        [("box-missing", 2, 40)],
    ),
    "commas": (body('<p data-bbox="1,2,30,40">a</p>'), [("box-format", 2, 1)]),
    "floats": (body('<p data-bbox="1.0 2 30 40">a</p>'), [("box-format", 2, 1)]),
    "another name": (body('<p bbox="1 2 30 40">a</p>'), [("box-format", 2, 1)]),
    "malformed box": (body('<p data-bbox="1 2 30">a</p>'), [("box-malformed", 2, 1)]),
    "reversed": (body('<p data-bbox="30 40 1 2">a</p>'), [("box-reversed", 2, 1)]),
    "no area": (body('<p data-bbox="1 2 1 40">a</p>'), [("box-empty", 2, 1)]),
    "below zero": (body('<p data-bbox="-1 2 30 40">a</p>'), [("box-outside-page", 2, 1)]),
    "outside the section": (
        '<html><body><section class="page" data-page="1" data-size="20 20">' + P + "</section></body></html>",
        [("box-outside-page", 1, 67)],
    ),
    "on the body": ('<html><body data-bbox="1 2 30 40">' + P + "</body></html>", [("box-on-structure", 1, 7)]),
    "cell outside of the table": (
        body('<table data-bbox="1 2 30 40"><tr><td data-bbox="1 2 33 40">a</td></tr></table>'),
        [("box-outside-parent", 2, 34)],
    ),
    "cell at the edge": (body('<table data-bbox="1 2 30 40"><tr><td data-bbox="1 2 32 40">a</td></tr></table>'), []),
    "item outside of the list": (
        body('<ul data-bbox="1 2 30 40"><li data-bbox="1 2 30 80">a</li></ul>'),
        [("box-outside-parent", 2, 27)],
    ),
    # lists
    "list without boxes": (body("<ul><li>a</li></ul>"), [("box-missing", 2, 5)]),
    "list with one box": (body('<ul data-bbox="1 2 30 40"><li>a</li></ul>'), []),
    "items with boxes": (body('<ul><li data-bbox="1 2 30 40">a</li></ul>'), []),
    "no items": (body('<ul data-bbox="1 2 30 40"></ul>'), [("empty-block", 2, 1)]),
    "item alone": (body('<li data-bbox="1 2 30 40">a</li>'), [("misplaced", 2, 1)]),
    "item twice": (
        body('<ul data-bbox="1 2 30 40">', '<li data-bbox="1 2 30 40">a</li>', '<li data-bbox="1 2 30 40">a</li></ul>'),
        [("duplicate-block", 4, 1)],
    ),
    # tables
    "ragged": (
        body('<table data-bbox="1 2 30 40">', "<tr><td>a</td><td>b</td></tr>", "<tr><td>c</td></tr></table>"),
        [("table-ragged", 4, 1)],
    ),
    "overlap": (
        body(
            '<table data-bbox="1 2 30 40">',
            '<tr><td>a</td><td rowspan="2">b</td></tr>',
            '<tr><td colspan="2">c</td></tr></table>',
        ),
        [("cell-overlap", 4, 1)],
    ),
    "rowspan below the table": (
        body('<table data-bbox="1 2 30 40"><tr><td rowspan="2">a</td></tr></table>'),
        [("span-malformed", 2, 30)],
    ),
    "colspan 0": (
        body('<table data-bbox="1 2 30 40"><tr><td colspan="0">a</td></tr></table>'),
        [("span-malformed", 2, 34)],
    ),
    "empty row": (body('<table data-bbox="1 2 30 40"><tr></tr><tr><td>a</td></tr></table>'), [("row-empty", 2, 30)]),
    "too large": (
        body('<table data-bbox="1 2 30 40">' + "<tr><td>a</td></tr>" * 1_001 + "</table>"),
        [("table-too-large", 2, 1)],
    ),
    "row alone": (body("<tr><td>a</td></tr>"), [("table-malformed", 2, 1), ("box-missing", 2, 1)]),
    "style alone": (body("<style>table1 {}</style>", P), [("style-without-table", 2, 1)]),
    "style at the end": (body(P, "<style>table1 {}</style>"), [("style-without-table", 3, 1)]),
    "class alone": (
        body('<table class="table1" data-bbox="1 2 30 40"><tr><td>a</td></tr></table>'),
        [("class-without-style", 2, 1)],
    ),
    "style and class differ": (
        body("<style>table2 {}</style>", '<table class="table1" data-bbox="1 2 30 40"><tr><td>a</td></tr></table>'),
        [("style-without-table", 2, 1)],
    ),
    # block after block
    "twice": (body(P, P), [("duplicate-block", 3, 1)]),
    "twice, not in a row": (body(P, '<p data-bbox="1 42 30 60">b</p>', P), [("duplicate-block", 4, 1)]),
    "twice, a pixel off": (
        body('<p data-bbox="1 2 300 40">a</p>', '<p data-bbox="1 3 300 40">a</p>'),
        [("duplicate-block", 3, 1)],
    ),
    "once on each of two pages": (
        '<html><body><section class="page" data-page="1" data-size="50 50">' + P + "</section>"
        '<section class="page" data-page="2" data-size="50 50">' + P + "</section></body></html>",
        [],
    ),
    "same box": (body(P, '<p data-bbox="1 2 30 40">b</p>'), [("box-repeated", 3, 1)]),
    "above": (body('<p data-bbox="1 50 30 60">b</p>', P), [("order-broken", 3, 1)]),
    "next column": (body('<p data-bbox="1 50 30 60">b</p>', '<p data-bbox="31 2 60 40">a</p>'), []),
    "a caption above": (
        body('<p data-bbox="1 50 30 60">b</p>', '<div class="caption" data-bbox="1 2 30 40">a</div>'),
        [],
    ),
    # documents of docparse
    "page": (
        '<html><body><section class="page" data-page="0" data-size="20" data-dpi="x" data-size-pt="1" data-rotation="5"'
        ' data-verdict="fine" data-issues="[1]"></section></body></html>',
        [("value-malformed", 1, 13)] * 5 + [("page-malformed", 1, 13)] * 2,
    ),
    "pages out of order": (
        '<html><body><section class="page" data-page="2" data-size="20 20"></section>\n'
        '<section class="page" data-page="1" data-size="20 20"></section></body></html>',
        [("page-malformed", 2, 1)],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_row(name: str) -> None:
    markup, expected = ROWS[name]
    assert [(issue.code, issue.line, issue.column) for issue in validate(markup)] == expected


def test_the_page_size_may_come_from_outside() -> None:
    assert [issue.code for issue in validate(body(P), width=20, height=20)] == ["box-outside-page"]
    assert not validate(body(P), width=30, height=40)


@pytest.mark.parametrize("case", cases.load(), ids=lambda case: case.name)
def test_the_validator_sees_what_the_reader_mended(case: cases.Case) -> None:
    """Whatever the reader had to guess is no valid markup."""
    reading = case.read()
    if any(issue.severity != "info" for issue in reading.issues):
        width, height = case.size or (None, None)
        assert validate(case.markup, width=width, height=height)
