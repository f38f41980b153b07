"""Typed values in text: what is printed, where, and how surely it is such a value by its form."""

from __future__ import annotations

from docparse.extract.values.amounts import Amount, amounts, decimal_mark
from docparse.extract.values.contacts import emails, phones, postcodes
from docparse.extract.values.currencies import currencies
from docparse.extract.values.dates import Order, date_order, dates, times
from docparse.extract.values.identifiers import bics, gtins, ibans, vat_ids
from docparse.extract.values.match import Match
from docparse.extract.values.numbers import Mark
from docparse.extract.values.quantities import Quantity, percentages, quantities

__all__ = [
    "Amount",
    "Mark",
    "Match",
    "Order",
    "Quantity",
    "amounts",
    "bics",
    "currencies",
    "date_order",
    "dates",
    "decimal_mark",
    "emails",
    "gtins",
    "ibans",
    "percentages",
    "phones",
    "postcodes",
    "quantities",
    "times",
    "vat_ids",
]
