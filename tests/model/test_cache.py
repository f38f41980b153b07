"""The cache's tensors, and who owns its slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from docparse.model.cache import KVCache
from docparse.model.config import TextConfig
from docparse.model.generator import Generator, Handle
from docparse.model.requests import Completion, Request
from tests.model.scripted import BROKEN, FIRST_PLAIN, NO_NUMBER, VOCAB, ScriptedModel, expected

CONFIG = TextConfig(
    hidden_size=24,
    num_hidden_layers=3,
    num_attention_heads=6,
    num_key_value_heads=2,
    intermediate_size=8,
    vocab_size=10,
    mrope_section=(1, 1, 0),
)


def filled(slots: int = 2, capacity: int = 5) -> tuple[KVCache, list[Tensor]]:
    """A cache of random numbers, and a copy of them."""
    cache = KVCache(CONFIG, slots=slots, capacity=capacity, dtype=torch.float32, devices=[torch.device("cpu")] * 3)
    for index, layer in enumerate(layers(cache)):
        layer.copy_(torch.randn(layer.shape, generator=torch.Generator().manual_seed(index)))
    return cache, [layer.clone() for layer in layers(cache)]


def layers(cache: KVCache) -> list[Tensor]:
    return [*cache.keys, *cache.values]


def test_a_new_cache_holds_zeros_of_the_models_shape() -> None:
    cache = KVCache(CONFIG, slots=2, capacity=7, dtype=torch.bfloat16, devices=[torch.device("cpu")] * 3)
    assert (cache.slots, cache.capacity) == (2, 7)
    assert len(cache.keys) == len(cache.values) == 3
    for layer in layers(cache):
        assert layer.shape == (2, 7, 2, 4)
        assert layer.dtype == torch.bfloat16
        assert not layer.any()


@pytest.mark.parametrize(
    ("slots", "capacity", "then"),
    [(2, 5, (2, 5)), (1, 3, (2, 5)), (4, 5, (4, 5)), (2, 9, (2, 9)), (3, 8, (3, 8)), (5, 1, (5, 5)), (1, 6, (2, 6))],
)
def test_growing_keeps_what_is_there(slots: int, capacity: int, then: tuple[int, int]) -> None:
    cache, before = filled()
    cache.grow(slots=slots, capacity=capacity)
    assert (cache.slots, cache.capacity) == then
    for layer, old in zip(layers(cache), before, strict=True):
        assert layer.shape[:2] == then
        assert torch.equal(layer[:2, :5], old)
        assert not layer[2:].any()
        assert not layer[:, 5:].any()


def test_growing_into_what_is_there_copies_nothing() -> None:
    cache, _ = filled()
    before = layers(cache)
    cache.grow(slots=2, capacity=4)
    assert all(now is then for now, then in zip(layers(cache), before, strict=True))


@pytest.mark.parametrize("fails_at", range(6))
def test_memory_that_runs_out_while_growing_loses_nothing(fails_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, before = filled()
    real, made = torch.Tensor.new_zeros, 0

    def scarce(self: Tensor, *shape: int) -> Tensor:
        nonlocal made
        made += 1
        if made > fails_at:
            raise torch.OutOfMemoryError
        return real(self, *shape)

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "new_zeros", scarce)
        with pytest.raises(torch.OutOfMemoryError):
            cache.grow(slots=3, capacity=6)
    for layer, old in zip(layers(cache), before, strict=True):
        assert torch.equal(layer[:2, :5], old)
    cache.clear(2)  # which some layers have and some have not
    cache.grow(slots=3, capacity=6)  # there is memory again
    for layer, old in zip(layers(cache), before, strict=True):
        assert layer.shape[:2] == (3, 6)
        assert torch.equal(layer[:2, :5], old)


def test_moving_copies_a_sequence_and_no_more() -> None:
    cache, before = filled(slots=3)
    cache.move(2, 0, 4)
    for layer, old in zip(layers(cache), before, strict=True):
        assert torch.equal(layer[0, :4], old[2, :4])
        assert torch.equal(layer[0, 4:], old[0, 4:])
        assert torch.equal(layer[1:], old[1:])


def test_clearing_is_of_one_slot() -> None:
    cache, before = filled(slots=3)
    cache.clear(1)
    for layer, old in zip(layers(cache), before, strict=True):
        assert not layer[1].any()
        assert torch.equal(layer[::2], old[::2])


# ------------------------------------------------------------------------- who owns the slots


@dataclass
class Asked:
    """A request to the scripted model. ``deaf_after``: its listener raises at that token."""

    prompt: list[int]
    new: int
    deaf_after: int | None
    handle: Handle | None = None
    heard: int = 0

    def hear(self, _: object) -> None:
        self.heard += 1
        if self.heard == self.deaf_after:
            raise KeyError("heard enough")

    def check(self, found: Completion) -> None:
        """It ended as it had to, with the tokens that it had to have."""
        ids = list(found.ids)
        # Placed here, the wrong token of another sequence would show.
        assert ids == expected(self.prompt, len(ids))
        assert len(found.logprobs) == len(ids)
        length, end = self.new, "length"
        sign = self.prompt[-1]
        if sign == BROKEN:
            length, end = 0, "error"
        elif sign in NO_NUMBER and sign < self.new:
            length, end = sign, "error"
        if self.deaf_after is not None and self.deaf_after <= length:
            length, end = self.deaf_after, "error"
        ends = {(end, length)}
        if "memory" in found.error:  # alone, and it ran out
            ends = {("error", 0)}
        assert self.handle is not None
        if self.handle.cancelled:
            ends |= {("cancelled", n) for n in range(length + 1)}
        assert (found.finish, len(ids)) in ends, found
        assert bool(found.error) == (found.finish == "error")


plain = st.integers(FIRST_PLAIN, VOCAB - 1)
prompts = st.lists(plain, min_size=1, max_size=6)
signs = st.sampled_from([[sign] for sign in (*NO_NUMBER, BROKEN)])
submits = st.builds(
    Asked,
    prompt=st.builds(lambda prompt, sign: prompt + sign, prompts, st.one_of(st.just([]), st.just([]), signs)),
    new=st.integers(1, 9),
    deaf_after=st.one_of(st.none(), st.none(), st.none(), st.integers(1, 4)),
)
acts = st.one_of(
    submits,
    submits,
    st.tuples(st.just("step"), st.integers(1, 4)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("shortage"), st.integers(1, 2)),
)


def check_slots(generator: Generator, asked: list[Asked]) -> None:
    active, waiting = generator._active, list(generator._waiting)
    owners = [id(sequence.handle) for sequence in (*active, *waiting)]
    assert len(owners) == len(set(owners)), "owned twice"
    unfinished = {id(each.handle) for each in asked if each.handle is not None and not each.handle.done}
    assert set(owners) == unfinished
    assert len(active) <= generator.max_batch
    if active:
        assert generator._cache is not None
        assert len(active) <= generator._cache.slots
    for slot, sequence in enumerate(active):
        assert generator._cache is not None
        tokens = [*sequence.ids.tolist(), *(token.id for token in sequence.handle._tokens[:-1])]
        assert len(tokens) == sequence.length <= generator._cache.capacity
        for layer in layers(generator._cache):
            assert layer[slot, : len(tokens), 0, 0].tolist() == tokens


@settings(max_examples=300, deadline=None)
@given(max_batch=st.integers(1, 4), acts=st.lists(acts, min_size=3, max_size=30))
def test_whatever_is_asked_in_whatever_order_each_gets_its_own_answer(max_batch: int, acts: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "mem_get_info", lambda device=None: (1000, 2000))
        patch.setattr(torch.cuda, "empty_cache", lambda: None)
        ask(max_batch, acts)


def ask(max_batch: int, acts: list[Any]) -> None:
    model = ScriptedModel()
    generator = Generator(cast(Any, model), max_batch=max_batch)
    asked: list[Asked] = []
    for act in acts:
        if isinstance(act, Asked):
            asked.append(act)
            listener = act.hear if act.deaf_after is not None else None
            request = Request(act.prompt, max_new_tokens=act.new, on_token=listener)
            act.handle = generator.submit(request)
        elif act[0] == "step":
            for _ in range(act[1]):
                generator.step()
                check_slots(generator, asked)
        elif act[0] == "shortage":
            model.shortages = act[1]
        elif act[1] < len(asked):
            chosen = asked[act[1]].handle
            assert chosen is not None
            chosen.cancel()
    steps = 0
    while not all(each.handle is not None and each.handle.done for each in asked):
        generator.step()
        check_slots(generator, asked)
        steps += 1
        assert steps < 500, "some request never ends"
    for each in asked:
        assert each.handle is not None
        each.check(each.handle.result())
