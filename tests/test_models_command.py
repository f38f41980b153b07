"""Models: their names and folders, fetching them from a hub, and saying whether one is whole."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub import errors as hub_errors
from huggingface_hub.utils import disable_progress_bars
from typer.testing import CliRunner

import docparse
from docparse import cli, model_check, model_store
from docparse.errors import EngineUnavailable, SettingsError
from docparse.model.checkpoint import save
from docparse.model.config import GenerationConfig, ModelConfig, TextConfig, VisionConfig
from docparse.model.memory import parameter_counts
from docparse.model.published import PUBLISHED
from docparse.model.qwen_vl import QwenVL
from docparse.model_check import Finding, verify
from docparse.model_store import complete, find, kept, pull, recognise
from tests.fake_hub import FakeHub
from tests.model.vocabulary import small_vocabulary

THREE = "Qwen/Qwen2.5-VL-3B-Instruct"


def small_config(ids: dict[str, int], *, vocab_size: int = 304) -> ModelConfig:
    return ModelConfig(
        vision=VisionConfig(
            depth=2, hidden_size=32, num_heads=2, intermediate_size=20, out_hidden_size=32, fullatt_block_indexes=(1,)
        ),
        text=TextConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=48,
            vocab_size=vocab_size,
            mrope_section=(2, 1, 1),
        ),
        generation=GenerationConfig(eos_token_ids=(ids["im_end"],)),
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
    )


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small model, its weights in several."""
    folder = tmp_path_factory.mktemp("checkpoint")
    config = small_config(small_vocabulary(folder))
    torch.manual_seed(1)
    model = QwenVL(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    save(model, folder, shard_bytes=120_000)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def shards(checkpoint: dict[str, bytes]) -> list[str]:
    names = [name for name in checkpoint if name.endswith(".safetensors")]
    assert len(names) > 2
    return names


@pytest.fixture
def put(tmp_path: Path, checkpoint: dict[str, bytes]) -> Callable[..., Path]:
    """Writes the small model to a folder; what is None is left out, other files are written as given."""

    def put(name: str = "model", **changes: bytes | None) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for file, data in {**checkpoint, **{n.replace("__", "."): d for n, d in changes.items()}}.items():
            if data is not None:
                (folder / file).write_bytes(data)
        return folder

    return put


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with disable_progress_bars():
        server = FakeHub()
        try:
            yield server
        finally:
            server.close()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("DOCPARSE_")]:
        monkeypatch.delenv(name)


