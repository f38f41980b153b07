"""Uploads, pages and results: whole or not at all, under the service's own names, on a folder and on shared storage."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from docparse.api.files import StoredFiles, shown_name
from docparse.api.housekeeping import Housekeeping
from docparse.api.job import JobSpec, State, Upload, new_id
from docparse.api.queue import HueyQueue
from docparse.api.store import SqliteStore
from docparse.document import Page
from docparse.errors import EmptySource, OutputError, SettingsError, TooLargeSource, UnreadableSource, UnsupportedSource
from docparse.geometry import BBox
from docparse.textlayer import Style, Word
from tests.api.stores import Clock, job
from tests.strategies import modest, pages

PDF = b"%PDF-1.7\n" + b"x" * 3000
NONE = frozenset[str]()


@pytest.fixture(params=["folder", "shared"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredFiles]:
    """In a folder; on a file system that is none of this machine's (fsspec's own in memory)."""
    url = str(tmp_path / "data") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    files = StoredFiles(url)
    yield files
    files.close()


def everything(files: StoredFiles) -> list[str]:
    """All files that lie there, and those on the way."""
    staged = [str(path) for path in files._staging.iterdir()]
    return sorted({*files.fs.find(files.root), *staged})


def receive(files: StoredFiles, *parts: bytes, name: str = "a.pdf", max_bytes: int = 10_000) -> Upload:
    return files.receive(iter(parts or (PDF,)), name=name, max_bytes=max_bytes)


# ------------------------------------------------------------------------------------ uploads


@pytest.mark.parametrize("size", [1, 7, 1023, 1024, 1025, 5000])
def test_a_file_in_pieces_of_any_size(files: StoredFiles, size: int) -> None:
    upload = receive(files, *(PDF[at : at + size] for at in range(0, len(PDF), size)))
    assert upload == Upload(upload.key, "a.pdf", len(PDF), hashlib.sha256(PDF).hexdigest(), "application/pdf")
    files.settle(upload)
    assert files.local(upload).read_bytes() == PDF
    assert files.local(upload) == files.local(upload)


def test_the_bytes_decide_and_not_the_name(files: StoredFiles) -> None:
    assert receive(files, b"\x89PNG\r\n\x1a\n" + b"x" * 50, name="a.pdf").media_type == "image/png"
    for content, name in ((b"<html>", "a.pdf"), (b"PK\x03\x04" + b"x" * 2000, "a.pdf"), (b"\x7fELF", "a.png")):
        with pytest.raises(UnsupportedSource):
            receive(files, content, name=name)
    for parts in ((b"",), (b"", b"")):
        with pytest.raises(EmptySource):
            receive(files, *parts)
    assert len(everything(files)) == 1


def test_a_file_is_refused_as_soon_as_it_can_be(files: StoredFiles) -> None:
    taken = 0

    def endless(first: bytes) -> Iterator[bytes]:
        nonlocal taken
        taken = 1
        yield first
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(UnsupportedSource):
        files.receive(endless(b"GIF89a"), name="a.gif", max_bytes=10**9)
    assert taken == 3  # the first kilobyte and what came with it
    with pytest.raises(TooLargeSource, match="20,000"):
        files.receive(endless(b"%PDF-1.7"), name="a.pdf", max_bytes=20_000)
    assert taken == 21
    assert everything(files) == []


def test_a_file_may_be_just_as_large_as_the_limit(files: StoredFiles) -> None:
    assert receive(files, max_bytes=len(PDF)).bytes == len(PDF)
    with pytest.raises(TooLargeSource):
        receive(files, max_bytes=len(PDF) - 1)


def test_a_client_that_goes_away_leaves_nothing(files: StoredFiles) -> None:
    class Gone(Exception):
        pass

    def data() -> Iterator[bytes]:
        yield PDF
        raise Gone

    with pytest.raises(Gone):
        files.receive(data(), name="a.pdf", max_bytes=10**6)
    assert everything(files) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\Rechnung №1.pdf", "Rechnung №1.pdf"),
        ("/", "document"),
        ("", "document"),
        ("..", ".."),
        ("a\r\nSet-Cookie: x\x00.pdf", "aSet-Cookie: x.pdf"),
        ("gpj.\u202efdp.exe", "gpj.fdp.exe"),  # right to left: it would be shown turned round
        ("\udcff\ud800x", "x"),
        ("x" * 5000, "x" * 200),
        ("<script>alert(1)</script>.pdf", "script>.pdf"),
    ],
)
def test_the_name_of_a_file_is_shown_and_never_a_path(files: StoredFiles, name: str, shown: str) -> None:
    upload = receive(files, name=name)
    assert upload.name == shown_name(name) == shown
    assert [Path(path).name for path in everything(files)] == [upload.key]
    assert len(upload.key) == 32


def test_keys_and_names_are_the_services_own(files: StoredFiles) -> None:
    upload, id = receive(files), new_id()
    for bad in ("", "..", "../x", "a/b", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "*" * 32):
        hostile = Upload(bad, "a.pdf", 1, "", "application/pdf")
        with pytest.raises(ValueError, match="not a key"):
            files.local(hostile)
        with pytest.raises(ValueError, match="not a key"):
            files.remove(id, hostile)
        with pytest.raises(ValueError, match="not a key"):
            files.put_page(bad, Page(1, 2, 3))
        with pytest.raises(ValueError, match="not a key"):
            files.result(bad, "md")
    for bad in ("", ".", "..", "a/b", "../x", ".hidden", "a\\b", "A", "a\x00", "x" * 101, "ä", "a\n"):
        with pytest.raises(ValueError, match="not a name"):
            files.put_result(id, bad, b"")
        with pytest.raises(ValueError, match="not a name"):
            files.result(id, bad)
    assert files.local(upload).read_bytes() == PDF


def test_an_upload_that_is_gone(files: StoredFiles) -> None:
    upload = receive(files)
    files.remove(new_id(), upload)
    with pytest.raises(UnreadableSource, match=r"a\.pdf"):
        files.local(upload)
    files.remove(new_id(), upload)


def test_many_uploads_at_once(files: StoredFiles) -> None:
    begin = threading.Barrier(8)

    def upload(number: int) -> tuple[Upload, bytes]:
        begin.wait()
        content = PDF + bytes([number]) * number
        return receive(files, content[:1500], content[1500:]), content

    with ThreadPoolExecutor(8) as pool:
        for kept, content in pool.map(upload, range(8)):
            assert files.local(kept).read_bytes() == content


def test_two_threads_fetch_one_file(tmp_path: Path) -> None:
    files = StoredFiles(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    upload = receive(files)
    with ThreadPoolExecutor(8) as pool:
        assert {path.read_bytes() for path in pool.map(lambda _: files.local(upload), range(8))} == {PDF}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [upload.key]
    files.remove(new_id(), upload)
    assert list((tmp_path / "cache").iterdir()) == []
    files.close()
    assert (tmp_path / "cache").is_dir()  # it was given


# ------------------------------------------------------------------------------------ pages, results


@modest
@given(page=pages())
def test_a_page_comes_back_as_it_was(page: Page) -> None:
    files, id = StoredFiles("memory://pages"), new_id()
    word = Word(
        "Ä\udcff", BBox(1.5, 2, 3.25, 4), (("Ä", Style(9.5, "Font", bold=True, subscript=True, color=255)),), 0.5
    )
    for words in ((), (word, Word("b", BBox(0, 0, 1, 1)))):
        files.put_page(id, page, words)
        assert files.page(id, page.number) == (page, words)
        assert files.page(id, page.number, words=False) == (page, ())
    files.close()


def test_pages_and_results_of_a_job(files: StoredFiles) -> None:
    one, two, upload = new_id(), new_id(), receive(files)
    assert files.page(one, 1) is None
    assert files.result(one, "md") is None
    files.drop_results(one)
    for id in (one, two):
        files.put_page(id, Page(1, 2, 3))
        files.put_result(id, "md", b"# x")
        files.put_result(id, "fields-v2.json", b"")
        files.put_picture(id, "1-160x226.jpg", id.encode())
    files.put_result(one, "md", b"# y")
    assert (files.result(one, "md"), files.result(one, "fields-v2.json")) == (b"# y", b"")
    files.drop_results(one, keep="fields-v2.json")
    assert files.result(one, "fields-v2.json") == b""
    assert files.result(one, "md") is None
    files.drop_results(one)
    assert files.result(one, "fields-v2.json") is None
    assert files.picture(one, "1-160x226.jpg") == one.encode()
    assert files.picture(one, "2-160x226.jpg") is None
    assert files.page(one, 1) == (Page(1, 2, 3), ())
    files.remove(one, upload)
    assert files.page(one, 1) is None
    assert files.picture(one, "1-160x226.jpg") is None
    assert (files.page(two, 1), files.result(two, "md")) == ((Page(1, 2, 3), ()), b"# x")
    files.remove(one, upload)


def test_a_page_that_was_cut_short_is_no_page(tmp_path: Path) -> None:
    """Not by a crash, which cannot: by a power failure."""
    files, id = StoredFiles(tmp_path), new_id()
    files.put_page(id, Page(1, 10, 10))
    path = tmp_path / "jobs" / id / "pages" / "1.jsonl"
    whole = path.read_bytes()
    for damaged in (
        b"",
        whole[: len(whole) // 2],
        whole[:-1],
        b"\xff" * 9,
        b"[]",
        b'{"document": 1}',
        b"0" * len(whole),
    ):
        path.write_bytes(damaged)
        assert files.page(id, 1) is None
    path.write_bytes(whole)
    assert files.page(id, 1) is not None


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    files, id = StoredFiles(tmp_path / "data"), new_id()
    receive(files)
    files.put_page(id, Page(1, 2, 3))
    files.put_result(id, "md", b"x")
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


# ------------------------------------------------------------------------------------ when it does not work


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="data directory"):
        StoredFiles(tmp_path / "file" / "data")


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are POSIX")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """In a process that may write no file of more than 20,000 bytes: the system says no in the middle of it."""
    code = """
