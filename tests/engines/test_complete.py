"""Up to where a cut-off answer is whole, in the three forms in which models answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.document import Block
from docparse.engines.complete import last_complete
from docparse.qwenvl_html import read
from tests.strategies import modest

# ¦ is where the last complete element ends; without one, nothing is complete.
CASES = {
    "a paragraph": '<html><body>\n<p data-bbox="1 2 3 4">One</p>¦ \n <p data-bbox="1 2 3 4">Tw',
    "a heading": '```html\n<html><body>\n<h2 data-bbox="1 2 3 4">One</h2>¦ \n <p data-bb',
    "nothing": '```html\n<html><body>\n<h2 data-bbox="1 2 3 4">On',
    "nothing but a fence": "```html\n",
    "prose before the page": "将图片内容解析成HTML格式如下：\n```html\n<html><body>\n<p>On",
    "an empty text": "",
    "half an end tag": "<p>One</p>¦<p>Two</p",
    "the whole page": "<html><body><p>One</p>¦\n</body></html>\n```",
    "a row": "<table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr>¦<tr><td>d</td><td>",
    "half a row": "<p>One</p>¦<table><tr><td>a</td><td>b",
    "a row between tbody": "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr>¦<tr><td>c</td>",
    "rows without end tags": "<table><tr><td>a<td>b¦<tr><td>c<td>d",
    "a table in a row": "<table><tr><td>a</td></tr>¦<tr><td><table><tr><td>b</td></tr></table>",
    "a paragraph in a cell": "<p>One</p>¦<table><tr><td><p>Two</p></td><td>",
    "a whole table": "<table><tr><td>a</td></tr></table>¦ \n <p>Two",
    "a list item": "<ul><li>One</li><li>Two</li>¦<li>Three",
    "list items without end tags": "<ul><li>One¦<li>Two",
    "a list": "<ol><li>One</li></ol>¦<p>Two",
    "a list in a list": "<ul><li>One<ul><li>Two</li>¦<li>Three",
    "paragraphs without end tags": "<p>One¦<p>Two",
    "an image": '<div class="image" data-bbox="1 2 3 4"><img data-bbox="1 2 3 4"/></div>¦ \n <div class="im',
    "an image's caption": '<p>One</p>¦<div class="image caption"><img data-bbox="1 2 3 4"/><p>Two',
    "Qwen3-VL": '<html><body><div class="text" data-bbox="1 2 3 4">One</div>¦\n<div class="text" data-bbox="1 2',
    "a bold word is no element": "<p>One</p>¦<p><b>Two</b> and",
    "a spiral": "<p>One</p>¦" + "<table><tbody><tr><td>" * 300,
    "Markdown": "# Title\n\nA paragraph.\n\nAnother one.\n¦Not who",
    "one line of Markdown": "# Tit",
    "a Markdown table": "| a | b |\n|---|---|\n| 1 | 2 |\n¦| 3 |",
    "Markdown in a fence": "```markdown\n# Title\n¦A par",
    "HTML in Markdown": "# Title\n<table><tr><td>a</td></tr>¦<tr><td>b",
    "Markdown after HTML": "<table><tr><td>a</td></tr></table>\n\nA paragraph.\n¦Not who",
    "Qwen3-VL's Markdown": "Text\n<!-- Image (1, 2, 3, 4) -->\n¦<!-- Tab",
    "JSON": '[{"bbox_2d": [1, 2, 3, 4], "text_content": "One"}¦, {"bbox_2d": [1, 2',
    "JSON in a fence": '```json\n[\n\t{"a": "One"},\n\t{"a": "Tw}o\\"}"}¦,\n\t{"a": "Thr}e',
    "JSON, trailing commas": '[{"a": "One",},\n{"a": "Two",}¦,\n{"a"',
    "objects in objects": '[{"a": {"b": 1}}¦, {"a": {"b": 2}',
    "half an object": '[{"a": "One"',
    "a whole list": '[{"a": "One"}¦]',
}


@pytest.mark.parametrize("name", CASES)
def test_last_complete(name: str) -> None:
    before, mark, after = CASES[name].partition("¦")
    assert last_complete(before + after) == (len(before) if mark else 0) or not mark
    if not mark:
        assert last_complete(before) == 0
    assert last_complete(before + after + "<p>More</p>\n", len(before + after)) == (len(before) if mark else 0)


@modest
@given(st.integers(0, 3_000), st.sampled_from(sorted(CASES)))
def test_it_grows_with_the_text(cut: int, name: str) -> None:
    text = CASES[name].replace("¦", "")
    cut = min(cut, len(text))
    assert last_complete(text, cut) == last_complete(text[:cut])
    if "prose" not in name:  # which is taken for Markdown until the page begins
        assert last_complete(text, cut) <= last_complete(text) <= len(text)


def test_what_is_complete_reads_as_the_same_blocks() -> None:
    """Wherever an answer is cut: each block but the last is whole, and of a table at the end each row is."""
    text = (
        '<html><body>\n<h2 data-bbox="10 10 200 30">One</h2> \n <p data-bbox="10 40 200 60">Two</p> \n '
        '<p data-bbox="10 60 200 70">Three</p> \n <table data-bbox="10 70 200 200"><tr><td>a</td><td>b</td></tr>'
        "<tr><td>c</td><td>d</td></tr></table></body></html>"
    )
    whole = read(text).blocks
    assert len(whole) == 4
    for cut in range(len(text) + 1):
        blocks = read(text[: last_complete(text, cut)]).blocks
        assert blocks[:3] == whole[: len(blocks[:3])]
        assert all(row == same for row, same in zip(rows(blocks[3:]), rows(whole[3:]), strict=False))
        assert all(len(row) == 2 for row in rows(blocks[3:]))


def rows(blocks: Sequence[Block]) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for block in blocks:
        for cell in block.cells:
            found.setdefault(cell.row, []).append(cell.text)
    return list(found.values())
