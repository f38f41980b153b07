"""``docparse bench``: runs a benchmark of the source checkout, ``tests/benchmarks/bench_<name>.py``.

The benchmarks are no part of the package: they need the samples and other people's programs. Each
is a program of its own, and it runs as one, so that nothing of ours is loaded while it measures.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docparse
from docparse.errors import SettingsError

TAKES: dict[str, tuple[str, ...]] = {
    "api": ("data", "out", "quick"),
    "batch": ("out", "quick", "peers"),
    "calibration": ("data", "out", "engine"),
    "embedded": ("data", "out", "rounds", "quick", "peers"),
    "extract": ("data", "out", "quick"),
    "markup": ("out", "rounds"),
    "model": ("out", "rounds", "quick"),
    "recovery": ("out", "rounds", "quick"),
    "viewer": ("out", "quick"),
}
"""The benchmarks there are, and the options that mean something to each."""


def run(name: str, **options: str | int | bool | None) -> int:
    """Runs the benchmark ``name``; its exit code. An option that is None or False was not given.

    Raises ``SettingsError`` for an unknown benchmark, for an option that it does not have, and where
    there is no source checkout.
    """
    if name not in TAKES:
        raise SettingsError(f"there is no benchmark {name!r}.", hint=f"There are: {', '.join(TAKES)}.")
    given = {key: value for key, value in options.items() if value is not None and value is not False}
    for key in given:
        if key not in TAKES[name]:
            raise SettingsError(f"--{key} means nothing to the benchmark {name}.")
    script = folder() / f"bench_{name}.py"
    if not script.is_file():
        raise SettingsError(
            f"the benchmark {name} comes with the source checkout of docparse, not with the installed package.",
            hint='Get the sources, run pip install -e ".[bench]" in them, and try again.',
        )
    arguments: list[str] = []
    for key, value in given.items():
        arguments += [f"--{key}"] if value is True else [f"--{key}", str(value)]
    return subprocess.run([sys.executable, script, *arguments], check=False).returncode


def folder() -> Path:
    """Where the benchmarks lie beside the package, if this is a source checkout."""
    return Path(docparse.__file__).resolve().parent.parent / "tests" / "benchmarks"
