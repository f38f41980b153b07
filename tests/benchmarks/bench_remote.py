"""The remote engine beside a bare client, and its memory over a long document: a part of ``docparse bench recovery``.

A server of ours (``tests/scripted_server.py``, in a process of its own) answers with the markup of the pages, one event
for each token, with log-probabilities, as vLLM does, as fast as it can. Each side asks it for the same pages, with
``CONCURRENCY`` requests at a time and the same bytes of request; what each side does is said in ``remote_load.py``.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf
import remote_load
import report
from qwen_tokens import pieces

from docparse.engines.options import RemoteOptions
from docparse.engines.remote import RemoteEngine
from docparse.qwenvl_html import write_block
from docparse.qwenvl_html.rescale import rescale
from docparse.source import open_source
from tests.engines.playing import truth
from tests.scripted_server import Asked, Reply, ScriptedServer

LOAD = Path(__file__).with_name("remote_load.py")
ENDS = 200
"""Pages at the beginning and at the end of the long document whose memory is compared."""

SIDES = {
    "bare": "bare client: httpx, asyncio, PNG at hand",
    "unwatched": "docparse, HTTP side without the watch: PNG at hand",
    "client": "docparse, HTTP side: PNG at hand",
    "ready": "docparse, engine: PNG at hand, answers read and checked",
    "engine": "docparse, engine: pages drawn, resized, PNG made",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """``pages`` of each run, and of the long document."""

    rounds: int
    pages: int = 64
    long: int = 2_000


QUICK = Plan(1, 7, 20)


def measured(plan: Plan, say: Callable[[str], None]) -> tuple[list[report.Table], dict[str, Any]]:
    """The tables and the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens = record(folder, plan.long)
        with serving(folder) as url:
            speed = throughput(folder, url, plan, say)
            held = _run("memory", folder, url, plan.long)
    tables = [_speed_table(speed, plan, tokens), _memory_table(held)]
    results = {
        "tokens_per_page": round(tokens),
        "pages_per_second": {side: [round(r["pages"] / r["seconds"], 2) for r in runs] for side, runs in speed.items()},
        "cpu_ms_per_page": {
            side: [round(1e3 * r["cpu"] / r["pages"], 1) for r in runs] for side, runs in speed.items()
        },
        "memory_pages_rss_uss_mib": [[count, round(rss, 1), round(uss, 1)] for count, rss, uss in held["samples"]],
    }
    return tables, results


def record(folder: Path, pages: int) -> float:
    """Writes what the sides need: requests as the engine makes them, tokens of the answers, the long document.

    Returns tokens per page, the mean of those that the sides ask for.
    """
    requests: list[dict[str, Any]] = []
    answers: dict[str, list[str]] = {}
    with contextlib.ExitStack() as stack:
        large = [(name, stack.enter_context(open_source(remote_load.SAMPLES / name))) for name in remote_load.PAGES]
        dpi = remote_load.SMALL_DPI
        small = [
            (name, stack.enter_context(open_source(remote_load.SAMPLES / name, dpi=dpi))) for name in remote_load.SMALL
        ]

        def script(asked: Asked) -> Reply:
            native = stack.enter_context(open_source(remote_load.SAMPLES / name)).page(1)
            html = " \n ".join(map(write_block, truth(name)))
            width, height = asked.size
            scaled = rescale(html, width / native.width, height / native.height).markup
            text = f"```html\n<html><body>\n{scaled}\n</body></html>\n```"
            requests.append(asked.body)
            answers[remote_load.digest(remote_load.picture(asked.body)["url"])] = pieces(text)
            return Reply(text)

        server = stack.enter_context(ScriptedServer(script, models=(remote_load.NAME,)))
        engine = RemoteEngine(RemoteOptions(url=server.url, concurrency=1))
        stack.callback(engine.close)
        for name, source in (*large, *small):
            (read,) = engine.read_pages([source.page(1)])
            if read.finish != "stop" or read.attempts != 1:
                raise RuntimeError(f"{name} was not read at once; no figure would mean anything")
    (folder / "requests.json").write_text(json.dumps(requests[: len(large)]), "utf-8")
    (folder / "answers.json").write_text(json.dumps(answers), "utf-8")
    long_pdf(folder / "long.pdf", pages)
    return statistics.mean(list(map(len, answers.values()))[: len(large)])


