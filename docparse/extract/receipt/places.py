"""What the rows above the items of a receipt are: name, address, phone, tax number, title and so on.

The words are in ``places.toml``. What this file is not: it does not choose among several names
or say where the address ends (``receipt_head.py``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

from docparse.extract.receipt.words import folded, meanings
from docparse.extract.values import dates, emails, phones, postcodes

HeadKind = Literal["name", "address", "phone", "tax_id", "registration", "web", "title", "licensee", "body", "noise"]

REGISTRATION = re.compile(
    r"[\[({]?\s*(?:(?:co|company|comp|business|biz)\s*\.?\s*)?(?:reg(?:istration|n|d)?\s*\.?\s*)?(?:(?:no|n0|number)\s*[.:]*\s*)?[\[(:]*\s*"
    r"(?<![\w-])(?:[A-Z]{1,3}\d{4,12}|\d{5,12})\s?[-–]\s?[A-Z0-9]{1,3}(?![\w-])\s*[\])}]*"
    r"|[\[({]\s*\d{5,7}\s?[A-Z]\s*[\])}]"
    r"|[\[(]\s*(?:co|company|reg|roc|rob|ssm)\b[^)\]]*\d[^)\]]*[\])]?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?i)\b(?:co(?:mpany)?|business|reg(?:istration)?|roc|rob|ssm)\b[\s.]*(?:reg\w*[\s.]*)?(?:no|n0|number|id)?\b[\s.:]*\(?[A-Z]{0,3}\d{4,}"
)
_TAX_ID = re.compile(
    r"(?i)(?<![^\W_])(?:g\s?s\s?t|6st|sst|s\.?s\.?t|vat|tax|tin|abn|a\.b\.n|uid|ust|mwst|steuer|siret|siren|tva|rcs"
    r"|nif|cif|n\.i\.f|c\.i\.f|p\.?\s?iva|partita iva|kvk|btw|npwp|rfc|cnpj|uen|ein|gstin|service tax)(?![^\W_])"
    r"[\s.\-/]*(?:reg|id|no|nr|n[°º]|num|identification|\W{0,3}\d|[:#])"
    r"|税号|纳税人"
)
_PHONE = re.compile(
    r"(?i)(?<![^\W_])(?:tel|tei|te1|tele|phone|telephone|h/?p|fax|mobile|hotline|whats\s?app|care\s?line|telefon"
    r"|t[eé]l[eé]phone|t[eé]l|tlf|tfno|telefono|gsm|call us|office)(?![^\W_])\s*(?:no|nr|n[°º])?\s*[.:：/)(+&-]*\s*"
    r"(?:[+(\d]|fax|$)|电\s*话|☎|(?i:\btel\b\s*[.:/&])|(?i:\bfax\b\s*[.:])"
)
_WEB = re.compile(r"(?i)www\.|https?:|\.com\b|\.net\b|\.my\b|facebook|instagram|e-?mail\s*[:.]|\bfb\b\s*[:.]|@")


@dataclass(frozen=True, slots=True)
class _Words:
    legal: frozenset[tuple[str, ...]]
    weak: frozenset[str]
    signs_of_legal: tuple[str, ...]
    business: frozenset[tuple[str, ...]]
    business_signs: tuple[str, ...]
    follows: frozenset[str]
    owner: tuple[str, ...]
    licensee: tuple[str, ...]
    street: frozenset[tuple[str, ...]]
    endings: tuple[str, ...]
    signs: tuple[str, ...]
    places: dict[tuple[str, ...], str]


@cache
def words() -> _Words:
    """The words of ``places.toml``."""
    raw = tomllib.loads((files("docparse.extract") / "receipt" / "places.toml").read_text("utf-8"))
    listed = {name: [tuple(p.split()) for p in raw[name]] for name in ("legal", "business", "street")}
    ascii_only = {name: frozenset(p for p in phrases if p[0].isascii()) for name, phrases in listed.items()}
    signs = {name: tuple(p[0] for p in phrases if not p[0].isascii()) for name, phrases in listed.items()}
    places = {tuple(p.split()): country for country, names in raw["places"].items() for p in names}
    return _Words(
        ascii_only["legal"],
        frozenset(raw["weak"]),
        signs["legal"],
        ascii_only["business"],
        signs["business"],
        frozenset(raw["follows"]),
        tuple(raw["owner"]),
        tuple(raw["licensee"]),
        ascii_only["street"],
        tuple(raw["endings"]),
        tuple(raw["signs"]),
        places,
    )


@lru_cache(maxsize=4096)
def split(text: str) -> tuple[str, ...]:
    """Its words, folded; ``&`` is one, dots and the like are none."""
    return tuple(re.findall(r"\d+(?=[^\W\d_]{4})|[^\W_]+|&", folded(text)))


def _has(text: str, phrases: frozenset[tuple[str, ...]]) -> bool:
    said = split(text)
    return any(said[i : i + n] in phrases for n in (1, 2, 3, 4, 5) for i in range(len(said) - n + 1))


def legal_form(text: str) -> int | None:
    """Where the legal form begins that ends this name; None without one."""
    if any(sign in text for sign in words().signs_of_legal):
        return text.index(next(s for s in words().signs_of_legal if s in text))
    matches = list(re.finditer(r"[^\W_]+(?:/[^\W_]\b)?|&", folded(text)))
    said = [m.group() for m in matches]
    for size in (5, 4, 3, 2, 1):
        for at in range(len(said) - size, 0 if size < 2 else -1, -1):
            part = tuple(said[at : at + size])
            joined = "".join(part)
            known = (
                part in words().legal
                or (size > 1 and (joined,) in words().legal and len(joined) < 7)
                or is_sdn_bhd(part)
            )
            if not known or (size == 1 and joined in words().weak):
                continue
            rest = text[matches[at + size - 1].end() :]
            if not re.search(r"[^\W\d_]{3}", rest):
                return matches[at].start()
    return None


def is_sdn_bhd(part: tuple[str, ...]) -> bool:
    """``Sdn Bhd`` with a letter misread: Sn Bhd, SON BHD, SDN 8HD."""
    if part in (("sdn", "hd"), ("sdn", "bh"), ("sdn", "bd")):
        return True
    if len(part) != 2 or not (2 <= len(part[0]) <= 4 and 3 <= len(part[1]) <= 4):
        return False
    from rapidfuzz.distance import Levenshtein

    far = Levenshtein.distance(part[0], "sdn"), Levenshtein.distance(part[1], "bhd")
    return sum(far) <= 1 or (
        far[0] <= 1 and far[1] <= 1 and part[1].startswith(("b", "8")) and part[0].startswith(("s", "5"))
    )


def is_business(text: str) -> bool:
    """Whether it says what kind of shop it is."""
    return _has(text, words().business) or any(sign in text for sign in words().business_signs)


def country_of(text: str) -> str | None:
    """The country (ISO 3166) of the last place that is named."""
    said = split(text)
    found = None
    for at in range(len(said)):
        for size in (4, 3, 2, 1):
            country = words().places.get(said[at : at + size]) if at + size <= len(said) else None
            if country and (size > 1 or len(said[at]) > 2):
                found = country
    if found is None:
        found = next((c for names, c in words().places.items() if not names[0].isascii() and names[0] in text), None)
    return found


def is_place(text: str) -> bool:
    """Whether it is nothing but places: ``SELANGOR, MALAYSIA``."""
    said = split(text)
    at = 0
    while at < len(said):
        size = next((n for n in (4, 3, 2, 1) if said[at : at + n] in words().places), 0)
        if not size:
            return False
        at += size
    return bool(said)


def joins_place(upper: str, lower: str) -> bool:
    """Whether a place begins at the end of one line and ends on the next: KUALA / LUMPUR, MALAYSIA."""
    above, below = split(upper), split(lower)
    return any(
        (*above[-before:], *below[:after]) in words().places
        for before in (1, 2)
        for after in (1, 2)
        if len(above) >= before
    )


def address_score(text: str) -> float:
    """How much it looks like a line of an address; 2 is enough."""
    score = 0.0
    said = split(text)
    streets = sum((word,) in words().street for word in said)
    streets += sum(len(word) > len(end) + 2 and word.endswith(end) for word in said for end in words().endings)
    has_digit = any(c.isdigit() for c in text)
    if streets:
        score += 1.5 if has_digit or streets > 1 or len(said) > 1 else 0.5
        score += 0.5 * has_digit + 0.5 * (streets > 1)
    if re.search(r"^\W*c/ ?[^\W\d_]|[^\W\d_]{3,}\.?,?\s\d{1,4}\s?[a-z]?,?$", text, re.IGNORECASE):
        score += 1.0
    if re.match(
        r"(?i)\s*(?:no\.?\s*\d|no[.,]\s?[\w]|lot\b.*\d|unit\b.*\d|#\s?\w?\d|[A-Z]{0,2}-?\d+[A-Z]?(?:[-/&]\w+)*\s?,\s*\S|\d+[A-Z]?\s[^\W\d_]{3,})",
        text,
    ):
        score += 1.5
    codes = [m for m in postcodes(text) if m.sure >= 0.3]
    if codes:
        best = max(codes, key=lambda m: m.sure)
        worded = len(re.findall(r"[^\W\d_]{3,}", text)) > 0
        score += 2.0 if best.sure >= 0.6 or (len(re.sub(r"\D", "", best.value)) >= 5 and worded) else 1.0
    elif re.search(r"(?<![^\W_])[A-Z]{2}\s?\d{5}(?:-\d{4})?$", text.rstrip(" .,")):
        score += 2.0  # a state and its ZIP code, read as one word
    if country_of(text):
        score += 2.0 if is_place(text) or has_digit or "," in text else 1.0
    score += 0.5 * text.rstrip().endswith(",") + 0.5 * bool(re.search(r"\d\s?,|,\s?\d", text))
    signs = sum(sign in text for sign in words().signs)
    return score + (2.0 if signs > 1 and has_digit else 1.0 if signs > 1 else 0.0)


def tail_cut(text: str) -> int:
    """Where phone, tax or registration numbers begin in a row that starts with something else; its length if never."""
    places = [m.start() for pattern in (REGISTRATION, _NUMBERED, _TAX_ID, _PHONE) for m in pattern.finditer(text)]
    places += [m.start for m in emails(text)]
    at = min((p for p in places if p > 2), default=len(text))
    while at < len(text) and at > 0 and text[at - 1] in "([{ ":
        at -= 1
    return at if re.search(r"[^\W_]{2}", text[:at]) else len(text)


def prefix_cut(text: str, prefixes: tuple[str, ...]) -> int:
    """Where the text begins behind one of the prefixes (``owned by:``); 0 without one."""
    plain = folded(text)
    for prefix in sorted(prefixes, key=len, reverse=True):
        match = re.match(rf"\W*{re.escape(prefix)}\b[\s.:\-]*", plain)
        if match:
            return match.end()
    return 0


@lru_cache(maxsize=4096)
def head_kind(text: str) -> HeadKind:
    """What a row of the head is."""
    if not re.search(r"[^\W\d_]{2}|[\u3400-\u9fff]", text):
        return _without_words(text)
    begins = min((m.start() for p in (_TAX_ID, _PHONE) if (m := p.search(text))), default=len(text))
    if begins <= 2:
        return "tax_id" if _TAX_ID.match(text, begins) else "phone"
    lead = text[: tail_cut(text)]
    if len(lead) < len(text) and re.search(r"[^\W\d_]{3}", lead) and head_kind(lead) in ("name", "address"):
        return head_kind(lead)
    if _TAX_ID.search(text):
        return "tax_id"
    if _PHONE.search(text):
        return "phone"
    if _NUMBERED.search(text) or REGISTRATION.fullmatch(text.strip()):
        return "registration"
    if legal_form(text) is not None and not prefix_cut(text, words().licensee):
        return "name"
    if _WEB.search(text) and not (is_business(text) and "@" in text):
        return "web"
    if prefix_cut(text, words().licensee):
        return "licensee"
    if any(m.sure > 0.5 for m in dates(text, ocr=True)) or (_said(text, "body", 0.0) and re.search(r"\d|[:：#]", text)):
        return "body"
    if _said(text, "title", 0.6):
        return "title"
    if _said(text, "body", 0.8):
        return "body"
    if address_score(text) >= 2 and not (is_business(text) and not re.search(r"\d", text) and not is_place(text)):
        return "address"
    return "name" if len(re.findall(r"[^\W\d_]", text)) >= 3 or re.search(r"[\u3400-\u9fff]{2}", text) else "noise"


def _without_words(text: str) -> HeadKind:
    if REGISTRATION.fullmatch(text.strip()):
        return "registration"
    if any(m.sure > 0.5 for m in dates(text, ocr=True)):
        return "body"
    if any(m.sure >= 0.5 for m in phones(text)):
        return "phone"
    return "address" if address_score(text) >= 2 else "noise"


def _said(text: str, kind: str, share: float) -> bool:
    """Whether words of a kind begin the text and are this share of its letters."""
    found = [m for m in meanings(text) if m.kind == kind]
    letters = [i for i, c in enumerate(text) if c.isalpha()]
    if not found or not letters:
        return False
    first = re.search(r"[^\W\d_]{2,}|[\u3400-\u9fff]", text)
    begins = first is not None and any(m.start <= first.start() < m.end for m in found)
    known = sum(any(m.start <= i < m.end for m in found) for i in letters)
    return begins and known >= share * len(letters)
