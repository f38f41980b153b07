"""Pictures before they are patches: the size a model wants, and RGB. Without torch.

For everybody who shows a picture to a Qwen-VL, in this process (``image``) or on a server, which is given pixels
that it need not resize again (facts/qwen.md 1.4, 4).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from docparse.model.errors import ImageError

MAX_RATIO = 200
"""The longer side over the shorter one, at most."""


def smart_resize(height: int, width: int, *, factor: int = 28, min_pixels: float, max_pixels: float) -> tuple[int, int]:
    """The (height, width) that a picture of this size is brought to: transformers' rule.

    Sides are multiples of ``factor`` near the old ones; the area is brought within the bounds, the shape kept as
    well as that allows. A very long picture may stay above ``max_pixels``: no side becomes less than ``factor``.
    Raises ``ImageError`` for an empty picture, and for one longer than 200 times its width.
    """
    if min(height, width) < 1:
        raise ImageError(f"a picture of {width} x {height} pixels is empty.")
    if max(height, width) / min(height, width) > MAX_RATIO:
        raise ImageError(
            f"a picture of {width} x {height} pixels is too long for the model: one side may be at most "
            f"{MAX_RATIO} times the other. Cut it into pieces."
        )
    # Ties go to the even multiple, as Python rounds. The bounds are tested with the rounded sides, which may be
    # 0 here, and kept with the real ones.
    new_height, new_width = round(height / factor) * factor, round(width / factor) * factor
    if new_height * new_width > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        new_height = max(factor, math.floor(height / shrink / factor) * factor)
        new_width = max(factor, math.floor(width / shrink / factor) * factor)
    elif new_height * new_width < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        new_height = math.ceil(height * grow / factor) * factor
        new_width = math.ceil(width * grow / factor) * factor
    return new_height, new_width


def on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB; what is transparent shows white paper. Raises ``ImageError`` for a damaged picture.

    Of 16 bits the upper 8 count. 32-bit modes (I, F) are taken for values from 0 to 255 and clipped.
    """
    try:
        if image.mode.startswith("I;16"):
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
        if image.mode in ("RGBA", "LA", "PA") or image.info.get("transparency") is not None:
            paper = Image.new("RGBA", image.size, "white")
            return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise
        raise ImageError(f"the picture cannot be decoded: {error}.") from error


def fitted(image: Image.Image, *, factor: int = 28, min_pixels: float, max_pixels: float) -> Image.Image:
    """The picture as RGB in the size of ``smart_resize``, by Pillow's bicubic filter. Raises ``ImageError``."""
    height, width = smart_resize(image.height, image.width, factor=factor, min_pixels=min_pixels, max_pixels=max_pixels)
    return on_white(image).resize((width, height), Image.Resampling.BICUBIC)
