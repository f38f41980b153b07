"""Folders that may be read from, and nothing beside them: for programs that are told paths by somebody else.

A path is followed to where it really leads before it is judged, and judged again when the file is open, so that a
link that changes in between leads nowhere. Whether a file is there is said only of what lies inside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from docparse.errors import AccessError, SettingsError, TooLargeSource, UnreadableSource

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""A pipe is not waited for; a link that was none when the path was followed is not followed."""


class Roots:
    """``folders``: paths. Raises ``SettingsError`` for one that is no folder."""

    def __init__(self, folders: Sequence[str]) -> None:
        for folder in folders:
            if not os.path.isdir(folder):
                raise SettingsError(f"{folder}: there is no such folder.", hint="Name folders that may be read from.")
        self.folders = tuple(dict.fromkeys(os.path.realpath(folder) for folder in folders))

    def read(self, path: str, *, max_bytes: int) -> tuple[bytes, str]:
        """The bytes of a file, and its name. A path that is not absolute is looked for in each of the folders.

        Raises ``AccessError`` for what lies outside, ``UnreadableSource`` for what is no file, ``TooLargeSource``.
        """
        real = self._real(path)
        try:
            descriptor = os.open(real, _FLAGS)
        except OSError as error:
            if os.path.isdir(real):
                raise UnreadableSource("this is a folder.", file=path, hint="Name one of its files.") from error
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            said = "there is no such file." if missing else f"the file cannot be read ({error.strerror or error})."
            raise UnreadableSource(said, file=path) from error
        try:
            self._check_open(descriptor, real, path)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(max_bytes + 1)
        except OSError as error:
            raise UnreadableSource(f"the file cannot be read ({error.strerror or error}).", file=path) from error
        finally:
            os.close(descriptor)
        if len(data) > max_bytes:
            raise TooLargeSource(f"the file has more than {max_bytes:,} bytes.", file=path)
        return data, os.path.basename(real)

    def _real(self, path: str) -> str:
        """Where a path leads, if that is inside."""
        candidates = [path] if os.path.isabs(path) else [os.path.join(folder, path) for folder in self.folders]
        inside = []
        if path and "\0" not in path:
            inside = [real for real in map(os.path.realpath, candidates) if self._inside(real)]
        if not inside:
            raise AccessError(
                "this is not inside a folder that may be read.",
                file=path.replace("\0", "?"),
                hint=f"There are: {', '.join(self.folders)}.",
            )
        return next((real for real in inside if os.path.exists(real)), inside[0])

    def _inside(self, real: str) -> bool:
        return any(real == folder or real.startswith(os.path.join(folder, "")) for folder in self.folders)

    def _check_open(self, descriptor: int, real: str, path: str) -> None:
        """That what is open is a file, and the one that was judged."""
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise UnreadableSource("this is a folder.", file=path, hint="Name one of its files.")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableSource("this is not a regular file.", file=path)
        if os.path.realpath(real) != real or not os.path.samestat(os.stat(real), found):
            raise AccessError("the file was changed while it was opened.", file=path)
