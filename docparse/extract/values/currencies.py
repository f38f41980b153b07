"""Currencies in text: ISO 4217 codes and the signs that stand for them."""

from __future__ import annotations

import re
from functools import cache

from docparse.extract.values.match import Match, plain

# Sign -> code, how surely. A lone $ or ¥ is several countries' sign; the common reading, with less trust.
SIGNS: dict[str, tuple[str, float]] = {
    "US$": ("USD", 1.0),
    "A$": ("AUD", 0.95),
    "AU$": ("AUD", 1.0),
    "C$": ("CAD", 0.9),
    "CA$": ("CAD", 1.0),
    "HK$": ("HKD", 1.0),
    "NT$": ("TWD", 1.0),
    "NZ$": ("NZD", 1.0),
    "R$": ("BRL", 1.0),
    "S$": ("SGD", 0.95),
    "MX$": ("MXN", 1.0),
    "$": ("USD", 0.6),
    "€": ("EUR", 1.0),
    "£": ("GBP", 0.9),
    "CN¥": ("CNY", 1.0),
    "JP¥": ("JPY", 1.0),
    "¥": ("JPY", 0.5),
    "元": ("CNY", 0.8),
    "円": ("JPY", 0.95),
    "₹": ("INR", 1.0),
    "₩": ("KRW", 0.95),
    "₫": ("VND", 1.0),
    "₱": ("PHP", 0.95),
    "฿": ("THB", 1.0),
    "₺": ("TRY", 1.0),
    "₽": ("RUB", 1.0),
    "₴": ("UAH", 1.0),
    "₪": ("ILS", 1.0),
    "₦": ("NGN", 1.0),
    "zł": ("PLN", 1.0),
    "Kč": ("CZK", 1.0),
    "Ft": ("HUF", 0.5),
    "RM": ("MYR", 0.9),
    "Rp": ("IDR", 0.8),
    "Rs.": ("INR", 0.7),
    "Rs": ("INR", 0.7),
    "SFr.": ("CHF", 0.95),
    "sFr.": ("CHF", 0.95),
    "SFr": ("CHF", 0.9),
    "Fr.": ("CHF", 0.6),
}
WORDS: dict[str, tuple[str, float]] = {
    "euro": ("EUR", 1.0),
    "euros": ("EUR", 1.0),
    "ringgit": ("MYR", 0.9),
    "us dollar": ("USD", 1.0),
    "us dollars": ("USD", 1.0),
    "pound sterling": ("GBP", 1.0),
    "pounds sterling": ("GBP", 1.0),
    "schweizer franken": ("CHF", 1.0),
    "人民币": ("CNY", 0.95),
}
# Codes that are words or names in upper-case print as well; named alone they prove little.
WORDLIKE = frozenset("ALL AMD ANG BAM BOB CAD COP CUP DOP GEL LAK MAD MOP NIO PAB PEN RON SOS STN TOP TRY".split())
# No longer legal tender and still on the documents that people keep.
_FORMER = frozenset({"DEM", "HRK"})


@cache
def codes() -> frozenset[str]:
    """The ISO 4217 codes of the currencies in use (CLDR), and two former ones."""
    from babel.core import get_global

    territories = get_global("territory_currencies")
    in_use = {code for spans in territories.values() for code, _, until, tender in spans if tender and until is None}
    return frozenset(in_use) | _FORMER


def _signs(*, letters: bool) -> list[str]:
    return sorted((sign for sign in SIGNS if sign[0].isascii() and sign[0].isalpha() is letters), key=len, reverse=True)


@cache
def sign_pattern() -> str:
    """A regular expression (no group) for a currency as it stands beside an amount."""
    named = [*SIGNS, "EUR", "Eur", "Euro", "EURO", "euro", "Euros", "euros", "eur", "usd", "Usd", "chf"]
    named += [code for code in codes() if code not in WORDLIKE]
    return "|".join(re.escape(name) for name in sorted(set(named), key=len, reverse=True))


def code_of(printed: str) -> str | None:
    """The ISO code for a sign, word or code as printed; None where it stands for none."""
    name = plain(printed).strip()
    if name in SIGNS:
        return SIGNS[name][0]
    if name.lower() in WORDS:
        return WORDS[name.lower()][0]
    code = name.upper()
    return code if code in codes() else None


@cache
def _anywhere() -> re.Pattern[str]:
    lettered = [name for name in SIGNS if name[-1].isalpha() or name[-1] == "."]
    bare = [name for name in SIGNS if name not in lettered]
    by_length = {"key": len, "reverse": True}
    signs = "|".join(re.escape(s) for s in sorted(bare, **by_length))  # type: ignore[call-overload]
    alpha = [*lettered, *codes(), *WORDS]
    letters = "|".join(re.escape(s) for s in sorted(alpha, **by_length))  # type: ignore[call-overload]
    # A code may be glued to digits (EUR12), never to letters.
    return re.compile(rf"(?<![^\W\d_])(?:{signs}|(?:{letters})(?![^\W\d_]))|[€¥円元£₹]")


def currencies(text: str) -> list[Match[str]]:
    """The currencies named in the text, as ISO 4217 codes."""
    searched = plain(text)
    found = []
    for match in _anywhere().finditer(searched):
        name = match.group()
        code = code_of(name)
        if code is None:
            continue
        sure = SIGNS[name][1] if name in SIGNS else WORDS.get(name.lower(), ("", 0.9))[1]
        if name in WORDLIKE:
            sure = 0.3
        found.append(Match(code, text[match.start() : match.end()], match.start(), match.end(), sure))
    return found
