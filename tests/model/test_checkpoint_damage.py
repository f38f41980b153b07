"""Checkpoints that cannot be loaded: each gives one sentence that names what is wrong, and reads no weights."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from docparse.model import checkpoint, load
from docparse.model.checkpoint import INDEX, SINGLE, inspect
from docparse.model.errors import CheckpointError, UnsupportedModel
from tests.model.tiny import Tiny, edit_json, write

Made = Callable[[str], Tiny]


@pytest.fixture
def whole(tiny: Made, tmp_path: Path) -> Path:
    """A checkpoint in one file, to be damaged."""
    return write(tiny("untied").reference, tmp_path / "whole")


@pytest.fixture
def sharded(tiny: Made, tmp_path: Path) -> Path:
    """One in many files, to be damaged."""
    return write(tiny("untied").reference, tmp_path / "sharded", shard_size="60KB")


def sentence(folder: Path) -> str:
    """Why the folder is refused; the same whether it is looked at or loaded."""
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    why = str(caught.value)
    assert why.endswith(".")
    assert "\n" not in why
    assert folder.name in why
    return why


def change(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / SINGLE)
    edit(tensors)
    save_file(tensors, folder / SINGLE, metadata={"format": "pt"})


# --------------------------------------------------------------------------------------- tensors and their names


def test_missing_tensors_are_listed(whole: Path) -> None:
    change(whole, lambda tensors: tensors.pop("model.layers.1.self_attn.k_proj.bias"))
    assert "1 tensor is missing: model.layers.1.self_attn.k_proj.bias" in sentence(whole)
    change(whole, lambda tensors: [tensors.pop(name) for name in list(tensors) if "visual.blocks.2" in name])
    why = sentence(whole)
    assert "13 tensors are missing: visual.blocks.2." in why
    assert "and 5 more" in why
    assert len(inspect(whole).missing) == 13
    assert not inspect(whole).fine


def test_an_untied_checkpoint_without_a_head(whole: Path) -> None:
    change(whole, lambda tensors: tensors.pop("lm_head.weight"))
    assert "1 tensor is missing: lm_head.weight" in sentence(whole)


def test_tensors_without_a_place_are_listed(whole: Path) -> None:
    change(whole, lambda tensors: tensors.update({"visual.blocks.4.norm1.weight": torch.ones(48)}))
    assert "1 tensor has no place in the model: visual.blocks.4.norm1.weight" in sentence(whole)
    change(whole, lambda tensors: tensors.update({"model.language_model.layers.0.q_norm.weight": torch.ones(16)}))
    assert "2 tensors have no place in the model: model.language_model.layers.0.q_norm.weight" in sentence(whole)


def test_tensors_of_another_shape_are_listed_with_both(whole: Path) -> None:
    change(whole, lambda tensors: tensors.update({"model.norm.weight": torch.ones(95)}))
    assert "1 tensor has another shape than config.json says: model.norm.weight [95] instead of [96]" in sentence(whole)
    change(whole, lambda tensors: tensors.update({"visual.merger.mlp.0.weight": torch.ones(192 * 192)}))
    assert "visual.merger.mlp.0.weight [36864] instead of [192, 192]" in sentence(whole)


def test_a_shape_that_would_broadcast_is_another_shape(whole: Path) -> None:
    change(whole, lambda tensors: tensors.update({"model.norm.weight": torch.ones(1)}))
    assert "model.norm.weight [1] instead of [96]" in sentence(whole)


def test_all_kinds_in_one_sentence(whole: Path) -> None:
    def edit(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.layers.0.mlp.gate.weight"] = tensors.pop("model.layers.0.mlp.gate_proj.weight")
        tensors["model.norm.weight"] = torch.ones(8)

    change(whole, edit)
    why = sentence(whole)
    assert "1 tensor is missing: model.layers.0.mlp.gate_proj.weight; " in why
    assert "; 1 tensor has no place in the model: model.layers.0.mlp.gate.weight; " in why
    assert "model.norm.weight [8] instead of [96]." in why


def test_a_configuration_of_another_size(whole: Path) -> None:
    """The 7B's weights under the 3B's config.json."""
    edit_json(whole / "config.json", lambda content: content["text_config"].update(intermediate_size=128))
    why = sentence(whole)
    assert "9 tensors have another shape" in why
    assert "model.layers.0.mlp.gate_proj.weight [140, 96] instead of [128, 96]" in why
    edit_json(whole / "config.json", lambda content: content["text_config"].update(num_hidden_layers=4))
    assert "12 tensors are missing: model.layers.3." in sentence(whole)


# ------------------------------------------------------------------------------------------------- damaged files


def header_of(data: bytes) -> int:
    return 8 + int(struct.unpack("<Q", data[:8])[0])


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut in the data": (lambda data: data[:-100], "bytes instead of"),
    "cut in the header": (lambda data: data[:500], "500 bytes that are no safetensors file"),
    "cut in the length": (lambda data: data[:5], "5 bytes that are no safetensors file"),
    "too long": (lambda data: data + b"more", "bytes instead of"),
    "empty": (lambda data: b"", "0 bytes that are no safetensors file"),
    "a web page": (
        lambda data: b"<!DOCTYPE html><html><body>404</body></html>" * 10,
        "440 bytes that are no safetensors file",
    ),
    "a pointer": (
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:12ab\nsize 3000\n",
        "a pointer of Git LFS",
    ),
    "no JSON": (lambda data: data[:8] + b"}" + data[9:], "damaged"),
    "not UTF-8": (lambda data: data[:20] + b"\xff\xfe" + data[22:], "damaged"),
    "a list": (lambda data: struct.pack("<Q", 8) + b"[1,2,3] ", "damaged"),
    "a deep list": (lambda data: struct.pack("<Q", 200_000) + b"[" * 200_000, "damaged"),
    "zeros": (lambda data: b"\0" * len(data), "bytes that are no safetensors file"),
    "a header of 4 EiB": (lambda data: struct.pack("<Q", 2**62) + data[8:], "bytes that are no safetensors file"),
    "a header of 99 MB": (lambda data: struct.pack("<Q", 99_000_000) + data[8:], "bytes that are no safetensors file"),
    "a tensor of 2^60 values": (
        lambda data: _with_header(
            b'{"model.norm.weight":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}'
        ),
        "damaged",
    ),
    "places beyond the end": (
        lambda data: _with_header(
            b'{"model.norm.weight":{"dtype":"F32","shape":[250000000],"data_offsets":[0,1000000000]}}'
        ),
        "bytes instead of 1000000",
    ),
    "places that are none": (
        lambda data: _with_header(b'{"model.norm.weight":{"dtype":"F32","shape":[1],"data_offsets":["a","b"]}}'),
        "damaged",
    ),
}


def _with_header(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + b"\0" * 4


@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file(whole: Path, damage: Callable[[bytes], bytes], says: str) -> None:
    file = whole / SINGLE
    file.write_bytes(damage(file.read_bytes()))
    tracemalloc.start()
    why = sentence(whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"{SINGLE} is damaged (" in why
    assert says in why
    assert "download it again" in why
    assert peak < 5_000_000  # what a header claims to be is not allocated
    assert inspect(whole).damaged


def test_one_damaged_shard_of_many(sharded: Path) -> None:
    files = sorted(sharded.glob("*.safetensors"))
    files[2].write_bytes(files[2].read_bytes()[:-1])
    why = sentence(sharded)
    assert files[2].name in why
    assert "bytes instead of" in why
    # What would be in it is not said to be missing as well.
    assert "are missing" not in why
    files[4].unlink()
    why = sentence(sharded)
    assert f"{files[4].name} is missing" in why
    assert files[2].name in why
    assert len(inspect(sharded).damaged) == 2


def test_a_file_that_changes_while_it_is_loaded(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that goes on in the background: the headers were right, and then the file is another."""
    place = checkpoint.place

    def place_and_cut(*args: Any) -> None:
        place(*args)
        file = whole / SINGLE
        file.write_bytes(file.read_bytes()[:3000])

    monkeypatch.setattr(checkpoint, "place", place_and_cut)
    assert f"{SINGLE} cannot be read" in sentence(whole)


