"""Loops are found, and legitimate repetition is left alone: cases on both sides, and properties of both."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from docparse.engines.periods import LONGEST, WINDOW
from docparse.engines.repetition import CELLS, LINES, NUMBERS, PARAGRAPHS, PHRASES, ROWS, RUN
from docparse.engines.watch import STEP, Loop, Watch, find_loop, normalise
from tests.strategies import modest

PAGE = '<html><body>\n<h2 data-bbox="83 61 410 92">Rechnung Nr. 2024-117</h2> \n '
PARAGRAPH = '<p data-bbox="83 110 905 160">We thank you for your order and charge as agreed.</p> \n '
TABLE = PAGE + '<table data-bbox="83 180 905 1300">'
SENTENCE = "The goods remain our property until they are paid for in full. "
LONG = " ".join(f"word{n * n}" for n in range(145))  # nearly as long as the longest period
LATE = 200 + STEP  # characters: 64 tokens, and the look that notices

Copy = Callable[[int], str]


def always(text: str) -> Copy:
    return lambda number: text


def p(text: str, x: int, y: int, width: int = 400, height: int = 18) -> str:
    return f'<p data-bbox="{x} {y} {x + width} {y + height}">{text}</p> \n '


def shrinking(number: int) -> str:
    """As printed in facts/qwen.md 1.9: the same box, but for a pixel at each level."""
    box = f"{number + 1} {27 - number} {998 - number} {385 - 2 * number + number // 3}"
    return f'<table data-bbox="{box}"><tbody><tr><td>'


def odd(number: int) -> int:
    """Numbers without a pattern."""
    return random.Random(number).randrange(5)


def alternating_case(number: int) -> str:
    return ("T" if number % 2 else "t") + "he goods remain our property until they are paid for in full"


@dataclass(frozen=True)
class Case:
    """``before``, then ``copy`` again and again. ``times``: with how many repeats it must be known."""

    name: str
    kind: str
    before: str
    copy: Copy
    times: int

    def text(self, repeats: int) -> str:
        return self.before + "".join(map(self.copy, range(repeats)))


LOOPS = [
    # strings
    Case("a sentence", "text", PAGE + "<p>", always(SENTENCE), 6),
    Case("a sentence without separators", "text", PAGE + "<p>", always(SENTENCE.strip()), 6),
    Case("a sentence with changing case", "text", "Terms\n\n", alternating_case, 6),
    Case(
        "a sentence of wide letters",
        "text",
        "条件 ",
        lambda n: (
            "ＴＨＥ goods１２ remain our property until they"
            if n % 2
            else "the ｇｏｏｄｓ12 remain our property until they"
        ),
        8,
    ),
    Case(
        "a Chinese sentence",
        "text",
        PAGE + "<p>",
        always("本合同自双方签字盖章之日起生效，一式两份，双方各执一份，具有同等法律效力，未尽事宜另行协商。"),
        4,
    ),
    Case("a short Chinese sentence", "text", PAGE + "<p>", always("本合同自双方签字盖章之日起生效，一式两份。"), 6),
    Case("a Russian sentence", "text", PAGE + "<p>", always("Товар остаётся нашей собственностью до оплаты. "), 5),
    Case(
        "three sentences", "text", "", always(SENTENCE + "Payment is due within thirty days. No discount is given. "), 5
    ),
    Case("a long paragraph", "text", PAGE, always("<p>" + LONG + "</p>"), 3),
    Case("a word", "text", PAGE + "<p>", always("copy "), LINES),
    Case("a word without separators", "text", PAGE + "<p>", always("copy"), LINES),
    Case("a letter", "text", PAGE + "<p>B", always("a"), LINES),
    Case("a digit", "text", "Total: 1", always("0"), LINES + 15),
    Case("digits", "text", "Account: ", always("4711"), LINES + 15),
    Case("a Chinese word", "text", "# 标题\n\n", always("哈"), LINES),
    Case("escaped text", "text", PAGE + "<p>", always("Smith &amp; Sons, &euro; 12 "), PHRASES // 18),
    Case("a pair in turns", "text", PAGE, always("<p>Delivery in time</p><p>Payment in time</p>"), 75),
    Case("a paragraph without box", "text", PAGE, always("<p>" + SENTENCE * 2 + "</p>\n"), PARAGRAPHS // 125),
    Case("Markdown lines", "text", "# Terms\n\n", always("- The goods remain our property.\n"), PARAGRAPHS // 30),
    Case(
        "lines with growing blanks",
        "text",
        "Terms\n",
        lambda n: "The goods remain" + " " * (1 + odd(n)) + "ours, as agreed\n",
        PARAGRAPHS // 32,
    ),
    Case("code", "text", "```python\n", always("    total += price * quantity\n"), PARAGRAPHS // 25),
    # rows
    Case("rows", "text", TABLE, always("<tr><td>N/A</td><td>0.00</td></tr>"), LINES),
    Case("long rows", "text", TABLE, always("<tr><td>" + SENTENCE * 3 + "</td></tr>"), ROWS // 188),
    Case("rows in turns", "text", TABLE, always("<tr><td>a</td></tr>\n<tr><td>b</td></tr>\n"), LINES // 2),
    Case("Markdown rows", "text", "| a | b |\n|---|---|\n", always("| N/A | 0.00 |\n"), LINES),
    Case("cells", "text", TABLE + "<tr>", always("<td>N/A</td>"), CELLS),
    Case(
        "cells, each with the box of the table",
        "text",
        TABLE + "<tr>",
        always('<td data-bbox="1 2 300 400">0</td>'),
        CELLS,
    ),
    # without words
    Case("dots", "run", PAGE + "<p>Chapter 1 ", always("."), RUN),
    Case("dots of three", "run", "Contents ", always("…"), RUN),
    Case("spaced underscores", "run", "Name: ", always("_ "), RUN),
    Case("underscores", "run", "Name: ", always("_"), RUN),
    Case("dashes", "run", "Cut here ", always("- "), RUN),
    Case("blanks", "run", "Total:", always(" "), RUN),
    Case("line breaks", "run", "Total:", always("\n"), LINES),
    Case("<br>", "run", PAGE + "<p>Total:", always("<br>"), LINES),
    Case("<br/> and lines", "run", PAGE + "<p>Total:", always("<br/>\n"), LINES),
    Case("&nbsp;", "run", PAGE + "<p>Total:", always("&nbsp;"), RUN),
    Case("empty cells", "run", TABLE + "<tr>", always("<td></td>"), CELLS),
    Case("empty Markdown cells", "run", "| a |\n|---|\n", always("| "), CELLS),
    Case("empty rows", "run", TABLE, always("<tr><td></td><td></td><td></td></tr>\n"), LINES),
    Case("lines of underscores", "run", "Remarks\n", always("_" * 60 + "\n"), LINES),
    # the same place
    Case("the same element", "element", PAGE, always(p("The goods remain our property.", 83, 200)), 3),
    Case(
        "the same element, in Qwen3-VL's form",
        "element",
        "<html><body>",
        always('<div class="text" data-bbox="1 2 30 40">Total</div>\n'),
        3,
    ),
    Case("the same element a pixel on", "element", PAGE, lambda n: p("The goods remain our property.", 83, 200 + n), 4),
    Case("the same pair", "again", PAGE, always(p("Total", 83, 200) + p("12.00", 583, 200)), 3),
    Case(
        "the same picture",
        "element",
        PAGE,
        always('<div class="image" data-bbox="1 2 30 40"><img data-bbox="1 2 30 40"/></div> \n '),
        3,
    ),
    Case(
        "the same row",
        "element",
        TABLE,
        always('<tr data-bbox="83 200 905 220"><td>Paper, A4</td><td>12.00</td></tr>'),
        3,
    ),
    Case(
        "the same JSON object",
        "element",
        "```json\n[\n",
        always('\t{"bbox_2d": [12, 34, 256, 78], "text_content": "Total"},\n'),
        3,
    ),
    Case("the same comment", "element", "# Plan\n", always("<!-- Image (10, 20, 300, 400) -->\n"), 3),
    # nesting
    Case("a spiral", "nesting", PAGE, shrinking, 4),
    Case("a spiral of the same box", "nesting", PAGE, always('<div data-bbox="0 0 999 998">'), 4),
    Case("a spiral without boxes", "nesting", PAGE, always("<table><tbody><tr><td>"), 8),
    Case("lists in lists", "nesting", PAGE, always("<ul><li>"), 13),
    # numbers and boxes that move on
    Case("a list that counts on", "counting", PAGE + "<p>", lambda n: f"{n + 1}. foo ", LINES),
    Case("a Markdown list that counts on", "counting", "# List\n\n", lambda n: f"{n + 1}. The goods are ours.\n", 130),
    Case(
        "a sentence that counts on",
        "counting",
        PAGE + "<p>",
        lambda n: f"Section {n + 1} of the contract applies to all of the goods. ",
        25,
    ),
    Case(
        "items that count on in one box",
        "counting",
        PAGE,
        lambda n: f'<p data-bbox="83 200 905 220">Item {n + 1}</p>\n',
        20,
    ),
    Case("bare numbers", "counting", "Seats: ", lambda n: f"{n + 1} ", NUMBERS),
    Case("numbers by tens", "counting", "Axis: ", lambda n: f"{10 * n}, ", NUMBERS),
    Case("numbered rows", "counting", TABLE, lambda n: f"<tr><td>{n + 1}</td><td>Paper</td></tr>\n", LINES),
    Case("boxes that move on", "moving", PAGE, lambda n: p("N/A", 83, 200 + 20 * n), LINES),
    Case("boxes that move on unevenly", "moving", PAGE, lambda n: p("N/A", 83 + n % 2, 200 + 20 * n + n % 3), LINES),
    Case(
        "empty boxes that move on",
        "moving",
        "<html><body>",
        lambda n: f'<div class="image" data-bbox="83 {200 + 20 * n} 400 {215 + 20 * n}"></div>\n',
        LINES,
    ),
    Case(
        "two columns that move on",
        "moving",
        PAGE,
        lambda n: p("N/A", 83, 200 + 20 * n) + p("N/A", 583, 200 + 20 * n),
        75,
    ),
    Case("numbered elements that move on", "counting", PAGE, lambda n: p(f"Item {n}", 83, 200 + 20 * n), LINES),
    Case(
        "JSON that moves on",
        "moving",
        "[",
        lambda n: f'{{"bbox_2d": [12, {30 * n}, 256, {30 * n + 20}], "label": "text"}},\n',
        LINES,
    ),
]


@pytest.mark.parametrize("case", LOOPS, ids=lambda case: case.name)
def test_loop(case: Case) -> None:
    text = case.text(case.times + 400)
    watch = Watch()
    fed = 0
    while watch.feed(text[fed : fed + 3]) is None:
        fed += 3
        assert fed < len(text), "it was not found"
    found = watch.check()
    assert found == find_loop(text)
    assert found is not None
    assert found.kind == case.kind
    assert fed <= len(case.text(case.times)) + LATE
    believed, once = text[: found.start].rstrip(), case.text(1).rstrip()
    assert believed.startswith(once)
    assert len(believed) < max(len(case.text(2).rstrip()), len(once) + 1), believed[len(case.before) :]


def test_loops_that_no_page_has_are_found_within_64_tokens_of_their_third_repeat() -> None:
    certain = {
        "a sentence",
        "a sentence without separators",
        "three sentences",
        "a Chinese sentence",
        "a short Chinese sentence",
        "a Russian sentence",
        "a long paragraph",
        "the same element",
        "the same pair",
        "the same JSON object",
        "a spiral",
        "the same row",
    }
    for case in LOOPS:
        if case.name in certain:
            assert find_loop(case.text(3) + case.text(9)[len(case.text(3)) :][:LATE]), case.name
            certain.remove(case.name)
    assert not certain


def rows(number: int, row: str) -> str:
    return TABLE + row * number + "</table></body></html>"


def sparse_table(rows: int, columns: int) -> str:
    """One cell in a row is filled, here and there."""
    chosen = random.Random(1)
    lines = []
    for row in range(rows):
        cells = ["<td></td>"] * columns
        if row % 3 == 0:
            cells[chosen.randrange(columns)] = f"<td>{chosen.randrange(1000)}</td>"
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return TABLE + "\n".join(lines) + "</table>"


def grid(rows: int, columns: int, text: str) -> str:
    lines = [
        "<tr>"
        + "".join(
            f'<td data-bbox="{80 + 60 * c} {200 + 17 * r + r % 2} {138 + 60 * c} {215 + 17 * r}">{text}</td>'
            for c in range(columns)
        )
        + "</tr>"
        for r in range(rows)
    ]
    return TABLE + "\n".join(lines) + "</table>"


WORDS = ["Introduction", "Methods", "Data", "Results", "Discussion", "Limits", "Outlook", "Thanks", "Sources", "Index"]
CONTENTS = "\n".join(f"{n}. {word} {'.' * (90 - len(word))} {3 * n + n % 4}" for n, word in enumerate(WORDS * 4, 1))
POEM = "\n\n".join(
    f"{verse}\nRow, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, merrily,\nLife is.\n" * 2
    for verse in ("In the morning", "At noon", "In the evening", "By night", "At last")
)
ART = "\n".join(
    [
        "+" + "-" * 60 + "+",
        *["|" + " " * 60 + "|"] * 20,
        "|" + "#" * 60 + "|",
        *["|" + "/\\" * 30 + "|"] * 12,
        "+" + "-" * 60 + "+",
    ]
)
CODE = (
    "```c\nswitch (key) {\n"
    + "".join(f"    case {name!r}:\n        count++;\n        break;\n" for name in string.ascii_letters)
    + "    }\n    }\n    }\n}\n```"
)

LEGITIMATE = {
    "sixty equal rows": rows(60, "<tr><td>N/A</td><td>0.00</td></tr>"),
    "sixty equal rows of many cells": rows(60, "<tr>" + "<td>0.00</td>" * 12 + "</tr>\n"),
    "sixty equal rows of 130 characters": rows(60, "<tr><td>" + SENTENCE * 2 + "</td></tr>"),
    "sixty equal Markdown rows": "| a | b |\n|---|---|\n" + "| N/A | 0.00 |\n" * 60,
    "sixty equal rows with boxes that move on": grid(60, 4, "0.00"),
    "a grid of dashes with boxes": grid(40, 12, "-"),
    "rows with numbers of their own": TABLE + "".join(f"<tr><td>{n}</td><td>Paper</td></tr>" for n in range(1, 100)),
    "rows with amounts": TABLE
    + "".join(f"<tr><td>Paper</td><td>{n * 37 % 91}.{n * 13 % 100:02}</td></tr>" for n in range(149)),
    "a column of N/A": "\n".join(["Remarks", *["N/A"] * 80]),
    "a column of amounts": "\n".join(["EUR", *["0.00"] * 80]),
    "amounts in a line": "Amounts: " + "0.00 " * 60,
    "cells of amounts": TABLE + "<tr>" + "<td>0.00</td>" * 60 + "</tr>",
    "a form's lines": "Remarks:\n" + ("_" * 80 + "\n") * 40 + "Signature\n",
    "a form's lines with boxes": PAGE + "".join(p("_" * 60, 83, 200 + 31 * n + n % 2) for n in range(40)),
    "numbered lines of a form": "".join(f"{n}. {'_' * 50}\n" for n in range(1, 51)),
    "spaced underscores": "Name: " + "_ " * 90 + "\nDate: " + "_ " * 30,
    "a leader as long as a line": "Contents\nOne " + "." * 300 + " 1\nTwo " + "." * 300 + " 2\n",
    "spaced leader": "\n".join(
        f"{word} " + ". " * 70 + str(n) for n, word in enumerate(["One", "Two", "Three", "Four"] * 6)
    ),
    "a table of contents": CONTENTS,
    "a stamp, without boxes": "<html><body>" + "<p>COPY</p>\n" * 60,
    "a stamp, with boxes": PAGE + "".join(p("COPY", 83 + 117 * (n % 6), 200 + 90 * (n // 6)) for n in range(72)),
    "a stamp in one paragraph": "<p>" + "VOID " * 100 + "</p>",
    "address labels": "\n".join(["The Company Ltd., 12 Long Street, 90402 Nuremberg, Germany, return to sender"] * 30),
    "coupons": ("<p>" + SENTENCE * 4 + "</p>\n<p>Name:</p>\n") * 8,
    "a lesson in handwriting": "<p>" + "I must not tell lies. " * 40 + "</p>",
    "a list": "\n".join(
        f"{n}. {a} {b}" for n, (a, b) in enumerate(zip(string.ascii_letters * 2, string.printable * 2, strict=False), 1)
    ),
    "a list of equal beginnings": "\n".join(
        f"{n}. The {word} of the contract" for n, word in enumerate(CONTENTS.split()[1::4] * 2, 1)
    ),
    "an ordered list of the same item": "<ol>" + "".join(f"<li>{n}. Signature</li>" for n in range(1, 60)) + "</ol>",
    "a sparse table": sparse_table(40, 20),
    "a wide sparse table": sparse_table(60, 100),
    "an empty table": rows(50, "<tr>" + "<td></td>" * 20 + "</tr>\n"),
    "an empty Markdown table": "| a | b | c |\n|---|---|---|\n" + "|   |   |   |\n" * 60,
    "ASCII art": ART,
    "code": CODE,
    "code with rules": "\n".join(["# " + "=" * 78, "x = 1", "# " + "=" * 78] * 20),
    "a poem with a refrain": POEM,
    "a chorus": "Na na na na, hey Jude\n" * 16,
    "Chinese text": "第一章 总则\n"
    + "".join(f"第{n}条 本公司应当遵守法律、行政法规，诚实守信。{chr(0x4E00 + 37 * n)}\n" for n in range(60)),
    "Chinese address labels": "\n".join(["某某科技有限公司，上海市浦东新区张江路一百号，邮编二〇一二〇三"] * 30),
    "a Chinese lesson in handwriting": "<p>" + "我不说谎。" * 80 + "</p>",
    "sixty equal Chinese rows": rows(60, "<tr><td>本合同自双方签字盖章之日起生效，一式两份</td><td>不适用</td></tr>"),
    "Chinese laughter": "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈，他说。",
    "a hundred chart": TABLE
    + "".join("<tr>" + "".join(f"<td>{10 * r + c}</td>" for c in range(1, 11)) + "</tr>" for r in range(20)),
    "a seating plan": "Seats: " + " ".join(map(str, range(1, 301))),
    "a calendar": TABLE + "<tr>" + "".join(f"<td>{n}</td>" for n in range(1, 32)) + "</tr>",
    "line numbers": "\n".join(map(str, range(1, 120))),
    "a matrix": "\n".join("0 " * 20 for _ in range(20)),
    "a mask": "Card: " + "X" * 12 + "1234 " + "*" * 40,
    "blank lines": "Title" + "\n" * 60 + "Footer",
    "spaces for layout": "\n".join(" " * 120 + str(n * 7 % 31) for n in range(60)),
    "<br> in an address": "<p>" + "<br>".join(["a", "", "", "", "b"] * 10) + "</p>",
    "a box on an image and its caption": PAGE + p("A tree", 1, 2) + p("A tree", 1, 2) + p("A house", 1, 90),
    "bold by printing twice": PAGE + "".join(p(f"Line {n * n}", 80, 30 * n) * 2 for n in range(30)),
    "boxes on every node": "<html>"
    + "".join(f'<{tag} data-bbox="0 0 999 998">' for tag in ("body", "div", "section", "table", "tbody", "tr", "td"))
    + "Text",
    "boxes of nothing": PAGE + "".join('<p data-bbox="0 0 0 0">N/A</p>\n' for _ in range(60)),
    "cells with the box of their row": TABLE
    + "".join(
        "<tr>" + f'<td data-bbox="80 {200 + 20 * n} 900 {218 + 20 * n}">0.00</td>' * 6 + "</tr>" for n in range(50)
    ),
    "layout tables in tables": "<table><tbody><tr><td>" * 3 + "Text" + "</td></tr></tbody></table>" * 3,
    "lists in lists": "<ul><li>" * 5 + "Text" + "</li></ul>" * 5,
    "JSON lines": "["
    + "".join(
        f'{{"bbox_2d": [12, {31 * n + n % 2}, 256, {31 * n + 20}], "text_content": "N/A"}},\n' for n in range(100)
    )
    + "]",
    "a short answer": "Total: 12.00",
    "nothing": "",
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_legitimate_repetition(name: str) -> None:
    assert find_loop(LEGITIMATE[name]) is None


def test_there_are_cases_on_both_sides() -> None:
    assert len(LOOPS) >= 35
    assert len(LEGITIMATE) >= 35


# --------------------------------------------------------------------------------------- the page's own words


@pytest.mark.parametrize("case", [case for case in LOOPS if case.kind == "text"], ids=lambda case: case.name)
def test_what_the_page_holds_is_legitimate_as_often(case: Case) -> None:
    asked: set[str] = set()

    def allowed(text: str) -> int:
        asked.add(text)
        return 300

    assert find_loop(case.text(300), allowed) is None
    if not any(map(str.isalpha, "".join(asked))):
        return  # digits alone
    found = find_loop(case.text(700), allowed)
    assert found is not None
    believed = case.text(700)[: found.start].rstrip()
    assert believed.startswith(case.text(300).rstrip())
    assert len(believed) < len(case.text(301).rstrip())


def test_the_page_is_asked_for_the_text_without_markup() -> None:
    asked: list[str] = []

    def allowed(text: str) -> int:
        asked.append(text)
        return 0

    find_loop(TABLE + "<tr><td>N/A</td><td>Smith &amp;  Sons</td></tr>\n" * 5, allowed)
    assert asked == ["n/a smith & sons"]
    find_loop("".join(f"<p>{n}. Total</p>\n" for n in range(9)), allowed)
    assert asked[1:] == ["total"]


def test_what_the_page_holds_once_is_a_loop_soon() -> None:
    text = PAGE + "<p>Total amount</p>\n" * 100
    assert find_loop(text) is None
    found = find_loop(text, lambda words: int(words == "total amount"))
    assert found == Loop("text", len(PAGE + "<p>Total amount</p>\n"))


def test_a_count_that_is_a_little_too_low_costs_no_row() -> None:
    """OCR read forty-eight of sixty."""
    assert find_loop(rows(60, "<tr><td>N/A</td><td>0.00</td></tr>"), lambda text: 48) is None


def test_the_same_place_as_often_as_the_page_holds_it() -> None:
    """A model that gives every line the same box still reads the right text."""
    text = PAGE + p("N/A", 1, 2) * 40
    assert find_loop(text, lambda words: 40) is None
    assert find_loop(text) is not None


# ------------------------------------------------------------------------------------------ what has no period


def page_of(lines: int) -> str:
    return "".join(p(f"Line {n * n} of the page says {n * 31 % 17}", 83, 100 + 23 * n) for n in range(lines))


def test_a_page_that_is_read_a_second_time() -> None:
    """Longer than any period that is looked for; and in another order."""
    once = PAGE + page_of(60)
    assert len(once) > LONGEST
    assert find_loop(once + once) == Loop("again", len(once) + len("<html><body>\n"))
    lines = once.splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    found = find_loop(once + "".join(lines))
    assert found is not None
    assert found.kind == "again"
    assert found.start >= len(once)


def test_the_same_text_at_the_same_place_in_other_elements() -> None:
    box = 'data-bbox="83 200 905 220"'
    text = PAGE + "".join(f"<{tag} {box}>Total</{tag}>\n" for tag in ("p", "h2", "div", "h3", "p"))
    assert find_loop(text) == Loop("again", len(PAGE) + len(f"<p {box}>Total</p>\n"))


def test_equal_lines_beyond_any_page_end_even_where_boxes_and_numbers_have_no_pattern() -> None:
    def line(number: int) -> str:
        chosen = random.Random(number)
        return p("N/A", chosen.randrange(80, 90), 20 * number + chosen.randrange(20))

    text = PAGE + "".join(map(line, range(600)))
    found = find_loop(text)
    assert found is not None
    assert found.kind == "moving"
    kept = text[: found.start].count("</p>")
    assert LINES <= kept <= LINES + 4  # so many lines may be true


def test_boxes_below_the_page() -> None:
    text = PAGE + "".join(p("N/A", 83, 300 + 100 * number) for number in range(60))
    assert find_loop(text) is None
    watch = Watch(size=(1008, 1540))
    found = watch.feed(text) or watch.check()
    assert found is not None
    assert found.kind == "moving"
    misfit = PAGE + "".join(p("N/A", 83, 300 + 30 * number) for number in range(60))  # scaled by 1.35
    watch = Watch(size=(1008, 1540))
    assert (watch.feed(misfit) or watch.check()) is None


# -------------------------------------------------------------------------------------------------- properties

pieces = st.lists(st.integers(1, 90), min_size=1, max_size=12)
plain = st.text(alphabet=string.ascii_letters + string.digits + " .,:\n<>|", max_size=300)
units = st.text(min_size=1, max_size=60) | st.text(alphabet="ab1 .<td>/", min_size=1, max_size=30)


@modest
@given(st.sampled_from(LOOPS), pieces, st.booleans())
def test_pieces_do_not_matter(case: Case, sizes: list[int], ended: bool) -> None:
    text = case.text(case.times + 8)[:30_000]
    watch = Watch()
    at, turn = 0, 0
    while at < len(text):
        watch.feed(text[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    assert watch.check() == find_loop(text)


@modest
@given(st.integers(0, 2**32))
def test_text_without_loops_has_none(seed: int) -> None:
    chosen = random.Random(seed)
    words = ["".join(chosen.choices(string.ascii_lowercase, k=chosen.randint(1, 9))) for _ in range(500)]
    forms = (
        "{} ",
        "<p>{}</p>\n",
        "<tr><td>{}</td><td></td></tr>",
        "| {} | |\n",
        "<p data-bbox='{} {} 900 1400'>{}</p>",
        "{}. ",
    )
    form = chosen.choice(forms)
    fields = form.count("{}")
    text = "".join(
        form.format(*[str(chosen.randrange(800)) for _ in range(fields - 1)], chosen.choice(words)) for _ in range(600)
    )
    assert find_loop(text) is None


@modest
@given(plain, units)
@example("X<p>", "foo</p><p>")
@example("bar. ", "foo. ")
@example("", "1")
@example("", " > ")
def test_any_unit_repeated_is_found_and_a_copy_is_kept(before: str, unit: str) -> None:
    text = before + unit * (450 + 3_000 // len(unit))
    found = find_loop(text)
    assert found is not None
    assume(find_loop(before) is None)
    believed = text[: found.start]
    plain_unit = normalise(unit)
    unit = unit[: next(n for n in range(1, len(unit) + 1) if plain_unit == plain_unit[:n] * (len(unit) // n))]
    assert len(believed) <= len(before) + 2 * len(unit)
    # Where the text before happens to end as the unit does, the copy that is kept is a turned one.
    whole = normalise(believed)
    shared = 0
    while shared < len(before) and normalise(before)[-1 - shared :] == normalise(unit * 500)[-1 - shared :]:
        shared += 1
    assert whole.rstrip().startswith(normalise(before + unit)[: len(before) + len(unit) - shared].rstrip())


@modest
@given(st.text(max_size=2_000))
def test_no_text_is_too_odd(text: str) -> None:
    assert len(normalise(text)) == len(text)
    watch = Watch()
    watch.feed(text)
    assert watch.check() == find_loop(text)


def test_after_a_loop_the_watch_stays_with_it() -> None:
    watch = Watch()
    found = watch.feed(PAGE + "." * 1_000)
    assert found is not None
    assert watch.feed(" and more") == watch.check() == found


# ------------------------------------------------------------------------------------------------ what it costs


def texts_that_are_hard() -> dict[str, str]:
    chosen = random.Random(1)
    before, fibonacci = "a", "ab"
    while len(fibonacci) < 3_000:
        before, fibonacci = fibonacci, fibonacci + before
    return {
        "letters": "".join(chosen.choices("ab", k=200_000)),
        "runs": "".join("a" * chosen.randint(20, 60) + "b" for _ in range(5_000)),
        "numbers": "".join(chosen.choices(["1 ", "2 "], k=100_000)),
        "tags": "".join(f"<{chosen.choice('pbiu')} " for _ in range(60_000)),
        "never closed": "<p data-bbox=" * 3 + "".join(chosen.choices("abc =", k=200_000)),
        "fibonacci": fibonacci,
    }


@pytest.mark.parametrize("name", texts_that_are_hard())
def test_memory_is_bounded(name: str) -> None:
    """By what it holds, which does not depend on how much was said."""
    watch = Watch()
    watch.feed(texts_that_are_hard()[name])
    assert len(watch._raw) <= 3 * WINDOW
    assert len(watch._exact._back) <= WINDOW
    assert len(watch._shape._values) <= 2 * WINDOW + STEP
    assert len(watch._shape._text_marks) <= 2 * WINDOW + STEP
    assert len(watch._elements._rest) <= 5_000
    assert len(watch._exact_runs) + len(watch._shape_runs) <= 30


def test_a_look_does_a_bounded_number_of_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cost per character is that of a look divided by its length, however long the answer is."""
    from docparse.engines import periods

    calls = 0
    same = periods._same

    def counted(text: str, offset: int, known: int) -> int:
        nonlocal calls
        calls += 1
        return same(text, offset, known)

    monkeypatch.setattr(periods, "_same", counted)
    for text in texts_that_are_hard().values():
        calls = 0
        find_loop(text)
        assert calls <= 2 * periods._LOOKS * (len(text) / STEP + 1)
