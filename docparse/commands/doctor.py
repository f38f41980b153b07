"""``docparse doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``needed``: without it docparse cannot do its main job."""

    name: str
    state: str
    fine: bool
    advice: str = ""
    needed: bool = False


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def findings() -> list[Finding]:
    """Everything worth knowing about this machine, needed things first."""
    from docparse import __version__
    from docparse.engines.embedded import carriers
    from docparse.settings import cores

    found = [
        Finding("docparse", __version__, True),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", True),
        Finding("processors", str(cores()), True),
    ]
    for package, what in (
        ("pymupdf", "opens and draws PDFs"),
        ("pillow", "opens pictures"),
        ("onnxruntime", "runs the layout and OCR models"),
        ("faster-paddle", "finds and reads lines of text in pictures"),
    ):
        version = _package(package)
        found.append(
            Finding(
                package,
                f"{version} ({what})" if version else f"not installed ({what})",
                version is not None,
                "" if version else f"pip install {package}",
                needed=True,
            )
        )
    for name, carrier in (("layout model", carriers.LAYOUT), ("second reading", carriers.RECOGNISER)):
        path = carriers.find(carrier)
        state = f"in {carrier[0]} {_package(carrier[0]) or ''}".strip() if path else "not installed"
        found.append(Finding(name, state, path is not None, "" if path else f"pip install {carrier[0]}", needed=True))
    poppler = shutil.which("pdftoppm")
    found.append(
        Finding(
            "second renderer",
            "poppler through pdf2image" if poppler else "poppler is not installed",
            poppler is not None,
            "" if poppler else "install poppler-utils (Debian, Ubuntu) or poppler (Homebrew, conda)",
        )
    )
    torch = _package("torch")
    found.append(Finding("torch", torch or "not installed (the qwen engine needs it)", torch is not None))
    found.append(_gpu())
    found.append(Finding("engine embedded", "ready" if all(f.fine for f in found if f.needed) else "not ready", True))
    found.append(Finding("engine auto", "embedded: no model checkpoint is configured", True))
    return found


def _gpu() -> Finding:
    """Asked of the driver, not of torch: importing torch takes seconds."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "none found; the embedded engine needs none", True)
    import subprocess

    try:
        answer = subprocess.run(
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("GPU", "the driver does not answer", False)
    return Finding("GPU", answer.stdout.strip().replace("\n", "; ") or "none", bool(answer.stdout.strip()))


def report() -> bool:
    """Print the findings; whether everything needed is there."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    found = findings()
    for finding in found:
        mark = "[green]yes[/]" if finding.fine else "[red]no[/]" if finding.needed else "[yellow]-[/]"
        advice = f"  ({finding.advice})" if finding.advice else ""
        table.add_row(mark, finding.name, escape(finding.state + advice))
    console.print(table)
    return all(finding.fine for finding in found if finding.needed)