def long_pdf(path: Path, pages: int) -> None:
    """First pages of small samples, over and over. They share their fonts: MuPDF keeps those of each page, and it is
    the engine that is measured."""
    with pymupdf.open() as long:
        for name in remote_load.SMALL:
            with pymupdf.open(remote_load.SAMPLES / name) as part:
                long.insert_pdf(part, to_page=0)
        for number in range(pages - len(remote_load.SMALL)):
            long.fullcopy_page(number)
        long.save(path)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the server, as long as it is wanted."""
    command = [sys.executable, LOAD, "serve", folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def throughput(folder: Path, url: str, plan: Plan, say: Callable[[str], None]) -> dict[str, list[dict[str, Any]]]:
    """The runs of each side: the two clients in turns, then the engine."""
    runs: dict[str, list[dict[str, Any]]] = _run("http", folder, url, plan.pages, plan.rounds)
    for side in ("ready", "engine"):
        runs[side] = [_run(side, folder, url, plan.pages) for _ in range(max(1, plan.rounds // 4))]
    for side, done in runs.items():
        say(f"  {side:<8} {_median(done, 'seconds'):6.1f} ms/page")
    return runs


def _run(side: str, *arguments: object) -> Any:
    command = [sys.executable, str(LOAD), side, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{side}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _median(runs: list[dict[str, Any]], what: str) -> float:
    """Milliseconds per page."""
    return 1e3 * statistics.median(run[what] / run["pages"] for run in runs)


def _speed_table(speed: dict[str, list[dict[str, Any]]], plan: Plan, tokens: float) -> report.Table:
    rows = []
    for side, runs in speed.items():
        row = [SIDES[side], str(len(runs))]
        for what in ("seconds", "cpu"):
            took, other = _median(runs, what), _median(speed["bare"], what)
            row += [f"{1e3 / took:.1f}", f"{1e3 * tokens / took:,.0f}"] if what == "seconds" else [f"{took:.1f}"]
            row.append(f"{other / took:.2f}")
        rows.append(row)
    note = (
        f"{remote_load.CONCURRENCY} requests at a time, {plan.pages} pages a run, {tokens:.0f} tokens a page, medians "
        "of the runs; ratios are to the bare client. The bare client puts the PNG that is there into the request, "
        "sends it, and reads the stream as JSON, event by event. The HTTP side of docparse is openai_client: the "
        "same, and besides the throttle, retries, time limits, log-probabilities, the watch for loops. The "
        "engine reads and checks the answers too (in one more thread); in the last row it also draws, resizes and "
        "compresses the pages. Server and clients are processes of one machine; processor time is the client's alone."
    )
    columns = ("", "runs", "pages/s", "tokens/s", "ratio", "processor ms/page", "ratio")
    return report.Table("64 requests at a time", columns, rows, note)


def _memory_table(held: dict[str, Any]) -> report.Table:
    samples = held["samples"]
    last = samples[-1][0]
    ends = {
        f"first {ENDS} pages": [sample for sample in samples if sample[0] <= ENDS],
        f"last {ENDS} pages": [sample for sample in samples if sample[0] > last - ENDS],
        "all": samples,
    }
    rows = [
        [
            name,
            f"{statistics.median(rss for _, rss, _ in part):.1f}",
            f"{max(rss for _, rss, _ in part):.1f}",
            f"{statistics.median(uss for _, _, uss in part):.1f}",
            f"{max(uss for _, _, uss in part):.1f}",
        ]
        for name, part in ends.items()
    ]
    note = (
        f"{held['pages']} pages of one PDF at {remote_load.SMALL_DPI} dpi through the remote engine, "
        f"{remote_load.CONCURRENCY} at a time, in {held['seconds']:.0f} s; MiB, looked at every "
        f"{remote_load.SAMPLE_PAGES} pages."
    )
    return report.Table("Memory", ("", "RSS, median", "RSS, most", "USS, median", "USS, most"), rows, note)
