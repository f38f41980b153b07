"""How right extracted fields are, how sure, in the right place, how soon; beside other programs, in one run.

    docparse bench extract --data DIR [--out DIR] [--quick]

``DIR`` has receipts, invoices and contracts with their true fields (``field_sets.py``). Each program goes over them as
a process of its own. Figures by field are those of the data's ``score.py`` where it has one; boxes, confidences and
the worst cases are judged here (``field_truth.py``, ``field_places.py``). What stands in the documents is shown on
the way (stderr) and is in no result. ``--out`` gets the tables, and the curve of risk and coverage. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import accuracy
import field_figures
import measure
import report
from field_places import RIGHT_BOX, place
from field_runs import OURS, PEERS, Run, gather, version
from field_sets import HALVES, SETS, FieldSet, Known
from field_truth import Judged, judge
from field_worst import worst_tables
from isotonic import brier, expected_error, reliability

OWN = "i2d_"
"""How the files begin that invoice2data's authors wrote templates for."""
QUICK = 3
AIMS = {"receipts": 4.0, "invoices": 0.3}
"""Seconds a document, on two processors."""


# ---------------------------------------------------------------------------------------------- figures by field


def summary(data: Path, kind: FieldSet, folder: Path, chosen: Sequence[Known]) -> dict[str, Any]:
    """What ``score.py fields`` says of these documents; without it, the same figures as far as this file makes them."""
    if (data / "score.py").is_file():
        told = accuracy.score(data, "fields", kind.name, folder, [one.id for one in chosen])
        if isinstance(told, str):
            raise SystemExit(told)
        return told
    own: list[Judged] = []
    for one in chosen:
        own += judge(one, json.loads((folder / f"{one.id}.fields.json").read_text("utf-8")))
    plain = [j for j in own if not j.of_item]
    by_field = {name: _shares([j for j in plain if j.field == name]) for name in sorted({j.field for j in plain})}
    every = [all(j.outcome == "right" for j in plain if j.document is one) for one in chosen]
    right = sum(every) / len(every) if every else None
    return {"by_field": by_field, "micro": _shares(plain), "all_fields_correct": right}


def _shares(found: Sequence[Judged]) -> dict[str, Any]:
    counts = Counter(j.outcome for j in found)
    said = counts["right"] + counts["wrong"]
    share = counts["right"] / len(found) if found else None
    return {"n": len(found), "norm": share, "p": counts["right"] / said if said else None, "r": share}


def field_table(data: Path, kind: FieldSet, own: Run, found: report.Report) -> None:
    """By field: ours on all files and on each half, the peers on all."""
    scores = {name: summary(data, kind, folder, own.documents) for name, folder in own.folders.items()}
    by_half = {h: [one for one in own.documents if one.half == h] for h in HALVES}
    halves = {h: summary(data, kind, own.folders[OURS], chosen) for h, chosen in by_half.items() if chosen}
    rows = []
    for name in scores[OURS]["by_field"]:
        of = scores[OURS]["by_field"][name]
        parts = [half["by_field"].get(name, {}) for half in halves.values()]
        rows.append([name, str(of["n"]), *(_f(of.get(key)) for key in ("exact", "norm", "p", "r"))])
        rows[-1] += [f"{_f(part.get('p'))} / {_f(part.get('r'))}" for part in parts]
        rows[-1] += [_two(score["by_field"].get(name)) for peer, score in scores.items() if peer != OURS]
    whole = [scores[OURS], *halves.values(), *(score for peer, score in scores.items() if peer != OURS)]
    micro = scores[OURS]["micro"]
    rows.append(
        ["all fields together", "", "", "", _f(micro["p"]), _f(micro["r"]), *(_two(s["micro"]) for s in whole[1:])]
    )
    for part, title in (("desc", "line items found"), ("full", "line items, every number right")):
        if "line_items" in scores[OURS]:
            of = scores[OURS]["line_items"][part]
            others = [_two(s.get("line_items", {}).get(part)) for s in whole[1:]]
            rows.append([title, "", "", "", _f(of["p"]), _f(of["r"]), *others])
    every = [_f(s["all_fields_correct"]) for s in whole]
    rows.append(["documents with all fields right", str(len(own.documents)), "", every[0], "", "", *every[1:]])
    peers = [f"{peer} P / R" for peer in scores if peer != OURS]
    columns = ("field", "n", "exact", "normalised", "precision", "recall", *(f"{h} P / R" for h in halves), *peers)
    sizes = ", ".join(f"{len(chosen)} {h}" for h, chosen in by_half.items())
    note = f"{len(own.documents)} documents, {sizes}. Engine embedded. P / R: precision / recall."
    found.tables.append(report.Table(kind.name.capitalize(), columns, rows, note))
    kept = {"all": scores[OURS], **halves, **{peer: scores[peer] for peer in scores if peer != OURS}}
    found.results.setdefault("fields", {})[kind.name] = kept


