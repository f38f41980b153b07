"""What the service bears: a queue of a thousand jobs at its start, ``kill -9``, hostile files. See ``bench_api``."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from api_client import Connection, form
from api_speed import ONE_PAGE, Found, Say, in_ms, quantiles
from corpus import SAMPLES
from measure import CORES
from report import Table

import docparse
from tests.api import hostile as hostile_files
from tests.api.killing import kill_at_moments, texts
from tests.api.serving import Served

QUEUED = SAMPLES / "report.pdf"
"""Three pages each, so that the queue is still long when the last one was sent."""
KILLED = ("report.pdf", "receipt.jpg", "paper.pdf", "bulletin.pdf", "mixed.pdf", "slides.pdf")
SEED = 6
HOSTILE_CLIENTS = 4
BETWEEN = 0.25
"""Seconds between two documents of the one who means no harm."""
LIMIT = 20 * 1024**2


# ------------------------------------------------------------------------------------ a start with many jobs


def restart(folder: Path, count: int, starts: int, say: Say) -> Found:
    """The start of a service that finds ``count`` jobs, beside one that finds none."""
    served = Served(folder / "full", "--workers", str(CORES), "--max-queue", str(count * 2))
    served.start()
    asyncio.run(_queue(served.url, count + count // 10))
    served.kill()
    waiting = _waiting(folder / "full")
    full = [_start(served, waiting) for _ in range(starts)]
    empty = [_start(Served(folder / f"empty-{number}", "--workers", str(CORES)), 0) for number in range(starts)]
    say(f"  {waiting} jobs: answers after {_median(full, 0):.2f} s, reads after {_median(full, 1):.2f} s")
    say(f"  none: answers after {_median(empty, 0):.2f} s")
    rows = [
        [f"{waiting} jobs wait", f"{_median(full, 0):.2f}", f"{_median(full, 1):.2f}"],
        ["none", f"{_median(empty, 0):.2f}", ""],
    ]
    note = (
        "From the start of the process, killed with -9 before, until /readyz says yes, and until a first page is read; "
        f"medians of {starts}. Starting Python and importing is part of it. Aim: under 2 s."
    )
    found = {"jobs": waiting, "full": full, "empty": empty}
    return Table("Start with a full queue", ("queue", "answers after, s", "reads after, s"), rows, note), found


def _median(runs: Sequence[tuple[float, float | None]], which: int) -> float:
    return statistics.median(run[which] or 0.0 for run in runs)


async def _queue(url: str, count: int) -> None:
    body, header = form(QUEUED.read_bytes(), QUEUED.name)
    numbers = itertools.count()

    async def client() -> None:
        connection = Connection(url)
        while next(numbers) < count:
            answer = await connection.ask("POST", "/v1/jobs", body, header)
            assert answer.status == 202, answer
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(client())


def _jobs(folder: Path, query: str) -> int:
    database = sqlite3.connect(f"file:{folder / 'jobs.sqlite'}?mode=ro", uri=True)
    try:
        (count,) = database.execute(query).fetchone()
    finally:
        database.close()
    return int(count or 0)


def _waiting(folder: Path) -> int:
    return _jobs(folder, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")


def _start(served: Served, waiting: int) -> tuple[float, float | None]:
    """Seconds until it answers, and until it has read a page."""
    pages = "SELECT sum(pages_read) FROM jobs"
    before = _jobs(served.folder, pages) if waiting else 0
    begun = time.perf_counter()
    served.start()
    asyncio.run(_ready(served.url))
    answers = time.perf_counter() - begun
    while waiting and _jobs(served.folder, pages) == before:
        assert time.perf_counter() - begun < 120, "it reads nothing"
        time.sleep(0.02)
    reads = time.perf_counter() - begun if waiting else None
    served.kill()
    return answers, reads


async def _ready(url: str) -> None:
    connection = Connection(url)
    while (await connection.ask("GET", "/readyz")).status != 200:
        await asyncio.sleep(0.02)
    connection.close()


# ------------------------------------------------------------------------------------ kill -9


def kills(folder: Path, count: int, say: Say) -> Found:
    """``count`` times at random moments, with jobs at work; more often where none of them met one."""
    documents = [SAMPLES / name for name in KILLED]
    expected = {path.name: _texts(path) for path in documents}
    outcome = kill_at_moments(
        Served(folder, "--workers", str(CORES)), documents, expected, kills=count, rng=random.Random(SEED), say=say
    )
    wrong = {name: len(getattr(outcome, name)) for name in ("lost", "unfinished", "twice", "rewritten", "half", "left")}
    say(f"  {len(outcome.accepted)} jobs, {outcome.pages} pages: {wrong}")
    rows = [
        ["moments at which it was killed", str(len(outcome.restarts))],
        ["jobs that were accepted", str(len(outcome.accepted))],
        ["pages", str(outcome.pages)],
        ["jobs that went on from pages that were kept", str(len(outcome.resumed))],
        ["jobs lost", str(wrong["lost"])],
        ["jobs not finished", str(wrong["unfinished"])],
        ["pages with more than one reading in the records", str(wrong["twice"])],
        ["pages that were whole on the disk and were read again", str(wrong["rewritten"])],
        ["results that are not what the library says", str(wrong["half"])],
        ["files that belong to nobody", str(wrong["left"])],
        ["start after a kill, median, s", f"{statistics.median(outcome.restarts):.2f}"],
    ]
    note = "kill -9 of the service up to 2 s after it has accepted three documents; then it starts on what is there."
    found: dict[str, object] = {
        "kills": len(outcome.restarts),
        "jobs": len(outcome.accepted),
        "pages": outcome.pages,
        "resumed": len(outcome.resumed),
        "restarts": outcome.restarts,
        **{name: list(getattr(outcome, name)) for name in wrong},
    }
    return Table("kill -9", ("what", "count"), rows, note), found


def _texts(path: Path) -> list[str]:
    return texts(json.loads(docparse.export(docparse.parse(path, engine="embedded"), "json").text))


# ------------------------------------------------------------------------------------ hostile files


def hostile(folder: Path, data: Path | None, limit: int | None, say: Say) -> Found:
    """Four clients send hostile files, one sends good ones and is to be answered as if it were alone."""
    files = list(hostile_files.robustness(data / "robustness")) if data else list(hostile_files.small_and_hostile())
    files = files[:limit] + list(itertools.islice(hostile_files.huge(LIMIT), limit))
    with Served(folder, "--workers", str(CORES), "--max-bytes", str(LIMIT), "--page-seconds", "20") as served:
        alone = asyncio.run(_good(served.url, stop_after=5.0 if limit is None else 1.0))
        statuses, good, slowest = asyncio.run(_both(served.url, files, say))
        assert served.alive
    wrong = sum(status != 200 for status, _ in good)
    broken = sum(count for (_, status), count in statuses.items() if status >= 500 or status == 0)
    calm, found = (quantiles([took for _, took in answers]) for answers in (alone, good))
    say(f"  {len(files)} files, {broken} broke something; {len(good)} good ones, {wrong} not served")
    rows = [[f"{kind}: {status}", str(count)] for (kind, status), count in sorted(statuses.items())]
    rows += [
        ["good documents meanwhile", str(len(good))],
        ["of them not answered with 200", str(wrong)],
        ["p50, p95, p99 of them, alone, ms", ", ".join(in_ms(calm.values()))],
        ["p50, p95, p99 of them, meanwhile, ms", ", ".join(in_ms(found.values()))],
        ["slowest answer to a hostile file, s", f"{slowest:.1f}"],
    ]
    which = "the robustness set as it is, under hostile names, inside of a PDF" if data else "made ones"
    note = (
        f"{len(files)} files ({which}; and huge ones) by {HOSTILE_CLIENTS} clients; {ONE_PAGE.name} by another, "
        "four times a second. A file that cannot be read is refused with 4xx, or its pages are failed ones."
    )
    figures: dict[str, object] = {
        "files": len(files),
        "statuses": {f"{kind}: {status}": count for (kind, status), count in statuses.items()},
        "good": {"count": len(good), "wrong": wrong, "alone": calm, "meanwhile": found},
        "slowest": slowest,
    }
    return Table("Hostile files", ("what", "measured"), rows, note), figures


async def _both(
    url: str, files: Sequence[hostile_files.Hostile], say: Say
) -> tuple[Counter[tuple[str, int]], list[tuple[int, float]], float]:
    waiting = iter(files)
    statuses: Counter[tuple[str, int]] = Counter()
    slowest = 0.0

    async def client() -> None:
        nonlocal slowest
        connection = Connection(url)
        for file in waiting:
            body, header = form(file.data, file.name)
            begun = time.perf_counter()
            try:
                status = (await connection.ask("POST", "/v1/parse?to=json", body, header)).status
            except (OSError, asyncio.IncompleteReadError):
                status = 0
            if status >= 500 or status == 0:
                say(f"  {file.kind} {file.name[:60]!r}: {status}")
            statuses[file.kind, status] += 1
            slowest = max(slowest, time.perf_counter() - begun)
        connection.close()

    done = asyncio.Event()
    good = asyncio.ensure_future(_good(url, done=done))
    async with asyncio.TaskGroup() as group:
        for _ in range(HOSTILE_CLIENTS):
            group.create_task(client())
    done.set()
    return statuses, await good, slowest


async def _good(
    url: str, *, done: asyncio.Event | None = None, stop_after: float = float("inf")
) -> list[tuple[int, float]]:
    """Status and seconds of each answer."""
    body, header = form(ONE_PAGE.read_bytes(), ONE_PAGE.name)
    connection = Connection(url)
    answers = []
    end = time.perf_counter() + stop_after
    while time.perf_counter() < end and not (done is not None and done.is_set()):
        begun = time.perf_counter()
        answer = await connection.ask("POST", "/v1/parse?to=json", body, header)
        answers.append((answer.status, time.perf_counter() - begun))
        await asyncio.sleep(max(BETWEEN - answers[-1][1], 0.0))
    connection.close()
    return answers