def downloaded(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


# ------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["3b", "3B", "qwen2.5-vl-3b", "Qwen2.5-VL-3B", "Qwen2.5-VL-3B-Instruct", THREE])
def test_a_published_model_has_several_names(name: str) -> None:
    model = recognise(name)
    assert model is not None
    assert (model.name, model.repository, model.size) == ("qwen2.5-vl-3b", THREE, "3B")


def test_other_models_are_called_as_on_the_hub() -> None:
    model = recognise("some.owner/fine-tuned_7B")
    assert model is not None
    assert (model.name, model.repository) == ("some.owner--fine-tuned_7B", "some.owner/fine-tuned_7B")


@pytest.mark.parametrize("name", ["", "5b", "qwen", "a/b/c", "../up", "owner/..", "/etc", "a b/c", "owner/"])
def test_other_words_are_no_names(name: str) -> None:
    assert recognise(name) is None


def test_a_path_that_exists_wins_over_a_name(
    put: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    here, kept_one = put("3b"), put("store/qwen2.5-vl-3b")
    assert find("3b", store) == kept_one
    monkeypatch.chdir(tmp_path)
    assert find("3b", store).resolve() == here
    assert find(here, store) == here
    assert find(str(tmp_path), store) == tmp_path  # whatever is in it: that is for verify to say


def test_the_store_is_that_of_the_settings(
    put: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put("store/qwen2.5-vl-7b")
    monkeypatch.setenv("DOCPARSE_MODELS_DIR", str(tmp_path / "store"))
    assert find("7b") == folder


def test_a_model_that_is_not_here_says_how_to_get_it(put: Callable[..., Path], tmp_path: Path) -> None:
    for name, command in (("3b", "docparse models pull 3b"), ("owner/name", "docparse models pull owner/name")):
        with pytest.raises(EngineUnavailable, match="is not in") as caught:
            find(name, tmp_path)
        assert command in str(caught.value)
    with pytest.raises(EngineUnavailable, match=r"neither a folder nor a model's name\. Names: qwen2\.5-vl-3b, "):
        find("no/such/folder", tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EngineUnavailable, match="is a file"):
        find(file, tmp_path)


def test_a_model_of_which_parts_are_missing_is_not_found(
    put: Callable[..., Path], tmp_path: Path, shards: list[str]
) -> None:
    folder = put("qwen2.5-vl-3b")
    assert complete(folder)
    (folder / shards[1]).unlink()
    assert not complete(folder)
    with pytest.raises(EngineUnavailable, match="only parts of the model 3b"):
        find("3b", tmp_path)
    assert find("3b", tmp_path, whole=False) == folder
    (folder / "model.safetensors.index.json").write_text("[]")
    assert not complete(folder)
    (folder / "model.safetensors.index.json").unlink()
    assert not complete(folder)
    (folder / "model.safetensors").touch()
    assert complete(folder)
    (folder / "config.json").unlink()
    assert not complete(folder)


def test_what_is_kept(put: Callable[..., Path], tmp_path: Path) -> None:
    assert kept(tmp_path / "nowhere") == []
    for name in ("qwen2.5-vl-32b", "owner--name", "something else", "3b"):
        (tmp_path / "store" / name).mkdir(parents=True)
    assert [model.repository for model in kept(tmp_path / "store")] == ["owner/name", "Qwen/Qwen2.5-VL-32B-Instruct"]


# --------------------------------------------------------------------------------------------- fetching


def test_a_model_is_fetched_and_whole(hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path) -> None:
    more = {
        "pytorch_model.bin": b"pickle",
        "weights.pt": b"pickle",
        "README.md": b"read me",
        "onnx/model.safetensors": b"another form",
        "chat_template.jinja": b"{{ messages }}",
    }
    hub.put(THREE, {**checkpoint, **more})
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert folder == tmp_path / "qwen2.5-vl-3b"
    assert downloaded(folder) == {*checkpoint, "chat_template.jinja"}
    assert not (folder / "onnx").exists()
    assert all((folder / name).read_bytes() == data for name, data in checkpoint.items())
    assert find("3b", tmp_path) == folder
    assert all(finding.fine for finding in verify(folder, machine=False, checksum=True))


def test_a_second_time_nothing_is_fetched_and_a_damaged_file_is_mended(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, shards: list[str]
) -> None:
    hub.put(THREE, checkpoint)
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert set(hub.got.values()) == {1}
    pull("3b", tmp_path, endpoint=hub.url)
    assert set(hub.got.values()) == {1}
    os.truncate(folder / shards[0], 1000)
    (folder / shards[1]).unlink()
    pull("3b", tmp_path, endpoint=hub.url)
    assert {name for name, times in hub.got.items() if times == 2} == {shards[0], shards[1]}
    assert (folder / shards[0]).read_bytes() == checkpoint[shards[0]]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, shards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
    hub.put(THREE, checkpoint)
    hub.cut.add(shards[0])
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert (folder / shards[0]).read_bytes() == checkpoint[shards[0]]
    (resumed,) = hub.ranges
    assert resumed[0] == shards[0]
    assert int(resumed[1].removeprefix("bytes=").rstrip("-")) > 4096


def test_a_revision_can_be_named(hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path) -> None:
    old = hub.put(THREE, {**checkpoint, "note.txt": b"old"}, "v1")
    hub.put(THREE, {**checkpoint, "note.txt": b"new"})
    for revision, says in ((None, "new"), ("v1", "old"), (old, "old")):
        folder = pull("3b", tmp_path, revision=revision, endpoint=hub.url)
        assert (folder / "note.txt").read_text() == says


def test_what_arrives_is_verified(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, shards: list[str]
) -> None:
    broken = {**checkpoint, shards[0]: checkpoint[shards[0]][:-10]}
    hub.put(THREE, broken)
    with pytest.raises(EngineUnavailable, match=f"cannot be used: weights: {shards[0]} is damaged"):
        pull("3b", tmp_path, endpoint=hub.url)
    hub.put("owner/other", {"config.json": b'{"model_type": "qwen2_vl"}', "model.safetensors": b""})
    with pytest.raises(EngineUnavailable, match="this is a Qwen2-VL checkpoint"):
        pull("owner/other", tmp_path, endpoint=hub.url)


@pytest.mark.parametrize(
    ("refuse", "says", "hint"),
    [
        ({THREE: (404, "RepoNotFound")}, "the hub has no such model, or it is private", "hf auth login"),
        ({THREE: (401, "GatedRepo")}, "its owner wants its terms accepted", "hf auth login"),
        ({"config.json": (403, "GatedRepo")}, "its owner wants its terms accepted", "hf auth login"),
        ({THREE: (403, "")}, "the hub answered with an error (403)", "hf auth login"),
        ({THREE: (503, "")}, "the hub answered with an error (503)", "run it again"),
    ],
)
def test_what_the_hub_refuses_is_said(
    refuse: dict[str, tuple[int, str]],
    says: str,
    hint: str,
    hub: FakeHub,
    checkpoint: dict[str, bytes],
    tmp_path: Path,
) -> None:
    hub.put(THREE, checkpoint)
    hub.refuse = refuse
    with pytest.raises(EngineUnavailable) as caught:
        pull("3b", tmp_path, endpoint=hub.url)
    assert caught.value.message == f"{THREE} cannot be fetched: {says}."
    assert hint in (caught.value.hint or "")


def test_what_the_hub_does_not_have_is_said(hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path) -> None:
    hub.put(THREE, checkpoint)
    with pytest.raises(EngineUnavailable, match="it has no revision 'v9'"):
        pull("3b", tmp_path, revision="v9", endpoint=hub.url)
    with pytest.raises(EngineUnavailable, match="the hub has no such model"):
        pull("owner/none", tmp_path, endpoint=hub.url)
    hub.put("owner/pickled", {"config.json": checkpoint["config.json"], "pytorch_model.bin": b"pickle"})
    with pytest.raises(EngineUnavailable, match="has no weights as safetensors"):
        pull("owner/pickled", tmp_path, endpoint=hub.url)
    with pytest.raises(SettingsError, match=r"there is no model '5b'\. Name one of qwen2\.5-vl-3b, "):
        pull("5b", tmp_path, endpoint=hub.url)
    assert not list(tmp_path.iterdir())


def test_a_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable, match=r"the hub cannot be reached \(.*\)\. Files that have arrived"):
        pull("3b", tmp_path, endpoint="http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()  # it is asked when a session is made
    try:
        with pytest.raises(EngineUnavailable, match="HF_HUB_OFFLINE forbids it") as caught:
            pull("3b", tmp_path)
    finally:
        huggingface_hub.close_session()
    assert "as qwen2.5-vl-3b" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full. Make room."),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "/x/y cannot be written (Permission denied)."),
        (OSError("Consistency check failed: file should be of size 9\nbut has size 8"), "be of size 9 but has size 8."),
        (TimeoutError("timed out"), "the hub cannot be reached (timed out)."),
        (RuntimeError("reconstruction failed"), "reconstruction failed."),
        (hub_errors.LocalEntryNotFoundError("no cause"), "no cause."),
    ],
)
def test_what_goes_wrong_while_fetching_is_said(
    error: Exception,
    says: str,
    hub: FakeHub,
    checkpoint: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.put(THREE, checkpoint)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(EngineUnavailable) as caught:
        pull("3b", tmp_path, endpoint=hub.url)
    assert f"{THREE} cannot be fetched: " in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cause_of_a_missing_file_is_what_is_told(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(THREE, checkpoint)

    def fail(*_: Any, **__: Any) -> None:
        raise hub_errors.LocalEntryNotFoundError("long words") from ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(EngineUnavailable, match=r"the hub cannot be reached \(no route\)\."):
        pull("3b", tmp_path, endpoint=hub.url)


def test_the_room_on_the_disk_is_looked_at_first(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, shards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = sum(len(data) for data in checkpoint.values()) - 1

    hub.put(THREE, checkpoint)
    monkeypatch.setattr(model_store.shutil, "disk_usage", lambda _: Usage)
    store = tmp_path / "not" / "yet"
    with pytest.raises(EngineUnavailable, match=r"takes 0\.0 GB more, and .* has 0\.0 GB free\. Make room"):
        pull("3b", store, endpoint=hub.url)
    assert not hub.got
    assert not store.exists()
    # What is there already needs no more room.
    folder = store / "qwen2.5-vl-3b"
    folder.mkdir(parents=True)
    (folder / shards[0]).write_bytes(checkpoint[shards[0]])
    assert pull("3b", store, endpoint=hub.url) == folder


def test_a_store_that_cannot_be_written(hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path) -> None:
    hub.put(THREE, checkpoint)
    (tmp_path / "file").touch()
    with pytest.raises(EngineUnavailable, match=r"cannot be fetched: .*file"):
        pull("3b", tmp_path / "file" / "store", endpoint=hub.url)


# -------------------------------------------------------------------------------------------- verifying


def wrong(folder: Path, **how: Any) -> list[Finding]:
    return [finding for finding in verify(folder, machine=False, **how) if not finding.fine]


def test_a_whole_model(put: Callable[..., Path], shards: list[str]) -> None:
    folder = put()
    found = {finding.part: finding for finding in verify(folder, machine=False)}
    assert all(finding.fine for finding in found.values())
    count = parameter_counts(ModelConfig.from_folder(folder)).total
    assert found["configuration"].state == f"Qwen2.5-VL, {count:,} parameters, float32"
    assert found["tokenizer"].state == "300 tokens"
    assert found["weights"].state.startswith(f"all tensors in {len(shards)} files, ")


def test_a_model_saved_by_transformers(tmp_path: Path) -> None:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    config = small_config(small_vocabulary(tmp_path))
    content = {key: value for key, value in config.to_json().items() if key != "architectures"}
    Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**content)).save_pretrained(tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert [finding.part for finding in wrong(tmp_path)] == ["pictures"]


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"config__json": None}, "configuration", "has no config.json"),
        ({"config__json": b"{"}, "configuration", "cannot be read"),
        ({"config__json": b'{"model_type": "qwen3_vl"}'}, "configuration", "this is a Qwen3-VL checkpoint"),
        ({"tokenizer__json": None, "vocab__json": None}, "tokenizer", "neither tokenizer.json nor vocab.json"),
        ({"tokenizer__json": None, "merges__txt": None}, "tokenizer", "vocab.json without merges.txt"),
        ({"model__safetensors__index__json": None}, "weights", "its download is incomplete"),
        ({"model__safetensors__index__json": b"{}"}, "weights", "does not say which file holds which tensor"),
    ],
)
def test_what_is_missing_is_named(
    changes: dict[str, bytes | None], part: str, says: str, put: Callable[..., Path]
) -> None:
    (finding,) = wrong(put(**changes))
    assert finding.part == part
    assert finding.needed
    assert says in finding.state


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"preprocessor_config__json": None}, "pictures", "pictures are made smaller than 1,003,520 pixels"),
        ({"generation_config__json": None}, "end of an answer", "does not say which token ends an answer"),
    ],
)
def test_what_changes_the_result_is_told_and_stops_nothing(
    changes: dict[str, bytes | None], part: str, says: str, put: Callable[..., Path], checkpoint: dict[str, bytes]
) -> None:
    config = json.loads(checkpoint["config.json"])
    config["text_config"].pop("eos_token_id", None)
    (finding,) = wrong(put(config__json=json.dumps(config).encode(), **changes))
    assert (finding.part, finding.needed) == (part, False)
    assert says in finding.state


