"""Costs against the figures that were worked out by hand for one page (an A4 at 150 dpi: 1232 x 1764 pixels)."""

from __future__ import annotations

import dataclasses

import pytest

from docparse.model.costs import decode_bytes, prefill_flops, vision_flops
from docparse.model.published import PUBLISHED

PAGE = (1, 126, 88)
TOKENS = 2_832


@pytest.mark.parametrize(
    ("name", "tower", "full", "prefill", "weights"),
    [("3B", 16.8e12, 34.35e12, 16.9e12, 6.17e9), ("7B", 16.87e12, 34.4e12, 38.57e12, 14.14e9)],
)
def test_a_page(name: str, tower: float, full: float, prefill: float, weights: float) -> None:
    config = PUBLISHED[name]
    assert vision_flops(config, PAGE) == pytest.approx(tower, rel=0.003)
    assert vision_flops(config, PAGE, windows=False) == pytest.approx(full, rel=0.003)
    assert prefill_flops(config, TOKENS) == pytest.approx(prefill, rel=0.003)
    assert decode_bytes(config, 0) == pytest.approx(weights, rel=0.003)
    per_token = {"3B": 36_864, "7B": 57_344}[name]
    assert decode_bytes(config, 100, batch=3) - decode_bytes(config, 0) == 300 * per_token


def test_windows_at_the_edge_are_smaller() -> None:
    """9 x 9 patches are windows of 64, 8, 8 and 1; attention over them is their squares."""
    vision = dataclasses.replace(PUBLISHED["3B"].vision, depth=1, fullatt_block_indexes=())
    config = dataclasses.replace(PUBLISHED["3B"], vision=vision)
    whole = vision_flops(config, (1, 9, 9), windows=False)
    squares = 64**2 + 8**2 + 8**2 + 1
    assert whole - vision_flops(config, (1, 9, 9)) == 4 * vision.hidden_size * (81**2 - squares)
    assert vision_flops(config, (3, 9, 9)) == 3 * vision_flops(config, (1, 9, 9))
