"""What ``docparse bench calibration`` stands on: which text is compared with which, the fit, the figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from docparse import confidence
from docparse.confidence import Calibration
from docparse.document import Block, Cell, EngineInfo, Run
from docparse.engines.base import PageMarkup
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.settings import load

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)


# ------------------------------------------------------------------------------------ which with which


def errors(text: str, box: BBox, *truth: tuple[BBox, str]) -> float | None:
    """Share of wrong characters of one element; None where nobody knows."""
    import evidence

    block = Block("paragraph", box, (Run(text),), confidence=0.5, origin="ocr")
    found, unknown = evidence.judge("a", [block], [evidence.Truth(*t) for t in truth], "ocr")
    assert len(found) + unknown == 1
    return found[0].errors if found else None


LINE = BBox(0, 0, 200, 20)
BELOW = BBox(0, 25, 200, 45)
BOTH = BBox(0, 0, 200, 45)


def test_case_spaces_and_kinds_of_quotes_are_no_difference() -> None:
    assert errors("it’s  Twelve — ﬁve", LINE, (LINE, "IT'S TWELVE - FIVE")) == 0


def test_what_is_wrong_missing_or_too_much_counts() -> None:
    assert errors("4.35", LINE, (LINE, "4.36")) == 0.25
    assert errors("435", LINE, (LINE, "4.35")) == 0.25
    assert errors("4.35x", LINE, (LINE, "4.35")) == 0.2


def test_all_lines_in_the_box_belong_to_it_in_the_order_that_fits() -> None:
    lines = ((LINE, "first"), (BELOW, "second"))
    assert errors("first second", BOTH, *lines) == errors("second first", BOTH, *lines) == 0
    assert errors("first", BOTH, *lines) == pytest.approx(6 / 11)


def test_a_part_of_a_line_is_looked_for_where_it_stands() -> None:
    line = (LINE, "1 COFFEE 12.00 A 1 TEA")
    assert errors("12.00", BBox(80, 0, 130, 20), line) == 0
    assert errors("72.00", BBox(80, 0, 130, 20), line) == 0.2
    assert (errors("TEA", BBox(0, 0, 30, 20), line) or 0) > 0.5  # that stands at the other end


def test_a_line_of_a_block_is_looked_for_in_all_of_it() -> None:
    block = (BBox(0, 0, 200, 200), "a block of several lines, all of which have some words in them")
    assert errors("which have some", BBox(0, 100, 200, 120), block) == 0
    assert errors("wh1ch have some", BBox(0, 100, 200, 120), block) == pytest.approx(1 / 13)
    assert errors("have", BBox(0, 100, 200, 120), block) is None  # so short a text is found in any


def test_where_nobody_typed_or_the_box_cuts_nothing_is_said() -> None:
    assert errors("text", LINE) is None
    assert errors("text", LINE, (BELOW, "text")) is None
    assert errors("text", BBox(0, 0, 200, 35), (LINE, "te"), (BELOW, "xt")) is None  # half of the second line


def test_cells_are_compared_one_by_one_and_others_of_other_origin_not_at_all() -> None:
    import evidence

    cells = tuple(
        Cell(0, n, runs=(Run(t),), bbox=BBox(100 * n, 0, 100 * n + 90, 20), confidence=0.5 + n / 10)
        for n, t in enumerate(("total", "9.00"))
    )
    table = Block("table", LINE, cells=cells, origin="ocr")
    truth = [evidence.Truth(BBox(0, 0, 90, 20), "TOTAL"), evidence.Truth(BBox(100, 0, 190, 20), "8.00")]
    found, _ = evidence.judge("a", [table], truth, "ocr")
    assert [(j.what, j.raw, j.right, j.length) for j in found] == [("cell", 0.5, True, 5), ("cell", 0.6, False, 4)]
    assert evidence.judge("a", [table], truth, "model") == ([], 0)


def test_two_wrong_characters_in_a_hundred_are_right_and_three_are_not() -> None:
    from evidence import Judged

    assert Judged("a", "element", 0.5, 0.02, 100).right
    assert not Judged("a", "element", 0.5, 0.03, 100).right


def test_sizes_the_wrong_way_round() -> None:
    from evidence import TruePage, Truth

    page = TruePage(400, 200, (Truth(BBox(20, 40, 60, 80), "x"),))
    assert page.scaled(800, 400)[0].box == BBox(40, 80, 120, 160)
    assert page.scaled(200, 400)[0].box == BBox(20, 40, 60, 80)


# ------------------------------------------------------------------------------------------- the figures


def test_a_fit_finds_what_is_there() -> None:
    """One in ten is right at .9, half at .95, nine in ten at .99: so says the map, give or take its caution."""
    from isotonic import fit

    pairs = [(c, float(i < 100 * r)) for c, r in ((0.9, 0.1), (0.95, 0.5), (0.99, 0.9)) for i in range(100)]
    known = Calibration(fit(pairs))
    assert [known(c) for c in (0.9, 0.95, 0.99)] == pytest.approx([0.1, 0.5, 0.9], abs=0.01)
    assert known(0) == 0
    assert known(0.3) < 0.1


def test_what_goes_down_is_pooled() -> None:
    from isotonic import fit

    pairs = [(c, float(i < 100 * r)) for c, r in ((0.8, 0.2), (0.9, 0.7), (0.95, 0.3), (0.99, 0.9)) for i in range(100)]
    knots = fit(pairs)
    assert [x for x, _ in knots] == [0, 0.8, 0.925, 0.99, 1]
    assert dict(knots)[0.925] == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_every_fit_is_a_calibration_and_never_certain(pairs: list[tuple[float, float]]) -> None:
    from isotonic import fit

    knots = fit(pairs)
    Calibration(knots)
    assert all(b[0] > a[0] for a, b in pairwise(knots))
    assert knots[-1][1] < 1


def test_reliability_and_errors() -> None:
    from isotonic import brier, expected_error, reliability

    pairs = [(0.95, 1.0), (0.95, 0.0), (0.25, 0.0), (1.0, 1.0)]
    bins = reliability(pairs)
    assert bins[2] == (1, 0.25, 0.0)
    assert bins[9] == (3, pytest.approx(2.9 / 3), pytest.approx(2 / 3))
    assert sum(n for n, _, _ in bins) == 4
    assert expected_error(pairs) == pytest.approx((0.25 + 0.9) / 4)
    assert brier(pairs) == pytest.approx((0.05**2 + 0.95**2 + 0.25**2) / 4)
    assert expected_error([]) == brier([]) == 0


# --------------------------------------------------------------------------------------------- the run


def receipt(folder: Path, name: str, *, lines: int) -> None:
    """A picture of lines of print and what stands in them; every other truth says something else."""
    image = Image.new("RGB", (700, 60 * lines + 80), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    told: list[dict[str, Any]] = []
    for n in range(lines):
        text = f"Entry number {n} of the list {17 * n + 3}"
        box = draw.textbbox((60, 40 + 60 * n), text, font)
        draw.text((60, 40 + 60 * n), text, "black", font)
        told.append({"bbox": [int(v) for v in box], "text": text if n % 2 else "something quite different here"})
    image.save(folder / f"{name}.png")
    truth = {"file": f"{name}.png", "width": image.width, "height": image.height, "lines": told}
    (folder / f"{name}.lines.json").write_text(json.dumps(truth))


def bench(data: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "bench_calibration.py"), "--data", str(data), "--out", str(out), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_run_over_drawn_receipts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bench_calibration

    receipts = tmp_path / "receipts"
    receipts.mkdir()
    names = [f"r{n}" for n in range(40)]
    halves = {half: next(n for n in names if bench_calibration.half(f"{n}.png") == half) for half in (0, 1)}
    for name in halves.values():
        receipt(receipts, name, lines=12)
    done = bench(tmp_path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])["results"]
    counts = results["counts"]
    assert counts["files"] == [1, 1]
    assert min(counts["elements"]) > 0
    assert "knots" not in results  # far too few
    assert "No calibration" in done.stdout
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".json", ".md"}
    assert "Entry" not in (tmp_path / "out" / next(p.name for p in (tmp_path / "out").glob("*.md"))).read_text("utf-8")


class Model:
    """An engine whose text is a model's; it is sure of what it gets right."""

    name = "remote"

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, "1", model="Qwen/Some-Model (as qwen2.5-vl)")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            html, spans = "<html><body>", []
            for n in range(60):
                box = f"60 {35 + 60 * n} 640 {75 + 60 * n}"
                html += f'<p data-bbox="{box}">'
                text = f"Entry number {n} of the list {17 * n + 3}"
                spans.append((len(html), len(html) + len(text), 0.99 if n % 2 else 0.8))
                html += f"{text}</p>"
            yield PageMarkup(page.number, html + "</body></html>", confidences=tuple(spans), origin="model")


