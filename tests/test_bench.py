"""The harness of the benchmarks works; nothing here says how fast anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pymupdf
import pytest
from typer.testing import CliRunner

from docparse.cli import USAGE, app
from docparse.commands import bench

BENCHMARKS = Path(__file__).parent / "benchmarks"
SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS.parents[1])


@pytest.fixture
def no_peers() -> object:
    from programs import Peers

    class NoPeers(Peers):
        def __init__(self) -> None:
            self.python = sys.executable
            self.versions = {"liteparse": None, "pymupdf4llm": None, "rapidocr": None, "pymupdf": pymupdf.VersionBind}

    return NoPeers()


def test_a_small_run_without_peers(tmp_path: Path, no_peers: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import bench_embedded
    import corpus
    import report

    monkeypatch.setattr(corpus, "born_digital", lambda data: [SAMPLES / "invoice.pdf"])
    monkeypatch.setattr(corpus, "scans", lambda data: [SAMPLES / "eurotext.tif"])
    plan = bench_embedded.Plan(rounds=1, pages=2, long_pages=3, limit=None, data=None)
    said: list[str] = []
    found = report.Report("embedded", report.machine(1, {"liteparse": None}))
    run = bench_embedded.Bench(plan, no_peers, tmp_path, found, said.append)
    run.digital()
    run.scans()
    run.memory()
    run.latency()
    run.accuracy()
    assert "accuracy: not measured, there is no evaluation data (--data DIR)" in said

    results = json.loads(found.json())["results"]
    ours = results["digital"]["programs"]["docparse"]
    assert results["digital"]["pages"] == 2
    assert ours["pages_per_second"] == pytest.approx(2 / ours["seconds"], rel=0.05)
    assert results["digital"]["programs"]["liteparse"] == {"note": 'not installed: pip install "docparse[bench]"'}
    assert results["digital"]["programs"]["mupdf-rawdict"]["seconds"] > 0
    assert results["scans"]["programs"]["docparse"]["seconds_per_page"] > 0
    assert results["long_document"]["programs"]["docparse"]["seconds"] > 0
    if sys.platform == "linux":
        assert ours["peak_mib"] > 20
    assert all("seconds" in figures for figures in results["latency"].values()), results["latency"]

    converted = tmp_path / "digital" / "docparse"
    assert sorted(path.name for path in converted.glob("*.md")) == ["0000-invoice.md", "0001-invoice.md"]
    assert "571,04" in (converted / "0001-invoice.md").read_text("utf-8")

    text, markdown = found.text(), found.markdown()
    for title in ("Born-digital PDFs", "Scans", "A long document", "Start-up"):
        assert f"\n{title}\n" in text
        assert f"## {title}\n" in markdown
    written = found.write(tmp_path / "out")
    assert [path.suffix for path in written] == [".json", ".md"]
    assert json.loads(written[0].read_text("utf-8"))["results"] == results


def test_the_last_line_is_json(
    no_peers: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import bench_embedded
    import report

    def nothing(plan: object, peers: object) -> object:
        return report.Report("embedded", report.machine(2, {}), results={"digital": {}})

    monkeypatch.setattr(bench_embedded, "run", nothing)
    monkeypatch.setattr(bench_embedded, "Peers", lambda python: no_peers)
    assert bench_embedded.main(["--quick"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["benchmark"] == "embedded"
    assert {"date", "device", "cpu", "cores used", "load average at start", "versions"} <= set(last["machine"])


def test_order_turns_round_and_failures_stop() -> None:
    from measure import Run, rounds

    order: list[str] = []

    def racer(name: str, code: int = 0) -> object:
        def go() -> Run:
            order.append(name)
            return Run(len(order), 0, code, "it broke" if code else "")

        return go

    done = rounds({"a": racer("a"), "b": racer("b"), "broken": racer("broken", 3)}, 3, lambda _: None)
    assert order == ["a", "b", "broken", "b", "a", "a", "b"]
    assert done["a"].seconds == 5  # the median of 1, 5 and 6
    assert (done["a"].failed, done["broken"].failed) == ("", "it broke")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_counts_children_and_shared_pages_once() -> None:
    from measure import tree_memory

    # The child is a fork: what it shares with its parent must not count twice.
    program = "import os, time; held = b'x' * 60_000_000; os.fork(); print(1, flush=True); time.sleep(30)"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        whole = tree_memory(process.pid)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    finally:
        for child in children:
            subprocess.run(["kill", child], check=True)
        process.kill()
        process.communicate()
    assert 60_000_000 < whole < 110_000_000


def test_the_first_line_ends_the_wait() -> None:
    from measure import until_line

    begun = time.perf_counter()
    run = until_line([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(1)"])
    assert 0 < run.seconds <= time.perf_counter() - begun - 1
    assert until_line([sys.executable, "-c", "raise SystemExit(0)"]).code == 2


def test_the_runner_runs_a_program_over_files(tmp_path: Path) -> None:
    (tmp_path / "files.txt").write_text(f"{SAMPLES / 'invoice.pdf'}\n{SAMPLES / 'none.pdf'}\n")
    command = [sys.executable, BENCHMARKS / "peer_runner.py", "mupdf-rawdict", tmp_path / "files.txt", tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1  # one of the two files does not exist
    assert "none.pdf" in told.stderr
    assert int((tmp_path / "invoice.md").read_text()) > 5


def test_long_pdf_and_copies(tmp_path: Path) -> None:
    import corpus

    with pymupdf.open(corpus.long_pdf(20, tmp_path / "long.pdf")) as document:
        assert document.page_count == 20
    files = corpus.repeated([SAMPLES / "invoice.pdf", SAMPLES / "paper.pdf"], 4, tmp_path / "copies")
    assert (files.pages, len(files.paths)) == (4, 3)
    assert len({path.name for path in files.paths}) == 3
    assert corpus.spread(list(range(10)), 3) == [0, 4, 9]


def test_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runner = CliRunner()
    unknown = runner.invoke(app, ["bench", "nothing"])
    assert unknown.exit_code == USAGE
    assert "There are: api, batch, calibration, embedded, extract, markup, model, recovery, viewer." in unknown.stderr
    assert "--quick means nothing" in runner.invoke(app, ["bench", "markup", "--quick"]).stderr

    called: list[list[str]] = []

    def remember(command: list[object], *, check: bool) -> subprocess.CompletedProcess[str]:
        called.append([str(part) for part in command])
        return subprocess.CompletedProcess(called[-1], 0)

    monkeypatch.setattr(bench.subprocess, "run", remember)
    assert runner.invoke(app, ["bench", "--rounds", "5", "--quick", "--out", "there"]).exit_code == 0
    assert called == [
        [sys.executable, str(BENCHMARKS / "bench_embedded.py"), "--out", "there", "--rounds", "5", "--quick"]
    ]
    monkeypatch.setattr(bench, "folder", lambda: tmp_path)
    away = runner.invoke(app, ["bench"])
    assert away.exit_code == USAGE
    assert "source checkout" in away.stderr
    assert len(called) == 1


def test_a_loop_that_no_page_has_ends_within_64_tokens() -> None:
    import bench_watch

    assert len(bench_watch.pieces("Ein Beleg, 收据")) < 12
    short = [case for case in bench_watch.LOOPS if case.times <= bench_watch.NO_PAGE]
    assert len(short) > 15
    for case in short:
        assert bench_watch.tokens_until_found(case, after=3, known=False) <= bench_watch.AIM, case.name


@pytest.mark.skipif(sys.platform != "linux", reason="memory and processor time are read from /proc")
def test_a_batch_is_watched_resumed_killed_and_put_beside_plain_loops(
    tmp_path: Path, no_peers: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bench_batch

    monkeypatch.setattr(bench_batch.measure, "pin", lambda: 2)  # not this process, for good
    plan = bench_batch.Plan(files=20, part=6, rounds=1, loop=3, peer=2, kills=1, every=0.1, ray=0)
    results = bench_batch.run(plan, no_peers, tmp_path, lambda _: None, tmp_path / "out").results
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".png"]
    soak = results["soak"]
    assert (soak["files"], soak["broken"], soak["named"], soak["lost"], soak["left_behind"]) == (20, 1, 1, 0, 0)
    assert soak["pages_in_manifest"] == soak["pages"] > 20
    assert 0 < soak["cpu_use"] <= 1.05
    assert soak["peak_mib"] >= soak["final_mib"] > 0
    assert soak["exit_codes"] == [1, 1]  # there is a broken file
    assert results["overhead"]["cpu_seconds"]["kept"] > 0 < results["overhead"]["cpu_seconds"]["bare"]
    assert results["loops"]["docparse.parse in a loop"]["pages_per_second"] > 0
    assert "not installed" in results["loops"]["pymupdf4llm in a loop"]["note"]
    assert (results["killed"]["different"], results["killed"]["left_behind"]) == (0, 0)
    assert results["killed"]["results"] == 18


@pytest.mark.skipif(sys.platform != "linux", reason="processor time of one child is asked of the system")
def test_a_batch_that_ends_just_before_it_is_killed_is_watched_to_its_end(
    tmp_path: Path, no_peers: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soak_watch

    def ended(out: Path) -> int:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        return 9

    monkeypatch.setattr(soak_watch, "pages_so_far", ended)
    soak = soak_watch.watch([sys.executable, "-c", "import sys; sys.exit(3)"], tmp_path / "out", kill_at=1)
    assert soak.code == 3


def test_creep_of_memory_is_told_from_leaps() -> None:
    from soak_memory import MIB, creep
    from soak_watch import Sample

    def sample(second: int, per_page: float) -> Sample:
        """Two workers; one loads models of 300 MiB in the middle, the other is replaced at three quarters."""
        pages = 10 * second
        grown = int(pages * per_page)
        first = 100 * MIB + grown + (300 * MIB if second > 120 else 0)
        other = {2: 150 * MIB + grown} if second < 150 else {3: 90 * MIB + grown}
        return Sample(second, pages, 40 * MIB, {1: first, **other})

    flat = creep([sample(second, 0) for second in range(200)])
    assert (flat.slope, flat.leaps, flat.lives) == (0, 1, 3)
    growing = creep([sample(second, 500) for second in range(200)])
    assert growing.slope == pytest.approx(2 * 500)  # both of them
    assert growing.error < 1
    assert creep([]).slope != 0  # not a number: nothing is known
