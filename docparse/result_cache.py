"""What engines said of pages, kept on disk, so that a page is not read twice by a slow engine.

A file for each entry, compressed JSON, under the hash of all that the answer depends on (the engine's cache
makes that key, see ``engines.cached``). Files and not a database: an entry appears by a rename, so any number
of processes can share a folder without a lock, on network file systems too, and damage costs one entry.
What is wrong with the folder or an entry is never an error: the page is then read as if there were no cache.

The folder holds what is written on people's pages: it is made for its owner alone.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import re
import secrets
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger("docparse")

BLOCK = 4096
"""Bytes that files occupy on a disk come in blocks of this size."""
SHARE = 64
"""The folder is looked through when this part of its limit was written; by so much it may go over, for each process."""
ROOM = 0.9
"""Share of the limit that is left after the oldest entries went."""
ABANDONED_SECONDS = 3600.0
"""A temporary file of that age belongs to a process that died."""
LARGEST = 64 * 1024**2
"""Characters of JSON in one entry; what is larger is not kept, and what claims to be is damaged."""
MOST_COMPRESSED = LARGEST // 2
"""Bytes of a file that is read at all."""

_KEY = re.compile("[0-9a-f]{64}")
_ENTRY = re.compile(r"[0-9a-f]{62}\.json\.gz")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")
_FAULTS = (OSError, EOFError, ValueError, zlib.error, RecursionError)
"""What reading a damaged file can raise; ``ValueError`` is that of JSON, and of bytes that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """Where results are kept, and how many bytes they may take on the disk."""

    folder: str
    max_bytes: int = 1024**3


@dataclass(frozen=True, slots=True)
class Usage:
    """Entries of a cache, and the bytes they take."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    used: float
    size: int


class ResultCache:
    """Entries by key (a SHA-256 in hexadecimal). An entry is what JSON can say: a dict of plain values."""

    def __init__(self, options: CacheOptions) -> None:
        self.folder = Path(options.folder).expanduser()
        self._max_bytes = options.max_bytes
        self._written: int | None = None  # since the folder was looked through; None: it was not yet
        self._told = False

    def get(self, key: str) -> dict[str, Any] | None:
        """The entry, or None where there is none that can be read. It then counts as used."""
        path = self._path(key)
        try:
            with gzip.open(path) as stream:
                if path.stat().st_size > MOST_COMPRESSED:
                    return None
                data = stream.read(LARGEST + 1)
                if len(data) <= LARGEST and not stream.read(1):  # at the end the checksum is compared
                    entry = json.loads(data)
                else:
                    return None
        except FileNotFoundError:
            return None
        except _FAULTS as error:
            log.info("the cache entry %s is damaged (%s); the page is read again", path, error)
            return None
        if not isinstance(entry, dict):
            return None
        with contextlib.suppress(OSError):  # a folder that can only be read serves all the same
            os.utime(path)
        return entry

    def put(self, key: str, entry: dict[str, Any]) -> None:
        """Keep an entry in place of the one that is there. Where it cannot be written, it is not kept."""
        data = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(data) > LARGEST:
            return
        packed = gzip.compress(data, compresslevel=1, mtime=0)  # 8 % larger than by 6, in a fifth of the time
        if _on_disk(len(packed)) > self._max_bytes * ROOM:
            return
        path = self._path(key)
        temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
        try:
            self._make_folder(path.parent)
            try:
                with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                    stream.write(packed)
                os.replace(temporary, path)
            except BaseException:  # also when the user interrupts: no temporary file stays behind
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            if not self._told:
                self._told = True
                log.warning("results are not kept: %s cannot be written (%s)", self.folder, error.strerror or error)
            return
        self._count(_on_disk(len(packed)))

    def usage(self) -> Usage:
        """How much there is. A folder that is not there is empty."""
        files = list(self._files())
        return Usage(len(files), sum(file.size for file in files))

    def clear(self) -> Usage:
        """Remove all entries, and nothing else that may lie in the folder; what was removed."""
        entries = size = 0
        for file in self._files():
            with contextlib.suppress(OSError):
                os.unlink(file.path)
                entries, size = entries + 1, size + file.size
        with contextlib.suppress(OSError):
            for inside in os.scandir(self.folder):
                with contextlib.suppress(OSError):  # not empty, or not ours
                    os.rmdir(inside.path)
        return Usage(entries, size)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key: {key!r}")
        return self.folder / key[:2] / f"{key[2:]}.json.gz"

    def _make_folder(self, folder: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)

    def _count(self, size: int) -> None:
        """Look through the folder now and then: not for every entry, and by the first one of each process."""
        self._written = None if self._written is None else self._written + size
        if self._written is None or self._written >= self._max_bytes // SHARE:
            self._written = 0
            self._make_room()

    def _make_room(self) -> None:
        """Remove what was not used for longest, until there is room again."""
        files = list(self._files())
        total = sum(file.size for file in files)
        if total <= self._max_bytes:
            return
        for file in sorted(files, key=lambda file: file.used):
            if total <= self._max_bytes * ROOM:
                return
            with contextlib.suppress(OSError):  # another process was faster
                os.unlink(file.path)
            total -= file.size

    def _files(self) -> Iterator[_File]:
        """All entries. What processes left behind that died is removed on the way."""
        for folder in _scan(self.folder):
            if len(folder.name) != 2 or not folder.is_dir(follow_symlinks=False):
                continue
            for inside in _scan(folder.path):
                with contextlib.suppress(OSError):  # gone meanwhile
                    stat = inside.stat(follow_symlinks=False)
                    if _ENTRY.fullmatch(inside.name):
                        yield _File(inside.path, stat.st_mtime, _on_disk(stat.st_size))
                    elif _TEMPORARY.fullmatch(inside.name) and stat.st_mtime < time.time() - ABANDONED_SECONDS:
                        os.unlink(inside.path)


def _scan(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as inside:
        yield from inside


def _on_disk(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
