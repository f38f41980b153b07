"""Ways to reach somebody: e-mail, phone, postcode."""

from __future__ import annotations

from docparse.extract.values.match import Match


def emails(text: str) -> list[Match[str]]:
    """The e-mail addresses in the text."""
    return []


def phones(text: str) -> list[Match[str]]:
    """The phone numbers in the text."""
    return []


def postcodes(text: str) -> list[Match[str]]:
    """The postcodes in the text."""
    return []
