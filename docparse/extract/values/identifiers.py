"""Numbers with check digits: IBAN, BIC, VAT id, GTIN. python-stdnum has the rules; here is the search.

A number of the right form whose check digits are wrong comes back with a low ``sure``: it is printed, and
the reader of the page may have misread a digit. GTINs have no form of their own and must check.
"""

from __future__ import annotations

import re
from functools import cache

from docparse.extract.values.match import Match, plain
from docparse.extract.values.vat_forms import FORMS, WORDS

_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[ ]?\d{2}(?:[ ]{0,2}[.-]?[A-Z0-9]){11,30}")
_IBAN_OCR = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[ ]?[\dOIlSB]{2}(?:[ ]{0,2}[.-]?[A-Za-z0-9]){11,30}")
# Written like an IBAN, in fours: a digit may be missing. At least 15 characters, the shortest country's length.
_FOURS = re.compile(r"(?<![A-Z0-9])(?P<country>[A-Z]{2})\d{2}(?: \d{4}){3,7}(?: \d{1,3})?(?! ?\w*\d|\w)")
_FOR_DIGIT = str.maketrans("OoIlSBQZ", "00115802")


@cache
def _bban(country: str) -> str | None:
    """The kind of each character after the check digits: n digit, a letter, c either; None: no IBAN there."""
    from stdnum import numdb

    parts = numdb.get("iban").info(country + "00")
    form = parts[0][1].get("bban") if parts else None
    if not form:
        return None
    return "".join(kind * int(count) for count, kind in re.findall(r"(\d+)!?([nac])", form))


def ibans(text: str, *, ocr: bool = False) -> list[Match[str]]:
    """The IBANs in the text; ``value`` without spaces.

    0.99 where form and check digits fit, 0.4 where only the check digits do not, 0.2 for groups of four that
    are not as long as the country's IBANs are.
    ``ocr`` reads O as 0, I as 1 and so on where the country's form has digits, if the check digits then fit.
    """
    searched = plain(text)
    found: list[Match[str]] = []
    for match in (_IBAN_OCR if ocr else _IBAN).finditer(searched):
        form = _bban(match.group()[:2])
        if form is None:
            continue
        length = 4 + len(form)
        places = [i for i, c in enumerate(match.group()) if c.isalnum()]
        if len(places) < length:
            continue
        end = match.start() + places[length - 1] + 1
        if searched[end : end + 1].isalnum():
            continue  # longer than an IBAN of that country: another number
        value = "".join(match.group()[i] for i in places[:length])
        sure = 0.99
        if ocr and not iban_checks(value):
            kinds = "aann" + form
            mended = "".join(c.translate(_FOR_DIGIT) if k == "n" else c for c, k in zip(value, kinds, strict=True))
            if iban_checks(mended):
                value, sure = mended, 0.8
        if not iban_checks(value):
            if not all(c.isdigit() for c, k in zip(value[4:], form, strict=True) if k == "n"):
                continue
            sure = 0.4
        found.append(Match(value, text[match.start() : end], match.start(), end, sure))
    for match in _FOURS.finditer(searched):
        start, end = match.span()
        if _bban(match["country"]) and not any(start < other.end and other.start < end for other in found):
            found.append(Match(match.group().replace(" ", ""), text[start:end], start, end, 0.2))
    return sorted(found, key=lambda m: m.start)


def iban_checks(value: str) -> bool:
    """Whether length, form and check digits of an IBAN fit.

    Its country's own rules are left out: they ask whether the bank is on a list, and the list ages.
    """
    from stdnum import iban

    return bool(iban.is_valid(value, check_country=False))


_BIC = re.compile(
    r"(?<![A-Z0-9])[A-Z]{4}[ ]?(?P<country>[A-Z]{2})[ ]?[A-Z0-9]{2}(?:[ ]?(?P<branch>[A-Z0-9]{3}))?(?![\w])"
)


@cache
def _countries() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("territory_currencies")) | {"XK"}


