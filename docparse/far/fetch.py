"""A file from elsewhere on this machine, for as long as it is read.

It lies in a folder whose name says which process made it: what one leaves behind that was killed is removed by the next
one. The name of the copy is ours, whatever the file is called where it comes from.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docparse.errors import TooLargeSource, UnreadableSource
from docparse.far.find import FarFile
from docparse.far.url import explained, file_system, is_web

_HOST = re.sub("[^a-z0-9]+", "_", socket.gethostname().lower())[:40]
"""A container has numbers of processes of its own, and may share the folder with others."""
_PREFIX = f"docparse-far-{_HOST}-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}(\d+)-\w+")

Alive = Callable[[], None]
"""Is called while bytes come or go: from another thread, while the caller waits."""


def nobody() -> None:
    pass


@contextlib.contextmanager
def fetched(file: FarFile, *, max_bytes: int, alive: Alive = nobody) -> Iterator[str]:
    """The path of a copy, which is removed at the end.

    Raises ``TooLargeSource`` for more than ``max_bytes``, of which no more are written than that; ``UnreadableSource``
    for what is not there, refuses, or comes only in part; ``SettingsError`` where a package is missing.
    """
    if file.size is not None and file.size > max_bytes:
        raise _too_large(file, f"{file.size:,}", max_bytes)
    with scratch() as folder:
        target = os.path.join(folder, "file")
        try:
            system, _ = file_system(file.url)
            system.get_file(file.path, target, callback=meter(alive, file=file, most=max_bytes))
            came = os.path.getsize(target)
            if not is_web(file.url):  # there it may be packed on its way
                _check(file, came, system)
        except Exception as error:
            raise explained(error, file.url, name=file.name) from error
        if came > max_bytes:
            raise _too_large(file, f"{came:,}", max_bytes)
        yield target


def _check(file: FarFile, came: int, system: Any) -> None:
    """That all of it has come: not every file system says so."""
    if file.size is not None and came != file.size:
        system.invalidate_cache()
        size = system.info(file.path).get("size")  # somebody may have written it meanwhile
        if size is not None and came != size:
            raise UnreadableSource(f"only {came:,} of its {size:,} bytes have come.", file=file.name)


def _too_large(file: FarFile, size: str, most: int) -> TooLargeSource:
    return TooLargeSource(f"the file has {size} bytes; the limit is {most:,}.", file=file.name)


def meter(alive: Alive, *, file: FarFile | None = None, most: int | None = None) -> Any:
    """What fsspec tells how many bytes have come or gone."""
    from fsspec.callbacks import Callback

    class Meter(Callback):  # type: ignore[misc]
        def call(self, *_: object, **__: object) -> None:
            alive()
            if file is not None and most is not None and self.value > most:
                raise _too_large(file, "more than the limit in", most)

    return Meter()


# ------------------------------------------------------------------------------------ folders


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A new folder of this process, into which nobody else may look; removed at the end."""
    sweep()
    try:
        folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    except OSError as error:
        place = tempfile.gettempdir()
        raise UnreadableSource(f"there is nowhere to put files ({error.strerror}).", file=place) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what processes of this user have left behind that are no more."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and _is_ours(Path(entry.path)) and not _is_alive(int(match[1])):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return not folder.is_symlink() and folder.is_dir() and (os.name != "posix" or found.st_uid == os.getuid())


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # there is no asking: the folder stays until somebody empties the place
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
