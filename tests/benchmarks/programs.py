"""The programs that are compared: ours, its peers, and what no program can be faster than."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Run, run

RUNNER = Path(__file__).with_name("peer_runner.py")
INSTALL = 'pip install "docparse[bench]"'


@dataclass(frozen=True, slots=True)
class Program:
    """``package``: what has to be installed; empty for ours and for the limits."""

    name: str
    package: str
    settings: str


OURS = Program("docparse", "", "convert, --jobs 2")
LITEPARSE = Program("liteparse", "liteparse", "Markdown, OCR off, 2 processes")
PYMUPDF4LLM = Program("pymupdf4llm", "pymupdf4llm", "layout model if installed, OCR off, 2 processes")
PYMUPDF4LLM_OCR = Program(
    "pymupdf4llm-ocr", "pymupdf4llm", "layout model if installed, OCR where it sees fit, 2 processes"
)
RAPIDOCR = Program("rapidocr", "rapidocr", "as it comes, lines from top to bottom, 2 processes")
RAPIDOCR_TUNED = Program(
    "rapidocr-tuned", "rapidocr", "no turning of lines, batches of 1, 1 thread in each of 2 processes"
)
RAWDICT = Program("mupdf-rawdict", "pymupdf", "limit: only the characters and their places, 2 processes")
BYTES = Program("read-bytes", "", "limit: only the bytes of the files, 2 processes")


class Peers:
    """Other people's programs in the interpreter ``python``: which are there, and how they run."""

    def __init__(self, python: str | None = None) -> None:
        self.python = python or sys.executable
        told = subprocess.run([self.python, RUNNER, "--versions"], capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise SystemExit(f"{self.python} cannot run the peers: {told.stderr.strip()[-300:]}")
        self.versions: dict[str, str | None] = json.loads(told.stdout.splitlines()[-1])

    def missing(self, program: Program) -> str:
        """How to get a program that is absent; empty where it is there."""
        if not program.package or self.versions.get(program.package):
            return ""
        return f"not installed: {INSTALL}"

    def command(self, program: Program, files: Sequence[Path], out: Path) -> list[str]:
        out.mkdir(parents=True, exist_ok=True)
        listing = out / "files.txt"
        listing.write_text("\n".join(map(str, files)), encoding="utf-8")
        return [self.python, str(RUNNER), program.name, str(listing), str(out), "--processes", "2"]


def our_command(files: Sequence[Path], out: Path, to: str) -> list[str]:
    names = list(map(str, files))
    return [sys.executable, "-m", "docparse", "convert", *names, "-o", str(out), "--jobs", "2", "--to", to]


def starter(
    peers: Peers, program: Program, files: Sequence[Path], out: Path, *, to: str = "html,md,json", memory: bool = True
) -> Callable[[], Run]:
    """A function that runs ``program`` over ``files`` once."""
    ours = program is OURS
    command = our_command(files, out, to) if ours else peers.command(program, files, out)
    return lambda: run(command, memory=memory)
