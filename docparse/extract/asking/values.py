"""What a model answered for a field, as the type that the field has.

A text can be read in more than one way (1.234, 03/04/2024): all ways are given, the likeliest in this document
first, and the page decides between them. What cannot be of the type is no value. What this file is not: it looks
at no page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from docparse.extract.asking.answer import Node
from docparse.extract.einvoice.witness import KINDS
from docparse.extract.places.anchor import Kind
from docparse.extract.user.names import answers
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import Manners, as_number, read
from docparse.extract.values import Mark, amounts, bics, dates, ibans, vat_ids
from docparse.extract.values.currencies import code_of, currencies
from docparse.extract.values.dates import Order
from docparse.extract.values.match import Match

LONGEST = 2_000
"""Characters of a text."""
_NOTHING = frozenset({"", "-", "--", "—", "null", "none", "n/a", "na", "nil", "unknown", "not found", "not stated"})
"""What models write for null where the form of the answer lets them."""
_ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
_MARKS: tuple[Mark, ...] = (".", ",")
_CODE = re.compile(r"(?=.*\d)[\w./#+-]+")


def readings(item: Wanted, node: Node, manners: Manners, *, ours: bool = False) -> list[Any]:
    """The values that an answer can mean, likeliest first; none where it is null or not of the field's type.

    ``ours``: the field is one of our own schemas, whose names say more than their types.
    """
    if node.kind == "boolean":
        return [node.value] if item.kind == "boolean" else []
    if node.kind not in ("string", "number"):
        return []
    text = str(node.value).strip()[:LONGEST]
    if text.casefold() in _NOTHING:
        return []
    if item.choices:
        return [choice for choice in item.choices if str(choice).casefold() == text.casefold()][:1]
    if item.kind in ("number", "integer", "decimal"):
        return _numbers(item, node, text, manners)
    if item.kind == "date":
        return _unique(_days(text, manners))
    if item.kind == "boolean":
        yes, no = answers()
        return [text.casefold() in yes] if text.casefold() in yes | no else []
    if ours and item.name in _OURS:
        return _OURS[item.name](text)
    if item.kind in ("time", "date-time", "email", "uri"):
        found = read(item, text, manners)
        return [] if found is None else [found.value]
    return [text] if _fits(item, text) else []


def kind_of(item: Wanted, value: Any, *, ours: bool = False) -> Kind | None:
    """How a value is looked for on the page; None: by its type."""
    if ours and item.name in KINDS:
        return KINDS[item.name]
    if isinstance(value, str) and item.kind == "text" and _CODE.fullmatch(value):
        return "code"
    return "text" if isinstance(value, str) else None


def _numbers(item: Wanted, node: Node, text: str, manners: Manners) -> list[Any]:
    """A number of JSON's own is what it is; a text is read as the document writes numbers, and then otherwise."""
    found: list[Decimal] = []
    if node.kind == "number":
        found += _literal(text)
    else:
        marks = [manners.decimal, *(mark for mark in _MARKS if mark != manners.decimal)]
        for mark in marks:
            said = amounts(text, decimal=mark, ocr=False)
            if len(said) == 1:
                found.append(said[0].value)
        if not amounts(text):
            found += _literal(text)
    kept = (as_number(item, value) for value in _unique(found))
    return [value for value in kept if value is not None]


def _literal(text: str) -> list[Decimal]:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return []
    return [value] if value.is_finite() and abs(value.adjusted()) < 30 else []


def _days(text: str, manners: Manners) -> list[Any]:
    found = []
    for order in (manners.order, *_ORDERS):
        said = dates(text, order=order)
        # Two dates are a period, and which of them is meant nobody has said.
        if len(said) == 1:
            found.append(said[0].value)
    return found


def _fits(item: Wanted, text: str) -> bool:
    if len(text) < item.min_length or (item.max_length is not None and len(text) > item.max_length):
        return False
    return item.fits is None or item.fits(text)


def _code(find: Callable[[str], list[Match[str]]]) -> Callable[[str], list[Any]]:
    """Reads a number by its form, and as it stands where it has none: the checks will say so."""

    def read_code(text: str) -> list[Any]:
        found = find(text)
        return [found[0].value] if len(found) == 1 else [re.sub(r"\s", "", text).upper()]

    return read_code


def _currency(text: str) -> list[Any]:
    code = code_of(text)
    found = [code] if code is not None else [match.value for match in currencies(text)]
    return found if len(set(found)) == 1 else []


_OURS: Mapping[str, Callable[[str], list[Any]]] = {
    "iban": _code(ibans),
    "bic": _code(bics),
    "seller_vat_id": _code(vat_ids),
    "buyer_vat_id": _code(vat_ids),
    "currency": _currency,
}


def _unique(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
