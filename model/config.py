"""What a checkpoint says about itself: the shapes of the model, its pictures, and how to decode.

A checkpoint is a folder in the published format. ``config.json`` comes in two layouts, the flat one of
the first releases (the language model's keys at the top) and the nested one of newer transformers
(``text_config``, ``vision_config``); both are read. A key that is missing has the value that
transformers' class for it has: that is what the writer of the file meant by leaving it out.

Published shapes: 3B, 7B, 32B, 72B (``Qwen/Qwen2.5-VL-*-Instruct``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docparse.model.errors import CheckpointError, UnsupportedModel
from docparse.model.fields import numbers, real, section_of, whole

MODEL_TYPE = "qwen2_5_vl"
FAMILIES = {
    "qwen2_vl": "Qwen2-VL",
    "qwen3_vl": "Qwen3-VL",
    "qwen3_vl_moe": "Qwen3-VL (mixture of experts)",
    "qwen2_5_omni": "Qwen2.5-Omni",
    "qwen2": "Qwen2.5 (text only)",
    "qwen3": "Qwen3 (text only)",
}
"""Neighbours that people try, by their ``model_type``."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig:
    """The vision tower. Windows and patches in pixels; ``fullatt_block_indexes``: blocks without windows."""

    depth: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    out_hidden_size: int
    fullatt_block_indexes: tuple[int, ...] = (7, 15, 23, 31)
    in_channels: int = 3
    patch_size: int = 14
    temporal_patch_size: int = 2
    spatial_merge_size: int = 2
    window_size: int = 112
    tokens_per_second: int = 4

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def merge_unit(self) -> int:
        """Patches that become one token of the language model."""
        return self.spatial_merge_size**2

    @property
    def window_cells(self) -> int:
        """Side of a window, in merged cells."""
        return self.window_size // self.spatial_merge_size // self.patch_size

    @property
    def patch_dim(self) -> int:
        """Values of one patch: channels x frames x height x width."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """The language model: a decoder with grouped queries and three-dimensional rotary positions."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    vocab_size: int
    rms_norm_eps: float = 1e-5
    rope_theta: float = 1e6
    mrope_section: tuple[int, int, int] = (16, 24, 24)
    max_position_embeddings: int = 32768
    tie_word_embeddings: bool = False

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """How a still picture becomes patches. ``min_pixels`` and ``max_pixels`` bound its area."""

    patch_size: int = 14
    temporal_patch_size: int = 2
    merge_size: int = 2
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD

    @property
    def factor(self) -> int:
        """Sides of a resized picture are multiples of this."""
        return self.patch_size * self.merge_size

    def to_json(self) -> dict[str, Any]:
        """``preprocessor_config.json``."""
        return {
            "image_processor_type": "Qwen2VLImageProcessor",
            "patch_size": self.patch_size,
            "temporal_patch_size": self.temporal_patch_size,
            "merge_size": self.merge_size,
            "min_pixels": self.min_pixels,
            "max_pixels": self.max_pixels,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationConfig:
    """How the checkpoint's makers decode. ``temperature`` 0 is greedy."""

    eos_token_ids: tuple[int, ...] = ()
    pad_token_id: int | None = None
    repetition_penalty: float = 1.0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """``generation_config.json``."""
        content: dict[str, Any] = {
            "eos_token_id": list(self.eos_token_ids) or None,  # transformers takes an empty list for a mistake
            "pad_token_id": self.pad_token_id,
            "repetition_penalty": self.repetition_penalty,
            "do_sample": self.temperature > 0,
        }
        if self.temperature > 0:
            content |= {"temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A whole checkpoint. ``dtype``: what its weights are stored as, by torch's name, if it says."""

    vision: VisionConfig
    text: TextConfig
    image: ImageConfig = ImageConfig()
    generation: GenerationConfig = GenerationConfig()
    image_token_id: int = 151655
    video_token_id: int = 151656
    vision_start_token_id: int = 151652
    vision_end_token_id: int = 151653
    dtype: str | None = None

    @classmethod
    def from_folder(cls, folder: str | Path) -> ModelConfig:
        """The configuration of a checkpoint folder.

        Raises ``CheckpointError`` where ``config.json`` is missing or is no configuration, and
        ``UnsupportedModel`` where it is of another family.
        """
        path = Path(folder)
        if not path.is_dir():
            raise CheckpointError(f"{path} is not a folder; a checkpoint is a folder with config.json and weights.")
        main = read_json(path / "config.json")
        if main is None:
            raise CheckpointError(f"{path} has no config.json; a checkpoint is a folder with config.json and weights.")
        processor: Mapping[str, Any] | None = read_json(path / "preprocessor_config.json")
        if processor is None:
            nested = path / "processor_config.json"
            with _reading(str(nested)):
                processor = section_of(read_json(nested) or {}, "image_processor")
        generation = read_json(path / "generation_config.json")
        try:
            return cls.from_json(main, image=processor, generation=generation)
        except CheckpointError as error:
            raise type(error)(f"{path}: {error}") from error

    @classmethod
    def from_json(
        cls,
        main: Mapping[str, Any],
        *,
        image: Mapping[str, Any] | None = None,
        generation: Mapping[str, Any] | None = None,
    ) -> ModelConfig:
        """From the contents of ``config.json``, ``preprocessor_config.json`` and ``generation_config.json``."""
        _check_family(main)
        with _reading("config.json"):
            text = section_of(main, "text_config") or main
            tied = main.get("tie_word_embeddings", False) or text.get("tie_word_embeddings", False)
            # Old files keep the ids of stop tokens in the model's configuration.
            eos = {"eos_token_id": text.get("eos_token_id", main.get("eos_token_id"))}
            dtype = main.get("dtype") or main.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")
            config = cls(
                vision=_vision(section_of(main, "vision_config", needed=True)),
                text=_text(text, tied=bool(tied)),
                image_token_id=whole(main, "image_token_id", 151655, least=0),
                video_token_id=whole(main, "video_token_id", 151656, least=0),
                vision_start_token_id=whole(main, "vision_start_token_id", 151652, least=0),
                vision_end_token_id=whole(main, "vision_end_token_id", 151653, least=0),
                dtype=dtype.removeprefix("torch.") if isinstance(dtype, str) else None,
            )
        with _reading("preprocessor_config.json"):
            config = replace(config, image=_image(image or {}))
        with _reading("generation_config.json"):
            config = replace(config, generation=_generation({**eos, **(generation or {})}))
        _check_shapes(config)
        return config

    def to_json(self) -> dict[str, Any]:
        """``config.json`` in the nested layout, as transformers 5 reads and writes it."""
        t, v = self.text, self.vision
        return {
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": MODEL_TYPE,
            "dtype": self.dtype,
            "tie_word_embeddings": t.tie_word_embeddings,
            "image_token_id": self.image_token_id,
            "video_token_id": self.video_token_id,
            "vision_start_token_id": self.vision_start_token_id,
            "vision_end_token_id": self.vision_end_token_id,
            "text_config": {
                "model_type": "qwen2_5_vl_text",
                "hidden_size": t.hidden_size,
                "num_hidden_layers": t.num_hidden_layers,
                "num_attention_heads": t.num_attention_heads,
                "num_key_value_heads": t.num_key_value_heads,
                "intermediate_size": t.intermediate_size,
                "vocab_size": t.vocab_size,
                "hidden_act": "silu",
                "rms_norm_eps": t.rms_norm_eps,
                "max_position_embeddings": t.max_position_embeddings,
                "use_sliding_window": False,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": t.rope_theta,
                    "mrope_section": list(t.mrope_section),
                },
                "eos_token_id": self.generation.eos_token_ids[0] if self.generation.eos_token_ids else None,
                "bos_token_id": None,
                "pad_token_id": None,
            },
            "vision_config": {
                "model_type": "qwen2_5_vl_vision",
                "depth": v.depth,
                "hidden_size": v.hidden_size,
                "num_heads": v.num_heads,
                "intermediate_size": v.intermediate_size,
                "out_hidden_size": v.out_hidden_size,
                "hidden_act": "silu",
                "fullatt_block_indexes": list(v.fullatt_block_indexes),
                "in_channels": v.in_channels,
                "patch_size": v.patch_size,
                "temporal_patch_size": v.temporal_patch_size,
                "spatial_merge_size": v.spatial_merge_size,
                "window_size": v.window_size,
                "tokens_per_second": v.tokens_per_second,
            },
        }


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None where there is no file. Raises ``CheckpointError`` for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object.")
    return content


def _check_family(main: Mapping[str, Any]) -> None:
    kind = main.get("model_type")
    if kind == MODEL_TYPE:
        quantised = main.get("quantization_config")
        if quantised:
            how = quantised.get("quant_method", "?") if isinstance(quantised, dict) else quantised
            raise UnsupportedModel(f"its weights are quantised ({how}); docparse loads bfloat16, float16 or float32.")
        return
    known = FAMILIES.get(str(kind))
    what = f"a {known} checkpoint" if known else f"of model type {kind!r}" if kind else "not a model's configuration"
    raise UnsupportedModel(f"this is {what}; docparse loads Qwen2.5-VL ({MODEL_TYPE}) of 3B, 7B, 32B or 72B.")


@contextmanager
def _reading(file: str) -> Iterator[None]:
    """What is wrong with the contents of a file, as an error that names it."""
    try:
        yield
    except KeyError as error:
        raise CheckpointError(f"{file} cannot be used: it lacks {error}.") from error
    except ValueError as error:
        raise CheckpointError(f"{file} cannot be used: {error}.") from error


def _check_act(section: Mapping[str, Any]) -> None:
    if section.get("hidden_act", "silu") != "silu":
        raise UnsupportedModel(f"its activation is {section['hidden_act']!r}; Qwen2.5-VL has silu.")


def _vision(section: Mapping[str, Any]) -> VisionConfig:
    _check_act(section)
    depth = whole(section, "depth")
    # Some published files lack the key, or have an empty list: both mean the reference's default
    # (facts/qwen.md 2.1). A tower that is shallower than the default has full attention where both have blocks.
    full = section.get("fullatt_block_indexes") or [i for i in (7, 15, 23, 31) if i < depth]
    return VisionConfig(
        depth=depth,
        hidden_size=whole(section, "hidden_size", 3584),
        num_heads=whole(section, "num_heads", 16),
        intermediate_size=whole(section, "intermediate_size", 3420),
        out_hidden_size=whole(section, "out_hidden_size", 3584),
        fullatt_block_indexes=numbers("fullatt_block_indexes", full, int),
        in_channels=whole(section, "in_channels", whole(section, "in_chans", 3)),
        patch_size=whole(section, "patch_size", whole(section, "spatial_patch_size", 14)),
        temporal_patch_size=whole(section, "temporal_patch_size", 2),
        spatial_merge_size=whole(section, "spatial_merge_size", 2),
        window_size=whole(section, "window_size", 112),
        tokens_per_second=whole(section, "tokens_per_second", 4),
    )


def _text(section: Mapping[str, Any], *, tied: bool) -> TextConfig:
    _check_act(section)
    if section.get("use_sliding_window"):
        raise UnsupportedModel("it uses sliding-window attention in the language model, which no published one does.")
    rope = section_of(section, "rope_parameters") or section_of(section, "rope_scaling")
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "mrope"):
        raise UnsupportedModel(f"its rotary positions are scaled ({kind}); that harms places on the page.")
    heads = whole(section, "num_attention_heads")
    time, height, width = numbers("mrope_section", rope.get("mrope_section", (16, 24, 24)), int, 3)
    return TextConfig(
        hidden_size=whole(section, "hidden_size"),
        num_hidden_layers=whole(section, "num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=whole(section, "num_key_value_heads", heads),
        intermediate_size=whole(section, "intermediate_size"),
        vocab_size=whole(section, "vocab_size"),
        rms_norm_eps=real(section, "rms_norm_eps", 1e-5),
        rope_theta=real(rope, "rope_theta", real(section, "rope_theta", 1e6)),
        mrope_section=(time, height, width),
        max_position_embeddings=whole(section, "max_position_embeddings", 32768),
        tie_word_embeddings=tied,
    )


def _image(section: Mapping[str, Any]) -> ImageConfig:
    size = section_of(section, "size")  # areas, whatever transformers calls their keys
    default = ImageConfig()
    return ImageConfig(
        patch_size=whole(section, "patch_size", default.patch_size),
        temporal_patch_size=whole(section, "temporal_patch_size", default.temporal_patch_size),
        merge_size=whole(section, "merge_size", default.merge_size),
        min_pixels=whole(section, "min_pixels", whole(size, "shortest_edge", default.min_pixels)),
        max_pixels=whole(section, "max_pixels", whole(size, "longest_edge", default.max_pixels)),
        mean=numbers("image_mean", section.get("image_mean", default.mean), float, 3),
        std=numbers("image_std", section.get("image_std", default.std), float, 3),
    )


def _generation(section: Mapping[str, Any]) -> GenerationConfig:
    eos, pad = section.get("eos_token_id"), section.get("pad_token_id")
    eos = [] if eos is None else eos if isinstance(eos, list | tuple) else [eos]
    sampled = bool(section.get("do_sample", False))
    return GenerationConfig(
        eos_token_ids=numbers("eos_token_id", eos, int),
        pad_token_id=None if pad is None else whole(section, "pad_token_id", least=0),
        repetition_penalty=real(section, "repetition_penalty", 1.0),
        temperature=real(section, "temperature", 1.0, least=0.0) if sampled else 0.0,
        top_k=whole(section, "top_k", 0, least=0) if sampled else 0,
        top_p=real(section, "top_p", 1.0) if sampled else 1.0,
    )


def _check_shapes(config: ModelConfig) -> None:
    t, v = config.text, config.vision
    problems = []
    if t.hidden_size % t.num_attention_heads or t.num_attention_heads % t.num_key_value_heads:
        problems.append("the language model's width, heads and key-value heads do not divide")
    if 2 * sum(t.mrope_section) != t.head_dim:
        problems.append(f"mrope_section {list(t.mrope_section)} does not fill half of a head of {t.head_dim}")
    if v.hidden_size % v.num_heads or v.head_dim % 4:
        problems.append("the tower's heads cannot be turned in two directions")
    if v.out_hidden_size != t.hidden_size:
        problems.append(f"the tower gives {v.out_hidden_size} values, the language model takes {t.hidden_size}")
    if v.window_cells < 1:
        problems.append(f"a window of {v.window_size} pixels holds no cell")
    if problems:
        raise CheckpointError(f"config.json contradicts itself: {'; '.join(problems)}.")
