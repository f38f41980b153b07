"""Training examples, and ``docparse export``, which writes them from a corrected document's JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golden_documents import INVOICE, KINDS, page_image
from hypothesis import given, settings
from PIL import Image
from strategies import documents
from typer.testing import CliRunner, Result

import docparse
from docparse.cli import app
from docparse.correction import Correction
from docparse.corrections import correct
from docparse.document import Document
from docparse.errors import ExportError
from docparse.exporters import Export, export
from docparse.exporters.sft import answer
from docparse.json_form import correction_from_dict, from_json, to_json
from docparse.qwenvl_html import read_document

SAMPLES = Path(__file__).parents[2] / "samples"


def said(page: int, **parts: Any) -> Correction:
    return correction_from_dict(parts, page=page)


def images(document: Document) -> Callable[[int], Image.Image]:
    return lambda number: page_image(document, number)


def examples(found: Export) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.text.splitlines()]


def test_a_corrected_page_with_its_picture() -> None:
    document = correct(INVOICE, {1: [said(1, op="edit", block="p1b2", text="Invoice 2024-018")]})
    found = export(document, "sft", images=images(document), stem="bill")
    assert list(found.files) == ["bill-p1.png", "bill.sft.jsonl"]
    picture = Image.open(io.BytesIO(found.files["bill-p1.png"]))  # type: ignore[arg-type]
    assert picture.size == (600, 800)
    assert picture.tobytes() == page_image(document, 1).tobytes()
    (example,) = examples(found)
    user, assistant = example["messages"]
    assert user == {
        "role": "user",
        "content": [{"type": "image", "image": "bill-p1.png"}, {"type": "text", "text": "QwenVL HTML"}],
    }
    assert assistant["role"] == "assistant"
    (content,) = assistant["content"]
    assert content["type"] == "text"
    html = content["text"]
    assert html.startswith("<html><body>\n")
    assert html.endswith("\n</body></html>")
    assert '<h1 data-bbox="40 60 300 90">Invoice 2024-018</h1>' in html
    for ours in ("data-confidence", "data-origin", "data-agreement", " id=", "<section", "2024-017"):
        assert ours not in html


def test_only_pages_that_somebody_vouches_for() -> None:
    confirmed = correct(KINDS, {3: [said(3, op="confirm")]})
    found = export(confirmed, "sft", images=images(confirmed), stem="kinds")
    assert list(found.files) == ["kinds-p3.png", "kinds.sft.jsonl"]
    aside = correct(KINDS, {1: [said(1, op="delete", block="nobody")]})
    for document in (KINDS, aside):
        assert export(document, "sft", stem="kinds").files == {"kinds.sft.jsonl": ""}


def test_without_pictures_or_with_others() -> None:
    document = correct(INVOICE, {1: [said(1, op="confirm")]})
    with pytest.raises(ExportError, match="there are none"):
        export(document, "sft")
    with pytest.raises(ExportError, match="the image is 10 x 10 pixels, the page was read at 600 x 800"):
        export(document, "sft", images=lambda number: Image.new("RGB", (10, 10)))


@given(documents(sane=True))
@settings(max_examples=60, deadline=None)
def test_the_answer_says_all_that_a_model_can_see(document: Document) -> None:
    for page in document.pages:
        (back,) = read_document(answer(page))[0].pages
        told = [(b.kind, b.bbox, b.level, b.number, b.runs, [c.runs for c in b.cells]) for b in page.blocks]
        assert [(b.kind, b.bbox, b.level, b.number, b.runs, [c.runs for c in b.cells]) for b in back.blocks] == told


# ------------------------------------------------------------------------------------ docparse export


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample that was read and corrected, as JSON."""
    document = docparse.parse(SAMPLES / "invoice.pdf", engine="embedded")
    block = next(block for block in document.pages[0].blocks if block.kind == "heading")
    document = correct(document, {1: [said(1, op="edit", block=block.id, text="CORRECTED HEADING", by="user")]})
    path = tmp_path_factory.mktemp("read") / "invoice.json"
    path.write_text(to_json(document), "utf-8")
    return path


def test_a_corrected_document_in_other_formats(corrected: Path, tmp_path: Path) -> None:
    found = run(corrected, "--to", "md,text,sft,overlay", "-o", tmp_path, "--source", SAMPLES / "invoice.pdf")
    assert found.exit_code == 0, found.output
    assert found.stdout.split() == [
        str(tmp_path / f"invoice{end}") for end in (".md", ".txt", ".sft.jsonl", ".overlay.pdf")
    ]
    assert "CORRECTED HEADING" in (tmp_path / "invoice.md").read_text("utf-8")
    (line,) = (tmp_path / "invoice.sft.jsonl").read_text("utf-8").splitlines()
    assert "CORRECTED HEADING" in line
    page = from_json(corrected.read_bytes()).pages[0]
    with Image.open(tmp_path / "invoice-p1.png") as picture:
        assert picture.size == (page.width, page.height)


def test_as_it_was_read(corrected: Path, tmp_path: Path) -> None:
    found = run(corrected, "--to", "md,json,sft", "-o", tmp_path, "--as-read")
    assert found.exit_code == 0, found.output
    assert "CORRECTED" not in (tmp_path / "invoice.md").read_text("utf-8")
    document = from_json((tmp_path / "invoice.json").read_bytes())
    assert document.corrections == ()
    assert document.pages == docparse.parse(SAMPLES / "invoice.pdf", engine="embedded").pages
    assert "no page is corrected" in found.stderr


def test_what_is_refused(corrected: Path, tmp_path: Path) -> None:
    before = corrected.read_bytes()
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    for arguments, words in (
        ((corrected, "--to", "sft", "-o", tmp_path), "Give the source file along"),
        ((corrected, "--to", "sft", "-o", tmp_path, "--source", SAMPLES / "report.pdf"), "not the file that"),
        ((corrected, "--to", "json", "-o", corrected.parent), "take the place of the document itself"),
        ((corrected, "--to", "docx"), "there is no format"),
        ((corrected, "--to", ","), "names no format"),
        ((bad, "--to", "md"), "convert --to json"),
        ((tmp_path / "none.json", "--to", "md"), "cannot be read"),
    ):
        found = run(*arguments)
        assert found.exit_code in (2, 3), found.output
        assert words in " ".join(found.stderr.split()), found.stderr
        assert "Traceback" not in found.output
    assert corrected.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json"]
