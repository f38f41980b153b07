"""Confidences as probabilities: what a calibration is, where it is applied, and where it is seen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import docparse
from docparse import confidence
from docparse.cli import app
from docparse.confidence import UNCALIBRATED, Calibration, calibrated, calibration, described, file_name
from docparse.convert import Options, finish_page, open_for
from docparse.document import Block, Cell, EngineInfo, Page, Run
from docparse.engines.base import PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.errors import SettingsError
from docparse.exporters.overlay import HEAT_FILL, draw_page
from docparse.exporters.palette import heat
from docparse.geometry import BBox
from docparse.qwenvl_html import read
from docparse.verify import check, mean_confidence

SAMPLES = Path(__file__).parent.parent / "samples"
EMBEDDED = EngineInfo("embedded")
QWEN = EngineInfo("qwen", model="Qwen2.5-VL-7B-Instruct")
PLACE = BBox(10, 10, 90, 40)

SHARES = st.floats(0, 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of calibrations instead of the one that is shipped."""
    monkeypatch.setattr(confidence, "FOLDER", tmp_path)
    calibration.cache_clear()
    yield tmp_path
    calibration.cache_clear()


def ocr() -> Calibration:
    known = calibration("ocr")
    assert known is not None
    return known


def paragraph(sure: float | None, text: str = "some words", origin: str = "ocr") -> Block:
    return Block("paragraph", PLACE, (Run(text),), confidence=sure, origin=origin)


# ------------------------------------------------------------------------------------------- the map


@st.composite
def maps(draw: st.DrawFn) -> Calibration:
    inner = draw(st.lists(st.floats(0.001, 0.999), max_size=8, unique=True))
    values = sorted(draw(st.lists(SHARES, min_size=len(inner) + 2, max_size=len(inner) + 2)))
    return Calibration(tuple(zip([0.0, *sorted(inner), 1.0], values, strict=True)))


@given(maps(), st.lists(st.floats(-1, 2), min_size=2, max_size=9))
def test_it_goes_up_and_stays_within_bounds(known: Calibration, raws: list[float]) -> None:
    found = [known(raw) for raw in sorted(raws)]
    assert all(b - a > -1e-12 for a, b in pairwise(found))
    assert all(-1e-12 <= value <= 1 + 1e-12 for value in found)


@given(maps())
def test_it_goes_through_its_knots(known: Calibration) -> None:
    for raw, value in known.knots:
        assert known(raw) == pytest.approx(value, abs=1e-9)


def test_it_is_straight_between_them() -> None:
    known = Calibration(((0, 0), (0.8, 0.2), (1, 0.9)))
    assert [known(raw) for raw in (0.4, 0.8, 0.9, 1.0)] == pytest.approx([0.1, 0.2, 0.55, 0.9])


