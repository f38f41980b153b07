"""The language model: hidden states equal transformers' layer by layer, and every way of computing them agrees.

Ways: whole, in chunks with a cache, several sequences side by side, token by token, over several devices.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from docparse.model.language import Decode, DecoderLayer, Prefill
from docparse.model.qwen_vl import QwenVL
from tests.model.exactness import assert_as_exact, assert_same_function, difference, double_precision, outputs_of
from tests.model.tiny import TINY, Tiny

Made = Callable[[str], Tiny]
CPU = torch.device("cpu")


def sequence(tiny: Tiny, count: int, seed: int = 0, *, spread: bool = True) -> tuple[Tensor, Tensor]:
    """Random vectors [T, C] at random places in time and space [3, T], as if among pictures everywhere."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, tiny.config.text.hidden_size, generator=generator)
    positions = torch.arange(count).expand(3, -1)
    if spread:
        positions = torch.randint(0, 90, (3, count), generator=generator)
    return vectors, positions


def whole(model: QwenVL, vectors: Tensor, positions: Tensor) -> Tensor:
    step = Prefill.of([len(vectors)], CPU)
    return model.language(vectors, positions, step, model.attention)  # type: ignore[no-any-return]


def ours(model: QwenVL, vectors: Tensor, positions: Tensor) -> list[Tensor]:
    return outputs_of(list(model.language.layers), lambda: whole(model, vectors, positions))


def theirs(model: Any, vectors: Tensor, positions: Tensor) -> list[Tensor]:
    language = model.model.language_model
    return outputs_of(
        list(language.layers),
        lambda: language(inputs_embeds=vectors[None], position_ids=positions[:, None]).last_hidden_state[0],
    )


def exactly(tiny: Tiny, vectors: Tensor, positions: Tensor) -> Tensor:
    """The last hidden states, by transformers in float64."""
    with double_precision():
        return theirs(tiny.reference64, vectors.double(), positions)[-1]


# ----------------------------------------------------------------------------------------- equal to the reference


@pytest.mark.parametrize("count", [1, 2, 61])
@pytest.mark.parametrize("name", TINY)
def test_the_hidden_states_of_every_layer(tiny: Made, name: str, count: int) -> None:
    made = tiny(name)
    vectors, positions = sequence(made, count)
    with double_precision():
        exact = theirs(made.reference64, vectors.double(), positions)
        for found, expected in zip(ours(made.model64, vectors.double(), positions), exact, strict=True):
            assert_same_function(found, expected)
    reference32 = theirs(made.reference, vectors, positions)
    for found, reference, expected in zip(ours(made.model, vectors, positions), reference32, exact, strict=True):
        assert_as_exact(found, reference, expected)


def test_what_a_mistake_in_positions_would_change(tiny: Made) -> None:
    """The tolerance is worth something: one token one column further moves all that follow it, by 1e6 times as much."""
    made = tiny("untied")
    vectors, positions = sequence(made, 30)
    moved = positions.clone()
    moved[2, 10] += 1
    with double_precision():
        before, after = (whole(made.model64, vectors.double(), p) for p in (positions, moved))
    assert torch.equal(before[:10], after[:10])
    assert ((before - after)[11:].norm(dim=1) > 1e-6 * before[11:].norm(dim=1)).all()


@pytest.mark.parametrize("name", ["tied", "untied"])
def test_the_head(tiny: Made, name: str) -> None:
    made = tiny(name)
    vectors, _ = sequence(made, 9)
    assert (made.model.lm_head is None) == (name == "tied")
    matrix = made.reference.model.language_model.embed_tokens if name == "tied" else made.reference.lm_head
    assert torch.equal(made.model.head(vectors), vectors @ matrix.weight.detach().T)
    assert made.model.head(vectors[-1:]).shape == (1, made.config.text.vocab_size)
    # Logits are float32 whatever the weights are: their logarithms are compared.
    assert copy.deepcopy(made.model).bfloat16().head(vectors.bfloat16()).dtype == torch.float32


def test_bfloat16_is_as_near_as_the_reference(tiny: Made) -> None:
    made = tiny("heads")
    vectors, positions = sequence(made, 40)
    vectors = vectors.bfloat16()
    model, reference = copy.deepcopy(made.model).bfloat16(), copy.deepcopy(made.reference).bfloat16()
    with double_precision():  # of the rounded weights
        exact = theirs(copy.deepcopy(reference).double(), vectors.double(), positions)
    states = zip(ours(model, vectors, positions), theirs(reference, vectors, positions), exact, strict=True)
    for found, expected, truth in states:
        assert_as_exact(found, expected, truth)


# ------------------------------------------------------------------------------------------ ways that must agree


