"""How right the programs are, by the ``score.py`` that lies with the evaluation data.

A program is asked only for what it is made for: PDFs with a text layer for the two that have no
OCR, pictures for plain OCR; ours for both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus
from measure import run
from programs import OURS, Peers, Program, our_command

Summary = dict[str, Any]
Figures = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Task:
    """What is scored: the files of ``folder`` with one of ``suffixes``.

    ``figures``: kind of score, group of ground truth (empty where score.py makes none), figure.
    """

    name: str
    folder: str
    suffixes: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    programs: tuple[Program, ...]


def score(data: Path, kind: str, folder: str, predictions: Path, names: list[str]) -> Summary | str:
    """The summary of score.py by group of ground truth, or what kept it from scoring."""
    ids = predictions / "ids.txt"
    ids.write_text("\n".join(names), encoding="utf-8")
    out = predictions / f"score-{kind}.json"
    command = [sys.executable, data / "score.py", kind, "--gt", data / folder, "--pred", predictions]
    told = subprocess.run(
        [*command, "--ids", ids, "--out", out, "--quiet"], capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        return f"score.py {kind}: {told.stderr.strip().splitlines()[-1] if told.stderr.strip() else 'failed'}"
    summary: Summary = json.loads(out.read_text("utf-8"))["summary"]
    return summary


def measure(
    task: Task, data: Path, peers: Peers, room: Path, limit: int | None, say: Callable[[str], None]
) -> dict[str, Figures]:
    """Figures of every program for one task: ``{program: {figure: value}}``."""
    paths = sorted(p for p in (data / task.folder).iterdir() if p.suffix.lower() in task.suffixes)
    paths = corpus.spread(paths, limit) if limit else paths
    results: dict[str, Figures] = {}
    for program in task.programs:
        if absent := peers.missing(program):
            results[program.name] = {"note": absent}
            continue
        out = room / task.name.replace(" ", "-") / program.name
        out.mkdir(parents=True)
        ours = program is OURS
        command = our_command(paths, out, "html,md,json") if ours else peers.command(program, paths, out)
        took = run(command, memory=False)
        say(f"  {task.name}: {program.name:<18} {took.seconds:8.2f} s")
        results[program.name] = scored(task, data, out, [path.stem for path in paths])
    return results


def scored(task: Task, data: Path, out: Path, names: list[str]) -> Figures:
    """The figures that ``task`` asks for, of the predictions in ``out``."""
    found: Figures = {}
    by_kind: dict[str, Summary | str] = {}
    for kind, group, figure in task.figures:
        if kind not in by_kind:
            by_kind[kind] = score(data, kind, task.folder, out, names)
        summary = by_kind[kind]
        if isinstance(summary, str):
            found["note"] = summary
        elif (value := (summary.get(group, {}) if group else summary).get(figure)) is not None:
            found[label(kind, group, figure)] = round(value, 4)
    return found


def label(kind: str, group: str, figure: str) -> str:
    return f"{kind} {figure}" + ("" if group in ("", "all") else f" ({group.removeprefix('quality=')})")
