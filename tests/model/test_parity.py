"""The whole model is the same function as transformers' ``Qwen2_5_VLForConditionalGeneration`` (5.23).

Pictures, videos and text go in, hidden states of every layer and logits come out. Where a video is longer than
its sides transformers numbers what follows it wrongly (facts/qwen.md 3.2): there it is given our positions,
which ``test_positions.py`` compares with the rules.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from docparse.model.errors import RequestError
from docparse.model.qwen_vl import QwenVL
from tests.model.exactness import (
    AS_EXACT,
    assert_as_exact,
    assert_same_function,
    difference,
    double_precision,
    outputs_of,
)
from tests.model.tiny import IMAGE, TINY, VIDEO, Picture, Prompt, Tiny, Video, prompt

Made = Callable[[str], Tiny]

PROMPTS: dict[str, Prompt] = {
    "text": prompt(40),
    "one token": prompt(1),
    "a picture": prompt(5, Picture(10, 12), 7),
    "a picture first and nothing after": prompt(Picture(8, 8)),
    "two pictures": prompt(3, Picture(6, 20), 1, Picture(20, 6), 3),
    "three pictures": prompt(3, Picture(2, 2), Picture(16, 8), Picture(10, 10), 3),
    "four pictures": prompt(3, Picture(8, 8), 2, Picture(4, 22), 1, Picture(18, 6), Picture(2, 2), 9),
    "a video": prompt(4, Video(3, 6, 12, 0.5), 6),
    "a video of odd seconds": prompt(4, Video(4, 4, 8, 0.24), 6),
    "pictures and videos": prompt(4, Picture(6, 8), 3, Video(2, 12, 8, 0.5), 2, Video(1, 2, 2, 1.0), Picture(2, 18), 5),
}
LONG: dict[str, Prompt] = {
    "a long video": prompt(4, Video(6, 4, 6, 1.0), 6),
    "a long video and a picture": prompt(4, Video(3, 4, 4, 4.25), 2, Picture(6, 10), 3),
}


def exact(found: Prompt) -> Prompt:
    """The same with patches in float64."""
    patches = None if found.patches is None else found.patches.double()
    frames = None if found.video_patches is None else found.video_patches.double()
    return Prompt(found.ids, patches, found.grids, frames, found.video_grids, found.seconds)


def ours(model: QwenVL, found: Prompt) -> list[Tensor]:
    return outputs_of(list(model.language.layers), lambda: model.logits(**found.inputs()))


def theirs(model: Any, found: Prompt, **more: Any) -> list[Tensor]:
    layers = list(model.model.language_model.layers)
    return outputs_of(layers, lambda: model(**found.reference_inputs(), **more).logits[0])


def compare(tiny: Tiny, found: Prompt, **more: Any) -> None:
    with double_precision():
        truth = theirs(tiny.reference64, exact(found), **more)
        for state, expected in zip(ours(tiny.model64, exact(found)), truth, strict=True):
            assert_same_function(state, expected)
    reference = theirs(tiny.reference, found, **more)
    for state, other, expected in zip(ours(tiny.model, found), reference, truth, strict=True):
        assert_as_exact(state, other, expected)


# ------------------------------------------------------------------------------------------------ the function


@pytest.mark.parametrize("found", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("name", TINY)
def test_hidden_states_and_logits(tiny: Made, name: str, found: Prompt) -> None:
    compare(tiny(name), found)


@pytest.mark.parametrize("found", LONG.values(), ids=LONG)
@pytest.mark.parametrize("name", ["tied", "untied", "odd"])
def test_long_videos_with_our_positions(tiny: Made, name: str, found: Prompt) -> None:
    positions, _ = tiny(name).model.positions(
        found.ids, grid_thw=found.grids, video_grid_thw=found.video_grids, second_per_grid_ts=found.seconds
    )
    compare(tiny(name), found, position_ids=positions[:, None])


def test_bfloat16_is_as_near_as_the_reference(tiny: Made) -> None:
    """With weights and patches of 16 bits, against what exactly these weights and patches give."""
    found = PROMPTS["two pictures"]
    assert found.patches is not None
    rounded = Prompt(found.ids, found.patches.bfloat16().float(), found.grids, None, (), ())
    model, reference = copy.deepcopy(tiny("heads").model).bfloat16(), copy.deepcopy(tiny("heads").reference).bfloat16()
    with double_precision():
        truth = theirs(copy.deepcopy(reference).double(), exact(rounded))
    for state, other, expected in zip(ours(model, rounded), theirs(reference, rounded), truth, strict=True):
        assert difference(state, expected) <= AS_EXACT * difference(other, expected)


def test_the_logits_are_float32_and_of_every_token(tiny: Made) -> None:
    found = PROMPTS["a picture"]
    logits = tiny("tied").model.logits(**found.inputs())
    assert (logits.dtype, logits.shape) == (torch.float32, (len(found.ids), 320))
    assert logits.requires_grad is False
    assert copy.deepcopy(tiny("tied").model).bfloat16().logits(**found.inputs()).dtype == torch.float32


# ----------------------------------------------------------------------------------------------------- its face


def test_ids_as_a_list_and_one_grid_as_a_triple(tiny: Made) -> None:
    found, model = PROMPTS["a picture"], tiny("tied").model
    expected = model.logits(**found.inputs())
    assert torch.equal(model.logits(found.ids.tolist(), patches=found.patches, grid_thw=(1, 10, 12)), expected)
    table = torch.tensor([[1, 10, 12]])
    assert torch.equal(model.logits(found.ids, patches=found.patches, grid_thw=table), expected)


def test_one_second_from_group_to_group_where_nothing_is_said(tiny: Made) -> None:
    found, model = prompt(3, Video(2, 4, 8, 1.0), 3), tiny("tied").model
    inputs = found.inputs()
    expected = model.logits(**inputs)
    del inputs["second_per_grid_ts"]
    assert torch.equal(model.logits(**inputs), expected)
    inputs["second_per_grid_ts"] = torch.tensor([1.0])
    assert torch.equal(model.logits(**inputs), expected)


def test_time_makes_a_difference(tiny: Made) -> None:
    fast, slow = prompt(3, Video(2, 4, 8, 0.5), 3), prompt(3, Video(2, 4, 8, 30.0), 3)
    model = tiny("tied").model
    assert difference(model.logits(**fast.inputs()), model.logits(**slow.inputs())) > 1e-2


def test_a_picture_is_where_its_places_are(tiny: Made) -> None:
    """Pictures are seen from where they stand on: text before them has the logits of text alone."""
    found, model = PROMPTS["a picture"], tiny("untied").model
    alone = model.logits(found.ids[:6])
    whole = model.logits(**found.inputs())
    # Matrices of other heights may be multiplied in another order; float32 over three layers.
    torch.testing.assert_close(whole[:6], alone, rtol=0, atol=1e-4)
    other = model.logits(found.ids, patches=found.patches.flip(0), grid_thw=found.grids)  # type: ignore[union-attr]
    assert torch.equal(other[:6], whole[:6])
    assert difference(other[6:], whole[6:]) > 1e-2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input_ids": []}, "one sequence of at least one token, not (0,)"),
        ({"input_ids": [[1, 2]]}, "one sequence of at least one token, not (1, 2)"),
        ({"input_ids": [1, 2]}, "the prompt has 0 places for 30 tokens"),
        ({"input_ids": [1, *[IMAGE] * 29, 2]}, "the prompt has 29 places for 30 tokens"),
        ({"input_ids": [1, *[VIDEO] * 30, 2]}, "the prompt has 0 places for 30 tokens"),
        ({"patches": None}, "a place for picture 1, but only 0 were given"),
        ({"grid_thw": None}, "[] are 0 patches, but (120, 1176) were given"),
        ({"grid_thw": [(1, 12, 12)]}, "are 144 patches, but (120, 1176) were given"),
        ({"input_ids": [1, 320, 2], "patches": None}, "ids outside of the vocabulary of 320"),
        ({"input_ids": [1, -1, 2], "patches": None}, "ids outside of the vocabulary of 320"),
    ],
)
def test_requests_that_mean_nothing(tiny: Made, change: dict[str, Any], says: str) -> None:
    inputs = PROMPTS["a picture"].inputs() | change
    with pytest.raises(RequestError) as caught:
        tiny("tied").model.logits(**inputs)
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")