def peer_table(data: Path, kind: FieldSet, own: Run, found: report.Report) -> None:
    """The same on the files that invoice2data has templates for."""
    chosen = [one for one in own.documents if one.id.startswith(OWN)]
    if not chosen:
        return
    scores = {name: summary(data, kind, folder, chosen) for name, folder in own.folders.items()}
    rows = []
    for name in scores[OURS]["by_field"]:
        rows.append([name, str(scores[OURS]["by_field"][name]["n"])])
        rows[-1] += [_two(score["by_field"].get(name)) for score in scores.values()]
    rows.append(["all fields together", "", *(_two(score["micro"]) for score in scores.values())])
    if "line_items" in scores[OURS]:
        rows.append(["line items, every number right", "", *(_two(s["line_items"]["full"]) for s in scores.values())])
    note = f"The {len(chosen)} invoices that invoice2data's authors test it with. Precision / recall."
    found.tables.append(report.Table("On invoice2data's own files", ("field", "n", *scores), rows, note))
    found.results["own files of invoice2data"] = scores


def agreement(data: Path, kind: FieldSet, own: Run) -> tuple[int, int]:
    """How many plain fields ``score.py`` and ``field_truth`` judge alike, of how many."""
    summary(data, kind, own.folders[OURS], own.documents)
    path = own.folders[OURS] / "score-fields.json"
    if not path.is_file():
        return 0, 0
    told = json.loads(path.read_text("utf-8"))["documents"]
    alike = every = 0
    for one in own.judged:
        theirs = told.get(one.document.id, {}).get("fields", {}).get(one.field)
        if theirs is not None and "[" not in one.path and not isinstance(one.document.fields[one.field], list):
            every += 1
            alike += theirs["norm"] == (one.outcome == "right")
    return alike, every


