"""What a scanner does to a page: a turn, grey paper, uneven light, noise, blur. Deterministic.

Pillow only; noise comes from ``random.Random`` with a fixed seed.
"""

from __future__ import annotations

import random

import pymupdf
from PIL import Image, ImageChops, ImageFilter


def shoot(page: pymupdf.Page, dpi: int) -> Image.Image:
    """The page as a grey picture."""
    pixels = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    return Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)


def turn(image: Image.Image, degrees: float, fill: int = 255) -> Image.Image:
    """Skewed by a few degrees about its middle, size unchanged."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=fill)


def fade(image: Image.Image, ink: int = 45, paper: int = 238) -> Image.Image:
    """Black becomes ``ink``, white becomes ``paper``."""
    return image.point([ink + round((paper - ink) * value / 255) for value in range(256)])


def light(image: Image.Image, left: int, right: int) -> Image.Image:
    """Light that falls off from one side to the other: grey levels taken away at each edge."""
    ramp = Image.linear_gradient("L").rotate(90).resize(image.size)
    shade = ramp.point([round(left + (right - left) * value / 255) for value in range(256)])
    return ImageChops.subtract(image, shade)


def noise(image: Image.Image, amplitude: int, seed: int, *, grain: float = 0.6) -> Image.Image:
    """Grain of the sensor and the paper, at most ``amplitude`` grey levels up or down."""
    source = random.Random(seed)  # noqa: S311 (not for secrets)
    grey = Image.frombytes("L", image.size, source.randbytes(image.width * image.height))
    grey = grey.filter(ImageFilter.GaussianBlur(grain))
    up = grey.point([max(0, round((value - 128) * amplitude / 64)) for value in range(256)])
    down = grey.point([max(0, round((128 - value) * amplitude / 64)) for value in range(256)])
    return ImageChops.subtract(ImageChops.add(image, up), down)


def specks(image: Image.Image, count: int, seed: int) -> Image.Image:
    """Dust: a few dark dots of one to three pixels."""
    source = random.Random(seed)  # noqa: S311 (not for secrets)
    done = image.copy()
    for _ in range(count):
        size = source.choice((1, 1, 1, 2, 2, 3))
        done.paste(
            source.randrange(0, 120),
            (x := source.randrange(image.width), y := source.randrange(image.height), x + size, y + size),
        )
    return done


def blur(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def bilevel(image: Image.Image, threshold: int = 150) -> Image.Image:
    """Black and white, as a fax or an office scanner stores it."""
    return image.point([255 if value >= threshold else 0 for value in range(256)]).convert("1")
