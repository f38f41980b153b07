"""``docparse bench model`` works; nothing here says how fast anything is."""

from __future__ import annotations

from pathlib import Path

from tests.quick_bench import quick


def test_the_model_beside_transformers(tmp_path: Path) -> None:
    results = quick("model", tmp_path)
    assert results["page"]["same_ids"] is True
    assert set(results["page"]["programs"]) == {"docparse", "transformers"}
    assert all(m["peak"] >= m["loaded"] > 0 < m["decode"] for m in results["page"]["programs"].values())
    assert [row[0] for row in results["tower"]] == [256, 768]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md", ".png"]
