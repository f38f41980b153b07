"""What is left of this machine's memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docparse import machine


def test_the_main_memory_that_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = machine.free_memory()
    assert free is not None
    assert 0 < free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_CGROUP_LIMIT", limit)
    limit.write_text("1000000\n")
    assert machine.free_memory() == 1_000_000
    limit.write_text("max\n")
    assert (machine.free_memory() or 0) > 1_000_000


@pytest.mark.parametrize(
    ("script", "free"),
    [
        ("echo 81559; echo 1024", [81559 * 2**20, 2**30]),
        ("echo '[N/A]'", []),
        ("echo 81559; exit 9", []),
        (None, []),
    ],
)
def test_the_memory_of_cards_is_the_drivers_word(
    script: str | None, free: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.free_on_cards() == free