def in_chunks(model: QwenVL, vectors: Tensor, positions: Tensor, sizes: Sequence[int]) -> Tensor:
    """Prefill piece by piece into slot 1 of a cache that is larger than needed and full of something else."""
    cache = model.new_cache(slots=3, capacity=sum(sizes) + 5)
    for tensors in (cache.keys, cache.values):
        for layer in tensors:
            layer.fill_(7.0)
    parts, at = [], 0
    for size in sizes:
        step = Prefill.of([size], CPU, before=[at], slots=[1])
        here = slice(at, at + size)
        parts.append(model.language(vectors[here], positions[:, here], step, model.attention, cache))
        at += size
    assert (cache.keys[0][0] == 7).all()
    assert (cache.keys[0][2] == 7).all()
    return torch.cat(parts)


@pytest.mark.parametrize("name", ["tied", "untied", "heads"])
@pytest.mark.parametrize("sizes", [(40,), (1, 39), (39, 1), (13, 14, 13), (1,) * 40], ids=str)
def test_chunks_are_the_whole(tiny: Made, name: str, sizes: tuple[int, ...]) -> None:
    made = tiny(name)
    vectors, positions = sequence(made, 40)
    with double_precision():
        expected = whole(made.model64, vectors.double(), positions)
        assert_same_function(in_chunks(made.model64, vectors.double(), positions, sizes), expected)
    found = in_chunks(made.model, vectors, positions, sizes)
    assert_as_exact(found, whole(made.model, vectors, positions), exactly(made, vectors, positions))


def test_sequences_side_by_side_do_not_see_each_other(tiny: Made) -> None:
    made = tiny("untied")
    given = [sequence(made, count, seed) for seed, count in enumerate((7, 1, 23, 12))]
    vectors, positions = torch.cat([v for v, _ in given]), torch.cat([p for _, p in given], dim=1)
    with double_precision():
        model = made.model64
        step = Prefill.of([7, 1, 23, 12], CPU)
        found = model.language(vectors.double(), positions, step, model.attention)
        assert_same_function(found, torch.cat([whole(model, v.double(), p) for v, p in given]))


def test_some_sequences_go_on_while_others_begin(tiny: Made) -> None:
    """One step, three slots: the rest of a sequence, a new one, and the last token of another."""
    model = tiny("untied").model64
    given = [sequence(tiny("untied"), count, seed) for seed, count in enumerate((20, 9, 15))]
    given = [(vectors.double(), positions) for vectors, positions in given]
    before, slots = (12, 0, 14), (2, 0, 3)
    with double_precision():
        cache = model.new_cache(slots=4, capacity=32)
        for (vectors, positions), old, slot in zip(given, before, slots, strict=True):
            if old:
                step = Prefill.of([old], CPU, slots=[slot])
                model.language(vectors[:old], positions[:, :old], step, model.attention, cache)
        step = Prefill.of(
            [len(v) - old for (v, _), old in zip(given, before, strict=True)], CPU, before=before, slots=slots
        )
        found = model.language(
            torch.cat([v[old:] for (v, _), old in zip(given, before, strict=True)]),
            torch.cat([p[:, old:] for (_, p), old in zip(given, before, strict=True)], dim=1),
            step,
            model.attention,
            cache,
        )
        expected = torch.cat([whole(model, v, p)[old:] for (v, p), old in zip(given, before, strict=True)])
    assert_same_function(found, expected)


def token_by_token(model: QwenVL, given: Sequence[tuple[Tensor, Tensor]], prefilled: Sequence[int]) -> list[Tensor]:
    """Prefill some of each sequence, then decode all of them together; those that end stay behind."""
    cache = model.new_cache(slots=len(given), capacity=64)
    found: list[list[Tensor]] = []
    for slot, ((vectors, positions), old) in enumerate(zip(given, prefilled, strict=True)):
        step = Prefill.of([old], CPU, slots=[slot])
        found.append([model.language(vectors[:old], positions[:, :old], step, model.attention, cache)])
    lengths = list(prefilled)
    while True:
        # Slots are filled from the front: sequences are given in falling order of what they have left.
        running = [i for i, (vectors, _) in enumerate(given) if lengths[i] < len(vectors)]
        if not running:
            return [torch.cat(parts) for parts in found]
        assert running == list(range(len(running)))
        vectors = torch.stack([given[i][0][lengths[i]] for i in running])
        positions = torch.stack([given[i][1][:, lengths[i]] for i in running], dim=1)
        for i in running:
            lengths[i] += 1
        now = [lengths[i] for i in running]
        step = Decode(torch.tensor(now, dtype=torch.int32), max(now))
        for i, row in zip(running, model.language(vectors, positions, step, model.attention, cache), strict=True):
            found[i].append(row[None])


