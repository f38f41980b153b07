"""OASIS UBL 2.1: Invoice and CreditNote, as Peppol and XRechnung use them.

Terms (BT-...) are those of EN 16931-1. What this file is not: it takes no decision about trust.
"""

from __future__ import annotations

import re
from typing import Any

from docparse.extract.einvoice.values import Values, address, each, first, in_currency, known, price_of_one

ROOTS = ("Invoice", "CreditNote")
NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
"""Where these names mean UBL; other vocabularies have an Invoice too."""

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


def guideline(values: Values, root: Any) -> str:
    """BT-24: which specification the document follows."""
    return values.word(root, "CustomizationID") or ""


def fields(values: Values, root: Any) -> dict[str, Any]:
    """Our fields by name, those that the document has."""
    seller = first(root, "AccountingSupplierParty/Party")
    buyer = first(root, "AccountingCustomerParty/Party")
    totals = first(root, "LegalMonetaryTotal")
    currency = values.code(root, "DocumentCurrencyCode")
    return known(
        {
            "invoice_number": values.word(root, "ID"),
            "issue_date": values.day(root, "IssueDate"),
            "due_date": values.day(root, "DueDate", "PaymentMeans/PaymentDueDate"),
            "delivery_date": values.day(root, "Delivery/ActualDeliveryDate"),
            "seller_name": _name(values, seller),
            "seller_address": _address(values, seller),
            "seller_vat_id": _tax_id(values, seller, vat=True),
            "seller_tax_id": _tax_id(values, seller, vat=False),
            "buyer_name": _name(values, buyer),
            "buyer_address": _address(values, buyer),
            "buyer_vat_id": _tax_id(values, buyer, vat=True),
            "currency": currency,
            "net_total": values.amount(totals, "TaxExclusiveAmount"),
            "tax_lines": _tax_lines(values, root, currency),
            "tax_total": in_currency(values, each(root, "TaxTotal/TaxAmount"), currency),
            "grand_total": values.amount(totals, "TaxInclusiveAmount"),
            "amount_due": values.amount(totals, "PayableAmount"),
            "iban": _if_like(_IBAN, values.code(root, "PaymentMeans/PayeeFinancialAccount/ID")),
            "bic": _if_like(
                _BIC, values.code(root, "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID")
            ),
            "purchase_order": values.word(root, "OrderReference/ID"),
            "payment_terms": "\n".join(values.texts(root, "PaymentTerms/Note")) or None,
            "line_items": [
                _line(values, item) for path in ("InvoiceLine", "CreditNoteLine") for item in each(root, path)
            ],
        }
    )


def _name(values: Values, party: Any) -> str | None:
    return values.word(party, "PartyLegalEntity/RegistrationName", "PartyName/Name")


def _address(values: Values, party: Any) -> str | None:
    place = first(party, "PostalAddress")
    return address(
        [
            " ".join(part for part in (values.word(place, "StreetName"), values.word(place, "BuildingNumber")) if part),
            values.word(place, "AdditionalStreetName"),
            *values.texts(place, "AddressLine/Line"),
        ],
        values.word(place, "PostalZone"),
        values.word(place, "CityName"),
        values.code(place, "Country/IdentificationCode"),
    )


def _tax_id(values: Values, party: Any, *, vat: bool) -> str | None:
    for scheme in each(party, "PartyTaxScheme"):
        if (values.code(scheme, "TaxScheme/ID") == "VAT") is vat:
            return values.code(scheme, "CompanyID") if vat else values.word(scheme, "CompanyID")
    return None


def _tax_lines(values: Values, root: Any, currency: str | None) -> list[dict[str, Any]]:
    """Of the total in the document's currency; one in the seller's has no lines of its own."""
    return [
        {
            "rate": values.amount(part, "TaxCategory/Percent", "Percent"),
            "net": values.amount(part, "TaxableAmount"),
            "tax": values.amount(part, "TaxAmount"),
        }
        for total in each(root, "TaxTotal")
        if (amount := first(total, "TaxAmount")) is not None and amount.get("currencyID") in (None, "", currency)
        for part in each(total, "TaxSubtotal")
    ]


def _line(values: Values, item: Any) -> dict[str, Any]:
    quantity = first(item, "InvoicedQuantity", "CreditedQuantity")
    return {
        "description": values.word(item, "Item/Name", "Item/Description"),
        "quantity": values.amount(quantity, "."),
        "unit": quantity.get("unitCode") if quantity is not None else None,
        "unit_price": price_of_one(values.amount(item, "Price/PriceAmount"), values.amount(item, "Price/BaseQuantity")),
        "tax_rate": values.amount(item, "Item/ClassifiedTaxCategory/Percent"),
        "amount": values.amount(item, "LineExtensionAmount"),
    }


def _if_like(form: re.Pattern[str], found: str | None) -> str | None:
    """The field takes any kind of account; other kinds are not ours."""
    return found if found is not None and form.fullmatch(found) else None