def test_a_models_confidences_are_fitted_alike(tmp_path: Path) -> None:
    import bench_calibration

    (tmp_path / "receipts").mkdir()
    names = [f"r{n}" for n in range(40)]
    for half in (0, 1):
        name = next(n for n in names if bench_calibration.half(f"{n}.png") == half)
        receipt(tmp_path / "receipts", name, lines=60)
    said: list[str] = []
    found, fitted = bench_calibration.run(tmp_path, load(engine="embedded"), Model(), said.append)
    assert found.results["counts"]["elements"] == [60, 60]
    known, halves = fitted
    assert known.name.startswith("some-model ")
    assert known(0.99) == pytest.approx(0.98, abs=0.01)
    assert known(0.8) < 0.03
    errors = found.results["errors"]
    assert errors["calibrated"]["ece"] < 0.03 < 0.3 < errors["as the engine says them"]["ece"]
    assert {j.what for half in halves for j in half} == {"element"}
    assert len(said) == 2


def test_what_is_fitted_is_written_as_it_is_shipped(tmp_path: Path) -> None:
    import bench_calibration
    import report
    from evidence import Judged

    own = [Judged(f"f{n % 7}", "cell", 0.9 + n / 2000, float(n % 200 < 60), 5) for n in range(200)]
    found = report.Report("calibration", {"date": "2026-11-21T00:00:00"})
    known = bench_calibration._fitted(own, EngineInfo("qwen", model="Qwen2.5-VL-3B-Instruct"), found)
    assert known.name == "qwen2.5-vl-3b-instruct 2026-11-21"
    assert "200 elements and cells of 7 receipts" in known.source
    (tmp_path / "x.json").write_text(bench_calibration._as_file(known), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confidence, "FOLDER", tmp_path)
        confidence.calibration.cache_clear()
        assert confidence.calibration("x") == known
    confidence.calibration.cache_clear()
    plot = tmp_path / "plot.png"
    bench_calibration.plot(plot, known, (own, own))
    with Image.open(plot) as image:
        assert image.width > 1000


def test_an_engine_that_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    done = bench(tmp_path, tmp_path / "out", "--engine", "qwen")
    assert done.returncode == 2
    assert "needs a model" in done.stderr
    assert "Traceback" not in done.stderr