import resource, signal, sys
from docparse.api.files import StoredFiles
from docparse.api.job import new_id
from docparse.errors import OutputError
files = StoredFiles(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for write in (
    lambda: files.receive(iter([b"%PDF-1.7"] + [b"x" * 9_000] * 9), name="a.pdf", max_bytes=10**6),
    lambda: files.put_result(new_id(), "md", b"x" * 50_000),
):
    try:
        write()
    except OutputError as error:
        print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["output.failed"] * 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_killed_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    code = """
import sys, time
from docparse.api.files import StoredFiles
def data():
    yield b"%PDF-1.7" + b"x" * 100_000
    print("half", flush=True)
    time.sleep(600)
StoredFiles(sys.argv[1]).receive(data(), name="a.pdf", max_bytes=10**6)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["incoming"]
    files = StoredFiles(tmp_path)
    assert files.sweep(uploads=NONE, jobs=NONE, before=0) == 0
    assert files.sweep(uploads=NONE, jobs=NONE, before=1e11) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# ------------------------------------------------------------------------------------ housekeeping


def test_what_belongs_to_nobody_goes(files: StoredFiles) -> None:
    kept, orphan, job, ghost = receive(files), receive(files), new_id(), new_id()
    for id in (job, ghost):
        files.put_page(id, Page(1, 2, 3))
    assert files.sweep(uploads={kept.key, orphan.key}, jobs={job, ghost}, before=1e11) == 0
    assert files.sweep(uploads={kept.key}, jobs={job}, before=1e11) == 2
    assert files.local(kept).read_bytes() == PDF
    assert files.page(job, 1) is not None
    assert files.page(ghost, 1) is None
    with pytest.raises(UnreadableSource):
        files.local(orphan)


def test_housekeeping(tmp_path: Path) -> None:
    clock = Clock()
    store, queue = (
        SqliteStore(tmp_path / "jobs.sqlite", retention=100, clock=clock),
        HueyQueue(tmp_path / "queue.sqlite"),
    )
    files = StoredFiles(tmp_path)
    house = Housekeeping(store, queue, files, every=0.01, clock=clock)
    jobs = [store.add(replace(job(f"client {number}"), upload=receive(files))) for number in range(3)]
    store.lease(jobs[0].id, "me", 50)
    store.set_state(jobs[1].id, "done")
    files.put_page(jobs[1].id, Page(1, 2, 3))
    house.once()
    assert queue.waiting() == {jobs[2].id}
    assert queue.take(0) == jobs[2].id
    assert store.lease(jobs[2].id, "you", 1000)
    clock.now += 50  # the first lease ran out: its holder died
    house.start()
    assert queue.take(20) == jobs[0].id
    assert files.page(jobs[1].id, 1) is not None
    clock.now += 50  # the job that is over is kept no longer
    store.set_state(jobs[0].id, "cancelled")
    deadline = time.monotonic() + 20
    while len(store.jobs()) == 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    house.stop()
    assert {one.id for one in store.jobs()} == {jobs[0].id, jobs[2].id}
    assert files.page(jobs[1].id, 1) is None
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {jobs[0].upload.key, jobs[2].upload.key}
    store.close()
    queue.close()


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_readings_go_when_their_job_is_kept_no_longer(tmp_path: Path, state: State) -> None:
    clock, files = Clock(), StoredFiles(tmp_path)
    store = SqliteStore(tmp_path / "jobs.sqlite", retention=10, clock=clock)
    queue = HueyQueue(tmp_path / "queue.sqlite")
    old, other = [store.add(replace(job(), upload=receive(files))) for _ in range(2)]
    store.set_state(old.id, "done")
    clock.now += 5
    reading = store.add(replace(job(), upload=files.twin(old.upload), spec=JobSpec(of=old.id, pages="1")))
    again = store.add(replace(job(), upload=files.twin(old.upload), spec=JobSpec(of=reading.id, pages="1")))
    for one in (reading, again):
        files.put_page(one.id, Page(1, 2, 3))
        if state != "queued":
            assert store.lease(one.id, "me", 1000)
            store.set_state(one.id, state)
    house = Housekeeping(store, queue, files, clock=clock)
    house.once()
    assert len(store.jobs()) == 4
    clock.now += 5  # the readings themselves would be kept longer
    house.once()
    assert [one.id for one in store.jobs()] == [other.id]
    assert files.page(reading.id, 1) is None
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {other.upload.key}
    assert not store.lease(reading.id, "me", 1000), "whoever reads it is told to leave it"
    store.close()
    queue.close()


def test_a_job_that_cannot_be_removed_keeps_no_other(tmp_path: Path) -> None:
    class Stuck(StoredFiles):
        def remove(self, id: str, upload: Upload) -> None:
            if id == jobs[1].id:
                raise OutputError("it cannot be written (Input/output error).")
            super().remove(id, upload)

    clock, files = Clock(), Stuck(tmp_path)
    store, queue = SqliteStore(tmp_path / "jobs.sqlite", retention=1, clock=clock), HueyQueue(tmp_path / "queue.sqlite")
    jobs = [store.add(replace(job(), upload=receive(files))) for _ in range(3)]
    for one in jobs:
        store.set_state(one.id, "failed")
    clock.now += 1
    Housekeeping(store, queue, files, clock=clock).once()
    assert [one.id for one in store.jobs()] == [jobs[1].id]
    store.close()
    queue.close()


def test_files_on_a_file_system_that_nobody_knows() -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        StoredFiles("nowhere://x")


# ------------------------------------------------------------------------------------ twins


def test_a_twin_stays_when_the_other_goes(files: StoredFiles) -> None:
    first = receive(files)
    second = files.twin(first)
    third = files.twin(second)
    assert replace(second, key=first.key) == first
    assert len({one.key for one in (first, second, third)}) == 3
    files.remove(new_id(), first)
    assert files.local(second).read_bytes() == PDF
    files.remove(new_id(), second)
    assert files.local(third).read_bytes() == PDF
    files.remove(new_id(), third)
    assert everything(files) == []
    with pytest.raises(UnreadableSource, match="gone"):
        files.twin(first)
    assert everything(files) == []


def test_a_twin_in_a_folder_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refused)
    files = StoredFiles(tmp_path / "data")
    first = receive(files)
    second = files.twin(first)
    files.remove(new_id(), first)
    assert files.local(second).read_bytes() == PDF
    assert files.local(second).stat().st_mode & 0o777 == 0o600
    assert everything(files) == [str(files.local(second))]


def test_a_twin_of_an_old_file_is_new(tmp_path: Path) -> None:
    files = StoredFiles(tmp_path / "data")
    first = receive(files)
    os.utime(files.local(first), (1, 1))
    second = files.twin(first)
    assert files.sweep(uploads={first.key}, jobs=NONE, before=time.time() - 60) == 0, "nobody knows of it yet"
    assert files.local(second).read_bytes() == PDF
