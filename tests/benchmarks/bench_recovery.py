"""What recovery keeps of pages on which a model fails, and what the watch over an answer costs.

    docparse bench recovery [--out DIR] [--rounds N] [--quick]

The faults are those of ``tests/engines/test_recovery.py``: answers that loop, are cut off, refuse, miss the format or
have their boxes wrong, about three samples. Told is, by kind of fault, how much of the page's text is kept, how much
is there too often, and how often the verdict is the right one. Then what the watch over an answer costs and how soon it
finds a loop (``bench_watch``), and the remote engine under load (``bench_remote``). The last line is JSON.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).parents[2]))

import bench_remote
import bench_watch

from tests.engines.playing import Player, image, play, truth
from tests.engines.test_recovery import CASES, PAGES, ends_at, kept, places_to_cut


def faults(*, quick: bool) -> dict[str, list[tuple[float, float, bool]]]:
    """By kind of fault and page: share of text kept, share too much, whether the verdict is right. ``quick``: one fault
    of each kind on one page; the tests of recovery have them all."""
    found: dict[str, list[tuple[float, float, bool]]] = defaultdict(list)
    for name, case in CASES.items():
        if quick and _kind(name) in found:
            continue
        for sample in case.pages[:1] if quick else case.pages:
            page, _ = play(image(*PAGES[sample]), Player(truth(*PAGES[sample]), case.faults))
            found[_kind(name)].append((*kept(page, sample), page.verdict.status == case.status))
    cuts = [(sample, at) for sample in list(PAGES)[: 1 if quick else None] for at in places_to_cut(sample)]
    for sample, at in cuts[:2] if quick else cuts:
        page, _ = play(image(*PAGES[sample]), Player(truth(*PAGES[sample]), (ends_at(at),)))
        right = page.verdict.status in ("ok", "repaired")
        found["cut off somewhere"].append((*kept(page, sample), right))
    return dict(found)


def _kind(name: str) -> str:
    for word, kind in (("cut", "cut off"), ("ends", "cut off"), ("loop", "loops"), ("spiral", "loops")):
        if word in name:
            return kind
    if "boxes" in name or "Markdown" in name:
        return "boxes or format"
    return "no answer, or none of use" if name != "nothing wrong" else "nothing wrong"


def run(plan: bench_remote.Plan, say: Callable[[str], None]) -> report.Report:
    found = report.Report("recovery", report.machine(2, {name: version(name) for name in ("httpx", "h11")}))
    found.machine["rounds"] = plan.rounds
    table = faults(quick=plan is bench_remote.QUICK)
    rows = [
        [
            kind,
            str(len(pages)),
            f"{statistics.mean(k for k, _, _ in pages):.4f}",
            f"{min(k for k, _, _ in pages):.3f}",
            f"{statistics.mean(e for _, e, _ in pages):.4f}",
            f"{statistics.mean(r for _, _, r in pages):.1%}",
        ]
        for kind, pages in table.items()
    ]
    columns = ("fault", "pages", "text kept", "least", "too much", "right verdicts")
    note = "Shares of the words of the page; pages of samples/, one fault each, the model right otherwise."
    found.tables.append(report.Table("Faults", columns, rows, note))
    cost, costs = bench_watch.costs(plan.rounds)
    late, delays = bench_watch.delays(quick=plan is bench_remote.QUICK)
    load, speed = bench_remote.measured(plan, say)
    found.tables += [cost, late, *load]
    found.results = {
        "faults": {kind: [list(page) for page in pages] for kind, pages in table.items()},
        "microseconds_per_token": costs,
        **delays,
        **speed,
    }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What recovery keeps, what the watch and the remote engine cost.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--rounds", type=int, default=8, metavar="N", help="runs of each program")
    parser.add_argument("--quick", action="store_true", help="few pages and one round: a try, not a result")
    given = parser.parse_args(arguments)
    plan = bench_remote.QUICK if given.quick else bench_remote.Plan(max(given.rounds, 1))
    return run(plan, lambda line: print(line, file=sys.stderr, flush=True)).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
