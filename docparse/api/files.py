"""Uploads, pages and results on a file system of fsspec's: a folder, or shared storage by its URL.

    uploads/<key>                a file as it came
    jobs/<job>/pages/<n>.jsonl   a page, and in a line of their own the words seen on it
    jobs/<job>/pictures/<name>   how pages look
    jobs/<job>/results/<name>    what was made of the pages
    jobs/<job>/corrections/<n>-<revision>.json  what people changed of a page

Every name is the service's own; a client's word for its file is kept as text and is never a path. A file appears
whole or not at all: by a rename in a folder, by a put in object storage. The folder is made for its owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from docparse.api.job import Upload, new_id
from docparse.api.words import pack, unpack
from docparse.document import Document, Page
from docparse.errors import DocparseError, OutputError, SettingsError, TooLargeSource, UnreadableSource
from docparse.json_form import from_dict, to_dict
from docparse.source import media_type
from docparse.textlayer import Word

HEAD = 1024
"""Bytes that tell a file's type."""
LONGEST_NAME = 200
"""Characters of a client's name for its file."""

_KEY = re.compile("[0-9a-f]{32}")
_REVISION = re.compile(r"(?:^|/)([0-9]{1,9})-([0-9]{1,12})\.json$")
_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,99}")


def shown_name(name: str) -> str:
    """A client's name for its file as it may be shown: one line, no control characters, the end of a path."""
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(char for char in name if char.isprintable()).strip()[:LONGEST_NAME] or "document"