def test_every_damaged_file_is_named_with_its_sizes(put: Callable[..., Path], shards: list[str]) -> None:
    folder = put()
    size = (folder / shards[0]).stat().st_size
    os.truncate(folder / shards[0], size - 500)
    (folder / shards[1]).unlink()
    (folder / shards[2]).write_bytes(b"<html>not found</html>")
    cut, gone, other = wrong(folder)
    assert f"{shards[0]} is damaged ({size - 500} bytes instead of {size})" in cut.state
    assert f"{shards[1]} is missing" in gone.state
    assert f"{shards[2]} is damaged (22 bytes that are no safetensors file)" in other.state


def test_tensors_that_do_not_fit_the_configuration_are_named(
    put: Callable[..., Path], checkpoint: dict[str, bytes]
) -> None:
    config = json.loads(checkpoint["config.json"])
    config["text_config"]["num_hidden_layers"] = 3
    config["text_config"]["vocab_size"] = 320
    (finding,) = wrong(put(config__json=json.dumps(config).encode()))
    assert "12 tensors are missing: model.layers.2." in finding.state
    assert "2 tensors have another shape than config.json says" in finding.state
    assert "[304, 32] instead of [320, 32]" in finding.state


def test_a_tokenizer_of_another_model_is_told(put: Callable[..., Path], checkpoint: dict[str, bytes]) -> None:
    config = json.loads(checkpoint["config.json"])
    config["image_token_id"] = 7
    (finding,) = wrong(put(config__json=json.dumps(config).encode()))
    assert (finding.part, finding.needed) == ("tokenizer", True)
    assert "as 290, config.json as 7" in finding.state