def bics(text: str) -> list[Match[str]]:
    """The BICs in the text. Eight capitals may be a word (DOCUMENT is of the form): 0.3 without a digit or XXX."""
    from stdnum import bic

    searched = plain(text)
    found: list[Match[str]] = []
    for match in _BIC.finditer(searched):
        value = match.group().replace(" ", "")
        if match["country"] not in _countries() or not bic.is_valid(value):
            continue
        digits = any(c.isdigit() for c in value[6:])
        spaced = " " in match.group()
        sure = 0.95 if value.endswith("XXX") else 0.8 if digits else 0.3
        if spaced:
            if not digits and not value.endswith("XXX"):
                continue  # two words
            sure = min(sure, 0.6)
        found.append(Match(value, text[match.start() : match.end()], match.start(), match.end(), sure))
    return found


_KINDS = {"d": r"\d", "a": "[A-Z0-9]", "l": "[A-Z]"}


def _form(form: str) -> str:
    return "[ .-]?".join(_KINDS.get(kind, kind) for kind in form)


@cache
def _vat() -> re.Pattern[str]:
    countries = []
    for prefix, forms in FORMS.items():
        alternatives = "|".join(_form(form) for form in forms)
        countries.append(rf"(?:{prefix}[ .:-]{{0,2}}(?:{alternatives}))")
    return re.compile(rf"(?<![A-Z0-9])(?:{'|'.join(countries)})(?![A-Z0-9]|[.-]\d)")


def vat_ids(text: str) -> list[Match[str]]:
    """The VAT ids of the EU, GB, CH and NO in the text, with their prefix; ``value`` without spaces and dots.

    Printed with a space, a dot or a hyphen anywhere. 0.97 where the check digits fit, 0.4 where they do not.
    A Swiss number is CHE and nine digits; MWST, TVA or IVA after it is not part of it.
    """
    searched = plain(text)
    if not re.search(r"\d{2}", searched):
        return []
    taken = [m for m in ibans(searched) if m.sure > 0.9]
    found = []
    for match in _vat().finditer(searched):
        start, end = match.span()
        if any(start < other.end and other.start < end for other in taken):
            continue
        value = re.sub(r"[ .:-]", "", match.group())
        sure = 0.97 if vat_id_checks(value) else 0.4
        prefix = value[:2]
        if sure < 0.9 and prefix in WORDS and not match.group()[2:3].isalnum():
            sure = 0.2
        if sure < 0.9 and prefix == "RO":
            continue  # two to ten digits after two letters are no form
        found.append(Match(value, text[start:end], start, end, sure))
    return found


def vat_id_checks(value: str) -> bool:
    """Whether the check digits of a VAT id with its prefix, without spaces, fit."""
    from stdnum.ch import uid
    from stdnum.eu import vat
    from stdnum.gb import vat as gb_vat
    from stdnum.no import mva

    if value.startswith("CHE"):
        return bool(uid.is_valid(value[:12]))
    if value.startswith(("GB", "XI")):
        return bool(gb_vat.is_valid(value[2:]))
    if value.startswith("NO"):
        return bool(mva.is_valid(value))
    return bool(vat.is_valid(value))


_GTIN = re.compile(r"(?<![\w.,/+-])(?:\d{13,14}|\d{12}|\d{8}|\d[ -]\d{6}[ -]\d{6})(?![\w/]|[.,-]\d)")


def gtins(text: str) -> list[Match[str]]:
    """The GTINs in the text (EAN-13, UPC, GTIN-14, EAN-8) whose check digit fits; ``value`` digits only.

    One number in ten fits by chance: none of them is sure by its form alone.
    """
    from stdnum import ean

    searched = plain(text)
    found = []
    for match in _GTIN.finditer(searched):
        value = re.sub(r"[ -]", "", match.group())
        if ean.is_valid(value):
            sure = {13: 0.7, 8: 0.2}.get(len(value), 0.5)
            found.append(Match(value, text[match.start() : match.end()], match.start(), match.end(), sure))
    return found
