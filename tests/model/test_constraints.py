"""Answers under a schema: whatever the model, they are of it; what was right already stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import torch
from PIL import Image, ImageDraw

from docparse.model.checkpoint import load
from docparse.model.constraints import Constraint, Grammars, allowed
from docparse.model.errors import RequestError
from docparse.model.generator import Generator
from docparse.model.requests import Completion, Request
from docparse.model.tokenizer import Tokenizer
from tests.model.parrot import Lesson, Parrot, parrot
from tests.model.tiny import ENDOFTEXT, IM_END, VOCAB, Prompt, Tiny, prompt

Make = Callable[[str], Tiny]
STOP = (IM_END, ENDOFTEXT)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TEXT = {"type": ["string", "null"], "maxLength": 8}
SCHEMAS: dict[str, dict[str, Any]] = {
    "fields": _object(number=TEXT, seller=TEXT, total=TEXT),
    "numbers": _object(n={"type": "integer", "minimum": -20, "maximum": 500}, sure={"type": "boolean"}),
    "choices": _object(kind={"enum": ["invoice", "receipt", None, 7]}, day={"type": "string", "format": "date"}),
    "a pattern": _object(code={"type": "string", "pattern": "^[A-Z]{2}[0-9]{3,5}$"}),
    "rows": _object(rows={"type": "array", "items": _object(a=TEXT, b=TEXT), "maxItems": 3}),
    "references": {
        **_object(first={"$ref": "#/$defs/Part"}, second={"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]}),
        "$defs": {"Part": _object(x=TEXT, y={"type": "array", "items": {"enum": ["ja", "nein"]}, "maxItems": 2})},
    },
    "odd names": _object(**{"Größe (m²)": TEXT, 'a "b" \\': TEXT, "": TEXT}),
}


@pytest.fixture
def grammars(small_tokenizer: Tokenizer) -> Grammars:
    return Grammars(small_tokenizer, vocab_size=VOCAB, stop_ids=STOP)


def ask(constraint: Constraint | None, *, asked: Prompt | None = None, **how: Any) -> Request:
    inputs = (asked or prompt(5)).inputs()
    return Request(**inputs, **{"stop_ids": STOP, "max_new_tokens": 400, "constraint": constraint, **how})


def written(tokenizer: Tokenizer, found: Completion) -> str:
    assert (found.finish, found.error) == ("stop", "")
    assert found.ids[-1] in STOP
    return b"".join(map(tokenizer.bytes_of, found.ids[:-1])).decode()  # UTF-8 too


def valid(text: str, schema: dict[str, Any]) -> Any:
    value = json.loads(text)
    jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())
    return value


# ------------------------------------------------------------------------- what comes is of the schema


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_whatever_a_random_model_says_is_valid(
    schema: dict[str, Any], tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer
) -> None:
    constraint = grammars.json_schema(schema)
    drawn = [ask(constraint, asked=prompt(4, seed=seed), temperature=1.5, seed=seed) for seed in range(12)]
    greedy = [ask(constraint, asked=prompt(3, seed=seed)) for seed in range(4)]
    narrow = [ask(constraint, temperature=1.0, top_k=3, top_p=0.9, repetition_penalty=1.3, seed=s) for s in range(4)]
    found = Generator(tiny("untied").model, max_batch=8).generate([*drawn, *greedy, *narrow])
    texts = [written(small_tokenizer, one) for one in found]
    for text in texts:
        valid(text, schema)
    assert len(set(texts)) > 5


def test_the_real_vocabulary(qwen_tokenizer: Tokenizer) -> None:
    """150,000 tokens, each drawn with equal chance; many are of several characters, or parts of one."""
    ends = {qwen_tokenizer.special_id("<|im_end|>"), qwen_tokenizer.special_id("<|endoftext|>")}
    grammars = Grammars(qwen_tokenizer, vocab_size=152_064, stop_ids=ends)
    random = torch.Generator().manual_seed(0)
    for name in ("fields", "rows", "choices"):
        constraint = grammars.json_schema(SCHEMAS[name])
        for _ in range(5):
            matcher, ids = constraint.matcher(), []
            while not ids or ids[-1] not in ends:
                (row,) = allowed([matcher], 152_064, torch.device("cpu"))
                ids.append(int(torch.multinomial(row.float(), 1, generator=random)))
                matcher.take(ids[-1])
            valid(qwen_tokenizer.decode(ids[:-1], skip_special=False), SCHEMAS[name])


def test_a_grammar(tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer) -> None:
    constraint = grammars.lark('start: "<p data-bbox=\\"" N " " N "\\">" /[a-z]{0,5}/ "</p>"\nN: /[0-9]{1,4}/')
    for seed in range(6):
        (found,) = Generator(tiny("tied").model).generate([ask(constraint, temperature=1.0, seed=seed)])
        text = written(small_tokenizer, found)
        assert re.fullmatch(r'<p data-bbox="[0-9]{1,4} [0-9]{1,4}">[a-z]{0,5}</p>', text)


def test_an_answer_that_is_cut_off_says_so(tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer) -> None:
    (found,) = Generator(tiny("untied").model).generate(
        [ask(grammars.json_schema(SCHEMAS["rows"]), max_new_tokens=7, temperature=1.0, seed=0)]
    )
    assert (found.finish, len(found.ids)) == ("length", 7)
    assert small_tokenizer.decode(found.ids).startswith("{")


def test_it_goes_on_with_a_reply(tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer) -> None:
    schema = SCHEMAS["fields"]
    begun = '{"number": "A-7", "sel'
    (found,) = Generator(tiny("untied").model).generate([ask(grammars.json_schema(schema, reply=begun))])
    value = valid(begun + written(small_tokenizer, found), schema)
    assert value["number"] == "A-7"


# ------------------------------------------------------------------------- what was right stays


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Parrot:
    """A model that answers with JSON to one picture, and with talk to another."""
    pictures = [Image.new("RGB", (112, 112), "white") for _ in range(2)]
    ImageDraw.Draw(pictures[0]).rectangle((10, 10, 60, 40), fill="black")
    ImageDraw.Draw(pictures[1]).ellipse((50, 50, 110, 100), fill="red")
    said = ('{"number": "A-7",\n  "seller": null, "total": "9,50"}', "It says a lot.")
    lessons = [Lesson(p, text, "?", None) for p, text in zip(pictures, said, strict=True)]
    return parrot(tmp_path_factory.mktemp("json-parrot"), lessons)


def _lesson(taught: Parrot, number: int, **how: Any) -> Request:
    tokenizer = Tokenizer.from_folder(taught.folder)
    ids, patches, grid = taught.lessons[number].prompt(tokenizer, taught.config.image)
    stop = taught.config.generation.eos_token_ids
    penalty = {"repetition_penalty": 1.0}
    return Request(ids, patches=patches, grid_thw=[grid], stop_ids=stop, max_new_tokens=200, **{**penalty, **how})


@pytest.mark.parametrize("how", [{}, {"temperature": 0.8, "seed": 3}, {"repetition_penalty": 1.05}])
def test_what_is_allowed_anyway_comes_as_without(taught: Parrot, how: dict[str, Any]) -> None:
    """Other sequences of the batch are not touched either."""
    tokenizer = Tokenizer.from_folder(taught.folder)
    size = taught.config.text.vocab_size
    grammars = Grammars(tokenizer, vocab_size=size, stop_ids=taught.config.generation.eos_token_ids)
    constraint = grammars.json_schema(SCHEMAS["fields"])
    model = load(taught.folder)
    requests = [_lesson(taught, 0, **how), _lesson(taught, 1, **how)]
    json_free, talk_free = Generator(model).generate(requests)
    both = [_lesson(taught, 0, constraint=constraint, **how), _lesson(taught, 1, **how)]
    json_bound, talk = Generator(model).generate(both)
    assert tokenizer.decode(json_free.ids) == taught.answers[0]
    assert json_bound.ids == json_free.ids
    # The model's own probabilities, not those among what the schema leaves.
    assert json_bound.logprobs == pytest.approx(json_free.logprobs, abs=1e-5)
    assert talk.ids == talk_free.ids
    # The one that would talk gives fields too, and its probabilities say what it thinks of them.
    (bound,) = Generator(model).generate([_lesson(taught, 1, constraint=constraint, **how)])
    text = tokenizer.decode(bound.ids)
    assert text.startswith("{")
    assert bound.finish == "length" or valid(text, SCHEMAS["fields"])
    assert bound.logprobs[0] < -3


# ------------------------------------------------------------------------- what cannot be


def test_schemas_that_cannot_be_kept_to(grammars: Grammars) -> None:
    with pytest.raises(RequestError, match="the schema cannot be kept to: Unimplemented keys"):
        grammars.json_schema({"type": "object", "not": {"required": ["a"]}})
    with pytest.raises(RequestError, match="the schema cannot be kept to"):
        grammars.json_schema({"type": "nonsense"})
    with pytest.raises(RequestError, match="the schema is no JSON"):
        grammars.json_schema({"enum": [float("nan")]})
    with pytest.raises(RequestError, match="the grammar cannot be kept to"):
        grammars.lark("start: nothing_of_that_name")


def test_a_reply_that_is_no_beginning(grammars: Grammars) -> None:
    with pytest.raises(RequestError, match="the schema allows no answer that begins with 'Sure:'"):
        grammars.json_schema(SCHEMAS["fields"], reply="Sure:")


def test_requests_that_could_not_end(tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer) -> None:
    constraint = grammars.json_schema(SCHEMAS["fields"])
    generator = Generator(tiny("tied").model)
    with pytest.raises(RequestError, match="no stop id"):
        generator.submit(ask(constraint, stop_ids=(7,)))
    with pytest.raises(RequestError, match="an id to end with"):
        Grammars(small_tokenizer, vocab_size=VOCAB, stop_ids=())
    other = Grammars(small_tokenizer, vocab_size=300, stop_ids=STOP).json_schema(SCHEMAS["fields"])
    with pytest.raises(RequestError, match="for 300 ids, and the model has 320"):
        generator.submit(ask(other))


def test_where_nothing_may_come_only_that_request_fails(
    tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer
) -> None:
    constraint = grammars.json_schema(SCHEMAS["numbers"])
    brace = small_tokenizer.encode("{")
    stuck, fine = Generator(tiny("tied").model).generate(
        [ask(constraint, forbidden_ids=brace), ask(constraint, temperature=1.0, seed=1)]
    )
    assert (stuck.finish, stuck.ids) == ("error", ())
    assert "no token goes on with an answer" in stuck.error
    valid(written(small_tokenizer, fine), SCHEMAS["numbers"])


def test_a_constraint_serves_many_requests(tiny: Make, grammars: Grammars, small_tokenizer: Tokenizer) -> None:
    """Side by side and one after the other, each from the beginning."""
    constraint = grammars.json_schema(SCHEMAS["fields"])
    generator = Generator(tiny("untied").model, max_batch=3)
    requests = [ask(constraint, temperature=1.0, seed=seed) for seed in range(5)]
    together = [written(small_tokenizer, one) for one in generator.generate(requests)]
    alone = [written(small_tokenizer, generator.generate([one])[0]) for one in requests]
    assert together == alone
