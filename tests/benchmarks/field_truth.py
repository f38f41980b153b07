"""Which extracted values are right, one by one: values as their kind compares them, line items paired with true ones.

The figures that are compared with others' are those of the data's own ``score.py``; this file is for what that one
does not say: what was right at which confidence, and where.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from field_sets import Known
from rapidfuzz import fuzz

Kind = Literal["date", "amount", "currency", "text", "description"]
Outcome = Literal["right", "wrong", "missing"]

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("date", "issue_date", "due_date", "effective_date"), "date"),
    **dict.fromkeys(("total", "grand_total", "net_total", "tax_total", "amount_due"), "amount"),
    **dict.fromkeys(("quantity", "unit_price", "amount"), "amount"),
    "currency": "currency",
    "description": "description",
}
"""All others are text: letters and digits count, in their order."""
PARTS = ("description", "quantity", "unit_price", "amount")
LIKE = 0.75
"""How much of a description must be alike: the issuer's own data often words it otherwise than the print."""
PAIRED = 1.0
"""What makes two line items one: likeness of their words, and one for each number that is the same."""
CENT = Decimal("0.005")
_NUMBER = re.compile(r"\d[\d.,'’ \u00a0\u202f]*")
_NUMERIC = re.compile(r"(\d{1,4})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Judged:
    """One field of one document.

    ``field``: its name, without the number of a line item; ``path``: with it, as evidence has it. ``said`` and
    ``true`` are other people's text: they may be shown, and are not to be written into results.
    """

    document: Known
    field: str
    path: str
    outcome: Outcome
    said: Any
    true: Any
    evidence: Mapping[str, Any] | None

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.field.rpartition(".")[2], "text")

    @property
    def confidence(self) -> float:
        return float(self.evidence["confidence"]) if self.evidence else 0.0

    @property
    def of_item(self) -> bool:
        return self.field.startswith("line_items.")


def letters(text: str) -> str:
    """Letters and digits only, folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def amounts(text: str) -> set[Decimal]:
    """What the one number in ``text`` may mean: with a decimal point, or with a decimal comma."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("–", "-")
    numbers = [number.strip(" .,'’") for number in _NUMBER.findall(plain)]
    if len(numbers) != 1:
        return set()
    digits = re.sub(r"[ '’]", "", numbers[0])
    negative = re.search(r"-\s*[^\d\s]?\s*\d|\d\s*-\s*$|\(\s*\S?\s*\d[\d.,]*\s*\)", plain) is not None
    found = set()
    for point, comma in ((".", ","), (",", ".")):
        if digits.count(point) <= 1 and comma not in digits.partition(point)[2]:
            try:
                value = Decimal(digits.replace(comma, "").replace(point, "."))
            except InvalidOperation:
                continue
            found.add(-value if negative else value)
    return found


def days(text: str) -> set[datetime.date]:
    """The days that a numeric date may mean, in any order of day and month."""
    found = set()
    for a, b, c in _NUMERIC.findall(unicodedata.normalize("NFKC", text)):
        orders = ((a, b, c),) if len(a) == 4 else ((c, b, a), (c, a, b), (a, b, c))
        for year, month, day in orders:
            whole = int(year) + (2000 if int(year) < 70 else 1900 if int(year) < 100 else 0)
            try:
                found.add(datetime.date(whole, int(month), int(day)))
            except ValueError:
                continue
    return found


def day(text: str) -> datetime.date | None:
    """The day that ``text`` means; an ambiguous one is read with the day first."""
    from dateutil import parser

    if re.match(r"\s*\d{4}-\d{1,2}-\d{1,2}", text):
        return datetime.date.fromisoformat("-".join(p.zfill(2) for p in re.findall(r"\d+", text)[:3]))
    try:
        return parser.parse(text, dayfirst=True).date()
    except (ValueError, OverflowError):
        return None