def test_checksums(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path, put: Callable[..., Path], shards: list[str]
) -> None:
    (finding,) = wrong(put(), checksum=True)
    assert (finding.part, finding.needed) == ("checksums", False)
    hub.put(THREE, checkpoint)
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert Finding("checksums", f"{len(checkpoint)} files are what the hub has") in verify(folder, checksum=True)
    for name in (shards[0], "tokenizer.json"):  # of the same length, so that only their sums differ
        data = checkpoint[name]
        (folder / name).write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    assert not [finding for finding in wrong(folder) if finding.part == "weights"]
    bad = [finding for finding in wrong(folder, checksum=True) if finding.part == "checksums"]
    assert [finding.state.split()[0] for finding in bad] == [shards[0], "tokenizer.json"]
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
    put: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = put(config__json=json.dumps(PUBLISHED["7B"].to_json()).encode())
    monkeypatch.setattr(model_check, "free_on_cards", lambda: [size * 10**9 for size in cards])
    monkeypatch.setattr(model_check, "free_memory", lambda: main and main * 10**9)
    found = memory(folder)
    assert set(found) == set(expected)
    for part, (fine, says) in expected.items():
        assert found[part].fine == fine
        assert not found[part].needed
        assert says in found[part].state


# ------------------------------------------------------------------------------------------ the command


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["models", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_the_list(put: Callable[..., Path], tmp_path: Path, shards: list[str]) -> None:
    put("qwen2.5-vl-7b")
    (put("qwen2.5-vl-32b") / shards[0]).unlink()
    put("owner--tuned")
    put("owner--broken", config__json=b"{}")
    code, said = run("list", "--models-dir", str(tmp_path))
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[1:]}
    assert rows["qwen2.5-vl-3b"] == ["3.75", "B", "7.5", "GB", "9.8", "GB", "no"]
    assert rows["qwen2.5-vl-7b"] == ["0.00", "B", "0.0", "GB", "0.1", "GB", "yes"]
    assert rows["qwen2.5-vl-32b"][-2:] == ["in", "part"]
    assert rows["owner/tuned"][-1] == "yes"
    assert rows["owner/broken"][0] == "?"
    assert str(tmp_path) in said


