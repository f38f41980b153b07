"""The four published shapes, without memory: names, shapes and counts are those of the published checkpoints.

A key of a checkpoint goes to rows of one of our parameters; every row is filled once, by one key.
"""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any

import pytest
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from docparse.model.checkpoint import build
from docparse.model.config import ModelConfig
from docparse.model.memory import parameter_counts
from docparse.model.names import Piece, first_style, is_idle, pieces
from docparse.model.published import PUBLISHED
from tests.model.tiny import TINY

# facts 2.6: all parameters, those of the tower, the tensors of the checkpoint; of the tower always 390.
STATED = {
    "3B": (3_754_622_976, 668_684_288, 824),
    "7B": (8_292_166_656, 676_550_144, 729),
    "32B": (33_452_718_336, 688_841_984, 1161),
    "72B": (73_410_777_344, 704_573_696, 1353),
}
SHAPES = {**PUBLISHED, **{name: ModelConfig.from_json({"model_type": "qwen2_5_vl", **c}) for name, c in TINY.items()}}


def parameters_of(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in build(config).named_parameters()}


def pieces_of(config: ModelConfig) -> list[Piece]:
    return list(pieces(parameters_of(config), config))


@cache
def reference_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of transformers' own parameters, in its own style."""
    content: dict[str, Any] = copy.deepcopy(TINY[name]) if name in TINY else PUBLISHED[name].to_json()
    content.pop("architectures", None)
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**content))
    found = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    if SHAPES[name].text.tie_word_embeddings:
        del found["lm_head.weight"]  # the embedding again, and not in the file
    return found


def second_style(published: str) -> str:
    """By the two rules with which transformers itself reads the first style (facts 2.6)."""
    renamed = re.sub(r"^visual", "model.visual", published)
    return re.sub(r"^model(?!\.(language_model|visual))", "model.language_model", renamed)


# -------------------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("name", PUBLISHED)
def test_as_many_parameters_and_tensors_as_stated(name: str) -> None:
    config = PUBLISHED[name]
    model = build(config)
    assert all(parameter.is_meta for parameter in model.parameters())
    total = sum(parameter.numel() for parameter in model.parameters())
    tower = sum(parameter.numel() for parameter in model.visual.parameters())
    found = pieces_of(config)
    assert (total, tower, len(found)) == STATED[name]
    assert sum(piece.published.startswith("visual.") for piece in found) == 390
    counts = parameter_counts(config)
    assert (counts.total, counts.vision, counts.tensors) == STATED[name]


# ------------------------------------------------------------------------------------------------- the bijection


@pytest.mark.parametrize("name", SHAPES)
def test_every_row_is_filled_once(name: str) -> None:
    config = SHAPES[name]
    shapes = parameters_of(config)
    rows: dict[str, list[tuple[int, int]]] = {name: [] for name in shapes}
    for piece in pieces(shapes, config):
        assert piece.shape[1:] == shapes[piece.name][1:]
        rows[piece.name].append((piece.start, piece.start + piece.shape[0]))
    for parameter, spans in rows.items():
        # One after the other, without a gap or an overlap, from the first row to the last.
        at = 0
        for start, end in sorted(spans):
            assert start == at < end
            at = end
        assert at == shapes[parameter][0]
    published = [piece.published for piece in pieces(shapes, config)]
    assert len(set(published)) == len(published)


@pytest.mark.parametrize("name", SHAPES)
def test_the_keys_are_those_of_transformers_in_both_styles(name: str) -> None:
    ours = {piece.published: piece.shape for piece in pieces_of(SHAPES[name])}
    theirs = reference_shapes(name)
    assert {second_style(key): shape for key, shape in ours.items()} == theirs
    assert {first_style(key): shape for key, shape in theirs.items()} == ours
    # A name of the first style stays what it is.
    assert [first_style(key) for key in ours] == list(ours)


def test_names_as_they_are_published() -> None:
    keys = {piece.published: (piece.name, piece.start, piece.shape) for piece in pieces_of(PUBLISHED["7B"])}
    for key, place in {
        "visual.patch_embed.proj.weight": ("visual.patch_embed.weight", 0, (1280, 3, 2, 14, 14)),
        "visual.blocks.31.attn.qkv.weight": ("visual.blocks.31.attn.qkv.weight", 0, (3840, 1280)),
        "visual.blocks.0.mlp.gate_proj.bias": ("visual.blocks.0.mlp.gate_up_proj.bias", 0, (3420,)),
        "visual.blocks.0.mlp.up_proj.weight": ("visual.blocks.0.mlp.gate_up_proj.weight", 3420, (3420, 1280)),
        "visual.merger.mlp.2.bias": ("visual.merger.mlp.2.bias", 0, (3584,)),
        "model.embed_tokens.weight": ("language.embed_tokens.weight", 0, (152064, 3584)),
        "model.layers.3.self_attn.q_proj.bias": ("language.layers.3.self_attn.qkv_proj.bias", 0, (3584,)),
        "model.layers.3.self_attn.k_proj.weight": ("language.layers.3.self_attn.qkv_proj.weight", 3584, (512, 3584)),
        "model.layers.3.self_attn.v_proj.weight": ("language.layers.3.self_attn.qkv_proj.weight", 4096, (512, 3584)),
        "model.layers.27.mlp.down_proj.weight": ("language.layers.27.mlp.down_proj.weight", 0, (3584, 18944)),
        "model.norm.weight": ("language.norm.weight", 0, (3584,)),
        "lm_head.weight": ("lm_head.weight", 0, (152064, 3584)),
    }.items():
        assert keys[key] == place


@pytest.mark.parametrize(
    ("key", "tied", "untied"),
    [
        ("lm_head.weight", True, False),
        ("visual.rotary_pos_emb.inv_freq", True, True),
        ("model.visual.rotary_pos_emb.inv_freq", True, True),
        ("model.layers.7.self_attn.rotary_emb.inv_freq", True, True),
        ("model.rotary_emb.inv_freq", True, True),
        ("model.language_model.rotary_emb.inv_freq", True, True),
        ("lm_head.bias", False, False),
        ("model.layers.7.inv_freq", False, False),
        ("visual.norm.weight", False, False),
    ],
)
def test_what_a_file_may_have_without_a_place(key: str, tied: bool, untied: bool) -> None:
    assert (is_idle(key, PUBLISHED["3B"]), is_idle(key, PUBLISHED["7B"])) == (tied, untied)
