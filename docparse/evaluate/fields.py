"""How right extracted fields are: plain ones by what they mean, several values as a set, line items in pairs.

A field that is there and wrong counts against precision and against recall; one that is not there, against recall.
Fields that the truth does not know are not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docparse.evaluate.f1 import F1, of_multisets
from docparse.evaluate.values import Kind, blank, letters_and_digits, match

ITEMS = "line_items"
LIKE = 0.75
"""How much of two descriptions must be alike for two line items to be one."""
PART = 0.95
"""What the likeness of a part of a longer description counts."""
SHORTEST_PART = 6
PER_NUMBER = 0.1
"""What each number that is the same adds, where several items could be the one."""
NUMBERS = ("quantity", "unit_price", "amount")

_KINDS: Mapping[Kind, str] = {
    "date": "date effective_date issue_date due_date",
    "amount": "total grand_total net_total tax_total amount_due amount unit_price quantity",
    "currency": "currency",
}
KINDS: Mapping[str, Kind] = {name: kind for kind, names in _KINDS.items() for name in names.split()}
"""Kind of a field; one that is not here is text."""

NAMES: Mapping[str, tuple[str, ...]] = {
    name: tuple(others.split())
    for name, others in {
        "company": "merchant merchant_name vendor vendor_name store store_name seller seller_name supplier",
        "address": "merchant_address vendor_address seller_address store_address",
        "date": "receipt_date transaction_date issue_date invoice_date purchase_date",
        "total": "total_amount grand_total amount_total amount",
        "invoice_number": "invoice_no invoice_id number document_number",
        "issue_date": "invoice_date date date_issued",
        "due_date": "date_due payment_due_date",
        "seller_name": "seller vendor vendor_name supplier supplier_name issuer company merchant merchant_name",
        "buyer_name": "buyer customer customer_name client client_name bill_to",
        "seller_vat_id": "vat_id vat_number seller_tax_id vendor_tax_id tax_id seller_vat",
        "currency": "currency_code",
        "net_total": "subtotal sub_total net_amount total_net amount_untaxed total_before_tax",
        "tax_total": "tax vat total_tax tax_amount vat_amount amount_tax",
        "grand_total": "total total_amount amount_total amount total_gross gross_total",
        "amount_due": "due_amount balance_due amount_payable total_due",
        "line_items": "items lines",
        "description": "name item product",
        "quantity": "qty",
        "unit_price": "price price_unit",
        "amount": "total line_total total_price price_subtotal",
    }.items()
}
"""Other names under which programs give a field, the likeliest first."""
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldScore:
    """One field of one document. ``said`` and ``true`` as they were given; ``count``: right and wrong values;
    ``exact``: values right to the letter."""

    said: Any
    true: Any
    exact: bool
    same: bool
    likeness: float
    count: F1
    exact_count: int


@dataclass(frozen=True, slots=True)
class ItemsScore:
    """``described``: items whose description is found; ``whole``: those of which every known number is right too."""

    described: F1 = field(default_factory=F1)
    whole: F1 = field(default_factory=F1)


@dataclass(frozen=True, slots=True)
class FieldsScore:
    """By name. ``items``: None where the truth has no line items."""

    fields: Mapping[str, FieldScore]
    items: ItemsScore | None

    @property
    def all_right(self) -> bool:
        return all(one.same for one in self.fields.values())


def fields_score(said: Json, true: Json) -> FieldsScore:
    """Compare the fields of a document with those that are known of it."""
    scores = {}
    for name, value in true.items():
        if name == ITEMS:
            continue
        found = given(said, name)
        scores[name] = _several(found, value) if isinstance(value, list) else _one(name, found, value)
    items = items_score(given(said, ITEMS), true[ITEMS]) if ITEMS in true else None
    return FieldsScore(scores, items)


def given(said: Json, name: str) -> Any:
    """The value of a field, by its name or another one that it goes by; letter case does not matter."""
    for wanted in (name, *NAMES.get(name, ())):
        for key, value in said.items():
            if str(key).casefold() == wanted and value not in (None, "", []):
                return value
    return None


def _one(name: str, said: Any, true: Any) -> FieldScore:
    if isinstance(said, dict):
        said = next((said[key] for key in ("value", "name", "text") if key in said), None)
    found = match(KINDS.get(name, "text"), said, true)
    count = F1(tp=int(found.same), fp=int(not blank(said) and not found.same), fn=int(not found.same))
    return FieldScore(said, true, found.exact, found.same, found.likeness, count, int(found.exact))


def _several(said: Any, true: Sequence[Any]) -> FieldScore:
    """Values in any order."""
    found = [str(one) for one in (said if isinstance(said, list) else [] if said in (None, "") else [said])]
    count = of_multisets(map(letters_and_digits, found), map(letters_and_digits, true))
    return FieldScore(
        said, true, sorted(found) == sorted(true), count.f1 == 1.0, count.f1, count, len(set(found) & set(true))
    )


def items_score(said: Any, true: Sequence[Json]) -> ItemsScore:
    """Pair line items by description, and by their numbers where several are alike."""
    ours = [item for item in said or () if isinstance(item, dict)]
    likely = sorted(
        (
            (likeness + PER_NUMBER * sum(_numbers(item, other)), -i, -j, likeness)
            for i, item in enumerate(ours)
            for j, other in enumerate(true)
            if (likeness := _likeness(item, other)) >= LIKE
        ),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for _, i, j, _ in likely:
        if -i not in pairs and -j not in pairs.values():
            pairs[-i] = -j
    whole = sum(all(_numbers(ours[i], true[j])) for i, j in pairs.items())
    return ItemsScore(*(F1(n, len(ours) - n, len(true) - n) for n in (len(pairs), whole)))


def _numbers(item: Json, true: Json) -> list[bool]:
    """Which of the known numbers are right."""
    return [match("amount", given(item, name), true[name]).same for name in NUMBERS if name in true]


def _likeness(item: Json, true: Json) -> float:
    a, b = (letters_and_digits(text) for text in (given(item, "description") or "", true.get("description", "")))
    part = fuzz.partial_ratio(a, b) / 100 if min(len(a), len(b)) >= SHORTEST_PART else 0.0
    return max(Levenshtein.normalized_similarity(a, b), PART * part)
