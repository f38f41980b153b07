"""Names and addresses that may be a party's: read by the label over them, or by where they stand.

``Candidate`` is a name with its block and what speaks for it. What this file is not: the choice of seller
and buyer, and what the rest of the document says about a name (``parties``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from docparse.extract.invoice import address
from docparse.extract.invoice import address_words as words
from docparse.extract.invoice.address import Line, Lines, PartyBlock
from docparse.extract.page_text import PageText, Span
from docparse.extract.vocabulary import Label, squeeze

Role = Literal["seller", "buyer", "ship_to"]
ROLE_FIELDS: tuple[Role, ...] = ("seller", "buyer", "ship_to")

_SEPARATORS = re.compile(r"\s*[·•●∙⋅|¦*–—■▪♦]\s*|\s+-\s+|\s*[,;]\s+|\s{2,}")
_ATTRIBUTES = frozenset({"contact", "vat_id", "tax_id", "register", "iban", "bic", "bank", "account_number"})


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


# ---------------------------------------------------------------------------------------- by label


def labelled(page: PageText, lines: Lines, labels: list[Label]) -> Iterator[Candidate]:
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


def sender_lines(lines: Lines) -> Iterator[Candidate]:
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


def footers(lines: Lines) -> Iterator[Candidate]:
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


def by_layout(lines: Lines, *, first: bool) -> Iterator[Candidate]:
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
