"""Models of the published shapes with random weights, and transformers' model on the very same tensors.

A 7B in bfloat16 is 16 GB: neither a file nor a second copy is made of it. What is ours fused, queries with
keys and values, gate with up, is there views of our rows.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from docparse.model.attention import choose_attention
from docparse.model.checkpoint import build
from docparse.model.config import ModelConfig
from docparse.model.devices import place
from docparse.model.image import preprocess_image
from docparse.model.names import first_style, pieces
from docparse.model.positions import Grid
from docparse.model.qwen_vl import QwenVL
from docparse.model.windows import window_order


def random_model(config: ModelConfig, device: torch.device, dtype: torch.dtype, *, seed: int = 0) -> QwenVL:
    """Matrices that neither lose nor blow up what passes, vectors about their usual values."""
    model = build(config)
    place(model, device, dtype)
    generator = torch.Generator(device).manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            spread = 1.0 if "embed_tokens" in name else parameter[0].numel() ** -0.5
            nn.init.normal_(parameter, std=spread, generator=generator)
        else:
            nn.init.normal_(parameter, mean=float("norm" in name or "ln_q" in name), std=0.1, generator=generator)
    model.attention = choose_attention(device, dtype)
    return model.eval().requires_grad_(False)


def converted(model: QwenVL, dtype: torch.dtype) -> QwenVL:
    """The same weights in another type, with plain attention: what the others are measured by."""
    copy = build(model.config)
    place(copy, model.device, dtype)
    with torch.no_grad():
        for ours, theirs in zip(copy.parameters(), model.parameters(), strict=True):
            ours.copy_(theirs)
    copy.attention = choose_attention(model.device, dtype, "sdpa")
    return copy.eval().requires_grad_(False)


def reference_of(model: QwenVL) -> Qwen2_5_VLForConditionalGeneration:
    """transformers' model whose parameters are ours."""
    config = Qwen2_5_VLConfig(**model.config.to_json())
    with torch.device("meta"):
        reference = Qwen2_5_VLForConditionalGeneration(config)
    ours = dict(model.named_parameters())
    shapes = {name: tuple(parameter.shape) for name, parameter in ours.items()}
    where = {piece.published: piece for piece in pieces(shapes, model.config)}
    for name, _ in list(reference.named_parameters()):
        piece = where.pop(first_style(name))
        rows = ours[piece.name].detach()[piece.start : piece.start + piece.shape[0]]
        _assign(reference, name, nn.Parameter(rows, requires_grad=False))
    assert not where, f"transformers has no place for {list(where)}"
    if model.lm_head is None:
        reference.lm_head.weight = reference.get_input_embeddings().weight
    for name, buffer in list(reference.named_buffers()):
        # The only ones there are: rotary frequencies, which no file has.
        assert name.endswith("inv_freq"), name
        theta = 10_000.0 if ".visual." in name else model.config.text.rope_theta
        steps = torch.arange(len(buffer), dtype=torch.float32, device=model.device)
        _assign(reference, name, 1.0 / theta ** (steps / len(buffer)))
    assert not any(parameter.is_meta for parameter in reference.parameters())
    return reference.eval()


def _assign(module: nn.Module, name: str, value: Tensor) -> None:
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    if isinstance(value, nn.Parameter):
        owner.register_parameter(last, value)
    else:
        owner.register_buffer(last, value, persistent=False)


# ------------------------------------------------------------------------- what passes through


@dataclass(frozen=True)
class Page:
    """A prompt with one page in it."""

    ids: Tensor
    patches: Tensor
    grid: Grid


def page(config: ModelConfig, width: int, height: int, *, text: int = 24, seed: int = 0) -> Page:
    """A white page of ``width`` x ``height`` pixels with dark strokes on it, between random words."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for top in range(20, height - 20, 18):
        left = 20
        while left < width - 40:
            length = int(random.integers(3, 40))
            draw.rectangle((left, top, left + length, top + int(random.integers(5, 11))), fill=(20, 20, 30))
            left += length + int(random.integers(3, 12))
    patches, grid = preprocess_image(picture, config=config.image)
    words = random.integers(0, 1000, text).tolist()
    places = [config.image_token_id] * (grid[1] * grid[2] // config.vision.merge_unit)
    ids = [*words, config.vision_start_token_id, *places, config.vision_end_token_id, *words]
    return Page(torch.tensor(ids), patches, grid)


@dataclass(frozen=True)
class Passed:
    """What came out of each block of the tower, of the tower, of each layer, and the logits; in raster order."""

    blocks: list[Tensor]
    features: Tensor
    layers: list[Tensor]
    logits: Tensor


def pass_ours(model: QwenVL, shown: Page) -> Passed:
    patches = shown.patches.to(model.device)
    listened = [*model.visual.blocks, model.visual.merger, *model.language.layers]
    with _Listening(listened) as heard, torch.inference_mode():
        logits = model.logits(shown.ids, patches=patches, grid_thw=[shown.grid])
    return _passed(heard, model.config, logits, model.visual.plan(patches, [shown.grid]).inverse)


def pass_reference(reference: Qwen2_5_VLForConditionalGeneration, model: QwenVL, shown: Page) -> Passed:
    """It is given our positions: how it numbers tokens has changed between versions, and is tested elsewhere."""
    device, inner = model.device, reference.model
    positions, _ = model.positions(shown.ids, grid_thw=[shown.grid])
    order, _ = window_order(shown.grid, model.config.vision)
    listened = [*inner.visual.blocks, inner.visual.merger, *inner.language_model.layers]
    with _Listening(listened) as heard, torch.inference_mode():
        logits = reference(
            input_ids=shown.ids[None].to(device),
            pixel_values=shown.patches.to(device),
            image_grid_thw=torch.tensor([shown.grid], device=device),
            position_ids=positions[:, None].to(device),
        ).logits[0]
    return _passed(heard, model.config, logits, order.argsort().to(device))


def _passed(heard: list[Tensor], config: ModelConfig, logits: Tensor, raster: Tensor) -> Passed:
    """Both towers have their patches in an order of windows, up to the merger's output; not in the same one."""
    depth, unit = config.vision.depth, config.vision.merge_unit
    blocks = [x.view(len(raster), unit, -1)[raster].flatten(0, 1) for x in heard[:depth]]
    return Passed(blocks, heard[depth][raster], heard[depth + 1 :], logits.float())


class _Listening:
    """Collects what modules return, in the order in which they do."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self._modules = modules

    def __enter__(self) -> list[Tensor]:
        heard: list[Tensor] = []

        def hear(_: nn.Module, __: Any, output: Any) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            heard.append(tensor.detach().squeeze(0))

        self._hooks = [module.register_forward_hook(hear) for module in self._modules]
        return heard

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()


def apart(found: Tensor, expected: Tensor) -> float:
    """The length of the difference by the length of what is expected."""
    expected = expected.float()
    return float((found.float() - expected).norm() / expected.norm())


def free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
