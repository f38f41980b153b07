"""What runs over a folder of results have done: a SQLite file beside them, by which a run goes on where another ended.

It is whole after ``kill -9``: what was not committed is done again, and makes the same. One process writes it (see
``lock``); any number may look. What this file is not: it does not decide what is to be done; ``resume`` does.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docparse.batch.conversion import Outcome
from docparse.batch.lock import Lock
from docparse.document import Document, Page
from docparse.errors import DocparseError, OutputError
from docparse.json_form import from_dict, to_dict
from docparse.reading import PageDone

State = Literal["waiting", "reading", "done", "failed"]
FOLDER = ".docparse"
COMMIT_SECONDS = 1.0
"""So much of a run may have to be done again."""

_TABLES = """
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
"""
_FILE = "path, size, mtime_ns, sha256, recipe, stem, state, total, code, message, outputs, tries, seconds, id"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as the manifest knows it. ``mtime_ns`` and ``size`` None: it has none, or it was not there."""

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
    status: str
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


def place(folder: Path, shard: tuple[int, int] | None = None) -> Path:
    """Where the manifest of a folder of results lies; each shard has its own."""
    name = "manifest.sqlite" if shard is None else f"manifest-{shard[0]}of{shard[1]}.sqlite"
    return folder / FOLDER / name


def places(folder: Path) -> list[Path]:
    """The manifests of a folder, of all its shards."""
    return sorted((folder / FOLDER).glob("manifest*.sqlite"))


class Manifest:
    """The manifest of one folder (and shard), held by this process: ``with Manifest(path) as manifest``.

    Raises ``OutputInUse`` where another run holds it, ``OutputError`` where it cannot be written or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(path.with_suffix(".lock"))
        except OSError as error:
            raise OutputError(f"it cannot be written ({error.strerror or error}).", file=str(path)) from error
        self._told = time.monotonic()
        try:
            with _explained(path):
                self._db = sqlite3.connect(path, isolation_level=None)
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
                self._db.executescript(_TABLES)
                self._db.execute("begin")
        except DocparseError:
            self._lock.release()
            raise
        self.run = 0

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("commit")
        self._db.close()
        self._lock.release()

    # ------------------------------------------------------------------------ writing

    def begin(self, *, engine: str, recipe: Mapping[str, Any], files: int) -> None:
        """A run begins."""
        with _explained(self.path):
            cursor = self._db.execute(
                "insert into runs (began, host, engine, recipe, files) values (?, ?, ?, ?, ?)",
                (time.time(), socket.gethostname(), engine, json.dumps(recipe, default=str), files),
            )
            self.run = cursor.lastrowid or 0
            self.commit()

    def finish(self, code: int) -> None:
        with _explained(self.path):
            self._db.execute("update runs set ended = ?, code = ? where id = ?", (time.time(), code, self.run))
            self.commit()

    def put(self, row: FileRow, *, keep_pages: bool = False) -> int:
        """A file that is to be read: what was known of it is forgotten, but for the pages of a long document that
        were kept. Its number."""
        with _explained(self.path):
            self._db.execute(
                "insert into files (path, size, mtime_ns, sha256, recipe, stem, state, tries, run)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (path) do update set size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " sha256 = excluded.sha256, recipe = excluded.recipe, stem = excluded.stem, state = excluded.state,"
                " tries = excluded.tries, run = excluded.run, total = null, code = '', message = '', outputs = '[]',"
                " seconds = null",
                (row.path, row.size, row.mtime_ns, row.sha256, row.recipe, row.stem, row.state, row.tries, self.run),
            )
            (number,) = self._db.execute("select id from files where path = ?", (row.path,)).fetchone()
            kept = " and content is null" if keep_pages else ""
            self._db.execute(f"delete from pages where file = ?{kept}", (number,))  # noqa: S608
            self._maybe_commit()
        return int(number)

    def touched(self, number: int, *, size: int | None, mtime_ns: int | None) -> None:
        """A file that was found to be the same as before has another date."""
        with _explained(self.path):
            self._db.execute("update files set size = ?, mtime_ns = ? where id = ?", (size, mtime_ns, number))
            self._maybe_commit()

    def reading(self, number: int, *, total: int | None, sha256: str) -> None:
        """A file was opened. Counts as a try from now on: should it take this process with it, that is known.

        Pages that were kept of it belong to the file as it was then: of another one they are forgotten.
        """
        with _explained(self.path):
            (before,) = self._db.execute("select sha256 from files where id = ?", (number,)).fetchone()
            if before and sha256 and before != sha256:
                self._db.execute("delete from pages where file = ?", (number,))
            self._db.execute(
                "update files set state = 'reading', total = ?, sha256 = ?, tries = tries + 1 where id = ?",
                (total, sha256 or before, number),
            )
            self._maybe_commit()

    def page(self, number: int, done: PageDone) -> None:
        """A page was read; where it comes with its content, that is kept until the file is over."""
        content = None
        if done.page is not None:
            content = zlib.compress(json.dumps(to_dict(Document((done.page,)))).encode(), 1)
        with _explained(self.path):
            self._db.execute(
                "insert or replace into pages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    done.number,
                    done.status,
                    ",".join(done.codes),
                    json.dumps(done.reasons),
                    done.confidence,
                    done.characters,
                    done.seconds,
                    done.attempts,
                    done.engine,
                    content,
                ),
            )
            self._maybe_commit()

    def ended(self, number: int, outcome: Outcome) -> None:
        """A file is over; its outputs have their names."""
        error = outcome.error
        with _explained(self.path):
            self._db.execute(
                "update files set state = ?, total = ?, code = ?, message = ?, outputs = ?, seconds = ? where id = ?",
                (
                    "done" if error is None else "failed",
                    outcome.total,
                    "" if error is None else error.code,
                    "" if error is None else error.message,
                    json.dumps(outcome.outputs),
                    outcome.seconds,
                    number,
                ),
            )
            if error is None:
                self._db.execute("update pages set content = null where file = ? and content is not null", (number,))
            self._maybe_commit()

    def commit(self) -> None:
        self._db.execute("commit")
        self._db.execute("begin")
        self._told = time.monotonic()

    def _maybe_commit(self) -> None:
        # Not for each file: a disk takes some milliseconds for it, and what is lost is done again.
        if time.monotonic() - self._told > COMMIT_SECONDS:
            self.commit()

    # ------------------------------------------------------------------------ reading

    def row(self, path: str) -> FileRow | None:
        found = self._db.execute(f"select {_FILE} from files where path = ?", (path,)).fetchone()  # noqa: S608
        return None if found is None else _file_row(found)

    def statuses(self, number: int) -> set[str]:
        """Of a file's pages."""
        return {status for (status,) in self._db.execute("select status from pages where file = ?", (number,))}

    def kept_pages(self, number: int) -> dict[int, Page]:
        """Pages of a long document that were read before the run was ended. What is damaged is read again."""
        kept: dict[int, Page] = {}
        rows = self._db.execute("select number, content from pages where file = ? and content is not null", (number,))
        for page_number, content in rows:
            with contextlib.suppress(zlib.error, ValueError, DocparseError, KeyError):
                (page,) = from_dict(json.loads(zlib.decompress(content))).pages
                if page.number == page_number and page.verdict.status != "failed":
                    kept[page_number] = page
        return kept


