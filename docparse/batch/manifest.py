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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docparse.batch.conversion import Outcome
from docparse.batch.lock import Lock
from docparse.document import Document, Status
from docparse.errors import DocparseError, OutputError
from docparse.json_form import from_dict, to_dict
from docparse.reading import PageDone

State = Literal["waiting", "reading", "done", "failed"]
FOLDER = ".docparse"
COMMIT_SECONDS = 1.0
"""So much of a file may have to be read again."""
VERSION = 1
"""Of the tables."""

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
create index if not exists files_by_stem on files (stem);
"""
_PAGE = "file, number, status, codes, reasons, confidence, characters, seconds, attempts, engine"
_FILE = "path, size, mtime_ns, sha256, recipe, stem, state, total, code, message, outputs, tries, seconds, id"


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


def place(folder: Path, shard: tuple[int, int] | None = None) -> Path:
    """Where the manifest of a folder of results lies; each shard has its own."""
    name = "manifest.sqlite" if shard is None else f"manifest-{shard[0]}of{shard[1]}.sqlite"
    return folder / FOLDER / name


def places(folder: Path) -> list[Path]:
    """The manifests of a folder, of all its shards."""
    return sorted((folder / FOLDER).glob("manifest*.sqlite"))


class Manifest:
    """The manifest of one folder (and shard), held by this process: ``with Manifest(path) as manifest``.

    ``fresh``: what earlier runs have written is removed. Raises ``OutputInUse`` where another run holds it,
    ``OutputError`` where it cannot be written, is damaged or of another version.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.folder = path.absolute().parent.parent
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._locks = _locks(path)
        except OSError as error:
            raise OutputError(f"it cannot be written ({error.strerror or error}).", file=str(path)) from error
        self._told = time.monotonic()
        try:
            with _explained(path):
                if fresh:
                    _remove(path)
                self._db = sqlite3.connect(path, isolation_level=None)
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
                _check_version(self._db, path)
                self._db.executescript(_TABLES)
                self._db.execute(f"pragma user_version = {VERSION}")
                self._db.execute("begin")
        except BaseException:
            self._release()
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
        self._release()

    def _release(self) -> None:
        for lock in self._locks:
            lock.release()

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
        were kept. Its number.

        Another file whose outputs have the same names is to be read again when its turn comes: it loses them now.
        """
        with _explained(self.path):
            self._db.execute(
                "update files set state = 'waiting', outputs = '[]' where stem = ? and path <> ? and state = 'done'",
                (_bound(row.stem), _bound(row.path)),
            )
            self._db.execute(
                "insert into files (path, size, mtime_ns, sha256, recipe, stem, state, tries, run)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (path) do update set size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " sha256 = excluded.sha256, recipe = excluded.recipe, stem = excluded.stem, state = excluded.state,"
                " tries = excluded.tries, run = excluded.run, total = null, code = '', message = '', outputs = '[]',"
                " seconds = null",
                (
                    _bound(row.path),
                    row.size,
                    row.mtime_ns,
                    row.sha256,
                    row.recipe,
                    _bound(row.stem),
                    row.state,
                    row.tries,
                    self.run,
                ),
            )
            (number,) = self._db.execute("select id from files where path = ?", (_bound(row.path),)).fetchone()
            kept = " and content is null" if keep_pages else ""
            self._db.execute(f"delete from pages where file = ?{kept}", (number,))  # noqa: S608
        return int(number)

    def touched(self, number: int, *, size: int | None, mtime_ns: int | None) -> None:
        """A file that was found to be the same as before has another date."""
        with _explained(self.path):
            self._db.execute("update files set size = ?, mtime_ns = ? where id = ?", (size, mtime_ns, number))

    def reading(self, number: int, *, total: int | None, sha256: str) -> None:
        """A file was opened. Pages that were kept of it belong to the file as it was then: of another one they are
        forgotten."""
        with _explained(self.path):
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
            if content is not None or time.monotonic() - self._told > COMMIT_SECONDS:
                self.commit()

    def ended(self, number: int, outcome: Outcome) -> None:
        """A file is over; its outputs have their names."""
        error = outcome.error
        with _explained(self.path):
            self._db.execute(
                "update files set state = ?, total = ?, code = ?, message = ?, outputs = ?, seconds = ?,"
                " tries = tries + ? where id = ?",
                (
                    "done" if error is None else "failed",
                    outcome.total,
                    "" if error is None else error.code,
                    _bound("" if error is None else error.message),
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
        with contextlib.suppress(ValueError):  # on another drive
            return str(Path(path).relative_to(self.folder))
        return path

    # ------------------------------------------------------------------------ reading

    def row(self, path: str) -> FileRow | None:
        found = self._db.execute(f"select {_FILE} from files where path = ?", (_bound(path),)).fetchone()  # noqa: S608
        return None if found is None else _file_row(found, self.folder)

    def statuses(self, number: int) -> set[str]:
        """Of a file's pages."""
        return {status for (status,) in self._db.execute("select status from pages where file = ?", (number,))}

    def kept_pages(self, number: int) -> dict[int, PageDone]:
        """Pages of a long document that were read before the run was ended. What is damaged is read again."""
        kept: dict[int, PageDone] = {}
        columns = f"{_PAGE}, content"
        rows = self._db.execute(
            f"select {columns} from pages where file = ? and content is not null and status <> 'failed'",  # noqa: S608
            (number,),
        )
        for *told, content in rows:
            with contextlib.suppress(zlib.error, ValueError, DocparseError, KeyError):
                (page,) = from_dict(json.loads(zlib.decompress(content))).pages
                row = _page_row(told)
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


