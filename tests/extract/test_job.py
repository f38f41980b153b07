"""Extraction as a job of a batch: words come along however a file is read, and a page that kills costs itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fake_engine
import making
import pytest
from fake_engine import FakeEngine

from docparse.batch import Conversion, Outcome
from docparse.convert import Options
from docparse.engines.base import PageMarkup
from docparse.extract.job import FieldsJob
from docparse.extract.output.summary import Summary
from docparse.extract.schemas import load_schema
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.reading import STRETCH
from docparse.textlayer import Word

LONG = 2 * STRETCH + 5
NUMBER = {"type": "object", "title": "n", "properties": {"order_number": {"type": "string", "title": "Order number"}}}


@dataclass(frozen=True)
class Wordy(FakeEngine):
    """Says "Order number: A-77" on its page ``on``, with the words it saw."""

    on: int = 1

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            for markup in super().read_pages([page]):
                if page.number != self.on:
                    yield markup
                    continue
                html = '<html><body><p data-bbox="5 10 95 20">Order number: A-77</p></body></html>'
                places = {"Order": (5, 30), "number:": (33, 60), "A-77": (70, 95)}
                words = tuple(Word(text, BBox(x1, 10, x2, 20)) for text, (x1, x2) in places.items())
                yield PageMarkup(page.number, html, witness=words)


def run(path: Path, engine: Any, *, workers: int = 2, schema: Any = NUMBER, seconds: float = 60) -> Outcome:
    out = path.parent / "out"
    job = FieldsJob(
        str(path), str(out), path.stem, ("json", "csv"), Options(engine=engine, dpi=72), schema=load_schema(schema)
    )
    (outcome,) = Conversion([job], workers, seconds=seconds, cores=2, watch=lambda _: None).run()
    return outcome


def a_pdf(path: Path, pages: int) -> Path:
    path.write_bytes(making.pdf(*[making.text("page", at=(20, 80), size=12)] * pages, size=(100, 120)))
    return path


def fields(outcome: Outcome) -> dict[str, Any]:
    return json.loads(Path(outcome.outputs[0]).read_text())


@pytest.mark.parametrize(("pages", "on"), [(2, 2), (LONG, LONG - 1)])
def test_words_come_along_with_their_pages(pages: int, on: int, tmp_path: Path) -> None:
    outcome = run(a_pdf(tmp_path / "a.pdf", pages), Wordy(on=on))
    found = fields(outcome)
    assert found["fields"] == {"order_number": "A-77"}
    assert found["pages"] == [1, pages]
    # Its box is that of the word that was seen, not a share of the element's.
    evidence = found["evidence"]["order_number"]
    assert (evidence["page"], evidence["bbox"]) == (on, [70, 10, 95, 20])
    (told,) = outcome.told
    assert isinstance(told, Summary)
    assert (told.found, told.fields, told.row) == (1, 1, ("A-77",))
    assert [Path(path).name for path in outcome.outputs] == ["a.fields.json", "a.fields.csv"]


@pytest.mark.parametrize("trouble", [fake_engine.KILL, fake_engine.RAISE, fake_engine.HANG])
def test_a_page_that_kills_its_reader_costs_itself(trouble: str, tmp_path: Path) -> None:
    engine = Wordy(on=3, trouble={2: trouble})
    outcome = run(a_pdf(tmp_path / "a.pdf", 3), engine, seconds=5)
    assert outcome.error is None
    assert outcome.pages[2] == "failed"
    found = fields(outcome)
    assert found["fields"] == {"order_number": "A-77"}
    assert found["evidence"]["order_number"]["bbox"] == [70, 10, 95, 20]
    assert found["verdict"]["status"] == "partial"
    assert "page-in-doubt" in {issue["code"] for issue in found["verdict"]["issues"]}


def test_where_no_page_could_be_read_the_verdict_is_failed(tmp_path: Path) -> None:
    outcome = run(a_pdf(tmp_path / "a.pdf", 2), FakeEngine(trouble={1: fake_engine.RAISE, 2: fake_engine.RAISE}))
    found = fields(outcome)
    assert found["verdict"]["status"] == "failed"
    assert found["fields"] == {"order_number": None}
    assert outcome.told[0].status == "failed"


def test_a_fault_in_the_extraction_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse.extract import job as module
    from docparse.reading import Runner, Task

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(module, "extract_read", broken)
    path = a_pdf(tmp_path / "a.pdf", 1)
    job = FieldsJob(str(path), str(tmp_path), "a", ("json",), Options(engine=FakeEngine()), schema=load_schema(NUMBER))
    result = Runner()(Task(0, job, 1), lambda _: None)
    assert "docparse made a mistake (KeyError: 'a bug')" in str(result)
    assert result.file == str(path)
    assert not list(tmp_path.glob("*.json"))
