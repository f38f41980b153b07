"""Which files are meant, and what their outputs are called."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from docparse.errors import EmptySource, UnreadableSource
from docparse.source import SUFFIXES


def find_inputs(arguments: Iterable[str]) -> list[Path]:
    """Files named by paths, folders (searched with their subfolders) and glob patterns, each once.

    Raises ``EmptySource`` for a folder or pattern without documents. A file that does not exist is
    returned all the same: it is reported with the others.
    """
    found: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            inside = sorted(p for p in _walk(path) if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise EmptySource(
                    "the folder has no documents.", file=argument, hint=f"Looked for: {', '.join(SUFFIXES)}."
                )
            found += inside
        elif any(mark in argument for mark in "*?[") and not path.exists():
            inside = sorted(Path(p) for p in glob.glob(argument, recursive=True) if os.path.isfile(p))
            if not inside:
                raise EmptySource("the pattern matches no file.", file=argument)
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _walk(folder: Path) -> Iterable[Path]:
    def unreadable(error: OSError) -> None:
        raise UnreadableSource(f"the folder cannot be read ({error.strerror}).", file=str(error.filename))

    for root, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root) / name for name in files if not name.startswith("."))


def stems(inputs: list[Path]) -> list[str]:
    """An output name for every input, all different (also where letter case does not count).

    The file's own name without its ending; where two files share it, with the ending (``a_pdf``),
    then with their folder, then with a number.
    """
    names = [p.stem for p in inputs]
    for longer in (_with_ending, lambda p: f"{p.parent.name}_{_with_ending(p)}"):
        counts = Counter(name.casefold() for name in names)
        names = [longer(p) if counts[name.casefold()] > 1 else name for name, p in zip(names, inputs, strict=True)]
    taken: set[str] = set()
    for i, name in enumerate(names):
        n, unique = 2, name
        while unique.casefold() in taken:
            unique, n = f"{name}_{n}", n + 1
        taken.add(unique.casefold())
        names[i] = unique
    return names


def _with_ending(path: Path) -> str:
    return f"{path.stem}_{path.suffix.lstrip('.').lower()}" if path.suffix else path.stem
