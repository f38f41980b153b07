"""Who sells and who buys: names and addresses by layout, words beside them and what they stand with.

Every block of lines that may be a party is a candidate. What speaks for the seller: a label ("Sold by"), a
sender's line above the address window, the letterhead, a footer with register, tax number and bank, a
name that the domain of an e-mail address repeats. What speaks for the buyer: a label, the address window,
a salutation. The pair that fits best wins; what nothing speaks for is left out.

What this file is not: it finds no numbers; but ``roles`` tells ``header`` in whose block a number stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from docparse.extract import address
from docparse.extract import address_words as words
from docparse.extract.address import Line, Lines, PartyBlock
from docparse.extract.page_text import DocumentText, PageText, Span
from docparse.extract.result import Evidence, Fields
from docparse.extract.values import emails
from docparse.extract.vocabulary import Label, find_labels, squeeze
from docparse.geometry import BBox

Role = Literal["seller", "buyer", "ship_to"]
ROLE_FIELDS: tuple[Role, ...] = ("seller", "buyer", "ship_to")

LEAST = 2.0
"""Score below which a name is not given."""
_SEPARATORS = re.compile(r"\s*[·•●∙⋅|¦*–—■▪♦]\s*|\s+-\s+|\s*[,;]\s+|\s{2,}")
_MARKS = re.compile(r"\s*[·•●∙⋅|■▪♦]\s*|\s+[-–—]\s+")
_ATTRIBUTES = frozenset({"contact", "vat_id", "tax_id", "register", "iban", "bic", "bank", "account_number"})
_NOT_NAMES = frozenset({"page", "title", "print_date", "invoice_number", "issue_date", "ship_to"})


@dataclass(slots=True, eq=False)
class Candidate:
    """A name that may be a party's, and what speaks for it as a seller and as a buyer."""

    name: Span
    block: PartyBlock
    address: Span | None = None
    role: Role | None = None
    seller: float = 0.0
    buyer: float = 0.0
    why: list[str] = field(default_factory=list)

    def says(self, why: str, *, seller: float = 0.0, buyer: float = 0.0) -> None:
        self.seller += seller
        self.buyer += buyer
        self.why.append(why)

    @property
    def key(self) -> str:
        return squeeze(self.name.text)[0]


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
        found += _labelled(page, lines, labels)
        found += _sender_lines(lines)
        found += _by_layout(lines, first=page is text.pages[0])
        found += _footers(lines)
    _window(found)
    _domains(text, found)
    _holders(text, found)
    _repeated(found)
    _left_over(found)
    return found


# ---------------------------------------------------------------------------------------- by label


def _labelled(page: PageText, lines: Lines, labels: list[Label]) -> Iterator[Candidate]:
    """Names that stand under or beside a word like "Bill to"."""
    for label in labels:
        role = next((r for r in ROLE_FIELDS if r == label.field), None)
        if role is None or label.standing < 0.7:
            continue
        weak = len(squeeze(label.span.text)[0]) <= 4 and label.row.text[label.end : label.end + 1] not in (":", "：")
        here = next((x for x in lines.lines if x.row is label.row and x.start <= label.start < x.end), None)
        if here is None or (weak and label.standing < 1.0):
            continue
        rest = label.row.text[label.end : here.end]
        lead = len(rest) - len(rest.lstrip(" :：.-#(,"))
        under = _under(page, lines, here)
        after = Line(here.row, label.end + lead, here.end) if rest[lead:].strip() else None
        beside = None if after else _beside(lines, here)
        if after is not None and address.is_name(after.text):
            first = after
        elif beside is not None and address.is_name(beside.text) and not _is_label(beside):
            first = beside
            under = _under(page, lines, beside, above=here)
        elif after is None or squeeze(after.text)[0] == "":
            first = None
        else:
            continue
        block = PartyBlock(page.number, page.page.width, page.page.height, ([first] if first else []) + under)
        if not block.lines:
            continue
        one = _read(block)
        if one is None:
            continue
        one.role = role
        strength = 5.0 - 1.5 * weak - 0.5 * (one.address is None)
        if role == "seller":
            one.says(f"label {label.span.text!r}", seller=strength, buyer=-4)
        elif role == "buyer":
            one.says(f"label {label.span.text!r}", buyer=strength, seller=-4)
        else:
            one.says(f"label {label.span.text!r}", buyer=-3, seller=-4)
        yield one


