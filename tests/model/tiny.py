"""Tiny models with random weights, written by transformers in the published format, and prompts for them.

Everything about them is as in the published checkpoints but their size. Weights are drawn so that nothing
hides: norms and biases are not one and nought, scores are sharp. What a mistake would change is then seen.

Their vocabulary is that of ``small_vocabulary`` (300 ids, and 20 rows that no token has).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.utils import logging

from docparse.model.checkpoint import load
from docparse.model.config import ModelConfig
from docparse.model.positions import Grid
from docparse.model.qwen_vl import QwenVL

logging.disable_progress_bar()

VOCAB = 320
ENDOFTEXT, IM_END, VISION_START, VISION_END, IMAGE, VIDEO = 278, 280, 287, 288, 290, 291


def _config(
    vision: dict[str, Any],
    text: tuple[int, int, int, int, int],
    section: list[int],
    *,
    tied: bool = False,
    eps: float = 1e-6,
    theta: float = 1e6,
) -> dict[str, Any]:
    """``text``: width, width of the MLP, layers, heads, key-value heads."""
    sizes = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    return {
        "vision_config": {"out_hidden_size": text[0], "tokens_per_second": 2, **vision},
        "text_config": {
            **dict(zip(sizes, text, strict=True)),
            "vocab_size": VOCAB,
            "rope_parameters": {"rope_type": "default", "rope_theta": theta, "mrope_section": section},
            "rms_norm_eps": eps,
            "bos_token_id": None,
            "eos_token_id": IM_END,
        },
        "tie_word_embeddings": tied,
        "image_token_id": IMAGE,
        "video_token_id": VIDEO,
        "vision_start_token_id": VISION_START,
        "vision_end_token_id": VISION_END,
        "dtype": "float32",
    }


def _tower(depth: int, width: int, heads: int, inner: int, full: list[int], **more: int) -> dict[str, Any]:
    sizes = {"depth": depth, "hidden_size": width, "num_heads": heads, "intermediate_size": inner}
    return {**sizes, "fullatt_block_indexes": full, **more}


TINY: dict[str, dict[str, Any]] = {
    # Like the 3B: the head is the embedding.
    "tied": _config(_tower(3, 32, 2, 45, [1]), (64, 96, 2, 4, 2), [2, 3, 3], tied=True),
    # Like the 7B: a head of its own, more query heads to a key-value head, full attention at the end.
    "untied": _config(_tower(4, 48, 3, 61, [1, 3]), (96, 140, 3, 6, 2), [4, 2, 2]),
    # Heads of the published widths, 80 and 128, and their sections.
    "heads": _config(_tower(2, 160, 2, 171, [0]), (256, 300, 2, 2, 1), [16, 24, 24]),
    # What no published one has: windows of 2 x 2 cells, heads that are not grouped, other constants.
    "odd": _config(
        _tower(2, 24, 3, 33, [1], window_size=56, tokens_per_second=4),
        (60, 77, 2, 5, 5),
        [1, 3, 2],
        eps=1e-5,
        theta=5e4,
    ),
    # Deep enough for a block of the default list (7, 15, 23, 31), which is what a missing one means.
    "default blocks": _config(_tower(9, 16, 1, 20, [7]), (32, 40, 1, 2, 1), [2, 3, 3], tied=True),
    # Windows in all blocks.
    "windows only": _config(_tower(2, 32, 2, 40, []), (32, 40, 1, 2, 2), [2, 3, 3], tied=True),
}
"""By what is special about each, as ``Qwen2_5_VLConfig`` takes it."""


def make(name: str) -> Qwen2_5_VLForConditionalGeneration:
    """transformers' model of these sizes in float32, the same at each call."""
    assert torch.Tensor.float is not torch.Tensor.double, "make it before double_precision: its tables are float32"
    model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**copy.deepcopy(TINY[name]))).eval()
    model.generation_config.eos_token_id = [IM_END, ENDOFTEXT]
    model.generation_config.pad_token_id = ENDOFTEXT
    draw(model)
    return model


