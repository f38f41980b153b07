"""Tokens: where they are, and what of a ``<`` is a tag and what is text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.qwenvl_html.tokens import Token, tokenize, unescape
from tests.qwenvl_html import cases
from tests.strategies import modest

PIECES = [
    "<",
    ">",
    "/",
    "p",
    "<p ",
    "</p>",
    "<div>",
    '"',
    "'",
    "=",
    'a="b"',
    " ",
    "&",
    ";",
    "amp",
    "#1",
    "!",
    "--",
    "-->",
]
PIECES += [
    "<!--",
    "<![CDATA[",
    "]]>",
    "<style>",
    "</style",
    "<script",
    "<?x",
    "<!doctype",
    "<|im_end|>",
    "\\",
    "“",
    "b",
    "\n",
]


def tiles(tokens: list[Token], start: int, end: int) -> bool:
    """Whether the tokens cover ``start`` to ``end`` without a gap."""
    edges = [start, *(token.end for token in tokens)]
    return [token.start for token in tokens] == edges[:-1] and edges[-1] == end


@modest
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_every_character_is_in_one_token(markup: str) -> None:
    assert tiles(list(tokenize(markup)), 0, len(markup))


@modest
@given(st.sampled_from([case.markup for case in cases.load()]), st.integers(0, 50), st.integers(0, 50))
def test_a_part_is_tokenised_as_a_part(markup: str, start: int, less: int) -> None:
    start = min(start, len(markup))
    end = max(len(markup) - less, start)
    assert tiles(list(tokenize(markup, start, end)), start, end)


@modest
@given(st.text(alphabet="ab <>&;=\"'/!-", max_size=40))
def test_text_keeps_its_characters(text: str) -> None:
    """Nothing but tags, comments and half tags at the end ever takes characters away."""
    tokens = list(tokenize(text))
    shown = "".join(token.text for token in tokens if token.kind == "text")
    assert shown.replace("&", "") in text.replace("&", "") or len(tokens) > 1


def told(markup: str) -> list[str]:
    words = {"start": "<{}>", "end": "</{}>", "declaration": "<!>", "special": "<|>", "cut": "<cut"}
    return [words[t.kind].format(t.name) if t.kind in words else t.text for t in tokenize(markup)]


TAGS = {
    "<p>a</p>": ["<p>", "a", "</p>"],
    "<P>a</P >": ["<p>", "a", "</p>"],
    "<br/><br /><BR>": ["<br>", "<br>", "<br>"],
    "a < b": ["a < b"],
    "a <b": ["a ", "<cut"],
    "a <b c": ["a ", "<cut"],
    "a <b and c": ["a <b and c"],
    "a <b and c> d": ["a <b and c> d"],
    "if x<y": ["if x<y"],
    "x <y and z> 0": ["x <y and z> 0"],
    "<5 items>": ["<5 items>"],
    "<foo>": ["<foo>"],
    "<foo>a</foo>": ["<foo>", "a", "</foo>"],
    "<foo/>": ["<foo>"],
    '<foo data-bbox="1">': ["<foo>"],
    "<http://x.example/>": ["<http://x.example/>"],
    "List<Map<String, Integer>>": ["List<Map<String, Integer>>"],
    "<p a=1 b>": ["<p>"],
    "<p<b>": ["<p", "<b>"],
    "<p a='1'<b>": ["<p>", "<b>"],
    "<p a='1' text": ["<p>", " text"],
    "<p a='1' data-b": ["<cut"],
    "<p a='1": ["<cut"],
    "</p": ["<cut"],
    "</p <b>": ["</p>", " ", "<b>"],
    "</>": ["</>"],
    "<": ["<cut"],
    "a<!b>": ["a<!b>"],
    "<!DOCTYPE html>a": ["<!>", "a"],
    "<!DOCTYPE <p>": ["<!>", "<p>"],
    "<!-- a --><p>": ["<!>", "<p>"],
    "<!-- a <p>": ["<!>", "<p>"],
    "<!-- a": ["<cut"],
    "<?xml?>a": ["<!>", "a"],
    "<![CDATA[<p>]]>": ["<p>"],
    "<![CDATA[<p>": ["<!>", "<p>"],
    "<style>a<b</style>c": ["<style>", "a<b", "</style>", "c"],
    "<style>a<b>": ["<style>", "a", "<b>"],
    "<style/>a": ["<style>", "a"],
    "<script>'</p>'</SCRIPT>": ["<script>", "'</p>'", "</script>"],
    "<|im_end|>": ["<|>"],
    "<|IM|>": ["<|IM|>"],
}


@pytest.mark.parametrize("markup", TAGS)
def test_tags_and_text(markup: str) -> None:
    assert told(markup) == TAGS[markup]


REFERENCES = {
    "&lt;&gt;&amp;&quot;&nbsp;": '<>&"\u00a0',
    "&euro;&#8364;&#x20AC;&#X20ac;": "€€€€",
    "&lt": "&lt",
    "&copy=1": "&copy=1",
    "&nosuch;": "&nosuch;",
    "&amp;lt;": "&lt;",
    "&#0;": "\ufffd",
    "&#xD800;": "\ufffd",
    "&#1114112;": "\ufffd",
    "&#99999999999;": "&#99999999999;",
    "&;": "&;",
    "& amp;": "& amp;",
}


@pytest.mark.parametrize("text", REFERENCES)
def test_references(text: str) -> None:
    assert unescape(text) == REFERENCES[text]
