"""Work grows with the input, and not faster; nothing is ever raised.

Steps are counted, not seconds: every line of this package that runs. What runs inside of a regular
expression is not seen that way; ``tests/benchmarks/bench_markup.py`` shows the seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docparse.qwenvl_html import read, read_document, sanitise, validate
from tests.qwenvl_html.hostile import HOSTILE, repeated
from tests.strategies import modest

UNITS = 200  # of each kind, and at least so many that no limit on depth or number matters any more
CHARACTERS = 2_000


@contextmanager
def counted() -> Iterator[list[int]]:
    """Counts the lines of ``docparse`` that run inside of the block."""
    steps = [0]

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        steps[0] += event == "line"
        return line

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        return line if "docparse" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield steps
    finally:
        sys.settrace(before)


def steps_of(function: Callable[[str], object], markup: str) -> int:
    with counted() as steps:
        function(markup)
    return steps[0]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("function", [read, validate], ids=lambda function: function.__name__)
def test_twice_the_input_is_at_most_twice_the_work(name: str, function: Callable[[str], object]) -> None:
    function(HOSTILE[name])  # caches are warm
    length = max(UNITS * len(HOSTILE[name]), CHARACTERS)
    once = steps_of(function, repeated(name, length))
    twice = steps_of(function, repeated(name, 2 * length))
    assert twice <= 2.2 * once + 2_000


@pytest.mark.parametrize("name", HOSTILE)
def test_long_inputs_end(name: str) -> None:
    """At this length a step that looks at everything again would be felt by whoever runs the tests."""
    markup = repeated(name, 30_000)
    reading = read(markup, width=1_000, height=1_000, confidences=[(i, i + 4, 0.9) for i in range(0, 30_000, 4)])
    assert len(reading.issues) < 1_000
    sanitise(markup[:10_000])


@modest
@given(st.text(), st.booleans())
@example("&#" + "9" * 5_000 + ";", True)  # int() refuses
@example("<p data-bbox='" + "9" * 5_000 + " 1 1 1'>", True)
@example("<section class=page data-issues='" + "[" * 100_000 + "'>", True)
@example('<meta name="docparse" content="{&quot;source&quot;:{&quot;bytes&quot;:1e999}}"/>', False)
@example("<ol start=99999999999999999999><li>a", False)
def test_nothing_is_raised(text: str, inside: bool) -> None:
    markup = f"<html><body>{text}</body></html>" if inside else text
    for function in (read, read_document, validate, sanitise):
        function(markup)
