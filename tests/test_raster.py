"""Pages as pixels: the right resolution, and every box where its ink is, however the page is turned."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np
import pymupdf
import pytest
from making import HELVETICA, Box, encoded, nothing, page_pdf, pdf, picture, raw_pdf, scan, stream, text, together
from PIL import Image, ImageOps

from docparse.geometry import BBox
from docparse.limits import Limits
from docparse.raster import PageImage
from docparse.source import open_source

ROTATIONS = (0, 90, 180, 270)
CROPS: tuple[Box | None, ...] = (None, (40, 70, 360, 540))
KNOWN: Box = (100, 135, 161, 155)
"""About where the ink of "Known" is, when written at (100, 150) with 20 points."""


def ink(image: Image.Image, within: BBox | None = None) -> BBox:
    """The box around the dark pixels, of all the page or of a part of it."""
    dark = np.asarray(image.convert("L")) < 128
    if within is not None:
        x1, y1, x2, y2 = (int(v) for v in within.rounded().as_tuple())
        mask = np.zeros_like(dark)
        mask[max(y1, 0) : y2, max(x1, 0) : x2] = True
        dark &= mask
    ys, xs = np.nonzero(dark)
    assert len(xs), "there is no ink"
    return BBox(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


def words(page: PageImage) -> list[str]:
    assert page.text is not None
    return [w.text for w in page.text.words()]


needs_poppler = pytest.mark.skipif(
    shutil.which("pdftoppm") is None and not os.environ.get("CI"),
    reason="poppler-utils (pdftoppm) is not installed; the second renderer cannot be tried here",
)

# Boxes are where the ink is


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("crop", CROPS, ids=["whole", "cropped"])
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_word_is_where_its_ink_is(rotation: int, crop: Box | None, isolate: bool) -> None:
    data = pdf(text("Known"), rotation=rotation, crop=crop)
    with open_source(data, isolate=isolate) as source:
        page = source.page(1)
        assert page.rotation == rotation
        assert page.size_pt == ((400, 600) if crop is None else (320, 470))
        box = page.text.words()[0].box  # type: ignore[union-attr]
        seen = ink(page.pixels())
        assert box.grown(1).covers(seen)
        assert seen.area > 0.35 * box.area  # not merely a large box
        # In points of the unrotated page it is where it was written, whatever the page looks like.
        left, top = (0, 0) if crop is None else crop[:2]
        points = page.space.to_points(seen)
        assert BBox(*KNOWN).moved(-left, -top).grown(1).covers(points)
        assert page.space.to_points(box).iou(BBox(*KNOWN).moved(-left, -top)) > 0.6


@pytest.mark.parametrize("crop", CROPS, ids=["whole", "cropped"])
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_rules_rectangles_and_pictures_are_where_their_ink_is(rotation: int, crop: Box | None) -> None:
    def draw(page: Any) -> None:
        page.draw_rect((60, 200, 150, 240), color=None, fill=(0, 0, 0))
        page.draw_line((60, 300), (340, 300), width=2)
        page.insert_image((200, 400, 300, 450), stream=encoded(Image.new("L", (20, 10), 0)), keep_proportion=False)

    left, top = (0, 0) if crop is None else crop[:2]
    with open_source(pdf(draw, rotation=rotation, crop=crop)) as source:
        page = source.page(1)
        layer = page.text
        assert layer is not None
        rule = next(s for s in layer.shapes if s.kind == "rule")
        rect = next(s for s in layer.shapes if s.kind == "rect")
        for box, place in (
            (rule.box, (60, 300, 340, 300)),
            (rect.box, (60, 200, 150, 240)),
            (layer.pictures[0].box, (200, 400, 300, 450)),
        ):
            points = page.space.to_points(box)
            wanted = BBox(*place).moved(-left, -top)
            assert points.as_tuple() == pytest.approx(wanted.as_tuple(), abs=0.6)
            seen = ink(page.pixels(), box.grown(3))
            assert seen.as_tuple() == pytest.approx(box.as_tuple(), abs=3)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_text_that_is_written_to_read_upright_on_a_turned_page(rotation: int) -> None:
    """As scanners and landscape tables have it: /Rotate 90, and the text turned the other way."""

    def draw(page: Any) -> None:
        # ``rotate`` is counter-clockwise, and so against /Rotate.
        page.insert_text((200, 300), "Upright", fontsize=20, rotate=rotation)

    with open_source(pdf(draw, rotation=rotation)) as source:
        page = source.page(1)
        line = page.text.lines[0]  # type: ignore[union-attr]
        assert (line.angle, line.text) == (0, "Upright")
        seen = ink(page.pixels())
        assert line.box.grown(1).covers(seen)
        assert seen.width > 2 * seen.height
        assert abs(line.baseline - seen.y2) < 0.35 * seen.height  # "p" and "g" reach below it


@pytest.mark.parametrize("angle", ROTATIONS)
def test_the_angle_of_text_is_clockwise_as_shown(angle: int) -> None:
    with open_source(pdf(text("Turned", (200, 300), rotate=(360 - angle) % 360))) as source:
        page = source.page(1)
        line = page.text.lines[0]  # type: ignore[union-attr]
        assert line.angle == angle
        assert line.box.grown(1.5).covers(ink(page.pixels()))


def test_a_media_box_that_does_not_start_at_the_origin() -> None:
    data = page_pdf(b"BT /F1 20 Tf 0 150 Td (Known) Tj ET", media=b"[-100 -300 300 300]")
    with open_source(data) as source:
        page = source.page(1)
        box = page.text.words()[0].box  # type: ignore[union-attr]
        assert box.grown(1).covers(ink(page.pixels()))
        assert page.space.to_points(box).iou(BBox(*KNOWN)) > 0.6


@pytest.mark.parametrize(("entry", "rotation"), [(b"-90", 270), (b"450", 90), (b"360", 0)])
def test_odd_values_of_rotate(entry: bytes, rotation: int) -> None:
    data = page_pdf(b"BT /F1 20 Tf 100 450 Td (Known) Tj ET", page=b"/Rotate " + entry)
    with open_source(data) as source:
        page = source.page(1)
        assert page.rotation == rotation
        box = page.text.words()[0].box  # type: ignore[union-attr]
        assert box.grown(1).covers(ink(page.pixels()))
        assert page.space.to_points(box).iou(BBox(*KNOWN)) > 0.6


def test_a_rotation_by_an_angle_that_is_none_still_keeps_boxes_and_ink_together() -> None:
    with open_source(page_pdf(b"BT /F1 20 Tf 100 450 Td (Known) Tj ET", page=b"/Rotate 45")) as source:
        page = source.page(1)
        assert page.text.words()[0].box.grown(1).covers(ink(page.pixels()))  # type: ignore[union-attr]


def test_the_word_at_the_end_of_a_sloping_line_is_where_its_ink_is() -> None:
    """OCR programs write the lines of a skewed scan at its slope: here 2 degrees."""

    def draw(page: Any) -> None:
        start = pymupdf.Point(30, 100)
        page.insert_text(start, "one two three four five six seven", fontsize=20, morph=(start, pymupdf.Matrix(-2)))

    with open_source(pdf(draw)) as source:
        page = source.page(1)
        found = page.text.words()  # type: ignore[union-attr]
        assert [w.text for w in found][-1] == "seven"
        for word in found:
            seen = ink(page.pixels(), BBox(word.box.x1 + 2, 0, word.box.x2 - 2, page.height))
            assert word.box.grown(4).covers(seen), word.text


# Resolution


def size_of(data: bytes, **how: Any) -> tuple[int, int, float]:
    with open_source(data, **how) as source:
        page = source.page(1)
        assert page.pixels().size == (page.width, page.height)
        return page.width, page.height, page.dpi


def test_a_born_digital_page_has_144_dpi() -> None:
    assert size_of(pdf(text("Body text of an ordinary size", size=11))) == (800, 1200, 144)


def test_small_print_raises_the_resolution_up_to_300() -> None:
    assert size_of(pdf(text("Small print " * 9, (10, 99), size=8)))[2] == 180
    assert size_of(pdf(text("Tiny print " * 9, (10, 99), size=2)))[2] == 300


def test_a_footnote_alone_does_not_raise_it() -> None:
    draw = together(text("Body text " * 30, (10, 99), size=10), text("note", (10, 300), size=4))
    assert size_of(pdf(draw))[2] == 144


def test_the_resolution_can_be_fixed_and_the_budget_still_holds() -> None:
    assert size_of(pdf(text("x", size=4)), dpi=72) == (400, 600, 72)
    assert size_of(pdf(nothing), dpi=300)[:2] == (1667, 2500)
    width, height, dpi = size_of(pdf(nothing), dpi=600, limits=Limits(page_pixels=600_000))
    assert 590_000 < width * height <= 602_000
    assert dpi == pytest.approx(width * 72 / 400, rel=0.01)


@pytest.mark.parametrize(
    "media",
    [
        b"[0 0 14400 14400]",
        b"[0 0 1000000000 1000000000]",
        b"[0 0 1000000000 1]",
        b"[0 0 1 1000000000]",
        b"[0 0 9 1e30]",
    ],
)
def test_a_huge_page_is_scaled_down_to_the_budget(media: bytes) -> None:
    width, height, _ = size_of(
        page_pdf(b"0 0 1 rg 0 0 99999 99999 re f", media=media), limits=Limits(page_pixels=10**6)
    )
    assert width * height <= 1.01e6


@pytest.mark.parametrize(
    "media", [b"[0 0 0 0]", b"[0 0 0.01 0.01]", b"[0 0 nan /x]", b"[400 600 0 0]", b"[]", b"null", b"[0 0 10 10]"]
)
def test_a_page_of_no_sensible_size_is_still_a_page(media: bytes) -> None:
    width, height, _ = size_of(page_pdf(b"0 0 10 10 re f", media=media))
    assert width >= 1
    assert height >= 1


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_scan_is_read_at_its_own_pixels(rotation: int) -> None:
    """A4 at 200 dpi: 1654 x 2339, whichever way the page is turned."""
    image = picture((1654, 2339), (300, 200, 420, 230), "L")
    with open_source(pdf(scan(image), size=(595.44, 842.04), rotation=rotation)) as source:
        page = source.page(1)
        shown = image.rotate(-rotation, expand=True)
        assert (page.width, page.height) == shown.size
        difference = np.abs(np.asarray(page.pixels().convert("L"), dtype=int) - np.asarray(shown, dtype=int))
        assert (difference > 64).mean() < 1e-4  # pixel by pixel, but for the edges


@pytest.mark.parametrize("rotate", [90, 270])
def test_a_scan_that_lies_on_its_side_in_the_page_is_read_at_its_own_pixels(rotate: int) -> None:
    assert size_of(pdf(scan(picture((800, 1200)), rotate=rotate), size=(600, 400)))[:2] == (1200, 800)


def test_a_cropped_scan_keeps_its_resolution() -> None:
    width, height, dpi = size_of(pdf(scan(picture((1000, 1500), (500, 700, 600, 750))), crop=(100, 150, 300, 450)))
    assert (width, height) == (500, 750)
    assert dpi == pytest.approx(180)


def test_a_fax_is_read_at_the_finer_of_its_two_resolutions() -> None:
    assert size_of(pdf(scan(picture((1000, 750)))))[:2] == (1000, 1500)


def test_the_finest_layer_of_a_scan_counts() -> None:
    """Compressed scans lay sharp letters over a coarse background."""
    letters = Image.new("LA", (1600, 2400), (0, 0))
    letters.paste((0, 255), (300, 300, 400, 340))
    assert size_of(pdf(together(scan(picture((400, 600))), scan(letters))))[:2] == (1600, 2400)


def test_a_scan_finer_than_the_budget_is_scaled_down() -> None:
    width, height, _ = size_of(pdf(scan(picture((2000, 3000)))), limits=Limits(page_pixels=1_500_000))
    assert (width, height) == (1000, 1500)


def test_hidden_text_under_a_scan_does_not_hide_that_it_is_one() -> None:
    draw = together(scan(picture((1000, 1500), (250, 340, 400, 390))), text("Known", render_mode=3))
    assert size_of(pdf(draw))[:2] == (1000, 1500)


def test_a_stamp_on_a_scan_does_not_either() -> None:
    assert size_of(pdf(together(scan(picture((1000, 1500))), text("PAID", (10, 20), size=12))))[:2] == (1000, 1500)


def test_a_page_of_text_on_a_background_picture_is_born_digital() -> None:
    body = [text("Body text of an ordinary size and length " * 2, (10, 20 + 15 * n), size=11) for n in range(20)]
    assert size_of(pdf(together(scan(picture((1000, 1500))), *body)))[2] == 144


def test_a_page_with_a_photo_in_it_is_born_digital() -> None:
    draw = together(scan(picture((3000, 2000)), (50, 50, 350, 250)), text("Caption"))
    assert size_of(pdf(draw))[2] == 144


# Pictures


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("value", range(1, 9))
def test_exif_orientation(value: int, kind: str) -> None:
    raw = picture((120, 80), (8, 8, 40, 24))
    how: dict[str, Any] = {"tiffinfo": {0x0112: value}} if kind == "TIFF" else {"exif": orientation(value)}
    upright = raw.copy()
    upright.getexif()[0x0112] = value
    upright = ImageOps.exif_transpose(upright)
    with open_source(encoded(raw, kind, **how)) as source:
        for _ in range(2):  # looking at a page changes nothing
            page = source.page(1)
            assert (page.width, page.height) == upright.size
            seen = ink(page.pixels())
            assert seen.as_tuple() == pytest.approx(ink(upright).as_tuple(), abs=1)
            page.release()
        if value in (1, 3, 6, 8):  # the others are mirrored: no rotation leads back
            assert page.size_pt == (120, 80)
            assert page.space.to_points(seen).as_tuple() == pytest.approx((8, 8, 40, 24), abs=1)
        else:
            assert page.rotation == 0


def test_points_of_a_picture_follow_its_resolution() -> None:
    with open_source(encoded(picture((600, 300), (100, 100, 200, 150)), dpi=(300, 300))) as source:
        page = source.page(1)
        assert page.dpi == pytest.approx(300, abs=0.1)
        assert page.size_pt == pytest.approx((144, 72), rel=1e-3)
        assert page.space.to_points(ink(page.pixels())).as_tuple() == pytest.approx((24, 24, 48, 36), rel=1e-3)


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1), (99999, 99999)])
def test_a_resolution_that_nobody_meant_is_none(dpi: tuple[int, int]) -> None:
    with open_source(encoded(picture(), dpi=dpi)) as source:
        assert source.page(1).dpi == 72


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
def test_every_mode_becomes_black_on_white(mode: str) -> None:
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(picture(mode="L"))
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray(grey.astype(kind) * kind({"I;16": 257, "I": 257, "F": 1 / 255}[mode]))
    else:
        image = picture(mode=mode)
    kinds = {"F": ["TIFF"], "I": ["TIFF"], "CMYK": ["TIFF", "JPEG"]}.get(mode, ["PNG", "TIFF"])
    for kind in kinds:
        with open_source(encoded(image, kind)) as source:
            pixels = source.page(1).pixels()
        assert pixels.mode == "RGB"
        assert max(pixels.getpixel((10, 8))) < 20, (mode, kind)
        assert min(pixels.getpixel((50, 30))) > 235, (mode, kind)


def test_twelve_bits_in_sixteen_are_not_read_as_black() -> None:
    values = (np.asarray(picture().convert("L")).astype(np.uint16) * 16).clip(0, 4095)
    with open_source(encoded(Image.fromarray(values))) as source:
        pixels = source.page(1).pixels()
    assert min(pixels.getpixel((50, 30))) > 235
    assert max(pixels.getpixel((10, 8))) < 20


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_white(kind: str) -> None:
    image = Image.new("RGBA", (40, 30), (0, 0, 0, 0))  # black beneath, as most programs leave it
    image.paste((0, 0, 0, 255), (5, 5, 15, 15))
    image.paste((255, 0, 0, 128), (20, 5, 30, 15))
    how = {"lossless": True} if kind == "WEBP" else {}
    with open_source(encoded(image, kind, **how)) as source:
        pixels = source.page(1).pixels()
    assert pixels.getpixel((35, 25)) == (255, 255, 255)
    assert pixels.getpixel((10, 10)) == (0, 0, 0)
    assert pixels.getpixel((25, 10)) == pytest.approx((255, 127, 127), abs=2)


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    image = Image.new("P", (40, 30), 0)
    image.putpalette([10, 20, 30, 0, 0, 0])
    image.paste(1, (5, 5, 15, 15))
    with open_source(encoded(image, transparency=0)) as source:
        pixels = source.page(1).pixels()
    assert pixels.getpixel((35, 25)) == (255, 255, 255)
    assert pixels.getpixel((10, 10)) == (0, 0, 0)


def marked(mode: str, size: tuple[int, int]) -> Image.Image:
    """Paper with four marks, one in each corner, so that every strip of it can go wrong."""
    width, height = size
    image = Image.new("L", size, 255)
    for x, y in ((0.1, 0.1), (0.8, 0.1), (0.1, 0.8), (0.8, 0.8)):
        image.paste(0, (int(x * width), int(y * height), int((x + 0.1) * width), int((y + 0.1) * height)))
    if mode == "I;16":
        return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    return image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("1", "TIFF"), ("P", "PNG"), ("I;16", "TIFF")]
)
@pytest.mark.parametrize("size", [(1230, 1777), (2111, 940)])
def test_a_large_picture_is_scaled_down_and_stays_itself(
    mode: str, kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In strips, as pictures beyond the band are; the seams must not show."""
    image = marked(mode, size)
    data = encoded(image, kind)
    budget = size[0] * size[1] // 23
    pages = []
    for band in (16_000_000, 100_000):
        monkeypatch.setattr("docparse.picture_reader._BAND", band)
        with open_source(data, limits=Limits(page_pixels=budget)) as source:
            page = source.page(1)
            assert 0.98 * budget < page.width * page.height < 1.02 * budget
            pages.append(np.asarray(page.pixels().convert("L"), dtype=int))
            assert page.space.to_relative(ink(page.pixels())).as_tuple() == pytest.approx((100, 100, 900, 900), abs=4)
    assert np.abs(pages[0] - pages[1]).mean() < 2


