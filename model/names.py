"""The names of a checkpoint's tensors, and where each goes in our model.

Published files come in two styles, ``visual.* model.layers.*`` and, saved again by transformers 4.52 and
later, ``model.visual.* model.language_model.*``. Ours differ in that what is multiplied with the same
input is one matrix: queries, keys and values, and the gate and up projections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from docparse.model.config import ModelConfig

_NEW_STYLE = re.compile(r"^model\.(?:(visual\.)|language_model\.)")
_IDLE = re.compile(r"(?:^|\.)rotary\w*\.inv_freq$")
"""Tables that some files carry and that follow from the configuration."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A published tensor: rows ``start`` to ``start + shape[0]`` of our parameter ``name``."""

    published: str
    name: str
    start: int
    shape: tuple[int, ...]


def first_style(published: str) -> str:
    """A published name of either style in the first of them."""
    return _NEW_STYLE.sub(lambda match: match[1] or "model.", published)


def is_idle(published: str, config: ModelConfig) -> bool:
    """Whether a file may have this tensor without there being a place for it."""
    if first_style(published) == "lm_head.weight":
        return config.text.tie_word_embeddings  # the embedding once more
    return _IDLE.search(published) is not None


def pieces(shapes: Mapping[str, Iterable[int]], config: ModelConfig) -> Iterator[Piece]:
    """Every published tensor of the model whose parameters have these names and shapes."""
    text = config.text
    query, grouped = text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim
    for name, dims in shapes.items():
        shape = tuple(dims)
        published = name.replace("visual.patch_embed.", "visual.patch_embed.proj.")
        published = re.sub(r"^language\.", "model.", published)
        parts: tuple[tuple[str, int], ...] = ((published, shape[0]),)
        if ".qkv_proj." in name:
            names = [published.replace("qkv_proj", f"{kind}_proj") for kind in "qkv"]
            parts = tuple(zip(names, (query, grouped, grouped), strict=True))
        elif ".gate_up_proj." in name:
            names = [published.replace("gate_up_proj", f"{kind}_proj") for kind in ("gate", "up")]
            parts = tuple((each, shape[0] // 2) for each in names)
        start = 0
        for each, rows in parts:
            yield Piece(each, name, start, (rows, *shape[1:]))
            start += rows
