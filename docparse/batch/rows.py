"""The tables of a manifest, and their rows as values. What this file is not: it opens no file (``manifest`` does)."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docparse.document import Status
from docparse.errors import OutputDiskError, OutputError

State = Literal["waiting", "reading", "done", "failed"]
VERSION = 1
"""Of the tables."""
TABLES = """
create table if not exists runs (
    id integer primary key, began real not null, ended real, host text not null, engine text not null,
    recipe text not null, files integer not null, code integer
);
create table if not exists files (
    id integer primary key, path text not null unique, size integer, mtime_ns integer, sha256 text not null default '',
    recipe text not null, stem text not null, state text not null, total integer, code text not null default '',
    message text not null default '', outputs text not null default '[]', tries integer not null default 0,
    seconds real, run integer
);
create table if not exists pages (
    file integer not null, number integer not null, status text not null, codes text not null default '',
    reasons text not null default '[]', confidence real, characters integer not null default 0, seconds real,
    attempts integer not null default 1, engine text not null default '', content blob,
    primary key (file, number)
) without rowid;
create index if not exists files_by_state on files (state);
create index if not exists files_by_stem on files (stem);
"""
PAGE = "file, number, status, codes, reasons, confidence, characters, seconds, attempts, engine"
FILE = "path, size, mtime_ns, sha256, recipe, stem, state, total, code, message, outputs, tries, seconds, id"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as the manifest knows it.

    path            absolute
    size, mtime_ns  when it was taken in hand; None: it has none, or it was not there
    recipe          hash of what its result depends on besides it (see ``recipe``)
    stem            name of its outputs without their endings
    total           pages that are read of it
    code, message   why it failed
    outputs         absolute paths of the files written
    tries           how often it has failed, with these bytes and this recipe
    """

    path: str
    size: int | None
    mtime_ns: int | None
    sha256: str
    recipe: str
    stem: str
    state: State
    total: int | None = None
    code: str = ""
    message: str = ""
    outputs: tuple[str, ...] = ()
    tries: int = 0
    seconds: float | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page that was read."""

    file: int
    number: int
    status: Status
    codes: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None
    characters: int = 0
    seconds: float | None = None
    attempts: int = 1
    engine: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run. ``ended`` None: it is under way, or was killed."""

    id: int
    began: float
    ended: float | None
    host: str
    engine: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    files: int = 0
    code: int | None = None


def bound(text: str) -> str | bytes:
    """Text for the database: a file name that is not UTF-8 goes as the bytes it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def file_row(found: Sequence[Any], folder: Path) -> FileRow:
    path, size, mtime_ns, sha256, recipe, stem, state, total, code, message, outputs, *rest = found
    names = tuple(os.path.join(folder, name) for name in json.loads(outputs))
    told = _text(message)
    return FileRow(_text(path), size, mtime_ns, sha256, recipe, _text(stem), state, total, code, told, names, *rest)


def page_row(found: Sequence[Any]) -> PageRow:
    file, number, status, codes, reasons, *rest = found
    told = tuple((code, message) for code, message in json.loads(reasons))
    return PageRow(file, number, status, tuple(code for code in codes.split(",") if code), told, *rest)


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raises ``OutputError`` for the manifest of another docparse, which has other tables."""
    (version,) = db.execute("pragma user_version").fetchone()
    if version not in (0, VERSION):
        raise OutputError(
            "the manifest was written by another version of docparse.",
            file=str(path),
            hint="Choose another folder, or begin anew with --no-resume.",
        )


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = OutputDiskError if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO) else OutputError
        raise kind(f"it cannot be written ({error.strerror or error}).", file=str(path)) from error
    except sqlite3.DatabaseError as error:
        told = str(error)
        if "full" in told:
            raise OutputDiskError("the disk is full.", file=str(path), hint="Make room, then run it again.") from error
        if "I/O error" in told or "readonly" in told:
            hint = "Choose another folder, or --no-manifest."
            raise OutputDiskError(f"the manifest cannot be written ({told}).", file=str(path), hint=hint) from error
        raise OutputError(
            f"the manifest cannot be used ({told}).", file=str(path), hint="--no-resume begins a new one."
        ) from error