def _is_label(line: Line) -> bool:
    return any(x.start <= line.start + 1 and x.standing >= 0.8 and x.field != "address" for x in line.labels)


def _beside(lines: Lines, here: Line) -> Line | None:
    """The line right of a label in its row."""
    right = [x for x in lines.lines if x.row is here.row and x.start > here.start and x.text.strip(" :：")]
    if not right:
        return None
    gap = right[0].box.x1 - here.box.x2
    return right[0] if gap < 0.3 * lines.page.page.width else None


def _under(page: PageText, lines: Lines, here: Line, above: Line | None = None) -> list[Line]:
    """The lines below in the same column, as far as they stand close together; of a form, what follows its labels."""
    found: list[Line] = []
    last, values = here.box, -1.0
    height = max(last.height, 1.0)
    for line in sorted(lines.lines, key=lambda x: (x.box.y1, x.box.x1)):
        box = line.box
        if line.row.index <= here.row.index or box.y1 < last.y1 + 0.3 * height:
            continue
        if box.y1 - last.y2 > (2.3 if found or above else 3.0) * height:
            break
        left = here.box.x1
        aligned = abs(box.x1 - left) < 1.6 * height or (found and abs(box.x1 - found[-1].box.x1) < height)
        centred = abs(box.center[0] - here.box.center[0]) < height
        if not (aligned or centred or abs(box.x1 - values) < height):
            continue
        if line.labels and line.labels[0].field == "address":
            # A form: "Address: 7 Main Street", and the town under the street.
            right = _beside(lines, line)
            values = right.box.x1 if right is not None else values
        party = any(x.field in ROLE_FIELDS and x.standing >= 0.8 and x.start <= line.start + 1 for x in line.labels)
        if party or len(found) >= 9:
            break
        found.append(line)
        last = box
        height = max(box.height, 1.0)
    return found


# ------------------------------------------------------------------------------------- by layout


def _sender_lines(lines: Lines) -> Iterator[Candidate]:
    """Name, street and town in one line, as above the window of an envelope and in footers."""
    for line in lines.lines:
        parts = _parts(line)
        if len(parts) < 3 or len(line.text) > 160:
            continue
        where = _place_among(parts)
        if where is None or where > 4:
            continue
        name = parts[0]
        town = address.is_place(f"{name.text}, {parts[1].text}")
        if town or not address.is_name(name.text) or any(x.standing >= 0.8 and x.start < name.end for x in line.labels):
            continue
        page = lines.page
        block = PartyBlock(page.number, page.page.width, page.page.height, [line])
        one = Candidate(name.span, block, line.row.span(parts[1].start, parts[where].end))
        top = block.top
        below = [
            b for b in lines.blocks if b.lines[0] is not line and 0 <= b.box.y1 - line.box.y2 < 5 * line.box.height
        ]
        window = top < 0.4 and any(abs(b.box.x1 - line.box.x1) < 6 * line.box.height for b in below)
        if window:
            one.says("sender's line above the window", seller=3.5, buyer=-3)
        elif top > 0.75:
            one.says("footer in one line", seller=2.5, buyer=-3)
        elif top < 0.2:
            one.says("letterhead in one line", seller=2.5, buyer=-1)
        else:
            one.says("one line", seller=1.0)
        if address.has_legal_form(name.text):
            one.says("legal form", seller=0.3)
        yield one
        if window:
            yield from _in_window(lines, line)


def _place_among(parts: list[Line]) -> int | None:
    """Which part a town's postcode stands in; "Dayton, OH 45401" are two parts."""
    for i, part in enumerate(parts):
        pair = f"{parts[i - 1].text}, {part.text}"
        if i and (address.is_place(part.text) or (i > 1 and address.is_place(pair))):
            return i
    return None


