"""Whether a model's folder is whole, and what of it fits into the memory of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.utils import disable_progress_bars

from docparse import model_check
from docparse.model.config import ModelConfig
from docparse.model.memory import parameter_counts
from docparse.model.published import PUBLISHED
from docparse.model_check import Finding, verify
from docparse.model_store import pull
from tests.fake_hub import FakeHub
from tests.small_checkpoint import files, put, shards

THREE = "Qwen/Qwen2.5-VL-3B-Instruct"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with disable_progress_bars():
        server = FakeHub()
        try:
            yield server
        finally:
            server.close()


# -------------------------------------------------------------------------------------------- verifying


def wrong(folder: Path, **how: Any) -> list[Finding]:
    return [finding for finding in verify(folder, machine=False, **how) if not finding.fine]


def test_a_whole_model(tmp_path: Path) -> None:
    folder = put(tmp_path / "model")
    found = {finding.part: finding for finding in verify(folder, machine=False)}
    assert all(finding.fine for finding in found.values())
    count = parameter_counts(ModelConfig.from_folder(folder)).total
    assert found["configuration"].state == f"Qwen2.5-VL, {count:,} parameters, float32"
    assert found["tokenizer"].state == "300 tokens"
    assert found["weights"].state.startswith(f"all tensors in {len(shards())} files, ")


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"config.json": None}, "configuration", "has no config.json"),
        ({"config.json": b"{"}, "configuration", "cannot be read"),
        ({"config.json": b'{"model_type": "qwen3_vl"}'}, "configuration", "this is a Qwen3-VL checkpoint"),
        ({"tokenizer.json": None, "vocab.json": None}, "tokenizer", "neither tokenizer.json nor vocab.json"),
        ({"tokenizer.json": None, "merges.txt": None}, "tokenizer", "vocab.json without merges.txt"),
        ({"model.safetensors.index.json": None}, "weights", "its download is incomplete"),
        ({"model.safetensors.index.json": b"{}"}, "weights", "does not say which file holds which tensor"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, bytes | None], part: str, says: str, tmp_path: Path) -> None:
    (finding,) = wrong(put(tmp_path / "model", changes))
    assert finding.part == part
    assert finding.needed
    assert says in finding.state


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"preprocessor_config.json": None}, "pictures", "pictures are made smaller than 1,003,520 pixels"),
        ({"generation_config.json": None}, "end of an answer", "does not say which token ends an answer"),
    ],
)
def test_what_changes_the_result_is_told_and_stops_nothing(
    changes: dict[str, bytes | None], part: str, says: str, tmp_path: Path
) -> None:
    config = json.loads(files()["config.json"])
    config["text_config"].pop("eos_token_id", None)
    (finding,) = wrong(put(tmp_path / "model", {"config.json": json.dumps(config).encode(), **changes}))
    assert (finding.part, finding.needed) == (part, False)
    assert says in finding.state


def test_every_damaged_file_is_named_with_its_sizes(tmp_path: Path) -> None:
    folder = put(tmp_path / "model")
    size = (folder / shards()[0]).stat().st_size
    os.truncate(folder / shards()[0], size - 500)
    (folder / shards()[1]).unlink()
    (folder / shards()[2]).write_bytes(b"<html>not found</html>")
    cut, gone, other = wrong(folder)
    assert f"{shards()[0]} is damaged ({size - 500} bytes instead of {size})" in cut.state
    assert f"{shards()[1]} is missing" in gone.state
    assert f"{shards()[2]} is damaged (22 bytes that are no safetensors file)" in other.state


def test_tensors_that_do_not_fit_the_configuration_are_named(tmp_path: Path) -> None:
    config = json.loads(files()["config.json"])
    config["text_config"]["num_hidden_layers"] = 4
    config["text_config"]["vocab_size"] = 336
    (finding,) = wrong(put(tmp_path / "model", {"config.json": json.dumps(config).encode()}))
    assert "12 tensors are missing: model.layers.3." in finding.state
    assert "2 tensors have another shape than config.json says" in finding.state
    assert "[320, 96] instead of [336, 96]" in finding.state


def test_a_tokenizer_of_another_model_is_told(tmp_path: Path) -> None:
    config = json.loads(files()["config.json"])
    config["image_token_id"] = 7
    (finding,) = wrong(put(tmp_path / "model", {"config.json": json.dumps(config).encode()}))
    assert (finding.part, finding.needed) == ("tokenizer", True)
    assert "as 290, config.json as 7" in finding.state


def test_checksums(hub: FakeHub, tmp_path: Path) -> None:
    (finding,) = wrong(put(tmp_path / "model"), checksum=True)
    assert (finding.part, finding.needed) == ("checksums", False)
    hub.put(THREE, files())
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert Finding("checksums", f"{len(files())} files are what the hub has") in verify(folder, checksum=True)
    for name in (shards()[0], "tokenizer.json"):  # of the same length, so that only their sums differ
        data = files()[name]
        (folder / name).write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    assert not [finding for finding in wrong(folder) if finding.part == "weights"]
    bad = [finding for finding in wrong(folder, checksum=True) if finding.part == "checksums"]
    assert [finding.state.split()[0] for finding in bad] == [shards()[0], "tokenizer.json"]
    assert all(finding.needed and str(folder) in finding.advice for finding in bad)


# ----------------------------------------------------------------------------------------------- memory


def memory(folder: Path) -> dict[str, Finding]:
    return {finding.part: finding for finding in verify(folder) if "memory" in finding.part or "card" in finding.part}


@pytest.mark.parametrize(
    ("cards", "main", "expected"),
    [
        ([], 64, {"graphics card": (False, "none found"), "main memory, float32": (True, "8 pages at once fit")}),
        ([24], 12, {"graphics card, bfloat16": (True, "8 pages"), "main memory, float32": (False, "the 3B")}),
        ([8, 24], None, {"graphics card, bfloat16": (True, "8 pages at once fit")}),
        ([12, 12], None, {"2 graphics cards, bfloat16": (True, "8 pages at once fit")}),
        ([8], None, {"graphics card, bfloat16": (False, "no published Qwen2.5-VL fits")}),
    ],
)
def test_what_fits_into_this_machine(
    cards: list[int],
    main: int | None,
    expected: dict[str, tuple[bool, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = put(tmp_path / "model", {"config.json": json.dumps(PUBLISHED["7B"].to_json()).encode()})
    monkeypatch.setattr(model_check, "free_on_cards", lambda: [size * 10**9 for size in cards])
    monkeypatch.setattr(model_check, "free_memory", lambda: main and main * 10**9)
    found = memory(folder)
    assert set(found) == set(expected)
    for part, (fine, says) in expected.items():
        assert found[part].fine == fine
        assert not found[part].needed
        assert says in found[part].state
