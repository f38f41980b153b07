"""What a model needs in memory: the counts against the reference, the estimate against what happens."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from docparse.model.config import ModelConfig, TextConfig, VisionConfig
from docparse.model.language import Prefill
from docparse.model.memory import (
    HEADROOM,
    LEAST_PAGE_TOKENS,
    Need,
    activation_bytes,
    advise,
    gigabytes,
    kv_bytes_per_token,
    need,
    parameter_counts,
    weight_bytes,
)
from docparse.model.published import PUBLISHED
from docparse.model.qwen_vl import QwenVL

# facts: the checkpoints' own tensors (total, tower, number of tensors), and keys and values in bfloat16.
STATED = {
    "3B": (3_754_622_976, 668_684_288, 824, 36_864),
    "7B": (8_292_166_656, 676_550_144, 729, 57_344),
    "32B": (33_452_718_336, 688_841_984, 1161, 262_144),
    "72B": (73_410_777_344, 704_573_696, 1353, 327_680),
}


def reference(config: ModelConfig) -> tuple[dict[str, int], int]:
    """Parameters by part and the number of tensors, of transformers' model without memory."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    content = {key: value for key, value in config.to_json().items() if key != "architectures"}
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**content))
    model.tie_weights()
    parts = {"vision": 0, "language": 0, "lm_head": 0}
    named = dict(model.named_parameters())  # a tied head is not there twice
    for name, parameter in named.items():
        part = "vision" if ".visual." in name else "lm_head" if name.startswith("lm_head") else "language"
        parts[part] += parameter.numel()
    return parts, len(named)


