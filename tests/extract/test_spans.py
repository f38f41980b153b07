"""Several invoices in one file: where a new one begins, and above all where none does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.document import Page
from docparse.extract.invoice.spans import PageEvidence, counter, spans
from docparse.extract.page_text import page_text
from docparse.geometry import BBox
from docparse.textlayer import Style, Word

Facts = tuple[object, ...]


def pages(*facts: str) -> list[PageEvidence]:
    """One string a page: ``A1 0.9 1/2``: number, confidence, counter; ``label``: a label without a number."""
    found = []
    for at, text in enumerate(facts, 1):
        numbers: list[tuple[str, float]] = []
        count: tuple[int, int | None] | None = None
        words = text.split()
        for word in words:
            if word.startswith("p"):
                first, _, last = word[1:].partition("/")
                count = (int(first), int(last) if last else None)
            elif word.replace(".", "").isdigit() and numbers and "." in word:
                numbers[-1] = (numbers[-1][0], float(word))
            elif word not in ("label", "ocr"):
                numbers.append((word, 0.9))
        found.append(PageEvidence(at, tuple(numbers), count, "label" in words or bool(numbers), "ocr" in words))
    return found


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # one invoice
        ([], []),
        (["A-1001"], [[1]]),
        (["", "", ""], [[1, 2, 3]]),
        (["A-1001", "", "A-1001"], [[1, 2, 3]]),
        (["A-1001", "a 1001"], [[1, 2]]),
        (["", "A-1001"], [[1, 2]]),  # a letter, then the invoice
        (["A-1001 p1/3", "A-1001 p2/3", "A-1001 p3/3"], [[1, 2, 3]]),
        (["A-1001 p1/2", "B-2002 p2/2"], [[1, 2]]),  # a page 2 begins nothing
        (["A-1001", "B-2002 0.4"], [[1, 2]]),  # hardly a number
        (["A-1001 0.3", "B-2002"], [[1, 2]]),  # nobody knows the first one's
        (["A-1001 p1/1", "p1/2", "p2/2"], [[1, 2, 3]]),  # its terms of delivery
        (["A-1001 p1/1", "A-1001 p1/1"], [[1, 2]]),  # the same twice: a copy
        (["A-1001 p1/3", "B-2002"], [[1, 2]]),  # more pages were to come
        (["A-1001", "label"], [[1, 2]]),
        (["A-1001 p1/1", "A-1001 0.9 B-2002 0.9 p1/1"], [[1, 2]]),  # names two, and one of them is ours
        (["A-1001", "B-2002 0.9 C-3003 0.88"], [[1, 2]]),  # a list of invoices
        (["2024-001", "2024-001/2024"], [[1, 2]]),
        (["AO1001 ocr", "A01001 ocr"], [[1, 2]]),
        # several
        (["A-1001", "A-1002"], [[1], [2]]),
        (["A-1001", "", "B-2002", ""], [[1, 2], [3, 4]]),
        (["A-1001 p1/2", "p2/2", "B-2002 p1/1"], [[1, 2], [3]]),
        (["A-1001 p1/1", "label p1/1"], [[1], [2]]),  # the number could not be read
        (["A-1001 p1", "p2", "B-2002 p1"], [[1, 2], [3]]),
        (["A-1001 p1/3", "p2/3", "B-2002 p1/1"], [[1, 2], [3]]),  # a page is missing
        (["A-1001", "B-2002", "A-1001"], [[1], [2], [3]]),
        (["AO1001", "A01001"], [[1], [2]]),
        (["R-1001 ocr", "R-1002 ocr"], [[1], [2]]),
        (["label p1/1", "B-2002 p1/1"], [[1], [2]]),
    ],
)
def test_spans(facts: list[str], expected: list[list[int]]) -> None:
    assert spans(pages(*facts)) == expected


words = st.sampled_from(["", "label", "A-1001", "B-2002", "A-1001 0.4", "p1/2", "p2/2", "p1", "B-2002 p1/1", "ocr"])


@given(st.lists(st.lists(words, max_size=3).map(" ".join), max_size=8))
def test_every_page_is_in_one_span_in_order(facts: list[str]) -> None:
    found = spans(pages(*facts))
    assert [number for part in found for number in part] == list(range(1, len(facts) + 1))
    assert all(found)


@given(st.lists(st.sampled_from(["", "p1/3", "p2/3", "p3/3", "p1", "p2", "p1/1"]), max_size=8))
def test_counters_alone_cut_nothing(facts: list[str]) -> None:
    assert len(spans(pages(*facts))) <= 1


def count_of(*lines: tuple[float, str]) -> tuple[int, int | None] | None:
    """Of a page 1000 high with these lines, at these heights."""
    seen = []
    for y, text in lines:
        x = 100.0
        for word in text.split():
            seen.append(Word(word, BBox(x, y, x + 10 * len(word), y + 20), ((word, Style(20)),)))
            x += 10 * (len(word) + 1)
    return counter(page_text(Page(1, 1000, 1000), seen))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Page 1 of 3", (1, 3)),
        ("Page: 2/3", (2, 3)),
        ("page 12", (12, None)),
        ("Seite 1 von 2", (1, 2)),
        ("Seite: 2 / 2", (2, 2)),
        ("Pagina 1 di 4", (1, 4)),
        ("Pagina 3 van 4", (3, 4)),
        ("Invoice 17, Page 1 of 3", (1, 3)),
        ("第1页 共3页", (1, 3)),
        ("第 2 页", (2, None)),
        ("Page 4 of 3", None),
        ("Page 0 of 3", None),
        ("Pages of history 1914", None),
        ("Page 1.50", None),
        ("5/12", None),
        ("Nothing", None),
    ],
)
def test_counters(text: str, expected: tuple[int, int | None] | None) -> None:
    assert count_of((500, text)) == expected


def test_a_bare_counter_stands_in_the_margin() -> None:
    assert count_of((960, "2/3")) == (2, 3)
    assert count_of((20, "- 2 / 3 -")) == (2, 3)
    assert count_of((500, "2/3")) is None


def test_two_counters_are_none() -> None:
    assert count_of((20, "Page 1 of 3"), (960, "Page 7 of 9")) is None
    assert count_of((20, "Page 1 of 3"), (960, "Page 1")) == (1, 3)
