"""Fields of a user's schema that are an invoice's or a receipt's: what their own extractors say of them.

They know more than a label: which total is the sum of which lines, who sells and who buys. They are asked
where a schema has at least three of their fields, and heard where the document is of their kind.
What this file is not: an extractor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from docparse.extract.page_text import DocumentText
from docparse.extract.result import Evidence, Fields
from docparse.extract.schemas import ALIASES, Invoice, LineItem, Receipt, ReceiptItem
from docparse.extract.user.names import ideas, likeness, name_words
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import as_number

LEAST = 3
"""Fields of ours from which a schema asks for an invoice or a receipt."""
RECEIPT_PAGES = 2
RECEIPT_SURE = 0.5
"""Confidence of a total from which a short document is a receipt."""
_ITEM_NAMES = {
    "price": "unit_price",
    "qty": "quantity",
    "total": "amount",
    "name": "description",
    "vat_rate": "tax_rate",
}

Proved = tuple[Any, dict[str, Evidence]]


def canonical(name: str, model: type[BaseModel] = Invoice) -> str | None:
    """Our name, in one of our classes, of a user's field."""
    name = name_words(name).replace(" ", "_").lower()
    fields = model.model_fields
    if name in fields:
        return name
    return next((ours for ours, aliases in ALIASES.items() if name in aliases and ours in fields), None)


def our_fields(leaves: Iterable[Wanted], text: DocumentText) -> dict[str, Proved]:
    """Values with their evidence by the user's path; nothing where the document is neither of the two."""
    top = [leaf for leaf in leaves if not leaf.parents]
    asked = [({leaf.path: (leaf, canonical(leaf.name, model)) for leaf in top}, model) for model in (Invoice, Receipt)]
    known = [({path: (f, n) for path, (f, n) in names.items() if n is not None}, model) for names, model in asked]
    known = [(names, model) for names, model in known if len(names) >= LEAST]
    for names, model in sorted(known, key=lambda k: -len(k[0])):
        found = _read(model, text)
        if found is None:
            continue
        result: dict[str, Proved] = {}
        for path, (leaf, name) in names.items():
            proved = _items(leaf, name, found) if leaf.kind == "array" else _value(leaf, path, name, found)
            if proved is not None:
                result[path] = proved
        return result
    return {}


def _read(model: type[BaseModel], text: DocumentText) -> Fields | None:
    """What the kind's own extractor says; None where the document is none of the kind."""
    from docparse.extract.judge import is_invoice, is_receipt

    if model is Invoice:
        from docparse.extract.invoice.read import read_invoice

        found = read_invoice(text)
        return found if is_invoice(found) else None
    if len(text.pages) > RECEIPT_PAGES:
        return None
    from docparse.extract.receipt.read import read_receipt

    found = read_receipt(text)
    total = found.evidence.get("total")
    return found if is_receipt(found) and total is not None and total.confidence >= RECEIPT_SURE else None


def _value(leaf: Wanted, path: str, name: str, found: Fields) -> Proved | None:
    value = _as_wanted(leaf, found.values.get(name))
    proof = found.evidence.get(name)
    return (value, {path: proof}) if value is not None and proof is not None else None


def _as_wanted(leaf: Wanted, value: Any) -> Any | None:
    """A value as the type that the user's field has; None where it is not of that type."""
    if value is None or (leaf.choices and value not in leaf.choices):
        return None
    if isinstance(value, Decimal):
        if leaf.kind in ("number", "integer", "decimal"):
            return as_number(leaf, value)
        value = f"{value:f}"
    if isinstance(value, str):
        fits = leaf.kind == "text" and (leaf.fits is None or leaf.fits(value))
        short = leaf.max_length is None or len(value) <= leaf.max_length
        return value if fits and short else None
    if leaf.kind == "text":
        return value.isoformat() if hasattr(value, "isoformat") and (leaf.fits is None) else None
    return value if leaf.kind == "date" else None


def _items(leaf: Wanted, name: str, found: Fields) -> Proved | None:
    """The line items with the user's names of their parts."""
    rows = found.values.get(name) or []
    item = leaf.members[0]
    if name not in ("line_items", "items") or item.kind != "object" or not rows:
        return None
    model = LineItem if name == "line_items" else ReceiptItem
    names = {member.name: _item_name(member.name, model) for member in item.members}
    if not all(names.values()):
        return None  # it asks for more than a line item has: the table itself is read
    values, proofs = [], {}
    for number, row in enumerate(rows):
        held = dict(row) if isinstance(row, Mapping) else row.model_dump()
        record = {}
        for member in item.members:
            ours = names[member.name]
            record[member.name] = _as_wanted(member, held.get(ours))
            proof = found.evidence.get(f"{name}[{number}].{ours}")
            if record[member.name] is not None and proof is not None:
                proofs[f"{leaf.path}[{number}].{member.name}"] = proof
        values.append(record)
    return (values, proofs) if proofs else None


def _item_name(name: str, model: type[BaseModel]) -> str | None:
    plain = name_words(name).replace(" ", "_").lower()
    fields = model.model_fields
    if plain in fields:
        return plain
    if _ITEM_NAMES.get(plain) in fields:
        return _ITEM_NAMES[plain]
    about = ideas(name_words(name))
    return next((ours for ours in fields if likeness(about, ideas(name_words(ours))) == 1.0), None)
