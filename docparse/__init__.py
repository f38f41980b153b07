"""docparse: documents in, trustworthy structure out.

    import docparse
    document = docparse.parse("invoice.pdf")
    for page in docparse.iter_pages("long.pdf"): ...
    places = docparse.ground("invoice.pdf", "the total amount", model="checkpoints/qwen2.5-vl-7b").places
    text = docparse.export(document, "markdown").text
    fields = docparse.extract("invoice.pdf").data
    document = docparse.Client("http://localhost:8000").parse("invoice.pdf")    # a docparse service reads it

Importing this package imports no torch, no model, no web framework and no PDF library: those load
where they are first used (a test checks it).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from docparse.document import Block, Cell, Document, Issue, Page, Run, Verdict
from docparse.errors import DocparseError
from docparse.geometry import BBox

if TYPE_CHECKING:
    from docparse.client import AsyncClient, Client
    from docparse.convert import Options, iter_pages, parse
    from docparse.exporters import export
    from docparse.extract.extraction import extract
    from docparse.grounding import Grounding, Place, ground
    from docparse.json_form import from_json, to_json

__all__ = [
    "AsyncClient",
    "BBox",
    "Block",
    "Cell",
    "Client",
    "DocparseError",
    "Document",
    "Grounding",
    "Issue",
    "Options",
    "Page",
    "Place",
    "Run",
    "Verdict",
    "__version__",
    "export",
    "extract",
    "from_json",
    "ground",
    "iter_pages",
    "parse",
    "to_json",
]

# A program that does not ask for docparse's log is not shown it.
logging.getLogger("docparse").addHandler(logging.NullHandler())

_LATER = {
    "AsyncClient": "docparse.client",
    "Client": "docparse.client",
    "Grounding": "docparse.grounding",
    "Options": "docparse.convert",
    "Place": "docparse.grounding",
    "export": "docparse.exporters",
    "from_json": "docparse.json_form",
    "ground": "docparse.grounding",
    "iter_pages": "docparse.convert",
    "parse": "docparse.convert",
    "to_json": "docparse.json_form",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "extract":
        # The room itself, which can be called: it takes the place of whatever has its name as soon as somebody
        # imports from it.
        return importlib.import_module("docparse.extract")
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'docparse' has no attribute {name!r}")
