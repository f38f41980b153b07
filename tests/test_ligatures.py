"""Ligatures that a writer mapped to their last letter come back; nothing else is touched."""

from __future__ import annotations

import pytest
from making import page_pdf, stream

from docparse.source import open_source
from docparse.textlayer import TextLayer

PLAIN = (
    "The study was made over the course of two years in nine towns on the coast. All who took part were asked about "
    "their homes, their work, their health and their habits, once in the summer and once in the winter."
)
ENGLISH = (PLAIN, PLAIN, PLAIN)
"""Enough of one font that it would have shown a ligature, had it any."""


def page(*lines: str, operators: str = "", size: int = 10) -> TextLayer:
    """Lines in a font that draws fi and fl for the bytes 1 and 2, and says that they are "i" and "l"."""
    letters = {c: c for line in lines for c in line if c.isascii() and c.isprintable()} | {"\1": "i", "\2": "l"}
    rows = b"".join(b"<%02x> <%04x> " % (ord(code), ord(said)) for code, said in letters.items())
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def"
        b" 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar %s endbfchar endcmap end end"
    )
    font = (
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 7 0 R /Encoding"
        b" << /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >> >>"
    )
    drawn = "".join(f"({line}) Tj 0 {-2 * size} Td " for line in lines)
    body = f"BT /F1 {size} Tf {operators} 20 460 Td {drawn} ET".encode("latin-1")
    made = page_pdf(
        body,
        media=b"[0 0 1600 500]",
        resources=b"/Font << /F1 6 0 R >>",
        more=[font, stream(cmap % (len(letters), rows))],
    )
    with open_source(made, renderer="pymupdf") as source:
        found = source.page(1).text
    assert found is not None
    return found


def words(layer: TextLayer) -> list[str]:
    return [word.text for word in layer.words()]


def test_letters_lost_to_a_ligature_come_back() -> None:
    layer = page(*ENGLISH, "It is de\1ned as the speci\1c \2ow of the \1eld.")
    assert words(layer)[-10:] == ["It", "is", "defined", "as", "the", "specific", "flow", "of", "the", "field."]
    assert layer.ligatures == 4
    assert all("".join(text for text, _ in word.parts) == word.text for word in layer.words())


@pytest.mark.parametrize(
    ("lines", "operators"),
    [
        pytest.param((*ENGLISH, "first in the list"), "", id="no ligature was drawn"),
        pytest.param((*ENGLISH, "It is the study"), "0.8 Tc", id="all letters stand wide apart"),
        pytest.param(("de\1ned", "in the list"), "", id="too few letters to know the font by"),
        pytest.param((*ENGLISH, "firm, de\1ned"), "", id="the font shows the letters elsewhere"),
        pytest.param((*ENGLISH, "iiiiii llllll"), "", id="many narrow letters"),
    ],
)
def test_what_has_lost_nothing_stays(lines: tuple[str, ...], operators: str) -> None:
    layer = page(*lines, operators=operators)
    assert layer.ligatures == 0
    said = " ".join(lines).replace("\1", "i").replace("\2", "l").split()
    assert words(layer) == said


def test_a_line_set_wide_is_left_alone_beside_one_that_is_mended() -> None:
    layer = page(*ENGLISH, "it is de\1ned) Tj 0 -20 Td 0.8 Tc (It is little, still it is.")
    assert words(layer)[-8:] == ["is", "defined", "It", "is", "little,", "still", "it", "is."]
    assert layer.ligatures == 1
