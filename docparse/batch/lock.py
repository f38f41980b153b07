"""One run at a time in a folder. The kernel keeps the lock: a process that is killed leaves none behind."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import BinaryIO

from docparse.errors import OutputInUse

_SHARD = re.compile(r"manifest-(\d+)of(\d+)\.lock")


class Lock:
    """Held from when it is made until ``release``; ``shared``: with others who share it. Raises ``OutputInUse`` where
    another process holds it.

    On a network file system that knows no locks it holds nobody off; SQLite's own lock then still keeps the
    manifest whole.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = open(path, "ab+")  # noqa: SIM115  (it is the lock)
        try:
            _lock(self._file, shared)
        except BlockingIOError as error:
            self._file.close()
            who = holder(path)
            raise OutputInUse(
                f"another run writes here{f' ({who})' if who else ''}.",
                file=str(path.parent.parent),
                hint="Wait for it, choose another folder, or share the work with --shard.",
            ) from error
        if shared:
            return
        with contextlib.suppress(OSError):
            self._file.truncate(0)
            self._file.write(f"process {os.getpid()}\n".encode())
            self._file.flush()

    def release(self) -> None:
        self._file.close()


def locks_of(path: Path) -> list[Lock]:
    """Those of a run that writes the manifest at ``path``. Shards of one number go side by side, but not beside a run
    over the whole, nor beside those of another number: their parts overlap. Raises ``OutputInUse``."""
    whole = path.with_name("manifest.lock")
    own = path.with_suffix(".lock")
    if own == whole:
        return [Lock(whole)]
    locks = [Lock(whole, shared=True)]
    try:
        locks.append(Lock(own))
        # Asked when ours is held: of two that begin at once, one sees the other.
        _refuse_other_parts(own)
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    return locks


def _refuse_other_parts(own: Path) -> None:
    """Raises ``OutputInUse`` where a shard is running that is one of more or of fewer."""
    mine = _SHARD.fullmatch(own.name)
    for path in sorted(own.parent.glob("manifest-*of*.lock")):
        other = _SHARD.fullmatch(path.name)
        if mine and other and mine[2] != other[2] and is_held(path):
            who = holder(path)
            raise OutputInUse(
                f"a run over part {other[1]} of {other[2]} writes here{f' ({who})' if who else ''}, and part {mine[1]} "
                f"of {mine[2]} has some of the same files.",
                file=str(own.parent.parent),
                hint=f"Share the work in {other[2]} parts here too, wait for it, or choose another folder.",
            )


def is_held(path: Path) -> bool:
    """Whether a process holds the lock at ``path``. It is neither made nor kept."""
    try:
        with open(path, "rb") as file:
            return _is_locked(file)
    except OSError:
        return False


def holder(path: Path) -> str:
    """Who holds the lock, or was the last to, in words; nothing where that cannot be read (on Windows)."""
    try:
        with open(path, "rb") as file:
            who = file.read(200).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return who if who.isprintable() else ""


def _is_locked(file: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return True
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    return False


def _lock(file: BinaryIO, shared: bool) -> None:
    """Raises ``BlockingIOError`` where another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        if shared:
            return
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError from error
        return
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
