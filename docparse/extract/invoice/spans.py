"""Several invoices in one file: which pages belong together.

People scan a pile at once, and programs join a month's invoices. Cutting one invoice in two does more harm than
leaving two together, because each half looks whole: so a new one begins only where the evidence is clear.
``spans`` decides, by what ``evidence`` found on each page. What this file is not: it reads no field for the
result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docparse.extract.page_text import DocumentText, PageText
from docparse.extract.places.passages import squeezed

SURE = 0.7
"""Confidence from which an invoice number counts."""
_CLEAR = 2
"""Points of evidence that begin a new invoice."""
_MARGIN = 0.12
"""Share of a page's height, at its top and bottom, where a bare 1/3 counts its pages."""


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """What a page says about which invoice it belongs to.

    numbers   invoice numbers that it may carry, each with a confidence from 0 to 1, the best first
    counter   "page 2 of 3" is (2, 3); "page 2" is (2, None); None: it does not count
    labelled  it has a label for an invoice number, whether the number could be read or not
    ocr       its words were read from pixels: O may be 0
    """

    page: int
    numbers: tuple[tuple[str, float], ...] = ()
    counter: tuple[int, int | None] | None = None
    labelled: bool = False
    ocr: bool = False

    @property
    def number(self) -> str | None:
        """The one that it surely carries; None where two are as good."""
        best = sorted(self.numbers, key=lambda n: -n[1])
        if not best or best[0][1] < SURE:
            return None
        rivals = [n for n in best[1:] if n[1] > best[0][1] - 0.1 and not _same(n[0], best[0][0], ocr=self.ocr)]
        return None if rivals else best[0][0]


def split(text: DocumentText) -> list[list[int]]:
    """The page numbers of each invoice of a document, in order; one list where there is one."""
    return spans([evidence(page, text) for page in text.pages])


def spans(pages: Sequence[PageEvidence]) -> list[list[int]]:
    """Pages by invoice. Every page is in one of them, in order; a page that says nothing goes with those before it."""
    found: list[list[int]] = []
    number: str | None = None
    before: PageEvidence | None = None
    for page in pages:
        if before is None or _begins(page, before, number):
            found.append([page.page])
            number = page.number
        else:
            found[-1].append(page.page)
            number = number or page.number
        before = page
    return found


def _begins(page: PageEvidence, before: PageEvidence, number: str | None) -> bool:
    """Whether a new invoice begins on ``page``; the one before it has ``number``, if that is known."""
    own = page.number
    if number is not None and any(_same(number, other, ocr=page.ocr or before.ocr) for other, _ in page.numbers[:1]):
        return False
    restarts = page.counter is not None and page.counter[0] == 1 and before.counter is not None
    if page.counter is not None and page.counter[0] > 1:
        return False  # whatever it says: a page 2 does not begin anything
    points = 0
    if own is not None and number is not None:
        points += 2
    elif page.labelled or own is not None:
        points += 1
    if restarts:
        points += 1
    elif _unfinished(before):
        points -= 1
    return points >= _CLEAR


def _unfinished(page: PageEvidence) -> bool:
    """Whether it says that more pages come."""
    return page.counter is not None and page.counter[1] is not None and page.counter[0] < page.counter[1]


_ALIKE = str.maketrans("oilszb", "011528")


def _same(a: str, b: str, *, ocr: bool) -> bool:
    """Whether two invoice numbers are one: printed otherwise, misread, or cut off."""
    one, other = squeezed(a)[0], squeezed(b)[0]
    if ocr:
        one, other = one.translate(_ALIKE), other.translate(_ALIKE)
    short, long = sorted((one, other), key=len)
    return bool(short) and (short == long or (len(short) >= 4 and (long.startswith(short) or long.endswith(short))))


def evidence(page: PageText, text: DocumentText) -> PageEvidence:
    """What a page says by itself, as if it were a document of one page."""
    from docparse.extract.invoice.header import find_header
    from docparse.extract.vocabulary import find_labels

    labelled = any(label.field == "invoice_number" for label in find_labels(page, kind="invoice"))
    numbers: tuple[tuple[str, float], ...] = ()
    if labelled:
        alone = find_header(text.part([page.number]))
        value, known = alone.values.get("invoice_number"), alone.evidence.get("invoice_number")
        if value is not None and known is not None:
            numbers = ((str(value), known.confidence),)
    return PageEvidence(page.number, numbers, counter(page), labelled, page.ocr)


_AFTER_LABEL = re.compile(
    r"[\s:.°#]{0,4}([0-9]{1,4})(?![0-9.,])(?:\s?(?:/|[^\W\d_]{1,4}\.?)\s?([0-9]{1,4})(?![0-9.,/]))?"
)
_BARE = re.compile(r"[-–(]?\s?([0-9]{1,4})\s?/\s?([0-9]{1,4})\s?[-–)]?")
_HAN = re.compile(r"第\s?([0-9]{1,4})\s?[页頁](?:\s?[,，/]?\s?[共总]\s?([0-9]{1,4})\s?[页頁])?")


def counter(page: PageText) -> tuple[int, int | None] | None:
    """How the page is counted, by its own words; None where it is not, or in two ways."""
    found = {count for row in page.rows for count in _counted(row.text)}
    height = page.page.height
    for segment in page.segments:
        if (bare := _BARE.fullmatch(segment.text)) and not _MARGIN < segment.box.center[1] / height < 1 - _MARGIN:
            found.add((int(bare[1]), int(bare[2])))
    known = {count for count in found if count[0] >= 1 and (count[1] is None or count[0] <= count[1])}
    whole = {count for count in known if count[1] is not None}
    best = whole or known
    return best.pop() if len(best) == 1 else None


def _counted(text: str) -> list[tuple[int, int | None]]:
    from docparse.extract.vocabulary import find_in

    matches = list(_HAN.finditer(text))
    if any(letter.isdigit() for letter in text):
        places = [end for field, _, end in find_in(text, "invoice") if field == "page"]
        matches += [match for end in places if (match := _AFTER_LABEL.match(text, end))]
    return [(int(match[1]), int(match[2]) if match[2] else None) for match in matches]