@pytest.mark.parametrize("value", [3, 6, 8])
def test_a_large_photo_is_scaled_down_upright(value: int) -> None:
    image = picture((1600, 1200), (200, 100, 600, 300))
    with open_source(encoded(image, "JPEG", exif=orientation(value)), limits=Limits(page_pixels=120_000)) as source:
        page = source.page(1)
        assert sorted((page.width, page.height)) == [300, 400]
        assert page.space.to_points(ink(page.pixels())).as_tuple() == pytest.approx((200, 100, 600, 300), abs=6)


def test_a_thread_of_a_picture_stays_within_the_budget() -> None:
    assert size_of(encoded(Image.new("L", (50_000, 1), 255)), limits=Limits(page_pixels=2000))[:2] == (2000, 1)


# The second renderer


@needs_poppler
@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("crop", CROPS, ids=["whole", "cropped"])
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_both_renderers_draw_the_same_page(rotation: int, crop: Box | None, isolate: bool) -> None:
    data = pdf(together(text("Known"), text("Again", (200, 400))), rotation=rotation, crop=crop)
    drawn = []
    for renderer in ("pymupdf", "pdf2image"):
        with open_source(data, renderer=renderer, dpi=100, isolate=isolate) as source:  # type: ignore[arg-type]
            page = source.page(1)
            assert source.renderer == renderer
            drawn.append((page.width, page.height, page.rotation, page.size_pt, ink(page.pixels()).as_tuple()))
    assert drawn[0][:4] == drawn[1][:4]
    assert drawn[0][4] == pytest.approx(drawn[1][4], abs=2)


