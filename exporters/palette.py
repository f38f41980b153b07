"""Colours of the overlay. Kinds share the eight colours that Okabe and Ito chose so that people with
any colour vision can tell them apart; the label of a box says its kind as well."""

from __future__ import annotations

from docparse.document import Kind, Status

Rgb = tuple[int, int, int]

_BLUE, _SKY, _GREEN = (0, 114, 178), (86, 180, 233), (0, 158, 115)
_ORANGE, _VERMILION, _PURPLE = (230, 159, 0), (213, 94, 0), (204, 121, 167)
_BLACK, _GREY = (0, 0, 0), (110, 110, 110)

COLOURS: dict[Kind, Rgb] = {
    "heading": _VERMILION,
    "paragraph": _BLUE,
    "list": _SKY,
    "list_item": _SKY,
    "table": _GREEN,
    "image": _PURPLE,
    "chart": _PURPLE,
    "caption": _ORANGE,
    "footnote": _ORANGE,
    "formula": _BLACK,
    "music_sheet": _BLACK,
    "chemical_formula": _BLACK,
    "code": _BLACK,
    "header": _GREY,
    "footer": _GREY,
    "page_number": _GREY,
}
VERDICTS: dict[Status, Rgb] = {
    "ok": (26, 127, 55),
    "repaired": _BLUE,
    "partial": (160, 90, 0),
    "fallback": (160, 90, 0),
    "failed": (179, 38, 30),
}
WHITE: Rgb = (255, 255, 255)
INK: Rgb = (30, 30, 30)
UNKNOWN: Rgb = (150, 150, 150)


def heat(value: float | None) -> Rgb:
    """Red at 0, amber at 0.5, green at 1; grey where nothing is known."""
    if value is None:
        return UNKNOWN
    red, amber, green = (200, 30, 30), (235, 170, 0), (20, 150, 60)
    low, high, share = (red, amber, value * 2) if value < 0.5 else (amber, green, value * 2 - 1)
    return tuple(round(a + (b - a) * share) for a, b in zip(low, high, strict=True))  # type: ignore[return-value]


def on(colour: Rgb) -> Rgb:
    """Ink or white, whichever has more contrast on ``colour`` (the relative luminance of WCAG 2)."""
    red, green, blue = ((part / 255) ** 2.2 for part in colour)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.21 else WHITE
