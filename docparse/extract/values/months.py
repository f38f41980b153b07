"""Names of months, in the languages that docparse reads, from CLDR; and spellings that CLDR does not list."""

from __future__ import annotations

import unicodedata
from functools import cache

LANGUAGES = ("en", "de", "fr", "nl", "es", "it", "pt", "ms", "id")
"""CLDR locales whose months are read. A name that two of them share means the same month in both."""

_ALSO = {
    "sept": 9,
    "mrz": 3,
    "maerz": 3,
    "jaen": 1,
    "janner": 1,
    "jaenner": 1,
    "jan": 1,
    "fev": 2,
    "fevr": 2,
    "avr": 4,
    "juil": 7,
    "aout": 8,
    "set": 9,
    "mrt": 3,
    "maart": 3,
    "ogo": 8,
    "ogos": 8,
    "dis": 12,
    "julai": 7,
    "setiembre": 9,
}


def folded(name: str) -> str:
    """Lower case, without accents and full stops."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c != ".")


@cache
def months() -> dict[str, int]:
    """Month by folded name, full and short."""
    from babel import Locale

    found = dict(_ALSO)
    for language in LANGUAGES:
        names = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in names[context][width].items():
                    found.setdefault(folded(name), number)
    return found
