"""What a batch may cost: workers that are replaced, files that are given up, disks that are full, Ctrl-C."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_engine
import making
import pytest
from breaking_jobs import Unwritable
from fake_engine import FakeEngine
from fake_work import work
from program import environment, outputs, run

import docparse
from docparse.batch import Conversion, Outcome, conversion
from docparse.batch.manifest import Look, Manifest, place
from docparse.batch.work import Work
from docparse.commands.interrupt import gently
from docparse.convert import Options
from docparse.errors import EngineUnavailable, OutputDiskError
from docparse.machine import memory_of
from docparse.reading import STRETCH, Job
from docparse.workers import Pool, Recycle

MIB = 1024**2


def a_pdf(path: Path, pages: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [making.text(f"{path.stem} page {n}", at=(20, 80), size=12) for n in range(1, pages + 1)]
    path.write_bytes(making.pdf(*texts, size=(200, 200)))
    return path


def job(path: Path, engine: FakeEngine | None = None, kind: type[Job] = Job, **more: Any) -> Job:
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    return kind(str(path), str(out), path.stem, ("json",), Options(engine=engine or FakeEngine()), **more)


# ------------------------------------------------------------------------------------ workers that are spent


@pytest.mark.parametrize(
    ("recycle", "tasks", "first", "now", "spent"),
    [
        (Recycle(tasks=3), 2, 0, 0, False),
        (Recycle(tasks=3), 3, 0, 0, True),
        (Recycle(tasks=None, growth=10, at_least=5), 5, 100, 110, False),
        (Recycle(tasks=None, growth=10, at_least=5), 5, 100, 111, True),
        (Recycle(tasks=None, growth=10, at_least=5), 4, 100, 999, False),  # or a model would be loaded for each file
        (Recycle(tasks=None, growth=10, at_least=5), 99, None, None, False),  # nobody knows what it holds
        (Recycle(tasks=None, growth=None), 10**6, 0, 10**12, False),
    ],
)
def test_when_a_worker_is_spent(recycle: Recycle, tasks: int, first: int | None, now: int | None, spent: bool) -> None:
    assert recycle.spent(tasks, first, now) == spent


def test_workers_may_lose_half_of_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse import workers

    monkeypatch.setattr(workers, "free_memory", lambda: 2048 * MIB)
    assert Recycle.fitting(4).growth == 256 * MIB
    assert Recycle.fitting(1).growth == 1024 * MIB
    assert Recycle.fitting(100).growth == 128 * MIB
    monkeypatch.setattr(workers, "free_memory", lambda: None)
    assert Recycle.fitting(4) == Recycle()
    assert Recycle.fitting(4, reloads=True).tasks is None


def who(pool: Pool, *tasks: tuple[str, Any]) -> list[Any]:
    with pool:
        for task in tasks:
            pool.submit(task)
        return [event.result for event in pool.events()]  # type: ignore[union-attr]


def test_a_worker_is_replaced_after_so_many_tasks() -> None:
    one, two, three, four, five = who(Pool(work, 1, seconds=60, recycle=Recycle(tasks=2)), *[("who", None)] * 5)
    assert one == two != three == four != five


@pytest.mark.skipif(memory_of(os.getpid()) is None, reason="this system does not say what a process holds")
def test_a_worker_that_grew_is_replaced() -> None:
    recycle = Recycle(tasks=None, growth=64 * MIB, at_least=2)
    pids = who(Pool(work, 1, seconds=60, recycle=recycle), *[("hold", 40 * MIB)] * 4)
    # The first task does not count: models are loaded then. The second adds 40 MiB, the third another 40.
    assert pids[0] == pids[1] == pids[2] != pids[3]


def test_nothing_is_lost_when_workers_are_replaced(tmp_path: Path) -> None:
    jobs = [job(a_pdf(tmp_path / f"{n}.pdf", pages)) for n, pages in enumerate((1, 2 * STRETCH, 3, 1))]
    engine_less = Conversion(jobs, 2, seconds=60, cores=2, watch=lambda _: None, recycle=Recycle(tasks=1))
    outcomes = engine_less.run()
    assert [set(outcome.pages.values()) for outcome in outcomes] == [{"ok"}] * 4
    assert [len(outcome.pages) for outcome in outcomes] == [1, 2 * STRETCH, 3, 1]


class Unstartable:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (5,)


def test_a_machine_where_no_worker_starts_is_not_blamed_on_the_files() -> None:
    with pytest.raises(EngineUnavailable, match=r"before they have begun \(exit status 5\)"):
        who(Pool(Unstartable(), 2, seconds=60), ("echo", 1), ("echo", 2))  # type: ignore[arg-type]


def test_libraries_start_no_more_threads_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    asked = ("environment", "OPENBLAS_NUM_THREADS"), ("environment", "OMP_NUM_THREADS")
    assert who(Pool(work, 1, seconds=60, threads=3), *asked) == ["3", "7"]  # what the user said holds
    assert who(Pool(work, 1, seconds=60), *asked) == [None, "7"]


# ------------------------------------------------------------------------------------ files that kill


def test_a_file_that_kills_on_and_on_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "MOST_DEATHS", 4)
    pages = 3 * STRETCH
    engine = FakeEngine(trouble=dict.fromkeys(range(5, pages), fake_engine.EXIT), diary=str(tmp_path / "diary"))
    bad, good = job(a_pdf(tmp_path / "bad.pdf", pages), engine), job(a_pdf(tmp_path / "good.pdf", 2))
    lost, fine = Conversion([bad, good], 1, seconds=60, cores=1, watch=lambda _: None).run()
    assert set(fine.pages.values()) == {"ok"}
    assert lost.error is None
    assert len(lost.pages) == pages
    assert [number for number, status in lost.pages.items() if status == "ok"] == [1, 2, 3, 4]
    assert len([page for page, _ in engine.entries() if page >= 5]) == 4  # and not twice for each
    document = docparse.from_json(Path(lost.outputs[0]).read_text())
    said = {issue.message for page in document.pages for issue in page.verdict.issues}
    assert "the page is left: 4 times its file made the reader stop (exit status 7)." in said


# ------------------------------------------------------------------------------------ disks


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_ends_the_run(error: int, tmp_path: Path) -> None:
    taken: list[str] = []

    def jobs() -> Iterator[Job]:
        for number in range(60):
            path = a_pdf(tmp_path / f"{number}.pdf")
            taken.append(path.name)
            yield job(path) if number < 2 else job(path, kind=Unwritable, error=error)

    ended: list[Outcome] = []
    one = Conversion(
        jobs(), 1, seconds=60, cores=1, watch=lambda _: None, ended=lambda _, __, o: ended.append(o), files=60
    )
    one.run()
    assert isinstance(one.full, OutputDiskError)
    assert [outcome.error and outcome.error.code for outcome in ended] == [None, None, "output.disk"]
    assert len(taken) < 10
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.json", "1.json"]


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    bad = job(a_pdf(tmp_path / "a.pdf"), kind=Unwritable, error=errno.ENAMETOOLONG)
    one = Conversion([bad, job(a_pdf(tmp_path / "b.pdf"))], 1, seconds=60, cores=1, watch=lambda _: None)
    lost, fine = one.run()
    assert one.full is None
    assert lost.error is not None
    assert (lost.error.code, fine.error) == ("output.failed", None)


SMALL_DISK = """
set -e
mount -t tmpfs -o size=100k tmpfs out
code=0; {convert} || code=$?
echo "full: $code, $(ls out | grep -c json) of 60, $(find out -name '*.tmp' | wc -l) left"
mount -o remount,size=20m out
code=0; {convert} || code=$?
echo "room: $code, $(ls out | grep -c json) of 60"
mount -o remount,ro out
code=0; {convert} --no-resume || code=$?
echo "read-only: $code"
"""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="a small disk cannot be mounted here (unshare -rm)")
def test_a_small_disk_fills_up_gets_room_and_becomes_read_only(tmp_path: Path) -> None:
    for number in range(60):
        a_pdf(tmp_path / f"in/{number:02d}.pdf", 3)
    (tmp_path / "out").mkdir()
    convert = f"{sys.executable} -m docparse convert in -o out --to json --jobs 1 --engine embedded"
    script = SMALL_DISK.format(convert=convert)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    full, room, locked = done.stdout.splitlines()
    code, written = map(int, full.removeprefix("full: ").split(" of 60")[0].split(", "))
    # There may have been room for a result, and none to note that it is there: then it does not count.
    assert code in {0: (3,), 1: (1, 3)}.get(written, (1,)), full
    assert full.endswith(", 0 left"), full
    assert 0 <= written < 60
    assert room == "room: 0, 60 of 60", done.stderr
    assert locked == "read-only: 3"
    assert "the disk is full" in done.stderr
    assert done.stderr.count("[output.disk]") >= 2


# ------------------------------------------------------------------------------------ Ctrl-C


def test_the_first_ctrl_c_is_told_and_the_second_raises() -> None:
    before, told, said = signal.getsignal(signal.SIGINT), [], threading.Event()
    with gently(lambda: told.append("stop"), said.set):
        os.kill(os.getpid(), signal.SIGINT)
        assert told == ["stop"]
        assert said.wait(10)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert told == ["stop"]
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_and_other_handlers_are_left_alone() -> None:
    def inside() -> None:
        with gently(lambda: None, lambda: None):
            found.append(signal.getsignal(signal.SIGINT))

    found: list[Any] = []
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        inside()
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == [before, signal.SIG_IGN]


def test_what_is_in_hand_is_finished_and_nothing_else_is_begun(tmp_path: Path) -> None:
    paths = [a_pdf(tmp_path / f"{n}.pdf", 2 * STRETCH if n == 0 else 1) for n in range(8)]

    def stop_at_once(_: Outcome) -> None:
        one.stop()

    with Manifest(place(tmp_path / "out")) as manifest:
        manifest.begin(engine="fake", recipe={}, files=len(paths))
        record = Work(manifest, "r")
        one = Conversion(
            record.jobs(map(job, paths)), 1, seconds=60, cores=1, watch=stop_at_once,
            listen=record.listen, opened=record.opened, ended=record.ended, kept=record.kept, files=8,
        )  # fmt: skip
        outcomes = one.run()
        manifest.finish(130)
    assert one.stopped
    assert [outcome.done for outcome in outcomes] == [True, False, False]  # two waited for their turn
    assert len(outcomes[0].pages) == 2 * STRETCH
    assert not one._now
    with Look(place(tmp_path / "out")) as look:
        assert [row.state for row in look.files()] == ["done", "waiting", "waiting"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_was_interrupted_goes_on(times: int, tmp_path: Path) -> None:
    for number in range(30):
        a_pdf(tmp_path / f"in/{number:02d}.pdf", 6)
    words = ("convert", "in", "-o", "out", "--to", "json", "--jobs", "2", "--engine", "embedded")
    with subprocess.Popen(
        [sys.executable, "-m", "docparse", *words],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as program:  # fmt: skip
        while program.poll() is None and not list((tmp_path / "out").glob("*.json")):
            time.sleep(0.01)
        os.killpg(program.pid, signal.SIGINT)
        assert program.stderr is not None
        assert "no more files are begun" in program.stderr.readline()
        if times == 2:
            os.killpg(program.pid, signal.SIGINT)
        _, said = program.communicate(timeout=120)
    assert program.returncode == 130, said
    assert "Traceback" not in said
    with Look(place(tmp_path / "out")) as look:
        states = {Path(row.path).stem: row.state for row in look.files()}
    finished = {path.stem for path in (tmp_path / "out").glob("*.json")}
    assert 0 < len(finished) < 30
    assert {stem for stem, state in states.items() if state == "done"} <= finished
    if times == 1:
        assert set(states.values()) <= {"done", "waiting"}
    assert not list((tmp_path / "out").glob("*.tmp"))
    assert run(tmp_path, *words).returncode == 0
    assert run(tmp_path, *(word if word != "out" else "undisturbed" for word in words)).returncode == 0
    assert outputs(tmp_path / "out") == outputs(tmp_path / "undisturbed")
