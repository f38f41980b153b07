"""Where models are kept, what they are called, and fetching them from a hub."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub import errors as hub_errors
from huggingface_hub.utils import disable_progress_bars

from docparse import model_store
from docparse.errors import EngineUnavailable, SettingsError
from docparse.model.published import PUBLISHED
from docparse.model_check import verify
from docparse.model_store import complete, find, kept, pull, recognise
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


def test_a_path_that_exists_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    here, kept_one = put(tmp_path / "3b"), put(store / "qwen2.5-vl-3b")
    assert find("3b", store) == kept_one
    monkeypatch.chdir(tmp_path)
    assert find("3b", store).resolve() == here
    assert find(here, store) == here
    assert find(str(tmp_path), store) == tmp_path  # whatever is in it: that is for verify to say


def test_the_store_is_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "store" / "qwen2.5-vl-7b")
    monkeypatch.setenv("DOCPARSE_MODELS_DIR", str(tmp_path / "store"))
    assert find("7b") == folder


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
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


def test_a_model_of_which_parts_are_missing_is_not_found(tmp_path: Path) -> None:
    folder = put(tmp_path / "qwen2.5-vl-3b")
    assert complete(folder)
    (folder / shards()[1]).unlink()
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


def test_what_is_kept(tmp_path: Path) -> None:
    assert kept(tmp_path / "nowhere") == []
    for name in ("qwen2.5-vl-32b", "owner--name", "something else", "3b"):
        (tmp_path / "store" / name).mkdir(parents=True)
    assert [model.repository for model in kept(tmp_path / "store")] == ["owner/name", "Qwen/Qwen2.5-VL-32B-Instruct"]


# --------------------------------------------------------------------------------------------- fetching


def test_a_model_is_fetched_and_whole(hub: FakeHub, tmp_path: Path) -> None:
    more = {
        "pytorch_model.bin": b"pickle",
        "weights.pt": b"pickle",
        "README.md": b"read me",
        "onnx/model.safetensors": b"another form",
        "chat_template.jinja": b"{{ messages }}",
    }
    hub.put(THREE, {**files(), **more})
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert folder == tmp_path / "qwen2.5-vl-3b"
    assert downloaded(folder) == {*files(), "chat_template.jinja"}
    assert not (folder / "onnx").exists()
    assert all((folder / name).read_bytes() == data for name, data in files().items())
    assert find("3b", tmp_path) == folder
    assert all(finding.fine for finding in verify(folder, machine=False, checksum=True))


def test_a_second_time_nothing_is_fetched_and_a_damaged_file_is_mended(hub: FakeHub, tmp_path: Path) -> None:
    hub.put(THREE, files())
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert set(hub.got.values()) == {1}
    pull("3b", tmp_path, endpoint=hub.url)
    assert set(hub.got.values()) == {1}
    os.truncate(folder / shards()[0], 1000)
    (folder / shards()[1]).unlink()
    pull("3b", tmp_path, endpoint=hub.url)
    assert {name for name, times in hub.got.items() if times == 2} == {shards()[0], shards()[1]}
    assert (folder / shards()[0]).read_bytes() == files()[shards()[0]]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
    hub.put(THREE, files())
    hub.cut.add(shards()[0])
    folder = pull("3b", tmp_path, endpoint=hub.url)
    assert (folder / shards()[0]).read_bytes() == files()[shards()[0]]
    (resumed,) = hub.ranges
    assert resumed[0] == shards()[0]
    assert int(resumed[1].removeprefix("bytes=").rstrip("-")) > 4096


def test_a_revision_can_be_named(hub: FakeHub, tmp_path: Path) -> None:
    old = hub.put(THREE, {**files(), "note.txt": b"old"}, "v1")
    hub.put(THREE, {**files(), "note.txt": b"new"})
    for revision, says in ((None, "new"), ("v1", "old"), (old, "old")):
        folder = pull("3b", tmp_path, revision=revision, endpoint=hub.url)
        assert (folder / "note.txt").read_text() == says


def test_what_arrives_is_verified(hub: FakeHub, tmp_path: Path) -> None:
    broken = {**files(), shards()[0]: files()[shards()[0]][:-10]}
    hub.put(THREE, broken)
    with pytest.raises(EngineUnavailable, match=f"cannot be used: weights: {shards()[0]} is damaged"):
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
    tmp_path: Path,
) -> None:
    hub.put(THREE, files())
    hub.refuse = refuse
    with pytest.raises(EngineUnavailable) as caught:
        pull("3b", tmp_path, endpoint=hub.url)
    assert caught.value.message == f"{THREE} cannot be fetched: {says}."
    assert hint in (caught.value.hint or "")


def test_what_the_hub_does_not_have_is_said(hub: FakeHub, tmp_path: Path) -> None:
    hub.put(THREE, files())
    with pytest.raises(EngineUnavailable, match="it has no revision 'v9'"):
        pull("3b", tmp_path, revision="v9", endpoint=hub.url)
    with pytest.raises(EngineUnavailable, match="the hub has no such model"):
        pull("owner/none", tmp_path, endpoint=hub.url)
    hub.put("owner/pickled", {"config.json": files()["config.json"], "pytorch_model.bin": b"pickle"})
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.put(THREE, files())

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(EngineUnavailable) as caught:
        pull("3b", tmp_path, endpoint=hub.url)
    assert f"{THREE} cannot be fetched: " in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cause_of_a_missing_file_is_what_is_told(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(THREE, files())

    def fail(*_: Any, **__: Any) -> None:
        raise hub_errors.LocalEntryNotFoundError("long words") from ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(EngineUnavailable, match=r"the hub cannot be reached \(no route\)\."):
        pull("3b", tmp_path, endpoint=hub.url)


def test_the_room_on_the_disk_is_looked_at_first(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = sum(len(data) for data in files().values()) - 1

    hub.put(THREE, files())
    monkeypatch.setattr(model_store.shutil, "disk_usage", lambda _: Usage)
    store = tmp_path / "not" / "yet"
    with pytest.raises(EngineUnavailable, match=r"takes 0\.0 GB more, and .* has 0\.0 GB free\. Make room"):
        pull("3b", store, endpoint=hub.url)
    assert not hub.got
    assert not store.exists()
    # What is there already needs no more room.
    folder = store / "qwen2.5-vl-3b"
    folder.mkdir(parents=True)
    (folder / shards()[0]).write_bytes(files()[shards()[0]])
    assert pull("3b", store, endpoint=hub.url) == folder


def test_a_store_that_cannot_be_written(hub: FakeHub, tmp_path: Path) -> None:
    hub.put(THREE, files())
    (tmp_path / "file").touch()
    with pytest.raises(EngineUnavailable, match=r"cannot be fetched: .*file"):
        pull("3b", tmp_path / "file" / "store", endpoint=hub.url)


def test_the_names_are_those_of_the_published_shapes() -> None:
    assert [model.size for model in model_store.MODELS] == list(PUBLISHED)
    assert model_store.MODELS[0].repository == THREE
