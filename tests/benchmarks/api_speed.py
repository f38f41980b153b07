"""Speed of the service: beside the library, alone, and with a hundred clients. See ``bench_api``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api_client import Connection, form
from corpus import SAMPLES
from measure import CORES, tree_memory
from report import Table

import docparse
from tests.api.serving import Served, descendants

CLIENT = Path(__file__).with_name("api_client.py")
ONE_PAGE = SAMPLES / "form.pdf"
"""Born digital, one page."""
BESIDE = (ONE_PAGE, SAMPLES / "paper.pdf", SAMPLES / "report.pdf", SAMPLES / "receipt.jpg")
MIX = ("form.pdf", "chinese.pdf", "slides.pdf", "form.pdf", "invoice.pdf", "paper.pdf")
HEALTH_EVERY = 0.1
MEMORY_EVERY = 2.0

Say = Callable[[str], None]
Found = tuple[Table, dict[str, object]]


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, by rank."""
    ranked = sorted(values)
    return {f"p{q}": ranked[min(len(ranked) * q // 100, len(ranked) - 1)] for q in (50, 95, 99)}


def in_ms(seconds: Iterable[float], digits: int = 0) -> list[str]:
    return [f"{value * 1000:.{digits}f}" for value in seconds]


# ------------------------------------------------------------------------------------ beside the library


def overhead(folder: Path, rounds: int, say: Say) -> Found:
    """Both read the same file with the same engine, one page at a time, in turns; both make its JSON."""
    rows, figures = [], {}
    with Served(folder, "--workers", "1", environment={"DOCPARSE_SYNC_PAGES": "100"}) as served:
        for path in BESIDE:
            turns = asyncio.run(_in_turns(served, path, rounds))
            pages = len(docparse.parse(path, engine="embedded").pages)
            wall, work = (
                [statistics.median(getattr(turn, name)) / pages for turn in turns] for name in ("wall", "work")
            )
            more = wall[1] - wall[0]
            say(f"  {path.name:<14} {more * 1000:6.1f} ms a page more, {more / wall[0]:.1%}")
            rows.append(
                [path.name, str(pages), *in_ms(wall, 1), f"{more * 1000:.1f}", f"{more / wall[0]:.1%}", *in_ms(work, 1)]
            )
            figures[path.name] = {
                "pages": pages,
                "library": turns[0].wall,
                "service": turns[1].wall,
                "more_per_page": more,
                "library_work": turns[0].work,
                "service_work": turns[1].work,
            }
    note = (
        "Medians, in turns, one request at a time: docparse.parse and export to JSON in one process; POST /v1/parse "
        "with one process that reads. Aim: less than 5 ms and less than 3 %. Work: time of processors, of the service "
        "with all its processes; it says more than the clock where others use the machine."
    )
    columns = (
        "document",
        "pages",
        "library, ms a page",
        "service",
        "more",
        "more, %",
        "library's work, ms",
        "service's",
    )
    return Table("What the service costs beside the library", columns, rows, note), figures


@dataclass(slots=True)
class _Turns:
    """Seconds by the clock and of processors, of each turn."""

    wall: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)

    @contextmanager
    def turn(self, work: Callable[[], float]) -> Iterator[None]:
        begun, before = time.perf_counter(), work()
        yield
        self.wall.append(time.perf_counter() - begun)
        self.work.append(work() - before)


async def _in_turns(served: Served, path: Path, rounds: int) -> tuple[_Turns, _Turns]:
    body, header = form(path.read_bytes(), path.name)
    connection = Connection(served.url)

    def parse() -> None:
        docparse.export(docparse.parse(path, engine="embedded"), "json")

    async def ask() -> None:
        answer = await connection.ask("POST", "/v1/parse?to=json&engine=embedded", body, header)
        assert answer.status == 200, answer

    parse()
    await ask()  # both are warm now
    library, service = _Turns(), _Turns()
    for _ in range(rounds):
        with library.turn(time.process_time):
            parse()
        with service.turn(lambda: _work(served.pid)):
            await ask()
    connection.close()
    return library, service


def _work(pid: int) -> float:
    """Seconds of processors that a process and those that it has started have had, in nanoseconds' steps."""
    total = 0
    for process in {pid, *descendants(pid)}:
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


# ------------------------------------------------------------------------------------ by itself


def requests(folder: Path, seconds: float, say: Say) -> Found:
    """As many one-page documents as it can; and as many as two processes of the library can."""
    rows, figures = [], {}
    alone = _library(seconds)
    rows.append(["the library, 2 processes", f"{alone:.1f}", "", "", "", ""])
    with Served(folder, "--workers", str(CORES)) as served:
        for clients in (1, 2, 8, 32):
            _clients(served.url, min(seconds, 2.0), clients, [ONE_PAGE])
            answers = _clients(served.url, seconds, clients, [ONE_PAGE])
            taken = [took for status, took in answers if status == 200]
            rate, wrong = len(taken) / seconds, len(answers) - len(taken)
            say(f"  {clients:3d} clients: {rate:6.1f} a second, {wrong} errors")
            found = quantiles(taken)
            rows.append([f"{clients} clients", f"{rate:.1f}", *in_ms(found.values()), str(wrong)])
            figures[str(clients)] = {"per_second": rate, "errors": wrong, **found}
    figures["library"] = {"per_second": alone}
    note = f"POST /v1/parse with {ONE_PAGE.name}, born digital, one page; each client sends one after the other."
    columns = ("who", "requests/s", "p50, ms", "p95, ms", "p99, ms", "errors")
    return Table("One-page documents a second", columns, rows, note), figures


_ALONE = """
import sys, time, docparse
docparse.parse(sys.argv[1], engine="embedded")
count, end = 0, time.perf_counter() + float(sys.argv[2])
while time.perf_counter() < end:
    docparse.export(docparse.parse(sys.argv[1], engine="embedded"), "json")
    count += 1
print(count)
"""


def _library(seconds: float) -> float:
    """Documents a second."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _ALONE, str(ONE_PAGE), str(seconds)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(CORES)]
    return sum(int(process.communicate()[0]) for process in both) / seconds


def _clients(url: str, seconds: float, clients: int, paths: Sequence[Path]) -> list[list[float]]:
    command = [sys.executable, CLIENT, "load", url, str(seconds), str(clients), *map(str, paths)]
    found: list[list[float]] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


# ------------------------------------------------------------------------------------ with many


def load(folder: Path, seconds: float, clients: int, say: Say) -> Found:
    """Many clients, each with one document after the other, while another one asks for /healthz."""
    paths = [SAMPLES / name for name in MIX]
    with Served(folder, "--workers", str(CORES), "--max-uploads", str(max(clients, 16))) as served:
        _clients(served.url, 2.0, 2, paths)
        memory = _Memory(served.pid)
        health = subprocess.Popen(
            [sys.executable, CLIENT, "probe", served.url, str(seconds), str(HEALTH_EVERY)],
            stdout=subprocess.PIPE,
            text=True,
        )
        answers = _clients(served.url, seconds, clients, paths)
        probes: list[float] = json.loads(health.communicate()[0])
        used = memory.stop()
    statuses = Counter(int(status) for status, _ in answers)
    taken = [took for status, took in answers if status == 200]
    wrong = len(answers) - len(taken)
    found, healthy = quantiles(taken), quantiles(probes)
    third = max(len(used) // 3, 1)
    first, last = statistics.median(used[:third]), statistics.median(used[-third:])
    say(f"  {len(taken) / seconds:.1f} a second, {wrong} errors {dict(statuses)}, /healthz p99 {healthy['p99']:.3f} s")
    rows = [
        ["documents a second", f"{len(taken) / seconds:.1f}"],
        ["p50, p95, p99 of a document, s", ", ".join(f"{value:.2f}" for value in found.values())],
        ["answers other than 200", str(wrong)],
        ["p50, p95, p99 of /healthz, ms", ", ".join(in_ms(healthy.values()))],
        ["memory, median of the first and of the last third, MiB", f"{first / 2**20:.0f}, {last / 2**20:.0f}"],
        ["most memory, MiB", f"{max(used) / 2**20:.0f}"],
    ]
    note = (
        f"{clients} clients for {seconds:.0f} s, each with one document of {', '.join(dict.fromkeys(MIX))} at a time."
    )
    figures = {
        "per_second": len(taken) / seconds,
        "seconds": found,
        "statuses": {str(status): count for status, count in statuses.items()},
        "errors": wrong,
        "healthz": {**healthy, "count": len(probes), "most": max(probes)},
        "memory_mib": [round(value / 2**20, 1) for value in used],
    }
    return Table(
        "A hundred clients" if clients == 100 else f"{clients} clients", ("what", "measured"), rows, note
    ), figures


class _Memory:
    """PSS of the service and its processes, now and then, in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen = [tree_memory(pid)]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(MEMORY_EVERY):
            self._seen.append(tree_memory(self._pid))

    def stop(self) -> list[int]:
        self._end.set()
        self._thread.join()
        return self._seen
