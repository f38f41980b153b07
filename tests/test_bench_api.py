"""``docparse bench api`` works; nothing here says how fast anything is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.quick_bench import quick


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_service_beside_the_library_under_load_and_attack(tmp_path: Path) -> None:
    results = quick("api", tmp_path)
    assert all(figures["service"] and figures["library"] for figures in results["overhead"].values())
    assert all(figures["per_second"] > 0 for figures in results["requests"].values())
    assert results["load"]["errors"] == 0
    assert results["load"]["healthz"]["count"] > 3
    assert results["restart"]["jobs"] > 0
    kills = results["kills"]
    assert kills["jobs"] >= 3 * kills["kills"]
    assert not any(kills[name] for name in ("lost", "unfinished", "twice", "rewritten", "half", "left"))
    assert results["hostile"]["good"]["wrong"] == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md"]
