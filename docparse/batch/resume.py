"""What is left to do: a file as it is now against what the manifest knows of it. Pure, but for looking at files.

A file is left alone where its result would be the same: the same bytes, the same recipe, the same names of outputs,
and these are there. One that failed for a reason of its own (it is corrupt, or wants a password) fails again, and is
left too; one that failed by chance is done again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from docparse.batch.manifest import FileRow
from docparse.far.folder import FarFolder
from docparse.reading import Job

Retry = Literal["failed", "partial"]
WORTH_ANOTHER_TRY = (
    "output.",
    "engine.unavailable",
    "service.",
    "source.unreadable",
    "source.too_large",  # the limit may be another one now; and nothing is done before it is found
    "settings.",
)
"""Errors that say nothing of the file, by how their codes begin: another run need not meet them."""
WORTH_A_FEW = ("engine.", "source.timeout")
"""Errors that may come from a busy machine, or from the file."""
MOST_TRIES = 3
"""Runs in which a file may meet one of these before it is left alone."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What a file system says of a file; None where it says nothing. ``mtime_ns``: of a file elsewhere its version."""

    size: int | None = None
    mtime_ns: int | None = None


def stat(path: str) -> Stat:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return Stat()
    return Stat(found.st_size, found.st_mtime_ns)


def stat_of(job: Job) -> Stat:
    """Of the file of a job, wherever it lies. What a listing said of it counts; else its file system is asked."""
    if job.far is None:
        return stat(job.path)
    far = job.far if job.far.size is not None else job.far.looked_at()
    return Stat(far.size, far.version)


def known_as(job: Job) -> str:
    """What a manifest knows the file of a job by."""
    return os.path.abspath(job.path) if job.far is None else job.path


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
    statuses: Collection[str] = (),
    password: bool = False,
    exists: Callable[[str], bool] = os.path.exists,
) -> Decision:
    """Whether a file is to be read.

    ``statuses``: of its pages, where it is done. ``password``: one is given, for files that could not be opened.
    ``exists``: whether there is a result of that path.
    """
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
        chance = row.code.startswith(WORTH_ANOTHER_TRY)
        if chance or (row.code.startswith(WORTH_A_FEW) and row.tries < MOST_TRIES):
            return Decision(True, "chance", keep_pages=True)
        if password and row.code == "source.encrypted":
            return Decision(True, "password")
        return Decision(False, "failed", touched=touched)
    if row.state != "done":
        return Decision(True, "interrupted", keep_pages=True)
    if not row.outputs or not all(exists(path) for path in row.outputs):
        return Decision(True, "outputs gone")
    if ("partial" in retry and "partial" in statuses) or (retry and "failed" in statuses):
        return Decision(True, "retry")
    return Decision(False, "done", touched=touched)


_NUMBERED = re.compile(r"-\d{3,}\.(?=[^.]*$)")


class Existing:
    """What lies in a folder of results, looked at once: ``outputs`` says whether a file's are all there."""

    def __init__(self, folder: str | os.PathLike[str] | FarFolder) -> None:
        self._names: Collection[str]
        try:
            self._names = folder.names() if isinstance(folder, FarFolder) else set(os.listdir(folder))
        except OSError:
            self._names = set()
        # Where there is a file for each page, its first one stands for all.
        self._first = {_NUMBERED.sub("-*.", name) for name in self._names}

    def outputs(self, stem: str, suffixes: Sequence[str]) -> bool:
        """Whether a result with each of these endings is there, whoever made it."""
        return all(
            f"{stem}{suffix.replace('{page:03d}', '*')}" in self._first
            if "{page" in suffix
            else stem + suffix in self._names
            for suffix in suffixes
        )


class There:
    """Whether results of jobs are there. A folder elsewhere is listed once, when the first is asked for."""

    def __init__(self) -> None:
        self._far: dict[FarFolder, frozenset[str]] = {}

    def of(self, job: Job) -> Callable[[str], bool]:
        """Told by the path that a result has in the job's folder. Raises ``OutputError``."""
        to = job.to
        if to is None:
            return os.path.exists

        def exists(path: str) -> bool:
            if to not in self._far:
                self._far[to] = to.names()
            return os.path.relpath(path, job.folder).replace(os.sep, "/") in self._far[to]

        return exists


def in_shard(path: str, shard: tuple[int, int] | None) -> bool:
    """Whether a file is of shard ``(i, n)``, i from 1: told by its path as it was given, which must be the same on all
    machines; they need not see the same files."""
    if shard is None:
        return True
    number = int.from_bytes(hashlib.sha256(os.fsencode(os.path.normpath(path))).digest()[:8], "big")
    return number % shard[1] == shard[0] - 1


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
