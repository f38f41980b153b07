"""How far confidences are the share that is right, and the map that makes them so.

    docparse bench calibration --data DIR [--engine embedded|qwen|remote] [--out DIR]

An engine reads receipts and pages whose text people typed, each element and cell is compared with what stands in its
place (``evidence.py``), and a monotone map from its confidence to the chance of being right is fitted on one half of
the files and tried on the other. Which half a file is in, its name's SHA-256 says. ``--out`` gets the tables, a
reliability plot, and ``<name>.json``: put into ``docparse/calibrations/``, it is used. The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import evidence
import report
from evidence import RIGHT, Judged
from isotonic import Pair, brier, expected_error, fit, reliability

from docparse.confidence import Calibration, file_name
from docparse.convert import open_for
from docparse.document import EngineInfo
from docparse.engines.base import Engine
from docparse.engines.choose import choose
from docparse.errors import DocparseError
from docparse.qwenvl_html import read
from docparse.settings import Settings, load
from docparse.verify import MIN_CONFIDENCE

FEWEST = 40
"""Elements in each half below which nothing is fitted."""
LENGTHS = ((1, 20), (21, 60), (61, 10**9))


@dataclass(slots=True)
class Evidence:
    """What an engine has read, its confidences as it says them.

    judged   elements with known truth
    unknown  how many have none
    said     file by file confidence and length of all elements
    """

    judged: list[Judged] = field(default_factory=list)
    unknown: int = 0
    said: dict[str, list[tuple[float, int]]] = field(default_factory=dict)


def gather(data: Path, settings: Settings, engine: Engine, say: Callable[[str], None]) -> Evidence:
    """What ``engine`` makes of all the files of ``data`` whose text people typed."""
    found = Evidence()
    origin = "ocr" if engine.name == "embedded" else "model"
    options = settings.options(pages=None, password=None)
    for path, pages in evidence.documents(data, pictures_only=origin == "ocr"):
        with open_for(path, options) as source:
            for number, told in enumerate(pages, 1):
                image = source.page(number)
                markup = next(iter(engine.read_pages([image])))
                size = {"width": image.width, "height": image.height}
                reading = read(markup.html, confidences=markup.confidences, origin=markup.origin, **size)
                own, lost = evidence.judge(path.name, reading.blocks, told.scaled(**size), origin)
                found.judged += own
                found.unknown += lost
                found.said.setdefault(path.name, []).extend(evidence.said(reading.blocks, origin))
                image.release()
                say(f"  {path.name} page {number}: {len(own)} elements, {sum(j.right for j in own)} right")
    return found


def half(file: str) -> int:
    """0 for files that are fitted on, 1 for those that are reported on."""
    return hashlib.sha256(file.encode()).digest()[0] % 2


def pairs(found: Sequence[Judged], known: Callable[[float], float], *, soft: bool = False) -> list[Pair]:
    return [(known(j.raw), 1 - j.errors if soft else float(j.right)) for j in found]


def _as_it_is(raw: float) -> float:
    return raw


def name_of(info: EngineInfo) -> str:
    return "ocr" if info.name == "embedded" else file_name(info.model) or info.name


def run(data: Path, settings: Settings, engine: Engine, say: Callable[[str], None]) -> tuple[report.Report, Any]:
    """The report, and what is plotted and shipped: the calibration and both halves; None where there is too little."""
    found = report.Report("calibration", report.machine(1, {}))
    info = engine.info()
    found.machine["engine"] = f"{info.name} {info.version} {info.model}".strip()
    everything = gather(data, settings, engine, say)
    halves = [[j for j in everything.judged if half(j.file) == number] for number in (0, 1)]
    counts = {
        "files": [len({j.file for j in one}) for one in halves],
        "elements": [len(one) for one in halves],
        "cells": [sum(j.what == "cell" for j in one) for one in halves],
        "right": [sum(j.right for j in one) for one in halves],
    }
    note = (
        f"Right: at most {RIGHT:.0%} of the characters are wrong, after NFKC, without case and white space; so none in "
        f"a text of less than {round(1 / RIGHT)}. {everything.unknown} elements without a known truth are left out."
    )
    rows = [[key, *map(str, values)] for key, values in counts.items()]
    found.tables.append(report.Table("What is compared", ("", "fitted on", "reported on"), rows, note))
    found.results = {"engine": info.name, "counts": counts, "unknown": everything.unknown, "right_means": RIGHT}
    if min(map(len, halves)) < FEWEST:
        found.tables.append(
            report.Table("No calibration", ("",), [["Too few elements have a confidence and a truth."]])
        )
        return found, None
    known, other = (_fitted(one, info, found) for one in halves)
    _errors(found, known, other, halves)
    _tables(found, known, halves[1])
    _pages(found, known, everything)
    found.results["knots"] = known.knots
    return found, (known, halves)


def _fitted(own: Sequence[Judged], info: EngineInfo, found: report.Report) -> Calibration:
    day = str(found.machine["date"])[:10]
    files = {j.file for j in own}
    source = (
        f"docparse bench calibration, {day}: {len(own)} elements and cells of {len(files)} receipts and pages whose "
        f"text people typed; right is at most {RIGHT:.0%} of wrong characters; isotonic over groups of equal size."
    )
    return Calibration(fit(pairs(own, _as_it_is)), f"{name_of(info)} {day}", source)


def _errors(found: report.Report, known: Calibration, other: Calibration, halves: Sequence[Sequence[Judged]]) -> None:
    rows, results = [], {}
    said = (
        ("as the engine says them", halves[1], _as_it_is),
        ("calibrated", halves[1], known),
        ("the other way round: as said", halves[0], _as_it_is),
        ("the other way round: calibrated", halves[0], other),
    )
    for name, own, of in said:
        hard, soft = pairs(own, of), pairs(own, of, soft=True)
        mean = sum(sure for sure, _ in hard) / len(hard)
        right = sum(outcome for _, outcome in hard) / len(hard)
        figures = (mean, right, expected_error(hard), brier(hard), sum(share for _, share in soft) / len(soft))
        rows.append([name, *(f"{figure:.3f}" for figure in figures)])
        keys = ("mean", "right", "ece", "brier", "right_characters")
        results[name] = {key: round(figure, 4) for key, figure in zip(keys, figures, strict=True)}
    note = "Of the half that nothing was fitted on. ECE: ten bins of equal width. Right characters: mean over elements."
    columns = ("confidences", "mean", "right", "ECE", "Brier", "right characters")
    found.tables.append(report.Table("Error of the confidences", columns, rows, note))
    found.results["errors"] = results


def _tables(found: report.Report, known: Calibration, own: Sequence[Judged]) -> None:
    for title, of in (("as the engine says them", _as_it_is), ("calibrated", known)):
        rows = [
            [f"{i / 10:.1f} to {(i + 1) / 10:.1f}", str(n), *((f"{sure:.3f}", f"{right:.3f}") if n else ("", ""))]
            for i, (n, sure, right) in enumerate(reliability(pairs(own, of)))
        ]
        found.tables.append(
            report.Table(f"Reliability, {title}", ("confidence", "elements", "mean confidence", "right"), rows)
        )
    rows = []
    for least, most in LENGTHS:
        part = [j for j in own if least <= j.length <= most]
        if part:
            hard = pairs(part, known)
            means = (sum(sure for sure, _ in hard) / len(hard), sum(right for _, right in hard) / len(hard))
            name = f"{least} to {most}" if most < 10**9 else f"{least} and more"
            rows.append([name, str(len(part)), *(f"{m:.3f}" for m in means), f"{1 - _mean_errors(part):.3f}"])
    columns = ("characters", "elements", "mean confidence", "right", "right characters")
    note = "One map for all lengths; a long text has more places to be wrong in."
    found.tables.append(report.Table("By length, calibrated", columns, rows, note))


def _mean_errors(own: Sequence[Judged]) -> float:
    return sum(j.errors for j in own) / len(own)


def _pages(found: report.Report, known: Calibration, own: Evidence) -> None:
    """File by file what the threshold of a page's verdict looks at, the least sure first."""
    rows, results = [], []
    for file in {j.file for j in own.judged}:
        part, said = [j for j in own.judged if j.file == file], own.said[file]
        figures = (
            _mean((known(raw), size) for raw, size in said),
            _mean(said),
            _mean((1 - j.errors, j.length) for j in part),
            sum(j.right for j in part) / len(part),
        )
        results.append([round(figure, 3) for figure in figures])
        kind = "receipt" if file.startswith("sroie") else "page"
        rows.append([kind, ("fitted on", "reported on")[half(file)], *(f"{f:.3f}" for f in results[-1])])
    rows.sort(key=lambda row: row[2])
    columns = ("file", "half", "calibrated", "as said", "right characters", "right elements")
    note = (
        "Means over the characters of a file; those that are right, over the elements whose truth is known. The "
        f"verdict of a page is partial below {MIN_CONFIDENCE} (calibrated)."
    )
    found.tables.append(report.Table("File by file", columns, rows, note))
    found.results["files"] = sorted(results)


