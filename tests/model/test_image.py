"""Pictures to patches, and the resize on a device: both equal to their references bit for bit."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import Qwen2VLImageProcessorPil

from docparse.model import image as image_module
from docparse.model.config import ImageConfig
from docparse.model.errors import ImageError
from docparse.model.image import normalised, patches_to_image, preprocess_image
from docparse.model.resize import resize_bicubic

PUBLISHED = ImageConfig(min_pixels=3136, max_pixels=12_845_056)
SMALL = ImageConfig(min_pixels=3136, max_pixels=28 * 28 * 30)
"""Few tokens, so that most pictures shrink and tests are quick."""


def noise(height: int, width: int, *, seed: int = 0, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def reference(picture: Image.Image, config: ImageConfig) -> tuple[torch.Tensor, list[int]]:
    processor = Qwen2VLImageProcessorPil(min_pixels=config.min_pixels, max_pixels=config.max_pixels)
    found = processor(picture, return_tensors="pt")
    return found["pixel_values"], found["image_grid_thw"][0].tolist()


# ------------------------------------------------------------------------------------ patches of a picture


@pytest.mark.parametrize(
    "size",
    [
        (56, 56),
        (42, 70),
        (100, 100),
        (133, 307),
        (307, 133),
        (640, 480),
        (10, 500),
        (500, 10),
        (3, 600),
        (1, 200),
        (1, 1),
    ],
)
@pytest.mark.parametrize("config", [SMALL, PUBLISHED], ids=["small", "published"])
def test_patches_equal_the_reference(size: tuple[int, int], config: ImageConfig) -> None:
    picture = Image.fromarray(noise(*size))
    patches, grid = preprocess_image(picture, config=config)
    expected, expected_grid = reference(picture, config)
    assert patches.dtype == torch.float32
    assert patches.is_contiguous()
    assert list(grid) == expected_grid
    assert patches.shape == (grid[1] * grid[2], 1176)
    assert torch.equal(patches, expected)


def test_patches_are_float32_whatever_torch_prefers() -> None:
    picture = Image.fromarray(noise(60, 60))
    expected, _ = preprocess_image(picture, config=SMALL)
    torch.set_default_dtype(torch.float64)
    try:
        patches, _ = preprocess_image(picture, config=SMALL)
    finally:
        torch.set_default_dtype(torch.float32)
    assert patches.dtype == torch.float32
    assert torch.equal(patches, expected)


def test_bands_join_without_a_seam() -> None:
    """A page is normalised in several pieces; the last one is smaller."""
    picture = Image.fromarray(noise(1100, 780))
    patches, grid = preprocess_image(picture, config=PUBLISHED)
    assert grid == (1, 78, 56)
    pieces = patches.numel() / 2 / image_module._CHUNK
    assert pieces > 3
    assert pieces % 1
    expected, _ = reference(picture, PUBLISHED)
    assert torch.equal(patches, expected)


def test_all_256_values_equal_the_reference() -> None:
    """Where nothing is resized, every value of every channel comes out as the reference rounds it."""
    values = np.arange(3 * 56 * 56, dtype=np.uint32).reshape(3, 56, 56).transpose(1, 2, 0).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(values))
    patches, _ = preprocess_image(picture, config=SMALL)
    assert [len(patches.view(-1, 3, 392)[:, c].unique()) for c in range(3)] == [256] * 3
    assert torch.equal(patches, reference(picture, SMALL)[0])
    table = normalised(SMALL.mean, SMALL.std)
    assert torch.equal(table[0, [0, 255]], torch.tensor([-1.7922625541687012, 1.9303361177444458]))


def _palette(*, transparent: bytes | int | None = None) -> Image.Image:
    picture = Image.fromarray(noise(90, 70)).quantize(16)
    if transparent is not None:
        picture.info["transparency"] = transparent
    return picture


def _with_key(mode: str, key: object) -> Image.Image:
    picture = Image.fromarray(noise(90, 70) // 64 * 64).convert(mode)
    picture.info["transparency"] = key
    return picture


def _rgba(mode: str = "RGBA") -> Image.Image:
    return Image.fromarray(noise(90, 70, channels=4), "RGBA").convert(mode)


MODES = {
    "1": lambda: Image.fromarray(noise(90, 70)).convert("1"),
    "L": lambda: Image.fromarray(noise(90, 70)).convert("L"),
    "L with a transparent grey": lambda: _with_key("L", 128),
    "RGB with a transparent colour": lambda: _with_key("RGB", (64, 64, 64)),
    "P": _palette,
    "P with a transparent entry": lambda: _palette(transparent=3),
    "P with alpha": lambda: _palette(transparent=bytes(range(0, 256, 16))),
    "PA": lambda: _palette().convert("PA"),
    "LA": lambda: _rgba("LA"),
    "RGBA": _rgba,
    "CMYK": lambda: Image.fromarray(noise(90, 70, channels=4), "CMYK"),
    "YCbCr": lambda: Image.fromarray(noise(90, 70)).convert("YCbCr"),
    "HSV": lambda: Image.fromarray(noise(90, 70)).convert("HSV"),
    "I": lambda: Image.fromarray(noise(90, 70)[..., 0].astype(np.int32) * 2),
    "F": lambda: Image.fromarray(noise(90, 70)[..., 0].astype(np.float32) * 1.5 - 20),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_equals_the_reference(mode: str) -> None:
    picture = MODES[mode]()
    assert picture.mode == mode.split()[0]
    patches, grid = preprocess_image(picture, config=SMALL)
    expected, expected_grid = reference(picture, SMALL)
    assert list(grid) == expected_grid
    assert torch.equal(patches, expected)
    assert len(patches.unique()) > 2  # it shows something


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (56, 56), (0, 0, 0, 0))
    white = Image.new("RGB", (56, 56), "white")
    assert torch.equal(preprocess_image(clear, config=SMALL)[0], preprocess_image(white, config=SMALL)[0])


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_of_16_bits_the_upper_8_count(kind: str) -> None:
    """Better than the reference, which clips: a 16-bit scan would be a white page."""
    wide = np.random.default_rng(0).integers(0, 1 << 16, (90, 70), dtype=np.uint16)
    picture = Image.fromarray(wide.astype(kind))
    assert picture.mode == ("I;16" if kind == "<u2" else "I;16B")
    grey = Image.fromarray((wide // 256).astype(np.uint8))
    assert torch.equal(preprocess_image(picture, config=SMALL)[0], preprocess_image(grey, config=SMALL)[0])


def test_lab_is_not_transparent() -> None:
    """Better than the reference, which sees an A and lays the picture on white with an alpha of 0."""
    picture = Image.fromarray(noise(90, 70), "LAB")
    shown = picture.convert("RGB")
    assert torch.equal(preprocess_image(picture, config=SMALL)[0], preprocess_image(shown, config=SMALL)[0])


def test_arrays_and_tensors_are_pictures_too() -> None:
    pixels = noise(133, 207)
    patches, grid = preprocess_image(Image.fromarray(pixels), config=SMALL)
    flipped = np.ascontiguousarray(pixels[:, ::-1])[:, ::-1]  # not contiguous
    frozen = pixels.copy()
    frozen.setflags(write=False)
    for picture in (pixels, torch.from_numpy(pixels), flipped, frozen):
        found, found_grid = preprocess_image(picture, config=SMALL)
        assert found_grid == grid
        assert torch.equal(found, patches)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((60, 60, 3), np.float32),
        np.zeros((60, 60), np.uint8),
        np.zeros((3, 60, 60), np.uint8),
        np.zeros((60, 60, 4), np.uint8),
        torch.zeros((60, 60, 3)),
        torch.zeros((2, 60, 60, 3), dtype=torch.uint8),
    ],
    ids=lambda a: f"{type(a).__name__} {a.dtype} {tuple(a.shape)}",
)
def test_other_arrays_are_refused(wrong: NDArray[np.uint8] | torch.Tensor) -> None:
    with pytest.raises(ImageError, match=r"uint8 \(height, width, 3\), not \w+ \("):
        preprocess_image(wrong, config=SMALL)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_damaged_file_is_an_error_with_a_sentence(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(noise(200, 200)).save(file, kind)
    cut = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))
    with pytest.raises(ImageError, match="cannot be decoded"):
        preprocess_image(cut, config=SMALL)


@pytest.mark.parametrize("size", [(100, 100), (133, 307), (10, 500)])
def test_folded_leaves_out_the_second_frame(size: tuple[int, int]) -> None:
    picture = Image.fromarray(noise(*size))
    both, grid = preprocess_image(picture, config=SMALL)
    one, folded_grid = preprocess_image(picture, config=SMALL, folded=True)
    assert folded_grid == grid
    assert one.shape == (len(both), 588)
    pairs = both.view(-1, 3, 2, 196)
    assert torch.equal(pairs[:, :, 0].flatten(1), one)
    assert torch.equal(pairs[:, :, 1].flatten(1), one)
    # And the tower may therefore add its weights up.
    weight = torch.randn(8, 3, 2, 196, dtype=torch.float64)
    folded = one.double() @ weight.sum(2).flatten(1).T
    torch.testing.assert_close(both.double() @ weight.flatten(1).T, folded)


@pytest.mark.parametrize("folded", [False, True])
def test_patches_show_the_resized_picture(folded: bool) -> None:
    picture = Image.fromarray(noise(133, 307))
    patches, grid = preprocess_image(picture, config=SMALL, folded=folded)
    shown = patches_to_image(patches, grid, SMALL)
    height, width = shown.shape[:2]
    assert (height, width) == (grid[1] * 14, grid[2] * 14)
    assert np.array_equal(shown, picture.resize((width, height), Image.Resampling.BICUBIC))


def test_other_shapes_of_patches() -> None:
    """Nothing is fixed to 14 pixels and 2 x 2: the values of Qwen3-VL."""
    config = ImageConfig(patch_size=16, min_pixels=1024, max_pixels=65536, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    picture = Image.fromarray(noise(150, 333))
    patches, grid = preprocess_image(picture, config=config)
    processor = Qwen2VLImageProcessorPil(
        patch_size=16, min_pixels=1024, max_pixels=65536, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    expected = processor(picture, return_tensors="pt")
    assert list(grid) == expected["image_grid_thw"][0].tolist()
    assert torch.equal(patches, expected["pixel_values"])
    assert patches_to_image(patches, grid, config).shape == (grid[1] * 16, grid[2] * 16, 3)


# ------------------------------------------------------------------------------------ on a device


def test_the_work_of_a_device_equals_that_of_the_processor() -> None:
    """The path of a GPU, run here: only its resize differs, and that not in its pixels."""
    picture = Image.fromarray(noise(211, 333))
    expected, _ = preprocess_image(picture, config=SMALL)
    pixels = resize_bicubic(torch.from_numpy(np.array(picture)), 112, 168)
    patches = image_module.new_patches((1, 8, 12), 2, SMALL, pixels.device)
    image_module.write_patches(pixels, patches, SMALL)
    assert torch.equal(patches.flatten(1), expected)


@pytest.mark.parametrize("kind", ["PIL", "array", "tensor"])
def test_nothing_is_read_back_from_a_device(kind: str) -> None:
    """The meta device has shapes but no values: whatever waits for a value fails there."""
    pixels = noise(211, 333)
    picture = {"PIL": Image.fromarray(pixels), "array": pixels, "tensor": torch.from_numpy(pixels)}[kind]
    patches, grid = preprocess_image(picture, config=SMALL, device="meta")
    expected, expected_grid = preprocess_image(picture, config=SMALL)
    assert (patches.device.type, patches.shape, grid) == ("meta", expected.shape, expected_grid)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("size", [(211, 333), (1100, 780), (3, 600), (600, 3)])
def test_a_gpu_makes_the_same_patches(size: tuple[int, int]) -> None:
    picture = Image.fromarray(noise(*size))
    expected, _ = preprocess_image(picture, config=SMALL)
    there, _ = preprocess_image(picture, config=SMALL, device="cuda")
    assert there.is_cuda
    assert torch.equal(there.cpu(), expected)
    stays, _ = preprocess_image(torch.from_numpy(np.array(picture)).cuda(), config=SMALL)
    assert stays.is_cuda
    assert torch.equal(stays.cpu(), expected)


# ------------------------------------------------------------------------------------ the resize


def check_resize(pixels: NDArray[np.uint8], height: int, width: int) -> None:
    expected = np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    found = resize_bicubic(torch.from_numpy(pixels), height, width)
    assert found.dtype == torch.uint8
    assert np.array_equal(found, expected), f"{pixels.shape} to {height} x {width}"


def test_resize_equals_pillow() -> None:
    draw = random.Random(0)
    for seed in range(600):
        sides = [draw.choice([1, 2, 3, draw.randint(1, 40), draw.randint(1, 300)]) for _ in range(4)]
        pixels = noise(*sides[:2], seed=seed)
        if seed % 3 == 0:  # black and white: the cubic's overshoot is clipped, between the passes too
            pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
        check_resize(pixels, *sides[2:])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((50, 70), (50, 70)),  # nothing to do
        ((50, 70), (50, 31)),  # one pass
        ((50, 70), (120, 70)),
        ((1, 1), (40, 30)),
        ((40, 30), (1, 1)),
        ((201, 2), (50, 9)),  # a strip over 100 times as high as wide is brought down first
        ((200, 2), (50, 9)),
        ((201, 2), (300, 9)),
        ((2, 201), (9, 50)),
        ((4000, 3), (28, 28)),  # 573 taps
        ((700, 900), (1400, 1316)),  # more than one chunk
    ],
)
def test_resize_at_its_corners(old: tuple[int, int], new: tuple[int, int]) -> None:
    check_resize(noise(*old), *new)


def test_resize_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.model.resize._CHUNK", 1000)
    check_resize(noise(97, 131), 56, 84)


def test_resize_of_a_view() -> None:
    """Of a picture that does not lie in memory as it is read."""
    pixels = np.ascontiguousarray(noise(97, 131).transpose(2, 0, 1))
    view = torch.from_numpy(pixels).permute(1, 2, 0)
    expected = np.array(Image.fromarray(view.numpy()).resize((84, 56), Image.Resampling.BICUBIC))
    assert np.array_equal(resize_bicubic(view, 56, 84), expected)


def test_resize_refuses_what_is_no_picture() -> None:
    with pytest.raises(ImageError, match=r"not float32 \(5, 5, 3\)"):
        resize_bicubic(torch.zeros(5, 5, 3), 10, 10)
    with pytest.raises(ImageError, match="a side is empty"):
        resize_bicubic(torch.zeros(5, 0, 3, dtype=torch.uint8), 10, 10)
    with pytest.raises(ImageError, match="a side is empty"):
        resize_bicubic(torch.zeros(5, 5, 3, dtype=torch.uint8), 0, 10)
