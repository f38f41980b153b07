"""Receipts of ``tills`` as scanned paper: printed in a font, a little askew, with grain and uneven ink."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pymupdf
from PIL import Image, ImageFilter

from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document
from docparse.engines.choose import choose
from docparse.extract.page_text import DocumentText, document_text
from docparse.textlayer import Word


def scanned(text: str, *, font: str = "cour", size: float = 11.0, askew: float = 0.7, grain: float = 8.0) -> bytes:
    """A PNG of the receipt at 220 dpi. ``font``: one of MuPDF's own (cour, helv, tiro). ``askew``: degrees.

    Stretches of words that stand two spaces apart keep their columns, whatever the font.
    """
    lines = text.strip("\n").split("\n")
    step, lead = 0.62 * size, 1.5 * size
    with pymupdf.open() as document:
        width = (max(len(line) for line in lines) + 8) * step
        page = document.new_page(width=width, height=(len(lines) + 8) * lead)
        for number, line in enumerate(lines):
            for part in (part.strip() for part in line.split("  ") if part.strip()):
                at = (4 + line.index(part)) * step
                page.insert_text((at, (4 + number) * lead), part, fontname=font, fontsize=size)
        pixels = page.get_pixmap(dpi=220, colorspace=pymupdf.csGRAY)
        picture = Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)
    picture = picture.rotate(askew, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    picture = picture.filter(ImageFilter.GaussianBlur(0.6))
    grey = np.asarray(picture, dtype=np.float32)
    faded = 25 * (1 + np.sin(np.arange(grey.shape[1]) / 140))[None, :]
    worn = grey * (1 - faded / 255) + faded + np.random.default_rng(7).normal(0, grain, grey.shape)
    found = io.BytesIO()
    Image.fromarray(worn.clip(0, 250).astype(np.uint8)).save(found, "PNG")
    return found.getvalue()


def read(data: bytes) -> DocumentText:
    """The text of a picture, as the embedded engine reads it."""
    options = Options(engine="embedded")
    engine, _ = choose("embedded", model=options.model, remote=options.remote, page_seconds=60, cache=None)
    words: dict[int, Sequence[Word]] = {}
    with open_for(data, options, name="receipt.png") as source:
        pages = list(read_source(source, engine, page_numbers(source, options), seen=words.__setitem__))
        return document_text(Document(tuple(pages), source.info), words)
