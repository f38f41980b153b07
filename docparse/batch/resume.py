"""What is left to do: a file as it is now against what the manifest knows of it. Pure, but for looking at files.

A file is left alone where its result would be the same: the same bytes, the same recipe, the same names of outputs,
and these are there. One that failed for a reason of its own (it is corrupt, or wants a password) fails again, and is
left too; one that failed by chance is done again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from docparse.batch.manifest import FileRow

Retry = Literal["failed", "partial"]
WORTH_ANOTHER_TRY = (
    "engine.",
    "output.",
    "source.timeout",
    "source.unreadable",
    "source.missing",
    "settings.",
)
"""Codes of errors, by how they begin, that another run need not meet again."""
MOST_TRIES = 2
"""A file that was in hand so often when the process died is thought to be why."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What a file system says of a file; None where it says nothing."""

    size: int | None = None
    mtime_ns: int | None = None


def stat(path: str) -> Stat:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return Stat()
    return Stat(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Decision:
    """``do``: it is read. ``why``: a word for people and for tests. ``keep_pages``: those that were kept still count;
    ``touched``: the same file with another date."""

    do: bool
    why: str
    keep_pages: bool = False
    touched: bool = False


def decide(
    row: FileRow | None,
    now: Stat,
    *,
    recipe: str,
    stem: str,
    retry: Sequence[Retry] = (),
    statuses: set[str] = frozenset(),  # type: ignore[assignment]
) -> Decision:
    """Whether a file is to be read. ``statuses``: of its pages, where it is done."""
    if row is None:
        return Decision(True, "new")
    if row.recipe != recipe or row.stem != stem:
        return Decision(True, "recipe")
    touched = False
    if (row.size, row.mtime_ns) != (now.size, now.mtime_ns):
        if row.size != now.size or not row.sha256 or _sha256(row.path) != row.sha256:
            return Decision(True, "changed")
        touched = True
    if row.state == "failed":
        if "failed" in retry:
            return Decision(True, "retry")
        if row.code.startswith(WORTH_ANOTHER_TRY) and row.tries < MOST_TRIES:
            return Decision(True, "chance", keep_pages=True)
        return Decision(False, "failed", touched=touched)
    if row.state != "done":
        return Decision(True, "interrupted", keep_pages=True)
    if not row.outputs or not all(os.path.exists(path) for path in row.outputs):
        return Decision(True, "outputs gone")
    if ("partial" in retry and statuses & {"partial", "failed"}) or ("failed" in retry and "failed" in statuses):
        return Decision(True, "retry")
    return Decision(False, "done", touched=touched)


def outputs_exist(folder: str, stem: str, suffixes: Sequence[str]) -> bool:
    """Whether a result of each format is there already; those of one file a page count by their first page."""
    for suffix in suffixes:
        pattern = suffix.replace("{page:03d}", "*").replace("{page}", "*")
        if "*" in pattern:
            if not any(Path(folder).glob(f"{glob_escaped(stem)}{pattern}")):
                return False
        elif not os.path.exists(os.path.join(folder, stem + suffix)):
            return False
    return True


def glob_escaped(text: str) -> str:
    import glob

    return glob.escape(text)


def in_shard(path: str, shard: tuple[int, int] | None) -> bool:
    """Whether a file is of shard ``(i, n)``, i from 1: told by its path, so that machines need not agree on a list."""
    if shard is None:
        return True
    number = int.from_bytes(hashlib.sha256(os.fsencode(path)).digest()[:8], "big")
    return number % shard[1] == shard[0] - 1


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