def _in_window(lines: Lines, sender: Line) -> Iterator[Candidate]:
    """The lines under a sender's line, however far apart, down to the town."""
    box, found = sender.box, list[Line]()
    for line in sorted(lines.lines, key=lambda x: x.box.y1):
        if line.box.y1 <= box.y1 or abs(line.box.x1 - box.x1) > 8 * box.height:
            continue
        if (
            line.box.y1 - (found[-1].box if found else box).y2 > 4.5 * max(line.box.height, box.height)
            or len(found) > 7
        ):
            break
        found.append(line)
        if address.is_place(line.text):
            break
    if not any(address.is_place(x.text) for x in found):
        return
    page = lines.page
    one = _read(PartyBlock(page.number, page.page.width, page.page.height, found))
    if one is not None and one.address is not None:
        one.says("under the sender's line", buyer=3.2, seller=-2.0)
        yield one


def _footers(lines: Lines) -> Iterator[Candidate]:
    """Companies in running text at the foot: ``Telvia SAS, capital 10 000 EUR, RCS Nanterre ...``."""
    page = lines.page.page
    for line in lines.lines:
        if line.box.y1 < 0.8 * page.height or len(line.text) < 25:
            continue
        known = sum(x.field in _ATTRIBUTES for x in line.labels)
        first = next(iter(_parts(line)), None)
        end = address.end_of_form(first.text) if first is not None else None
        if first is None or end is None or not known:
            continue
        name = Line(line.row, first.start, first.start + end)
        if address.is_name(name.text) and not any(x.start < name.end and x.standing >= 0.8 for x in line.labels):
            one = Candidate(name.span, PartyBlock(lines.page.number, page.width, page.height, [line]))
            one.says("company at the foot", seller=min(3.0, 2.0 + 0.4 * known), buyer=-3.0)
            yield one


def _parts(line: Line) -> list[Line]:
    found, at = [], line.start
    text = line.row.text
    for match in [*_SEPARATORS.finditer(text, line.start, line.end), None]:
        end = match.start() if match else line.end
        if text[at:end].strip():
            found.append(Line(line.row, at, end))
        if match:
            at = match.end()
    return found


def _by_layout(lines: Lines, *, first: bool) -> Iterator[Candidate]:
    for block in lines.blocks:
        texts = [line.text for line in block.lines]
        towns = sum(address.is_place(t) for t in texts)
        streets = sum(address.is_street(t) for t in texts)
        legal = any(address.has_legal_form(t) and len(t) < 70 for t in texts)
        attributes = sum(x.field in _ATTRIBUTES for line in block.lines for x in line.labels if x.standing >= 0.7)
        head = first and block.top < 0.12 and len(texts) <= 3
        if not (towns or (streets and len(texts) > 1) or legal or head or (attributes and block.top > 0.8)):
            continue
        if len(" ".join(texts)) > 420 or max(len(t) for t in texts) > 130:
            continue
        if any(
            x.field in ROLE_FIELDS and x.standing >= 0.8 and x.start <= block.lines[0].start + 1
            for x in block.lines[0].labels
        ):
            continue  # read by its label
        one = _read(block)
        if one is None:
            continue
        if one.address is not None:
            one.says("address", seller=0.7, buyer=0.7)
        if address.has_legal_form(one.name.text):
            one.says("legal form", seller=1.0, buyer=0.2)
        contact = attributes + sum(address.is_contact(t) for t in texts)
        if contact:
            one.says("contact or tax numbers beside it", seller=min(1.6, 0.9 + 0.2 * contact), buyer=-1.0)
        salutation = address.is_salutation(texts[0].split(" ")[0]) or address.is_salutation(texts[0])
        if salutation:
            one.says("salutation", buyer=1.2, seller=-1.0)
        if block.top > 0.78:
            one.says("foot of the page", seller=1.2 if one.address or contact or legal else 0.4, buyer=-2.5)
        elif first and block.top < 0.13 and not salutation:
            one.says("head of the page", seller=1.4, buyer=-0.4)
        elif first and block.top < 0.42 and one.address is not None:
            one.says("upper part", buyer=0.7, seller=0.1)
        elif block.top > 0.45:
            one.says("far down", seller=-0.5, buyer=-1.5)
        if not first:
            one.says("not on the first page", buyer=-1.5, seller=-0.6)
        yield one


