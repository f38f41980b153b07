"""Facts about pages, as olmOCR-bench has them."""

from __future__ import annotations

from typing import Any

import pytest

from docparse.evaluate.facts import fact_score

TABLE = "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
FUZZY = {"type": "present", "text": "hello world again"}


@pytest.mark.parametrize(
    ("fact", "text", "holds"),
    [
        ({"type": "present", "text": "to be “or” not"}, 'x *to be* "or" not y', True),
        ({"type": "present", "text": "Word"}, "word", False),
        ({"type": "present", "text": "Word", "case_sensitive": False}, "a word", True),
        ({"type": "absent", "text": "Page 3"}, "foo Page 3", False),
        ({**FUZZY, "max_diffs": 2}, "xx hallo wurld again yy", True),
        ({**FUZZY, "max_diffs": 1}, "xx hallo wurld again yy", False),
        ({"type": "absent", "text": "1", "last_n": 5}, "1 abc defgh", True),
        ({"type": "absent", "text": "1", "last_n": 5}, "abc defgh 1", False),
        ({"type": "present", "text": "abc", "first_n": 2}, "abc", False),
        ({"type": "order", "before": "one", "after": "two"}, "one two", True),
        ({"type": "order", "before": "two", "after": "one"}, "one two", False),
        ({"type": "order", "before": "two", "after": "one"}, "one two one", True),
        ({"type": "order", "before": "two", "after": "three"}, "one two", False),
        ({"type": "table", "cell": "4", "up": "2", "left": "3", "top_heading": "B", "left_heading": "3"}, TABLE, True),
        ({"type": "table", "cell": "4", "up": "3"}, TABLE, False),
        ({"type": "table", "cell": "1", "down": "3", "right": "2"}, "|A|B|\n|--|--|\n|1|2|\n|3|4|\n", True),
        ({"type": "table", "cell": "1"}, "no table 1", False),
        ({"type": "math", "math": "\\frac{a}{b} + c"}, "so $$\\dfrac{a}{b}+c \\tag{1}$$", True),
        ({"type": "math", "math": "\\frac{a}{b} + c"}, "so \\(x = 1\\)", False),
        ({"type": "baseline", "max_length": 10}, " \n - ", True),
        ({"type": "baseline", "max_length": 10}, "more than ten letters", False),
        ({"type": "baseline"}, "fine text", True),
        ({"type": "baseline"}, " .", False),
        ({"type": "baseline"}, "fine text " + "again and again. " * 40, False),
        ({"type": "baseline"}, "fine text" + "." * 19, True),
        ({"type": "baseline"}, "fine text" + "." * 31, False),
    ],
)
def test_facts(fact: dict[str, Any], text: str, holds: bool) -> None:
    assert fact_score(fact, text).passed is holds


def test_of_no_output_nothing_holds() -> None:
    assert fact_score({"id": "a", "type": "absent", "text": "x"}, None).passed is False


def test_types_that_are_not_known_do_not_count() -> None:
    assert fact_score({"id": "a", "type": "colour"}, "x").passed is None
