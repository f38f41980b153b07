"""VAT ids and other tax numbers, each given to the party in whose block it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docparse.extract.invoice.beside import Place, Surroundings
from docparse.extract.invoice.party_candidates import Role
from docparse.extract.invoice.scored import Found, best
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.values import vat_ids
from docparse.geometry import BBox

Boxes = Sequence[tuple[Role, int, BBox]]

_TAX = re.compile(r"[A-Z]{0,3}\s?\d[\dA-Z]*(?:[ /.-]?[\dA-Z]+){0,6}")
_VAT_LIKE = re.compile(r"(?:[A-Z]{2,3}[ .-]?)?[A-Z0-9]{1,4}\d(?:[ ./-]?[A-Z0-9]){5,13}")
FOOT = 0.8
NEAR = 0.09
"""Share of the page's height that a number may stand off its party's lines."""


def find_tax_ids(text: DocumentText, around: Sequence[Surroundings], parties: Boxes) -> dict[str, Found]:
    """``seller_vat_id``, ``buyer_vat_id`` and ``seller_tax_id``."""
    by_role: dict[str, list[Found]] = {"seller": [], "buyer": []}
    everything = list(_vat_ids(text, around))
    values = {one.value for one, _ in everything}
    for one, said in everything:
        role, sure = (said, 0.95) if said else _owner(one.span, text, parties)
        if role == "ship_to":
            continue
        if role is None:
            # A page with one number has the seller's: the buyer need not print theirs.
            role, sure = "seller", 0.8 if len(values) == 1 else 0.45
        if role in by_role:
            by_role[role].append(Found(one.value, one.span, one.score * sure))
    found = {}
    seller, buyer = best(by_role["seller"]), best(by_role["buyer"])
    if seller is not None and seller.score >= 0.3:
        found["seller_vat_id"] = seller
    if buyer is not None and buyer.score >= 0.3 and not (seller is not None and buyer.value == seller.value):
        found["buyer_vat_id"] = buyer
    tax = best(_tax_ids(text, around, parties))
    if tax is not None and tax.score >= 0.3:
        found["seller_tax_id"] = tax
    return found


def _owner(span: Span, text: DocumentText, parties: Boxes) -> tuple[str | None, float]:
    """Whose number it is by the lines it stands with."""
    page = text.page(span.page)
    # The whole stretch of words that the number stands in: "Registered office: ..., VAT no. 123".
    box = next((s.box for s in page.segments if any(w.box == span.words[0].box for w in s.words)), span.box)
    height = page.page.height
    reach: list[tuple[float, str]] = []
    for role, number, party in parties:
        if number != span.page:
            continue
        side = max(party.x1 - box.x2, box.x1 - party.x2, 0.0)
        apart = max(party.y1 - box.y2, box.y1 - party.y2, 0.0)
        # Numbers stand in their party's column, or under its lines.
        if side < 0.25 * height and apart < NEAR * height:
            reach.append((apart + 2.0 * side, role))
    if reach:
        return min(reach)[1], 0.92
    if box.y1 > FOOT * height or box.y1 < 0.1 * height:
        return "seller", 0.88
    return None, 0.0


def _vat_ids(text: DocumentText, around: Sequence[Surroundings]) -> Iterator[tuple[Found, Role | None]]:
    """The VAT ids of a document, and whose they are where a label says it."""
    seen: set[tuple[str, int, int]] = set()
    for page in around:
        for label in page.labels:
            if label.field not in ("vat_id", "buyer_vat_id"):
                continue
            said: Role | None = "buyer" if label.field == "buyer_vat_id" else None
            for place in page.places(label):
                if place.relation == "before":
                    continue
                value = _vat_at(place)
                if value is None:
                    if place.relation in ("after", "right"):
                        break  # the field is filled with something else
                    continue
                number, start, end, sure = value
                span = place.span(start, end)
                seen.add((number, span.page, int(span.box.y1)))
                yield Found(number, span, sure * place.fit), said
                break
    for page_text in text.pages:
        for row in page_text.rows:
            for match in vat_ids(row.text):
                span = row.span(match.start, match.end)
                if match.sure > 0.9 and (match.value, span.page, int(span.box.y1)) not in seen:
                    yield Found(match.value, span, 0.8), None


def _vat_at(place: Place) -> tuple[str, int, int, float] | None:
    """The id that a place begins with: by its country's form, else by what such ids look like."""
    formed = [m for m in vat_ids(place.text) if m.start <= 6]
    if formed:
        m = formed[0]
        return m.value, m.start, m.end, 0.97 if m.sure > 0.9 else 0.85
    start = len(place.text) - len(place.text.lstrip())
    like = _VAT_LIKE.match(place.text, start)
    if like is None:
        return None
    value = re.sub(r"[ .]", "", like.group())
    return (value, like.start(), like.end(), 0.72) if sum(c.isdigit() for c in value) >= 6 else None


def _tax_ids(text: DocumentText, around: Sequence[Surroundings], parties: Boxes) -> Iterator[Found]:
    for page in around:
        for label in page.labels:
            if label.field != "tax_id":
                continue
            for place in page.places(label):
                if place.relation == "before":
                    continue
                start = len(place.text) - len(place.text.lstrip())
                match = _TAX.match(place.text, start)
                if match is None or sum(c.isdigit() for c in match.group()) < 6:
                    break
                span = place.span(match.start(), match.end())
                role, sure = _owner(span, text, parties)
                if role in (None, "seller"):
                    yield Found(match.group().strip(), span, 0.9 * place.fit * (sure or 0.6))
                break
