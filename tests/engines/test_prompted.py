"""A page read with a user's own prompt: what the model is asked, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docparse.convert import finish_page
from docparse.document import EngineInfo, Page
from docparse.engines.base import Answer
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.prompted import read_prompted
from docparse.engines.prompts import HTML, MARKDOWN, PLAIN, Question, question_of
from docparse.errors import EngineError, EngineUnavailable
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.region import Region, part_of
from docparse.source import open_source

SAMPLES = Path(__file__).parents[2] / "samples"
ENGINE = EmbeddedEngine(threads=1)


@dataclass
class Model:
    """Says what it is given to say, of a picture of a size; an error is raised."""

    say: Callable[[Image.Image], Answer | Exception]
    asked: list[tuple[str, str | None, tuple[int, int]]] = field(default_factory=list)

    def ask(self, picture: Image.Image, question: str, *, system: str | None = None, **how: Any) -> Answer:
        self.asked.append((question, system, picture.size))
        answer = self.say(picture)
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(text: str, size: tuple[int, int] | None = None) -> Callable[[Image.Image], Answer]:
    return lambda picture: Answer(text, *(size or picture.size))


def read(model: Model, prompt: str, shown: Callable[[PageImage], PageImage] = lambda page: page) -> Page:
    with open_source(SAMPLES / "invoice.pdf", dpi=100) as source:
        page = shown(source.page(1))
        markup = read_prompted(page, prompt, model, ENGINE.read_page)
        return finish_page(page, markup, EngineInfo("test"))


HEAD = '<html><body><p data-bbox="{}">Rechnung # RE-20140522/501 vom 22.05.2014</p></body></html>'


@pytest.mark.parametrize(
    ("prompt", "question"),
    [
        ("html", HTML),
        (" Markdown ", MARKDOWN),
        ("plain", PLAIN),
        ("QwenVL HTML", HTML),
        ("Only the table, please", Question("Only the table, please")),
    ],
)
def test_what_is_asked(prompt: str, question: Question) -> None:
    assert question_of(prompt) == question


def test_the_users_words_are_all_that_is_asked() -> None:
    model = Model(said(HEAD.format("79 612 432 628")))
    page = read(model, "Read the number of the invoice")
    assert [(question, system) for question, system, _ in model.asked][:1] == [("Read the number of the invoice", None)]
    assert {question for question, _, _ in model.asked} == {"Read the number of the invoice"}, "for the rest of it too"
    assert page.blocks[0].text == "Rechnung # RE-20140522/501 vom 22.05.2014"
    assert page.blocks[0].bbox == BBox(79, 612, 432, 628)
    assert page.blocks[0].origin == "model"


def test_thousandths_are_put_in_pixels() -> None:
    page = read(Model(said(HEAD.format("100 500 500 520"), (1000, 1000))), "Read it")
    box = page.blocks[0].bbox
    assert box is not None
    assert box.as_tuple() == pytest.approx((82.7, 584.5, 413.5, 607.9), abs=1), "the page has 826 x 1169 pixels"
    assert "page-shrunk" not in {issue.code for issue in page.verdict.issues}


def test_an_answer_without_boxes_gets_those_of_the_page() -> None:
    page = read(Model(said("Rechnung # RE-20140522/501 vom 22.05.2014")), "Read the number of the invoice")
    assert page.text.startswith("Rechnung # RE-20140522/501 vom 22.05.2014")
    assert page.blocks[0].bbox is not None
    assert page.blocks[0].bbox.iou(BBox(79, 612, 432, 628)) > 0.6


def test_an_answer_of_no_use_is_a_fallback_and_not_another_question() -> None:
    model = Model(said("I am sorry, but I cannot help with that."))
    page = read(model, "Read it")
    assert len(model.asked) == 1
    assert page.verdict.status == "fallback"
    assert "Rechnung" in page.text


def test_an_error_is_a_fallback_and_no_model_is_none() -> None:
    page = read(Model(lambda _: EngineError("the server is asleep.")), "Read it")
    assert page.verdict.status == "fallback"
    assert any("asleep" in issue.message for issue in page.verdict.issues)
    with pytest.raises(EngineUnavailable):
        read(Model(lambda _: EngineUnavailable("no model is here.")), "Read it")


def test_of_a_region_the_model_sees_the_crop() -> None:
    model = Model(said(HEAD.format("9 12 362 28")))
    page = read(model, "Read it", lambda page: part_of(page, Region(BBox(70, 600, 500, 640), page.width, page.height)))
    assert model.asked[0][2] == (430, 40)
    (block,) = page.blocks
    assert block.bbox == BBox(79, 612, 432, 628)
    assert (page.width, page.height) == (826, 1169)
    assert page.verdict.status in ("ok", "repaired")
