"""Checkpoints: those of transformers are read, ours are read by transformers, and nothing changes on the way."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from docparse.model import load, save
from docparse.model.checkpoint import INDEX, SINGLE, build, inspect, stored_dtype
from docparse.model.config import GenerationConfig, ImageConfig, ModelConfig
from docparse.model.errors import ModelError
from docparse.model.qwen_vl import QwenVL
from tests.model.tiny import TINY, Picture, Tiny, Video, edit_json, prompt, write

Made = Callable[[str], Tiny]
FOUND = prompt(3, Picture(6, 10), 2, Video(2, 4, 12, 0.5), 4)


def assert_equal_bits(found: QwenVL, expected: QwenVL) -> None:
    ours, theirs = dict(found.named_parameters()), dict(expected.named_parameters())
    assert list(ours) == list(theirs)
    for name, parameter in ours.items():
        assert parameter.dtype == theirs[name].dtype
        assert torch.equal(parameter, theirs[name]), name


def reference_logits(model: Qwen2_5_VLForConditionalGeneration) -> Tensor:
    with torch.no_grad():
        return model(**FOUND.reference_inputs()).logits[0]  # type: ignore[no-any-return]


def read_by_transformers(folder: Path, **how: Any) -> Qwen2_5_VLForConditionalGeneration:
    model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, output_loading_info=True, **how)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.eval()


# --------------------------------------------------------------------------------- what transformers has written


@pytest.mark.parametrize("shard_size", ["1GB", "60KB"])
@pytest.mark.parametrize("new_style", [False, True], ids=["published names", "names of transformers"])
@pytest.mark.parametrize("name", ["tied", "untied"])
def test_both_styles_in_one_file_and_in_many(
    tiny: Made, tmp_path: Path, name: str, new_style: bool, shard_size: str
) -> None:
    made = tiny(name)
    write(made.reference, tmp_path, new_style=new_style, shard_size=shard_size)
    index = tmp_path / INDEX
    assert index.exists() == (shard_size == "60KB")
    names = set(json.loads(index.read_text())["weight_map"] if index.exists() else load_file(tmp_path / SINGLE))
    assert ("model.visual.patch_embed.proj.weight" in names) == new_style
    assert ("visual.patch_embed.proj.weight" in names) == (not new_style)
    assert ("lm_head.weight" in names) == (name == "untied")
    assert inspect(tmp_path).fine
    found = load(tmp_path)
    assert found.config == made.config
    assert_equal_bits(found, made.model)
    assert torch.equal(found.logits(**FOUND.inputs()), made.model.logits(**FOUND.inputs()))


@pytest.mark.parametrize("value", ["missing", []])
def test_a_published_folder_of_the_first_releases(tiny: Made, tmp_path: Path, value: Any) -> None:
    """Flat configuration with its odd spellings, without a list of full blocks; bfloat16; the same tokens come out."""
    made = tiny("default blocks")
    write(copy.deepcopy(made.reference).bfloat16(), tmp_path)

    def flatten(content: dict[str, Any]) -> None:
        text, vision = content.pop("text_config"), content["vision_config"]
        rope = text.pop("rope_parameters")
        text.pop("model_type")
        content |= {key: v for key, v in text.items() if key not in ("layer_types", "dtype")}
        content |= {"rope_theta": rope["rope_theta"], "torch_dtype": content.pop("dtype")}
        content["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
        content["vision_config"] = {
            **{k: v for k, v in vision.items() if k not in ("in_channels", "fullatt_block_indexes", "rope_parameters")},
            "in_chans": 3,
            "spatial_patch_size": 14,
            **({"fullatt_block_indexes": value} if value != "missing" else {}),
        }

    edit_json(tmp_path / "config.json", flatten)
    found = load(tmp_path)
    assert found.config.dtype == "bfloat16"
    assert (found.config.vision, found.config.text) == (made.config.vision, made.config.text)
    rounded = copy.deepcopy(made.model).bfloat16().float()
    assert_equal_bits(found, rounded)
    assert torch.equal(found.logits(**FOUND.inputs()), rounded.logits(**FOUND.inputs()))


def test_tensors_that_nobody_needs_are_no_fault(tiny: Made, tmp_path: Path) -> None:
    """A tied checkpoint with its head once more, and tables of frequencies, as some tools write them."""
    made = tiny("tied")
    write(made.reference, tmp_path)
    tensors = load_file(tmp_path / SINGLE)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    tensors["visual.rotary_pos_emb.inv_freq"] = torch.ones(4)
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    save_file(tensors, tmp_path / SINGLE, metadata={"format": "pt"})
    assert inspect(tmp_path).fine
    shares: list[float] = []
    assert_equal_bits(load(tmp_path, progress=shares.append), made.model)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


# ------------------------------------------------------------------------------------------- what we have written


@pytest.mark.parametrize("shard_bytes", [5_000_000_000, 60_000])
@pytest.mark.parametrize("name", ["tied", "untied"])
def test_transformers_reads_ours(tiny: Made, tmp_path: Path, name: str, shard_bytes: int) -> None:
    made = tiny(name)
    save(made.model, tmp_path, shard_bytes=shard_bytes)
    assert (tmp_path / SINGLE).exists() == (shard_bytes > 60_000)
    theirs = read_by_transformers(tmp_path)
    original = dict(made.reference.named_parameters())
    for key, parameter in theirs.named_parameters():
        assert torch.equal(parameter, original[key]), key
    assert torch.equal(reference_logits(theirs), reference_logits(made.reference))
    # As transformers itself names and sizes them.
    index = tmp_path / INDEX
    if index.exists():
        content = json.loads(index.read_text())
        assert content["metadata"]["total_size"] == sum(p.numel() * 4 for p in made.model.parameters())
        shards = {file: load_file(tmp_path / file) for file in content["weight_map"].values()}
        assert all(key in shards[file] for key, file in content["weight_map"].items())
        whole = [sum(t.nbytes for t in tensors.values()) for tensors in shards.values()]
        assert max(whole) <= max(shard_bytes, max(t.nbytes for s in shards.values() for t in s.values()))
        names = set(content["weight_map"])
    else:
        names = set(load_file(tmp_path / SINGLE))
    assert names == set(load_file(made.folder / SINGLE))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["tied", "untied", "odd", "windows only"])
def test_there_and_back(tiny: Made, tmp_path: Path, name: str, dtype: torch.dtype) -> None:
    model = copy.deepcopy(tiny(name).model).to(dtype)
    save(model, tmp_path, shard_bytes=50_000)
    again = load(tmp_path, dtype=dtype)
    assert_equal_bits(again, model)
    assert again.config.dtype == str(dtype).removeprefix("torch.")
    assert (again.config.vision, again.config.text) == (model.config.vision, model.config.text)
    assert (again.config.image, again.config.generation) == (model.config.image, model.config.generation)
    assert read_by_transformers(tmp_path, dtype="auto").dtype == dtype


def test_limits_and_ways_of_decoding_are_written_too(tiny: Made, tmp_path: Path) -> None:
    image = ImageConfig(min_pixels=784, max_pixels=78_400)
    decoding = GenerationConfig(
        eos_token_ids=(280, 278), pad_token_id=278, repetition_penalty=1.05, temperature=0.5, top_k=7, top_p=0.9
    )
    model = copy.copy(tiny("tied").model)
    model.config = replace(model.config, image=image, generation=decoding)
    save(model, tmp_path)
    config = load(tmp_path).config
    assert (config.image, config.generation) == (image, decoding)
    theirs = read_by_transformers(tmp_path).generation_config
    assert (theirs.eos_token_id, theirs.repetition_penalty, theirs.top_k) == ([280, 278], 1.05, 7)


def test_a_model_saved_over_another_is_that_model(tiny: Made, tmp_path: Path) -> None:
    """No index or shard of the first stays behind, from which a reader would load the first again."""
    first, second = copy.deepcopy(tiny("untied").model), tiny("untied").model
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    for sizes in ((50_000, 5_000_000_000), (5_000_000_000, 50_000), (30_000, 90_000)):
        save(first, tmp_path, shard_bytes=sizes[0])
        save(second, tmp_path, shard_bytes=sizes[1])
        assert_equal_bits(load(tmp_path), second)
        original = dict(tiny("untied").reference.named_parameters())
        assert all(torch.equal(p, original[key]) for key, p in read_by_transformers(tmp_path).named_parameters())
        index = tmp_path / INDEX
        known = set(json.loads(index.read_text())["weight_map"].values()) if index.exists() else {SINGLE}
        assert {p.name for p in tmp_path.glob("*.safetensors")} == known


# ------------------------------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    ("stored", "wanted", "expected"),
    [
        (torch.bfloat16, None, torch.float32),  # of a CPU, whatever is stored
        (torch.float32, torch.bfloat16, torch.bfloat16),
        (torch.bfloat16, torch.float16, torch.float16),
        (torch.float32, torch.float64, torch.float64),
    ],
)
def test_the_type_of_the_weights(
    tiny: Made, tmp_path: Path, stored: torch.dtype, wanted: torch.dtype | None, expected: torch.dtype
) -> None:
    model = copy.deepcopy(tiny("tied").model).to(stored)
    save(model, tmp_path)
    found = load(str(tmp_path), dtype=wanted)
    assert {p.dtype for p in found.parameters()} == {expected}
    assert_equal_bits(found, copy.deepcopy(model).to(expected))
    assert not any(p.requires_grad for p in found.parameters())
    assert not found.training


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("float16", torch.float16),
        ("torch.bfloat16", torch.bfloat16),
        ("float32", torch.float32),
        (None, torch.bfloat16),
        ("int8", torch.bfloat16),
        ("nn", torch.bfloat16),
        ("tensor", torch.bfloat16),
    ],
)
def test_what_a_checkpoint_says_its_type_is(tiny: Made, tmp_path: Path, said: str | None, means: torch.dtype) -> None:
    write(tiny("tied").reference, tmp_path)
    edit_json(tmp_path / "config.json", lambda content: content.update(dtype=said, torch_dtype=None))
    edit_json(tmp_path / "config.json", lambda content: content["text_config"].pop("dtype", None))
    assert stored_dtype(load(tmp_path).config) == means


def test_attention_by_name(tiny: Made) -> None:
    folder = tiny("tied").folder
    assert load(folder, attention="sdpa").attention.name == "sdpa"
    for name, says in (("flash-attn", "cannot be used"), ("fast", "there is no attention 'fast'")):
        loaded: list[float] = []
        with pytest.raises(ModelError, match=says):
            load(folder, attention=name, progress=loaded.append)
        assert not loaded  # it is said before gigabytes have been read


def test_a_device_that_is_not_there(tiny: Made) -> None:
    with pytest.raises(ModelError, match="there is no device 'gpu'; there are cpu, cuda"):
        load(tiny("tied").folder, device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="there is no GPU that torch can use; choose the device cpu"):
            load(tiny("tied").folder, device="cuda")


# -------------------------------------------------------------------------------------------------------- memory

LOADING = """
import sys, torch
from docparse.model import load
from docparse.model.errors import ModelError

