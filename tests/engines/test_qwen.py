"""The qwen engine: pages shown to a model, its boxes brought back, its failures told.

``Scripted`` stands in for a loaded model where a test wants to say what is answered; the last part reads
with real ones, of random weights.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import making
import pytest

import docparse
from docparse.document import Page
from docparse.engines import choose as choosing
from docparse.engines import qwen, vision_language
from docparse.engines.base import Answer
from docparse.engines.likelihood import confidences
from docparse.engines.options import ModelOptions
from docparse.engines.qwen import QwenEngine
from docparse.engines.recovery import shrunk
from docparse.engines.vision_language import VisionLanguage
from docparse.errors import EngineError, EngineOutOfMemory, EngineUnavailable, SettingsError
from docparse.geometry import BBox
from docparse.source import open_source
from tests import small_checkpoint

A4 = (595, 842)
SEEN = (952, 1344)


def pages_of(data: bytes, engine: QwenEngine) -> list[Page]:
    return sorted(docparse.iter_pages(data, engine=engine), key=lambda page: page.number)


def a_pdf(count: int = 1) -> bytes:
    return making.pdf(*[making.text(f"This is page {n + 1}", size=30) for n in range(count)], size=A4)


class _Handle:
    def __init__(self) -> None:
        self.done = False
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Scripted:
    """Answers each page with what ``script`` says of its number (from 1), after ``steps`` steps each.

    ``script`` gives an ``Answer``, or an exception: raised at once where it is a ``RuntimeError``, and by
    ``advance`` otherwise.
    """

    name = "scripted"

    def __init__(self, script: Callable[[int], Answer | Exception], steps: int = 2, batch: int = 3) -> None:
        self.script, self.steps = script, steps
        self.asked: list[Any] = []
        self.most = self.in_hand = 0
        self.batch = batch
        self.questions: list[tuple[str, str | None]] = []

    def submit(
        self,
        picture: Any,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int,
        reply: str = "",
        json_schema: dict[str, Any] | None = None,
    ) -> Any:
        number = len(self.asked) + 1
        self.questions.append((question, system))
        answer = self.script(number)
        if isinstance(answer, RuntimeError):
            self.asked.append(None)
            raise answer
        asked = vision_language.Asked(_Handle(), *SEEN, None)  # type: ignore[arg-type]
        self.asked.append((asked, answer, [0]))
        self.in_hand += 1
        self.most = max(self.most, self.in_hand)
        return asked

    def advance(self) -> None:
        failure = None
        for asked, answer, steps in filter(None, self.asked):
            if asked.handle.done or asked.handle.cancelled:
                continue
            steps[0] += 1
            if steps[0] >= self.steps and isinstance(answer, Exception):
                failure = answer
            elif steps[0] >= self.steps:
                asked.handle.done = True
                self.in_hand -= 1
        if failure is not None:
            raise failure

    def news(self, asked: Any) -> str:
        return ""

    def answer(self, asked: Any) -> Answer:
        return next(answer for a, answer, _ in filter(None, self.asked) if a is asked)


def says(text: str, **more: Any) -> Answer:
    return Answer(text, *SEEN, **more)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[QwenEngine, Scripted]]:
    def make(
        script: Callable[[int], Answer | Exception], *, steps: int = 2, batch: int = 3, **how: Any
    ) -> tuple[QwenEngine, Scripted]:
        model = Scripted(script, steps, batch)
        monkeypatch.setattr(qwen, "VisionLanguage", lambda *_, **__: model)
        return QwenEngine(ModelOptions(path="nowhere"), **how), model

    return make


PARAGRAPH = '<html><body>\n<p data-bbox="136 188 680 272">This is page 1</p>\n</body></html>'


# ------------------------------------------------------------------------------------ what it makes of an answer


def test_boxes_are_in_pixels_of_the_page(scripted: Any) -> None:
    engine, model = scripted(lambda _: says(PARAGRAPH))
    (page,) = pages_of(a_pdf(), engine)
    # A4 at 144 dpi; the model saw less of it.
    assert (page.width, page.height) == (1190, 1684)
    (block,) = page.blocks
    expected = [
        math.floor(v * s + 0.5) for v, s in zip((136, 188, 680, 272), (1190 / 952, 1684 / 1344) * 2, strict=True)
    ]
    assert block.bbox is not None
    assert list(block.bbox.as_tuple()) == expected
    assert block.text == "This is page 1"
    assert block.origin == "model"
    assert model.questions[0][0] == "QwenVL HTML"
    assert "QwenVL Document Parser HTML" in (model.questions[0][1] or "")


def test_confidences_go_with_the_text(scripted: Any) -> None:
    start = PARAGRAPH.index("This")
    told = ((0, start, 1.0), (start, start + 14, 0.25), (start + 14, len(PARAGRAPH), 1.0))
    engine, _ = scripted(lambda _: says(PARAGRAPH, confidences=told))
    (page,) = pages_of(a_pdf(), engine)
    assert page.blocks[0].confidence == pytest.approx(0.25, abs=0.001)
    assert "low-confidence" in {issue.code for issue in page.verdict.issues}
    assert page.verdict.status == "partial"


def test_the_text_layer_is_the_witness(scripted: Any) -> None:
    engine, _ = scripted(lambda _: says(PARAGRAPH.replace("This is page 1", "Something else altogether")))
    (page,) = pages_of(a_pdf(), engine)
    assert page.verdict.status == "partial"
    assert {"surplus-text", "missing-text"} & {issue.code for issue in page.verdict.issues}


def test_an_answer_that_was_cut_off_is_partial(scripted: Any) -> None:
    """Where what is missing is known: words of the page that its text lacks. How a cut is mended: ``test_recovery``."""
    half = PARAGRAPH.replace("This is page 1", "This is") + '<p data-bbox="300 188 680 272">pa'
    engine, _ = scripted(lambda _: says(half, finish="length"))
    (page,) = pages_of(a_pdf(), engine)
    assert page.verdict.status == "partial"
    assert "missing-text" in {issue.code for issue in page.verdict.issues}


def test_markdown_is_asked_for_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(lambda _: says("# This is page 1\n"))
    monkeypatch.setattr(qwen, "VisionLanguage", lambda *_, **__: model)
    (page,) = pages_of(a_pdf(), QwenEngine(ModelOptions(prompt="markdown")))
    assert model.questions == [("QwenVL Markdown", None)]
    assert page.blocks[0].kind == "heading"


@pytest.mark.parametrize(
    ("seen", "severity"), [((1190, 1684), None), ((1176, 1680), None), ((840, 1176), "info"), ((560, 784), "warning")]
)
def test_a_page_that_was_made_smaller_says_so(seen: tuple[int, int], severity: str | None) -> None:
    with open_source(a_pdf()) as source:
        page = source.page(1)
        found = shrunk(page, BBox(0, 0, page.width, page.height), Answer("", *seen))
    assert (found.severity if found else None) == severity


# ------------------------------------------------------------------------------------ many pages


def test_pages_are_written_together_but_not_too_many(scripted: Any) -> None:
    drawn: list[int] = []
    engine, model = scripted(lambda n: says(PARAGRAPH.replace("page 1", f"page {n}")), batch=3)
    with open_source(a_pdf(8)) as source:

        def images() -> Iterator[Any]:
            for number in range(1, 9):
                drawn.append(number)
                yield source.page(number)

        answers = engine.read_pages(images())
        first = next(answers)
        assert first.number == 1
        assert drawn == [1, 2, 3]
        assert sorted([first.number, *(markup.number for markup in answers)]) == list(range(1, 9))
    assert model.most == 3


def test_one_page_that_fails_costs_no_other(scripted: Any) -> None:
    def script(number: int) -> Answer:
        if number == 2:
            return says("", finish="error", error="the model computed values that are no numbers.")
        return says(PARAGRAPH.replace("page 1", f"page {number}"))

    engine, _ = scripted(script)
    first, second, third = pages_of(a_pdf(3), engine)
    assert first.verdict.status == third.verdict.status == "ok"
    assert second.verdict.status == "fallback"
    (why,) = [issue for issue in second.verdict.issues if issue.code == "fallback"]
    assert "values that are no numbers" in why.message
    # The embedded engine read it from the text layer.
    assert [block.text for block in second.blocks] == ["This is page 2"]


def test_a_page_that_the_model_cannot_take_falls_back(scripted: Any) -> None:
    engine, _ = scripted(lambda n: RuntimeError("too long") if n == 1 else says(PARAGRAPH.replace("page 1", "page 2")))
    first, second = pages_of(a_pdf(2), engine)
    assert first.verdict.status == "fallback"
    assert first.blocks[0].text == "This is page 1"
    assert second.verdict.status == "ok"


def test_when_the_model_breaks_the_pages_in_hand_fall_back(scripted: Any) -> None:
    def script(number: int) -> Answer | Exception:
        return ZeroDivisionError("odd") if number == 2 else says(PARAGRAPH.replace("page 1", f"page {number}"))

    engine, _ = scripted(script, batch=2)
    pages = pages_of(a_pdf(4), engine)
    assert [page.verdict.status for page in pages] == ["ok", "fallback", "ok", "ok"]
    assert "ZeroDivisionError" in pages[1].verdict.issues[0].message
    assert [page.blocks[0].text for page in pages] == [f"This is page {n}" for n in range(1, 5)]


def test_a_page_that_takes_too_long_falls_back(scripted: Any) -> None:
    engine, model = scripted(lambda n: says(PARAGRAPH), steps=10**9, page_seconds=0.05)
    (page,) = pages_of(a_pdf(), engine)
    assert page.verdict.status == "fallback"
    assert "not read within" in page.verdict.issues[0].message
    assert model.asked[0][0].handle.cancelled


# ------------------------------------------------------------------------------------ with a model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights: what they write means nothing, but all of the way is gone."""
    return small_checkpoint.put(tmp_path_factory.mktemp("qwen") / "small")


@pytest.fixture
def options(checkpoint: Path) -> ModelOptions:
    return ModelOptions(path=str(checkpoint), device="cpu", pixels=100_000, max_tokens=40, batch=2)


def test_a_document_with_a_real_model(options: ModelOptions) -> None:
    document = docparse.parse(a_pdf(3), engine="qwen", model=options)
    assert (document.engine.name, document.engine.model, document.engine.reason) == ("qwen", "small", "chosen")
    assert [page.number for page in document.pages] == [1, 2, 3]
    for page in document.pages:
        # Noise is no reading, and nobody says that it is one.
        assert page.verdict.status == "fallback"
        assert {"answer-elsewhere", "answer-empty"} & {issue.code for issue in page.verdict.issues}
        assert page.blocks[0].text == f"This is page {page.number}"


def test_an_answer_has_its_probabilities(options: ModelOptions) -> None:
    with open_source(a_pdf()) as source:
        answer = VisionLanguage(options).ask(source.page(1).pixels(), "What is this?", max_new_tokens=30)
    assert answer.finish in ("stop", "length")
    assert answer.width % 28 == answer.height % 28 == 0
    assert answer.width * answer.height <= 100_000
    ends = [0]
    for start, end, probability in answer.confidences:
        assert ends[-1] <= start < end <= len(answer.text)
        assert 0 < probability <= 1
        ends.append(end)
    assert sum(end - start for start, end, _ in answer.confidences) == len(answer.text)


def test_the_same_page_alone_and_in_company(options: ModelOptions) -> None:
    alone = docparse.parse(a_pdf(), engine="qwen", model=dataclasses.replace(options, batch=1))
    together = docparse.parse(a_pdf(4), engine="qwen", model=dataclasses.replace(options, batch=4))
    assert alone.pages[0].blocks == together.pages[0].blocks


def test_it_says_that_it_is_alive_while_it_loads_and_writes(options: ModelOptions) -> None:
    told: list[None] = []
    engine = QwenEngine(options, alive=lambda: told.append(None))
    loading = len(told)
    assert loading > 10
    pages_of(a_pdf(), engine)
    assert len(told) >= loading + 39  # a step for each token; the first comes with the prompt


# ------------------------------------------------------------------------------------ models that cannot be had


def test_no_model() -> None:
    with pytest.raises(EngineUnavailable, match="no model is configured"):
        VisionLanguage(ModelOptions())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokenizer.json": None, "vocab.json": None, "merges.txt": None}, "tokenizer"),
        ({"config.json": None}, "config.json"),
        ({"config.json": b'{"model_type": "qwen2_vl", "vision_config": {}}'}, "Qwen2-VL"),
        ({"config.json": b'{"model_type": "qwen3_vl"}'}, "Qwen3-VL"),
        ({"model.safetensors.index.json": None}, "model-00001"),
        ({small_checkpoint.shards()[1]: None}, "is missing"),
        ({small_checkpoint.shards()[1]: b"x" * 100}, "is damaged"),
    ],
)
def test_a_folder_that_is_not_whole_is_one_sentence(changes: Any, words: str, tmp_path: Path) -> None:
    folder = small_checkpoint.put(tmp_path / "broken", changes)
    with pytest.raises(EngineUnavailable) as caught:
        VisionLanguage(ModelOptions(path=str(folder)))
    assert words in caught.value.message
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_model_larger_than_memory_is_not_even_tried(options: ModelOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision_language, "free_memory", lambda: 1_000)
    with pytest.raises(EngineOutOfMemory, match="do not fit") as caught:
        VisionLanguage(options)
    assert "DOCPARSE_MODEL_BATCH" in str(caught.value)


