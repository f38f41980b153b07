"""What this machine has left, asked of the system and the driver; nothing heavy is imported for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Bytes that all programs of a container may have."""


def free_memory() -> int | None:
    """Bytes of main memory that a new program can have, None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):  # not Linux
        try:
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None
    try:
        allowed = int(_CGROUP_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, or one without a limit
        return free
    return min(free, allowed)


def memory_of(pid: int) -> int | None:
    """Bytes of main memory that a process holds (RSS), None where the system does not say: it is gone, or not Linux."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def free_on_cards() -> list[int]:
    """Free bytes of each NVIDIA card. Asked of the driver, not of torch: that would take memory on each."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        answer = subprocess.run(
            [tool, "--query-gpu=memory.free", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if answer.returncode:
        return []
    return [int(line) * 2**20 for line in answer.stdout.split() if line.isdigit()]
