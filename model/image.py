"""Pictures to patches: what the vision tower reads instead of pixels.

The picture is brought to RGB, resized so that its sides are multiples of 28 and its area is within the
checkpoint's bounds, normalised, and cut into squares of 14 pixels. One row holds one square, its values in the
order (channel, frame, row, column); a still picture is a video of one frame twice. Rows come in the order in
which the tower merges them: the four squares of a token one after the other, tokens row by row
(facts/qwen.md 2.2, 2.3, 4).

Equal bit for bit to transformers' ``Qwen2VLImageProcessorPil``, and the same on every device. Two kinds of
pictures are read better than there: 16-bit ones, which it clips to white, and Lab, whose second letter it takes
for an alpha channel. EXIF orientation is not applied, there or here.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from docparse.model.config import ImageConfig
from docparse.model.errors import ImageError
from docparse.model.positions import Grid
from docparse.model.resize import describe, resize_bicubic
from docparse.model.sizes import on_white, smart_resize

Picture = Image.Image | NDArray[np.uint8] | Tensor
"""A PIL image of any mode, or (height, width, 3) uint8 RGB."""

_CHUNK = 1 << 19
"""Values normalised at a time: they stay in the processor's cache."""


def preprocess_image(
    image: Picture,
    *,
    config: ImageConfig,
    device: torch.device | str | None = None,
    folded: bool = False,
) -> tuple[Tensor, Grid]:
    """The patches of a still picture, and its grid (1, rows, columns).

    Patches are [rows * columns, 1176] float32. ``folded`` leaves out the second of the two equal frames, for
    a tower that has added up its weights for them: [rows * columns, 588].

    ``device``: where the patches are to be; without it where the picture is. The work is done there.

    Raises ``ImageError`` for a picture that is empty, too long, damaged, or no picture.
    """
    target = _device(image, device)
    height, width = smart_resize(
        *picture_size(image), factor=config.factor, min_pixels=config.min_pixels, max_pixels=config.max_pixels
    )
    pixels = resized(image, height, width, device=target)
    grid = 1, height // config.patch_size, width // config.patch_size
    num_frames = 1 if folded else config.temporal_patch_size
    patches = new_patches(grid, num_frames, config, target)
    write_patches(pixels, patches, config)
    return patches.flatten(1), grid


def picture_size(image: Picture) -> tuple[int, int]:
    """(height, width) in pixels. Raises ``ImageError`` for what is no picture."""
    if isinstance(image, Image.Image):
        return image.height, image.width
    dtype = image.dtype
    if image.ndim != 3 or image.shape[2] != 3 or dtype not in (torch.uint8, np.uint8):
        raise ImageError(f"a picture is a PIL image or uint8 (height, width, 3), not {describe(image)}.")
    return int(image.shape[0]), int(image.shape[1])


def resized(image: Picture, height: int, width: int, *, device: torch.device) -> Tensor:
    """The picture as RGB (height, width, 3) uint8 on ``device``, by Pillow's bicubic filter.

    On the CPU it is Pillow that does it, elsewhere ``resize_bicubic``; the pixels are the same.
    """
    if isinstance(image, Image.Image):
        image = on_white(image)
    if device.type != "cpu":
        whole = image if isinstance(image, Tensor) else torch.tensor(np.asarray(image))
        return resize_bicubic(whole.to(device), height, width)
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image.numpy(force=True) if isinstance(image, Tensor) else image)
    # A copy: what torch wraps must be writable.
    return torch.from_numpy(np.array(image.resize((width, height), Image.Resampling.BICUBIC)))


def new_patches(grid: Grid, num_frames: int, config: ImageConfig, device: torch.device) -> Tensor:
    """Room for the patches of ``grid``: [patches, 3, num_frames, patch_size**2] float32, not yet written."""
    shape = math.prod(grid), len(config.mean), num_frames, config.patch_size**2
    return torch.empty(shape, dtype=torch.float32, device=device)


def write_patches(pixels: Tensor, out: Tensor, config: ImageConfig) -> None:
    """Cut one frame into patches.

    pixels   (H, W, 3) uint8, sides multiples of ``config.factor``
    out      [H * W / patch_size**2, 3, frames, patch_size**2] float32 on the same device; the frame is written
             into each of its ``frames``
    """
    _, width, channels = pixels.shape
    patch, merge = config.patch_size, config.merge_size
    table = normalised(config.mean, config.std).to(pixels.device).flatten()
    # Where in the table each channel begins.
    channel = torch.arange(0, len(table), 256, dtype=torch.int32, device=pixels.device).view(-1, 1)
    # Some rows of merged squares at a time. They are put in order while they are bytes.
    bands = max(1, _CHUNK // (config.factor * width * channels))
    per_band = merge * (width // patch)
    for part, rows in zip(pixels.split(bands * config.factor), out.split(bands * per_band), strict=True):
        squares = part.reshape(-1, merge, patch, width // config.factor, merge, patch, channels)
        squares = squares.permute(0, 3, 1, 4, 6, 2, 5).reshape(-1, channels, patch * patch)
        values = table.index_select(0, (squares.to(torch.int32) + channel).flatten())
        rows.copy_(values.view(squares.shape).unsqueeze(2).expand_as(rows))


@lru_cache(maxsize=8)
def normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """What each of the 256 values becomes: float32 [channels, 256].

    Looked up instead of computed on every device, it is the same on every device. Rounded where the reference
    rounds: the value over 255 in float64 is cut to float32, the rest is float32.
    """
    scaled = (np.arange(256, dtype=np.float64) * (1 / 255)).astype(np.float32)
    table = (scaled - np.array(mean, np.float32)[:, None]) / np.array(std, np.float32)[:, None]
    return torch.from_numpy(table)


def patches_to_image(patches: Tensor, grid: Grid, config: ImageConfig) -> NDArray[np.uint8]:
    """The picture (H, W, 3) uint8 that patches were cut from, folded or not; of two frames the first."""
    frames, rows, columns = grid
    merge, patch, channels = config.merge_size, config.patch_size, len(config.mean)
    assert frames == 1, "one picture at a time"
    squares = patches.view(rows // merge, columns // merge, merge, merge, channels, -1, patch, patch)[:, :, :, :, :, 0]
    whole = squares.permute(0, 2, 5, 1, 3, 6, 4).reshape(rows * patch, columns * patch, channels).cpu().numpy()
    shown: NDArray[np.float64] = (whole * np.array(config.std) + np.array(config.mean)) * 255
    return shown.round().clip(0, 255).astype(np.uint8)


def _device(image: Picture, wanted: torch.device | str | None) -> torch.device:
    if wanted is not None:
        return torch.device(wanted)
    return image.device if isinstance(image, Tensor) else torch.device("cpu")
