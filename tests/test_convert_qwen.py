"""``docparse convert --engine qwen``: files in, the model reads, files out. The model is a parrot: see there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_cli import environment

import docparse
from docparse.engines.options import ModelOptions
from tests.model.parrot import SAMPLES, Parrot, in_pixels_of, sample_parrot


@pytest.fixture(scope="module")
def taught() -> Parrot:
    return sample_parrot()


def convert(taught: Parrot, out: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docparse", "convert", *words, "-o", str(out), "--engine", "qwen"]
    command += ["--model", str(taught.folder), "--no-cache"]
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=300, cwd=SAMPLES
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def issues(page: dict[str, Any]) -> dict[str, str]:
    return {issue["code"]: issue["severity"] for issue in page["verdict"]["issues"]}


def test_a_receipt_is_read_by_the_model(taught: Parrot, tmp_path: Path) -> None:
    done = convert(taught, tmp_path, "receipt.jpg", "--to", "html,md,json,overlay-png")
    assert done.returncode == 0, done.stderr
    document = docparse.from_json((tmp_path / "receipt.json").read_text())
    assert (document.engine.name, document.engine.model) == ("qwen", taught.folder.name)
    (page,) = document.pages
    # Boxes are where the lesson has them, in pixels of the page; the model saw a seventh of them.
    heading, address, table, total, picture = page.blocks
    assert (heading.kind, heading.text) == ("heading", "HOLLOW LANE STORES")
    assert (total.kind, total.text) == ("paragraph", "TOTAL GBP 26.62")
    assert [cell.text for cell in table.cells] == ["WHOLEMEAL LOAF 800G", "2.35", "FREE RANGE EGGS 12", "3.40"]
    assert address.text.split("\n")[0] == "12 Hollow Lane, Westerby WB4 7QT"
    assert picture.kind == "image"
    lesson = taught.lessons[0]
    for block, box in ((heading, (143, 150, 686, 194)), (total, (167, 1175, 713, 1222))):
        assert block.bbox is not None
        step = lesson.picture.width / 140 / 2 + 1  # half a pixel of what the model saw, and one for rounding
        assert block.bbox.as_tuple() == pytest.approx(box, abs=step)
        assert block.confidence is not None
        assert block.confidence > 0.9
        assert block.origin == "model"
    # It was shown far too little to read a receipt by, and says so.
    assert page.verdict.status == "repaired"
    assert {issue.code for issue in page.verdict.issues} == {"page-shrunk", "unchecked"}
    assert "TOTAL GBP 26.62" in (tmp_path / "receipt.md").read_text()
    assert (tmp_path / "receipt.overlay-001.png").stat().st_size > 10_000


def test_pages_of_a_file_side_by_side(taught: Parrot, tmp_path: Path) -> None:
    """One page it knows, others it does not: each has its verdict, and the run ends well."""
    done = convert(
        taught, tmp_path, "dossier.tif", "--to", "json", DOCPARSE_MODEL_BATCH="2", DOCPARSE_MODEL_TOKENS="600"
    )
    assert done.returncode == 0, done.stderr
    pages = json.loads((tmp_path / "dossier.json").read_text())["pages"]
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert pages[2]["blocks"][0]["text"] == "DELIVERY NOTE No. 7719"
    assert all(page["verdict"]["status"] in ("ok", "repaired", "partial") for page in pages)


def test_pages_of_several_files_side_by_side(taught: Parrot, tmp_path: Path) -> None:
    """Two files of one page, whose pages the model writes at the same time: each gets what is its own."""
    for name in ("one", "two"):
        shutil.copy(SAMPLES / "receipt.jpg", tmp_path / f"{name}.jpg")
    inputs = [str(tmp_path / "one.jpg"), str(tmp_path / "two.jpg"), "sideways-letter.jpg"]
    out = tmp_path / "out"
    done = convert(taught, out, *inputs, "--to", "json", DOCPARSE_MODEL_BATCH="3", DOCPARSE_MODEL_TOKENS="600")
    assert done.returncode == 0, done.stderr
    one, two, letter = (json.loads((out / f"{name}.json").read_text()) for name in ("one", "two", "sideways-letter"))
    texts = [block["text"] for block in one["pages"][0]["blocks"]]
    assert "TOTAL GBP 26.62" in texts
    assert [block["text"] for block in two["pages"][0]["blocks"]] == texts
    assert (one["source"]["name"], two["source"]["name"]) == ("one.jpg", "two.jpg")
    assert letter["source"]["name"] == "sideways-letter.jpg"
    assert "TOTAL GBP 26.62" not in [block["text"] for block in letter["pages"][0]["blocks"]]
    assert not [path for path in out.iterdir() if path.suffix == ".tmp"]


def test_an_answer_that_is_too_long_is_partial_and_can_fail_the_run(taught: Parrot, tmp_path: Path) -> None:
    done = convert(taught, tmp_path, "receipt.jpg", "--to", "json", "--fail-on", "partial", DOCPARSE_MODEL_TOKENS="150")
    assert done.returncode == 1
    (page,) = json.loads((tmp_path / "receipt.json").read_text())["pages"]
    assert page["verdict"]["status"] == "partial"
    assert issues(page)["truncated-reading"] == "error"
    assert page["blocks"][0]["text"] == "HOLLOW LANE STORES"


def test_a_file_that_is_broken_does_not_stop_the_others(taught: Parrot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing")
    done = convert(taught, tmp_path / "out", str(broken), str(SAMPLES / "receipt.jpg"), "--to", "json")
    assert done.returncode == 1
    assert "source.corrupt" in done.stderr
    assert (tmp_path / "out" / "receipt.json").exists()


def test_auto_says_that_the_model_was_not_used(taught: Parrot, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docparse", "convert", "receipt.jpg", "-o", str(tmp_path), "--to", "json"]
    done = subprocess.run(
        [*command, "--model", str(taught.folder)],
        env=environment(PATH="/nowhere"),  # no driver answers
        capture_output=True,
        text=True,
        timeout=300,
        cwd=SAMPLES,
    )
    assert done.returncode == 0, done.stderr
    assert "the embedded engine reads: a model is configured, but there is no GPU for it" in " ".join(
        done.stderr.split()
    )
    assert json.loads((tmp_path / "receipt.json").read_text())["engine"]["name"] == "embedded"


def test_in_python(taught: Parrot) -> None:
    model = ModelOptions(path=str(taught.folder))
    (page,) = docparse.parse(SAMPLES / "receipt.jpg", engine="qwen", model=model).pages
    lesson = taught.lessons[0]
    assert docparse.export(docparse.parse(SAMPLES / "receipt.jpg", engine="qwen", model=model), "text")
    assert in_pixels_of(lesson.answer, lesson.picture, page.width, page.height).count("data-bbox") == 6
    assert page.blocks[0].text == "HOLLOW LANE STORES"
