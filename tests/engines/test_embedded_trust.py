"""Whether a text layer is believed: what it says, what is seen of it, and where it falls silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import PAGE, line_of, prose, segment

from docparse.engines.embedded import trust
from docparse.geometry import BBox
from docparse.textlayer import Line, Picture, TextLayer


def layer(*texts: str, visible: bool = True, unmapped: int = 0, pictures: tuple[Picture, ...] = ()) -> TextLayer:
    lines = tuple(line_of(segment(text, 50, 100 + 12 * i), visible=visible) for i, text in enumerate(texts))
    return TextLayer(lines, pictures=pictures, unmapped=unmapped)


def photo(*box: float, size: int = 1000) -> Picture:
    return Picture(BBox.of(*box), size, size)


@pytest.mark.parametrize(
    ("found", "has"),
    [
        (layer("some text"), True),
        (layer(), False),
        (layer("some text", visible=False), False),
        (layer("a" * 92, unmapped=8), True),
        (layer("a" * 90, unmapped=10), False),
    ],
    ids=["text", "nothing", "text that is not shown", "a few glyphs without meaning", "many glyphs without meaning"],
)
def test_a_layer_has_text_where_it_is_shown_and_means_something(found: TextLayer, has: bool) -> None:
    assert trust.has_text(found) is has


@pytest.mark.parametrize(
    "texts",
    [
        ("A plain sentence of a letter",),
        ("1,234.56 19% 2024-01-31 (42) $7.00",),
        ("第一章 总则 说明",),
        ("Съешь же ещё этих мягких булок",),
        ("BBC NHS EU UK",),
        ("INV2024 A4 4711",),
        ("#",),
        ("• • • • a list of it",),
    ],
    ids=["words", "numbers", "Chinese", "Russian", "short initials", "codes", "too little to say", "bullets and words"],
)
def test_layers_that_read_like_a_language(texts: tuple[str, ...]) -> None:
    assert not trust.suspicious(layer(*texts))


@pytest.mark.parametrize(
    "texts",
    [
        ("Xkjfh qrtpl zzvbn wrtkl",),
        ("3#x!! %%&/( =?)=( ##'+*",),
        ("... ,,, ;;; ::: !!! ???",),
        ("§$%& ]]{{ <<>> ||~~",),
    ],
    ids=["no vowels", "signs among letters", "stops only", "signs only"],
)
def test_layers_that_read_like_none(texts: tuple[str, ...]) -> None:
    assert trust.suspicious(layer(*texts))


def test_text_that_is_not_shown_has_no_say() -> None:
    shown, hidden = layer("A plain sentence"), layer("Xkjfh qrtpl zzvbn wrtkl xcvbn mnbvc", visible=False)
    assert not trust.suspicious(TextLayer(shown.lines + hidden.lines))


@pytest.mark.parametrize(
    ("pictures", "texts", "stamped"),
    [
        ((photo(0, 0, 600, 800),), ("RECEIVED 12 March",), True),
        ((photo(0, 0, 600, 400), photo(0, 400, 600, 800)), ("RECEIVED",), True),
        ((photo(-100, -100, 700, 900),), ("RECEIVED",), True),
        ((photo(0, 0, 600, 300),), ("RECEIVED",), False),
        ((), ("RECEIVED",), False),
        ((photo(0, 0, 600, 800),), ("a page of text over its background " * 3,) * 6, False),
    ],
    ids=[
        "a scan with a stamp",
        "a scan in strips",
        "a scan larger than its page",
        "a picture on a page",
        "no picture",
        "text on a background",
    ],
)
def test_a_scan_with_a_few_words_on_it(pictures: tuple[Picture, ...], texts: tuple[str, ...], stamped: bool) -> None:
    assert trust.is_stamped_scan(layer(*texts, pictures=pictures), PAGE) is stamped


@pytest.mark.parametrize(
    ("picture", "found"),
    [
        (photo(50, 300, 550, 600), [BBox(50, 300, 550, 600)]),
        (photo(50, 300, 150, 400), []),
        (photo(50, 300, 550, 600, size=100), []),
        (photo(40, 80, 560, 400), []),
        (photo(300, 500, 700, 900), [BBox(300, 500, 600, 800)]),
    ],
    ids=[
        "a large picture",
        "a small one",
        "one of few pixels",
        "one with the text on it",
        "one that runs off the page",
    ],
)
def test_pictures_that_are_looked_at_for_text(picture: Picture, found: list[BBox]) -> None:
    text = tuple(line_of(s) for s in prose(50, 100, 5, 400))
    assert trust.insets(TextLayer(text, pictures=(picture,)), PAGE) == found


def test_a_word_or_two_on_a_picture_do_not_keep_it_from_being_read() -> None:
    page = TextLayer((line_of(segment("Plan of it", 100, 400)),), pictures=(photo(50, 300, 550, 600),))
    assert len(trust.insets(page, PAGE)) == 1
    more: tuple[Line, ...] = tuple(replace(page.lines[0]) for _ in range(3))
    assert trust.insets(replace(page, lines=more), PAGE) == []