def test_paths(put: Callable[..., Path], tmp_path: Path) -> None:
    folder = put("qwen2.5-vl-3b")
    assert run("path", "--models-dir", str(tmp_path)) == (0, f"{tmp_path}\n")
    assert run("path", "3b", "--models-dir", str(tmp_path)) == (0, f"{folder}\n")
    code, said = run("path", "7b", "--models-dir", str(tmp_path))
    assert code == 1
    assert said.endswith("Get it with: docparse models pull 7b [engine.unavailable]\n")
    assert said.count("\n") == 1


def test_verify_says_whether_it_is_whole(put: Callable[..., Path], tmp_path: Path, shards: list[str]) -> None:
    folder = put("qwen2.5-vl-3b")
    code, said = run("verify", str(folder))
    assert code == 0
    assert "main memory" in said
    (folder / shards[0]).unlink()
    code, said = run("verify", "3b", "--models-dir", str(tmp_path))
    assert code == 1
    assert f"{shards[0]} is missing" in said
    code, said = run("verify", str(tmp_path / "none"))
    assert code == 1
    assert said.endswith(" [engine.unavailable]\n")


def test_wrong_usage_is_2() -> None:
    assert run("pull", "5b")[0] == 2
    assert run("pull")[0] == 2
    assert run("verify")[0] == 2
    assert run("steal")[0] == 2


def test_models_need_packages_and_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tokenizers" else there(name))
    for words in (("list",), ("pull", "3b"), ("verify", ".")):
        code, said = run(*words)
        assert code == 1
        assert "models need tokenizers, which is not installed. pip install 'docparse[qwen]'" in said


def test_the_program_fetches_a_model(hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path) -> None:
    """The whole way once, as a user goes it."""
    hub.put(THREE, checkpoint)
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(docparse.__file__).parents[1]),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "DOCPARSE_MODELS_DIR": str(tmp_path / "store"),
    }
    words = [sys.executable, "-m", "docparse", "models", "pull", "3b"]
    result = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'store' / 'qwen2.5-vl-3b'}\n"
    assert "3b is here and whole." in result.stderr
    hub.refuse[THREE] = (503, "")
    result = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert result.stderr.startswith(f"docparse: {THREE} cannot be fetched: the hub answered with an error (503).")
    assert result.stderr.endswith("[engine.unavailable]\n")
    assert "Traceback" not in result.stderr


def test_the_names_are_those_of_the_published_shapes() -> None:
    assert [model.size for model in model_store.MODELS] == list(PUBLISHED)
    assert model_store.MODELS[0].repository == THREE
