"""Whether a page's text layer can be believed.

Text under a scan was written by somebody's OCR; fonts without a Unicode map give letters that mean
nothing. In both cases the pixels are read instead.
"""

from __future__ import annotations

from docparse.textlayer import TextLayer

MAX_UNMAPPED = 0.08
"""Share of characters without a meaning above which the whole layer is rubbish."""


def trusted(layer: TextLayer) -> bool:
    """Whether a page is to be read from its text layer."""
    visible = sum(len(w.text) for line in layer.lines if line.visible for w in line.words)
    if visible == 0:
        return not layer.pictures and not layer.shapes
    return layer.unmapped <= MAX_UNMAPPED * (visible + layer.unmapped)
