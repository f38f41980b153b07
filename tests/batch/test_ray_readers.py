"""Readers on a Ray cluster that die, hang or are interrupted: it costs what was in their hands, and no more.

The cluster is one that docparse starts on this machine; where Ray is not installed (``docparse[ray]``), all of this is
skipped.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fake_engine import HANG, KILL, FakeEngine
from hostile_engine import Feller
from program import outputs, pages_in, run, start
from ray_files import a_pdf, job

import docparse
from docparse.batch import Conversion, Outcome
from docparse.batch.bundles import MOST, SHARES
from docparse.batch.manifest import Look, place
from docparse.batch.ray_runner import AHEAD, STORE_BYTES, RayPool
from docparse.reading import STRETCH, Job, PageDone

# Ray warns of what it does itself.
pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*")


def good(room: Path, number: int, pages: int = 2) -> Job:
    """A file without trouble, which keeps a diary."""
    diary = str(room / f"good{number}.diary")
    return job(a_pdf(room / f"good{number}.pdf", pages), FakeEngine(diary=diary))


def readings(job: Job) -> list[int]:
    """Pages of a file as they were read, one after the other."""
    assert isinstance(job.options.engine, FakeEngine)
    return [page for page, _ in job.options.engine.entries()]


def is_alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_trouble_in_a_bundle_costs_the_file_that_makes_it(tmp_path: Path, cluster: str) -> None:
    """Among short files that go to readers many at a time: a page that kills its process costs itself. A file that
    takes a whole reader down is tried once more; if it does so again, it is that file that is given up. No other one
    is so much as read twice."""
    fine = [good(tmp_path, number) for number in range(60)]
    page = job(a_pdf(tmp_path / "page.pdf", 3), FakeEngine(trouble={2: KILL}))
    once = Feller(notes=str(tmp_path / "once"), times=1)
    always = Feller(notes=str(tmp_path / "always"), times=99)
    jobs = [
        *fine[:30],
        job(a_pdf(tmp_path / "once.pdf", 2), once),
        *fine[30:34],
        page,
        *fine[34:38],
        job(a_pdf(tmp_path / "always.pdf"), always),
        *fine[38:],
    ]
    sizes: list[int] = []
    ends: list[str] = []
    with RayPool(cluster, 2, seconds=60.0, folder=tmp_path / "out") as pool:

        def ended(_: int, __: Job, outcome: Outcome) -> None:
            ends.append(Path(outcome.path).name)
            sizes.extend(len(bundle.left) for bundle in pool._in_hand.values())
            assert len(pool._in_hand) <= AHEAD * pool.size

        assert pool.size == 2
        outcomes = Conversion(jobs, 2, seconds=60.0, cores=2, watch=lambda _: None, ended=ended, pool=pool).run()
    assert max(sizes) > 3, "they went in bundles"
    assert [outcome.path for outcome in outcomes] == [job.path for job in jobs]
    assert sorted(ends) == sorted(Path(job.path).name for job in jobs), "each is over once"
    found = {Path(outcome.path).stem: outcome for outcome in outcomes}
    for each in fine:
        assert found[each.stem].error is None
        assert found[each.stem].pages == {1: "ok", 2: "ok"}
        assert readings(each) == [1, 2], f"{each.stem} was read once"
    assert found["page"].pages == {1: "ok", 2: "failed", 3: "ok"}
    assert found["page"].codes[2] == ("engine.failed",)
    assert found["once"].pages == {1: "ok", 2: "ok"}
    assert len(once.killed()) == 1
    given_up = found.pop("always")
    assert given_up.error is not None
    assert "its reader on the cluster was lost" in str(given_up.error)
    assert len(set(always.killed())) == 2
    for outcome in found.values():
        (path,) = outcome.outputs
        assert [page.number for page in docparse.from_json(Path(path).read_text()).pages] == sorted(outcome.pages)
    assert not [name for name in os.listdir(tmp_path / "out") if name.endswith(".tmp")]


def store_bytes() -> int:
    """Shared memory that Ray's daemon on this machine has ever touched: it keeps objects there, and gives none back."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            text = status.read_text()
            found = re.search(r"^RssShmem:\s+(\d+) kB", text, re.MULTILINE)
            if text.startswith("Name:\traylet\n") and f"\nPPid:\t{os.getpid()}\n" in text and found is not None:
                return int(found[1]) * 1024
    raise AssertionError("there is no raylet")


class Interrupted(KeyboardInterrupt):
    """Somebody is in a hurry."""