def test_weights_that_nobody_may_read(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **how: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoint, "safe_open", refuse)
    assert f"{SINGLE} may not be read" in sentence(whole)


# ------------------------------------------------------------------------------------------------ files by name


def test_an_index_that_points_out_of_the_folder(sharded: Path, tmp_path: Path) -> None:
    """It is not followed, even where there is a file: only the folder itself is read."""
    secret = tmp_path / "elsewhere.safetensors"
    first = sorted(sharded.glob("*.safetensors"))[0]
    first.rename(secret)
    for name in ("../elsewhere.safetensors", str(secret)):

        def point(content: dict[str, Any], name: str = name) -> None:
            content["weight_map"] = {
                key: name if Path(file).name in (first.name, secret.name) else file
                for key, file in content["weight_map"].items()
            }

        edit_json(sharded / INDEX, point)
        assert "elsewhere.safetensors is missing" in sentence(sharded)


@pytest.mark.parametrize("name", ["..", ".", "", "/", None, 7, ["a"]])
def test_an_index_that_names_no_file(sharded: Path, name: Any) -> None:
    edit_json(sharded / INDEX, lambda content: content["weight_map"].update({"model.norm.weight": name}))
    assert f"{INDEX} does not say which file holds which tensor" in sentence(sharded)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "does not say which file holds which tensor"),
        ({"weight_map": {}}, "does not say which file holds which tensor"),
        ({"weight_map": ["a", "b"]}, "does not say which file holds which tensor"),
        ([], "holds no JSON object"),
    ],
)
def test_an_index_without_a_map(sharded: Path, content: Any, says: str) -> None:
    (sharded / INDEX).write_text(json.dumps(content))
    why = sentence(sharded)
    assert INDEX in why
    assert says in why
    (sharded / INDEX).write_text("{'weight_map': ")
    assert f"{INDEX} cannot be read" in sentence(sharded)


