"""Who sells and who buys: names and addresses by layout, words beside them and what they stand with.

Every block of lines that may be a party is a candidate. What speaks for the seller: a label ("Sold by"), a
sender's line above the address window, the letterhead, a footer with register, tax number and bank, a
name that the domain of an e-mail address repeats. What speaks for the buyer: a label, the address window,
a salutation. The pair that fits best wins; what nothing speaks for is left out.

What this file is not: it finds no numbers; but ``roles`` tells ``header`` in whose block a number stands.
"""

from __future__ import annotations

import re
from functools import lru_cache

from docparse.extract.invoice.address import Lines
from docparse.extract.invoice.party_candidates import Candidate, Role, by_layout, footers, labelled, sender_lines
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.result import Evidence, Fields
from docparse.extract.values import emails
from docparse.extract.vocabulary import find_labels, squeeze
from docparse.geometry import BBox

LEAST = 2.0
"""Score below which a name is not given."""
_MARKS = re.compile(r"\s*[·•●∙⋅|■▪♦]\s*|\s+[-–—]\s+")


def find_parties(text: DocumentText) -> Fields:
    """``seller_name``, ``seller_address``, ``buyer_name`` and ``buyer_address``, as printed."""
    found = Fields()
    for role, chosen, sure in choose(candidates(text)):
        found.values[f"{role}_name"] = " ".join(chosen.name.text.split()).strip(" ,;:")
        found.evidence[f"{role}_name"] = _evidence(chosen.name, sure)
        if chosen.address is not None:
            found.values[f"{role}_address"] = _joined(chosen.address)
            found.evidence[f"{role}_address"] = _evidence(chosen.address, sure * 0.95)
    return found


def _evidence(span: Span, sure: float) -> Evidence:
    known = 1.0 if span.confidence is None else span.confidence
    return Evidence(span.text, span.page, span.box, span.block, round(min(sure, sure * (0.5 + 0.5 * known)), 3))


def _joined(span: Span) -> str:
    """The lines of an address with commas between them."""
    rows: list[list[str]] = []
    low = None
    for word in span.words:
        if low is None or word.box.y1 > low - 0.3 * word.box.height:
            rows.append([])
        rows[-1].append(word.text)
        low = word.box.y2
    return _MARKS.sub(", ", ", ".join(" ".join(row).strip(" ,;") for row in rows))


# ------------------------------------------------------------------------------------ who stands where


def role_boxes(text: DocumentText) -> list[tuple[Role, int, BBox]]:
    """Where parties' own lines stand: the role, the page, the box. For numbers that are somebody's."""
    found: list[tuple[Role, int, BBox]] = []
    known = candidates(text)
    chosen = {role: best.key for role, best, _ in choose(known)}
    for one in known:
        role = one.role or next((r for r, key in chosen.items() if key == one.key), None)
        if role is not None:
            found.append((role, one.block.page, one.block.box))
    return found


def choose(known: list[Candidate]) -> list[tuple[Role, Candidate, float]]:
    """The best seller and the best buyer with their confidence; one name is never both."""
    sellers = sorted(known, key=lambda c: -c.seller)
    buyers = sorted(known, key=lambda c: -c.buyer)
    best: tuple[float, Candidate | None, Candidate | None] = (0.0, None, None)
    for seller in [*sellers[:6], None]:
        for buyer in [*buyers[:6], None]:
            if seller is not None and (seller.seller < LEAST or seller.role in ("buyer", "ship_to")):
                continue
            if buyer is not None and (buyer.buyer < LEAST or buyer.role in ("seller", "ship_to")):
                continue
            if seller is not None and buyer is not None and seller.key == buyer.key:
                continue
            score = (seller.seller if seller else 0.0) + (buyer.buyer if buyer else 0.0)
            if score > best[0]:
                best = (score, seller, buyer)
    found: list[tuple[Role, Candidate, float]] = []
    for role, one, rest in (("seller", best[1], sellers), ("buyer", best[2], buyers)):
        if one is None:
            continue
        mine = one.seller if role == "seller" else one.buyer
        others = [c.seller if role == "seller" else c.buyer for c in rest if c.key != one.key]
        lead = mine - max([0.0, *others])
        sure = 0.4 + 0.08 * min(mine, 5.0) + 0.06 * max(0.0, min(lead, 2.0))
        found.append(("seller" if role == "seller" else "buyer", one, min(sure, 0.93)))
    return found


