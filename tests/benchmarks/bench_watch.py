"""What it costs to watch an answer for loops, and how soon one is found: a part of ``docparse bench recovery``.

Ordinary pages and texts made to be hard (nearly periodic, numbers everywhere) are fed three characters at a time, as
tokens come; none of these texts has a loop, and the fastest of the rounds is told. The peer is a decoder of the same
bytes. The loops are those of ``tests/engines/test_watch.py``, in tokens of the real vocabulary.
"""

from __future__ import annotations

import codecs
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

import bench_markup
import report

sys.path.insert(0, str(Path(__file__).parents[2]))

from qwen_tokens import pieces

from docparse.engines.watch import Watch
from docparse.qwenvl_html import write_page
from tests.engines.test_watch import LOOPS, Case

TOKEN = 3
"""Characters of a token, about: what markup of a page has."""

AIM = 64
"""Tokens after its third repeat by which a loop is to be found."""
NO_PAGE = 8
"""Repeats that no page has, of what must be found with so many."""


def texts() -> dict[str, str]:
    random = Random(1)
    return {
        "a page of 180 blocks and 480 cells": write_page(bench_markup.page()),
        "rows of numbers": "".join(f"<tr><td>{random.random()}</td><td></td></tr>\n" for _ in range(3_000)),
        "hard: runs of a letter": "".join("a" * random.randint(20, 60) + "b" for _ in range(2_500)),
        "hard: two letters": "".join(random.choices("ab", k=100_000)),
        "hard: two numbers": "".join(random.choices(["1 ", "2 "], k=50_000)),
    }


def microseconds_per_token(work: Callable[[list[str]], None], text: str, rounds: int) -> float:
    parts = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work(parts)
        best = min(best, time.perf_counter() - start)
    return best / len(parts) * 1e6


def _watched(parts: list[str]) -> None:
    watch = Watch()
    for part in parts:
        if watch.feed(part) is not None:
            raise RuntimeError("a text without a loop was taken for one; no figure would mean anything")


def _decoded(parts: list[str]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for part in parts:
        decoder.decode(part.encode())


def costs(rounds: int) -> tuple[report.Table, dict[str, float]]:
    """The table and the figures."""
    found = {name: microseconds_per_token(_watched, text, rounds) for name, text in texts().items()}
    name, page = next(iter(texts().items()))
    found[f"a decoder: {name}"] = microseconds_per_token(_decoded, page, rounds)
    rows = [[name, f"{cost:.2f}"] for name, cost in found.items()]
    note = f"Tokens of {TOKEN} characters; the fastest of {rounds} rounds."
    return report.Table("Cost of the watch", ("what", "microseconds per token"), rows, note), {
        name: round(cost, 2) for name, cost in found.items()
    }


def tokens_until_found(case: Case, *, after: int, known: bool) -> int:
    """Tokens from the end of repeat ``after`` until the watch ends the answer, which is fed token by token.

    ``known``: the page is known to say once what is repeated; else nothing is known of it.
    """
    text, end = case.text(case.times + 400), len(case.text(after))
    watch = Watch((lambda said: 1) if known else None)
    place = count = 0
    for piece in pieces(text):
        place += len(piece)
        count += place > end
        if watch.feed(piece) is not None:
            return count
    raise RuntimeError(f"{case.name}: the loop was not found; no figure would mean anything")


def delays(*, quick: bool = False) -> tuple[report.Table, dict[str, dict[str, list[int]]]]:
    """The table, and by case: tokens after its third repeat (known, not known), and after its last possible one.
    ``quick``: of loops that no page has, which end soon."""
    loops = [case for case in LOOPS if case.times <= NO_PAGE] if quick else LOOPS
    found = {
        case.name: [
            tokens_until_found(case, after=3, known=True),
            tokens_until_found(case, after=3, known=False),
            tokens_until_found(case, after=case.times, known=False),
        ]
        for case in loops
    }
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in loops:
        groups["that no page has" if case.times <= NO_PAGE else case.kind].append(case)
    groups["all"] = loops
    rows = []
    for name, cases in groups.items():
        row = [name, str(len(cases))]
        for column in range(3):
            values = [found[case.name][column] for case in cases]
            row += [f"{statistics.median(values):.0f}", str(max(values))]
        rows.append([*row, str(sum(found[case.name][0] > AIM for case in cases))])
    late = ", ".join(f"{name} {values[0]}" for name, values in found.items() if values[0] > AIM)
    note = (
        "Tokens (vocabulary of Qwen2.5-VL) until the answer is ended. Known: the page is known to say once what is "
        "repeated; blind: nothing is known of the page. The limit is the number of repeats that a page may "
        f"really have (150 lines); loops that no page has are those of at most {NO_PAGE}. Beyond {AIM} where the "
        f"page is known: {late}."
    )
    columns = ("loops", "cases", "known: median", "largest", "blind: median", "largest", "after the limit: median")
    return report.Table("Tokens after the third repeat", (*columns, "largest", f"known, beyond {AIM}"), rows, note), {
        "tokens_after_third_repeat_known_blind_and_after_limit": found
    }


if __name__ == "__main__":
    table, results = costs(rounds=5)
    slow, late = delays()
    found = report.Report("watch", report.machine(1, {}), [table, slow], {**results, **late})
    print(found.text())
    print(found.json())
