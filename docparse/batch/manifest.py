"""What runs over a folder of results have done: a SQLite file beside them, by which a run goes on where another ended.

It is whole after ``kill -9``: what was not committed is done again, and makes the same. One process writes it (see
``lock``); any number may look. What this file is not: it does not decide what is to be done; ``resume`` does.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from docparse.batch.conversion import Outcome
from docparse.batch.lock import locks_of
from docparse.batch.rows import (
    FILE,
    PAGE,
    TABLES,
    VERSION,
    FileRow,
    PageRow,
    RunRow,
    State,
    bound,
    check_version,
    explained,
    file_row,
    page_row,
)
from docparse.document import Document
from docparse.errors import DocparseError, OutputError
from docparse.json_form import from_dict, to_dict
from docparse.reading import PageDone

__all__ = ["FOLDER", "FileRow", "Look", "Manifest", "PageRow", "Rows", "RunRow", "State", "place", "places"]

FOLDER = ".docparse"
COMMIT_SECONDS = 1.0
"""So much of a file may have to be read again."""
CACHE_KIB = 512
"""Of the database's pages. What is written is hardly read again, and more only fills up: with SQLite's own 2 MiB the
leading process grows for the first thousands of pages."""


def place(folder: Path, shard: tuple[int, int] | None = None) -> Path:
    """Where the manifest of a folder of results lies; each shard has its own."""
    name = "manifest.sqlite" if shard is None else f"manifest-{shard[0]}of{shard[1]}.sqlite"
    return folder / FOLDER / name


def places(folder: Path) -> list[Path]:
    """The manifests of a folder, of all its shards."""
    return sorted((folder / FOLDER).glob("manifest*.sqlite"))


class Rows:
    """What may be asked of a manifest, whoever has opened it."""

    folder: Path
    _db: sqlite3.Connection

    def row(self, path: str) -> FileRow | None:
        found = self._db.execute(f"select {FILE} from files where path = ?", (bound(path),)).fetchone()  # noqa: S608
        return None if found is None else file_row(found, self.folder)

    def statuses(self, number: int) -> set[str]:
        """Of a file's pages."""
        return {status for (status,) in self._db.execute("select status from pages where file = ?", (number,))}


