"""Rotary positions: tables and turns equal transformers' to the bit in float32, and mean what the paper says."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as reference
from transformers.vision_utils import get_vision_position_ids

from docparse.model.rope import inverse_frequencies, mrope_rotation, rotate, vision_rotation
from docparse.model.windows import patch_positions
from tests.model.tiny import TINY

SECTIONS = {16: (2, 3, 3), 12: (1, 3, 2), 128: (16, 24, 24)}
"""Of heads of that width; the last are the published ones."""


def random_positions(count: int, most: int, seed: int = 0) -> Tensor:
    return torch.randint(0, most, (3, count), generator=torch.Generator().manual_seed(seed))


def head(width: int, count: int = 50, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, 3, width, generator=torch.Generator().manual_seed(width)).to(dtype)


def reference_config(head_dim: int, theta: float = 1e6) -> Qwen2_5_VLConfig:
    content: dict[str, Any] = copy.deepcopy(TINY["tied"])
    content["vision_config"] |= {"hidden_size": 2 * head_dim, "num_heads": 2}
    content["text_config"] |= {"hidden_size": 2 * head_dim, "num_attention_heads": 2}
    section = SECTIONS.get(head_dim, (2, 3, 3))
    content["text_config"]["rope_parameters"] |= {"rope_theta": theta, "mrope_section": list(section)}
    return Qwen2_5_VLConfig(**content)


# ------------------------------------------------------------------------------------ equal to the reference


@pytest.mark.parametrize("head_dim", [8, 16, 20, 80])
@pytest.mark.parametrize("grid", [(1, 2, 2), (1, 10, 14), (1, 110, 72), (3, 4, 8)])
def test_the_table_of_the_tower(head_dim: int, grid: tuple[int, int, int]) -> None:
    table = reference.Qwen2_5_VLVisionRotaryEmbedding(reference_config(head_dim).vision_config)
    places = get_vision_position_ids(torch.tensor([grid]), 2)
    cos, sin = vision_rotation(patch_positions(grid, 2), head_dim)
    expected_cos, expected_sin = table(torch.empty(0), places)
    # The same operations on the same numbers in the same order: not a bit of difference.
    assert torch.equal(cos, expected_cos)
    assert torch.equal(sin, expected_sin)


@pytest.mark.parametrize("head_dim", SECTIONS)
@pytest.mark.parametrize("theta", [1e6, 5e4])
@pytest.mark.parametrize("most", [60, 128_000])
def test_the_table_of_the_language_model(head_dim: int, theta: float, most: int) -> None:
    table = reference.Qwen2_5_VLRotaryEmbedding(reference_config(head_dim, theta).text_config)
    positions = random_positions(70, most)
    cos, sin = mrope_rotation(positions, head_dim, theta, SECTIONS[head_dim])
    expected_cos, expected_sin = table(torch.empty(0), positions[:, None])
    assert torch.equal(cos, expected_cos[0])
    assert torch.equal(sin, expected_sin[0])


@pytest.mark.parametrize("width", [16, 80, 128])
def test_the_turn_in_float32(width: int) -> None:
    x = head(width)
    rotation = mrope_rotation(random_positions(50, 300), width, 1e6, SECTIONS.get(width, (10, 15, 15)))
    turned = rotate(x, rotation)
    assert torch.equal(turned, reference.apply_rotary_pos_emb_vision(x, x, *rotation)[0])
    cos, sin = (each[None] for each in rotation)
    expected, _ = reference.apply_rotary_pos_emb(x[None].transpose(1, 2), x[None].transpose(1, 2), cos, sin)
    assert torch.equal(turned, expected.transpose(1, 2)[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_turn_in_16_bits(dtype: torch.dtype) -> None:
    x = head(128, dtype=dtype)
    rotation = mrope_rotation(random_positions(50, 300), 128, 1e6, SECTIONS[128])
    turned = rotate(x, rotation)
    assert turned.dtype == dtype
    # The tower's: computed in float32 and cast once, in both.
    assert torch.equal(turned, reference.apply_rotary_pos_emb_vision(x, x, *rotation)[0])
    # The language model's: transformers rounds the table before it multiplies. Ours does not, and is nearer
    # to the exact result; one rounding of the result is all that is left.
    exact = rotate(x.double(), rotation)
    cos, sin = (each[None].to(dtype) for each in rotation)
    theirs, _ = reference.apply_rotary_pos_emb(x[None].transpose(1, 2), x[None].transpose(1, 2), cos, sin)
    error = (turned.double() - exact).abs()
    # Half a unit in the last place; the second part is float32's own rounding before the cast.
    assert (error <= exact.abs() * torch.finfo(dtype).eps / 2 + 1e-6).all()
    assert error.mean() < (theirs.transpose(1, 2)[0].double() - exact).abs().mean()


# -------------------------------------------------------------------------------------------- what it means


def by_complex_numbers(x: Tensor, angles: Any) -> Any:
    """Dimension d and d + D/2 as one complex number, turned by an angle: float64."""
    first, second = x.double().numpy().reshape(*x.shape[:-1], 2, -1).transpose(2, 0, 1, 3)
    turned = (first + 1j * second) * np.exp(1j * angles[:, None, :])
    return np.concatenate((turned.real, turned.imag), axis=-1)


def test_the_tower_turns_half_with_the_row_and_half_with_the_column() -> None:
    grid = (1, 8, 6)
    x = head(80, 48)
    angles = np.empty((48, 40))
    for place, (row, column) in enumerate(patch_positions(grid, 2).tolist()):
        for i in range(20):
            frequency = 10000.0 ** (-2 * i / 40)
            angles[place, i], angles[place, 20 + i] = row * frequency, column * frequency
    found = rotate(x, vision_rotation(patch_positions(grid, 2), 80))
    # float32: frequencies, angles up to 8, and products, each rounded to 6e-8 of its size.
    np.testing.assert_allclose(found.numpy(), by_complex_numbers(x, angles), rtol=0, atol=5e-6)


def test_the_language_model_turns_by_time_row_and_column_in_sections() -> None:
    x, positions = head(128, 40), random_positions(40, 90)
    angles = np.empty((40, 64))
    for place in range(40):
        for j in range(64):
            axis = 0 if j < 16 else 1 if j < 40 else 2
            angles[place, j] = positions[axis, place] * 1e6 ** (-2 * j / 128)
    found = rotate(x, mrope_rotation(positions, 128, 1e6, (16, 24, 24)))
    # Angles up to 90 in float32 are off by up to 90 x 6e-8, and so is what they turn.
    np.testing.assert_allclose(found.numpy(), by_complex_numbers(x, angles), rtol=0, atol=5e-5)


@pytest.mark.parametrize(("axis", "turning"), [(0, range(16)), (1, range(16, 40)), (2, range(40, 64))])
def test_an_axis_turns_its_own_dimensions_only(axis: int, turning: range) -> None:
    still = torch.full((3, 1), 7)
    moved = still.clone()
    moved[axis] += 1
    before, after = (mrope_rotation(p, 128, 1e6, (16, 24, 24)) for p in (still, moved))
    changed = {d for d in range(128) if before[0][0, d] != after[0][0, d] or before[1][0, d] != after[1][0, d]}
    # The last pairs turn so slowly that one step is below a bit of float32's cosine, but not of its sine.
    assert changed == {*turning, *(d + 64 for d in turning)}


def test_text_turns_as_in_an_ordinary_decoder() -> None:
    positions = torch.arange(30)
    cos, _ = mrope_rotation(positions.expand(3, -1), 128, 1e6, (16, 24, 24))
    assert torch.equal(cos[:, :64], (positions[:, None].float() * inverse_frequencies(128, 1e6)).cos())
    assert torch.equal(cos[:, :64], cos[:, 64:])


def test_only_distances_count() -> None:
    """What attention sees, the product of a query and a key, is the same wherever both stand."""
    q, k = head(80, 1), head(80, 2)[1:]
    scores = []
    for row, column in ((0, 0), (3, 90), (57, 12)):
        here = vision_rotation(torch.tensor([[row, column]]), 80)
        there = vision_rotation(torch.tensor([[row + 4, column + 11]]), 80)
        scores.append((rotate(q.double(), here) * rotate(k.double(), there)).sum(-1))
    # Angles of up to 101 in float32.
    torch.testing.assert_close(scores[1], scores[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(scores[2], scores[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("default", [torch.float32, torch.bfloat16, torch.float64])
def test_tables_are_float32_whatever_the_default_type(default: torch.dtype) -> None:
    """In bfloat16 an angle at position 200 is off by 0.2, which moves boxes (facts, section 9)."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        tables = (
            *vision_rotation(torch.tensor([[200, 110]]), 80),
            *mrope_rotation(torch.full((3, 1), 200), 16, 1e6, (2, 3, 3)),
        )
    finally:
        torch.set_default_dtype(before)
    assert {table.dtype for table in tables} == {torch.float32}
    assert torch.equal(tables[0], vision_rotation(torch.tensor([[200, 110]]), 80)[0])
