"""The program itself, run as users run it, and killed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docparse
from docparse.batch.manifest import FOLDER, Look, place
from docparse.errors import OutputError

PROGRAM = [sys.executable, "-m", "docparse"]
HERE = Path(__file__).parent


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("DOCPARSE_")}
    home = Path(docparse.__file__).parents[1]
    return {**clean, "PYTHONPATH": os.pathsep.join(map(str, (home, HERE.parent, HERE)))}


def run(where: Path, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """``docparse WORDS`` in the folder ``where``."""
    result = subprocess.run(
        [*PROGRAM, *words],
        cwd=where,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=300,
        **how,
    )
    assert "Traceback" not in result.stdout + result.stderr, result.stderr
    return result


def start(where: Path, *words: str, program: list[str] = PROGRAM) -> subprocess.Popen[bytes]:
    """The same in the background, at the head of a group of its own."""
    return subprocess.Popen(
        [*program, *words],
        cwd=where,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def killed_when(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> bool:
    """Kills the process, as nothing can be caught, when that is so; False: it has ended before."""
    deadline = time.monotonic() + 120
    while not reached():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "the batch does not get on"
        time.sleep(0.005)
    process.kill()
    process.wait(timeout=60)
    return True


def pages_in(out: Path) -> int:
    """How many pages the manifest knows."""
    try:
        with Look(place(out)) as look:
            return sum(look.counts()[1].values())
    except OutputError:
        return 0


def outputs(out: Path) -> dict[str, str]:
    """Hashes of all that was written, the batch's own notes left out."""
    files = (path for path in out.rglob("*") if path.is_file() and FOLDER not in path.parts)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
