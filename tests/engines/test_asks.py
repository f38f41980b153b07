"""One question to an engine's model: on a server, in this process, and behind the result cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from docparse.document import EngineInfo
from docparse.engines.base import Asks
from docparse.engines.cached import CachedEngine
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.engines.qwen import QwenEngine
from docparse.engines.remote import RemoteEngine, unlimited
from docparse.errors import EngineError, EngineUnavailable
from docparse.result_cache import CacheOptions, ResultCache
from tests import small_checkpoint
from tests.scripted_server import Reply, ScriptedServer

PAPER = Image.new("RGB", (280, 140), "white")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "total": {"type": ["string", "null"], "maxLength": 9},
        "maxItems": {"type": "array", "items": {"enum": ["maxLength", "b"]}, "maxItems": 2},
    },
    "required": ["total", "maxItems"],
    "additionalProperties": False,
}
SAID = '{"total": "9,50 €", "maxItems": []}'

Serve = Callable[..., tuple[ScriptedServer, RemoteEngine]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    opened: list[Any] = []

    def serve(script: Any, *, page_seconds: float = 60.0, **server: Any) -> tuple[ScriptedServer, RemoteEngine]:
        served = ScriptedServer(script, **server).__enter__()
        opened.append(served)
        engine = RemoteEngine(RemoteOptions(url=served.url), page_seconds=page_seconds, pause=0.01)
        opened.append(engine)
        return served, engine

    yield serve
    for one in reversed(opened):
        one.close() if isinstance(one, RemoteEngine) else one.__exit__()


# ------------------------------------------------------------------------------------ on a server


def test_a_server_is_asked(serve: Serve) -> None:
    server, engine = serve(Reply(SAID, logprobs=-0.5))
    assert isinstance(engine, Asks)
    answer = engine.ask(PAPER, "What does it cost?", system="Be brief.", max_new_tokens=77)
    (asked,) = server.asked
    assert (asked.question, asked.system, asked.size) == ("What does it cost?", "Be brief.", (280, 140))
    assert asked.body["max_tokens"] == 77
    assert "response_format" not in asked.body
    assert (answer.text, answer.finish, answer.width, answer.height) == (SAID, "stop", 280, 140)
    assert answer.confidences[0] == (0, 4, pytest.approx(0.6065, abs=1e-3))


def test_boxes_of_a_qwen3_are_thousandths_of_the_picture(serve: Serve) -> None:
    _, engine = serve('[{"bbox_2d": [500, 0, 1000, 500]}]', models=["Qwen/Qwen3-VL-8B-Instruct"])
    answer = engine.ask(PAPER, "Locate it.")
    assert (answer.width, answer.height) == (1000, 1000)


def test_a_server_is_told_the_form_of_the_answer(serve: Serve) -> None:
    server, engine = serve(SAID)
    engine.ask(PAPER, "?", json_schema=SCHEMA)
    form = server.asked[0].body["response_format"]
    assert (form["type"], form["json_schema"]["strict"]) == ("json_schema", True)
    sent = form["json_schema"]["schema"]
    # Without bounds of length, which some services refuse; a field may be called so all the same.
    assert sent == {
        **SCHEMA,
        "properties": {
            "total": {"type": ["string", "null"]},
            "maxItems": {"type": "array", "items": {"enum": ["maxLength", "b"]}},
        },
    }
    assert unlimited(sent) == sent


@pytest.mark.parametrize("mute", [False, True])
def test_a_server_that_cannot_is_asked_without(mute: bool, serve: Serve) -> None:
    server, engine = serve(SAID, refuses=["response_format"], mute=mute)
    for _ in range(2):
        assert engine.ask(PAPER, "?", json_schema=SCHEMA).text == SAID
    assert [("response_format" in asked.body) for asked in server.asked] == [False, False]
    assert len(server.refused) == 1  # and it is not tried again


@pytest.mark.parametrize(
    "said",
    [
        "The provided JSON schema contains features not supported by xgrammar.",
        "Failed to compile grammar: unknown rule",
        "Invalid schema for response_format 'answer': 'required' is required to be supplied.",
        "Structured outputs are not available for this model.",
    ],
)
def test_what_servers_say_of_a_form_they_cannot_hold_to(said: str, serve: Serve) -> None:
    server, engine = serve(lambda asked: Reply(status=400, error=said) if "response_format" in asked.body else SAID)
    assert engine.ask(PAPER, "?", json_schema=SCHEMA).text == SAID
    assert server.asked[-1].body["logprobs"] is True  # nothing else is given up for it


def test_what_goes_wrong_with_a_question_is_an_error(serve: Serve) -> None:
    _, engine = serve(Reply(status=400, error="no pictures today"))
    with pytest.raises(EngineError, match="no pictures today"):
        engine.ask(PAPER, "?")
    _, engine = serve(Reply(SAID, wait=30), page_seconds=0.3)
    with pytest.raises(EngineError, match="not answered within the time"):
        engine.ask(PAPER, "?")
    with pytest.raises(EngineError):
        engine.ask(Image.new("RGB", (3000, 2)), "?")


# ------------------------------------------------------------------------------------ in this process


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_checkpoint.put(tmp_path_factory.mktemp("asks") / "small")


def test_the_model_in_this_process_keeps_to_a_schema(checkpoint: Path) -> None:
    """Its weights are random, and yet every answer is valid."""
    engine = QwenEngine(ModelOptions(path=str(checkpoint), device="cpu", pixels=50_000), threads=1)
    assert isinstance(engine, Asks)
    for question in ("What is it?", "Total?", "{"):
        answer = engine.ask(PAPER, question, max_new_tokens=300, json_schema=SCHEMA)
        assert answer.finish == "stop"
        jsonschema.validate(json.loads(answer.text), SCHEMA)
        assert sum(end - start for start, end, _ in answer.confidences) == len(answer.text)
    assert engine.ask(PAPER, "Talk!", max_new_tokens=10).text
    with pytest.raises(EngineError, match="the schema cannot be kept to: Unimplemented keys"):
        engine.ask(PAPER, "?", json_schema={"type": "object", "not": {}})


def test_an_answer_that_takes_too_long_is_cut_off(checkpoint: Path) -> None:
    engine = QwenEngine(ModelOptions(path=str(checkpoint), device="cpu", pixels=50_000), threads=1, page_seconds=0.0)
    answer = engine.ask(PAPER, "?", max_new_tokens=2000)
    assert answer.finish == "length"
    assert len(answer.text) < 1000


# ------------------------------------------------------------------------------------ behind the cache


def test_a_cached_engine_passes_questions_on(serve: Serve, tmp_path: Path) -> None:
    server, engine = serve(SAID)
    made: list[RemoteEngine] = []

    def make() -> RemoteEngine:
        made.append(engine)
        return engine

    cached = CachedEngine(make, engine.info(), identity=1, kept=ResultCache(CacheOptions(str(tmp_path))))
    assert isinstance(cached, Asks)
    assert not made
    answer = cached.ask(PAPER, "?", system="s", max_new_tokens=5, json_schema=SCHEMA)
    assert (answer.text, len(made)) == (SAID, 1)
    assert (server.asked[0].system, server.asked[0].body["max_tokens"]) == ("s", 5)


def test_a_cached_engine_that_cannot_be_asked(tmp_path: Path) -> None:
    kept = ResultCache(CacheOptions(str(tmp_path)))
    reads = CachedEngine(lambda: EmbeddedEngine(threads=1), EngineInfo("embedded"), identity=1, kept=kept)
    with pytest.raises(EngineError, match="the embedded engine reads pages and answers no questions"):
        reads.ask(PAPER, "?")

    def missing() -> QwenEngine:
        return QwenEngine(ModelOptions(path=str(tmp_path / "nothing"), device="cpu"))

    with pytest.raises(EngineUnavailable):
        CachedEngine(missing, EngineInfo("qwen"), identity=1, kept=kept).ask(PAPER, "?")
