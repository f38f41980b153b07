"""Makes the PDFs and pictures that the tests read: nothing here is found, everything is drawn.

PDFs that a library would write come from ``pdf``; those that no library would write, bombs and
broken ones, from ``raw_pdf``, which puts hand-written objects into a sound frame.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pymupdf
from PIL import Image, ImageDraw

Box = tuple[float, float, float, float]
Draw = Callable[[Any], object]
"""Draws on a ``pymupdf.Page`` that is neither turned nor cropped yet."""


def pdf(
    *pages: Draw,
    size: tuple[float, float] = (400, 600),
    crop: Box | None = None,
    rotation: int = 0,
    password: str | None = None,
    encryption: int = pymupdf.PDF_ENCRYPT_AES_256,
) -> bytes:
    """A PDF with one page for each of ``pages``. ``crop``: the CropBox, in points from the top left."""
    document = pymupdf.open()
    for draw in pages:
        page = document.new_page(width=size[0], height=size[1])
        draw(page)
        if crop is not None:
            page.set_cropbox(pymupdf.Rect(crop))
        page.set_rotation(rotation)
    kept: dict[str, Any] = {}
    if password is not None:
        kept = {"encryption": encryption, "user_pw": password, "owner_pw": "the owner's own"}
    try:
        return bytes(document.tobytes(**kept))
    finally:
        document.close()


def text(string: str, at: tuple[float, float] = (100, 150), size: float = 20, **how: Any) -> Draw:
    """Writes ``string`` with its baseline starting at ``at``, in points from the top left."""
    return lambda page: page.insert_text(at, string, fontsize=size, **how)


def nothing(page: Any) -> None:
    """Leaves the page empty."""


def scan(image: Image.Image, box: Box | None = None, rotate: int = 0) -> Draw:
    """Places ``image`` over ``box``, by default the whole page."""

    def draw(page: Any) -> None:
        page.insert_image(box or page.rect, stream=encoded(image), rotate=rotate, keep_proportion=False)

    return draw


def together(*draws: Draw) -> Draw:
    def draw(page: Any) -> None:
        for one in draws:
            one(page)

    return draw


def raw_pdf(objects: Sequence[bytes], *, root: int = 1, version: bytes = b"1.7", extra: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with a cross-reference table that is right."""
    out = io.BytesIO()
    out.write(b"%PDF-" + version + b"\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for place in places:
        out.write(b"%010d 00000 n \n" % place)
    out.write(b"trailer\n<< /Size %d /Root %d 0 R %s >>\n" % (len(objects) + 1, root, extra))
    out.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def stream(data: bytes, entries: bytes = b"", *, squeezed: bool = False) -> bytes:
    """A stream object; ``squeezed`` compresses it."""
    if squeezed:
        data, entries = zlib.compress(data, 9), entries + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def page_pdf(
    content: bytes,
    *,
    media: bytes = b"[0 0 400 600]",
    page: bytes = b"",
    resources: bytes = b"/Font << /F1 5 0 R >>",
    more: Sequence[bytes] = (),
    squeezed: bool = False,
) -> bytes:
    """A PDF of one page with this content stream; object 5 is Helvetica, ``more`` come from 6 on."""
    return raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 4 0 R /Resources << %s >> %s >>"
            % (media, resources, page),
            stream(content, squeezed=squeezed),
            HELVETICA,
            *more,
        ]
    )


def picture(
    size: tuple[int, int] = (60, 40), box: tuple[int, int, int, int] = (5, 5, 20, 12), mode: str = "RGB"
) -> Image.Image:
    """White paper with one black box (x1 y1 x2 y2, x2 and y2 not included) near its top left corner."""
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=0)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def tiff(*frames: Image.Image, **how: Any) -> bytes:
    return encoded(frames[0], "TIFF", save_all=True, append_images=list(frames[1:]), **how)
