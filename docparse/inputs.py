"""Which files are meant, here and elsewhere, and what their outputs are called."""

from __future__ import annotations

import glob
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from docparse.errors import DocparseError, EmptySource, UnreadableSource
from docparse.far.find import FarFile, find, named
from docparse.far.folder import FarFolder
from docparse.far.url import is_far, local, shown
from docparse.source import SUFFIXES

_RESULT = re.compile(r"\.overlay(-\d{3,})?\.(pdf|png)$|\.fields-\d{3,}\.png$", re.IGNORECASE)
"""Results of ``convert`` and ``extract`` that look like documents. A folder read into itself has them."""
MAX_STEM = 180
"""Bytes of an output's name without its ending: file systems allow 255 for the whole."""


File = Path | FarFile
"""An input: here, or elsewhere. ``str`` is what it is called."""


@dataclass(slots=True)
class Inputs:
    """What was found. ``problems``: arguments that gave nothing, and folders that cannot be
    read; ``results``: files, and folders of figures, left out because an earlier run wrote them."""

    files: list[File] = field(default_factory=list)
    problems: list[DocparseError] = field(default_factory=list)
    results: int = 0


def find_inputs(arguments: Iterable[str], listed: Iterable[str] = ()) -> Inputs:
    """Files named by paths, folders (searched with their subfolders) and glob patterns, each once; all of these may be
    URLs of fsspec's.

    ``listed``: files that are named one by one, so that no character in their names means anything. A file that does
    not exist is among the files all the same: it is reported with the others; one elsewhere is not, if it was looked
    for. Raises ``SettingsError`` for a URL of a kind that cannot be opened.
    """
    found = Inputs()
    files: list[File] = []
    for argument in map(local, arguments):
        if is_far(argument):
            files += _search_far(argument, found)
            continue
        # os.path, not Path: a name too long or a folder without permission is a file that is not there.
        if os.path.isdir(argument):
            problems = len(found.problems)
            inside = _search(argument, found)
            if not inside and len(found.problems) == problems:
                hint = f"Looked for: {', '.join(SUFFIXES)}."
                found.problems.append(EmptySource("the folder has no documents.", file=argument, hint=hint))
            files += inside
        elif _is_pattern(argument) and not os.path.exists(argument):
            inside = _without_results(
                sorted(p for p in glob.glob(argument, recursive=True) if os.path.isfile(p)), found
            )
            if not inside:
                found.problems.append(EmptySource("the pattern matches no file.", file=argument))
            files += inside
        else:
            files.append(Path(argument))
    files += [named(path) if is_far(path) else Path(path) for path in map(local, listed)]
    once: dict[str, File] = {}
    for path in files:
        once.setdefault(path.name if isinstance(path, FarFile) else os.path.abspath(path), path)
    found.files = list(once.values())
    return found


def far_of(file: File) -> FarFile | None:
    """The file, if it lies elsewhere."""
    return file if isinstance(file, FarFile) else None


def is_one_file(argument: str, found: Inputs) -> bool:
    """Whether the argument names a file, and is no folder or pattern. ``found``: what all arguments together mean."""
    argument = local(argument)
    if is_far(argument):
        return shown(argument) in {path.name for path in found.files if isinstance(path, FarFile)}
    return not os.path.isdir(argument) and (not _is_pattern(argument) or os.path.exists(argument))


def _is_pattern(argument: str) -> bool:
    return any(mark in argument for mark in "*?[")