@pytest.mark.parametrize("name", TINY)
def test_decoding_is_the_forward(tiny: Made, name: str) -> None:
    made = tiny(name)
    given = [sequence(made, count, seed) for seed, count in enumerate((40, 25, 30, 21))]
    prefilled = (8, 5, 17, 18)
    with double_precision():
        double = [(vectors.double(), positions) for vectors, positions in given]
        for found, (vectors, positions) in zip(token_by_token(made.model64, double, prefilled), double, strict=True):
            assert_same_function(found, whole(made.model64, vectors, positions))
    for found, (vectors, positions) in zip(token_by_token(made.model, given, prefilled), given, strict=True):
        assert_as_exact(found, whole(made.model, vectors, positions), exactly(made, vectors, positions))


def test_decoding_without_a_cache_is_a_mistake_of_the_program(tiny: Made) -> None:
    vectors, positions = sequence(tiny("tied"), 1)
    model = tiny("tied").model
    with pytest.raises(AssertionError, match="needs a cache"):
        model.language(vectors, positions, Decode(torch.tensor([1], dtype=torch.int32), 1), model.attention)


# --------------------------------------------------------------------------------------------- several devices


def test_layers_on_several_devices(tiny: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers that say they are elsewhere (``cpu:0`` is not ``cpu`` to torch) get a table and a step of their own."""
    made = tiny("untied")
    vectors, positions = sequence(made, 25)
    expected = whole(made.model, vectors, positions)
    places = {
        id(layer): torch.device("cpu", 0 if i == 1 else None) for i, layer in enumerate(made.model.language.layers)
    }
    monkeypatch.setattr(DecoderLayer, "device", property(lambda layer: places[id(layer)]))
    assert made.model.language.devices() == [torch.device("cpu"), torch.device("cpu:0"), torch.device("cpu")]
    moves: list[torch.device] = []
    move = Prefill.to
    monkeypatch.setattr(Prefill, "to", lambda step, device: moves.append(device) or move(step, device))
    assert torch.equal(whole(made.model, vectors, positions), expected)
    assert moves == made.model.language.devices()
    assert torch.equal(
        in_chunks(made.model, vectors, positions, (10, 15)), in_chunks(made.model, vectors, positions, (10, 15))
    )


@pytest.mark.parametrize("elsewhere", [[2], [1, 2], [0, 1, 2]], ids=str)
def test_all_that_a_layer_needs_follows_to_its_device(tiny: Made, elsewhere: list[int]) -> None:
    """torch's ``meta`` device as the second: it computes nothing, and refuses tensors of another device."""
    model = copy.deepcopy(tiny("untied").model)
    for i in elsewhere:
        model.language.layers[i].to("meta")
    vectors, positions = sequence(tiny("untied"), 25)
    devices = [torch.device("meta" if i in elsewhere else "cpu") for i in range(3)]
    assert model.language.devices() == devices
    cache = model.new_cache(slots=2, capacity=30)
    assert [keys.device for keys in cache.keys] == [values.device for values in cache.values] == devices
    model.language.norm.to("meta")
    for before, count in ((0, 20), (20, 5)):
        step = Prefill.of([count], CPU, before=[before], slots=[1])
        here = slice(before, before + count)
        found = model.language(vectors[here], positions[:, here], step, model.attention, cache)
        assert (found.device.type, found.shape) == ("meta", (count, 96))
    decode = Decode(torch.tensor([3, 26], dtype=torch.int32), 26)
    found = model.language(vectors[:2], positions[:, :2], decode, model.attention, cache)
    assert (found.device.type, found.shape) == ("meta", (2, 96))


def test_the_last_norm_takes_what_comes_from_another_device(tiny: Made) -> None:
    model = copy.deepcopy(tiny("tied").model)
    model.language.norm.to("meta")
    assert whole(model, *sequence(tiny("tied"), 3)).device.type == "meta"


def test_a_tied_head_takes_what_comes_from_another_device(tiny: Made) -> None:
    model = copy.deepcopy(tiny("tied").model)
    model.language.embed_tokens.to("meta")
    assert model.head(torch.zeros(2, 64)).device.type == "meta"


def test_a_step_moves_as_a_whole() -> None:
    prefill = Prefill.of([3, 4], CPU, before=[0, 2], slots=[1, 0]).to(torch.device("meta"))
    assert (prefill.spans.queries, prefill.spans.keys, prefill.slots) == ((3, 4), (3, 6), (1, 0))
    assert prefill.spans.cu_queries.device.type == prefill.spans.cu_keys.device.type == "meta"
    decode = Decode(torch.tensor([3]), 3).to(torch.device("meta"))
    assert (decode.lengths.device.type, decode.longest) == ("meta", 3)


def test_differences_are_seen_at_all() -> None:
    """The ruler of these tests: a wrong row among many right ones is not averaged away."""
    right = torch.ones(1000, 8, dtype=torch.float64)
    wrong = right.clone()
    wrong[500, 3] += 1e-3
    assert difference(right, right) == 0
    assert difference(wrong, right) == pytest.approx(1e-3 / 8**0.5)