@needs_poppler
def test_the_second_renderer_asks_for_the_password_as_well() -> None:
    from docparse.errors import EncryptedSource

    data = pdf(text("Known"), password="abc")
    with pytest.raises(EncryptedSource, match="protected by a password"):
        open_source(data, renderer="pdf2image")
    with pytest.raises(EncryptedSource, match="does not open"):
        open_source(data, renderer="pdf2image", password="wrong")
    with open_source(data, renderer="pdf2image", password="abc") as source:
        ink(source.page(1).pixels())


@needs_poppler
def test_a_file_named_like_an_option_is_a_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-upw.pdf").write_bytes(pdf(text("Known")))
    monkeypatch.chdir(tmp_path)
    with open_source("-upw.pdf", renderer="pdf2image") as source:
        ink(source.page(1).pixels())


@needs_poppler
@pytest.mark.parametrize("isolate", [False, True])
def test_the_second_renderer_steps_in_where_the_first_finds_no_page(isolate: bool) -> None:
    """A page tree that has itself among its pages: MuPDF gives up, poppler finds the page there is."""
    tree = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 4 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        stream(b"BT /F1 20 Tf 100 450 Td (Known) Tj ET"),
        HELVETICA,
    ]
    with open_source(raw_pdf(tree), isolate=isolate) as source:
        page = source.page(1)
        assert page.text is None
        assert ink(page.pixels()).iou(BBox(*KNOWN).scaled(2)) > 0.5
        assert source.renderer == "pymupdf+pdf2image"


