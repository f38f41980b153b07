"""A benchmark run as ``docparse bench NAME --quick`` runs it: a process of its own, which may pin itself to cores.

Each has a test file to itself: they are among the longest tests, and files run side by side.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parent / "benchmarks"


def quick(name: str, out: Path) -> dict[str, Any]:
    """The results on its last line; the files are in ``out``."""
    command = [sys.executable, str(BENCHMARKS / f"bench_{name}.py"), "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["results"]
    return results