def _read(block: PartyBlock) -> Candidate | None:
    """Name and address of a block; None where it has no name."""
    name: Span | None = None
    parts: list[Span] = []
    ended = False
    for index, line in enumerate(block.lines):
        use = _value_line(block, line)
        if use is None:
            continue
        text = use.text
        if name is None:
            if address.is_salutation(text):
                after = _value_line(block, block.lines[index + 1]) if index + 1 < len(block.lines) else None
                if after is not None and address.is_name(after.text) and not address.is_place(after.text):
                    name = use.span if _is_title(text) else None
                continue
            if not address.is_name(text) or (address.is_street(text) and not address.has_legal_form(text)):
                if address.is_place(text) or address.is_street(text):
                    return None
                continue
            split = [p for p in _parts(use) if p.text]
            if len(split) > 1 and any(address.is_place(p.text) for p in split[1:]):
                use, rest = split[0], split[1:]
                where = next(i for i, p in enumerate(rest) if address.is_place(p.text))
                parts = [use.row.span(rest[0].start, rest[where].end)]
                ended = True
            name = use.span
            continue
        if _is_title(name.text) and address.is_name(text):
            name = name + use.span
            continue
        if ended:
            if address.is_country(text):
                parts.append(use.span)
            break
        if not parts and _goes_on(name, block.lines[index - 1], use, block, index):
            name = name + use.span
            continue
        if address.is_contact(text) or len(text) > 90:
            break
        if address.is_place(text) or _town(text):
            parts.append(use.span)
            ended = True
        elif address.is_street(text) or address.is_house(text) or (address.is_name(text) and len(parts) < 3):
            parts.append(use.span)
    if name is None:
        return None
    streets = any(address.is_street(p.text) or address.is_house(p.text) for p in parts)
    if not ended and not streets:
        parts = []
    whole = None
    for part in parts:
        whole = part if whole is None else whole + part
    return Candidate(name, block, whole)


def _town(text: str) -> bool:
    """A town whose postcode is elsewhere in the line: ``Some Road, Town 560001``."""
    parts = [p for p in re.split(r",\s*", text) if p]
    return len(parts) > 1 and any(address.is_place(p) for p in parts)


def _is_title(text: str) -> bool:
    return address.is_salutation(text) and text.strip(".: ").lower() not in words.NO_TITLES


def _value_line(block: PartyBlock, line: Line) -> Line | None:
    """A line of a party without its label: of "Name: Smith Ltd" the name; None for lines of something else."""
    label = next((x for x in line.labels if x.start <= line.start + 1 and x.standing >= 0.7), None)
    if label is None:
        return line
    if label.field == "address":
        text = line.row.text
        start = label.end
        while start < line.end and text[start] in " :：.-":
            start += 1
        if start < line.end:
            return Line(line.row, start, line.end)
        right = next((s for s in line.row.segments if s.box.x1 > line.box.x2 and s.text.strip(" :：")), None)
        if right is not None and right.box.x1 - line.box.x2 < 0.35 * block.width:
            at = line.row.text.find(right.text, line.end)
            return Line(line.row, at, at + len(right.text))
        return None
    if label.field in ("number", "date") and label.standing == 1.0:
        return None
    if label.field.startswith("column.") or label.field in (
        "buyer",
        "seller",
        "date",
        "number",
        "discount",
        "shipping",
    ):
        return line
    if label.standing < 1.0 and address.has_legal_form(line.text):
        return line
    return None


def _goes_on(name: Span, above: Line, line: Line, block: PartyBlock, index: int) -> bool:
    """Whether a name goes on in the second line: its legal form stands there."""
    if address.has_legal_form(name.text) or not address.is_name(line.text) or address.is_street(line.text):
        return False
    return index <= 2 and address.has_legal_form(line.text) and above.row.index == line.row.index - 1


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
