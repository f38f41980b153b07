"""Typed values of an invoice's XML. Both syntaxes write numbers and dates alike, and break the rules alike.

A value that is not what it should be is left out and noted: what is wrong is not guessed at.
What this file is not: it knows no element by name; ``einvoice_cii`` and ``einvoice_ubl`` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from docparse.document import clean

_LONGEST = 2000
"""Characters of a text; longer ones are cut. Terms of payment have some hundreds."""
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:$|[TZ+-])")
_COMPACT_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{4}|[0-9]{6})?$")
# Countries where the postcode stands after the town.
_POSTCODE_LAST = frozenset({"AU", "CA", "GB", "HK", "IE", "IN", "MY", "NZ", "SG", "US", "ZA"})


class Values:
    """Reads values by path; ``wrong`` holds what was there and could not be read, as sentences.

    A path has the local names of elements, ``Party/Name``: namespaces differ by version and say nothing.
    """

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def text(self, node: Any, *paths: str) -> str | None:
        """The text of the first of these elements that has one."""
        for path in paths:
            for element in each(node, path):
                found = clean(element.text or "").strip()[:_LONGEST]
                if found:
                    return found
        return None

    def texts(self, node: Any, path: str) -> list[str]:
        """Those of all of them, each once, in order."""
        every = (clean(element.text or "").strip()[:_LONGEST] for element in each(node, path))
        return list(dict.fromkeys(found for found in every if found))

    def word(self, node: Any, *paths: str) -> str | None:
        """A text in one line: names and numbers."""
        found = self.text(node, *paths)
        return None if found is None else " ".join(found.split())

    def code(self, node: Any, *paths: str) -> str | None:
        """A text without spaces, in capitals: IBAN, VAT id, currency."""
        found = self.text(node, *paths)
        return None if found is None else "".join(found.split()).upper()

    def amount(self, node: Any, *paths: str) -> Decimal | None:
        """A number as XML Schema writes it: with a point, without an exponent."""
        found = self.text(node, *paths)
        if found is None:
            return None
        if not _DECIMAL.fullmatch(found):
            self._note(found, "number", paths[0])
            return None
        return Decimal(found)

    def day(self, node: Any, *paths: str) -> date | None:
        """A date: ISO (``2024-01-31``), or compact (``20240131``, UN/CEFACT's formats 102, 203 and 204)."""
        found = self.text(node, *paths)
        if found is None:
            return None
        parts = _DAY.match(found) or _COMPACT_DAY.match(found)
        try:
            if parts:
                return date(int(parts[1]), int(parts[2]), int(parts[3]))
        except ValueError:
            pass  # the 30th of February
        self._note(found, "date", paths[0])
        return None

    def _note(self, found: str, kind: str, path: str) -> None:
        self.wrong.append(f"{path.rpartition('/')[2]} says {found[:40]!r}, which is no {kind}")


def each(node: Any, path: str) -> Iterator[Any]:
    """The elements at a path below ``node``, ``.`` itself; None has none."""
    if node is not None and path == ".":
        yield node
    elif node is not None:
        yield from node.iterfind("/".join(f"{{*}}{name}" for name in path.split("/")))


def first(node: Any, *paths: str) -> Any:
    """The first element at the first of these paths that has one, or None."""
    return next((element for path in paths for element in each(node, path)), None)


def address(lines: list[str | None], postcode: str | None, town: str | None, country: str | None) -> str | None:
    """One line as people write it; the country is left out, as letters within it do."""
    place = (town, postcode) if country in _POSTCODE_LAST else (postcode, town)
    parts = [*lines, " ".join(part for part in place if part)]
    return ", ".join(part for part in parts if part) or None


def price_of_one(price: Decimal | None, basis: Decimal | None) -> Decimal | None:
    """A price that may be that of several: 5.20 for 100 is 0.052."""
    if price is None or basis is None or basis <= 0 or basis == 1:
        return price
    return round(price / basis, 10).normalize()


def known(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what the document does not say."""
    return {name: value for name, value in fields.items() if value not in (None, [])}


def in_currency(values: Values, nodes: Iterator[Any], currency: str | None) -> Decimal | None:
    """Of amounts in several currencies the one in the document's; one without a currency is in it."""
    found = list(nodes)
    own = [node for node in found if node.get("currencyID") in (None, "", currency)]
    return values.amount(own[0], ".") if own else None
