"""Configurations that are refused, each with a sentence that names the file and what is wrong with it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from docparse.model.config import FAMILIES, ModelConfig
from docparse.model.errors import CheckpointError, ModelError, UnsupportedModel
from tests.model.published_files import GENERATION, PREPROCESSOR, flat, folder_of


def changed(**how: Any) -> dict[str, Any]:
    return flat("3B") | how


def in_tower(**how: Any) -> dict[str, Any]:
    return changed(vision_config=flat("3B")["vision_config"] | how)


@pytest.mark.parametrize("kind", [*FAMILIES, "llama", None])
def test_other_families_are_named(kind: str | None, tmp_path: Path) -> None:
    folder_of(tmp_path, config={"model_type": kind, "hidden_size": 8} if kind else {"hidden_size": 8})
    with pytest.raises(UnsupportedModel) as caught:
        ModelConfig.from_folder(tmp_path)
    sentence = str(caught.value)
    assert (FAMILIES.get(kind, kind) if kind else "not a model's configuration") in sentence
    assert "docparse loads Qwen2.5-VL" in sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (changed(hidden_act="gelu"), "activation is 'gelu'"),
        (in_tower(hidden_act="gelu"), "activation is 'gelu'"),
        (changed(use_sliding_window=True), "sliding-window"),
        (changed(rope_scaling={"type": "yarn", "mrope_section": [16, 24, 24], "factor": 4}), "scaled (yarn)"),
        (changed(quantization_config={"quant_method": "awq", "bits": 4}), "quantised (awq)"),
    ],
)
def test_what_no_published_model_has_is_refused(content: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        ModelConfig.from_folder(folder_of(tmp_path, config=content))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (changed(num_attention_heads=15), "do not divide"),
        (changed(num_key_value_heads=3), "do not divide"),
        (changed(rope_scaling={"type": "mrope", "mrope_section": [16, 16, 16]}), "mrope_section [16, 16, 16]"),
        (in_tower(num_heads=3), "tower's heads"),
        (in_tower(hidden_size=96), "tower's heads"),  # heads of 6: no quarters
        (in_tower(out_hidden_size=3584), "the tower gives 3584 values, the language model takes 2048"),
        (in_tower(window_size=14), "a window of 14 pixels"),
        ({k: v for k, v in flat("3B").items() if k != "vision_config"}, "lacks 'vision_config'"),
        ({k: v for k, v in flat("3B").items() if k != "vocab_size"}, "lacks 'vocab_size'"),
        (in_tower(depth=None), "depth is None"),
        (changed(hidden_size=2048.5), "hidden_size is 2048.5, not a whole number"),
        (changed(vision_config="large"), "vision_config is 'large', not an object"),
        (changed(rope_scaling=[16, 24, 24]), "rope_scaling is [16, 24, 24], not an object"),
        (in_tower(fullatt_block_indexes="all"), "fullatt_block_indexes is 'all', not a list"),
    ],
)
def test_contradictions_are_named(content: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        ModelConfig.from_folder(folder_of(tmp_path, config=content))
    assert says in str(caught.value)
    assert "config.json" in str(caught.value)


def problem(content: dict[str, Any]) -> str | None:
    """Why ``config.json`` of that content is refused."""
    try:
        ModelConfig.from_json(content)
    except ModelError as error:
        return str(error)
    return None


NONSENSE: list[Any] = [None, "many", [], {}, 0, -1, 2.5, float("inf"), float("nan"), True, [1, 2, 3, 4], "7"]


@pytest.mark.parametrize("where", ["main", "vision_config", "rope_scaling"])
def test_nonsense_in_any_place_is_an_error_or_a_configuration(where: str) -> None:
    """No file of JSON gets anything else out of this: what it says is used, or one sentence says why not."""
    whole = changed(text_config=None)
    section = whole if where == "main" else whole[where]
    refused = 0
    for key in section:
        for value in NONSENSE:
            content = copy.deepcopy(whole)
            (content if where == "main" else content[where])[key] = value
            why = problem(content)
            if why is None:
                found = ModelConfig.from_json(content)
                assert min(found.text.hidden_size, found.vision.depth, found.vision.patch_size) > 0
                assert found.dtype is None or isinstance(found.dtype, str)
                continue
            refused += 1
            assert why.endswith(".")
            assert "\n" not in why
            assert "object has no attribute" not in why
    assert refused > 20


@pytest.mark.parametrize("file", ["config", "preprocessor_config", "generation_config"])
@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", "\x00", "[" * 100_000])
def test_what_is_no_object_of_json_is_named_with_its_file(file: str, text: str, tmp_path: Path) -> None:
    folder_of(tmp_path, config=flat("3B"))
    folder_of(tmp_path, **{file: text})
    with pytest.raises(CheckpointError) as caught:
        ModelConfig.from_folder(tmp_path)
    assert f"{file}.json" in str(caught.value)


def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        ModelConfig.from_folder(tmp_path)
    with pytest.raises(CheckpointError, match="is not a folder"):
        ModelConfig.from_folder(tmp_path / "nowhere")
    folder_of(tmp_path, config={})
    with pytest.raises(UnsupportedModel, match="not a model's configuration"):
        ModelConfig.from_folder(tmp_path)
    with pytest.raises(CheckpointError, match="is not a folder"):
        ModelConfig.from_folder(tmp_path / "config.json")


def test_an_error_names_the_file_it_is_about(tmp_path: Path) -> None:
    folder_of(tmp_path, config=flat("3B"), preprocessor_config=PREPROCESSOR, generation_config=GENERATION)
    for file, usual, key in (
        ("preprocessor_config", PREPROCESSOR, "max_pixels"),
        ("generation_config", GENERATION, "repetition_penalty"),
    ):
        with pytest.raises(CheckpointError) as caught:
            ModelConfig.from_folder(folder_of(tmp_path, **{file: usual | {key: "much"}}))
        assert f"{tmp_path}: {file}.json cannot be used: {key} is 'much'" in str(caught.value)
        folder_of(tmp_path, **{file: usual})
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"processor_config\.json cannot be used: image_processor is 'fast'"):
        ModelConfig.from_folder(folder_of(tmp_path, processor_config={"image_processor": "fast"}))
