"""What can be asked for: the invoice, the receipt, and the user's own schema.

``load_schema`` takes a name, a path of a JSON Schema, such a schema as a dict, or a pydantic class, and
gives a ``Schema``. Every field of ours may be None: a document need not say everything. What this file
is not: an extractor.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from docparse.errors import SchemaError

MAX_SCHEMA = 1 << 20
"""Bytes of a schema file: nobody writes a longer one by hand."""

Amount = Decimal | None
Text = str | None
Day = datetime.date | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TaxLine(_Part):
    """One rate of tax and what it comes to."""

    rate: Amount = Field(None, description="Per cent: 19 for 19 %")
    net: Amount = Field(None, description="Amount that is taxed at this rate")
    tax: Amount = Field(None, description="The tax on it")


class LineItem(_Part):
    """One position of an invoice."""

    description: Text = Field(None, description="What was delivered, as printed")
    quantity: Amount = Field(None, description="How many or how much")
    unit: Text = Field(None, description="Unit of the quantity, as printed")
    unit_price: Amount = Field(None, description="Price of one")
    tax_rate: Amount = Field(None, description="Per cent")
    amount: Amount = Field(None, description="Amount of the line")


class Invoice(_Part):
    """An invoice or credit note. Amounts in ``currency``; those of a credit note as printed."""

    invoice_number: Text = Field(None, description="The seller's number of this invoice")
    issue_date: Day = Field(None, description="Date of the invoice")
    due_date: Day = Field(None, description="Date by which it is to be paid")
    delivery_date: Day = Field(None, description="Date of delivery or service")
    seller_name: Text = Field(None, description="Who sends the invoice")
    seller_address: Text = Field(None, description="The seller's postal address")
    seller_vat_id: Text = Field(None, description="The seller's VAT number")
    seller_tax_id: Text = Field(None, description="Another tax number of the seller")
    buyer_name: Text = Field(None, description="Who is to pay")
    buyer_address: Text = Field(None, description="The buyer's postal address")
    buyer_vat_id: Text = Field(None, description="The buyer's VAT number")
    currency: Text = Field(None, description="ISO 4217 code")
    net_total: Amount = Field(None, description="Total before tax")
    tax_lines: list[TaxLine] = Field(default_factory=list, description="Tax by rate")
    tax_total: Amount = Field(None, description="Total of tax")
    grand_total: Amount = Field(None, description="Total with tax")
    amount_due: Amount = Field(None, description="What is left to pay")
    iban: Text = Field(None, description="Account to pay to")
    bic: Text = Field(None, description="Bank of that account")
    purchase_order: Text = Field(None, description="The buyer's order number")
    payment_terms: Text = Field(None, description="Terms of payment, as printed")
    line_items: list[LineItem] = Field(default_factory=list, description="The positions, in order")


class ReceiptItem(_Part):
    """One thing bought."""

    description: Text = Field(None, description="As printed")
    quantity: Amount = Field(None, description="How many")
    unit_price: Amount = Field(None, description="Price of one")
    amount: Amount = Field(None, description="Amount of the line")


class Receipt(_Part):
    """A till receipt or a simplified invoice."""

    company: Text = Field(None, description="The shop's company, as printed")
    address: Text = Field(None, description="Its address, as printed")
    date: Day = Field(None, description="Date of the purchase")
    time: datetime.time | None = Field(None, description="Time of the purchase")
    currency: Text = Field(None, description="ISO 4217 code")
    items: list[ReceiptItem] = Field(default_factory=list, description="What was bought, in order")
    subtotal: Amount = Field(None, description="Sum before tax, discounts and rounding, if printed")
    tax: Amount = Field(None, description="Tax in it or on it")
    total: Amount = Field(None, description="What was to be paid")
    payment: Text = Field(None, description="How it was paid, as printed: cash, a kind of card")


BUILT_IN: dict[str, type[BaseModel]] = {"invoice": Invoice, "receipt": Receipt}

ALIASES: dict[str, tuple[str, ...]] = {
    "invoice_number": ("invoice_no", "invoice_id", "number", "document_number"),
    "issue_date": ("invoice_date", "date"),
    "due_date": ("payment_due", "date_due"),
    "seller_name": ("seller", "supplier", "supplier_name", "vendor", "vendor_name", "issuer"),
    "seller_vat_id": ("vat_id", "seller_vat", "vat_number", "supplier_vat_id"),
    "buyer_name": ("buyer", "customer", "customer_name", "recipient", "bill_to"),
    "currency": ("currency_code",),
    "net_total": ("amount_untaxed", "net", "subtotal", "total_net", "net_amount"),
    "tax_total": ("amount_tax", "tax", "vat", "total_tax", "vat_total", "tax_amount"),
    "grand_total": ("total", "gross", "amount", "total_gross", "total_amount", "gross_total"),
    "amount_due": ("due", "balance_due", "payable"),
    "purchase_order": ("po_number", "order_number", "purchase_order_number"),
    "line_items": ("items", "lines", "positions"),
    "company": ("shop", "store", "merchant", "merchant_name", "company_name", "store_name"),
    "address": ("company_address", "store_address", "merchant_address"),
}
"""Other names that programs give to our fields. A user's schema may use them; a name of our own wins."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What to look for. ``model``: the class of the result, where there is one; ``definition``: as JSON Schema."""

    name: str
    kind: Literal["invoice", "receipt", "user"]
    definition: dict[str, Any]
    model: type[BaseModel] | None = None


