"""Numbers of documents: what follows "Invoice no." and is made of digits, letters and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docparse.extract.values import amounts, dates, emails, ibans, phones

_TOKEN = re.compile(r"[^\W_](?:[\w/#.+&-]*[^\W_])?")
_END = re.compile(
    r"\s+(?:vom|du|of|from|dated?|datum|del|dd|d\.d\.|van|le|den|am|fecha|data|page|seite|pag(?:ina)?)\b|[,;:]\s|\s\(|\s-\s[^\W\d]{3}|\s–\s",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"[A-Z0-9][A-Z0-9 /._#-]{1,28}[A-Z0-9]$")
_LEADING = re.compile(
    r"^(?:\(\d{3}\)\s*|(?:nr|no|n°|nº|num|number|nummer|numéro|número|numero|号码|#)[\s.:：°º]*)+", re.IGNORECASE
)
LONGEST = 40


def numbers_in(text: str, *, titled: bool = False) -> Iterator[tuple[str, int, int, float]]:
    """The number that a text begins with: value, start, end and how surely it is one. At most one.

    ``titled``: the text follows the word "Invoice" alone, where any number may follow.
    """
    lead = _LEADING.match(text)
    begin = lead.end() if lead else 0
    while begin < len(text) and text[begin] in " :：.#=*-–":
        begin += 1
    rest = text[begin:]
    if any(m.start == 0 and m.sure > 0.5 for m in dates(rest)):
        return
    stop = _END.search(rest)
    rest = rest[: stop.start()] if stop else rest
    rest = rest.rstrip(" .,:;")
    if not rest or not any(c.isdigit() for c in rest):
        return
    found = _whole(rest) or _first(rest)
    if found is None:
        return
    value, end = found
    sure = _sure(value, rest, titled=titled)
    if sure > 0:
        yield value, begin, begin + end, sure


def _whole(rest: str) -> tuple[str, int] | None:
    """Several words as one number, as in "RE 2024 0815" or "2024 / 17"."""
    words = rest.split()
    if len(words) > 4 or len(words) < 2 or not _WHOLE.match(rest) or len(rest) > LONGEST:
        return None
    if any(w.isalpha() and len(w) > 5 for w in words) or dates(rest) or sum(c.isdigit() for c in rest) < 2:
        return None
    if any(a.currency for a in amounts(rest)):
        return None
    return rest, len(rest)


def _first(rest: str) -> tuple[str, int] | None:
    match = _TOKEN.match(rest)
    if match is None:
        return None
    end = match.end()
    if not any(c.isdigit() for c in match.group()):
        after = _TOKEN.match(rest, end + 1) if rest[end : end + 1] == " " else None
        if after is None or len(match.group()) > 5 or not any(c.isdigit() for c in after.group()):
            return None
        end = after.end()
    if end > LONGEST:
        return None
    return rest[:end], end


def _sure(value: str, rest: str, *, titled: bool) -> float:
    """How surely it is a document's number: dates, amounts, telephones are none."""
    read = dates(value)
    if any(m.start == 0 and m.end == len(value) and m.sure > 0.3 for m in read):
        return 0.0
    money = amounts(rest)
    if (
        money
        and money[0].start == 0
        and (money[0].currency or money[0].percent or money[0].decimals == 2)
        and money[0].end >= len(value)
    ):
        return 0.0
    if emails(rest) or ibans(rest) or (any(p.sure > 0.6 for p in phones(rest)) and " " in value):
        return 0.0
    digits = sum(c.isdigit() for c in value)
    sure = 1.0
    if digits < 2 or len(value) < 3:
        sure = 0.55 if not titled else 0.0
    elif titled and re.fullmatch(r"(?:19|20)\d\d|\d{1,3}", value):
        sure = 0.3
    words = rest[len(value) :].split()
    if len(words) > 2:
        sure *= 0.75 if not titled else 0.6
    return sure
