"""The Ray part of ``docparse bench batch``: what it makes of its runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS.parents[1])


def test_ray_and_the_process_pool_are_compared_without_their_start() -> None:
    import batch_ray
    from batch_ray import Pass
    from soak_corpus import Corpus

    corpus = Corpus((Path("a.pdf"), Path("b.pdf")), frozenset(), {Path("a.pdf"): 60, Path("b.pdf"): 40})
    pool = [Pass(11.0, 1.0, cpu=21.0, start_cpu=1.0), Pass(22.0, 2.0, cpu=22.0, start_cpu=2.0)]
    ray = [Pass(40.0, 20.0, cpu=52.0, start_cpu=30.0), Pass(45.0, 20.0, cpu=52.0, start_cpu=30.0)]
    figures = batch_ray._figures(corpus, {"pool": pool, "ray": ray})
    assert figures["speed"] == pytest.approx((10 / 20 + 20 / 25) / 2)
    assert figures["cpu"] == pytest.approx(22 / 20)
    assert figures["start"] == {"pool": 1.5, "ray": 20.0}
    assert figures["pages_per_second"]["ray"] == pytest.approx((100 / 20 + 100 / 25) / 2)
    assert figures["cpu_ms_per_page"]["pool"] == 200.0


@pytest.mark.skipif(sys.platform != "linux", reason="processor time is read from /proc")
def test_processor_time_of_a_process_counts_when_it_has_ended() -> None:
    from batch_ray import Meter

    burn = "import time, sys\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        meter = Meter(process.pid)
        before = meter.seconds()
        process.communicate()
    assert 0.2 < before <= meter.seconds()
