"""``--dry-run``: how much there is, from a sample; what it takes, as earlier runs or a few pages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import making
import pytest
from fake_engine import KILL, FakeEngine
from program import run

from docparse.batch import Outcome, estimate
from docparse.batch.estimate import amount, earlier_speed, measured_speed
from docparse.batch.manifest import FileRow, Look, Manifest, place
from docparse.convert import Options
from docparse.reading import Job


def jobs(folder: Path, pages: list[int], **options: object) -> Iterator[Job]:
    folder.mkdir()
    for n, number in enumerate(pages):
        path = folder / f"{n}.pdf"
        path.write_bytes(making.pdf(*[making.text("x" * 20)] * number, size=(200, 200)) if number else b"%PDF-1.7 no")
        yield Job(str(path), str(folder / "out"), f"{n}", ("json",), Options(**options))  # type: ignore[arg-type]


def test_a_few_files_are_all_counted(tmp_path: Path) -> None:
    some = list(jobs(tmp_path / "in", [1, 5, 2, 0, 12], renderer="pymupdf"))
    much = amount(some, seconds=60)
    assert (much.files, much.pages, much.spread, much.opened, much.unreadable) == (5, 20, 0, 5, 1)
    assert much.bytes == sum(Path(job.path).stat().st_size for job in some)
    assert much.counts == {0: 1, 1: 5, 2: 2, 4: 12}
    ranged = [Job(job.path, job.folder, job.stem, job.formats, Options(pages="2-4")) for job in some]
    assert amount(ranged, seconds=60).counts == {1: 3, 2: 1, 4: 3}
    assert amount([], seconds=60).pages == 0


def test_of_many_files_a_sample_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "SAMPLE", 10)
    some = list(jobs(tmp_path / "in", [1 + n % 5 for n in range(40)]))
    much = amount(some, seconds=60)
    assert (much.files, much.opened) == (40, 10)
    assert 0 < much.spread < 40
    assert abs(much.pages - 120) < 4 * much.spread
    assert amount(some, seconds=60) == much  # nothing is left to chance


def test_speed_is_measured_on_first_pages(tmp_path: Path) -> None:
    engine = FakeEngine(diary=str(tmp_path / "diary"))
    some = list(jobs(tmp_path / "in", [1, 20, 3], engine=engine))
    speed = measured_speed(some, amount(some, seconds=60), 2, seconds=60, cores=2)
    assert speed is not None
    assert (speed.pages, speed.earlier) == (8, False)
    assert speed.rate > 0
    assert sorted(page for page, _ in engine.entries()) == [1, 1, 1, 2, 2, 3, 3, 4]
    assert not (tmp_path / "in/out").exists()
    killing = list(jobs(tmp_path / "kill", [1], engine=FakeEngine(trouble={1: KILL})))
    assert measured_speed(killing, amount(killing, seconds=60), 1, seconds=60, cores=1) is None


def test_speed_of_earlier_runs(tmp_path: Path) -> None:
    def ran(pages: int, recipe: str, *, ends: bool) -> None:
        with Manifest(place(tmp_path)) as manifest:
            manifest.begin(engine="e", recipe={}, files=1)
            name = f"/in/{recipe}{pages}.pdf"
            number = manifest.put(FileRow(name, 1, 1, "", recipe, name, "waiting"))
            manifest.ended(number, Outcome(name, outputs=("/out",), total=pages))
            if ends:
                manifest.finish(0)

    ran(30, "r", ends=True)
    ran(500, "r", ends=False)  # killed: nobody knows how long it ran
    ran(500, "other", ends=True)
    with Look(place(tmp_path)) as look:
        assert earlier_speed(look, "r") is None  # too few pages
    ran(70, "r", ends=True)
    with Look(place(tmp_path)) as look:
        speed = earlier_speed(look, "r")
    assert speed is not None
    assert (speed.pages, speed.earlier) == (100, True)


def test_a_dry_run_writes_nothing_and_says_what_is_left(tmp_path: Path) -> None:
    list(jobs(tmp_path / "in", [1, 2, 3, 0], renderer="pymupdf"))
    words = ("convert", "in", "-o", "out", "--to", "text", "--renderer", "pymupdf")
    dry = run(tmp_path, *words, "--dry-run", "--cost-per-hour", "3600")
    assert dry.returncode == 0
    assert not (tmp_path / "out").exists()
    files, pages, unreadable, speed, took, cost = dry.stdout.splitlines()
    assert re.fullmatch(r"files  4 \(\d+\.\d kB\)", files)
    assert pages == "pages  6 (counted)"
    assert unreadable.strip() == "1 of the 4 files that were opened cannot be read"
    assert re.fullmatch(r"speed  [\d.,]+ pages/s \(measured on 6 pages, here and now\)", speed)
    assert re.fullmatch(r"time   about \d+ (s|min)", took)
    assert re.fullmatch(r"cost   about [\d.]+, at 3600 an hour", cost)

    assert run(tmp_path, *words, "--limit", "2").returncode == 0
    rest = run(tmp_path, *words, "--dry-run").stdout.splitlines()
    assert rest[0] == "2 files done before."
    assert rest[1].startswith("files  2 (")
    assert rest[2] == "pages  3 (counted)"
    run(tmp_path, *words)
    assert run(tmp_path, *words, "--dry-run").stdout.splitlines() == [
        "3 files done before.",
        "1 file failed before (--retry failed has them tried again).",
        "There is nothing left to read.",
    ]