def memory(key):  # getrusage would count what the parent had, from which this process was forked
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key + ":"))

try:
    load("nowhere")  # all is imported before it is measured
except ModelError:
    before = memory("VmRSS")
model = load(sys.argv[1])
print(memory("VmHWM") - before, sum(p.nbytes for p in model.parameters()), "torch._dynamo" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_loading_needs_the_model_and_one_shard(tmp_path: Path) -> None:
    """About 240 MB in shards of 40, not the whole twice, and no compiler. In a process of its own."""
    content = copy.deepcopy(TINY["tied"])
    content["text_config"] |= {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 16}
    content["text_config"] |= {"num_attention_heads": 32, "num_key_value_heads": 8}
    content["vision_config"]["out_hidden_size"] = 512
    model = build(ModelConfig.from_json({"model_type": "qwen2_5_vl", **content})).to_empty(device="cpu")
    noise = torch.rand(1_100_000)
    with torch.no_grad():
        for parameter in model.parameters():
            for part in parameter.view(-1).split(len(noise)):
                part.copy_(noise[: len(part)])
    save(model, tmp_path, shard_bytes=40_000_000)
    sizes = [file.stat().st_size for file in tmp_path.glob("*.safetensors")]
    assert len(sizes) > 5
    run = subprocess.run([sys.executable, "-c", LOADING, str(tmp_path)], capture_output=True, text=True, check=True)
    grown, weights, compiler = run.stdout.split()
    assert int(weights) == sum(p.nbytes for p in model.parameters()) > 200e6
    assert 0.9 * int(weights) < int(grown) < 1.3 * (int(weights) + max(sizes))
    assert compiler == "False"  # it would take 60 MB and two seconds
