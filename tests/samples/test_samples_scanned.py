"""Facts about the scanned samples that nobody generated.

A fact that does not hold yet is marked ``known`` with what is wrong; the mark is strict, so that it
has to go with the fault.
"""

from __future__ import annotations

import difflib

import pytest
from sample_views import (
    Convert,
    assert_order,
    assert_read,
    block_with,
    blocks,
    headings,
    known,
    likeness,
    squeezed,
    tables,
    texts,
    words_of,
)

from docparse.document import Document

# ---------------------------------------------------------------- mixed.pdf


def test_mixed_reads_both_kinds_of_text(sample: Convert) -> None:
    document = sample("mixed.pdf")
    assert headings(document) == ["Memo: notice found in the mill", "What was found", "What we propose"]
    assert len(blocks(document, "list_item")) == 3
    (clipping,) = blocks(document, "image")
    assert_read(
        squeezed(clipping.text), ["The mill will grind for all comers on", "One part in sixteen is kept as toll."]
    )
    assert clipping.bbox is not None
    page = document.pages[0]
    assert clipping.bbox.width / page.width == pytest.approx(318 / 595, abs=0.02)


def test_mixed_caption(sample: Convert) -> None:
    assert_order(sample("mixed.pdf"), "folder 12.", "Figure 1: The notice", "What we propose", "The notice names")


def test_mixed_lines_of_the_head(sample: Convert) -> None:
    text = block_with(sample("mixed.pdf"), "Ines Castellano").text
    assert text.endswith("Ines Castellano, building surveyor") or "surveyor\n" in text


# ---------------------------------------------------------------- the scans


def test_receipt(sample: Convert) -> None:
    document = sample("receipt.jpg")
    wanted = ["HOLLOW LANE", "RECEIPT 004821", "14/03/2025 17:42", "WHOLEMEAL LOAF 800G 2.35", "2 x 1.65 3.30"]
    wanted += ["FREE RANGE EGGS 12 3.40", "MATURE CHEDDAR 350G 4.10", "2 x 3.75 7.50", "KITCHEN ROLL 2PK 2.49 V"]
    wanted += ["TOTAL GBP 26.62", "CASH 40.00", "CHANGE 13.38", "VAT 20% INCLUDED 0.62", "Returns within"]
    assert_read(words_of(document), wanted, most=0.9)
    assert likeness(words_of(document), "TOTAL GBP 26.62") > 0.9


def test_receipt_centred_lines(sample: Convert) -> None:
    wanted = ["12 Hollow Lane, Westerby", "Tel 01632 960 417", "THANK YOU FOR SHOPPING LOCAL"]
    wanted += ["Returns within 28 days with", "this receipt. Keep it dry."]
    document = sample("receipt.jpg")
    whole = [max((likeness(line, w) for line in _lines(document)), default=0) for w in wanted]
    assert min(whole) > 0.85


def _lines(document: Document) -> list[str]:
    """Text that no cell or block border cuts."""
    cells = [squeezed(c.text) for b in blocks(document, "table") for c in b.cells]
    return [*cells, *texts(b for b in blocks(document) if b.kind != "table")]


LETTER = (
    "Thank you for your offer of 2 June for the twelve windows of the school house in",
    "Hollow Lane. The parish council discussed it on Tuesday and has decided to accept",
    "The sills will be oak instead of larch, at an additional price of 640 euros.",
    "The price is then 18,430 euros including tax. One third is due when the work",
    "The key to the building is with the caretaker, Mrs Adeyemi, who can be reached",
)


def test_sideways_letter(sample: Convert) -> None:
    document = sample("sideways-letter.jpg")
    page = document.pages[0]
    assert page.width > page.height, "boxes are those of the picture as it lies"
    assert_read(words_of(document), LETTER)
    assert_order(
        document, "Parish Council", "Tobias Renner", "Dear Mr Renner", "The sills", "The key", "Helen Marchetti"
    )
    assert likeness(headings(document)[0], "Parish Council of Westerby") > 0.9
    assert [b.number for b in blocks(document, "list_item")] == [1, 2]
    tall = [b for b in blocks(document, "heading") if b.bbox is not None and b.bbox.height > b.bbox.width]
    assert len(tall) == len(blocks(document, "heading"))


def test_sideways_letter_date_and_salutation(sample: Convert) -> None:
    document = sample("sideways-letter.jpg")
    assert not any("Dear" in text for text in headings(document))
    assert_order(document, "Westerby WB1 3HD", "12 June 2025", "Windows of the school house")


def test_dossier_pages(sample: Convert) -> None:
    document = sample("dossier.tif")
    assert [(page.width, page.height) for page in document.pages] == [(1700, 2200), (1653, 2339), (1653, 1167)]
    assert_read(
        words_of(document, 1), ["Please find with this page the minutes of our meeting on site and the delivery"]
    )
    assert [b.number for b in blocks(document, "list_item", page=2)] == [1, 2, 3, 4]
    assert_read(words_of(document, 2), ["The gate at Customs Street is wide enough.", "stacked."])
    assert any(likeness(text, "DELIVERY NOTE No. 7719") > 0.9 for text in headings(document, 3))
    (table,) = tables(document, page=3)
    assert table[:5] == [
        ["Item", "Description", "Quantity", "Weight (kg)"],
        ["P-200", "Drainage pump, electric", "2", "5,600"],
        ["H-075", "Pressure hose, 20 m", "6", "318"],
        ["C-016", "Cable on drum, 50 m", "2", "190"],
        ["B-001", "Box of fittings", "1", "42"],
    ]


def test_dossier_table_ends_with_its_total(sample: Convert) -> None:
    (table,) = tables(sample("dossier.tif"), page=3)
    assert not any("Received in good order" in cell for row in table for cell in row)
    assert_order(sample("dossier.tif"), "Total weight", "6,150", "Received in good order", page=3)


@known("on a scan of one size of text a large line is no heading")
def test_dossier_headings(sample: Convert) -> None:
    document = sample("dossier.tif")
    assert headings(document, 1) == ["FAX"]
    assert headings(document, 2) == ["Minutes of the meeting on site"]


def test_dossier_fax_head(sample: Convert) -> None:
    text = words_of(sample("dossier.tif"), 1)
    rows = ["To: Harbour Office, attn. Ms Lindqvist", "From: Coastal Freight, J. Abara", "Pages: 3 including this one"]
    assert_read(text, rows)


def test_eurotext(sample: Convert) -> None:
    wanted = (
        "The (quick) [brown] {fox} jumps! Over the $43,456.78 <lazy> #90 dog & duck/goose, as 12.5% of E-mail from "
        "aspammer@website.com is spam. Der „schnelle” braune Fuchs springt über den faulen Hund. Le renard brun "
        "«rapide» saute par-dessus le chien paresseux. La volpe marrone rapida salta sopra il cane pigro. El zorro "
        "marrón rápido salta sobre el perro perezoso. A raposa marrom rápida salta sobre o cão preguiçoso."
    )
    found = words_of(sample("eurotext.tif"))
    assert difflib.SequenceMatcher(None, wanted, found, autojunk=False).ratio() > 0.97