def test_pages_are_told_as_they_are_read_and_who_hangs_is_ended(tmp_path: Path, cluster: str) -> None:
    """The first page of a file is known while its second one is read, which takes for ever. Then the run is
    interrupted, and its processes end."""
    engine = FakeEngine(trouble={2: HANG}, diary=str(tmp_path / "diary"))
    slow = job(a_pdf(tmp_path / "slow.pdf", 3), engine)

    def listen(_: int, done: PageDone) -> None:
        assert (done.number, done.status) == (1, "ok")
        raise Interrupted

    conversion = Conversion(
        [slow], 1, seconds=3600.0, cores=2, watch=lambda _: None, listen=listen,
        pool=RayPool(cluster, 1, seconds=3600.0, folder=tmp_path / "out"),
    )  # fmt: skip
    with pytest.raises(Interrupted):
        conversion.run()
    assert [dict(outcome.pages) for outcome in conversion.outcomes] == [{1: "ok"}]
    (process,) = {process for _, process in engine.entries()}
    until(lambda: not is_alive(process), "the process that hangs goes on")
    assert os.listdir(tmp_path / "out") == [], "neither results nor what shows machines the folder"


def test_seconds_of_a_file_are_those_it_took_its_reader(tmp_path: Path, cluster: str) -> None:
    """Not those until somebody heard of it, though files of a bundle are heard of together."""
    jobs = [good(tmp_path, number, 1) for number in range(40)]
    with RayPool(cluster, 1, seconds=60.0, folder=tmp_path / "out") as pool:
        outcomes = Conversion(jobs, 1, seconds=60.0, cores=2, watch=lambda _: None, pool=pool).run()
        heard = pool._next
    assert heard < len(jobs), "there were bundles"
    began = [entry.stat().st_mtime for entry in sorted(tmp_path.glob("good*.diary"))]
    whole = max(began) - min(began)
    # The first one, which loads all there is, begins before it is in the diary.
    assert 0 < sum(outcome.seconds for outcome in outcomes[1:]) <= whole + 0.5


def test_memory_is_that_of_what_is_in_hand(tmp_path: Path, cluster: str) -> None:
    """Of many files only some are taken, and what is on its way between machines does not pile up."""
    pdfs = [a_pdf(tmp_path / f"{number}.pdf", STRETCH * 2 if number % 40 == 39 else 1) for number in range(160)]
    everything = [job(path, FakeEngine()) for path in pdfs]
    taken, over = 0, 0

    def jobs() -> Iterator[Job]:
        nonlocal taken
        for each in everything:
            taken += 1
            yield each

    def ended(*_: object) -> None:
        nonlocal over
        over += 1
        assert taken - over <= 2 * (1 + (AHEAD + SHARES) * MOST)
        assert len(pool._in_hand) <= AHEAD * pool.size

    with RayPool(cluster, 2, seconds=60.0, folder=tmp_path / "out") as pool:
        conversion = Conversion(
            jobs(), 2, seconds=60.0, cores=2, watch=lambda _: None, ended=ended, files=160, keep=False, pool=pool
        )
        assert conversion.run() == []
    assert (taken, over) == (160, 160)
    if sys.platform == "linux":
        assert store_bytes() < STORE_BYTES / 4, "what was on its way lay in memory that was used again and again"


def test_ctrl_c_finishes_what_is_in_hand_and_the_same_command_goes_on(tmp_path: Path, cluster: str) -> None:
    for number in range(150):
        a_pdf(tmp_path / "in" / f"{number:03d}.pdf", 1 + number % 3)
    words = ("convert", "in", "--to", "json", "--engine", "embedded", "--jobs", "2")
    process = start(tmp_path, *words, "-o", "out", "--ray", cluster)
    try:
        until(lambda: pages_in(tmp_path / "out") > 5 or process.poll() is not None, "the batch does not get on")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
    finally:
        process.kill()
        process.wait()
    with Look(place(tmp_path / "out")) as look:
        rows = list(look.files())
    done = {row.path: row for row in rows if row.state == "done"}
    assert 5 < len(done) < 150
    assert {row.state for row in rows} <= {"done", "waiting"}, "none was left half read"
    before = outputs(tmp_path / "out")
    assert sorted(before) == sorted(f"{Path(path).stem}.json" for path in done)
    again = run(tmp_path, *words, "-o", "out")
    assert again.returncode == 0, again.stderr
    assert f"{len(done)} files done before" in again.stderr
    after = outputs(tmp_path / "out")
    assert len(after) == 150
    assert before.items() <= after.items()