@needs_poppler
def test_the_second_renderer_steps_in_where_the_first_cannot_open(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pdf(text("Known"), rotation=90)
    monkeypatch.setattr(pymupdf, "open", _broken)
    with open_source(data) as source:
        assert source.renderer == "pdf2image"
        page = source.page(1)
        assert page.space.to_points(ink(page.pixels())).iou(BBox(*KNOWN)) > 0.5


@needs_poppler
def test_the_second_renderer_steps_in_for_a_page_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_source(pdf(text("Known"))) as source:
        page = source.page(1)
        monkeypatch.setattr(pymupdf.Page, "get_pixmap", _broken)
        assert page.text is not None
        assert page.text.words()[0].box.grown(2).covers(ink(page.pixels()))
        assert source.renderer == "pymupdf+pdf2image"


def _broken(*_: Any, **__: Any) -> None:
    raise pymupdf.mupdf.FzErrorFormat("no such luck")


def test_without_a_second_renderer_the_first_one_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse.errors import CorruptSource, EngineUnavailable

    monkeypatch.setenv("PATH", "")
    with open_source(pdf(text("Known"))) as source:
        monkeypatch.setattr(pymupdf.Page, "get_pixmap", _broken)
        with pytest.raises(CorruptSource, match=r"page 1: the page cannot be drawn \(no such luck\)"):
            source.page(1).pixels()
    with pytest.raises(EngineUnavailable, match="needs poppler") as caught:
        open_source(pdf(nothing), renderer="pdf2image")
    assert "poppler-utils" in str(caught.value)
