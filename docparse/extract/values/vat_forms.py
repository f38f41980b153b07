"""Forms of VAT ids: the EU's (VIES), and those of Great Britain, Switzerland and Norway.

``d`` stands for a digit, ``a`` for a letter or a digit, ``l`` for a letter; capitals for themselves.
Check digits are python-stdnum's work; these forms only say where to look.
"""

from __future__ import annotations

FORMS: dict[str, tuple[str, ...]] = {
    "AT": ("Udddddddd",),
    "BE": ("dddddddddd", "ddddddddd"),
    "BG": ("dddddddddd", "ddddddddd"),
    "CY": ("ddddddddl",),
    "CZ": ("dddddddddd", "ddddddddd", "dddddddd"),
    "DE": ("ddddddddd",),
    "DK": ("dddddddd",),
    "EE": ("ddddddddd",),
    "EL": ("ddddddddd",),
    "ES": ("addddddda",),
    "FI": ("dddddddd",),
    "FR": ("aaddddddddd",),
    "HR": ("ddddddddddd",),
    "HU": ("dddddddd",),
    "IE": ("dddddddll", "dddddddl", "dadddddl"),
    "IT": ("ddddddddddd",),
    "LT": ("dddddddddddd", "ddddddddd"),
    "LU": ("dddddddd",),
    "LV": ("ddddddddddd",),
    "MT": ("dddddddd",),
    "NL": ("dddddddddBdd",),
    "PL": ("dddddddddd",),
    "PT": ("ddddddddd",),
    "RO": ("dddddddddd", "ddddddddd", "dddddddd", "ddddddd", "dddddd"),
    "SE": ("dddddddddddd",),
    "SI": ("dddddddd",),
    "SK": ("dddddddddd",),
    "GB": ("dddddddddddd", "ddddddddd", "GDddd", "HAddd"),
    "XI": ("dddddddddddd", "ddddddddd"),
    "CHE": ("ddddddddd",),
    "NO": ("dddddddddMVA",),
}
WORDS = frozenset({"IT", "ES", "SI", "SE", "NO", "FI", "DE", "EL", "BE", "HR", "RO", "PT"})
"""Prefixes that are words or abbreviations in upper-case print (NO 12345678, DE, PT for points)."""
