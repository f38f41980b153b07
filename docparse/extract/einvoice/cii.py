"""UN/CEFACT's Cross Industry Invoice: ZUGFeRD 1.0, Factur-X and ZUGFeRD 2, XRechnung; and Order-X.

ZUGFeRD 1.0 has other names for the same elements; where a path has two forms, the newer one comes first.
Terms (BT-...) are those of EN 16931-1. What this file is not: it takes no decision about trust.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from docparse.extract.einvoice.values import Values, address, each, first, in_currency, known, price_of_one

ORDER_ROOT = "SCRDMCCBDACIOMessageStructure"

_NO_LINE = ("GROUP", "INFORMATION")
"""BT-X-8: a line that sums up others, or only says something; neither is part of the total."""


def is_cii(root: Any) -> bool:
    """By its head: the root has had four names, one of them that of other vocabularies' invoices."""
    return first(root, "ExchangedDocument", "HeaderExchangedDocument") is not None


def guideline(values: Values, root: Any) -> str:
    """BT-24: which specification the document follows."""
    parameter = "GuidelineSpecifiedDocumentContextParameter/ID"
    found = values.word(root, f"ExchangedDocumentContext/{parameter}", f"SpecifiedExchangedDocumentContext/{parameter}")
    return found or ""


def fields(values: Values, root: Any, *, order: bool) -> dict[str, Any]:
    """Our fields by name, those that the document has. An order's own number is a ``purchase_order``."""
    head = first(root, "ExchangedDocument", "HeaderExchangedDocument")
    trade = first(root, "SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction")
    agreement = first(trade, "ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement")
    delivery = first(trade, "ApplicableHeaderTradeDelivery", "ApplicableSupplyChainTradeDelivery")
    settlement = first(trade, "ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement")
    totals = first(
        settlement, "SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"
    )
    seller, buyer = first(agreement, "SellerTradeParty"), first(agreement, "BuyerTradeParty")
    number = values.word(head, "ID")
    ordered = values.word(agreement, "BuyerOrderReferencedDocument/IssuerAssignedID", "BuyerOrderReferencedDocument/ID")
    currency = values.code(settlement, "InvoiceCurrencyCode", "OrderCurrencyCode")
    means = "SpecifiedTradeSettlementPaymentMeans"
    return known(
        {
            "invoice_number": None if order else number,
            "issue_date": values.day(head, "IssueDateTime/DateTimeString", "IssueDateTime"),
            "due_date": _due(values, settlement),
            "delivery_date": values.day(delivery, "ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString"),
            "seller_name": _name(values, seller),
            "seller_address": _address(values, seller),
            "seller_vat_id": _registration(values, seller, "VA"),
            "seller_tax_id": _registration(values, seller, "FC"),
            "buyer_name": _name(values, buyer),
            "buyer_address": _address(values, buyer),
            "buyer_vat_id": _registration(values, buyer, "VA"),
            "currency": currency,
            "net_total": values.amount(totals, "TaxBasisTotalAmount"),
            "tax_lines": [_tax_line(values, tax) for tax in each(settlement, "ApplicableTradeTax")],
            "tax_total": in_currency(values, each(totals, "TaxTotalAmount"), currency),
            "grand_total": values.amount(totals, "GrandTotalAmount"),
            "amount_due": values.amount(totals, "DuePayableAmount"),
            "iban": values.code(settlement, f"{means}/PayeePartyCreditorFinancialAccount/IBANID"),
            "bic": values.code(settlement, f"{means}/PayeeSpecifiedCreditorFinancialInstitution/BICID"),
            "purchase_order": number if order else ordered,
            "payment_terms": "\n".join(values.texts(settlement, "SpecifiedTradePaymentTerms/Description")) or None,
            "line_items": [
                line
                for item in each(trade, "IncludedSupplyChainTradeLineItem")
                if (line := _line(values, item)) is not None
            ],
        }
    )


def _due(values: Values, settlement: Any) -> date | None:
    """BT-9. Of several days the last one: those before it are for who pays less, and early."""
    terms = [(first(t, "DueDateDateTime"), t) for t in each(settlement, "SpecifiedTradePaymentTerms")]
    full = [due for due, t in terms if due is not None and first(t, "ApplicableTradePaymentDiscountTerms") is None]
    days = [values.day(due, "DateTimeString", ".") for due in full or [due for due, _ in terms if due is not None]]
    return max((day for day in days if day is not None), default=None)


def _name(values: Values, party: Any) -> str | None:
    return values.word(party, "Name", "SpecifiedLegalOrganization/TradingBusinessName")


def _address(values: Values, party: Any) -> str | None:
    place = first(party, "PostalTradeAddress")
    return address(
        [values.word(place, name) for name in ("LineOne", "LineTwo", "LineThree")],
        values.word(place, "PostcodeCode"),
        values.word(place, "CityName"),
        values.code(place, "CountryID"),
    )


def _registration(values: Values, party: Any, scheme: str) -> str | None:
    """VA: the VAT id; FC: the tax number ("fiscal code"), which keeps its spaces and strokes."""
    for number in each(party, "SpecifiedTaxRegistration/ID"):
        if number.get("schemeID") == scheme:
            return values.code(number, ".") if scheme == "VA" else values.word(number, ".")
    return None


def _tax_line(values: Values, tax: Any) -> dict[str, Any]:
    return {
        "rate": values.amount(tax, "RateApplicablePercent", "ApplicablePercent"),
        "net": values.amount(tax, "BasisAmount"),
        "tax": values.amount(tax, "CalculatedAmount"),
    }


def _line(values: Values, item: Any) -> dict[str, Any] | None:
    """A line that is charged; None for one that sums up, or only says something."""
    if values.code(item, "AssociatedDocumentLineDocument/LineStatusReasonCode") in _NO_LINE:
        return None
    agreement = first(item, "SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement")
    delivery = first(item, "SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery")
    settlement = first(item, "SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement")
    quantity = first(delivery, "BilledQuantity", "RequestedQuantity")
    summation = "SpecifiedTradeSettlementLineMonetarySummation"
    amount = values.amount(
        settlement, f"{summation}/LineTotalAmount", "SpecifiedTradeSettlementMonetarySummation/LineTotalAmount"
    )
    price = first(agreement, "NetPriceProductTradePrice")
    line = {
        "description": values.word(item, "SpecifiedTradeProduct/Name", "SpecifiedTradeProduct/Description"),
        "quantity": values.amount(quantity, "."),
        "unit": quantity.get("unitCode") if quantity is not None else None,
        "unit_price": price_of_one(values.amount(price, "ChargeAmount"), values.amount(price, "BasisQuantity")),
        "tax_rate": values.amount(
            settlement, "ApplicableTradeTax/RateApplicablePercent", "ApplicableTradeTax/ApplicablePercent"
        ),
        "amount": amount,
    }
    if amount is None and line["unit_price"] is None and line["quantity"] is None:
        return None
    return line
