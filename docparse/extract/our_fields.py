"""Fields of a user's schema that are an invoice's: what its own extractors say of them.

They know more than a label: which total is the sum of which lines, who sells and who buys. They are asked
where a schema has at least three of an invoice's fields, and heard where the document is an invoice.
What this file is not: an extractor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from docparse.extract.generic_names import ideas, likeness, name_words
from docparse.extract.generic_types import as_number
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Evidence, Fields
from docparse.extract.schemas import ALIASES, Invoice, LineItem
from docparse.extract.user_schema import Wanted

LEAST = 3
"""Fields of an invoice from which a schema asks for one."""
_ITEM_NAMES = {
    "price": "unit_price",
    "qty": "quantity",
    "total": "amount",
    "name": "description",
    "vat_rate": "tax_rate",
}

Proved = tuple[Any, dict[str, Evidence]]


def canonical(name: str) -> str | None:
    """Our name of an invoice's field for a user's."""
    name = name_words(name).replace(" ", "_").lower()
    if name in Invoice.model_fields:
        return name
    return next((ours for ours, aliases in ALIASES.items() if name in aliases and ours in Invoice.model_fields), None)


def invoice_fields(leaves: Iterable[Wanted], text: DocumentText) -> dict[str, Proved]:
    """Values with their evidence by the user's path; nothing where the document is no invoice."""
    ours = {leaf.path: (leaf, canonical(leaf.name)) for leaf in leaves if not leaf.parents}
    asked = {path: (leaf, name) for path, (leaf, name) in ours.items() if name is not None}
    if len(asked) < LEAST:
        return {}
    from docparse.extract.invoice import read_invoice
    from docparse.extract.judge import is_invoice

    found = read_invoice(text)
    if not is_invoice(found):
        return {}
    result: dict[str, Proved] = {}
    for path, (leaf, name) in asked.items():
        proved = _items(leaf, found) if leaf.kind == "array" else _value(leaf, path, name, found)
        if proved is not None:
            result[path] = proved
    return result


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


def _items(leaf: Wanted, found: Fields) -> Proved | None:
    """The line items with the user's names of their parts."""
    rows = found.values.get("line_items") or []
    item = leaf.members[0]
    if canonical(leaf.name) != "line_items" or item.kind != "object" or not rows:
        return None
    names = {member.name: _item_name(member.name) for member in item.members}
    if not all(names.values()):
        return None  # it asks for more than a line item has: the table itself is read
    values, proofs = [], {}
    for number, row in enumerate(rows):
        held = dict(row) if isinstance(row, Mapping) else row.model_dump()
        record = {}
        for member in item.members:
            ours = names[member.name]
            record[member.name] = _as_wanted(member, held.get(ours))
            proof = found.evidence.get(f"line_items[{number}].{ours}")
            if record[member.name] is not None and proof is not None:
                proofs[f"{leaf.path}[{number}].{member.name}"] = proof
        values.append(record)
    return (values, proofs) if proofs else None


def _item_name(name: str) -> str | None:
    plain = name_words(name).replace(" ", "_").lower()
    if plain in LineItem.model_fields:
        return plain
    if plain in _ITEM_NAMES:
        return _ITEM_NAMES[plain]
    about = ideas(name_words(name))
    return next((o for o in LineItem.model_fields if likeness(about, ideas(name_words(o))) == 1.0), None)
