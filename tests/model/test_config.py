"""What a checkpoint says about itself: both layouts, and what a missing key means."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import Qwen2_5_VLConfig, Qwen2VLImageProcessorPil
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig

from docparse.model.config import GenerationConfig, ImageConfig, ModelConfig, TextConfig
from docparse.model.published import PUBLISHED
from tests.model.published_files import GENERATION, PREPROCESSOR, flat, folder_of
from tests.model.tiny import TINY

# ---------------------------------------------------------------------------------------- both layouts


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_folder_is_the_published_shape(name: str, tmp_path: Path) -> None:
    files = {"config": flat(name), "preprocessor_config": PREPROCESSOR, "generation_config": GENERATION}
    assert ModelConfig.from_folder(folder_of(tmp_path, **files)) == PUBLISHED[name]


def as_read_by_transformers(found: Qwen2_5_VLConfig) -> dict[str, Any]:
    """transformers' reading, by our names."""
    text, vision = found.text_config, found.vision_config
    same_text = set(TextConfig.__dataclass_fields__) - {"rope_theta", "mrope_section", "tie_word_embeddings"}
    return {
        "text": {name: getattr(text, name) for name in same_text}
        | {
            "rope_theta": text.rope_parameters["rope_theta"],
            "mrope_section": tuple(text.rope_parameters["mrope_section"]),
            "tie_word_embeddings": found.tie_word_embeddings,
        },
        "vision": {
            "in_channels": vision.in_channels,
            "fullatt_block_indexes": tuple(vision.fullatt_block_indexes),
        }
        | {
            name: getattr(vision, name)
            for name in (
                *("depth", "hidden_size", "num_heads", "intermediate_size", "out_hidden_size", "patch_size"),
                *("temporal_patch_size", "spatial_merge_size", "window_size", "tokens_per_second"),
            )
        },
        "ids": (found.image_token_id, found.video_token_id, found.vision_start_token_id, found.vision_end_token_id),
        "dtype": str(found.dtype).removeprefix("torch."),
    }


def as_read_by_us(found: ModelConfig) -> dict[str, Any]:
    return {
        "text": {name: getattr(found.text, name) for name in found.text.__dataclass_fields__},
        "vision": {name: getattr(found.vision, name) for name in found.vision.__dataclass_fields__},
        "ids": (found.image_token_id, found.video_token_id, found.vision_start_token_id, found.vision_end_token_id),
        "dtype": found.dtype,
    }


