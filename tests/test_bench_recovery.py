"""``docparse bench recovery`` works; nothing here says how fast anything is."""

from __future__ import annotations

from pathlib import Path

from tests.quick_bench import quick


def test_recovery_the_watch_and_the_remote_engine(tmp_path: Path) -> None:
    results = quick("recovery", tmp_path)
    assert results["faults"]["loops"]
    assert all(cost > 0 for cost in results["microseconds_per_token"].values())
    assert set(results["pages_per_second"]) == {"bare", "unwatched", "client", "ready", "engine"}
    assert all(rate > 0 for rates in results["pages_per_second"].values() for rate in rates)
    assert [count for count, _, _ in results["memory_pages_rss_uss_mib"]] == [10, 20]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md"]
