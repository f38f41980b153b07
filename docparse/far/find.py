"""The files that a URL means: of a folder with its subfolders, of a pattern, or the one it names.

A folder is listed once, with what the listing says of each file: nobody asks for each of them again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from docparse.errors import EmptySource
from docparse.far.url import explained, file_system, is_web, shown

_VERSION = ("md5Hash", "crc32c", "content_md5", "ETag", "etag", "CRC", "sha256", "checksum")
"""What file systems call that which is another one when the content is."""
_CHANGED = ("generation", "LastModified", "last_modified", "updated", "mtime", "modified", "created", "date_time")
_SAFE_STEM = re.compile(r"[\0-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FarFile:
    """A file elsewhere.

    url      one that leads to its file system, with whatever it takes to be let in
    path     on that file system; other people choose it, and no part of it becomes a path here
    name     the URL of the file as it may be shown; by this it is known
    size     bytes, None: nobody has asked
    version  a number that is another one when the file is; None: nobody knows
    """

    url: str = field(repr=False)
    path: str = field(repr=False)
    name: str
    size: int | None = None
    version: int | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def stem(self) -> str:
        return _SAFE_STEM.sub("_", self._path.stem)

    @property
    def suffix(self) -> str:
        return _SAFE_STEM.sub("_", self._path.suffix)

    @property
    def parent(self) -> PurePosixPath:
        """Its folder there."""
        return PurePosixPath(_SAFE_STEM.sub("_", str(self._path.parent)))

    @property
    def _path(self) -> PurePosixPath:
        return PurePosixPath(self.path.partition("?")[0] if is_web(self.url) else self.path)

    def looked_at(self) -> FarFile:
        """With size and version; without, where it is not there or there is no coming at it."""
        try:
            system, _ = file_system(self.url)
            found = system.info(self.path)
        except Exception:  # noqa: BLE001  (whoever fetches it says why)
            return self
        return replace(self, size=_size(found), version=version(found))


def named(url: str) -> FarFile:
    """The file of a URL in which no character means anything. It is not looked at. Raises ``DocparseError``."""
    _, path = file_system(url)
    return FarFile(url, path, shown(url))


def is_pattern(url: str) -> bool:
    return any(mark in url.partition("::")[0].partition("://")[2] for mark in ("*" if is_web(url) else "*?["))


Choose = Callable[[bool, Sequence[str]], Collection[str]]
"""Whether it is a pattern, and the paths of what was found, from the folder; those of them that are meant."""


def find(url: str, choose: Choose, suffixes: Sequence[str]) -> list[FarFile]:
    """The files that ``url`` means, by name. ``choose``: which of a folder or pattern.

    Raises ``DocparseError``: ``SettingsError`` for a scheme that cannot be opened, ``UnreadableSource`` for what
    is not there or refuses, ``EmptySource``.
    """
    system, path = file_system(url)
    pattern = is_pattern(url)
    try:
        one = _info(system, path, may_fail=pattern)
        if one is not None and one.get("type") != "directory":
            return [FarFile(url, path, shown(url), _size(one), version(one))]
        listed = system.glob(path, detail=True) if pattern else system.find(path, detail=True)
        system.invalidate_cache()  # which holds it once more
    except Exception as error:
        raise explained(error, url) from error
    inside = _inside(url, path, listed, pattern=pattern)
    chosen = set(choose(pattern, [inner for inner, _ in inside]))
    found = [file for inner, file in inside if inner in chosen]
    if not found and pattern:
        raise EmptySource("the pattern matches no file.", file=shown(url))
    if not found:
        hint = f"Looked for: {', '.join(suffixes)}."
        raise EmptySource("the folder has no documents.", file=shown(url), hint=hint)
    return found


def _info(system: Any, path: str, *, may_fail: bool) -> Mapping[str, Any] | None:
    """``may_fail``: it may be no name, but a pattern."""
    try:
        found: Mapping[str, Any] = system.info(path)
    except Exception:
        if may_fail:
            return None
        raise
    return found


def _inside(
    url: str, path: str, listed: Mapping[str, Mapping[str, Any]], *, pattern: bool
) -> list[tuple[str, FarFile]]:
    """What was listed, by its path from the folder."""
    first, chain, rest = url.partition("::")
    scheme, _, given = first.partition("://")
    if pattern:  # as far as nothing in it is one: what was found begins with that
        given, path = (re.split(r"[*?\[]", text)[0].rpartition("/")[0] for text in (given, path))
    given, path = given.rstrip("/"), path.rstrip("/")
    base = f"{scheme}://{given}/" if given else f"{scheme}://"
    inside = []
    for place, about in sorted(listed.items()):
        # Not what marks a folder, or leads elsewhere, as a link on a page may.
        if (
            about.get("type") != "directory"
            and not place.endswith("/")
            and place.startswith(f"{path}/" if path else "")
        ):
            inner = place.removeprefix(path).removeprefix("/")
            name = shown(f"{base}{inner}{chain}{rest}")
            inside.append((inner, FarFile(url, place, name, _size(about), version(about))))
    return inside


def _size(found: Mapping[str, Any]) -> int | None:
    size = found.get("size")
    return size if isinstance(size, int) else None


def version(found: Mapping[str, Any]) -> int | None:
    """A number for what a file system says of a file: of its content, or else of when it was written."""
    for names in (_VERSION, _CHANGED):
        told = [f"{name}={found[name]}" for name in names if found.get(name) not in (None, "")]
        if told:
            # Of 63 bits, as a column of SQLite's holds.
            return int.from_bytes(hashlib.sha256(told[0].encode("utf-8", "backslashreplace")).digest()[:8], "big") >> 1
    return None