class Look:
    """A manifest, looked at: whoever writes it is not disturbed. Raises ``OutputError`` where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.absolute().parent.parent
        if not path.is_file():
            raise OutputError("there is no manifest of a run here.", file=str(path))
        with _explained(path):
            try:
                self._open("mode=ro")
            except sqlite3.OperationalError:  # a folder that cannot be written: nobody else writes it either
                self._open("mode=ro&immutable=1")

    def _open(self, how: str) -> None:
        self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?{how}", uri=True)
        _check_version(self._db, self.path)
        self._db.execute("select 1 from files limit 1")

    def __enter__(self) -> Look:
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
        for row in self._db.execute(f"select {_FILE} from files order by id"):  # noqa: S608
            yield _file_row(row, self.folder)

    def pages(self) -> Iterator[PageRow]:
        """By file, then by number."""
        for row in self._db.execute(f"select {_PAGE} from pages order by file, number"):  # noqa: S608
            yield _page_row(row)

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Files by state, pages by status."""
        files = dict(self._db.execute("select state, count(*) from files group by state"))
        pages = dict(self._db.execute("select status, count(*) from pages group by status"))
        return files, pages


def _bound(text: str) -> str | bytes:
    """Text for the database: a file name that is not UTF-8 goes as the bytes it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def _file_row(found: Sequence[Any], folder: Path) -> FileRow:
    path, size, mtime_ns, sha256, recipe, stem, state, total, code, message, outputs, *rest = found
    names = tuple(os.path.join(folder, name) for name in json.loads(outputs))
    told = _text(message)
    return FileRow(_text(path), size, mtime_ns, sha256, recipe, _text(stem), state, total, code, told, names, *rest)


def _page_row(found: Sequence[Any]) -> PageRow:
    file, number, status, codes, reasons, *rest = found
    told = tuple((code, message) for code, message in json.loads(reasons))
    return PageRow(file, number, status, tuple(code for code in codes.split(",") if code), told, *rest)


def _locks(path: Path) -> list[Lock]:
    """Shards go side by side, but not beside a run over the whole. Raises ``OutputInUse``."""
    whole = path.with_name("manifest.lock")
    own = path.with_suffix(".lock")
    if own == whole:
        return [Lock(whole)]
    shared = Lock(whole, shared=True)
    try:
        return [shared, Lock(own)]
    except BaseException:
        shared.release()
        raise


def _remove(path: Path) -> None:
    for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)


def _check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raises ``OutputError`` for the manifest of another docparse, which has other tables."""
    (version,) = db.execute("pragma user_version").fetchone()
    if version not in (0, VERSION):
        raise OutputError(
            "the manifest was written by another version of docparse.",
            file=str(path),
            hint="Choose another folder, or begin anew with --no-resume.",
        )


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"it cannot be written ({error.strerror or error}).", file=str(path)) from error
    except sqlite3.DatabaseError as error:
        told = str(error)
        if "full" in told:
            raise OutputError("the disk is full.", file=str(path), hint="Make room, then run it again.") from error
        raise OutputError(
            f"the manifest cannot be used ({told}).", file=str(path), hint="--no-resume begins a new one."
        ) from error
