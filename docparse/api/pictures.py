"""Pictures of pages as they are sent: how large, which part, as JPEG, and what a process may say is one.

``plan`` and ``encoded`` are called by the process that draws, ``plan`` and ``checked`` by the one that asked it. What
this file is not: it opens no file and draws nothing.

JPEG and not WebP, by what both cost (samples, 1200 pixels wide): WebP is half to two thirds of the size and takes 25
to 40 ms, JPEG 5 to 13; and somebody waits for the picture, mostly on the same machine.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from docparse.errors import RequestError

WIDTHS = (160, 320, 800, 1200, 1600)
"""Pixels; a picture is as wide as one of these, or as its page: few sizes can be kept."""
MOST_SIDE = 16_384
"""Pixels; browsers show no more, JPEG has 65,535."""
QUALITY = 80
MEDIA_TYPE = "image/jpeg"
CROP = r"^[0-9]{1,9}(\.[0-9]{1,6})?(,[0-9]{1,9}(\.[0-9]{1,6})?){3}$"
"""A crop as it is written in an address."""
MOST_BYTES = 64 * 1024**2
"""Of a picture. Noise at this quality has a byte and a half for a pixel, and pages have 12 million."""

Size = tuple[int, int]
Crop = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class View:
    """What is asked for. ``width``: 0: the page's own; ``crop``: pixels of the page as it was read."""

    width: int = 0
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """``page``: how large it is drawn; ``box``: the part of it that is sent, None: all; ``size``: of what is sent."""

    page: Size
    box: tuple[int, int, int, int] | None
    size: Size


def view(width: int | None, crop: str | None) -> View:
    """What an address says. Raises ``RequestError`` where a crop is none."""
    wanted = next((known for known in WIDTHS if width is not None and known >= width), 0)
    if crop is None:
        return View(wanted)
    if not re.fullmatch(CROP, crop):
        raise RequestError("a crop is x1,y1,x2,y2 in pixels of the page.")
    x1, y1, x2, y2 = map(float, crop.split(","))
    return View(wanted, (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))


def plan(own: Size, wanted: View) -> Plan:
    """How to draw a page of ``own`` pixels. Raises ``RequestError`` for a crop that lies beside the page."""
    if wanted.crop is None:
        size = _scaled(own, _scale(own, wanted.width))
        return Plan(size, None, size)
    x1, y1 = (max(math.floor(v), 0) for v in wanted.crop[:2])
    x2, y2 = (min(math.ceil(v), most) for v, most in zip(wanted.crop[2:], own, strict=True))
    if x1 >= x2 or y1 >= y2:
        raise RequestError("the crop lies beside the page.", hint=f"The page has {own[0]} x {own[1]} pixels.")
    scale = min(_scale((x2 - x1, y2 - y1), wanted.width), _scale(own, 0))
    page = _scaled(own, scale)
    width, height = _scaled((x2 - x1, y2 - y1), scale)
    left, top = min(round(x1 * scale), page[0] - width), min(round(y1 * scale), page[1] - height)
    return Plan(page, (left, top, left + width, top + height), (width, height))


def _scale(own: Size, width: int) -> float:
    """At most 1: nothing is drawn larger than it was read."""
    return min(1.0, (width or own[0]) / own[0], MOST_SIDE / max(own))


def _scaled(own: Size, scale: float) -> Size:
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def prepare() -> None:
    """Import what ``encoded`` needs: a picture is worth 20 ms, and that takes as long."""
    from PIL import Image

    Image.preinit()


def encoded(pixels: bytes, planned: Plan) -> bytes:
    """A page that was drawn (RGB), as it is sent."""
    import io

    from PIL import Image

    picture = Image.frombytes("RGB", planned.page, pixels)
    if planned.box is not None:
        picture = picture.crop(planned.box)
    data = io.BytesIO()
    # 4:4:4: at half the resolution, coloured letters are smeared.
    # Tables of its own (``optimize``) make it 7 to 20 % smaller and take as long again, while somebody waits.
    picture.save(data, "JPEG", quality=QUALITY, subsampling=0)
    return data.getvalue()


def checked(data: bytes, size: Size | None) -> bytes:
    """``data``, which is a JPEG of that size. Raises ``ValueError`` for anything else: whoever drew it may have been
    taken over by the file. The picture itself is for the browser to decode."""
    found = jpeg_size(data)
    if found is None or not data.endswith(b"\xff\xd9"):
        raise ValueError("not a picture")
    if size is not None and found != size:
        raise ValueError("not the size that was asked for")
    if max(found) > MOST_SIDE:
        raise ValueError("a picture that is too large")
    return data


def jpeg_size(data: bytes) -> Size | None:
    """Width and height, by the frame header (ITU T.81, B.2.2); None where there is none."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if width and height else None
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None
