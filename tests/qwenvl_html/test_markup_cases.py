"""Every case of ``cases/*.txt``, and those that are too long or too odd for a text file."""

from __future__ import annotations

import pytest

from docparse.document import Page
from docparse.qwenvl_html import read, validate, write_page
from tests.qwenvl_html import cases
from tests.qwenvl_html.cases import Case
from tests.qwenvl_html.compact import compact
from tests.qwenvl_html.deviations import DEVIATIONS

CASES = cases.load()


def test_there_are_enough_cases_and_their_names_differ() -> None:
    assert len(CASES) > 300
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_every_known_deviation_has_cases(deviation: str) -> None:
    assert set(DEVIATIONS[deviation]) <= {case.name for case in CASES} | MADE.keys()


def test_the_cases_are_up_to_date(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-golden"):
        cases.rewrite()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    assert case.outcome() == case.expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_truncation_is_told_twice_or_never(case: Case) -> None:
    reading = case.read()
    assert reading.truncated == any(issue.code == "truncated" for issue in reading.issues)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_mended_is_whole(case: Case) -> None:
    """Blocks out of broken markup are blocks like any: written, they read the same, and without a fault."""
    page = Page(1, 2_000, 2_000, blocks=case.read().blocks)
    markup = write_page(page)
    again = read(markup, width=2_000, height=2_000)
    assert Page(1, 2_000, 2_000, blocks=again.blocks) == page
    assert not [issue for issue in again.issues if issue.severity == "error"]
    assert not [issue for issue in validate(markup) if issue.severity == "error"]


BODY = '<html><body><p data-bbox="1 2 30 40">{}</p></body></html>'
SPIRAL = '<table data-bbox="1 27 998 385"><tbody><tr><td>' + "".join(
    f'<table data-bbox="{i} 27 {999 - i} {387 - 2 * i}"><tbody><tr><td>' for i in range(2, 400)
)
SENTENCE = "Invoice number 4711 of the Example Trading Company. "
MADE = {
    "empty": ("", [], ["empty"]),
    "blank": (" \n\t\ufeff ", [], ["empty"]),
    "control characters": (BODY.format("a\x00b\x08\u00a0\ud800c\x85"), ["p@1,2,30,40 ab c"], []),
    "line ends": (BODY.format("a\n   b\r\nc\rd"), ["p@1,2,30,40 a b c d"], []),
    "deep": (
        "<html><body>" + "<div>" * 500 + "a" + "</div>" * 500 + '<p data-bbox="1 2 30 40">b</p></body></html>',
        ["p@- a", "p@1,2,30,40 b"],
        ["unknown-class", "nesting-too-deep", "text-outside-block"],
    ),
    "spiral": (
        SPIRAL + "120,00",
        ["table@1,27,998,385 120,00"],
        ["html-missing", "table-nested", "block-nested", "nesting-too-deep", "truncated"],
    ),
    "colspan bomb": (
        '<html><body><table data-bbox="1 2 9 9"><tr><td colspan="99999">a</td></tr>'
        "<tr><td>b</td></tr></table></body></html>",
        ["table@1,2,9,9 a / b"],
        ["table-too-large", "span-malformed"],
    ),
    "a table too long": (
        '<html><body><table data-bbox="1 2 9 9">' + "<tr><td>a</td></tr>" * 1_001 + "</table></body></html>",
        ["table@1,2,9,9 " + "a / " * 999 + "a", "table@1,2,9,9 a"],
        ["table-too-large", "box-repeated"],
    ),
    "a table too wide": (
        '<html><body><table data-bbox="1 2 9 9"><tr>' + "<td>a</td>" * 1_002 + "</tr></table></body></html>",
        ["table@1,2,9,9 " + "a|" * 999 + "a a a"],
        ["table-too-large"],
    ),
    "long text before the markup": (
        SENTENCE * 7 + "\n" + BODY.format("a"),
        ["p@- " + (SENTENCE * 7).strip(), "p@1,2,30,40 a"],
        ["prose-outside"],
    ),
    "a sentence for ever": (
        '<html><body><p data-bbox="1 2 30 40">' + "the end " * 500,
        ["p@1,2,30,40 " + ("the end " * 500).strip()],
        ["truncated"],
    ),
    "a rule of dots": (BODY.format("." * 5_000), ["p@1,2,30,40 " + "." * 5_000], []),
}


@pytest.mark.parametrize("name", MADE)
def test_made_case(name: str) -> None:
    markup, blocks, codes = MADE[name]
    reading = read(markup)
    assert [compact(block) for block in reading.blocks] == blocks
    assert list(dict.fromkeys(issue.code for issue in reading.issues)) == codes


def test_an_issue_knows_its_line_and_column() -> None:
    reading = read('<html><body>\n<p data-bbox="1 2 30 40">a</p>\n  <p>b</p>\n</body></html>')
    assert [(i.code, i.line, i.column) for i in reading.issues] == [("box-missing", 3, 3)]


def test_many_issues_of_a_kind_are_counted_not_listed() -> None:
    reading = read("<html><body>" + "</p>" * 5_000 + "</body></html>")
    assert len(reading.issues) == 50
    assert reading.issues[-1].message.endswith("(and 4950 more of these)")


def test_boxes_are_never_scaled() -> None:
    """Qwen3-VL's 0..1000 stay what they are: the engine maps them, once, and nobody else."""
    reading = read('<div class="text" data-bbox="0 500 1000 1000">a</div>', width=2_000, height=3_000)
    assert compact(reading.blocks[0]) == "p@0,500,1000,1000 a"


def test_origin_is_stamped_where_none_is_said() -> None:
    markup = '<p data-bbox="1 2 3 4">a</p><p data-bbox="1 5 3 9" data-origin="ocr">b</p>'
    assert [block.origin for block in read(markup, origin="model").blocks] == ["model", "ocr"]
