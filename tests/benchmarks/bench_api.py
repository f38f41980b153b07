"""What the service costs beside the library, what it bears, and what it loses when it is killed.

    docparse bench api [--data DIR] [--out DIR] [--quick]

The service is started as an operator starts it, in a process of its own; its clients are in others, on the same two
processors, so that what they need is taken from what the service could do. Told are: what a page costs more than with
``docparse.parse``; one-page documents a second; a hundred clients for two minutes; what /healthz takes meanwhile; the
start with a thousand jobs that wait; ``kill -9`` at twenty moments, and what became of the jobs; the files of
``DIR/robustness``, renamed, nested and huge, and how others were served meanwhile. The last line is JSON.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).parents[2]))

import api_faults
import api_speed
from corpus import find_data
from measure import pin

PARTS = ("fastapi", "starlette", "uvicorn", "huey", "pydantic")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of each is done."""

    rounds: int = 15
    seconds: float = 20.0
    load_seconds: float = 120.0
    clients: int = 100
    queued: int = 1000
    starts: int = 3
    kills: int = 20
    hostile: int | None = None


QUICK = Plan(rounds=1, seconds=1.0, load_seconds=2.0, clients=8, queued=10, starts=1, kills=1, hostile=2)


def run(plan: Plan, data: Path | None, say: Callable[[str], None], parts: Sequence[str] = ()) -> report.Report:
    found = report.Report("api", report.machine(pin(), {name: version(name) for name in PARTS}))
    measures: dict[str, Callable[[Path], tuple[report.Table, dict[str, object]]]] = {
        "overhead": lambda folder: api_speed.overhead(folder, plan.rounds, say),
        "requests": lambda folder: api_speed.requests(folder, plan.seconds, say),
        "load": lambda folder: api_speed.load(folder, plan.load_seconds, plan.clients, say),
        "restart": lambda folder: api_faults.restart(folder, plan.queued, plan.starts, say),
        "kills": lambda folder: api_faults.kills(folder, plan.kills, say),
        "hostile": lambda folder: api_faults.hostile(folder, data, plan.hostile, say),
    }
    for name, measure in measures.items():
        if parts and name not in parts:
            continue
        say(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="docparse-bench-") as folder:
            table, found.results[name] = measure(Path(folder))
        found.tables.append(table)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What the service costs, bears and loses.")
    parser.add_argument("--data", metavar="DIR", help="evaluation data, for the hostile files")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--quick", action="store_true", help="a little of each: a try, not a result")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="one of the measures; repeatable")
    given = parser.parse_args(arguments)
    plan = QUICK if given.quick else Plan()
    say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    return run(plan, find_data(given.data), say, given.only).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