class Manifest(Rows):
    """The manifest of one folder (and shard), held by this process: ``with Manifest(path) as manifest``.

    ``fresh``: what earlier runs have written is removed. Raises ``OutputInUse`` where another run holds it,
    ``OutputError`` where it cannot be written, is damaged or of another version.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.folder = path.absolute().parent.parent
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._locks = locks_of(path)
        except OSError as error:
            raise OutputError(f"it cannot be written ({error.strerror or error}).", file=str(path)) from error
        self._told = time.monotonic()
        try:
            with explained(path):
                if fresh:
                    _remove(path)
                self._db = sqlite3.connect(path, isolation_level=None)
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
                self._db.execute(f"pragma cache_size = -{CACHE_KIB}")
                check_version(self._db, path)
                # All at once: whoever looks meanwhile finds no tables, or all of them.
                self._db.executescript(f"begin; {TABLES} pragma user_version = {VERSION}; commit")
                self._db.execute("begin")
        except BaseException:
            self._release()
            raise
        self.run = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("commit")
        self._db.close()
        self._release()

    def _release(self) -> None:
        for lock in self._locks:
            lock.release()

    # ------------------------------------------------------------------------ writing

    def begin(self, *, engine: str, recipe: Mapping[str, Any], files: int) -> None:
        """A run begins."""
        with explained(self.path):
            cursor = self._db.execute(
                "insert into runs (began, host, engine, recipe, files) values (?, ?, ?, ?, ?)",
                (time.time(), socket.gethostname(), engine, json.dumps(recipe, default=str), files),
            )
            self.run = cursor.lastrowid or 0
            self.commit()

    def finish(self, code: int) -> None:
        with explained(self.path):
            self._db.execute("update runs set ended = ?, code = ? where id = ?", (time.time(), code, self.run))
            self.commit()

    def put(self, row: FileRow, *, keep_pages: bool = False) -> int:
        """A file that is to be read: what was known of it is forgotten, but for the pages of a long document that
        were kept. Its number.

        Another file whose outputs have the same names is to be read again when its turn comes: it loses them now.
        """
        with explained(self.path):
            self._db.execute(
                "update files set state = 'waiting', outputs = '[]' where stem = ? and path <> ? and state = 'done'",
                (bound(row.stem), bound(row.path)),
            )
            self._db.execute(
                "insert into files (path, size, mtime_ns, sha256, recipe, stem, state, tries, run)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (path) do update set size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " sha256 = excluded.sha256, recipe = excluded.recipe, stem = excluded.stem, state = excluded.state,"
                " tries = excluded.tries, run = excluded.run, total = null, code = '', message = '', outputs = '[]',"
                " seconds = null",
                (
                    bound(row.path),
                    row.size,
                    row.mtime_ns,
                    row.sha256,
                    row.recipe,
                    bound(row.stem),
                    row.state,
                    row.tries,
                    self.run,
                ),
            )
            (number,) = self._db.execute("select id from files where path = ?", (bound(row.path),)).fetchone()
            kept = " and content is null" if keep_pages else ""
            self._db.execute(f"delete from pages where file = ?{kept}", (number,))  # noqa: S608
        return int(number)

    def touched(self, number: int, *, size: int | None, mtime_ns: int | None) -> None:
        """A file that was found to be the same as before has another date."""
        with explained(self.path):
            self._db.execute("update files set size = ?, mtime_ns = ? where id = ?", (size, mtime_ns, number))

    def reading(self, number: int, *, total: int | None, sha256: str) -> None:
        """A file was opened. Pages that were kept of it belong to the file as it was then: of another one they are
        forgotten."""
        with explained(self.path):
            (before,) = self._db.execute("select sha256 from files where id = ?", (number,)).fetchone()
            if before and sha256 and before != sha256:
                self._db.execute("delete from pages where file = ?", (number,))
            self._db.execute(
                "update files set state = 'reading', total = ?, sha256 = ? where id = ?",
                (total, sha256 or before, number),
            )
            self.commit()

    def page(self, number: int, done: PageDone) -> None:
        """A page was read; where it comes with its content, that is kept until the file is over."""
        content = None
        if done.page is not None:
            content = zlib.compress(json.dumps(to_dict(Document((done.page,)))).encode(), 1)
        with explained(self.path):
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
            if content is not None or time.monotonic() - self._told > COMMIT_SECONDS:
                self.commit()

    def ended(self, number: int, outcome: Outcome) -> None:
        """A file is over; its outputs have their names."""
        error = outcome.error
        with explained(self.path):
            self._db.execute(
                "update files set state = ?, total = ?, code = ?, message = ?, outputs = ?, seconds = ?,"
                " tries = tries + ? where id = ?",
                (
                    "done" if error is None else "failed",
                    outcome.total,
                    "" if error is None else error.code,
                    bound("" if error is None else error.message),
                    json.dumps([self._relative(path) for path in outcome.outputs]),
                    outcome.seconds,
                    int(error is not None),
                    number,
                ),
            )
            if error is None:
                self._db.execute("update pages set content = null where file = ? and content is not null", (number,))
            # With a write-ahead log this does not wait for the disk.
            self.commit()

    def commit(self) -> None:
        self._db.execute("commit")
        self._db.execute("begin")
        self._told = time.monotonic()

    def _relative(self, path: str) -> str:
        """Outputs are known by their names in the folder, which can be moved and be named in several ways."""
        path = os.path.abspath(path)
        folder = os.path.join(self.folder, "")
        return path.removeprefix(folder)

    # ------------------------------------------------------------------------ reading

    def kept_pages(self, number: int) -> dict[int, PageDone]:
        """Pages of a long document that were read before the run was ended. What is damaged is read again."""
        kept: dict[int, PageDone] = {}
        columns = f"{PAGE}, content"
        rows = self._db.execute(
            f"select {columns} from pages where file = ? and content is not null and status <> 'failed'",  # noqa: S608
            (number,),
        )
        for *told, content in rows:
            with contextlib.suppress(zlib.error, ValueError, DocparseError, KeyError):
                (page,) = from_dict(json.loads(zlib.decompress(content))).pages
                row = page_row(told)
                if page.number == row.number and page.verdict.status == row.status:
                    kept[page.number] = PageDone(
                        page.number,
                        page.verdict.status,
                        row.codes,
                        page,
                        row.reasons,
                        row.confidence,
                        row.characters,
                        row.attempts,
                        row.seconds,
                        row.engine,
                    )
        return kept


class Look(Rows):
    """A manifest, looked at: whoever writes it is not disturbed. Raises ``OutputError`` where it is none.
    One that is just being made has nothing in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.absolute().parent.parent
        if not path.is_file():
            raise OutputError("there is no manifest of a run here.", file=str(path))
        with explained(path):
            try:
                begun = self._open("mode=ro")
            except sqlite3.OperationalError:  # a folder that cannot be written: nobody else writes it either
                begun = self._open("mode=ro&immutable=1")
        if not begun:
            self._db.close()
            self._db = sqlite3.connect(":memory:")
            self._db.executescript(TABLES)

    def _open(self, how: str) -> bool:
        """Whether there are tables."""
        self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?{how}", uri=True)
        check_version(self._db, self.path)
        return self._db.execute("select 1 from sqlite_master where name = 'pages'").fetchone() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def runs(self) -> list[RunRow]:
        """First to last."""
        rows = self._db.execute("select id, began, ended, host, engine, recipe, files, code from runs order by id")
        return [
            RunRow(number, began, ended, host, engine, json.loads(recipe), files, code)
            for number, began, ended, host, engine, recipe, files, code in rows
        ]

    def files(self) -> Iterator[FileRow]:
        """In the order in which they were first met."""
        for row in self._db.execute(f"select {FILE} from files order by id"):  # noqa: S608
            yield file_row(row, self.folder)

    def pages(self) -> Iterator[PageRow]:
        """By file, then by number."""
        for row in self._db.execute(f"select {PAGE} from pages order by file, number"):  # noqa: S608
            yield page_row(row)

    def pages_of_runs(self, recipe: str) -> Iterator[tuple[RunRow, int]]:
        """Each run, and the pages of files with this recipe that it has finished."""
        counted = dict(
            self._db.execute(
                "select run, sum(total) from files where state = 'done' and recipe = ? group by run", (recipe,)
            )
        )
        for run in self.runs():
            if run.id in counted:
                yield run, counted[run.id]

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Files by state, pages by status."""
        files = dict(self._db.execute("select state, count(*) from files group by state"))
        pages = dict(self._db.execute("select status, count(*) from pages group by status"))
        return files, pages


def _remove(path: Path) -> None:
    for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)