def _f(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _two(part: Mapping[str, Any] | None) -> str:
    return f"{_f(part['p'])} / {_f(part['r'])}" if part else "-"


# ---------------------------------------------------------------------------------------------- confidences


def groups(runs: Mapping[str, Run]) -> dict[str, list[Judged]]:
    """The judged fields, together and apart; line items for themselves, as one table has many of them."""
    every = [j for run in runs.values() for j in run.judged]
    plain = [j for j in every if not j.of_item]
    return {
        "all fields": plain,
        **{name: [j for j in plain if j.document.kind.name == name] for name in runs},
        "line items": [j for j in every if j.of_item],
    }


def confidence_tables(own: Mapping[str, Sequence[Judged]], found: report.Report) -> None:
    rows, results = [], {}
    for name, judged in own.items():
        for half in ("", *HALVES):
            part = [j for j in judged if half in ("", j.document.half)]
            if not part:
                continue
            at, every = field_figures.sure(part), field_figures.pairs(part)
            title = f"{name}, {half}" if half else name
            shares = [_f(at.precision), _f(at.said / at.known)]
            errors = [_f(expected_error(every)), _f(brier(every))]
            rows.append(
                [title, str(len(part)), str(len(every)), str(at.said), str(at.said - at.right), *shares, *errors]
            )
            curve = [[round(v, 4) for v in (p.confidence, p.coverage, p.precision)] for p in field_figures.curve(part)]
            results[title] = {
                "known": at.known,
                "said": len(every),
                "sure": at.said,
                "sure_right": at.right,
                "ece": round(expected_error(every), 4),
                "brier": round(brier(every), 4),
                **({"curve": curve} if not half else {}),
            }
    note = (
        f"Sure: confidence {field_figures.SURE} or more; aim: {field_figures.AIM} of them right. Coverage: of the "
        "known fields. Said are all values of those fields; of line items, also those of items that are none."
    )
    columns = ("fields", "known", "said", "sure", "of them wrong", "precision", "coverage", "ECE", "Brier")
    found.tables.append(report.Table("Sure values", columns, rows, note))
    bins = reliability(field_figures.pairs(own["all fields"]))
    items = reliability(field_figures.pairs(own["line items"]))
    table = [
        [f"{i / 10:.1f} to {(i + 1) / 10:.1f}", *_bin(one), *_bin(other)]
        for i, (one, other) in enumerate(zip(bins, items, strict=True))
    ]
    columns = ("confidence", "fields", "mean", "right", "parts of line items", "mean", "right")
    found.tables.append(report.Table("Reliability", columns, table))
    found.results["confidence"] = {**results, "bins": bins, "bins of line items": items}


def _bin(one: tuple[int, float, float]) -> list[str]:
    return [str(one[0]), _f(one[1]), _f(one[2])] if one[0] else ["0", "", ""]


# ---------------------------------------------------------------------------------------------- boxes


def box_table(runs: Mapping[str, Run], found: report.Report, say: Callable[[str], None]) -> None:
    """How well the boxes of right values lie, by set."""
    rows, results = [], {}
    for title, chosen in _box_groups(runs):
        boxes, unplaced = [], 0
        for run, one in chosen:
            seen = _sizes(run, one)
            at = place(one, seen)
            unplaced += at is None and one.outcome == "right"
            boxes += [at] if at is not None else []
        known = [p for p in boxes if p.found]
        for lost in (p.judged for p in boxes if not p.found):
            say(f"  box: {lost.document.id} {lost.path}: not found: {lost.evidence and lost.evidence['text']!r}")
        for bad in (p for p in known if p.iou < RIGHT_BOX or not p.reads):
            said = f"{bad.judged.document.id} {bad.judged.path}: IoU {bad.iou:.2f}, reads {bad.reads}"
            say(f"  box: {said}: {bad.judged.evidence and bad.judged.evidence['text']!r}")
        figures = [_mean(p.iou for p in known), _mean(p.iou >= RIGHT_BOX for p in known), _mean(p.reads for p in known)]
        either = _mean(p.reads or p.iou >= RIGHT_BOX for p in known)
        rows.append(
            [title, str(len(known)), *map(_f, figures), _f(either), str(len(boxes) - len(known)), str(unplaced)]
        )
        results[title] = {"n": len(known), "iou": figures[0], "iou_half": figures[1], "reads": figures[2]}
    note = (
        "Of values that are right. Truth: for receipts the lines that people drew, a part of a line by its share of "
        "the characters; for PDFs MuPDF's characters. Reads: the words in the box are the value and nothing else; aim "
        "0.95. None: no box, or only that of what the value was worked out from."
    )
    columns = ("values", "n", "mean IoU", "IoU >= 0.5", "reads as the value", "either", "words not found", "none")
    found.tables.append(report.Table("Boxes", columns, rows, note))
    found.results["boxes"] = results


def _box_groups(runs: Mapping[str, Run]) -> list[tuple[str, list[tuple[Run, Judged]]]]:
    found = [(name, [(run, j) for j in run.judged if not j.of_item]) for name, run in runs.items()]
    found.append(("line items", [(run, j) for run in runs.values() for j in run.judged if j.of_item]))
    return [(name, own) for name, own in found if own]


def _sizes(run: Run, one: Judged) -> dict[int, tuple[float, float]]:
    pages = run.told[one.document.id]["measured"]["pages"]
    return {int(number): (size[0], size[1]) for number, size in pages.items()}


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(sum(known) / len(known), 4) if known else None


# ---------------------------------------------------------------------------------------------- time


def time_table(runs: Mapping[str, Run], found: report.Report) -> None:
    rows, results = [], {}
    for name, run in runs.items():
        told = [one["measured"] for one in run.told.values()]
        if not told:
            continue
        whole = [one["read_seconds"] + one["extract_seconds"] for one in told]
        parts = {
            "whole": whole,
            "extraction": [one["extract_seconds"] for one in told],
            "processor, whole": [one["cpu_seconds"] for one in told],
            "processor, extraction": [one["extract_cpu_seconds"] for one in told],
        }
        figures = {part: (statistics.median(values), _high(values), max(values)) for part, values in parts.items()}
        for part, three in figures.items():
            aim = f"{AIMS[name]}" if part == "whole" and name in AIMS else ""
            peak = f"{run.runs[OURS].peak / 2**20:.0f}" if part == "whole" else ""
            rows.append([f"{name}: {part}", str(len(told)), *(f"{value:.3f}" for value in three), aim, peak])
        pages = sum(len(one["pages"]) for one in told)
        peers = {peer: round(ran.seconds / len(told), 3) for peer, ran in run.runs.items() if peer != OURS}
        rounded = {part: [round(value, 4) for value in three] for part, three in figures.items()}
        results[name] = {
            "documents": len(told),
            "pages": pages,
            "peak_mib": round(run.runs[OURS].peak / 2**20),
            **rounded,
        }
        results[name]["peers, seconds a document with their start"] = peers
    note = (
        "Seconds a document, one after the other, engine warm; wall time depends on what else the machine does (load "
        "above), processor time less. Peak: PSS of the process over all documents of the set."
    )
    columns = ("documents", "n", "median", "p95", "slowest", "aim", "peak MiB")
    found.tables.append(report.Table("Time", columns, rows, note))
    found.results["time"] = results


def _high(values: Sequence[float]) -> float:
    """The 95th percentile; the slowest, where there are too few for one."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


# ---------------------------------------------------------------------------------------------- all of it


def run(
    data: Path, room: Path, limit: int | None, say: Callable[[str], None]
) -> tuple[report.Report, dict[str, list[Judged]]]:
    """Every measure; and the judged fields by group, for the picture."""
    peers = {name: version(package) for name, package in PEERS.items() if package}
    found = report.Report("extract", report.machine(measure.pin(), peers))
    found.machine["command"] = "docparse bench extract --data DIR --out DIR" + (" --quick" if limit else "")
    runs = {}
    for kind in SETS:
        own = gather(data, kind, room, limit, say)
        if own.documents:
            runs[kind.name] = own
    if not runs:
        raise SystemExit(f"{data}: there are no documents with fields there.")
    for kind in SETS:
        if kind.name in runs:
            field_table(data, kind, runs[kind.name], found)
    alike = [agreement(data, kind, runs[kind.name]) for kind in SETS if kind.name in runs]
    for kind in SETS:
        if kind.name in runs:
            peer_table(data, kind, runs[kind.name], found)
    found.machine["judged alike by score.py and here"] = (
        f"{sum(a for a, _ in alike)} of {sum(n for _, n in alike)} fields"
    )
    by_group = groups(runs)
    confidence_tables(by_group, found)
    box_table(runs, found, say)
    time_table(runs, found)
    worst_tables(runs, found, say)
    return found, by_group


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How right extracted fields are, and in the right place.")
    parser.add_argument(
        "--data", metavar="DIR", required=True, help="receipts/, invoices/, contracts/ with their fields"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the results and the curve")
    parser.add_argument("--quick", action="store_true", help="few files: a try of the harness")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="docparse-bench-") as folder:
        limit = QUICK if given.quick else None
        data = Path(given.data).resolve()
        found, own = run(data, Path(folder), limit, lambda line: print(line, file=sys.stderr, flush=True))
        print(found.text())
        for path in found.write(Path(given.out)) if given.out else ():
            print(f"written: {path}")
            if path.suffix == ".json":
                field_figures.plot(path.with_suffix(".png"), {name: part for name, part in own.items() if part})
                print(f"written: {path.with_suffix('.png')}")
        print(found.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
