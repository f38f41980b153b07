"""Numbers with check digits: IBAN, BIC, VAT id, GTIN."""

from __future__ import annotations

from docparse.extract.values.match import Match


def ibans(text: str) -> list[Match[str]]:
    """The IBANs in the text, without spaces."""
    return []


def bics(text: str) -> list[Match[str]]:
    """The BICs in the text."""
    return []


def vat_ids(text: str) -> list[Match[str]]:
    """The VAT ids in the text, without spaces and dots."""
    return []


def gtins(text: str) -> list[Match[str]]:
    """The GTINs (EAN-8, UPC, EAN-13, GTIN-14) in the text."""
    return []
