"""Which files are meant by what the user writes, and what their outputs are called."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.exporters import FORMATS
from docparse.inputs import MAX_STEM, Inputs, find_inputs, stems


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(found: Inputs) -> list[str]:
    return [str(path) for path in found.files]


def problems(found: Inputs) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.file) for problem in found.problems]


# ------------------------------------------------------------------------------------ finding


def test_a_file_named_on_its_own_may_be_called_anything(here: Path) -> None:
    put("scan", "letter.doc", ".hidden.pdf")
    assert names(find_inputs(["scan", "letter.doc", ".hidden.pdf"])) == ["scan", "letter.doc", ".hidden.pdf"]


def test_a_folder_is_searched_with_its_subfolders_for_documents(here: Path) -> None:
    put("in/b.pdf", "in/a.PDF", "in/deep/er/c.tiff", "in/notes.txt", "in/.git/d.pdf", "in/.e.pdf", "in/f.Jpeg")
    assert names(find_inputs(["in"])) == ["in/a.PDF", "in/b.pdf", "in/deep/er/c.tiff", "in/f.Jpeg"]


def test_patterns(here: Path) -> None:
    put("a1.pdf", "a2.pdf", "b1.pdf", "x/a3.pdf", "a[1].pdf")
    assert names(find_inputs(["a?.pdf"])) == ["a1.pdf", "a2.pdf"]
    assert names(find_inputs(["**/a*.pdf"])) == ["a1.pdf", "a2.pdf", "a[1].pdf", "x/a3.pdf"]
    # A file of that very name is meant before the pattern is.
    assert names(find_inputs(["a[1].pdf"])) == ["a[1].pdf"]


def test_each_file_comes_once_and_in_the_order_of_the_user(here: Path) -> None:
    put("z.pdf", "in/a.pdf", "in/b.pdf")
    wanted = ["z.pdf", "in/b.pdf", "in", "./z.pdf", str(here / "z.pdf"), "*.pdf", "in/../in/b.pdf"]
    assert names(find_inputs(wanted)) == ["z.pdf", "in/b.pdf", "in/a.pdf"]


def test_what_is_not_there_is_kept_to_be_reported(here: Path) -> None:
    long = "n" * 300 + ".pdf"
    found = find_inputs(["nowhere.pdf", long])
    assert names(found) == ["nowhere.pdf", long]
    assert not found.problems


def test_an_empty_folder_or_pattern_costs_no_other_input(here: Path) -> None:
    put("a.pdf", "texts/readme.txt")
    Path("empty").mkdir()
    found = find_inputs(["empty", "*.tif", "a.pdf", "texts"])
    assert names(found) == ["a.pdf"]
    assert problems(found) == [("source.empty", "empty"), ("source.empty", "*.tif"), ("source.empty", "texts")]


def test_a_subfolder_that_cannot_be_read_costs_no_other_input(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("in/a.pdf", "in/secret/b.pdf", "locked/c.pdf")
    listed = os.scandir

    def scandir(path: str) -> Iterable[os.DirEntry[str]]:
        # root may read everything, so permissions would prove nothing here
        if os.path.basename(path) in ("secret", "locked"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find_inputs(["in", "locked"])
    assert names(found) == ["in/a.pdf"]
    assert problems(found) == [("source.unreadable", "in/secret"), ("source.unreadable", "locked")]


def test_results_of_an_earlier_run_are_no_documents(here: Path) -> None:
    put("a.pdf", "a.md", "a.overlay.pdf", "a.overlay-001.png", "a.overlay-1000.png", "a_files/p1b1.png")
    put("b_files/photo.png", "an overlay.pdf")
    found = find_inputs(["."])
    assert names(found) == ["a.pdf", "an overlay.pdf", "b_files/photo.png"]
    assert found.results == 4
    assert names(find_inputs(["*.pdf"])) == ["a.pdf", "an overlay.pdf"]
    # Who names one means it.
    assert names(find_inputs(["a.overlay.pdf"])) == ["a.overlay.pdf"]


def test_a_link_to_a_folder_above_is_not_followed(here: Path) -> None:
    put("in/a.pdf")
    Path("in/loop").symlink_to("..", target_is_directory=True)
    assert names(find_inputs(["in"])) == ["in/a.pdf"]


# ------------------------------------------------------------------------------------ naming


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        (["a.pdf", "b.pdf"], ["a", "b"]),
        (["a.pdf", "a.png"], ["a_pdf", "a_png"]),
        (["x/a.pdf", "y/a.pdf"], ["x_a_pdf", "y_a_pdf"]),
        (["x/d/a.pdf", "y/d/a.pdf"], ["d_a_pdf", "d_a_pdf_2"]),
        (["A.pdf", "a.pdf"], ["A_pdf", "a_pdf_2"]),
        (["a.pdf", "a.png", "a_pdf.tif"], ["a_pdf", "a_png", "a_pdf_tif"]),
        (["caf\u00e9.pdf", "cafe\u0301.pdf"], ["caf\u00e9_pdf", "cafe\u0301_pdf_2"]),
        (["scan", "scan.pdf"], ["scan", "scan_pdf"]),
        (["a.b.pdf"], ["a.b"]),
        (["..pdf"], ["document"]),
        (["-x.pdf"], ["-x"]),
        ([r"a\b.pdf"], ["a_b"]),
    ],
)
def test_names_of_outputs(inputs: list[str], wanted: list[str]) -> None:
    assert stems([Path(name) for name in inputs]) == wanted


def test_long_names_are_cut_and_stay_different() -> None:
    long = [Path("é" * 120 + f"{n}.pdf") for n in range(3)]
    made = stems(long, suffixes=[".overlay.pdf"])
    assert len(set(made)) == 3
    assert all(len(os.fsencode(name)) <= MAX_STEM + 10 for name in made)
    assert all(name.startswith("é" * 80) for name in made)


def test_outputs_of_two_inputs_do_not_meet_in_another_format() -> None:
    inputs = [Path("a.pdf"), Path("a.page.pdf")]
    assert stems(inputs, suffixes=[".html"]) == ["a", "a.page"]
    assert stems(inputs, suffixes=[".html", ".page.html"]) == ["a", "a.page_2"]


def test_no_output_takes_the_place_of_an_input(tmp_path: Path) -> None:
    inputs = [tmp_path / "scan.json", tmp_path / "b.pdf", tmp_path / "b.overlay.pdf"]
    assert stems(inputs, suffixes=[".json", ".overlay.pdf"], folder=tmp_path) == ["scan_2", "b_2", "b.overlay"]
    assert stems(inputs, suffixes=[".json", ".overlay.pdf"], folder=tmp_path / "out") == ["scan", "b", "b.overlay"]


_NAME = st.text(st.sampled_from("abAB._- \\é1"), min_size=1, max_size=12).filter(lambda n: n not in (".", ".."))


@given(st.lists(st.tuples(st.sampled_from(["", "x/", "y/x/"]), _NAME), max_size=12, unique=True))
def test_all_outputs_are_different_whatever_the_inputs(files: list[tuple[str, str]]) -> None:
    inputs = [Path(folder + name) for folder, name in files]
    suffixes = [chosen.suffix for chosen in FORMATS.values()]
    outputs = [(stem + suffix).casefold() for stem in stems(inputs, suffixes=suffixes) for suffix in suffixes]
    assert len(set(outputs)) == len(outputs)
    assert all(Path(name).name == name and "\\" not in name for name in outputs)
