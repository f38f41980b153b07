"""Two runs beside each other: which pages differ, and the page that shows them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from typer.testing import CliRunner, Result

from docparse.cli import app
from docparse.diff_report import MAX_TEXT, diff_page, headline
from docparse.document import Block, Document, EngineInfo, Page, Run, Source, Status, Verdict
from docparse.errors import EmptySource, UnreadableSource
from docparse.geometry import BBox
from docparse.json_form import to_json
from docparse.run_diff import compare_runs


def block(text: str, y: float, **how: Any) -> Block:
    return Block("paragraph", BBox(10, y, 390, y + 40), (Run(text),), **how)


TEXTS = ("The title of the page", "A first paragraph of text", "A second one that is longer")


def page(number: int = 1, texts: tuple[str, ...] = TEXTS, status: Status = "ok") -> Page:
    blocks = tuple(block(text, 50.0 * i) for i, text in enumerate(texts))
    return Page(number, 400, 600, blocks=blocks, verdict=Verdict(status))


def write(folder: Path, name: str, *pages: Page, engine: str = "embedded") -> None:
    folder.mkdir(exist_ok=True)
    document = Document(pages, Source(f"{name}.pdf"), EngineInfo(engine), "0")
    (folder / f"{name}.json").write_text(to_json(document), "utf-8")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Three documents in both, of which one is the same; one in each alone; and what is no document."""
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, engine in ((a, "embedded"), (b, "qwen")):
        write(folder, "same", page(1), page(2), engine=engine)
        (folder / "x.fields.json").write_text("{}", "utf-8")
    (a / "evaluate.json").write_text('{"docparse": "0"}', "utf-8")
    write(a, "changed", page(1), page(2))
    write(b, "changed", page(1, (TEXTS[0], "A first paragraph of TEXT", TEXTS[2])), page(2), engine="qwen")
    write(a, "verdict", page(1, status="partial"), page(2))
    write(b, "verdict", page(1), engine="qwen")
    write(a, "gone", page())
    write(b, "new", page(), engine="qwen")
    return a, b


def test_a_run_is_the_same_as_itself(runs: tuple[Path, Path]) -> None:
    found = compare_runs(runs[0], runs[0])
    assert not found.differs
    assert [(one.name, one.pages, one.similarity) for one in found.documents] == [
        ("changed", 2, 1),
        ("gone", 1, 1),
        ("same", 2, 1),
        ("verdict", 2, 1),
    ]
    assert headline(found) == "7 pages, and none differs"


def test_what_differs(runs: tuple[Path, Path]) -> None:
    found = compare_runs(*runs)
    assert found.differs
    assert (found.num_pages, found.num_differ) == (6, 3)
    assert {one.name: (one.pages, one.differ) for one in found.documents} == {
        "changed": (2, 1),
        "same": (2, 0),
        "verdict": (2, 2),
    }
    assert (found.only_first, found.only_other, found.problems) == (["gone"], ["new"], [])
    assert [dict(engines) for engines in found.engines] == [{"embedded": 3}, {"qwen": 3}]
    assert found.verdicts == {("ok", "ok"): 4, ("partial", "ok"): 1}
    # The least alike first.
    assert [(one.name, one.number) for one in found.pages] == [("verdict", 2), ("changed", 1), ("verdict", 1)]
    missing, changed, verdict = found.pages
    assert missing.other is None
    assert changed.counts == {"same": 2, "changed": 1}
    assert 0.9 < changed.similarity < 1
    assert verdict.counts == {"same": 3}
    assert headline(found) == "3 of 6 pages differ; 2 documents in one run only"


def test_as_many_pages_as_may_be_are_kept(runs: tuple[Path, Path]) -> None:
    found = compare_runs(*runs, most=1)
    assert [(one.name, one.number) for one in found.pages] == [("verdict", 2)]
    assert found.num_differ == 3
    assert "2 more pages that differ, but less, left out" in diff_page(found, "a", "b", Path("diff.html"))


