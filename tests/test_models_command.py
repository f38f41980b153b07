"""``docparse models`` as users run it: what it prints, and its exit codes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import docparse
from docparse import cli
from tests.fake_hub import FakeHub
from tests.small_checkpoint import files, put, shards

THREE = "Qwen/Qwen2.5-VL-3B-Instruct"
PULL = [sys.executable, "-m", "docparse", "models", "pull", "3b"]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    server = FakeHub()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("DOCPARSE_")]:
        monkeypatch.delenv(name)


def environment(hub: FakeHub, folder: Path) -> dict[str, str]:
    """That of a program whose hub is ``hub``, and which keeps everything in ``folder``."""
    return {
        **os.environ,
        "PYTHONPATH": str(Path(docparse.__file__).parents[1]),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "DOCPARSE_MODELS_DIR": str(folder / "store"),
    }


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["models", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_the_list(tmp_path: Path) -> None:
    put(tmp_path / "qwen2.5-vl-7b")
    (put(tmp_path / "qwen2.5-vl-32b") / shards()[0]).unlink()
    put(tmp_path / "owner--tuned")
    put(tmp_path / "owner--broken", {"config.json": b"{}"})
    code, said = run("list", "--models-dir", str(tmp_path))
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[1:]}
    assert rows["qwen2.5-vl-3b"] == ["3.75", "B", "7.5", "GB", "9.8", "GB", "no"]
    assert rows["qwen2.5-vl-7b"] == ["0.00", "B", "0.0", "GB", "0.1", "GB", "yes"]
    assert rows["qwen2.5-vl-32b"][-2:] == ["in", "part"]
    assert rows["owner/tuned"][-1] == "yes"
    assert rows["owner/broken"][0] == "?"
    assert str(tmp_path) in said


def test_paths(tmp_path: Path) -> None:
    folder = put(tmp_path / "qwen2.5-vl-3b")
    assert run("path", "--models-dir", str(tmp_path)) == (0, f"{tmp_path}\n")
    assert run("path", "3b", "--models-dir", str(tmp_path)) == (0, f"{folder}\n")
    code, said = run("path", "7b", "--models-dir", str(tmp_path))
    assert code == 1
    assert said.endswith("Get it with: docparse models pull 7b [engine.unavailable]\n")
    assert said.count("\n") == 1


def test_verify_says_whether_it_is_whole(tmp_path: Path) -> None:
    folder = put(tmp_path / "qwen2.5-vl-3b")
    code, said = run("verify", str(folder))
    assert code == 0
    assert "main memory" in said
    (folder / shards()[0]).unlink()
    code, said = run("verify", "3b", "--models-dir", str(tmp_path))
    assert code == 1
    assert f"{shards()[0]} is missing" in said
    code, said = run("verify", str(tmp_path / "none"))
    assert code == 1
    assert said.endswith(" [engine.unavailable]\n")


def test_wrong_usage_is_2() -> None:
    assert run("pull", "5b")[0] == 2
    assert run("pull")[0] == 2
    assert run("verify")[0] == 2
    assert run("steal")[0] == 2


def test_models_need_packages_and_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tokenizers" else there(name))
    assert run("list")[0] == 0  # sizes can be had without
    for words in (("pull", "3b"), ("verify", ".")):
        code, said = run(*words)
        assert code == 1
        assert "models need tokenizers, which is not installed. pip install 'docparse[qwen]'" in said


def test_the_program_fetches_a_model(hub: FakeHub, tmp_path: Path) -> None:
    """The whole way once, as a user goes it."""
    hub.put(THREE, files())
    env = environment(hub, tmp_path)
    result = subprocess.run(PULL, env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'store' / 'qwen2.5-vl-3b'}\n"
    assert "3b is here and whole." in result.stderr
    hub.refuse[THREE] = (503, "")
    result = subprocess.run(PULL, env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert result.stderr.startswith(f"docparse: {THREE} cannot be fetched: the hub answered with an error (503).")
    assert result.stderr.endswith("[engine.unavailable]\n")
    assert "Traceback" not in result.stderr


def test_ctrl_c_ends_it_at_once_and_keeps_what_is_whole(hub: FakeHub, tmp_path: Path) -> None:
    (*others, last) = sorted(files(), key=lambda name: len(files()[name]))
    hub.put(THREE, files())
    hub.hold.add(last)
    program = subprocess.Popen(PULL, env=environment(hub, tmp_path), stderr=subprocess.PIPE, text=True)
    try:
        assert hub.holding.wait(60)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=60)  # the hub never sends the rest of the last file
    finally:
        program.kill()
    assert program.returncode == cli.INTERRUPTED
    assert "Traceback" not in said
    folder = tmp_path / "store" / "qwen2.5-vl-3b"
    assert {path.name for path in folder.iterdir() if path.is_file()} == set(others)
    assert not list(folder.rglob("*.incomplete"))