def draw(model: torch.nn.Module, seed: int = 0) -> None:
    """Random parameters: vectors about their usual value, matrices that neither lose nor blow up what passes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim > 1:
                parameter.copy_(noise if "embed_tokens" in name else noise * 1.5 / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.2 * noise + ("norm" in name or "ln_q" in name))


def write(
    model: Qwen2_5_VLForConditionalGeneration, folder: Path, *, new_style: bool = False, shard_size: str = "1GB"
) -> Path:
    """As transformers saves it. ``new_style``: its own names, ``model.visual.* model.language_model.*``."""
    model.save_pretrained(folder, save_original_format=not new_style, max_shard_size=shard_size)
    return folder


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object in a JSON file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@dataclass(frozen=True)
class Tiny:
    """One of them: its folder (do not write there), transformers' model, and ours, loaded from the folder."""

    folder: Path
    reference: Qwen2_5_VLForConditionalGeneration
    model: QwenVL

    @classmethod
    def written(cls, name: str, folder: Path) -> Tiny:
        reference = make(name)
        write(reference, folder)
        return cls(folder, reference, load(folder))

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @cached_property
    def reference64(self) -> Qwen2_5_VLForConditionalGeneration:
        return copy.deepcopy(self.reference).double()

    @cached_property
    def model64(self) -> QwenVL:
        return copy.deepcopy(self.model).double()


class Picture(NamedTuple):
    """Rows and columns of patches."""

    rows: int
    columns: int


class Video(NamedTuple):
    """Frame groups, rows and columns of patches, and seconds from one group to the next."""

    frames: int
    rows: int
    columns: int
    seconds: float = 1.0


@dataclass(frozen=True, eq=False)
class Prompt:
    """One sequence with what is in its places."""

    ids: Tensor
    patches: Tensor | None
    grids: tuple[Grid, ...]
    video_patches: Tensor | None
    video_grids: tuple[Grid, ...]
    seconds: tuple[float, ...]

    def inputs(self) -> dict[str, Any]:
        """For ``QwenVL.logits`` (with ``input_ids``) and for ``Request``."""
        found: dict[str, Any] = {"input_ids": self.ids}
        if self.patches is not None:
            found |= {"patches": self.patches, "grid_thw": self.grids}
        if self.video_patches is not None:
            found |= {"video_patches": self.video_patches, "video_grid_thw": self.video_grids}
            found |= {"second_per_grid_ts": self.seconds}
        return found

    def reference_inputs(self) -> dict[str, Any]:
        """For transformers' ``forward`` and ``generate``, a batch of one."""
        types = torch.where(self.ids == IMAGE, 1, torch.where(self.ids == VIDEO, 2, 0))
        found: dict[str, Any] = {"input_ids": self.ids[None], "mm_token_type_ids": types[None]}
        if self.patches is not None:
            found |= {"pixel_values": self.patches, "image_grid_thw": torch.tensor(self.grids)}
        if self.video_patches is not None:
            found |= {"pixel_values_videos": self.video_patches, "video_grid_thw": torch.tensor(self.video_grids)}
            found |= {"second_per_grid_ts": torch.tensor(self.seconds)}
        return found


def prompt(*parts: int | Picture | Video, seed: int = 0) -> Prompt:
    """A prompt of so many tokens of text, pictures and videos, in that order, all random."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = []
    pictures: list[Tensor] = []
    videos: list[Tensor] = []
    for part in parts:
        if isinstance(part, int):
            ids += torch.randint(0, ENDOFTEXT, (part,), generator=generator).tolist()
        elif isinstance(part, Picture):
            ids += [VISION_START, *[IMAGE] * (part.rows * part.columns // 4), VISION_END]
            pictures.append(still_patches(part.rows * part.columns, generator))
        else:
            count = part.frames * part.rows * part.columns
            ids += [VISION_START, *[VIDEO] * (count // 4), VISION_END]
            videos.append(torch.randn(count, 1176, generator=generator))
    return Prompt(
        ids=torch.tensor(ids),
        patches=torch.cat(pictures) if pictures else None,
        grids=tuple((1, p.rows, p.columns) for p in parts if isinstance(p, Picture)),
        video_patches=torch.cat(videos) if videos else None,
        video_grids=tuple((p.frames, p.rows, p.columns) for p in parts if isinstance(p, Video)),
        seconds=tuple(p.seconds for p in parts if isinstance(p, Video)),
    )


def still_patches(count: int, generator: torch.Generator) -> Tensor:
    """Patches [count, 1176] of still pictures: both frames of each are the same."""
    frame = torch.randn(count, 3, 1, 14, 14, generator=generator)
    return frame.expand(-1, -1, 2, -1, -1).flatten(1)