def same(kind: Kind, said: Any, true: Any) -> bool:
    """Whether two values are one. Amounts to half a cent; a description is alike."""
    if said in (None, "", []):
        return False
    a, b = str(said), str(true)
    if kind == "date":
        true_day = day(b)
        return true_day is not None and (day(a) == true_day or true_day in days(a))
    if kind == "amount":
        return any(abs(x - y) < CENT for x in _value(a) for y in _value(b))
    if kind == "description":
        return likeness(a, b) >= LIKE
    return letters(a) == letters(b)


def _value(text: str) -> set[Decimal]:
    """Of a number as JSON has it, only that; else all that the print may mean."""
    try:
        return {Decimal(text)}
    except InvalidOperation:
        return amounts(text)


def likeness(a: str, b: str) -> float:
    """0 to 1; a shorter text within a longer one is nearly as good as the same one."""
    x, y = letters(a), letters(b)
    part = 0.95 * fuzz.partial_ratio(x, y) if min(len(x), len(y)) >= 6 else 0.0
    return max(fuzz.ratio(x, y), part) / 100 if x and y else 0.0


def judge(document: Known, told: Mapping[str, Any]) -> list[Judged]:
    """Every known field of ``document``, and what ``told`` (``<id>.fields.json``) says of it."""
    fields, evidence = told.get("fields", {}), told.get("evidence", {})
    found: list[Judged] = []
    for name, true in document.fields.items():
        said = fields.get(name)
        if name == "line_items":
            found += _items(document, said or [], true, evidence)
        elif isinstance(true, list):
            found += _several(document, name, said or [], true, evidence)
        else:
            empty = said in (None, "", [])
            outcome: Outcome = "missing" if empty else "right" if same(KINDS.get(name, "text"), said, true) else "wrong"
            found.append(Judged(document, name, name, outcome, said, true, None if empty else evidence.get(name)))
    return found


def _several(document: Known, name: str, said: Any, true: Sequence[str], evidence: Any) -> Iterator[Judged]:
    """A field with several values, in any order."""
    left = list(true)
    for i, value in enumerate(said if isinstance(said, list) else [said]):
        match = next((one for one in left if same("text", value, one)), None)
        if match is not None:
            left.remove(match)
        path = f"{name}[{i}]"
        of = evidence.get(path, evidence.get(name))
        yield Judged(document, name, path, "wrong" if match is None else "right", value, match, of)
    for one in left:
        yield Judged(document, name, name, "missing", None, one, None)


def _items(document: Known, said: Sequence[Any], true: Sequence[Any], evidence: Any) -> Iterator[Judged]:
    """The parts of line items; an item that is none has all of its parts wrong."""
    pairs = _pairs(said, true)
    listed = {part for item in true for part in item}
    for i, item in enumerate(said):
        other = true[pairs[i]] if i in pairs else None
        for part in PARTS:
            value, path = item.get(part), f"line_items[{i}].{part}"
            wanted = None if other is None else other.get(part)
            if (other is None and (value is None or part not in listed)) or (other is not None and wanted is None):
                continue
            right = other is not None and same(KINDS[part], value, wanted)
            outcome: Outcome = "missing" if value is None else "right" if right else "wrong"
            of = None if value is None else evidence.get(path)
            yield Judged(document, f"line_items.{part}", path, outcome, value, wanted, of)
    for j, item in enumerate(true):
        if j not in pairs.values():
            for part in (p for p in PARTS if p in item):
                yield Judged(document, f"line_items.{part}", "line_items", "missing", None, item[part], None)


def _pairs(said: Sequence[Any], true: Sequence[Any]) -> dict[int, int]:
    """Which true item each said one is, the surest pairs first."""
    scores = []
    for i, a in enumerate(said):
        for j, b in enumerate(true):
            equal = sum(same("amount", a.get(part), b[part]) for part in PARTS[1:] if b.get(part) is not None)
            like = likeness(str(a.get("description") or ""), str(b.get("description") or ""))
            scores.append((like + equal, -abs(i - j), i, j))
    pairs: dict[int, int] = {}
    for score, _, i, j in sorted(scores, reverse=True):
        if score >= PAIRED and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs
