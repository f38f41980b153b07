"""Fields with the engines that have a model: from the file to the fields, over a socket and in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import making
import pytest
from PIL import Image, ImageDraw, ImageFont

from docparse.convert import Options, read_source
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.engines.qwen import QwenEngine
from docparse.extract.asking import extractor as model_extractor
from docparse.extract.asking import question as model_question
from docparse.extract.asking.extractor import fields_of
from docparse.extract.asking.question import answer_schema, question
from docparse.extract.extraction import extract, extract_source, seeing
from docparse.extract.schemas import load_schema
from docparse.result_cache import CacheOptions
from docparse.source import open_source
from tests import small_checkpoint
from tests.extract.answering import HOSTILE, INVOICE, drawn
from tests.extract.test_model_extractor import RIGHT
from tests.scripted_server import Asked, Reply, ScriptedServer

PAGE = (
    '<html><body><h1 data-bbox="400 50 470 62">INVOICE</h1>'
    '<p data-bbox="50 50 200 76">Brook &amp; Reed Ltd<br/>4 Mill Lane</p></body></html>'
)


def answering(fields: str | Reply) -> Any:
    """A server that reads any page as ``PAGE``, and says ``fields`` to whoever asks for them."""
    return lambda asked: fields if "key-value" in asked.question else PAGE


def questions(server: ScriptedServer) -> list[Asked]:
    return [asked for asked in server.asked if "key-value" in asked.question]


# ------------------------------------------------------------------------- a model on a server


@pytest.mark.parametrize("cached", [False, True])
def test_fields_from_a_model_on_a_server(cached: bool, tmp_path: Path) -> None:
    with ScriptedServer(answering(Reply(json.dumps(RIGHT), logprobs=-0.01))) as server:
        how = {"cache": CacheOptions(str(tmp_path))} if cached else {}
        found = extract(drawn(INVOICE), engine="remote", remote=RemoteOptions(url=server.url), **how)
    (asked,) = questions(server)
    form = asked.body["response_format"]["json_schema"]["schema"]
    assert form["required"] == list(load_schema("invoice").definition["properties"])
    assert asked.size[0] > 500
    assert str(found["grand_total"]) == "119.00"
    # The words are those of the text layer, though the page was read by the model.
    assert found.evidence["grand_total"].text == "119.00"
    assert found.evidence["grand_total"].bbox is not None
    assert found.evidence["seller_name"].text == "Brook & Reed Ltd"
    assert found.document.engine.name == "remote"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply("I cannot."), "model-extraction-failed"),
        (Reply(json.dumps(RIGHT)[:150], finish="length"), "model-answer-cut"),
        (Reply(status=400, error="no"), "model-extraction-failed"),
        (Reply(json.dumps({**RIGHT, "purchase_order": "PO 77-X"})), None),
        (Reply(json.dumps({**RIGHT, "grand_total": "1 EUR"})), "check-failed"),
    ],
)
def test_servers_that_answer_wrongly(reply: Reply, code: str | None) -> None:
    with ScriptedServer(answering(reply)) as server:
        found = extract(drawn((*INVOICE, HOSTILE)), engine="remote", remote=RemoteOptions(url=server.url))
    codes = {issue.code for issue in found.verdict.issues}
    assert code is None or code in codes
    if code is None:
        assert found.evidence["purchase_order"].note == "unanchored"
        assert found.evidence["purchase_order"].confidence <= 0.5
    assert found["grand_total"] is None or str(found["grand_total"]) == "119.00"


def test_a_server_without_forms_of_answers_is_still_of_use() -> None:
    said = f"Of course:\n```json\n{json.dumps(RIGHT)}\n```"
    with ScriptedServer(answering(said), refuses=["response_format"]) as server:
        found = extract(drawn(INVOICE), engine="remote", remote=RemoteOptions(url=server.url))
        assert len(server.refused) == 1
    assert str(found["grand_total"]) == "119.00"
    assert found.evidence["grand_total"].confidence > 0.9


def test_values_of_a_scan_stand_among_words_that_the_model_did_not_write() -> None:
    """Without OCR they would be looked for in what the model wrote itself."""
    picture = Image.new("RGB", (1000, 500), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(picture).text((60, 60), "INVOICE RT-5501", fill="black", font=font)
    ImageDraw.Draw(picture).text((60, 200), "Total EUR 119.00", fill="black", font=font)
    schema = {"type": "object", "properties": {"zebra": {"type": "string"}, "yak": {"type": "string"}}}
    own = '<html><body><p data-bbox="60 60 400 100">INVOICE RT-5501 and PH-77</p></body></html>'
    fields = '{"zebra": "RT-5501", "yak": "PH-77"}'
    script = lambda asked: fields if "key-value" in asked.question else own  # noqa: E731
    with ScriptedServer(script) as server:
        found = extract(making.encoded(picture), schema, engine="remote", remote=RemoteOptions(url=server.url))
    assert found.evidence["zebra"].bbox is not None
    assert found.evidence["yak"].note == "unanchored"
    assert seeing(Options()).remote.check == seeing(Options()).model.check == "ocr"


# ------------------------------------------------------------------------- the model in this process


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> QwenEngine:
    """Random weights: whatever it says means nothing."""
    folder = small_checkpoint.put(tmp_path_factory.mktemp("fields") / "small")
    return QwenEngine(ModelOptions(path=str(folder), device="cpu", pixels=50_000, max_tokens=20), threads=1)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a model which never ends its values comes to within the tokens it may write."""
    monkeypatch.setattr(model_question, "LONGEST_VALUE", 6)
    monkeypatch.setattr(model_question, "LONGEST_WORD", 5)
    monkeypatch.setattr(model_question, "MOST_ROWS", 2)
    monkeypatch.setattr(model_question, "LONGEST_TEXT", 200)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", ["invoice", "receipt"])
def test_a_model_of_no_mind_still_writes_the_form(name: str, engine: QwenEngine) -> None:
    wanted = fields_of(load_schema(name))
    form = answer_schema(wanted)
    for number in range(2):
        picture = Image.new("RGB", (140, 140), (160 * number, 200, 120))
        answer = engine.ask(picture, question(wanted, None), max_new_tokens=3000, json_schema=form)
        assert answer.finish == "stop"
        jsonschema.validate(json.loads(answer.text), form)


@pytest.mark.usefixtures("short")
def test_what_a_model_of_no_mind_says_does_not_count(engine: QwenEngine) -> None:
    schema = load_schema("invoice")
    with open_source(drawn(INVOICE)) as source:
        found = extract_source(source, schema, engine, [1])
        without = extract_source(source, schema, EmbeddedEngine(threads=1), [1])
    for name in ("invoice_number", "issue_date", "grand_total", "net_total"):
        assert found[name] == without[name]
        assert found.evidence[name].confidence <= without.evidence[name].confidence
    assert all(e.confidence <= 0.6 for e in found.evidence.values() if e.note == "unanchored")


def test_a_model_that_cannot_see_the_page_costs_nothing(engine: QwenEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_extractor, "LONGEST_ANSWER", 10**9)  # more than the model has room for
    with open_source(drawn(INVOICE)) as source:
        found = extract_source(source, load_schema("invoice"), engine, [1])
    assert "model-extraction-failed" in {issue.code for issue in found.verdict.issues}
    assert str(found["grand_total"]) == "119.00"


def test_engines_read_pages_before_they_are_asked(engine: QwenEngine) -> None:
    """Both ways in one engine: a question leaves the reading of pages as it was."""
    with open_source(drawn(INVOICE)) as source:
        before = [page.blocks for page in read_source(source, engine, [1])]
        engine.ask(Image.new("RGB", (56, 56)), "?", max_new_tokens=3)
        assert [page.blocks for page in read_source(source, engine, [1])] == before
