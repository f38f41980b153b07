"""What recovery keeps of pages on which a model fails, and what the watch over an answer costs.

    docparse bench recovery [--out DIR] [--rounds N]

The faults are those of ``tests/engines/test_recovery.py``: answers that loop, are cut off, refuse, miss the format or
have their boxes wrong, about three samples. Told is, by kind of fault, how much of the page's text is kept, how much
is there too often, and how often the verdict is the right one. The watch is fed a real page token by token, and what
models write in loops; its peer in the same rounds is a decoder of the same bytes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import codecs
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import report

sys.path.insert(0, str(Path(__file__).parents[2]))

from docparse.engines.base import Answer
from docparse.engines.watch import Watch
from tests.engines.playing import Player, image, markup, play, truth
from tests.engines.test_recovery import CASES, CUTS, PAGES, kept

TOKEN = 3
"""Characters of a token, about: what markup of a page has."""


def faults() -> dict[str, list[tuple[float, float, bool]]]:
    """By kind of fault and page: share of text kept, share too much, whether the verdict is right."""
    found: dict[str, list[tuple[float, float, bool]]] = defaultdict(list)
    for name, case in CASES.items():
        for sample in case.pages:
            page, _ = play(image(*PAGES[sample]), Player(truth(*PAGES[sample]), case.faults))
            found[_kind(name)].append((*kept(page, sample), page.verdict.status == case.status))
    for sample, at in CUTS:
        fault: Any = lambda text, at=at: Answer(text[:at], 1, 1, "length")  # noqa: E731
        page, _ = play(image(*PAGES[sample]), Player(truth(*PAGES[sample]), (fault,)))
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


def watch(rounds: int) -> dict[str, float]:
    """Microseconds per token: of the watch on a page and on a loop, and of a decoder on the same page."""
    player = Player(truth("report.pdf"))
    play(image("report.pdf"), player)
    page = markup(player.blocks, player.asks[0])
    texts = {"a page": page * 4, "dots": page + "." * 20_000, "rows": page + "<tr><td>0.00</td></tr>" * 2_000}
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, text in texts.items():
            pieces = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]
            seconds[f"watch, {name}"].append(_timed(lambda p=pieces: _watched(p)) / len(pieces))
        data = [piece.encode() for piece in pieces]
        seconds["decoder, a page"].append(_timed(lambda d=data: _decoded(d)) / len(data))
    return {name: 1e6 * statistics.median(times) for name, times in seconds.items()}


def _watched(pieces: Sequence[str]) -> None:
    watching = Watch()
    for piece in pieces:
        watching.feed(piece)


def _decoded(pieces: Sequence[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        decoder.decode(piece)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(rounds: int) -> report.Report:
    found = report.Report("recovery", report.machine(1, {}))
    found.machine["rounds"] = rounds
    table = faults()
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
    costs = watch(rounds)
    note = f"A token is {TOKEN} characters; medians of the rounds."
    found.tables.append(
        report.Table("The watch", ("", "us a token"), [[n, f"{c:.2f}"] for n, c in costs.items()], note)
    )
    found.results = {
        "faults": {kind: [list(page) for page in pages] for kind, pages in table.items()},
        "microseconds_per_token": {name: round(cost, 3) for name, cost in costs.items()},
    }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What recovery keeps, and what the watch costs.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of the watch")
    given = parser.parse_args(arguments)
    found = run(max(given.rounds, 1))
    print(found.text())
    if given.out:
        for path in found.write(Path(given.out)):
            print(f"written: {path}")
    print(found.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
