"""The generator where memory runs out: who fails, who waits, and what is said."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from docparse.model.generator import Generator
from docparse.model.memory import advise, weight_bytes
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Request
from tests.model.scripted import ScriptedModel, expected
from tests.model.tiny import Picture, Tiny, prompt


@pytest.fixture
def model(tiny: Callable[[str], Tiny]) -> QwenVL:
    return tiny("untied").model


@pytest.fixture
def scripted() -> ScriptedModel:
    return ScriptedModel()


def generator_of(scripted: ScriptedModel, max_batch: int = 3) -> Generator:
    return Generator(cast(Any, scripted), max_batch=max_batch)


GB = 10**9


@pytest.fixture
def gpu_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """``gpu_memory(free)``: what torch says of it. Returns the calls, in their order."""
    calls: list[str] = []

    def present(free: int) -> list[str]:
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("empty_cache"))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (calls.append("info"), (free, 80 * GB))[1])
        return calls

    return present


def test_a_prompt_for_which_memory_never_suffices(
    scripted: ScriptedModel, gpu_memory: Callable[[int], list[str]]
) -> None:
    calls = gpu_memory(10_000)
    scripted.shortages = 1
    generator = generator_of(scripted)
    first, second = (generator.submit(Request(ids, max_new_tokens=4)) for ids in ([20, 21], [30, 31]))
    found = first.result()
    assert (found.ids, found.finish) == ((), "error")
    assert found.error.startswith("the GPU's memory does not hold 2 tokens and an answer of 4: ")
    assert calls == ["empty_cache", "info"]  # in this order: what is only kept in reserve is free
    assert list(second.result().ids) == expected([30, 31], 4)


def test_what_would_fit_is_said(model: QwenVL, gpu_memory: Callable[[int], list[str]]) -> None:
    """In the words of ``advise``, of what is free once the request has given back what it took."""
    weights = weight_bytes(model.config, 4)
    gpu_memory(5_000_000)
    broken = copy.copy(model)
    broken.embed = lambda *_, **__: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory."))  # type: ignore[method-assign, misc]
    (found,) = Generator(broken).generate([Request(**prompt(2, Picture(40, 80), 2).inputs(), max_new_tokens=1000)])
    fits = advise(model.config, 5_000_000 + weights, dtype_bytes=4, batch=1, page_tokens=806, answer_tokens=1000)
    assert found.error == f"the GPU's memory does not hold 806 tokens and an answer of 1000: {fits}"
    assert "do not fit" in fits
    assert found.error.endswith(".")


def test_memory_that_another_program_had(scripted: ScriptedModel, gpu_memory: Callable[[int], list[str]]) -> None:
    """By what is free afterwards it fits: to say that it needs less than there is would help nobody."""
    gpu_memory(5 * GB)
    scripted.shortages = 1
    (found,) = generator_of(scripted).generate([Request([20, 21], max_new_tokens=4)])
    assert found.error == (
        "the GPU's memory did not suffice for 2 tokens and an answer of 4, though 5.0 GB are free now; another"
        " program may have had it. Try again, or give it fewer pixels."
    )


def test_memory_is_asked_for_after_all_was_given_back(scripted: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception on the way holds every tensor of the frames it came through."""
    held: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []

    def embed(ids: torch.Tensor, **_: Any) -> torch.Tensor:
        pixels = torch.zeros(10)
        held.append(weakref.ref(pixels))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    generator = generator_of(scripted)
    monkeypatch.setattr(scripted, "embed", embed)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(
        torch.cuda,
        "mem_get_info",
        lambda device=None: (alive.append(held[-1]() is not None or generator._cache is not None), (GB, GB))[1],
    )
    assert generator.generate([Request([20, 21], max_new_tokens=4)])[0].finish == "error"
    assert alive == [False]


def test_a_prompt_that_does_not_fit_beside_others_waits_for_them(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted, max_batch=3)
    long = [generator.submit(Request([20 + i], max_new_tokens=10 + 5 * i)) for i in range(2)]
    for _ in range(3):
        generator.step()
    scripted.shortages = 1
    late = generator.submit(Request([50, 51], max_new_tokens=4))
    before = scripted.prefills
    for _ in range(4):
        generator.step()
    # Tried once. Until somebody leaves, trying again would only cost time.
    assert scripted.prefills == before + 1
    assert not late.done
    assert list(long[0].result().ids) == expected([20], 10)
    assert list(late.result().ids) == expected([50, 51], 4)
    assert list(long[1].result().ids) == expected([21], 15)
    assert scripted.prefills == before + 2


def test_memory_known_to_be_short_is_tried_again_when_all_have_left(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted, max_batch=3)
    scripted.shortages = 0
    first = generator.submit(Request([20], max_new_tokens=5))
    generator.step()
    scripted.shortages = 1
    generator.submit(Request([30], max_new_tokens=2)).result()
    first.result()
    handles = [generator.submit(Request([40 + i], max_new_tokens=6)) for i in range(3)]
    for _ in range(4):
        generator.step()
    assert len(generator._active) == 3
    for i, handle in enumerate(handles):
        assert list(handle.result().ids) == expected([40 + i], 6)


def test_memory_that_ends_while_writing(scripted: ScriptedModel, gpu_memory: Callable[[int], list[str]]) -> None:
    gpu_memory(1000)
    generator = generator_of(scripted, max_batch=2)
    handles = [generator.submit(Request([20 + i, 30], max_new_tokens=6 + i)) for i in range(3)]
    for _ in range(3):
        generator.step()
    scripted.decode_shortage = True
    generator.step()
    assert generator._cache is None
    scripted.decode_shortage = False
    found = [handle.result() for handle in handles]
    assert [each.finish for each in found] == ["error", "error", "length"]
    assert found[0].error.startswith("the GPU's memory does not hold 2 tokens and an answer of 7: 2 pages at once")
    assert list(found[2].ids) == expected([22, 30], 8)


def test_memory_of_the_machine_that_does_not_suffice(model: QwenVL) -> None:
    """Without a GPU torch has no error of its own for it. A cache of some petabytes is asked for in earnest."""
    text = replace(model.config.text, max_position_embeddings=10**13)
    vast = copy.copy(model)
    vast.config = replace(model.config, text=text)
    generator = Generator(vast)
    ids = prompt(4).ids
    (found,) = generator.generate([Request(ids, max_new_tokens=10**12)])
    assert found.finish == "error"
    assert (
        found.error
        == "the memory does not hold 4 tokens and an answer of 1000000000000; give it fewer pixels, or ask for less."
    )
    request = Request(ids, max_new_tokens=5, stop_ids=())
    assert generator.generate([request]) == Generator(model).generate([request])