def test_as_many_pages_at_a_time_as_memory_holds(
    options: ModelOptions, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docparse.model.config import ModelConfig
    from docparse.model.memory import HEADROOM, need

    config = ModelConfig.from_folder(checkpoint)
    free = 0

    def pages(batch: int) -> int:
        return vision_language._pages_that_fit(config, "cpu", dataclasses.replace(options, batch=batch))

    monkeypatch.setattr(vision_language, "free_memory", lambda: free)
    five = need(config, dtype_bytes=4, batch=5, page_tokens=100_000 // 784, answer_tokens=40).total
    free = math.ceil(five / (1 - HEADROOM))
    assert [pages(0), pages(4), pages(5)] == [5, 4, 5]
    with pytest.raises(EngineOutOfMemory, match="5 pages at once fit"):
        pages(6)
    free = 10**12
    assert [pages(0), pages(12)] == [8, 12]


def test_float16_on_a_cpu_is_refused(options: ModelOptions) -> None:
    with pytest.raises(SettingsError, match="float16 on a CPU"):
        VisionLanguage(dataclasses.replace(options, dtype="float16"))


def test_a_gpu_that_is_not_there(options: ModelOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="no GPU"):
        VisionLanguage(dataclasses.replace(options, device="cuda"))


def test_torch_that_is_not_installed(options: ModelOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else spec(name, *rest))
    with pytest.raises(EngineUnavailable, match="torch") as caught:
        choosing.check_model(options)
    assert "docparse[qwen]" in str(caught.value)


# ------------------------------------------------------------------------------------ auto


@pytest.mark.parametrize(
    ("cards", "device", "expected", "words"),
    [
        ([], "auto", "embedded", "no GPU"),
        ([80 * 10**9], "auto", "qwen", "can hold it"),
        ([80 * 10**9], "cpu", "embedded", "no GPU"),
        ([10_000], "auto", "embedded", "are free"),
    ],
)
def test_auto_takes_the_model_where_a_gpu_can_hold_it(
    cards: list[int],
    device: str,
    expected: str,
    words: str,
    options: ModelOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "free_on_cards", lambda: cards)
    name, why = choosing.resolve("auto", dataclasses.replace(options, device=device))
    assert name == expected
    assert words in why


def test_auto_without_a_model_is_the_embedded_engine() -> None:
    assert choosing.resolve("auto", ModelOptions()) == ("embedded", choosing.NO_MODEL)


# ------------------------------------------------------------------------------------ spans


def test_a_character_of_several_tokens_is_as_sure_as_the_least_of_them() -> None:
    spans = [(0, 2), (2, 3), (2, 3), (2, 4), (4, 4)]
    found = confidences(spans, [math.log(p) for p in (0.9, 0.8, 0.5, 0.6, 0.1)])
    assert [(start, end) for start, end, _ in found] == [(0, 2), (2, 3), (3, 4)]
    assert [p for *_, p in found] == pytest.approx([0.9, 0.5, 0.6])


def test_marks_of_places_are_kept_where_places_are_asked_for(options: ModelOptions) -> None:
    """Qwen2-VL's way of giving boxes is made of tokens that are special; a page's text is without them."""
    from docparse.model.requests import Completion

    model = VisionLanguage(options)
    tokenizer = model._tokenizer
    written = [tokenizer.special_id("<|box_start|>"), *tokenizer.encode("(1,2),(3,4)")]
    written += [tokenizer.special_id("<|box_end|>"), tokenizer.special_id("<|im_end|>")]
    asked = vision_language.Asked(_Handle(), 28, 28, None)  # type: ignore[arg-type]
    completion = Completion(tuple(written), (-0.1,) * len(written), "stop")
    assert model._answer(completion, asked, marks=True).text == "<|box_start|>(1,2),(3,4)<|box_end|>"
    assert model._answer(completion, asked, marks=False).text == "(1,2),(3,4)"
    confidences = model._answer(completion, asked, marks=True).confidences
    assert confidences[-1][1] == len("<|box_start|>(1,2),(3,4)<|box_end|>")


def test_a_loop_is_stopped_while_it_is_written(scripted: Any) -> None:
    """The watch sees the text as it comes; the answer is ended, and the rest of the page is asked for."""
    said = "<html><body>\n<p data-bbox='136 188 680 272'>This is</p> \n " + "<p data-bbox='0 0 9 9'>la</p>" * 300
    loop = said.replace("'", '"')
    engine, model = scripted(lambda n: says(loop) if n == 1 else says(PARAGRAPH), steps=10**9)
    written = iter([loop[at : at + 40] for at in range(0, len(loop), 40)])
    model.news = lambda asked: next(written, "") if asked is model.asked[0][0] else ""

    def advance() -> None:
        for asked, _, _ in model.asked[1:]:
            asked.handle.done = True

    model.advance = advance
    (page,) = pages_of(a_pdf(), engine)
    assert model.asked[0][0].handle.cancelled
    assert next(written, None) is not None  # long before its end
    assert "loop-cut" in {issue.code for issue in page.verdict.issues}
    assert [block.text for block in page.blocks].count("la") == 1  # it may stand there once
