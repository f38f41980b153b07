"""What so many cores convert, from what was measured: the table of ``docs/past-one-machine.md``.

    python tests/benchmarks/capacity.py

It is multiplication: cores are taken to be as fast as those that were measured, storage as fast as needed. A test
wants the table in the docs to be what this prints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
MEASURED = "embedded-2026-11-21.json"
"""The results of ``docparse bench embedded`` that count."""
CORES = (2, 16, 64, 256, 1024, 4096)
DAY = 86_400
BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Measured:
    """Pages a second on so many cores: born-digital PDFs, and scans."""

    cores: int
    digital: float
    scans: float


def measured(name: str = MEASURED) -> Measured:
    """As that file of results says."""
    found = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    results = found["results"]
    return Measured(
        found["machine"]["cores used"],
        results["digital"]["programs"]["docparse"]["pages_per_second"],
        1 / results["scans"]["programs"]["docparse"]["seconds_per_page"],
    )


def table(rates: Measured, counts: Sequence[int] = CORES) -> str:
    """Markdown: a row for each number of cores."""
    kinds = ("born-digital", rates.digital), ("scans", rates.scans)
    heads = [f"{kind}: pages/s | pages a day | days for a billion" for kind, _ in kinds]
    lines = ["| cores | " + " | ".join(heads) + " |", "| ---: " * (1 + 3 * len(kinds)) + "|"]
    for cores in counts:
        cells = [f"{cores:,}"]
        for _, rate in kinds:
            pages = rate * cores / rates.cores
            cells += [_short(pages), f"{_rounded(pages * DAY):,}", _short(BILLION / (pages * DAY))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _rounded(value: float) -> int:
    """To three digits: more were never measured."""
    digits = 3 - len(str(round(value)))
    return int(round(value, digits))


if __name__ == "__main__":
    print(table(measured()))