def test_of_equally_different_pages_the_first_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "a", "d", *(page(n) for n in range(1, 6)))
    write(tmp_path / "b", "d", *(page(n, ()) for n in range(1, 6)))
    found = compare_runs(tmp_path / "a", tmp_path / "b", most=2)
    assert [one.number for one in found.pages] == [1, 2]
    assert found.documents[0].elements == {"removed": 15}
    assert found.documents[0].similarity == 0


def test_a_file_that_is_no_document_is_a_problem_of_its_own(runs: tuple[Path, Path]) -> None:
    a, b = runs
    (b / "same.json").write_text("{", "utf-8")
    (b / "changed.json").write_text('{"pages": [{}]}', "utf-8")
    found = compare_runs(a, b)
    assert [(error.code, error.file) for error in found.problems] == [
        ("schema.invalid", str(b / "changed.json")),
        ("schema.invalid", str(b / "same.json")),
    ]
    assert [one.name for one in found.documents] == ["verdict"]
    assert headline(found).endswith("2 files not compared")


def test_two_documents_of_any_name(runs: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = runs
    other = tmp_path / "other.json"
    (b / "changed.json").rename(other)
    found = compare_runs(a / "changed.json", other)
    assert (found.num_pages, found.num_differ) == (2, 1)
    assert found.documents[0].name == "changed"
    (tmp_path / "other.html").write_text("x", "utf-8")
    said = diff_page(found, str(a / "changed.json"), str(other), tmp_path / "diff.html")
    assert re.findall(r'<a href="([^"#]+)">', said) == ["other.html"]


def test_nothing_to_compare(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptySource, match="no document in common"):
        compare_runs(runs[0], tmp_path / "empty")
    with pytest.raises(UnreadableSource):
        compare_runs(runs[0], tmp_path / "nowhere")


# ------------------------------------------------------------------------------------ the page


def test_the_page_shows_the_words_and_the_places(runs: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = runs
    for name in ("changed.html", "changed.page.html", "verdict 1.md"):
        (a / name).write_text("x", "utf-8")
    said = diff_page(compare_runs(a, b), str(a), str(b), tmp_path / "out" / "diff.html")
    root = lxml_html.fromstring(said)
    assert root.xpath("//h1")[0].text == "3 of 6 pages differ; 2 documents in one run only"
    section = root.xpath("//section[h2='changed, page 1']")[0]
    assert [one.text for one in section.xpath(".//del")] == ["text"]
    assert [one.text for one in section.xpath(".//ins")] == ["TEXT"]
    assert section.xpath("string(.//div[@class='text'])") == "A first paragraph of textTEXT"
    first, other = section.xpath(".//svg")
    assert first.get("viewbox") == "0 0 400 600"
    assert [rect.get("class") for rect in first] == ["same", "changed", "same"]
    assert (other[1].get("x"), other[1].get("y"), other[1].get("width"), other[1].get("height")) == (
        "10",
        "50",
        "380",
        "40",
    )
    assert section.xpath(".//figcaption/a/@href") == ["../a/changed.page.html"]
    (row,) = root.xpath("//section[@id='documents']//tr[td/a='changed']")
    assert row.xpath(".//a/@href") == [f"#{section.get('id')}"]
    assert [cell.text for cell in row.xpath("./td[@class='n']")][:3] == ["2", "1", "1"]
    assert "Only A has this page" in said
    assert "only in A" in said


def test_nothing_is_loaded_and_the_style_is_the_one_that_the_policy_knows(runs: tuple[Path, Path]) -> None:
    said = diff_page(compare_runs(*runs), "a", "b", Path("diff.html"))
    style = re.search(r"<style>(.*?)</style>", said, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in said
    assert "default-src 'none'" in said
    root = lxml_html.fromstring(said)
    assert not root.xpath("//@style | //script | //img | //link | //@src")


def test_other_peoples_text_is_no_markup(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=y>'
    name = "<b>x"
    write(tmp_path / "a", name, page(1, (evil, "same\x1b[31m text")), engine=evil)
    write(tmp_path / "b", name, page(1, (evil + " more", "same text")), engine=evil)
    said = diff_page(compare_runs(tmp_path / "a", tmp_path / "b"), str(tmp_path / "a"), "b<i>", tmp_path / "d.html")
    root = lxml_html.fromstring(said)
    assert not root.xpath("//script | //img | //i | //h2/b")
    assert evil in root.text_content()
    assert "\x1b" not in said


def changed_text(long: str) -> tuple[str, str]:
    return f"{long} one {long}", f"{long} two {long}"


@pytest.mark.parametrize("texts", [changed_text("word " * 2000), ("a" * 9000, "b" * 9000), ("x", "long " * 9000)])
def test_long_texts_are_cut_around_what_differs(tmp_path: Path, texts: tuple[str, str]) -> None:
    for folder, text in zip("ab", texts, strict=True):
        write(tmp_path / folder, "d", page(1, (text,)))
    said = diff_page(compare_runs(tmp_path / "a", tmp_path / "b"), "a", "b", tmp_path / "d.html")
    root = lxml_html.fromstring(said)
    shown = [node.text_content() for node in root.xpath("//div[@class='text']")]
    assert all(len(text) < 2 * MAX_TEXT for text in shown)
    assert root.xpath("//ins")
    if "one" in texts[0]:
        assert [one.text.strip() for one in root.xpath("//del")] == ["one"]


def test_a_page_of_very_many_elements(tmp_path: Path) -> None:
    many = tuple(f"Element number {n} of the page" for n in range(200))
    write(tmp_path / "a", "d", page(1, many))
    write(tmp_path / "b", "d", page(1, ()))
    said = diff_page(compare_runs(tmp_path / "a", tmp_path / "b"), "a", "b", tmp_path / "d.html")
    assert len(lxml_html.fromstring(said).xpath("//table[@class='changes']//tr")) == 60
    assert "140 more elements of this page left out" in said


def test_elements_that_are_the_same_with_another_verdict(tmp_path: Path) -> None:
    write(tmp_path / "a", "d", page())
    write(tmp_path / "b", "d", dataclasses.replace(page(), verdict=Verdict("failed")))
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    said = lxml_html.fromstring(diff_page(found, "a", "b", tmp_path / "d.html"))
    assert "The elements are the same." in said.text_content()
    (row,) = said.xpath("//section[@id='verdicts']//tr")
    assert row.text_content() == "ok → failed1 page"


# ------------------------------------------------------------------------------------ the command

Diff = Callable[..., Result]


@pytest.fixture
def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diff:
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["diff", *map(str, words)], catch_exceptions=False)


def test_the_command(runs: tuple[Path, Path], diff: Diff, tmp_path: Path) -> None:
    a, b = runs
    said = diff(a, b)
    assert said.exit_code == 1
    assert said.stdout.splitlines() == ["3 of 6 pages differ; 2 documents in one run only", "diff.html"]
    assert (tmp_path / "diff.html").read_text("utf-8").startswith("<!doctype html>")
    same = diff(a, a, "-o", tmp_path / "new" / "page.html")
    assert same.exit_code == 0
    assert (tmp_path / "new" / "page.html").is_file()


def test_what_is_wrong_is_said(runs: tuple[Path, Path], diff: Diff, tmp_path: Path) -> None:
    a, b = runs
    nowhere = diff(a, tmp_path / "nowhere")
    assert (nowhere.exit_code, "[source.unreadable]" in nowhere.stderr) == (3, True)
    (b / "same.json").write_text("{", "utf-8")
    said = diff(a, b)
    assert said.exit_code == 1
    assert "this is no JSON. [schema.invalid]" in said.stderr
