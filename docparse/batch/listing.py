"""Lists of files: one path a line, as ``find`` prints them, from a file or from standard input."""

from __future__ import annotations

import os
import sys

from docparse.errors import EmptySource, UnreadableSource

STDIN = "-"


def read_list(path: str) -> list[str]:
    """The paths in the list at ``path``; ``-`` is standard input.

    Lines end with LF or CRLF; where there is a zero byte, that parts them instead (``find -print0``). Empty lines are
    left out; nothing else in a line means anything but a name. Relative paths are relative to the current folder.
    Raises ``UnreadableSource``, and ``EmptySource`` for a list of no file.
    """
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except OSError as error:
        raise UnreadableSource(
            f"--from-file: the list cannot be read ({error.strerror or error}).", file=path
        ) from error
    data = data.removeprefix(b"\xef\xbb\xbf")  # as Windows editors begin a file
    lines = data.split(b"\0") if b"\0" in data else [line.removesuffix(b"\r") for line in data.split(b"\n")]
    paths = [os.fsdecode(line) for line in lines if line.strip()]
    if not paths:
        name = "standard input" if path == STDIN else path
        raise EmptySource("--from-file: the list names no file.", file=name)
    return paths
