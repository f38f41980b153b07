"""Runs programs from the outside: wall time of the whole process tree, its peak memory, medians.

Memory is the sum of the proportional set sizes (PSS) of a program and all its descendants, read
from ``/proc`` five times a second: pages that processes share count once. Not measured where there
is no ``/proc``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CORES = 2
SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program. ``seconds`` from start to end; ``peak`` bytes of the tree, 0 if unknown."""

    seconds: float
    peak: int
    code: int
    errors: str = ""


@dataclass(slots=True)
class Runs:
    """The runs of one program in one measure."""

    all: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.all)

    @property
    def spread(self) -> float:
        """The slowest run as a multiple of the fastest."""
        return max(run.seconds for run in self.all) / min(run.seconds for run in self.all)

    @property
    def peak(self) -> int:
        return max(run.peak for run in self.all)

    @property
    def failed(self) -> str:
        """What the first run that failed said last; empty where none did."""
        return next((run.errors or f"exit code {run.code}" for run in self.all if run.code not in (0, 1)), "")


def pin() -> int:
    """Keep this process and all it starts on ``CORES`` processors; how many it is on."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    mine = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, mine)
    return len(mine)


def run(command: Sequence[str], *, memory: bool = True) -> Run:
    """Runs ``command`` to its end, its output thrown away but for the last of its complaints."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    sampler = _Sampler(process.pid) if memory else None
    _, complaints = process.communicate()
    seconds = time.perf_counter() - begun
    peak = sampler.stop() if sampler else 0
    return Run(seconds, peak, process.returncode, complaints.strip()[-300:])


def until_line(command: Sequence[str]) -> Run:
    """Runs ``command``; the time from its start to its first line of output."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    line = process.stdout.readline()
    seconds = time.perf_counter() - begun
    _, complaints = process.communicate()
    return Run(seconds, 0, process.returncode if line else 2, complaints.strip()[-300:])


def rounds(programs: Mapping[str, Callable[[], Run]], count: int, say: Callable[[str], None]) -> dict[str, Runs]:
    """Runs all programs ``count`` times, in one order and then in the other.

    So that a machine that slows down or warms up does it to all of them. A program whose first run
    fails is not run again.
    """
    done = {name: Runs() for name in programs}
    for number in range(count):
        for name in list(programs) if number % 2 == 0 else reversed(list(programs)):
            if done[name].all and done[name].failed:
                continue
            result = programs[name]()
            done[name].all.append(result)
            say(f"  {name:<22} {result.seconds:8.2f} s" + (f"  {result.peak / 2**20:6.0f} MiB" if result.peak else ""))
    return done


class _Sampler:
    """Watches the memory of a process tree from a thread of its own."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._peak = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if sys.platform == "linux":
            self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(SAMPLE_SECONDS):
            self._peak = max(self._peak, tree_memory(self._root))

    def stop(self) -> int:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        return self._peak


def tree_memory(root: int) -> int:
    """PSS in bytes of ``root`` and its descendants, as far as they still live."""
    return sum(map(pss, family(root)))


def family(root: int) -> set[int]:
    """``root`` and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in parentheses may hold spaces; what follows the last one does not.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    tree, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return tree


def pss(pid: int) -> int:
    """Bytes; 0 where the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0