@pytest.mark.parametrize(
    "knots",
    [
        (),
        ((0, 0),),
        ((0.1, 0), (1, 1)),
        ((0, 0), (0.9, 1)),
        ((0, 0), (0.5, 0.2), (0.5, 0.3), (1, 1)),
        ((0, 0), (0.5, 0.6), (1, 0.5)),
        ((0, -0.1), (1, 1)),
        ((0, 0), (1, 1.1)),
        ((0, 0), (0.5, float("nan")), (1, 1)),
    ],
)
def test_what_is_no_such_map_is_none(knots: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibration(knots)


def test_the_one_for_ocr_is_shipped_and_says_where_it_comes_from() -> None:
    known = ocr()
    assert known.name.startswith("ocr 20")
    assert "elements and cells" in known.source
    # What made it necessary: .95 of the OCR's own is right about every second time.
    assert known(0.95) < 0.6 < 0.9 < known(1.0) < 1
    assert [known(raw / 100) for raw in range(101)] == sorted(known(raw / 100) for raw in range(101))


# ------------------------------------------------------------------------------------ where it is applied


def test_elements_cells_and_items() -> None:
    known = ocr()
    cells = (
        Cell(0, 0, runs=(Run("four"),), confidence=0.99),
        Cell(0, 1, runs=(Run("no"),), confidence=0.9),
        Cell(1, 0, confidence=None),
        Cell(1, 1, runs=(Run("unknown"),), confidence=None),
    )
    items = tuple(
        Block("list_item", place, (Run(text),), level=1, confidence=sure, origin="ocr")
        for text, sure, place in (("four", 0.97, PLACE), ("twelve words", 0.999, None))
    )
    blocks = (
        paragraph(0.95),
        Block("table", PLACE, cells=cells, confidence=0.96, origin="ocr"),
        Block("list", PLACE, items=items, confidence=0.98, origin="ocr"),
        Block("image", PLACE, origin="ocr"),
    )
    words, table, several, image = calibrated(blocks, EMBEDDED)
    assert words.confidence == round(known(0.95), 4)
    assert [c.confidence for c in table.cells] == [round(known(0.99), 4), round(known(0.9), 4), None, None]
    assert table.confidence == pytest.approx((4 * known(0.99) + 2 * known(0.9)) / 6, abs=1e-4)
    assert [i.confidence for i in several.items] == [round(known(0.97), 4), round(known(0.999), 4)]
    assert several.confidence == pytest.approx((4 * known(0.97) + 12 * known(0.999)) / 16, abs=1e-4)
    assert image == blocks[3]
    # Nothing but confidences is another, and the same comes out each time.
    bare = [dataclasses.replace(b, confidence=None) for b in (words, blocks[0])]
    assert bare[0] == bare[1]
    assert calibrated(blocks, EMBEDDED) == (words, table, several, image)


def test_a_table_whose_cells_know_nothing_has_its_own() -> None:
    table = Block("table", PLACE, cells=(Cell(0, 0, runs=(Run("x"),)),), confidence=0.96, origin="ocr")
    assert calibrated([table], EMBEDDED)[0].confidence == round(ocr()(0.96), 4)


@pytest.mark.parametrize(("origin", "engine"), [("model", QWEN), ("text-layer", EMBEDDED), ("", EngineInfo("mine"))])
def test_where_there_is_none_nothing_changes(origin: str, engine: EngineInfo) -> None:
    blocks = (
        paragraph(0.83, origin=origin),
        Block("table", PLACE, cells=(Cell(0, 0, runs=(Run("x"),), confidence=0.5),), confidence=0.9, origin=origin),
    )
    assert calibrated(blocks, engine) == blocks


def test_what_ocr_read_for_a_model_is_calibrated_as_ever() -> None:
    own, read_for_it = calibrated([paragraph(0.95, origin="model"), paragraph(0.95)], QWEN)
    assert (own.confidence, read_for_it.confidence) == (0.95, round(ocr()(0.95), 4))


def test_a_model_has_its_own_once_somebody_fitted_it(folder: Path) -> None:
    told = {"name": "qwen2.5-vl-7b-instruct 2027-01-01", "source": "a test", "knots": [[0, 0], [0.5, 0.1], [1, 0.9]]}
    (folder / "qwen2.5-vl-7b-instruct.json").write_text(json.dumps(told))
    for model in ("Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct (as qwen2.5-vl)"):
        engine = EngineInfo("remote", model=model)
        assert [b.confidence for b in calibrated([paragraph(0.5, origin="model")], engine)] == [0.1]
        assert described(engine, "why").calibration == told["name"]
    assert calibrated([paragraph(0.5, origin="model")], EngineInfo("qwen", model="Other"))[0].confidence == 0.5
    assert calibrated([paragraph(0.5)], QWEN)[0].confidence == 0.5  # none for OCR in this folder


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "", "source": "", "knots": [[0, 1], [1, 0]]}'])
def test_a_file_that_is_none_is_named(folder: Path, text: str) -> None:
    (folder / "ocr.json").write_text(text)
    with pytest.raises(SettingsError, match=r"ocr\.json is no calibration"):
        calibration("ocr")


def test_names_of_files() -> None:
    assert file_name("Qwen/Qwen2.5-VL-7B-Instruct (as qwen2.5-vl)") == "qwen2.5-vl-7b-instruct"
    assert file_name("my model: v2/") == "my-model-v2"
    assert file_name("../../etc/..") == file_name("") == ""


def test_the_document_says_by_what() -> None:
    assert described(EMBEDDED, "why") == EngineInfo("embedded", reason="why", calibration=ocr().name)
    assert described(QWEN, "").calibration == described(EngineInfo("mine"), "").calibration == UNCALIBRATED
    engine = FakeEngine()
    assert docparse.parse(SAMPLES / "invoice.pdf", engine=engine).engine.calibration == UNCALIBRATED


