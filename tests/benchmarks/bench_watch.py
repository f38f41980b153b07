"""What it costs to watch an answer for loops: a part of ``docparse bench recovery``.

Ordinary pages and texts made to be hard (nearly periodic, numbers everywhere) are fed three characters at a
time, as tokens come. What is told is the fastest of the rounds; none of these texts has a loop.
"""

from __future__ import annotations

import sys
import time
from random import Random

import bench_markup
import report

from docparse.engines.watch import Watch
from docparse.qwenvl_html import write_page

TOKEN = 3
"""Characters of a token, about."""


def texts() -> dict[str, str]:
    random = Random(1)
    return {
        "a page of 180 blocks and 480 cells": write_page(bench_markup.page()),
        "rows of numbers": "".join(f"<tr><td>{random.random()}</td><td></td></tr>\n" for _ in range(3_000)),
        "hard: runs of a letter": "".join("a" * random.randint(20, 60) + "b" for _ in range(2_500)),
        "hard: two letters": "".join(random.choices("ab", k=100_000)),
        "hard: two numbers": "".join(random.choices(["1 ", "2 "], k=50_000)),
    }


def microseconds_per_token(text: str, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        watch = Watch()
        start = time.perf_counter()
        for at in range(0, len(text), TOKEN):
            if watch.feed(text[at : at + TOKEN]) is not None:
                raise RuntimeError("a text without a loop was taken for one; no figure would mean anything")
        best = min(best, time.perf_counter() - start)
    return best / (len(text) / TOKEN) * 1e6


def costs(rounds: int) -> tuple[report.Table, dict[str, float]]:
    """The table and the figures."""
    found = {name: microseconds_per_token(text, rounds) for name, text in texts().items()}
    rows = [[name, f"{cost:.2f}"] for name, cost in found.items()]
    return report.Table(
        "Watch for loops", ("what", "microseconds per token"), rows, f"Tokens of {TOKEN} characters."
    ), {name: round(cost, 2) for name, cost in found.items()}


if __name__ == "__main__":
    table, results = costs(rounds=5)
    found = report.Report("watch", report.machine(1, {}), [table], results)
    print(found.text())
    print(found.json())
    sys.exit(0)