def _mean(parts: Iterable[tuple[float, int]]) -> float:
    known = list(parts)
    return sum(value * size for value, size in known) / sum(size for _, size in known)


def plot(path: Path, known: Calibration, halves: Sequence[Sequence[Judged]]) -> None:
    """The reliability of the half that is reported on, before and after, and the map between them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    for axes, title, of, colour in (
        (left, "as the OCR says it" if known.name.startswith("ocr") else "as the model says it", _as_it_is, "#b5482f"),
        (middle, "calibrated", known, "#2f6fb5"),
    ):
        hard = pairs(halves[1], of)
        bins = [b for b in reliability(hard) if b[0]]
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle="--", label="what would be true")
        axes.plot([b[1] for b in bins], [b[2] for b in bins], color=colour, linewidth=1.2)
        axes.scatter(
            [b[1] for b in bins], [b[2] for b in bins], s=[12 + 2 * b[0] for b in bins], color=colour, alpha=0.7
        )
        for n, sure, share in bins:
            axes.annotate(str(n), (sure, share), textcoords="offset points", xytext=(9, -11), fontsize=8)
        axes.set(xlim=(-0.02, 1.14), ylim=(-0.07, 1.06), xlabel="mean confidence", ylabel="share of elements right")
        axes.set_title(f"{title}: ECE {expected_error(hard):.3f}, Brier {brier(hard):.3f}", fontsize=10)
        axes.legend(loc="upper left", fontsize=8, frameon=False)
    xs = [x / 2000 for x in range(1600, 2001)]
    right.plot(xs, [known(x) for x in xs], color="#333333", linewidth=1.2)
    knots = [knot for knot in known.knots if knot[0] >= 0.8]
    right.scatter([x for x, _ in knots], [y for _, y in knots], s=18, color="#333333")
    right.set(xlim=(0.8, 1.003), ylim=(-0.02, 1.04), xlabel="confidence as said", ylabel="calibrated")
    right.set_title("the map, from 0.8 up", fontsize=10)
    counts = f"{len(halves[1])} elements and cells; numbers at the points: elements in the bin"
    figure.suptitle(f"Reliability on files that nothing was fitted on: {counts}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _as_file(known: Calibration) -> str:
    head = f'{{\n "name": {json.dumps(known.name)},\n "source": {json.dumps(known.source)},\n "knots": [\n  '
    return head + ",\n  ".join(json.dumps(knot) for knot in known.knots) + "\n ]\n}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How far confidences are the share that is right.")
    parser.add_argument("--data", metavar="DIR", required=True, help="evaluation data: receipts/ and pages/")
    parser.add_argument("--engine", default="embedded", help="whose confidences: embedded, qwen or remote")
    parser.add_argument("--out", metavar="DIR", help="folder for the results, the plot and the calibration")
    given = parser.parse_args(arguments)
    try:
        settings = load(engine=given.engine)
        engine, _ = choose(given.engine, threads=1, model=settings.model_options(), remote=settings.remote_options())
        found, fitted = run(Path(given.data), settings, engine, lambda line: print(line, file=sys.stderr, flush=True))
    except DocparseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(found.text())
    if given.out:
        out = Path(given.out)
        written = found.write(out)
        if fitted is not None:
            known, halves = fitted
            written.append(written[0].with_suffix(".png"))
            plot(written[-1], known, halves)
            written.append(out / f"{name_of(engine.info())}.json")
            written[-1].write_text(_as_file(known), encoding="utf-8")
        for path in written:
            print(f"written: {path}")
    print(found.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