def test_shards_without_their_index(sharded: Path) -> None:
    (sharded / INDEX).unlink()
    why = sentence(sharded)
    assert "neither model.safetensors nor model.safetensors.index.json: its download is incomplete" in why
    assert "model-00001-of-" in why


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickles_are_not_opened(whole: Path, name: str) -> None:
    (whole / SINGLE).unlink()
    (whole / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")  # it would run a program
    why = sentence(whole)
    assert "Python pickles only" in why
    assert "convert them to safetensors" in why


def test_no_weights_at_all(whole: Path) -> None:
    (whole / SINGLE).unlink()
    assert "has no weights: neither model.safetensors nor" in sentence(whole)


def test_no_configuration_and_no_folder(whole: Path) -> None:
    (whole / "config.json").unlink()
    assert "has no config.json" in sentence(whole)
    assert "is not a folder" in sentence(whole / "deeper")
    assert "is not a folder" in sentence(whole / SINGLE)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("qwen2_vl", "a Qwen2-VL checkpoint"),
        ("qwen3_vl", "a Qwen3-VL checkpoint"),
        ("qwen2", "a Qwen2.5 (text only) checkpoint"),
        ("llama", "of model type 'llama'"),
    ],
)
def test_other_families(whole: Path, kind: str, says: str) -> None:
    edit_json(whole / "config.json", lambda content: content.update(model_type=kind))
    assert says in sentence(whole)
    with pytest.raises(UnsupportedModel):
        inspect(whole)