def test_once_and_only_once_in_the_flow() -> None:
    """All that the embedded engine reads of a receipt has the calibrated value of what it said."""
    with open_for(str(SAMPLES / "receipt.jpg"), Options()) as source:
        image = source.page(1)
        markup = EmbeddedEngine(threads=1).read_page(image)
        size = {"width": image.width, "height": image.height}
        raw = read(markup.html, confidences=markup.confidences, origin=markup.origin, **size).blocks
        page = finish_page(image, markup, EMBEDDED)
    known = ocr()
    cells = [
        (cell, was)
        for block, before in zip(page.blocks, raw, strict=True)
        for cell, was in zip(block.cells, before.cells, strict=True)
        if was.text
    ]
    assert len(cells) > 10
    for cell, was in cells:
        assert was.confidence is not None
        assert cell.confidence == round(known(was.confidence), 4)
    words = [(b, was) for b, was in zip(page.blocks, raw, strict=True) if b.text and not b.cells and not b.items]
    assert words
    assert all(b.confidence == round(known(was.confidence or 0), 4) for b, was in words)


# -------------------------------------------------------------------------------------- where it is seen


def test_cells_are_in_the_json_and_their_mean_in_the_table(tmp_path: Path) -> None:
    command = ["convert", str(SAMPLES / "receipt.jpg"), "-o", str(tmp_path), "--to", "json", "--engine", "embedded"]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200", "DOCPARSE_JOBS": "1"})
    assert done.exit_code == 0, done.stderr
    document = json.loads((tmp_path / "receipt.json").read_text("utf-8"))
    assert document["engine"]["calibration"] == ocr().name
    blocks = document["pages"][0]["blocks"]
    cells = [cell for block in blocks for cell in block.get("cells", []) if cell["text"]]
    assert len(cells) > 10
    assert all(0 < cell["confidence"] < 1 for cell in cells)
    assert len({cell["confidence"] for cell in cells}) > 5
    page = docparse.parse(SAMPLES / "receipt.jpg", engine="embedded").pages[0]
    mean, _ = mean_confidence(page.blocks)
    assert mean is not None
    row = next(line for line in done.stderr.splitlines() if "receipt.jpg" in line)
    assert f"{mean:.0%}" in row.split()


def test_cells_have_their_own_heat() -> None:
    cells = tuple(
        Cell(0, col, runs=(Run("x"),), bbox=BBox(20 + 100 * col, 100, 110 + 100 * col, 200), confidence=sure)
        for col, sure in enumerate((0.95, 0.1))
    )
    page = Page(1, 300, 300, blocks=(Block("table", BBox(10, 90, 230, 210), cells=cells, confidence=0.9),))
    image = draw_page(page, Image.new("RGB", (300, 300), "white"), with_heat=True)
    for x, sure in ((65, 0.95), (165, 0.1)):
        expected = [255 + (c - 255) * HEAT_FILL / 255 for c in heat(sure)]
        assert image.getpixel((x, 180)) == pytest.approx(expected, abs=1.5)


# ------------------------------------------------------------------------------------------ the verdict


def verdict(*blocks: Block, origin: str) -> set[str]:
    with open_for(str(SAMPLES / "eurotext.tif"), Options()) as source:
        image = source.page(1)
        return {i.code for i in check(image, PageMarkup(1, "", origin=origin), blocks, ())[1].issues}


def test_a_page_is_in_doubt_by_probabilities_where_there_are_some() -> None:
    assert "low-confidence" not in verdict(paragraph(0.62), origin="ocr")
    assert "low-confidence" in verdict(paragraph(0.58), origin="ocr")
    assert "low-confidence" in verdict(paragraph(0.65, origin="model"), origin="model")  # as the model says it
    assert "low-confidence" not in verdict(paragraph(0.7, origin="model"), origin="model")


def test_a_logo_that_ocr_read_does_not_put_a_text_layer_in_doubt() -> None:
    layer = paragraph(None, "a page of text that is simply there", origin="")
    assert "low-confidence" not in verdict(layer, paragraph(0.1, "LOGO"), origin="mixed")
    assert "low-confidence" in verdict(
        paragraph(None, "few", origin=""), paragraph(0.1, "a scanned page"), origin="mixed"
    )
