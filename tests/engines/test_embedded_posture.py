"""How a scanned page lies: quarters and degrees told and undone, and boxes led home."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import text_page
from making import text
from PIL import Image, ImageDraw

from docparse.engines.embedded.posture import MIN_SKEW, Posture, skew
from docparse.geometry import BBox, Rotation

SIZE = (600, 400)
MARK = (100, 60, 160, 90)
"""The one black box on the page, near its top left corner."""
TURNS: tuple[Rotation, ...] = (0, 90, 180, 270)


def upright_page() -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(image).rectangle((MARK[0], MARK[1], MARK[2] - 1, MARK[3] - 1), fill="black")
    return image


def ink(image: Image.Image) -> BBox:
    ys, xs = np.nonzero(np.asarray(image.convert("L")) < 128)
    return BBox(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


def laid(turn: Rotation = 0, slope: float = 0.0) -> Image.Image:
    """The page as a scanner sees it, turned and skewed clockwise."""
    image = upright_page().rotate(-slope, resample=Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
    moves = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    return image.transpose(moves[turn]) if turn else image


@pytest.mark.parametrize("slope", [0.0, 2.0, -3.0])
@pytest.mark.parametrize("turn", TURNS)
def test_a_page_is_put_upright_and_its_boxes_are_led_home(turn: Rotation, slope: float) -> None:
    scan = laid(turn, slope)
    posture = Posture(*scan.size, turn=turn, slope=slope)
    upright = posture.upright(scan)
    assert upright.size == posture.upright_size == SIZE
    assert ink(upright).iou(BBox(*MARK)) > 0.9
    home = posture.back()(ink(upright))
    assert home.iou(ink(scan)) > (0.99 if not slope else 0.85)
    assert home.grown(1).covers(ink(scan))


def test_a_page_that_lies_straight_is_left_as_it_is() -> None:
    page = upright_page()
    posture = Posture(*page.size, slope=MIN_SKEW / 2)
    assert posture.slope == 0
    assert posture.upright(page) is page
    assert posture.back()(BBox(*MARK)) == BBox(*MARK)


def test_boxes_never_leave_the_page() -> None:
    posture = Posture(600, 400, slope=5)
    assert BBox(0, 0, 600, 400).covers(posture.back()(BBox(0, 0, 600, 30)))


def test_what_a_skewed_page_gains_at_its_corners_is_paper() -> None:
    grey = Image.new("RGB", SIZE, (200, 190, 180))
    assert Posture(*SIZE, slope=4).upright(grey).getpixel((1, 1)) == (200, 190, 180)


# Telling the skew


def lines_of_text(degrees: float) -> Image.Image:
    words = "The committee met again in spring and agreed on what had been left open"
    page = text_page(*[text(words, (60, 80 + 15 * i), 11) for i in range(40)], size=(500, 760), dpi=100)
    return page.rotate(-degrees, resample=Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))


@pytest.mark.parametrize("degrees", [0.0, 0.4, 2.0, -2.0, 5.0])
def test_the_slope_of_lines_of_text(degrees: float) -> None:
    assert skew(lines_of_text(degrees)) == pytest.approx(degrees, abs=0.11)


def test_light_text_on_dark_ground_slopes_as_much() -> None:
    image = lines_of_text(2.0)
    assert skew(Image.eval(image, lambda v: 255 - v)) == pytest.approx(2.0, abs=0.11)


def test_a_page_without_lines_of_text_has_no_slope() -> None:
    assert skew(Image.new("RGB", (600, 800), "white")) == 0
    assert skew(upright_page().resize((60, 40))) == 0
    noise = np.random.default_rng(7).integers(0, 256, (600, 600), dtype=np.uint8)
    assert skew(Image.fromarray(noise).convert("RGB")) == 0
