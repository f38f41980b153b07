"""Facts about pages, as olmOCR-bench has them."""

from __future__ import annotations

from typing import Any

import pytest

from docparse.evaluate.facts import fact_score, lacking

TABLE = "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
NOTED = {"type": "footnote", "marker": "1"}
NOTES = "As it was **said**,<sup>1</sup> and so on.\n\n<sup>1</sup> The note itself."
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
        ({"type": "math", "math": "x = 1", "ignore_dollar_delimited": True}, "so $x=1$", False),
        ({"type": "math", "math": "x = 1", "ignore_dollar_delimited": True}, "so \\[x=1\\]", True),
        ({"type": "table", "cell": "1", "ignore_markdown_tables": True}, "|A|B|\n|--|--|\n|1|2|\n|3|4|\n", False),
        ({"type": "table", "cell": "1", "ignore_markdown_tables": True}, TABLE, True),
        ({"type": "format", "format": "heading", "text": "The end"}, "text\n## The *end*\nmore", True),
        ({"type": "format", "format": "heading", "text": "The end"}, "<h2 class='x'>2. The end</h2>", True),
        ({"type": "format", "format": "heading", "text": "more"}, "## The end\nmore", False),
        ({"type": "format", "format": "bold", "text": "Note"}, "a **Note:** b", True),
        ({"type": "format", "format": "bold", "text": "Note"}, "a <strong>Note</strong> b", True),
        ({"type": "format", "format": "bold", "text": "Note"}, "a *Note* b", False),
        ({"type": "format", "format": "italic", "text": "Note"}, "a *Note* b", True),
        ({"type": "format", "format": "italic", "text": "note", "case_sensitive": False}, "a _Note_ b", True),
        ({"type": "format", "format": "italic", "text": "Note"}, "a **Note** b", False),
        ({"type": "format", "format": "italic", "text": "Note", "max_diffs": 1}, "a <em>Nota</em> b", True),
        ({"type": "footnote", "marker": "1"}, "said[^1] so", True),
        ({"type": "footnote", "marker": "1"}, "[^1]: what it says", False),
        ({"type": "footnote", "marker": "12"}, "said<sup>12</sup>", True),
        ({"type": "footnote", "marker": "12"}, "said¹² so", True),
        ({"type": "footnote", "marker": "12"}, "said 12 so", False),
        ({"type": "footnote", "marker": "*"}, "said<sup>*</sup>", True),
        ({**NOTED, "appears_before_marker": "it was said"}, NOTES, True),
        ({**NOTED, "appears_before_marker": "the note itself"}, NOTES, False),
        ({**NOTED, "appears_after_marker": "The note itself"}, NOTES, True),
        ({**NOTED, "appears_before_marker": "it wos said", "max_diffs": 1}, NOTES, True),
        ({**NOTED, "appears_before_marker": "it wos said"}, NOTES, False),
        ({"type": "baseline", "max_length": 10}, " \n - ", True),
        ({"type": "baseline", "max_length": 10}, "more than ten letters", False),
        ({"type": "baseline", "max_length": 3, "max_length_skips_image_alt_tags": True}, "![a long one](x.png)", True),
        ({"type": "baseline", "max_length": 3}, "![a long one](x.png)", False),
        # As olmOCR's program writes what is not said.
        ({"type": "baseline", "max_length": None, "max_diffs": 0, "first_n": None}, "fine text", True),
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


@pytest.mark.parametrize("text", ["x", None])
def test_types_that_are_not_known_do_not_count(text: str | None) -> None:
    assert fact_score({"id": "a", "type": "colour"}, text).passed is None


@pytest.mark.parametrize(
    ("fact", "key"),
    [
        ({"type": "present", "text": "x"}, None),
        ({"type": "baseline", "max_length": None}, None),
        ({"type": "colour"}, None),
        ({}, "type"),
        ({"type": 3}, "type"),
        ({"type": "present"}, "text"),
        ({"type": "absent", "text": " "}, "text"),
        ({"type": "order", "before": "a"}, "after"),
        ({"type": "table", "up": "a"}, "cell"),
        ({"type": "math", "math": 3}, "math"),
        ({"type": "format", "text": "a", "format": "underlined"}, "format"),
        ({"type": "footnote"}, "marker"),
        ({"type": "baseline", "max_length": "ten"}, "max_length"),
        ({"type": "present", "text": "x", "page": 1.5}, "page"),
    ],
)
def test_what_a_fact_lacks(fact: dict[str, Any], key: str | None) -> None:
    assert lacking(fact) == key