class StoredFiles:
    """``Files`` in ``url``: a folder, or what fsspec knows (``s3://bucket/docparse``).

    ``options`` go to the file system. ``cache``: a folder on this machine for files of shared storage that are
    being read; None: one in the system's folder for temporary files, for as long as this object lives.
    Raises ``SettingsError`` for a URL that fsspec cannot open, ``OutputError`` where nothing can be written.
    """

    def __init__(self, url: str | os.PathLike[str], *, cache: Path | None = None, **options: Any) -> None:
        try:
            self.fs, root = fsspec.core.url_to_fs(os.fspath(url), **options)
        except (ValueError, ImportError) as error:  # a scheme that is unknown, or a package of its own that is missing
            raise SettingsError(f"the data directory {os.fspath(url)!r} cannot be opened: {error}.") from error
        self.root = root.rstrip("/")
        self._local = isinstance(self.fs, LocalFileSystem)
        self._temporary: str | None = None
        if self._local:
            self._staging = Path(self.root, "incoming")
        else:
            if cache is None:
                self._temporary = tempfile.mkdtemp(prefix="docparse-")
            self._staging = cache or Path(str(self._temporary))
        self._fetching = threading.Lock()
        with self._writing(self.root):
            if self._local:
                Path(self.root).mkdir(mode=0o700, parents=True, exist_ok=True)
            else:
                self.fs.makedirs(self.root, exist_ok=True)
            self._staging.mkdir(mode=0o700, parents=True, exist_ok=True)

    # ------------------------------------------------------------------------------------ uploads

    def receive(self, data: Iterator[bytes], *, name: str, max_bytes: int) -> Upload:
        name, key = shown_name(name), new_id()
        staged = self._staging / f"{key}.part"
        try:
            with self._writing(name):
                with _new(staged) as stream:
                    head, size, digest = _copy(data, stream, name, max_bytes)
                kind = media_type(head, size, name)
                self._move_in(staged, f"uploads/{key}")
        finally:
            staged.unlink(missing_ok=True)
        return Upload(key, name, size, digest, kind)

    def twin(self, upload: Upload) -> Upload:
        twin = replace(upload, key=new_id())
        stored, wanted = self._upload(upload), self._upload(twin)
        with self._writing(upload.name):
            try:
                if not self._local:
                    self.fs.cp_file(stored, wanted)
                else:
                    self._link(Path(stored), Path(wanted))
            except FileNotFoundError as error:
                raise UnreadableSource("the uploaded file is gone.", file=upload.name) from error
        return twin

    def _link(self, stored: Path, wanted: Path) -> None:
        try:
            os.link(stored, wanted)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links, or with too many of this file
            staged = self._staging / f"{wanted.name}.part"
            try:
                shutil.copyfile(stored, staged)
                staged.chmod(0o600)
                os.replace(staged, wanted)
            finally:
                staged.unlink(missing_ok=True)
        os.utime(wanted)  # it is new: housekeeping must not take it for one that nobody wants

    def settle(self, upload: Upload) -> None:
        if not self._local:
            return  # a put is durable
        path = Path(self._upload(upload))
        with self._writing(upload.name):
            for place in (path, path.parent):
                _synced(place)

    def local(self, upload: Upload) -> Path:
        stored = self._upload(upload)
        path = Path(stored) if self._local else self._staging / _key(upload.key)
        with self._fetching:  # two jobs never share a file, two threads of a job may
            if not self._local and not path.exists():
                part = self._staging / f"{upload.key}.{secrets.token_hex(4)}.part"
                try:
                    self.fs.get_file(stored, str(part))
                    part.rename(path)
                except OSError as error:
                    raise UnreadableSource("the uploaded file cannot be fetched.", file=upload.name) from error
                finally:
                    part.unlink(missing_ok=True)
        if not path.is_file():
            raise UnreadableSource("the uploaded file is gone.", file=upload.name)
        return path

    # ------------------------------------------------------------------------------------ pages, results

    def put_page(self, job: str, page: Page, words: Sequence[Word] = ()) -> None:
        lines = (json.dumps(part, separators=(",", ":")) for part in (to_dict(Document((page,))), pack(words)))
        self._put(f"jobs/{_key(job)}/pages/{page.number}.jsonl", "\n".join(lines).encode())

    def page(self, job: str, number: int, *, words: bool = True) -> tuple[Page, tuple[Word, ...]] | None:
        data = self._get(f"jobs/{_key(job)}/pages/{int(number)}.jsonl")
        if data is None:
            return None
        try:
            document, seen = data.split(b"\n")
            (page,) = from_dict(json.loads(document)).pages
            return page, unpack(json.loads(seen)) if words else ()
        except (DocparseError, ValueError, TypeError, KeyError):  # cut short by a power failure
            return None

    def put_picture(self, job: str, name: str, data: bytes) -> None:
        self._put(f"jobs/{_key(job)}/pictures/{_name(name)}", data)

    def picture(self, job: str, name: str) -> bytes | None:
        return self._get(f"jobs/{_key(job)}/pictures/{_name(name)}")

    def put_result(self, job: str, name: str, data: bytes) -> None:
        self._put(f"jobs/{_key(job)}/results/{_name(name)}", data)

    def result(self, job: str, name: str) -> bytes | None:
        return self._get(f"jobs/{_key(job)}/results/{_name(name)}")

    def drop_results(self, job: str, *, keep: str = "") -> None:
        for entry in self._entries(f"jobs/{_key(job)}/results"):
            name = entry["name"].rstrip("/").rpartition("/")[2]
            if name != keep:
                self._remove(f"jobs/{_key(job)}/results/{name}")

    def corrected(self, job: str) -> dict[int, int]:
        return {number: max(revisions) for number, revisions in self._revisions(job).items()}

    def corrections(self, job: str, number: int, revision: int) -> bytes | None:
        return self._get(_revision(job, number, revision))

    def put_corrections(self, job: str, number: int, revision: int, data: bytes) -> bool:
        if not self._put_new(_revision(job, number, revision), data):
            return False
        # The one before stays: somebody may be about to read it.
        for older in sorted(self._revisions(job).get(number, ()))[:-2]:
            self._remove(_revision(job, number, older))
        return True

    def remove(self, job: str, upload: Upload) -> None:
        self._remove(f"jobs/{_key(job)}")
        self._remove(f"uploads/{_key(upload.key)}")
        if not self._local:
            (self._staging / upload.key).unlink(missing_ok=True)

    def sweep(self, *, uploads: Set[str], jobs: Set[str], before: float) -> int:
        count = 0
        for folder, known in (("uploads", uploads), ("jobs", jobs)):
            for entry in self._entries(folder):
                name = entry["name"].rstrip("/").rpartition("/")[2]
                if _KEY.fullmatch(name) and name not in known and _modified(entry) < before:
                    self._remove(f"{folder}/{name}")
                    count += 1
        for path in self._staging.iterdir():
            with contextlib.suppress(OSError):  # another process was faster
                if path.name not in uploads and path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
        return count

    def close(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    # ------------------------------------------------------------------------------------ the file system

    def _upload(self, upload: Upload) -> str:
        return f"{self.root}/uploads/{_key(upload.key)}"

    def _put(self, name: str, data: bytes) -> None:
        with self._writing(name):
            if not self._local:
                self.fs.pipe_file(f"{self.root}/{name}", data)
                return
            staged = self._staging / f"{secrets.token_hex(16)}.part"
            try:
                with _new(staged) as stream:
                    stream.write(data)
                self._move_in(staged, name)
            finally:
                staged.unlink(missing_ok=True)

    def _put_new(self, name: str, data: bytes) -> bool:
        """Durable; or False where there is one already, whoever wrote it."""
        with self._writing(name):
            if not self._local:
                try:
                    self.fs.pipe_file(f"{self.root}/{name}", data, mode="create")
                except FileExistsError:
                    return False
                return True
            staged, path = self._staging / f"{secrets.token_hex(16)}.part", Path(self.root, name)
            try:
                with _new(staged) as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.link(staged, path)
                _synced(path.parent)
            except FileExistsError:
                return False
            finally:
                staged.unlink(missing_ok=True)
        return True

    def _move_in(self, staged: Path, name: str) -> None:
        if not self._local:
            self.fs.put_file(str(staged), f"{self.root}/{name}")
            return
        path = Path(self.root, name)
        try:
            os.replace(staged, path)
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(staged, path)

    def _get(self, name: str) -> bytes | None:
        try:
            data: bytes = self.fs.cat_file(f"{self.root}/{name}")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableSource(f"the data directory cannot be read ({error.strerror or error}).") from error
        return data

    def _remove(self, name: str) -> None:
        with self._writing(name), contextlib.suppress(FileNotFoundError):
            self.fs.rm(f"{self.root}/{name}", recursive=True)

    def _revisions(self, job: str) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for entry in self._entries(f"jobs/{_key(job)}/corrections"):
            if match := _REVISION.search(entry["name"]):
                found.setdefault(int(match[1]), []).append(int(match[2]))
        return found

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        try:
            return list(self.fs.ls(f"{self.root}/{folder}", detail=True))
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            hint = "Look at the data directory: is the disk full, may docparse write there?"
            raise OutputError(f"it cannot be written ({error.strerror or error}).", file=what, hint=hint) from error


def _copy(data: Iterator[bytes], stream: BinaryIO, name: str, max_bytes: int) -> tuple[bytes, int, str]:
    """Its first bytes, its size and its SHA-256. What is of no use is refused before the rest has come."""
    head, size, digest = b"", 0, hashlib.sha256()
    for piece in data:
        size += len(piece)
        if size > max_bytes:
            raise TooLargeSource(f"the file has more than {max_bytes:,} bytes, which is the limit.", file=name)
        if len(head) < HEAD:
            head += piece[: HEAD - len(head)]
            if len(head) == HEAD:
                media_type(head, size, name)
        digest.update(piece)
        stream.write(piece)
    return head, size, digest.hexdigest()


def _synced(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _new(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _revision(job: str, number: int, revision: int) -> str:
    return f"jobs/{_key(job)}/corrections/{int(number)}-{int(revision)}.json"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a result: {name!r}")
    return name


def _modified(entry: dict[str, Any]) -> float:
    """When it was written; a folder of object storage has no time, and is as old as can be."""
    at = entry.get("mtime") or entry.get("LastModified") or entry.get("created") or 0.0
    return float(at.timestamp() if hasattr(at, "timestamp") else at)
