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


def test_ray_and_the_process_pool_are_compared_in_the_middle_of_their_runs() -> None:
    import batch_ray
    from batch_ray import Pass
    from soak_corpus import Corpus

    corpus = Corpus((Path("a.pdf"), Path("b.pdf")), frozenset(), {Path("a.pdf"): 60, Path("b.pdf"): 40})
    pool = [Pass(11, 1, 0, cpu=21, speed=10, effort=0.20), Pass(22, 2, 0.2, cpu=22, speed=5, effort=0.20)]
    ray = [Pass(40, 20, 2, cpu=52, speed=8, effort=0.22), Pass(45, 20, 4, cpu=52, speed=4.5, effort=0.22)]
    figures = batch_ray._figures(corpus, {"pool": pool, "ray": ray})
    assert figures["speed"] == pytest.approx((0.8 + 0.9) / 2)
    assert figures["cpu"] == pytest.approx(1.1)
    assert figures["start"] == {"pool": 1.5, "ray": 20.0}
    assert figures["end"] == {"pool": 0.1, "ray": 3.0}
    assert figures["pages_per_second"] == {"pool": 7.5, "ray": 6.25}
    assert figures["cpu_ms_per_page"]["pool"] == 200.0


def test_the_middle_of_a_run_has_neither_its_start_nor_its_end() -> None:
    from batch_ray import Seen, passed

    # Twenty seconds until readers are there, fifty pages in five, and three more to take everything down.
    seen = [Seen(float(t), min(max(10 * (t - 20), 0), 50), 2.0 * t) for t in range(29)]
    run = passed(seen, 28.5)
    assert (run.seconds, run.start, run.end, run.cpu) == (28.5, 21.0, 3.5, 56.0)
    assert (run.speed, run.effort) == (10.0, 0.2)
    with pytest.raises(ValueError, match="too short"):
        passed([Seen(0.0, 0, 0.0), Seen(0.2, 5, 1.0)], 0.3)


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