@pytest.mark.parametrize("name", [*PUBLISHED, *TINY])
def test_transformers_reads_the_same_out_of_either_layout(name: str) -> None:
    if name in PUBLISHED:
        old = flat(name)
        new = {key: v for key, v in Qwen2_5_VLConfig(**copy.deepcopy(old)).to_dict().items() if v is not None}
    else:
        new = Qwen2_5_VLConfig(**copy.deepcopy(TINY[name])).to_dict()
        text = {k: v for k, v in new["text_config"].items() if k not in ("model_type", "rope_parameters")}
        rope = new["text_config"]["rope_parameters"]
        old = {**text, **{k: v for k, v in new.items() if k != "text_config"}, "rope_theta": rope["rope_theta"]}
        old["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    # As a file has it: no tuples, no types.
    old, new = json.loads(json.dumps(old, default=str)), json.loads(json.dumps(new, default=str))
    for content in (old, new):
        ours = ModelConfig.from_json(content)
        theirs = Qwen2_5_VLConfig(**copy.deepcopy(content))
        assert as_read_by_us(ours) == as_read_by_transformers(theirs)
    assert ModelConfig.from_json(old) == ModelConfig.from_json(new)
    # And what we write is read by both as that.
    again = json.loads(json.dumps(ModelConfig.from_json(new).to_json()))
    assert ModelConfig.from_json(again) == replace(
        ModelConfig.from_json(new), generation=ModelConfig.from_json(again).generation
    )
    assert as_read_by_transformers(Qwen2_5_VLConfig(**again)) == as_read_by_us(ModelConfig.from_json(again))


def test_where_the_tie_is_said_does_not_matter() -> None:
    content = ModelConfig.from_json(flat("3B")).to_json()
    del content["tie_word_embeddings"]
    assert not ModelConfig.from_json(content).text.tie_word_embeddings
    content["text_config"]["tie_word_embeddings"] = True  # as transformers 4 wrote it
    assert ModelConfig.from_json(content).text.tie_word_embeddings


# ---------------------------------------------------------------------------------------- what is left out


@pytest.mark.parametrize(
    "key", ["rms_norm_eps", "rope_theta", "max_position_embeddings", "tie_word_embeddings", "image_token_id"]
)
def test_a_missing_key_of_the_text_means_what_transformers_means(key: str) -> None:
    content = flat("7B")
    del content[key]
    read = as_read_by_transformers(Qwen2_5_VLConfig(**copy.deepcopy(content)))
    assert as_read_by_us(ModelConfig.from_json(content)) == read


@pytest.mark.parametrize(
    "key", ["intermediate_size", "num_heads", "out_hidden_size", "window_size", "fullatt_block_indexes", "hidden_size"]
)
def test_a_missing_key_of_the_tower_means_what_transformers_means(key: str) -> None:
    content = flat("7B")  # its width is the default of out_hidden_size
    del content["vision_config"][key]
    if key == "hidden_size":
        content["vision_config"]["num_heads"] = 32  # 3584 does not divide otherwise
    ours = ModelConfig.from_json(content)
    assert as_read_by_us(ours) == as_read_by_transformers(Qwen2_5_VLConfig(**copy.deepcopy(content)))


def test_the_spellings_of_the_first_releases() -> None:
    content = flat("7B")
    content["vision_config"] |= {"in_chans": 4, "spatial_patch_size": 16}
    assert ModelConfig.from_json(content).vision.patch_size == 14  # the other spelling is there too, and wins
    del content["vision_config"]["patch_size"]
    vision = ModelConfig.from_json(content).vision
    assert (vision.in_channels, vision.patch_size, vision.patch_dim) == (4, 16, 4 * 2 * 256)


def test_defaults_are_those_of_the_classes_of_transformers() -> None:
    vision, text = Qwen2_5_VLVisionConfig(), Qwen2_5_VLTextConfig()
    ours = ModelConfig.from_json(flat("7B"))
    del (minimal := flat("7B"))["rms_norm_eps"]
    for key in ("tokens_per_second", "temporal_patch_size", "spatial_merge_size", "patch_size", "in_chans"):
        del minimal["vision_config"][key]
    minimal["vision_config"].pop("spatial_patch_size")
    found = ModelConfig.from_json(minimal)
    assert found.text.rms_norm_eps == text.rms_norm_eps != ours.text.rms_norm_eps
    assert found.vision.tokens_per_second == vision.tokens_per_second != ours.vision.tokens_per_second
    assert replace(found.vision, tokens_per_second=2) == ours.vision


@pytest.mark.parametrize(
    ("value", "depth", "means"),
    [
        ("missing", 32, (7, 15, 23, 31)),
        ([], 32, (7, 15, 23, 31)),  # facts 2.1: the 32B's; transformers itself would have no full block
        (None, 32, (7, 15, 23, 31)),
        ([], 9, (7,)),
        ("missing", 4, ()),
        ([0, 2], 4, (0, 2)),
    ],
)
def test_blocks_with_full_attention(value: Any, depth: int, means: tuple[int, ...]) -> None:
    content = flat("32B")
    content["vision_config"] |= {"depth": depth, "fullatt_block_indexes": value}
    if value == "missing":
        del content["vision_config"]["fullatt_block_indexes"]
    assert ModelConfig.from_json(content).vision.fullatt_block_indexes == means


# ------------------------------------------------------------------------------ pictures, and how to decode


@pytest.mark.parametrize("how", ["as published", "as transformers 5 saves", "with the processor", "none"])
def test_limits_of_pictures(how: str, tmp_path: Path) -> None:
    files: dict[str, Any] = {"config": flat("3B")}
    expected = ImageConfig(min_pixels=3136, max_pixels=1_003_520)
    if how == "as published":
        files["preprocessor_config"] = PREPROCESSOR
        expected = ImageConfig(min_pixels=3136, max_pixels=12_845_056)
    elif how != "none":
        processor = Qwen2VLImageProcessorPil(min_pixels=1568, max_pixels=784_000)
        expected = ImageConfig(min_pixels=1568, max_pixels=784_000)
        processor.save_pretrained(tmp_path)
        content = json.loads((tmp_path / "preprocessor_config.json").read_text())
        assert content["size"] == {"shortest_edge": 1568, "longest_edge": 784_000}
        if how == "with the processor":
            (tmp_path / "preprocessor_config.json").unlink()
            files["processor_config"] = {"processor_class": "Qwen2_5_VLProcessor", "image_processor": content}
    assert ModelConfig.from_folder(folder_of(tmp_path, **files)).image == expected


def test_without_a_preprocessor_file_limits_are_those_of_transformers() -> None:
    size, ours = Qwen2VLImageProcessorPil().size, ImageConfig()
    assert (ours.min_pixels, ours.max_pixels) == (size["shortest_edge"], size["longest_edge"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            GENERATION,
            GenerationConfig(
                eos_token_ids=(151645, 151643), pad_token_id=151643, repetition_penalty=1.05, temperature=1e-6
            ),
        ),
        ({}, GenerationConfig(eos_token_ids=(151645,))),  # then config.json says where to stop
        (None, GenerationConfig(eos_token_ids=(151645,))),
        ({"eos_token_id": 7}, GenerationConfig(eos_token_ids=(7,))),
        ({"eos_token_id": None}, GenerationConfig()),
        # Greedy, whatever else is written: those are for sampling.
        (
            {"do_sample": False, "temperature": 0.7, "top_k": 20, "top_p": 0.8},
            GenerationConfig(eos_token_ids=(151645,)),
        ),
        (
            {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8},
            GenerationConfig(eos_token_ids=(151645,), temperature=0.7, top_k=20, top_p=0.8),
        ),
        ({"do_sample": True, "temperature": 0}, GenerationConfig(eos_token_ids=(151645,))),
        ({"do_sample": True}, GenerationConfig(eos_token_ids=(151645,), temperature=1.0)),
    ],
)
def test_how_to_decode(content: dict[str, Any] | None, expected: GenerationConfig, tmp_path: Path) -> None:
    files = {"config": flat("3B")} | ({} if content is None else {"generation_config": content})
    assert ModelConfig.from_folder(folder_of(tmp_path, **files)).generation == expected
