"""The programs that fields are asked of, each run over a set as a process of its own, and what ours found."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import measure
from field_sets import FieldSet, Known, documents
from field_truth import Judged, judge

HERE = Path(__file__).parent
OURS = "docparse"
PEERS = {"invoice2data": "invoice2data", "regexes": ""}
"""The other programs, and what has to be installed for each."""


@dataclass(slots=True)
class Run:
    """What the programs made of one set. ``told``: what ours says, by document; ``text``: what it read."""

    documents: list[Known]
    folders: dict[str, Path] = field(default_factory=dict)
    runs: dict[str, measure.Run] = field(default_factory=dict)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    judged: list[Judged] = field(default_factory=list)


def gather(data: Path, kind: FieldSet, room: Path, limit: int | None, say: Callable[[str], None]) -> Run:
    """Runs every program over the documents of a set."""
    own = Run(documents(data, kind, limit))
    for name in (OURS, *(name for name, package in PEERS.items() if not package or version(package))):
        out = own.folders[name] = room / kind.name / name
        out.mkdir(parents=True)
        tasks = [
            {"path": str(d.path), "schema": d.schema, "kind": kind.name, "text": str(own.folders[OURS] / f"{d.id}.txt")}
            for d in own.documents
        ]
        listing = out / "list.json"
        listing.write_text(json.dumps(tasks), encoding="utf-8")
        program = [HERE / "field_runner.py"] if name == OURS else [HERE / "field_peers.py", name]
        command = [sys.executable, *map(str, [*program, listing, out])]
        ran = own.runs[name] = measure.run(command)
        say(f"  {kind.name:<10} {name:<14} {ran.seconds:8.2f} s  {ran.peak / 2**20:6.0f} MiB  {ran.errors[-200:]}")
        if ran.code != 0:
            raise SystemExit(f"{name} failed over {kind.name}: {ran.errors}")
    for one in own.documents:
        own.told[one.id] = json.loads((own.folders[OURS] / f"{one.id}.fields.json").read_text("utf-8"))
        own.text[one.id] = (own.folders[OURS] / f"{one.id}.txt").read_text("utf-8")
        own.judged += judge(one, own.told[one.id])
    return own


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
