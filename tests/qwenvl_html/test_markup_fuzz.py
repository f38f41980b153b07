"""Real markup, cut and crossed and mixed: never an error, never a box off the page, never a letter lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from docparse.document import Block, Document, Page
from docparse.qwenvl_html import read, read_document, sanitise, validate, write, write_page
from docparse.qwenvl_html.frame import frame
from docparse.qwenvl_html.issues import IssueLog
from docparse.qwenvl_html.tokens import tokenize, unescape
from tests.qwenvl_html import cases
from tests.strategies import documents, modest

MARKUP = [case.markup for case in cases.load()]
_PIECES = re.compile(r"<[^<>]*>|[^<]+|<")
_NOISE = "<>&\"'/= \n;x0-|\\`*#$[{"
WIDTH, HEIGHT = 1_000, 800


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """One or two cases, with some of their tags and texts dropped, doubled, exchanged, cut or dirtied."""
    markup = "".join(draw(st.lists(st.sampled_from(MARKUP), min_size=1, max_size=2)))
    pieces = _PIECES.findall(markup)
    for _ in range(draw(st.integers(0, 4))):
        if not pieces:
            break
        at, other = draw(st.integers(0, len(pieces) - 1)), draw(st.integers(0, len(pieces) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "dirty", "cut", "cut inside"])):
            case "drop":
                del pieces[at]
            case "double":
                pieces.insert(other, pieces[at])
            case "swap":
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case "dirty":
                place = draw(st.integers(0, len(pieces[at])))
                pieces[at] = pieces[at][:place] + draw(st.sampled_from(_NOISE)) + pieces[at][place:]
            case "cut":
                del pieces[at + 1 :]
            case "cut inside":
                del pieces[at + 1 :]
                pieces[at] = pieces[at][: draw(st.integers(0, len(pieces[at])))]
    return "".join(pieces)


def boxes_of(block: Block) -> list[tuple[float, float, float, float]]:
    parts = (block, *block.items, *block.cells)
    return [part.bbox.as_tuple() for part in parts if part.bbox is not None]


@modest
@given(mutated())
def test_mended_markup_is_sound(markup: str) -> None:
    reading = read(markup, width=WIDTH, height=HEIGHT)
    page = Page(1, WIDTH, HEIGHT, blocks=reading.blocks)
    for block in page.blocks:
        for x1, y1, x2, y2 in boxes_of(block):
            assert 0 <= x1 <= x2 <= WIDTH
            assert 0 <= y1 <= y2 <= HEIGHT
    assert reading.truncated == any(issue.code == "truncated" for issue in reading.issues)


@modest
@given(mutated())
def test_reading_what_was_read_changes_nothing(markup: str) -> None:
    page = Page(1, WIDTH, HEIGHT, blocks=read(markup, width=WIDTH, height=HEIGHT).blocks)
    again = read(write_page(page), width=WIDTH, height=HEIGHT)
    assert Page(1, WIDTH, HEIGHT, blocks=again.blocks) == page
    assert not [issue for issue in again.issues if issue.severity == "error"]


@modest
@given(mutated())
def test_no_letter_goes_untold(markup: str) -> None:
    """What stands between the tags is in a block, or an issue says word for word what was left out."""
    reading = read(markup, width=WIDTH, height=HEIGHT)
    if reading.format != "html" or "\\begin" in markup:  # LaTeX says with letters what is a cell
        return
    framed = frame(markup, IssueLog(markup))
    inside = "".join(t.text for t in tokenize(markup, framed.start, framed.end) if t.kind == "text")
    outside = re.sub("<[^<>]*>", "", unescape(markup[: framed.start] + "\n" + markup[framed.end :]))
    expected = Counter(re.findall(r"\w", _FENCE.sub("", inside + outside)))
    left_out = (issue.message for issue in reading.issues if issue.code in ("prose-outside", "head-text"))
    found = letters(reading.blocks, numbers=True) + Counter(re.findall(r"\w", unescape("".join(left_out))))
    assert expected <= found


_FENCE = re.compile("(?:```+|~~~+)[a-z]*")


@modest
@given(mutated())
def test_validator_documents_and_sanitiser_bear_it(markup: str) -> None:
    validate(markup)
    document, _ = read_document(markup)
    assert read_document(write(document)) == (document, ())
    clean = sanitise(markup)
    assert sanitise(clean) == clean


@modest
@given(documents(), st.randoms(use_true_random=False))
def test_no_letter_is_lost_with_a_tag(document: Document, random: Random) -> None:
    """Whichever end tags, marks and start tags of a written page are lost: its letters stay."""
    markup = "".join(write_page(page) for page in document.pages)
    pieces = re.findall(r"<[^<>]*>|[^<]+", markup)
    kept = [piece for piece in pieces if not (_MAY_GO.match(piece) and random.random() < 0.2)]
    expected = letters(block for page in document.pages for block in page.blocks)
    assert expected <= letters(read("".join(kept)).blocks, numbers=True)


# Not the tags that say "this is no text", or what the text in them means.
_MAY_GO = re.compile(r"</(?!style)|<(?:b|i|s|u|sub|sup|p|h[1-6]|li|ul|ol|td|th|tr|tbody|thead|table)\b")


def letters(blocks: Iterable[Block], *, numbers: bool = False) -> Counter[str]:
    """How often each letter and digit is there, wherever in the blocks. ``numbers``: those of items too."""
    found: Counter[str] = Counter()
    for block in blocks:
        texts = [run.text for run in block.runs] + [cell.text for cell in block.cells]
        if numbers and block.number is not None:  # "3. text" in an item that lost its list
            texts.append(str(block.number))
        found.update(re.findall(r"\w", "".join(texts)))
        found += letters(block.items, numbers=numbers)
    return found
