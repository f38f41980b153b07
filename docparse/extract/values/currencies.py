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
WORDLIKE = frozenset({"ALL", "ANG", "BAM", "BOB", "COP", "CUP", "GEL", "MAD", "MOP", "PEN", "SOS", "TOP", "TRY"})
# No longer legal tender and still on the documents that people keep.
_FORMER = frozenset({"DEM", "HRK"})


@cache
def codes() -> frozenset[str]:
    """The ISO 4217 codes of the currencies in use (CLDR), and two former ones."""
    from babel.core import get_global

    territories = get_global("territory_currencies")
    in_use = {code for spans in territories.values() for code, _, until, tender in spans if tender and until is None}
    return frozenset(in_use) | _FORMER


MONEY = r"(?:[^\W\d_]{0,3}[$€£¥₹₩₫₱฿₺₽₴₪₦]|[元円]|[^\W\d_]{2,8}\.?)"
"""What may be a currency beside a number, in plain text: ``code_beside`` says whether it is one."""


@cache
def _beside() -> dict[str, str]:
    words = {name: code for name, (code, _) in WORDS.items()}
    named = {code: code for code in codes() if code not in WORDLIKE}
    for code in ("EUR", "USD", "CHF", "GBP"):
        named.update({code.lower(): code, code.capitalize(): code})
    for word in ("euro", "euros"):
        named.update({word.upper(): "EUR", word.capitalize(): "EUR"})
    return {**words, **named, **{sign: code for sign, (code, _) in SIGNS.items()}}


def code_beside(printed: str, text: str) -> str | None:
    """The ISO code for what ``MONEY`` matched beside an amount in ``text``; None where it is no currency."""
    names = _beside()
    code = names.get(printed) or names.get(printed.rstrip("."))
    return _yen_or_yuan(text)[0] if code == "JPY" and printed == "¥" else code


def _yen_or_yuan(text: str) -> tuple[str, float]:
    """¥ is the sign of both: kana beside it are Japanese, Chinese characters alone and the full-width sign Chinese."""
    if any("\u3040" <= c <= "\u30ff" for c in text):
        return "JPY", 0.8
    if any("\u4e00" <= c <= "\u9fff" for c in text):
        return "CNY", 0.8
    return ("CNY", 0.6) if "￥" in text else ("JPY", 0.5)


def code_of(printed: str) -> str | None:
    """The ISO code for a sign, word or code as printed; None where it stands for none."""
    name = plain(printed).strip()
    if name in SIGNS:
        return _yen_or_yuan(printed)[0] if name == "¥" else SIGNS[name][0]
    if name.lower() in WORDS:
        return WORDS[name.lower()][0]
    code = name.upper()
    return code if code in codes() else None


@cache
def _anywhere() -> re.Pattern[str]:
    def alternatives(names: list[str]) -> str:
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))

    lettered = [name for name in SIGNS if name[-1].isascii() and (name[-1].isalpha() or name[-1] == ".")]
    lettered += ["zł", "Kč"]
    bare = [name for name in SIGNS if name not in lettered]
    words = [form for word in WORDS for form in (word, word.upper(), word.capitalize())]
    # A code may be glued to digits (EUR12), never to letters; a sign of its own may stand anywhere.
    return re.compile(
        rf"(?<![^\W\d_])(?:{alternatives([*lettered, *codes(), *words])})(?![^\W\d_])"
        rf"|(?<![^\W\d_])(?:{alternatives(bare)})|[€¥円元£₹]"
    )


def currencies(text: str) -> list[Match[str]]:
    """The currencies named in the text, as ISO 4217 codes."""
    searched = plain(text)
    found = []
    for match in _anywhere().finditer(searched):
        name = match.group()
        if name == "¥":
            code, sure = _yen_or_yuan(text)
        elif name in SIGNS:
            code, sure = SIGNS[name]
        elif name.lower() in WORDS:
            code, sure = WORDS[name.lower()]
        else:
            code, sure = name, 0.3 if name in WORDLIKE else 0.9
        found.append(Match(code, text[match.start() : match.end()], match.start(), match.end(), sure))
    return found