def _search(folder: str, found: Inputs) -> list[Path]:
    def unreadable(error: OSError) -> None:
        found.problems.append(
            UnreadableSource(f"the folder cannot be read ({error.strerror}).", file=str(error.filename))
        )

    inside: list[str] = []
    for root, folders, files in os.walk(folder, onerror=unreadable):
        # The figures of NAME.md lie in NAME_files.
        figures = {f"{name[:-3]}_files" for name in files if name.endswith(".md")} & set(folders)
        found.results += len(figures)
        folders[:] = [name for name in folders if not name.startswith(".") and name not in figures]
        inside += [
            os.path.join(root, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
        ]
    return _without_results(sorted(inside), found)


def _search_far(url: str, found: Inputs) -> list[FarFile]:
    try:
        return find(url, partial(_worth_reading, found), SUFFIXES)
    except (EmptySource, UnreadableSource) as problem:
        found.problems.append(problem)
        return []


def _worth_reading(found: Inputs, pattern: bool, paths: Sequence[str]) -> set[str]:
    """Of the paths of files in a folder: what ``_search`` would find there; of a pattern: what is no result."""
    figures = {f"{path[:-3]}_files/" for path in paths if path.endswith(".md")}
    kept, left_out = set(), set[str]()
    for path in paths:
        parts = path.split("/")
        above = {"/".join(parts[:i]) + "/" for i in range(1, len(parts))} & figures
        left_out |= above
        if pattern or not (
            above
            or any(part.startswith(".") for part in parts)
            or os.path.splitext(parts[-1])[1].lower() not in SUFFIXES
        ):
            kept.add(path)
    results = {path for path in kept if _RESULT.search(path)}
    found.results += len(results) + len(left_out)
    return kept - results


def _without_results(paths: Sequence[str], found: Inputs) -> list[Path]:
    kept = [Path(path) for path in paths if not _RESULT.search(path)]
    found.results += len(paths) - len(kept)
    return kept


def stems(
    inputs: Sequence[File], *, suffixes: Sequence[str] = ("",), folder: Path | FarFolder | None = None
) -> list[str]:
    """An output name for every input, so that no two outputs are one file.

    The file's own name without its ending; where two files share it, with the ending (``a_pdf``),
    then with their folder, then with a number. ``suffixes`` are the endings that outputs get: with
    ``.html`` and ``.page.html`` the files ``a.pdf`` and ``a.page.pdf`` would meet too. No output
    takes the place of an input that lies in ``folder``. Letter case and the way accents are
    composed make no difference, as on many disks.
    """
    names = [_safe(p.stem) for p in inputs]
    for longer in (_with_ending, _with_folder):
        counts = Counter(_folded(name) for name in names)
        names = [_safe(longer(p)) if counts[_folded(name)] > 1 else name for name, p in zip(names, inputs, strict=True)]
    taken: set[str] = set()
    if folder is not None:
        taken |= {_folded(os.path.basename(str(p))) for p in _lying_in(folder, inputs)}
    for i, name in enumerate(names):
        n, unique = 2, name
        while not taken.isdisjoint(outputs := {_folded(unique + suffix) for suffix in suffixes}):
            unique, n = f"{name}_{n}", n + 1
        taken |= outputs
        names[i] = unique
    return names


def _lying_in(folder: Path | FarFolder, inputs: Sequence[File]) -> list[File]:
    if isinstance(folder, FarFolder):
        here = str(folder)
        return [p for p in inputs if isinstance(p, FarFile) and p.name.rpartition("/")[0] == here]
    here = os.path.realpath(folder)
    return [p for p in inputs if isinstance(p, Path) and os.path.realpath(p.parent) == here]


def _with_ending(path: File) -> str:
    return f"{path.stem}_{path.suffix.lstrip('.').lower()}" if path.suffix else path.stem


def _with_folder(path: File) -> str:
    return f"{path.parent.name}_{_with_ending(path)}" if path.parent.name else _with_ending(path)


def _safe(name: str) -> str:
    """``name`` as a file can be called on any system: no path in it, not too long."""
    name = name.replace("\\", "_").replace("/", "_")
    data = os.fsencode(name)
    if len(data) > MAX_STEM:
        name = data[:MAX_STEM].decode("utf-8", "ignore") or name[: MAX_STEM // 4]
    return "document" if name.strip(". ") == "" else name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