class Look:
    """A manifest, looked at: whoever writes it is not disturbed. Raises ``OutputError`` where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _explained(path):
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            self._db.execute("select 1 from files limit 1")

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def runs(self) -> list[RunRow]:
        """First to last."""
        rows = self._db.execute("select id, began, ended, host, engine, recipe, files, code from runs order by id")
        return [RunRow(*row[:5], json.loads(row[5]), *row[6:]) for row in rows]

    def files(self) -> Iterator[FileRow]:
        """In the order in which they were first met."""
        for row in self._db.execute(f"select {_FILE} from files order by id"):  # noqa: S608
            yield _file_row(row)

    def pages(self) -> Iterator[PageRow]:
        columns = "file, number, status, codes, reasons, confidence, characters, seconds, attempts, engine"
        for row in self._db.execute(f"select {columns} from pages order by file, number"):  # noqa: S608
            codes = tuple(code for code in row[3].split(",") if code)
            reasons = tuple((code, message) for code, message in json.loads(row[4]))
            yield PageRow(row[0], row[1], row[2], codes, reasons, *row[5:])

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Files by state, pages by status."""
        files = dict(self._db.execute("select state, count(*) from files group by state"))
        pages = dict(self._db.execute("select status, count(*) from pages group by status"))
        return files, pages


def _file_row(found: tuple[Any, ...]) -> FileRow:
    return FileRow(*found[:10], tuple(json.loads(found[10])), *found[11:])


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        told = str(error)
        if "full" in told:
            raise OutputError("the disk is full.", file=str(path), hint="Make room, then run it again.") from error
        raise OutputError(
            f"the manifest cannot be used ({told}).", file=str(path), hint="--no-resume begins a new one."
        ) from error