SchemaLike = str | os.PathLike[str] | dict[str, Any] | type[BaseModel] | Schema


def load_schema(wanted: SchemaLike) -> Schema:
    """Raises ``SchemaError`` for a name that is none, a file that is no JSON, a schema of no object."""
    if isinstance(wanted, Schema):
        return wanted
    if isinstance(wanted, type):
        return _of_class(wanted)
    if isinstance(wanted, dict):
        return _of_definition(wanted, str(wanted.get("title") or "schema"))
    name = os.fspath(wanted)
    if name in BUILT_IN:
        return _of_class(BUILT_IN[name])
    path = Path(name)
    if path.suffix.lower() != ".json" and not path.exists():
        known = ", ".join(BUILT_IN)
        raise SchemaError(f"there is no schema {name!r}.", hint=f"There are {known}, or the path of a JSON Schema.")
    return _of_definition(_json(path), path.stem)


@functools.lru_cache(maxsize=16)  # pydantic takes 20 ms for the JSON Schema of Invoice, each time
def _of_class(model: type[BaseModel]) -> Schema:
    if not issubclass(model, BaseModel):
        raise SchemaError(f"{model.__name__} is no schema.", hint="Give a class derived from pydantic.BaseModel.")
    kind: Literal["invoice", "receipt", "user"] = "user"
    if issubclass(model, Invoice):
        kind = "invoice"
    elif issubclass(model, Receipt):
        kind = "receipt"
    name = model.__name__.lower() if kind == "user" else kind
    return Schema(name, kind, model.model_json_schema(mode="serialization"), model)


def _of_definition(definition: dict[str, Any], name: str) -> Schema:
    if definition.get("type", "object") != "object" or not isinstance(definition.get("properties"), dict):
        raise SchemaError(
            "the schema describes no object with properties.",
            file=name,
            hint='It needs {"type": "object", "properties": {...}}.',
        )
    return Schema(name, "user", definition)


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_SCHEMA:
            raise SchemaError("the schema is longer than 1 MiB.", file=str(path))
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SchemaError(f"the schema cannot be read ({error.strerror}).", file=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"the schema is no JSON ({error}).", file=str(path)) from error
    if not isinstance(found, dict):
        raise SchemaError("the schema is no JSON object.", file=str(path))
    return found
