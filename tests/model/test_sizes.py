"""The size a model wants of a picture: equal to the reference, and had without torch."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as reference_smart_resize

from docparse.model.errors import ImageError
from docparse.model.image import picture_size, resized
from docparse.model.sizes import fitted, smart_resize


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((42, 70), (56, 56)),  # 1.5 and 2.5 both round to 2
        ((98, 126), (112, 112)),
        ((14, 14), (56, 56)),
        ((10, 500), (28, 420)),  # the short side rounds to nothing before it grows
        ((20000, 110), (19992, 112)),
        ((5000, 5000), (3556, 3556)),
        ((1, 200), (28, 812)),
        ((28, 5600), (28, 5600)),
    ],
)
def test_sizes_of_the_published_checkpoints(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert smart_resize(*size, min_pixels=3136, max_pixels=12_845_056) == expected


def test_size_of_the_cookbook_page() -> None:
    assert smart_resize(1532, 1014, min_pixels=512 * 28 * 28, max_pixels=2048 * 28 * 28) == (1540, 1008)


@pytest.mark.parametrize(("dpi", "tokens"), [(72, 630), (100, 1260), (144, 2580), (150, 2772), (200, 4956)])
def test_tokens_of_an_a4_page(dpi: int, tokens: int) -> None:
    height, width = smart_resize(
        round(297 / 25.4 * dpi), round(210 / 25.4 * dpi), min_pixels=3136, max_pixels=12_845_056
    )
    assert height * width == tokens * 28 * 28


def test_sizes_equal_the_reference() -> None:
    draw = random.Random(0)
    for _ in range(5000):
        height = draw.choice([draw.randint(1, 60), draw.randint(1, 6000)])
        width = draw.randint(max(1, -(-height // 200)), 200 * height if draw.random() < 0.5 else 4000 + height)
        if max(height, width) > 200 * min(height, width):
            continue
        low = draw.choice([3136, 1, 28 * 28, 512 * 28 * 28])
        high = low * draw.choice([1, 2, 40, 4096])
        factor = draw.choice([28, 32])
        ours = smart_resize(height, width, factor=factor, min_pixels=low, max_pixels=high)
        assert ours == reference_smart_resize(height, width, factor=factor, min_pixels=low, max_pixels=high)


def test_pictures_too_long_are_refused() -> None:
    assert smart_resize(2, 400, min_pixels=3136, max_pixels=10**6) == (28, 812)
    with pytest.raises(ImageError, match=r"401 x 2 pixels is too long .* Cut it into pieces"):
        smart_resize(2, 401, min_pixels=3136, max_pixels=10**6)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_empty_pictures_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="is empty"):
        smart_resize(*size, min_pixels=3136, max_pixels=10**6)
    with pytest.raises(ImageError, match="is empty"):
        fitted(Image.new("RGB", size), min_pixels=3136, max_pixels=10**6)


def test_a_fitted_picture_has_the_pixels_that_the_model_in_process_sees() -> None:
    import torch

    pixels = np.random.default_rng(3).integers(0, 256, (333, 471, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    fit = fitted(picture, min_pixels=3136, max_pixels=28 * 28 * 60)
    height, width = smart_resize(*picture_size(picture), min_pixels=3136, max_pixels=28 * 28 * 60)
    assert fit.size == (width, height)
    assert width * height <= 28 * 28 * 60
    assert np.array_equal(np.asarray(fit), resized(picture, height, width, device=torch.device("cpu")).numpy())
    # What has the right size is not touched again: a server that does the same sees the same.
    again = fitted(fit, min_pixels=3136, max_pixels=12_845_056)
    assert np.array_equal(np.asarray(again), np.asarray(fit))


def test_what_is_transparent_is_paper() -> None:
    fit = fitted(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), factor=32, min_pixels=1, max_pixels=10**6)
    assert fit.mode == "RGB"
    assert fit.getpixel((5, 5)) == (255, 255, 255)


def test_sizes_need_no_torch() -> None:
    code = "import sys; import docparse.model.sizes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
