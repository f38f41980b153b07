"""Pillow's bicubic resize on any device, bit for bit.

Where the pixels already are on an accelerator they need not come back to be resized, and a page has the
same patches wherever it was prepared. On the CPU Pillow itself is faster; ``image.py`` uses it there.

Source of the arithmetic: Pillow's ``Resample.c``, its path for 8-bit channels, and ``Image.resize``.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from docparse.model.errors import ImageError

A = -0.5
"""The parameter of the cubic kernel; Keys' value. OpenCV and torch without antialiasing have -0.75."""
SUPPORT = 2.0
"""The kernel is zero from here on, in pixels of the coarser of the two grids."""
PRECISION_BITS = 22
"""Weights are whole multiples of 2**-22: with 8 bits of pixel and a little room they fill 32."""
_CHUNK = 1 << 22
"""Output values computed at a time; each needs about a dozen bytes on the way."""


def resize_bicubic(image: Tensor, height: int, width: int) -> Tensor:
    """``image`` (H, W, C) uint8 as (height, width, C) uint8, on its device; equal to ``Image.resize(..., BICUBIC)``.

    Antialiased: the kernel is stretched where the picture shrinks. Widths first, then heights, rounded to
    uint8 in between; a direction whose size stays is left alone. Raises ``ImageError`` for an empty side.
    """
    if image.dtype != torch.uint8 or image.ndim != 3:
        raise ImageError(f"a picture to resize is uint8 (height, width, channels), not {describe(image)}.")
    if 0 in image.shape or min(height, width) < 1:
        raise ImageError(f"a picture of {tuple(image.shape)} cannot be resized to {height} x {width}: a side is empty.")
    # Pillow's order: a tall strip that becomes lower does so first.
    old_height, old_width, _ = image.shape
    if old_height > 100 * old_width and height < old_height:
        return _along(_along(image, 0, height), 1, width)
    return _along(_along(image, 1, width), 0, height)


def describe(array: Tensor | NDArray[np.generic]) -> str:
    """Type and shape, for messages."""
    return f"{str(array.dtype).removeprefix('torch.')} {tuple(array.shape)}"


def _along(image: Tensor, dim: int, size: int) -> Tensor:
    """One pass: dimension ``dim`` (0 rows, 1 columns) of (H, W, C) brought to ``size``."""
    old = image.shape[dim]
    if old == size:
        return image
    first, weights = _taps(old, size)
    taps = torch.from_numpy((first + np.arange(len(weights))[:, None]).clip(max=old - 1)).to(image.device)
    # As (taps, size, 1) they fall on the columns of (lines, size, C), as (taps, size, 1, 1) on its rows.
    factors = torch.from_numpy(weights).to(image.device).view(-1, size, *(1,) * (2 - dim))
    other = 1 - dim
    shape = list(image.shape)
    shape[dim] = size
    result = image.new_empty(shape)
    lines = max(1, _CHUNK // (size * image.shape[2]))
    for part, out in zip(image.split(lines, other), result.split(lines, other), strict=True):
        # Half a unit in advance: cutting the fraction off then rounds.
        total = torch.full(out.shape, 1 << PRECISION_BITS - 1, dtype=torch.int32, device=image.device)
        for tap, factor in zip(taps, factors, strict=True):
            total += part.index_select(dim, tap).to(torch.int32) * factor
        out.copy_((total >> PRECISION_BITS).clamp_(0, 255))
    return result


@lru_cache(maxsize=32)
def _taps(old: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each of ``size`` outputs its first input (size,), and the weights (taps, size) in fixed point.

    Computed in the order in which Pillow does, in float64: a sum in another order may round another way.
    Beyond the last input of an output its weights are 0.
    """
    scale = old / size
    stretch = max(scale, 1.0)
    support = SUPPORT * stretch
    centre = (np.arange(size) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), old)
    num_taps = min(int((end - first).max()), 2 * math.ceil(support) + 1)
    weights = np.empty((num_taps, size))
    total = np.zeros(size)
    for tap in range(num_taps):
        weight = _kernel((tap + first - centre + 0.5) * (1.0 / stretch))
        weights[tap] = np.where(first + tap < end, weight, 0.0)
        total += weights[tap]
    weights /= total
    fixed = weights * (1 << PRECISION_BITS)
    return first, np.trunc(fixed + np.copysign(0.5, fixed)).astype(np.int32)


def _kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(x)
    near = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * A
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
