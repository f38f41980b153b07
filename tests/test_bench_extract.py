"""What ``docparse bench extract`` stands on: which values are right, where their words stand, what confidences say."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)


# ------------------------------------------------------------------------------------ documents of our own

ROWS = (
    (60, 60, "Brook & Hill Joinery Ltd"),
    (60, 76, "12 Mill Lane, Bath BA1 5QT"),
    (360, 130, "Invoice number: BH-2207"),
    (360, 146, "Invoice date: 14 March 2025"),
    (360, 162, "Due date: 28/03/2025"),
    (60, 130, "Bill to: Ferry House Hotel"),
    (60, 236, "Description"),
    (300, 236, "Quantity"),
    (380, 236, "Unit price"),
    (480, 236, "Amount"),
    (60, 256, "Oak window frame"),
    (300, 256, "2"),
    (380, 256, "310.00"),
    (480, 256, "620.00"),
    (60, 274, "Fitting of door"),
    (300, 274, "1"),
    (380, 274, "180.00"),
    (480, 274, "180.00"),
    (380, 310, "Net total"),
    (480, 310, "800.00"),
    (380, 326, "VAT 20 %"),
    (480, 326, "160.00"),
    (380, 342, "Total GBP"),
    (480, 342, "960.00"),
)
INVOICE = {
    "invoice_number": "BH-2207",
    "issue_date": "2025-03-14",
    "due_date": "2025-03-28",
    "seller_name": "Brook & Hill Joinery Ltd",
    "net_total": "800.00",
    "tax_total": "160.00",
    "grand_total": "960.00",
    "line_items": [
        {"description": "Oak window frame", "quantity": "2", "unit_price": "310.00", "amount": "620.00"},
        {"description": "Fitting of door", "quantity": "1", "unit_price": "180.00", "amount": "180.00"},
    ],
}
SLIP = (
    "HARBOUR STREET BAKERY LTD",
    "4 HARBOUR STREET, WHITBY",
    "DATE: 17/05/2024",
    "RYE LOAF 4.20",
    "TEA CAKE 2.30",
    "TOTAL 6.50",
)
RECEIPT = {"company": SLIP[0], "date": "17/05/2024", "total": "6.50"}


def make_folder(folder: Path) -> Path:
    """A receipt, an invoice and nothing else, laid out like evaluation data without a score.py."""
    (folder / "invoices").mkdir(parents=True)
    with pymupdf.open() as pdf:
        page = pdf.new_page()
        for x, y, text in ROWS:
            page.insert_text((x, y), text, fontsize=10)
        pdf.save(folder / "invoices" / "joiner.pdf")
    told = {"file": "joiner.pdf", "fields": INVOICE, "not_on_page": {"buyer_name": "Ferry House"}}
    (folder / "invoices" / "joiner.fields.json").write_text(json.dumps(told))
    (folder / "receipts").mkdir()
    image = Image.new("RGB", (620, 420), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    lines = []
    for i, text in enumerate(SLIP):
        draw.text((40, 30 + 60 * i), text, fill="black", font=font)
        lines.append({"bbox": [round(v) for v in draw.textbbox((40, 30 + 60 * i), text, font=font)], "text": text})
    image.save(folder / "receipts" / "slip.jpg", quality=95)
    (folder / "receipts" / "slip.fields.json").write_text(json.dumps(RECEIPT))
    told = {"file": "slip.jpg", "width": 620, "height": 420, "lines": lines}
    (folder / "receipts" / "slip.lines.json").write_text(json.dumps(told))
    return folder


def known(folder: Path, name: str) -> Any:
    from field_sets import SETS, documents

    return next(one for kind in SETS for one in documents(folder, kind) if one.id == name)


# ------------------------------------------------------------------------------------ what is right


@pytest.mark.parametrize(
    ("kind", "said", "true", "right"),
    [
        ("date", "2024-05-17", "17/05/2024", True),
        ("date", "2024-05-03", "03/05/2024", True),
        ("date", "2024-03-05", "03/05/2024", False),  # an ambiguous one is read with the day first
        ("date", "17 May 2024", "2024-05-17", True),
        ("date", "nobody knows", "2024-05-17", False),
        ("amount", "1234.50", "1,234.50", True),
        ("amount", "1234.50", "1.234,50 EUR", True),
        ("amount", "1234.51", "1234.50", False),
        ("amount", "-8.79", "8.79", False),
        ("amount", "8.79", "-8.79", False),
        ("amount", Decimal("3"), "3.0", True),
        ("text", "Acme, Ltd.", "ACME LTD", True),
        ("text", "Acme", "ACME LTD", False),
        ("text", None, "ACME LTD", False),
        ("currency", "EUR", "EUR", True),
        ("description", "Oak window frame, two wings", "Oak window frame", True),
        ("description", "Pine door", "Oak window frame", False),
    ],
)
def test_values_compare_as_their_kind_does(kind: Any, said: Any, true: str, right: bool) -> None:
    from field_truth import same

    assert same(kind, said, true) is right


def test_a_number_may_have_a_decimal_point_or_a_comma() -> None:
    from field_truth import amounts

    assert amounts("1.234") == {Decimal("1.234"), Decimal("1234")}
    assert amounts("(12.50)") == {Decimal("-12.50"), Decimal("-1250")}
    assert amounts("12.50-") == {Decimal("-12.50"), Decimal("-1250")}
    assert amounts("2 x 3") == set()  # those are two numbers


def test_line_items_are_paired_in_any_order_and_what_is_none_is_wrong(tmp_path: Path) -> None:
    from field_truth import judge

    document = known(make_folder(tmp_path), "joiner")
    items = [
        {"description": "Fitting of door", "quantity": "1", "unit_price": "180.00", "amount": "180.00"},
        {"description": "Carried over", "amount": "5.00"},
        {"description": "Oak window frame", "quantity": "3", "unit_price": "310.00", "amount": "620.00"},
    ]
    found = [j for j in judge(document, {"fields": {"line_items": items}}) if j.of_item]
    told = {j.path: (j.outcome, j.true) for j in found}
    assert told["line_items[0].amount"] == ("right", "180.00")
    assert told["line_items[2].quantity"] == ("wrong", "2")
    assert told["line_items[2].description"] == ("right", "Oak window frame")
    assert told["line_items[1].amount"] == ("wrong", None)
    assert len(found) == 4 + 2 + 4


def test_a_missing_item_is_missing_in_all_its_parts(tmp_path: Path) -> None:
    from field_truth import judge

    document = known(make_folder(tmp_path), "joiner")
    found = [j for j in judge(document, {"fields": {}}) if j.of_item]
    assert [j.outcome for j in found] == ["missing"] * 8


def test_fields_that_are_not_on_the_page_are_not_asked(tmp_path: Path) -> None:
    from field_truth import judge

    document = known(make_folder(tmp_path), "joiner")
    assert "buyer_name" not in {j.field for j in judge(document, {"fields": {"buyer_name": "Someone"}})}


def test_several_values_are_a_set(tmp_path: Path) -> None:
    from field_sets import CONTRACTS, Known
    from field_truth import judge

    document = Known(CONTRACTS, tmp_path / "a.pdf", {"party": ["Acme Inc.", "Bolt LLC"]})
    found = judge(document, {"fields": {"party": ["Bolt, LLC", "Other Co"]}})
    assert [(j.path, j.outcome, j.true) for j in found] == [
        ("party[0]", "right", "Bolt LLC"),
        ("party[1]", "wrong", None),
        ("party", "missing", "Acme Inc."),
    ]


# ------------------------------------------------------------------------------------ where it stands


def test_words_are_found_in_a_pdf_and_their_boxes_fit(tmp_path: Path) -> None:
    from field_places import inside, of_pdf, places, reads_as

    path = make_folder(tmp_path) / "invoices" / "joiner.pdf"
    lines = of_pdf(path, 1, 1190, 1684)  # twice the page's points
    (total,) = places(lines, "amount", "960.00", "960.00")
    assert total.x1 == pytest.approx(960, abs=2)
    assert total.y1 < 684 < total.y2
    assert inside(lines, total, words=False) == "960.00"
    (number,) = places(lines, "text", "BH-2207", "BH-2207")
    assert inside(lines, number, words=False) == "BH-2207"  # the label before it is not in its box
    (issued,) = places(lines, "date", "2025-03-14", "14 March 2025")
    assert reads_as("date", inside(lines, issued, words=False), "2025-03-14", "14 March 2025")
    assert len(places(lines, "amount", "180.00", "180.00")) == 2
    assert places(lines, "text", "Hill Join", "Hill Join") == []  # that ends in the midst of a word


def test_a_turned_page_has_its_words_where_they_are_seen(tmp_path: Path) -> None:
    from field_places import of_pdf, places

    path = make_folder(tmp_path) / "invoices" / "joiner.pdf"
    turned = tmp_path / "turned.pdf"
    with pymupdf.open(path) as pdf:
        pdf[0].set_rotation(90)
        pdf.save(turned)
    (box,) = places(of_pdf(turned, 1, 842, 595), "amount", "960.00", "960.00")
    assert box.height > box.width  # it runs downwards
    assert box.x1 < 842 - 342 < box.x2 + 5


def test_a_part_of_a_typed_line_has_its_share_of_the_box() -> None:
    from field_places import inside, of_lines, places

    told = {"width": 100, "height": 50, "lines": [{"bbox": [10, 10, 110, 30], "text": "TOTAL 6.50"}]}
    lines = of_lines(told, 200, 100)
    (box,) = places(lines, "amount", "6.50", "6.50")
    assert box.as_tuple() == pytest.approx((140, 20, 220, 60))
    assert inside(lines, box.grown(8), words=True) == "6.50"


@pytest.mark.parametrize(
    ("kind", "text", "value", "reads"),
    [
        ("amount", "€ 6,50", "6.50", True),
        ("amount", "2 6.50", "6.50", False),
        ("date", "17/05/2024", "2024-05-17", True),
        ("date", "17/05/2023", "2024-05-17", False),
        ("currency", "€", "EUR", True),
        ("text", "BH-2207.", "BH-2207", True),
        ("text", "No BH-2207", "BH-2207", False),
    ],
)
def test_a_box_reads_as_its_value_and_nothing_else(kind: Any, text: str, value: str, reads: bool) -> None:
    from field_places import reads_as

    assert reads_as(kind, text, value, "") is reads


# ------------------------------------------------------------------------------------ how sure


def judged(confidence: float, outcome: Any) -> Any:
    from field_sets import RECEIPTS, Known
    from field_truth import Judged

    document = Known(RECEIPTS, Path("a.jpg"), {})
    return Judged(document, "total", "total", outcome, "1", "1", {"confidence": confidence})


def test_the_curve_goes_from_the_surest_value_to_all_of_them() -> None:
    from field_figures import Point, curve, sure

    found = [judged(0.5, "wrong"), judged(0.99, "right"), judged(0.95, "right"), judged(0.95, "wrong")]
    found.append(judged(0.0, "missing"))
    assert curve(found) == [Point(0.99, 0.2, 1.0), Point(0.95, 0.6, 2 / 3), Point(0.5, 0.8, 0.5)]
    at = sure(found)
    assert (at.said, at.right, at.known) == (3, 2, 5)


def test_nothing_said_has_no_precision() -> None:
    from field_figures import curve, sure

    assert curve([judged(0.0, "missing")]) == []
    assert sure([judged(0.3, "right")]).precision is None


# ------------------------------------------------------------------------------------ the peers


def test_regexes_find_what_stands_beside_their_words(tmp_path: Path) -> None:
    from field_peers import regexes

    text = tmp_path / "a.txt"
    text.write_text("\n".join(SLIP))
    assert regexes()(Path("a.jpg"), text, "receipts") == {
        "company": SLIP[0],
        "address": " ".join(SLIP[1:4]),
        "date": "17/05/2024",
        "total": "6.50",
    }
    text.write_text("Joiner Ltd\nInvoice no. BH-2207\nSubtotal 800.00\nVAT 160.00\nTotal GBP 960.00")
    found = regexes()(Path("a.pdf"), text, "invoices")
    expected = {"invoice_number": "BH-2207", "net_total": "800.00", "tax_total": "160.00", "grand_total": "960.00"}
    assert {name: found[name] for name in expected} == expected
    assert found["currency"] == "GBP"


# ------------------------------------------------------------------------------------ all of it


def test_the_benchmark_over_a_folder_of_our_own(tmp_path: Path) -> None:
    data, out = make_folder(tmp_path / "data"), tmp_path / "out"
    command = [sys.executable, BENCHMARKS / "bench_extract.py", "--data", data, "--out", out]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    results = json.loads(ran.stdout.splitlines()[-1])["results"]
    invoice = results["fields"]["invoices"]["all"]["by_field"]
    assert invoice["grand_total"] == {"n": 1, "norm": 1.0, "p": 1.0, "r": 1.0}
    assert results["fields"]["receipts"]["all"]["by_field"]["total"]["norm"] == 1.0
    assert set(results["fields"]["invoices"]) >= {"all", "regexes"}
    assert results["boxes"]["invoices"]["n"] >= 5
    assert results["boxes"]["invoices"]["iou_half"] == 1.0
    assert results["time"]["receipts"]["documents"] == 1
    (markdown,), (written,), (picture,) = (list(out.glob(f"extract-*.{suffix}")) for suffix in ("md", "json", "png"))
    with Image.open(picture) as image:
        assert image.width > 800
    for text in (markdown.read_text(), written.read_text()):
        assert "BH-2207" not in text  # what stands in the documents is nobody's but theirs
        assert "Joinery" not in text
        assert "HARBOUR" not in text


def test_a_folder_without_documents_is_named(tmp_path: Path) -> None:
    command = [sys.executable, BENCHMARKS / "bench_extract.py", "--data", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "there are no documents with fields there" in ran.stderr
