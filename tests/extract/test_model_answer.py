"""Answers as models give them: what of them is read, and what is rather left out."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docparse.extract.asking.answer import Node, probability, read_answer


def plain(node: Node | None) -> Any:
    if node is None or node.kind not in ("object", "array"):
        return None if node is None else node.value
    if node.kind == "object":
        return {key: plain(inner) for key, inner in node.members.items()}
    return [plain(inner) for inner in node.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "x", "b": null, "c": true}', '{"a":"x","b":null,"c":true}'),
        ('{"d": [1, 2.50, {"e": []}]}', '{"d":["1","2.50",{"e":[]}]}'),
        ('```json\n{"a": "x"}\n```', '{"a":"x"}'),
        ('Sure {as you wish}! Here it is:\n{"a": "x"}\nIs there {more}?', '{"a":"x"}'),
        ('[{"a": "x"}]', '{"a":"x"}'),
        ('<think>{"a": "y"}</think> {"a": "x", "b": "z"}', '{"a":"x","b":"z"}'),
        ("{'a': 'it’s', b: None, 'c': True}", '{"a":"it’s","b":null,"c":true}'),
        ("{“a”: “x”}", '{"a":"x"}'),
        ('{"a": NaN, "b": -Infinity, "c": undefined}', '{"a":null,"b":null,"c":null}'),
        ('{"a": "x",, "b": [1,],}', '{"a":"x","b":["1"]}'),
        ('{"a": "x" "b": "y"}', '{"a":"x","b":"y"}'),
        ('{"a": 12,50 EUR, "b": 1.234,56}', '{"a":"12,50 EUR","b":"1.234,56"}'),
        ('{"a": "line\nbreak\\n \\u00e4 \\ud83d\\ude00 \\/ \\q"}', '{"a":"line\\nbreak\\nä 😀 / q"}'),
        ('{"a": "half \\ud83d \\u0000pair"}', '{"a":"half � pair"}'),
        ('{"a": -0.5, "b": 1e3, "c": +7}', '{"a":"-0.5","b":"1e3","c":"+7"}'),
        ("{}", "{}"),
    ],
)  # fmt: skip
def test_what_is_read(text: str, expected: str) -> None:
    node = read_answer(text)
    assert node is not None
    assert node.whole
    assert plain(node) == json.loads(expected)


@pytest.mark.parametrize(
    "text", ["", "no", "{", "[]", "{{{", "{x}", '{"a', '{"a"', '{"a":', '{"a": 12', '{"a": "x', "}{"]
)
def test_where_there_is_nothing(text: str) -> None:
    node = read_answer(text)
    assert node is None or plain(node) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "x", "b": "y', {"a": "x"}),
        ('{"a": "x", "b": 12', {"a": "x"}),  # half a number is another number
        ('{"a": "x", "b": tru', {"a": "x"}),
        ('{"a": "x", "b"', {"a": "x"}),
        ('{"rows": [{"n": "1", "m": "2"}, {"n": "3", "m": "4', {"rows": [{"n": "1", "m": "2"}, {"n": "3"}]}),
        ('{"rows": ["1", "2"', {"rows": ["1", "2"]}),
        ('{"a": "x"', {"a": "x"}),
    ],
)
def test_what_is_cut_off_is_left_out(text: str, expected: Any) -> None:
    node = read_answer(text)
    assert node is not None
    assert plain(node) == expected
    assert not node.whole


def test_a_key_that_comes_again() -> None:
    node = read_answer('{"a": "1", "b": null, "c": "3", "a": "2", "b": "x", "c": "3", "c": null}')
    assert plain(node) == {"a": "1", "b": "x", "c": "3"}
    assert node is not None
    assert {key: inner.twice for key, inner in node.members.items()} == {"a": True, "b": False, "c": False}


def test_a_value_is_as_sure_as_its_least_sure_token() -> None:
    text = '{"a": "xyz", "b": 12}'
    node = read_answer(text)
    assert node is not None
    sure = ((0, 7, 0.1), (7, 9, 0.8), (9, 10, 0.7), (10, 17, 0.2), (17, 18, 0.9), (18, 19, 0.6), (19, 21, 0.3))
    a, b = node.members["a"], node.members["b"]
    assert (text[a.start : a.end], text[b.start : b.end]) == ("xyz", "12")
    assert (probability(a, sure), probability(b, sure)) == (0.7, 0.3)
    assert probability(a, ()) is None


@pytest.mark.parametrize(
    "text", ["{" * 100_000, '{"a":' * 50_000, '["' * 50_000, '{"a": "' + "x" * 900_000, "{a " * 50_000]
)
def test_hostile_answers_come_to_an_end(text: str) -> None:
    """Work that grows with the square of their length would take hours."""
    node = read_answer(text)
    assert node is None or not node.whole


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9).map(str)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef_", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef_", min_size=1), _JSON, min_size=1, max_size=5), st.integers(0, 4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_json_is_read_as_json_is(value: dict[str, Any], indent: int, escaped: bool) -> None:
    text = json.dumps(value, indent=indent or None, ensure_ascii=escaped)
    assert plain(read_answer(f"Well: ```json\n{text}\n```")) == value


def test_any_text_ends_well() -> None:
    chance = random.Random(4)
    for _ in range(400):
        text = "".join(chance.choice("{}[]\",:\\ \n'ab1.nul-“”") for _ in range(chance.randrange(200)))
        node = read_answer(text)
        assert node is None or node.kind == "object"