@lru_cache(maxsize=4)
def candidates(text: DocumentText) -> list[Candidate]:
    """All names that may be a party's, with what speaks for each."""
    found: list[Candidate] = []
    for page in text.pages[:1] + text.pages[1:][-2:]:
        labels = find_labels(page, kind="invoice")
        lines = Lines(page, labels)
        found += labelled(page, lines, labels)
        found += sender_lines(lines)
        found += by_layout(lines, first=page is text.pages[0])
        found += footers(lines)
    _window(found)
    _domains(text, found)
    _holders(text, found)
    _repeated(found)
    _left_over(found)
    return found


# ------------------------------------------------------------------------- what the rest of the page says


def _window(found: list[Candidate]) -> None:
    """The block under a sender's line is the window: the buyer's."""
    for sender in found:
        if "sender's line above the window" not in sender.why:
            continue
        box = sender.block.box
        for one in found:
            other = one.block.box
            near = 0 <= other.y1 - box.y2 < 6 * box.height and abs(other.x1 - box.x1) < 6 * box.height
            if one is not sender and one.block.page == sender.block.page and near and one.key != sender.key:
                one.says("in the window", buyer=2.0, seller=-2.0)


def _domains(text: DocumentText, found: list[Candidate]) -> None:
    """Names that an e-mail or web address repeats."""
    domains = set()
    for row in text.rows:
        domains |= {m.value.rpartition("@")[2].lower() for m in emails(row.text)}
        domains |= {
            m.group(1).lower() for m in re.finditer(r"(?:www\.|https?://(?:www\.)?)([\w-]+(?:\.[\w-]+)+)", row.text)
        }
    cores = {squeeze(d.split(".")[-2] if d.count(".") else d)[0] for d in domains}
    cores |= {squeeze(d.rpartition(".")[0])[0] for d in domains}
    common = {
        "gmail",
        "gmx",
        "yahoo",
        "hotmail",
        "outlook",
        "web",
        "tonline",
        "orange",
        "free",
        "live",
        "icloud",
        "example",
        "co",
        "com",
    }
    cores = {c for c in cores if len(c) >= 4 and c not in common}
    for one in found:
        long = [w for w in map(_squeezed, one.name.text.split()) if len(w) >= 4]
        if long and any(long[0] in core or core in one.key for core in cores):
            one.says("its domain", seller=1.3, buyer=-0.5)


def _left_over(found: list[Candidate]) -> None:
    """Where one address in the upper part is the seller's, the only other one is the buyer's."""
    placed = [c for c in found if c.address is not None and c.role is None]
    if any(c.role == "buyer" for c in found) or not placed:
        return
    seller = max(found, key=lambda c: c.seller)
    upper = [c for c in placed if c.block.top < 0.45 and c.block.page == found[0].block.page and c.key != seller.key]
    if seller.seller >= LEAST and len({c.key for c in upper}) == 1:
        for one in upper:
            if "contact or tax numbers beside it" not in one.why:
                one.says("the other address", buyer=1.8)


def _squeezed(text: str) -> str:
    return squeeze(text)[0]


def _holders(text: DocumentText, found: list[Candidate]) -> None:
    """Names that an account is in."""
    for page in text.pages:
        for label in find_labels(page, kind="invoice"):
            if label.field == "account_holder":
                after = squeeze(label.row.text[label.end :])[0]
                for one in found:
                    if len(one.key) >= 4 and one.key in after:
                        one.says("holds the account", seller=1.2)


def _repeated(found: list[Candidate]) -> None:
    """What speaks for one place of a name speaks for the others too, in part."""
    by_name: dict[str, list[Candidate]] = {}
    for one in found:
        by_name.setdefault(one.key, []).append(one)
    for same in by_name.values():
        if len(same) < 2:
            continue
        seller = max(c.seller for c in same)
        buyer = max(c.buyer for c in same)
        with_address = max(same, key=lambda c: (c.address is not None, c.seller))
        for one in same:
            one.seller = max(one.seller, 0.0) * 0.3 + seller * 0.85 if one.role is None else one.seller
            one.buyer = one.buyer if one.role else min(one.buyer, buyer)
            if one.address is None and with_address.role in (None, one.role):
                one.address = with_address.address
