"""One run at a time in a folder. The kernel keeps the lock: a process that is killed leaves none behind."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from docparse.errors import OutputInUse


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
            who = ""
            with contextlib.suppress(OSError):  # on Windows a locked file cannot be read
                self._file.seek(0)
                who = self._file.read(200).decode("utf-8", "replace").strip()
            self._file.close()
            raise OutputInUse(
                f"another run writes here{f' ({who})' if who.isprintable() and who else ''}.",
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
