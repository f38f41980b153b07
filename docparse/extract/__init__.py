"""Fields with evidence: schema -> values, each with the place that proves it.

    import docparse
    from docparse.extract import Invoice

    found = docparse.extract("invoice.pdf", Invoice)
    found.data.grand_total, found.evidence["grand_total"].bbox

extraction.py  the way from a file to its fields
schemas.py     what can be asked for: invoice, receipt, the user's own
page_text.py   what the extractors see: words in rows, with their places and elements
result.py      what they say: values, evidence, checks, verdict
judge.py       checks of the values (``checks``), and the verdict
vocabulary.py  labels in many languages, from ``labels/``
values/        typed values in text: amounts, dates, identifiers
invoice/, items/, totals/, receipt/, user/   the extractors without a model
asking/        a model asked for the fields
einvoice/      the XML inside an invoice, against the print
places/        from a value to its places on the pages
output/        fields as JSON, CSV, XLSX, and pictures of the evidence

Importing this imports none of it: that happens where a name is first used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docparse.extract.result import Check, Evidence, Extraction
    from docparse.extract.schemas import Invoice, Receipt

__all__ = ["Check", "Evidence", "Extraction", "Invoice", "Receipt"]

_LATER = {
    "Check": "docparse.extract.result",
    "Evidence": "docparse.extract.result",
    "Extraction": "docparse.extract.result",
    "Invoice": "docparse.extract.schemas",
    "Receipt": "docparse.extract.schemas",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """This package, which can be called: ``docparse.extract`` is the name of the room and of what one does there.

    Whoever imports anything from here makes Python set ``docparse.extract`` to this module. A function of that name
    on the face of docparse would be there until then and gone afterwards; so there is none, and the module itself
    can be called. (Giving a module a class of its own is in the language reference: "Customizing module attribute
    access".) To type checkers the face says that it is the function.
    """

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        from docparse.extract.extraction import extract

        return extract(*args, **keywords)


sys.modules[__name__].__class__ = _Callable
