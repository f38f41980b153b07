"""What holds for every sample: provenance, pages, boxes, verdicts, and the Markdown that comes out.

The goldens say what comes out; the facts in the files beside this one say what has to.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from sample_views import SAMPLES, Convert, boxes

import docparse
from docparse.document import Document
from docparse.source import SUFFIXES

DIGITAL = ("bulletin.pdf", "chinese.pdf", "form.pdf", "invoice.pdf", "paper.pdf", "report.pdf", "slides.pdf")
SCANNED = ("dossier.tif", "eurotext.tif", "mixed.pdf", "receipt.jpg", "sideways-letter.jpg")
NAMES = (*DIGITAL, *SCANNED)
PAGES = {"bulletin.pdf": 3, "dossier.tif": 3, "paper.pdf": 2, "report.pdf": 3, "slides.pdf": 2}


def test_every_file_has_a_row_of_provenance() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", (SAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    listed = [name for name, _ in rows]
    there = sorted(p.name for p in SAMPLES.iterdir() if p.is_file() and p.name not in ("README.md", "make.py"))
    assert sorted(listed) == there
    assert sorted(NAMES) == there
    for name, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        assert len(cells) == 4, f"{name}: what it shows, origin, licence, how it was made"
        assert all(cells), f"{name}: an empty cell"
        for licence in re.findall(r"\(([^)]*licences/[^)]*)\)", row):
            assert (SAMPLES / licence).is_file()


def test_the_folder_stays_small_and_convertible() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 3_000_000
    assert all((SAMPLES / name).suffix in SUFFIXES for name in NAMES)


def test_make_makes_the_samples_that_are_our_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True, timeout=120)
    made = sorted(path.name for path in tmp_path.iterdir())
    own = re.findall(r"^\| `([^`]+)` \|.*`recipes/", (SAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert made == sorted(own)
    for name in made:
        with pymupdf.open(tmp_path / name) as anew, pymupdf.open(SAMPLES / name) as kept:
            assert [(page.rect, page.get_text()) for page in anew] == [(page.rect, page.get_text()) for page in kept]


@pytest.mark.parametrize("name", NAMES)
def test_pages_and_boxes(name: str, sample: Convert) -> None:
    document = sample(name)
    assert len(document.pages) == PAGES.get(name, 1) == document.source.pages
    assert document.engine.name == "embedded"
    for page in document.pages:
        assert page.blocks
        for what, (x1, y1, x2, y2) in boxes(page):
            assert 0 <= x1 < x2 <= page.width, what
            assert 0 <= y1 < y2 <= page.height, what
    assert docparse.from_json(docparse.to_json(document)) == document


MENDED = {"bulletin.pdf": ("repaired", ["ligatures-restored"])}


@pytest.mark.parametrize("name", NAMES)
def test_verdict(name: str, sample: Convert) -> None:
    expected = MENDED.get(name, ("ok", []))
    for page in sample(name).pages:
        assert (page.verdict.status, [i.code for i in page.verdict.issues]) == expected


def markdown(document: Document, name: str) -> str:
    return docparse.export(document, "markdown", stem=name.partition(".")[0]).text


@pytest.mark.parametrize("name", DIGITAL)
def test_golden(name: str, sample: Convert, golden: Callable[[str, str], None]) -> None:
    golden(f"samples/{name}.md", markdown(sample(name), name))


@pytest.mark.parametrize("name", SCANNED)
def test_golden_of_scans(
    name: str, sample: Convert, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    found = markdown(sample(name), name)
    path = request.path.parent.parent / "golden" / "samples" / f"{name}.md"
    if request.config.getoption("--rewrite-golden") or not path.exists():
        golden(f"samples/{name}.md", found)
        return
    wanted = path.read_text("utf-8")
    alike = difflib.SequenceMatcher(None, wanted, found, autojunk=False).ratio()
    assert alike > 0.97, f"the Markdown is {alike:.3f} like tests/golden/samples/{name}.md"
