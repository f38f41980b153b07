"""The dates of an invoice: issued, due, delivered. One order of day and month for the whole document.

Where no date of a document has one reading only, both orders are tried, and the one wins in which the due
date follows the invoice by a usual term; then the one of the document's language and currency.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence

from docparse.extract.invoice.beside import Place, Surroundings
from docparse.extract.invoice.scored import Found, best
from docparse.extract.page_text import DocumentText, Row, Segment
from docparse.extract.values import Match, Order, currencies, date_order, dates
from docparse.extract.vocabulary import Label, languages

DATES: Mapping[str, Mapping[str, float]] = {
    "issue_date": {"issue_date": 1.0, "date": 0.72, "title": 0.9, "invoice_number": 0.9},
    "due_date": {"due_date": 1.0},
    "delivery_date": {"delivery_date": 0.95},
}
"""The labels whose dates may be a field's, and how surely."""
LEAST = 0.35
USUAL_TERMS = frozenset({0, 7, 8, 10, 14, 15, 20, 21, 28, 29, 30, 31, 45, 60, 61, 62, 90})
ALONE = 0.5
"""A date with no word beside it, in the upper part of the first page."""
UPPER = 0.45
_DISCOUNT = re.compile(r"skonto|discount|escompte|korting|sconto|dto\.|pronto pago", re.IGNORECASE)
_OLD = datetime.date(1970, 1, 1)


def find_dates(text: DocumentText, around: Sequence[Surroundings]) -> dict[str, Found]:
    """``issue_date``, ``due_date`` and ``delivery_date``, as far as the document says them."""
    order = date_order(row.text for row in text.rows)
    if order is not None:
        return _read(text, around, order)
    tried: list[tuple[float, dict[str, Found]]] = []
    for possible in _orders(text):
        found = _read(text, around, possible)
        tried.append((_consistent(found), found))
    score, found = max(tried, key=lambda one: one[0])
    if tried[0][1].keys() == tried[-1][1].keys() and all(
        found[name].value == tried[-1][1][name].value == tried[0][1][name].value for name in found
    ):
        return found
    # Two readings differ: only the language, or a usual term, speaks for one.
    doubt = 0.9 if score >= 1.5 and abs(tried[0][0] - tried[-1][0]) >= 1 else 0.8
    return {name: Found(one.value, one.span, one.score * doubt) for name, one in found.items()}


def _orders(text: DocumentText) -> tuple[Order, ...]:
    """The orders a numeric date may be in, the likelier first."""
    said = languages(text)
    codes = {m.value for row in text.rows for m in currencies(row.text)}
    american = said[:1] in ((), ("en",)) and "USD" in codes and not codes & {"EUR", "GBP", "INR", "MYR", "SGD", "AUD"}
    return ("mdy", "dmy") if american else ("dmy", "mdy")


def _consistent(found: Mapping[str, Found]) -> float:
    """How well the dates go together."""
    issue, due, delivery = (found[n].value if n in found else None for n in ("issue_date", "due_date", "delivery_date"))
    score = 0.0
    if issue and due:
        days = (due - issue).days
        score += 2.0 if days in USUAL_TERMS else 1.0 if 0 < days <= 120 else -3.0
    if issue and delivery:
        days = (issue - delivery).days
        score += 1.0 if -31 <= days <= 62 else -1.0
    return score


def _read(text: DocumentText, around: Sequence[Surroundings], order: Order | None) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name, fields in DATES.items():
        candidates = list(_labelled(around, fields, order))
        if name == "issue_date":
            candidates += _alone(text, around, order)
        if name == "due_date":
            candidates += [one for page in around for one in _told(page, order)]
        chosen = best(candidates)
        if chosen is not None and chosen.score >= LEAST:
            found[name] = chosen
    issue, due = found.get("issue_date"), found.get("due_date")
    if issue and due and due.value < issue.value and due.score < 0.8:
        found["due_date"] = Found(due.value, due.span, due.score * 0.7)
    return found