def small(*, tied: bool, dim: int = 32) -> ModelConfig:
    return ModelConfig(
        vision=VisionConfig(
            depth=3,
            hidden_size=2 * dim,
            num_heads=2,
            intermediate_size=4 * dim - 3,
            out_hidden_size=4 * dim,
            fullatt_block_indexes=(1,),
        ),
        text=TextConfig(
            hidden_size=4 * dim,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=12 * dim - 8,
            vocab_size=400,
            mrope_section=(dim // 2 - 2 * (3 * dim // 16), 3 * dim // 16, 3 * dim // 16),
            tie_word_embeddings=tied,
        ),
        image_token_id=390,
        video_token_id=391,
        vision_start_token_id=392,
        vision_end_token_id=393,
    )


# ------------------------------------------------------------------------------------------- the published


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_models_have_as_many_parameters_as_stated(name: str) -> None:
    counts = parameter_counts(PUBLISHED[name])
    assert (counts.total, counts.vision, counts.tensors, kv_bytes_per_token(PUBLISHED[name], 2)) == STATED[name]
    assert weight_bytes(PUBLISHED[name], 2) == 2 * STATED[name][0]
    assert (counts.lm_head == 0) == (name == "3B")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_reference_has_the_same_parameters(name: str) -> None:
    counts = parameter_counts(PUBLISHED[name])
    parts, tensors = reference(PUBLISHED[name])
    assert parts == {"vision": counts.vision, "language": counts.language, "lm_head": counts.lm_head}
    assert tensors == counts.tensors


@pytest.mark.parametrize("tied", [True, False])
def test_any_shape_is_counted(tied: bool) -> None:
    config = small(tied=tied)
    counts = parameter_counts(config)
    assert reference(config) == (
        {"vision": counts.vision, "language": counts.language, "lm_head": counts.lm_head},
        counts.tensors,
    )
    # Ours fuses matrices, so that only the number of values is the same.
    with torch.device("meta"):
        assert sum(p.numel() for p in QwenVL(config).parameters()) == counts.total


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_configurations_are_what_their_files_say(name: str) -> None:
    config = PUBLISHED[name]
    # What is the same in all four, as config.json and its neighbours have it.
    assert (config.text.rms_norm_eps, config.text.rope_theta, config.text.mrope_section) == (1e-6, 1e6, (16, 24, 24))
    assert (config.text.max_position_embeddings, config.text.head_dim) == (128_000, 128)
    vision = config.vision
    assert (vision.depth, vision.hidden_size, vision.head_dim, vision.patch_dim) == (32, 1280, 80, 1176)
    assert (vision.fullatt_block_indexes, vision.window_size, vision.tokens_per_second) == ((7, 15, 23, 31), 112, 2)
    assert (config.image.min_pixels, config.image.max_pixels) == (3136, 12_845_056)
    generation = config.generation
    assert (generation.eos_token_ids, generation.pad_token_id) == ((151645, 151643), 151643)
    assert (generation.repetition_penalty, generation.temperature) == (1.05, 1e-6)
    # And the way through a file and back loses nothing.
    again = ModelConfig.from_json(
        config.to_json(), image=config.image.to_json(), generation=config.generation.to_json()
    )
    assert again == config


# ------------------------------------------------------------------------------------- what is alive at once


class LivePeak(TorchDispatchMode):
    """Follows the storages that operations make, and remembers the most that were alive together."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.live = self.peak = 0
        self.seen = {p.untyped_storage().data_ptr() for p in [*model.parameters(), *model.buffers()]}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if place and place not in self.seen:
            self.seen.add(place)
            self.live += size
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._gone, place, size)

    def _gone(self, place: int, size: int) -> None:
        self.seen.discard(place)
        self.live -= size


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("text", [40, 1000])
def test_the_estimate_is_above_what_a_page_takes_and_not_far(dtype: torch.dtype, text: int) -> None:
    config = small(tied=True, dim=64)
    model = QwenVL(config).to(dtype).eval().requires_grad_(False)
    grid = (1, 24, 28)
    patches = torch.zeros(grid[1] * grid[2], config.vision.patch_dim)
    ids = torch.tensor([392, *[390] * (len(patches) // 4), 393, *[7] * text])
    with torch.no_grad(), LivePeak(model) as alive:
        vectors = model.embed(ids, patches=patches, grid_thw=[grid])
        positions, _ = model.positions(ids, grid_thw=[grid])
        step = Prefill.of([len(ids)], model.device)
        model.head(model.language(vectors, positions, step, model.attention)[-1:])
    estimate = activation_bytes(config, len(patches), len(ids), dtype.itemsize)
    assert alive.peak <= estimate <= 3 * alive.peak


def test_the_needs_add_up() -> None:
    config = PUBLISHED["7B"]
    one = need(config, batch=1, page_tokens=2000, answer_tokens=4000)
    assert one.weights == 16_584_333_312
    assert one.total == one.weights + one.cache + one.activations
    # Caches are for each page, activations are not.
    many = need(config, batch=8, page_tokens=2000, answer_tokens=4000)
    assert many == Need(one.weights, 8 * one.cache, one.activations)
    assert 6000 * 57_344 < one.cache < 6500 * 57_344
    # Wider values double what is stored.
    wide = need(config, dtype_bytes=4, batch=1, page_tokens=2000, answer_tokens=4000)
    assert (wide.weights, wide.cache) == (2 * one.weights, 2 * one.cache)
    assert one.activations < wide.activations < 2 * one.activations


# ------------------------------------------------------------------------------------------------- advice


def free_for(**how: Any) -> int:
    """Free memory in which exactly this fits, and not a megabyte more."""
    config = how.pop("config")
    return int((need(config, **how).total + 1_000_000) / (1 - HEADROOM))


SEVEN = PUBLISHED["7B"]


@pytest.mark.parametrize(
    ("free", "how", "says"),
    [
        (free_for(config=SEVEN, batch=8), {}, "8 pages at once fit: "),
        (free_for(config=SEVEN, batch=7), {}, "; 7 pages at once fit ("),
        (free_for(config=SEVEN, batch=1), {}, "; pages one at a time fit ("),
        (free_for(config=SEVEN, batch=1, page_tokens=1200), {}, "; one page of at most 940,800 pixels fits ("),
        (free_for(config=SEVEN, batch=1, page_tokens=LEAST_PAGE_TOKENS - 20), {}, "; the 3B in bfloat16 fits ("),
        (free_for(config=SEVEN, batch=1), {"dtype_bytes": 4}, "; one page with weights in bfloat16 fits ("),
        (free_for(config=PUBLISHED["32B"], batch=1), {"config": PUBLISHED["72B"]}, "; the 32B in bfloat16 fits ("),
        (5_000_000_000, {}, "; no published Qwen2.5-VL fits."),
        (0, {"config": PUBLISHED["3B"]}, "; no published Qwen2.5-VL fits."),
    ],
)
def test_the_advice_is_the_first_thing_that_fits(free: int, how: dict[str, Any], says: str) -> None:
    sentence = advise(**{"config": SEVEN, "free_bytes": free, **how})
    assert says in sentence
    assert gigabytes(free) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_advice_says_what_was_asked_for() -> None:
    sentence = advise(SEVEN, 24_000_000_000, batch=32, page_tokens=4000, answer_tokens=1000)
    wanted = need(SEVEN, batch=32, page_tokens=4000, answer_tokens=1000).total
    assert sentence.startswith(f"32 pages at once do not fit: {gigabytes(wanted)} of 21.6 GB (24.0 GB free,")
    # What it proposes does fit, and one page more would not.
    room = 24_000_000_000 * (1 - HEADROOM)
    pages = int(sentence.partition("; ")[2].split()[0])
    assert need(SEVEN, batch=pages, page_tokens=4000, answer_tokens=1000).total <= room
    assert need(SEVEN, batch=pages + 1, page_tokens=4000, answer_tokens=1000).total > room


def test_a_small_tower_and_a_wide_model_are_estimated_too() -> None:
    """The estimate follows what is larger: the tower where there are many patches, the language model else."""
    config = small(tied=True)
    config = replace(config, text=replace(config.text, intermediate_size=3000))
    tower_only = activation_bytes(config, 8000, 1, 2)
    text_only = activation_bytes(config, 0, 8000, 2)
    both = activation_bytes(config, 8000, 8000, 2)
    assert max(tower_only, text_only) <= both <= tower_only + text_only
    narrow = replace(config, text=replace(config.text, intermediate_size=80))
    assert activation_bytes(narrow, 0, 8000, 2) < text_only
