"""The generator on tiny models: the words that transformers' ``generate`` writes, however they are asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GenerationConfig

from docparse.model.generator import Generator
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Request, Token
from tests.model.tiny import ENDOFTEXT, IM_END, IMAGE, VIDEO, Picture, Prompt, Tiny, Video, prompt

Make = Callable[[str], Tiny]

NEAR = 1e-4
"""Of log-probabilities in float32. Logits here reach 40, where neighbours are 4e-6 apart; sums of other shapes
(a batch, a cache) are taken in other orders, a few dozen times on the way. Found: up to 4e-5."""

PLACES = (IMAGE, VIDEO)
"""What it must not write where the whole is read again: there they are places of pictures."""

PROMPTS: dict[str, tuple[int | Picture | Video, ...]] = {
    "text": (7,),
    "one token": (1,),
    "a picture": (5, Picture(8, 12), 4),
    "two pictures": (Picture(4, 4), Picture(12, 6), 2),
    "three pictures": (3, Picture(4, 4), 2, Picture(10, 6), Picture(8, 14), 3),
    # Its time ends before its longer side does: beyond that transformers 5.23 goes on in the middle of the video.
    "a video": (4, Video(4, 8, 12, 0.5), 5),
    "a video and a picture": (2, Video(2, 6, 8), 1, Picture(8, 6), 3),
}


def with_generation(model: QwenVL, **change: Any) -> QwenVL:
    """The same weights with another ``generation_config.json``."""
    changed = copy.copy(model)
    changed.config = replace(model.config, generation=replace(model.config.generation, **change))
    return changed


def reference(tiny: Tiny, asked: Prompt, new: int, **how: Any) -> tuple[list[int], list[float]]:
    """What transformers writes, and the log-probabilities of it by the logits before any processing."""
    generation = GenerationConfig(do_sample=False, pad_token_id=ENDOFTEXT, **how)
    before, tiny.reference.generation_config = tiny.reference.generation_config, generation
    try:
        with torch.no_grad():
            found = tiny.reference.generate(
                **asked.reference_inputs(), max_new_tokens=new, output_logits=True, return_dict_in_generate=True
            )
    finally:
        tiny.reference.generation_config = before
    ids = found.sequences[0, len(asked.ids) :].tolist()
    logprobs = [float(row[0].log_softmax(-1)[token]) for row, token in zip(found.logits, ids, strict=True)]
    return ids, logprobs


def request(asked: Prompt, **how: Any) -> Request:
    return Request(**asked.inputs(), **{"stop_ids": (), "max_new_tokens": 24, **how})


def one(model: QwenVL, asked: Prompt, **how: Any) -> Completion:
    (found,) = Generator(model).generate([request(asked, **how)])
    return found


def assert_near(found: Sequence[float], expected: Sequence[float]) -> None:
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=NEAR)


def assert_same(found: Completion, expected: Completion) -> None:
    assert (found.ids, found.finish, found.error) == (expected.ids, expected.finish, expected.error)
    assert found.prompt_tokens == expected.prompt_tokens
    assert_near(found.logprobs, expected.logprobs)


# ------------------------------------------------------------------------- against transformers


@pytest.mark.parametrize("parts", PROMPTS.values(), ids=list(PROMPTS))
@pytest.mark.parametrize("name", ["tied", "untied"])
@pytest.mark.parametrize("penalty", [1.0, 1.05])
def test_greedy_equals_transformers(tiny: Make, name: str, parts: tuple[Any, ...], penalty: float) -> None:
    asked = prompt(*parts)
    ids, logprobs = reference(tiny(name), asked, 64, repetition_penalty=penalty)
    # As the checkpoint says it, not the request.
    model = with_generation(tiny(name).model, repetition_penalty=penalty)
    found = one(model, asked, max_new_tokens=64)
    assert list(found.ids) == ids
    assert len(ids) == 64
    assert found.finish == "length"
    assert_near(found.logprobs, logprobs)


@pytest.mark.parametrize("name", ["heads", "odd"])
def test_greedy_equals_transformers_with_other_shapes(tiny: Make, name: str) -> None:
    asked = prompt(*PROMPTS["three pictures"], seed=1)
    ids, logprobs = reference(tiny(name), asked, 64)
    found = one(tiny(name).model, asked, max_new_tokens=64)
    assert list(found.ids) == ids
    assert_near(found.logprobs, logprobs)


def test_a_request_may_leave_the_checkpoints_penalty(tiny: Make) -> None:
    asked = prompt(*PROMPTS["a picture"])
    model = with_generation(tiny("untied").model, repetition_penalty=1.3)
    plain, punished = one(model, asked, repetition_penalty=1.0), one(model, asked)
    assert list(plain.ids) == reference(tiny("untied"), asked, 24)[0]
    assert list(punished.ids) == reference(tiny("untied"), asked, 24, repetition_penalty=1.3)[0]
    assert plain.ids != punished.ids


def test_it_stops_where_transformers_stops(tiny: Make) -> None:
    asked = prompt(*PROMPTS["a picture"])
    whole, _ = reference(tiny("untied"), asked, 64)
    stop = whole[20]
    ids, _ = reference(tiny("untied"), asked, 64, eos_token_id=[stop, IM_END])
    assert ids == whole[: whole.index(stop) + 1]
    found = one(tiny("untied").model, asked, max_new_tokens=64, stop_ids=[stop, IM_END])
    assert list(found.ids) == ids
    assert found.finish == "stop"


def test_the_checkpoint_says_where_to_stop(tiny: Make) -> None:
    asked = prompt(*PROMPTS["text"])
    ids = one(tiny("untied").model, asked).ids
    assert tiny("untied").config.generation.eos_token_ids == (IM_END, ENDOFTEXT)
    model = with_generation(tiny("untied").model, eos_token_ids=(IM_END, ids[5]))
    found = one(model, asked, stop_ids=None)
    assert found.ids == ids[: ids.index(ids[5]) + 1]
    assert found.finish == "stop"
    assert one(model, asked, stop_ids=[]).finish == "length"


@pytest.mark.parametrize(
    "parts",
    [(3, Video(5, 4, 4, 1.5), 4), (2, Video(6, 4, 6, 0.3), Picture(6, 4), Video(3, 8, 4, 7.0), 2)],
    ids=["long", "several"],
)
def test_writing_on_equals_reading_all_again(tiny: Make, parts: tuple[Any, ...]) -> None:
    """With the cache as without it; here for videos whose time goes on beyond their sides."""
    asked = prompt(*parts)
    model = tiny("untied").model
    found = one(model, asked, max_new_tokens=12, forbidden_ids=PLACES)
    logits = written(model, asked, found.ids)
    assert list(found.ids) == logits.index_fill(1, torch.tensor(PLACES), -torch.inf).argmax(-1).tolist()
    assert_near(found.logprobs, [float(row.log_softmax(-1)[i]) for row, i in zip(logits, found.ids, strict=True)])


def written(model: QwenVL, asked: Prompt, ids: Sequence[int]) -> Tensor:
    """The logits [len(ids), V] from which these were chosen, without a cache."""
    whole = torch.cat((asked.ids, torch.tensor(ids)))
    with torch.inference_mode():
        return model.logits(**{**asked.inputs(), "input_ids": whole})[len(asked.ids) - 1 : -1]


# ------------------------------------------------------------------------- together and alone


def several() -> list[Request]:
    """Prompts of all kinds and lengths, answers of other lengths, each chosen in its own way."""
    ways: list[dict[str, Any]] = [
        {"max_new_tokens": 3},
        {"max_new_tokens": 30},
        {"temperature": 1.3, "seed": 4},
        {"repetition_penalty": 1.2},
        {"max_new_tokens": 1},
        {"forbidden_ids": range(0, 300, 2)},
        {"temperature": 0.8, "top_k": 20, "top_p": 0.9, "seed": 1, "max_new_tokens": 17},
        {},
        {"max_new_tokens": 9},
    ]
    kinds = list(PROMPTS.values())
    return [request(prompt(*kinds[i % len(kinds)], seed=i), **way) for i, way in enumerate(ways)]


@pytest.mark.parametrize("max_batch", [2, 4, 20])
@pytest.mark.parametrize("name", ["tied", "untied"])
def test_together_equals_alone(tiny: Make, name: str, max_batch: int) -> None:
    """With fewer slots than requests, those that end make room for those that wait."""
    model = tiny(name).model
    alone = [Generator(model).generate([each])[0] for each in several()]
    generator = Generator(model, max_batch=max_batch)
    for found, expected in zip(generator.generate(several()), alone, strict=True):
        assert_same(found, expected)
    assert generator._cache is not None
    assert generator._cache.slots == min(max_batch, len(alone))


def test_requests_that_come_later_join(tiny: Make) -> None:
    model = tiny("untied").model
    alone = [Generator(model).generate([each])[0] for each in several()]
    generator = Generator(model, max_batch=3)
    handles = []
    for each in several():
        handles.append(generator.submit(each))
        for _ in range(3):
            generator.step()
    for handle, expected in zip(handles, alone, strict=True):
        assert_same(handle.result(), expected)


def test_a_generator_serves_again_and_again(tiny: Make) -> None:
    generator = Generator(tiny("tied").model, max_batch=2)
    first = generator.generate(several()[:3])
    again = generator.generate(several()[:3])
    for found, expected in zip(again, first, strict=True):
        assert_same(found, expected)
    assert generator.generate([]) == []


# ------------------------------------------------------------------------- streaming


def test_tokens_stream_as_they_come(tiny: Make) -> None:
    generator = Generator(tiny("untied").model, max_batch=2)
    told: dict[int, list[Token]] = {0: [], 1: [], 2: []}
    asked = [prompt(5, seed=i) for i in range(3)]
    handles = [
        generator.submit(request(each, max_new_tokens=4 + 3 * i, on_token=told[i].append))
        for i, each in enumerate(asked)
    ]
    stream = iter(handles[1])
    seen = [next(stream), next(stream)]
    assert not handles[1].done
    assert handles[1].so_far().finish == "cancelled"
    assert handles[1].so_far().ids == tuple(token.id for token in told[1])
    assert len(told[0]) >= 2  # the one beside it came along
    seen += stream
    for i, handle in enumerate(handles):
        completion = handle.result()
        tokens = [Token(*pair) for pair in zip(completion.ids, completion.logprobs, strict=True)]
        assert told[i] == tokens
        assert list(handle) == tokens  # whole, once more
        assert len(tokens) == 4 + 3 * i
    assert seen == told[1]


def test_a_listener_may_ask_for_more(tiny: Make) -> None:
    generator = Generator(tiny("untied").model, max_batch=2)
    later: list[Any] = []

    def listen(token: Token) -> None:
        if not later:
            later.append(generator.submit(request(prompt(4))))

    generator.submit(request(prompt(3), on_token=listen)).result()
    assert_same(later[0].result(), one(tiny("untied").model, prompt(4)))


# ------------------------------------------------------------------------- ways of choosing


def test_log_probabilities_are_the_models_own(tiny: Make) -> None:
    """Whatever is done to choose: heat, penalty, and what is forbidden does not show in them."""
    model = tiny("untied").model
    asked = prompt(*PROMPTS["a picture"])
    for way in (
        {"temperature": 3.0, "seed": 0},
        {"repetition_penalty": 2.0},
        {"forbidden_ids": one(model, asked).ids + PLACES},
        {"temperature": 0.7, "top_k": 5, "top_p": 0.7, "repetition_penalty": 1.1, "seed": 2},
    ):
        found = one(model, asked, **{"forbidden_ids": PLACES, **way})
        logprobs = written(model, asked, found.ids).log_softmax(-1)
        assert_near(found.logprobs, [float(row[i]) for row, i in zip(logprobs, found.ids, strict=True)])


@pytest.mark.parametrize("temperature", [0.0, 1.0, 50.0])
def test_forbidden_ids_never_come(tiny: Make, temperature: float) -> None:
    model = tiny("untied").model
    asked = prompt(6)
    forbidden = range(10, 320)
    found = one(model, asked, forbidden_ids=[*forbidden, -1, 10**9], temperature=temperature, seed=0, max_new_tokens=60)
    assert set(found.ids) <= set(range(10))
    assert set(one(model, asked, temperature=temperature, seed=0).ids) & set(forbidden)


def test_a_seed_makes_a_sample_the_same_again_beside_others_too(tiny: Make) -> None:
    model = tiny("untied").model
    asked = prompt(6)
    found = one(model, asked, temperature=2.0, seed=5)
    assert one(model, asked, temperature=2.0, seed=6).ids != found.ids
    beside = [request(prompt(9, seed=3), temperature=2.0, seed=9), request(asked, temperature=2.0, seed=5)]
    assert Generator(model).generate(beside)[1].ids == found.ids


def test_the_limit_of_new_tokens(tiny: Make) -> None:
    model = tiny("untied").model
    whole = one(model, prompt(6), max_new_tokens=10)
    for new in (1, 2, 9):
        found = one(model, prompt(6), max_new_tokens=new)
        assert (found.ids, found.finish) == (whole.ids[:new], "length")
    # The last token that may be written is the one to stop at: it has stopped.
    assert one(model, prompt(6), max_new_tokens=1, stop_ids=[whole.ids[0]]).finish == "stop"


@pytest.mark.parametrize("kind", ["list", "tuple", "int32", "row"])
def test_ids_may_be_given_as_people_have_them(tiny: Make, kind: str) -> None:
    model = tiny("untied").model
    ids = prompt(6).ids
    given: Any = {"list": ids.tolist(), "tuple": tuple(ids.tolist()), "int32": ids.int(), "row": ids[None]}[kind]
    (found,) = Generator(model).generate([Request(given, max_new_tokens=5, stop_ids=())])
    assert found.prompt_tokens == 6
    assert_same(found, one(model, prompt(6), max_new_tokens=5))