def _labelled(around: Sequence[Surroundings], fields: Mapping[str, float], order: Order | None) -> Iterator[Found]:
    for index, page in enumerate(around):
        for label in page.labels:
            weight = fields.get(label.field)
            if weight is None or (
                label.field in ("date", "title") and label.standing < 0.5 and not _of_title(label, page)
            ):
                continue
            if label.field == "date" and _of_title(label, page):
                weight = 0.95
            elif label.field == "date":
                height = label.row.box.y1 / page.page.page.height
                weight *= 1.0 if height < UPPER and index == 0 else 0.7
            sentence = label.standing < 0.5
            for place in page.places(label):
                if label.field in ("title", "invoice_number") and place.relation != "after":
                    continue
                for match, start, end in _dates(place, order, ocr=page.page.ocr):
                    between = sum(c.isalpha() for c in place.text[:start])
                    if between > (4 if sentence else 25) and label.field not in ("title", "invoice_number"):
                        break
                    score = weight * place.fit * label.likeness * (0.5 + 0.5 * match.sure) * (1.0 - 0.01 * between)
                    score *= 0.7 + 0.3 * (1.0 if _of_title(label, page) else label.standing)
                    if label.field == "due_date" and _discounted(place, start):
                        score *= 0.5
                    yield Found(match.value, place.span(start, end), score)
                    break


_PAYING = (
    *("überweis", "zahl", "begleich", "entricht", "pay", "remit", "settle", "régl", "vers", "betal", "voldo"),
    *("over te maken", "abon", "pagar"),
)
_BY = (
    *("bis", "spätestens", "before", "by", "until", "no later than", "avant le", "au plus tard le", "pour le"),
    *("vóór", "voor", "uiterlijk", "antes del?", "entro(?: il)?"),
)
_PAY_BY = re.compile(
    rf"(?:{'|'.join(_PAYING)})[^.;]{{0,70}}?\b(?:{'|'.join(_BY)})(?: zum| spätestens| am| op| the)*\s*$", re.IGNORECASE
)


def _told(page: Surroundings, order: Order | None) -> Iterator[Found]:
    """Dates by which a sentence asks to pay."""
    for row in page.page.rows:
        for match in dates(row.text, order=order, ocr=page.page.ocr):
            before = row.text[max(0, match.start - 110) : match.start]
            if match.sure >= 0.5 and _PAY_BY.search(before) and not _DISCOUNT.search(before):
                yield Found(match.value, row.span(match.start, match.end), 0.72 * (0.5 + 0.5 * match.sure))


def _of_title(label: Label, page: Surroundings) -> bool:
    """Whether a word like "vom" follows the invoice's title or number: ``Rechnung Nr. 17 vom 3.5.2024``."""
    return any(
        other.field in ("title", "invoice_number") and other.row is label.row and 0 <= label.start - other.end <= 40
        for other in page.labels
    )


def _discounted(place: Place, start: int) -> bool:
    """Whether the date is the one until which less may be paid."""
    text, at = place.row.text, place.start + start
    before = text[max(0, at - 45) : at]
    cut = max(before.rfind(","), before.rfind(";"))
    return _DISCOUNT.search(before[cut + 1 :]) is not None


def _dates(place: Place, order: Order | None, *, ocr: bool) -> Iterator[tuple[Match[datetime.date], int, int]]:
    matches = [m for m in dates(place.text, order=order, ocr=ocr) if m.sure >= 0.4 and m.value > _OLD]
    if place.label.field == "delivery_date" and len(matches) > 1:
        return  # a period is no date
    for match in matches:
        yield match, match.start, match.end


def _alone(text: DocumentText, around: Sequence[Surroundings], order: Order | None) -> list[Found]:
    """Dates in the upper part of the first page that stand alone, as in letters: ``Berlin, 3 May 2024``."""
    if not text.pages:
        return []
    page, known = text.pages[0], around[0]
    found = []
    for row in page.rows:
        if row.box.y1 > UPPER * page.page.height:
            break
        at = 0
        for segment in row.segments:
            matches = [m for m in dates(segment.text, order=order, ocr=page.ocr) if m.sure >= 0.6]
            rest = segment.text
            for match in matches:
                rest = rest.replace(match.text, "")
            words = [w for w in re.split(r"[\s,.:]+", rest) if w]
            if len(matches) == 1 and len(words) <= 2 and not _has_label(known, row, at, segment):
                start = at + matches[0].start
                found.append(
                    Found(matches[0].value, row.span(start, at + matches[0].end), ALONE * (0.5 + 0.5 * matches[0].sure))
                )
            at += len(segment.text) + 1
    return found


def _has_label(known: Surroundings, row: Row, at: int, segment: Segment) -> bool:
    """Whether a label stands in ``segment``, which begins at character ``at`` of ``row``, or has it as its value."""
    return any(
        x.standing >= 0.5
        and x.field not in ("date", "title")
        and not x.field.startswith("column.")
        and ((x.row is row and at <= x.start <= at + len(segment.text)) or _beside(known, x, segment.box))
        for x in known.labels
    )


def _beside(known: Surroundings, label: Label, box: object) -> bool:
    """Whether a label already has this as its value."""
    return any(place.span(0, len(place.text)).box == box for place in known.places(label) if place.text.strip())
