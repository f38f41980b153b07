"""Currency and accounts: by codes and signs beside amounts, by form and check digit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from docparse.extract.invoice.beside import Surroundings
from docparse.extract.invoice.scored import Found, best
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.values import amounts, bics, currencies, ibans
from docparse.extract.vocabulary import languages

TOTALS = frozenset({"grand_total", "amount_due", "net_total", "tax_total", "line_total"})
_IBAN_LIKE = re.compile(r"[A-Z]{2}\s?\d{2}(?:\s?[A-Z0-9]){6,30}")
_ONE_SIGN = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS"}),
    "¥": frozenset({"JPY", "CNY"}),
    "kr": frozenset({"DKK", "NOK", "SEK", "ISK"}),
}
"""Currencies that print one sign: a code beside it says which of them is meant."""


def find_currency(text: DocumentText, around: Sequence[Surroundings]) -> Found | None:
    """The currency of the totals."""
    named = best(_named(around))
    if named is not None:
        return named
    votes: dict[str, float] = defaultdict(float)
    places: dict[str, tuple[float, Span]] = {}
    sure: dict[str, float] = defaultdict(float)
    chinese = languages(text)[:1] == ("zh",)
    for page in around:
        totals = {x.row.index for x in page.labels if x.field in TOTALS and x.standing >= 0.5}
        for row in page.page.rows:
            money = [m for m in amounts(row.text) if m.decimals == 2 and not m.percent]
            for match in currencies(row.text):
                code = "CNY" if match.text in ("¥", "￥") and chinese else match.value
                near = any(
                    -6 <= m.start - match.end <= 6 or -6 <= match.start - m.end <= 6 or m.start <= match.start < m.end
                    for m in money
                )
                weight = 3.0 if row.index in totals and (near or money) else 1.0 if near else 0.3
                weight *= match.sure
                votes[code] += weight
                sure[code] = max(sure[code], match.sure)
                if code not in places or weight > places[code][0]:
                    places[code] = (weight, row.span(match.start, match.end))
    _same_sign(votes, places)
    if not votes:
        return None
    code = max(votes, key=lambda c: votes[c])
    share = votes[code] / sum(votes.values())
    if votes[code] < (0.5 if len(votes) > 1 else 0.25):
        return None
    score = (0.55 + 0.4 * min(1.0, votes[code] / 3)) * (0.5 + 0.5 * share) * (0.75 + 0.25 * sure[code])
    return Found(code, places[code][1], min(score, 0.95))


def _same_sign(votes: dict[str, float], places: dict[str, tuple[float, Span]]) -> None:
    """A sign that several countries use counts for the code that the document names."""
    for sign, family in _ONE_SIGN.items():
        by_sign = [code for code, (_, span) in places.items() if code in family and span.text.strip() == sign]
        named = [code for code in places if code in family and code not in by_sign]
        if len(by_sign) == 1 and len(named) == 1:
            votes[named[0]] += votes.pop(by_sign[0])
            places.pop(by_sign[0])


def _named(around: Sequence[Surroundings]) -> Iterator[Found]:
    """What stands beside "Currency"."""
    for page in around:
        for label in page.labels:
            if label.field != "currency" or label.standing < 0.7:
                continue
            for place in page.places(label):
                for match in currencies(place.text):
                    if match.start <= 12:
                        yield Found(
                            match.value, place.span(match.start, match.end), 0.98 * place.fit * (0.6 + 0.4 * match.sure)
                        )
                    break


def find_accounts(text: DocumentText, around: Sequence[Surroundings]) -> dict[str, Found]:
    """``iban`` and ``bic`` of the account to pay to."""
    found = {}
    iban = best(_ibans(text, around))
    if iban is not None:
        found["iban"] = iban
    bic = best(_bics(text, around, iban))
    if bic is not None:
        found["bic"] = bic
    return found


_YOUR_ACCOUNT = (
    *("ihr(?:em|es|en)? konto", "your account", "votre compte", "uw rekening", "su cuenta", "vostro conto"),
    *("abgebucht", "eingezogen", "lastschrift", "prélev", "incasso", "direct debit"),
)
_YOURS = re.compile(rf"\b(?:{'|'.join(_YOUR_ACCOUNT)})", re.IGNORECASE)


def _ibans(text: DocumentText, around: Sequence[Surroundings]) -> Iterator[Found]:
    known: set[str] = set()
    for page in text.pages:
        for row in page.rows:
            for match in ibans(row.text, ocr=page.ocr):
                known.add(match.value)
                mine = 0.75 if _YOURS.search(row.text) else 1.0
                yield Found(match.value, row.span(match.start, match.end), (0.95 if match.sure > 0.7 else 0.6) * mine)
    for around_page in around:
        for label in around_page.labels:
            if label.field != "iban":
                continue
            for place in around_page.places(label):
                like = _IBAN_LIKE.match(place.text.strip())
                if place.relation != "before" and like:
                    value = re.sub(r"\s", "", like.group())
                    start = len(place.text) - len(place.text.lstrip())
                    if value not in known and not any(value.startswith(k) or k.startswith(value) for k in known):
                        yield Found(value, place.span(start, start + like.end()), 0.5 * place.fit)
                    break


def _bics(text: DocumentText, around: Sequence[Surroundings], iban: Found | None) -> Iterator[Found]:
    for around_page in around:
        for label in around_page.labels:
            if label.field != "bic":
                continue
            for place in around_page.places(label):
                if place.relation == "before":
                    continue
                matches = [m for m in bics(place.text) if m.start <= 6]
                if matches:
                    yield Found(matches[0].value, place.span(matches[0].start, matches[0].end), 0.93 * place.fit)
                    break
    for page in text.pages:
        for row in page.rows:
            for match in bics(row.text):
                near = iban is not None and abs(row.box.center[1] - iban.span.box.center[1]) < 4 * row.box.height
                if match.sure >= 0.7 and near and page.number == (iban.span.page if iban else 0):
                    yield Found(match.value, row.span(match.start, match.end), 0.6)
