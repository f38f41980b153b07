"""How far a run is: counted as it goes, told to people and to programs."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import making
import pytest
from program import PROGRAM, environment, run
from rich.console import Console

from docparse.batch import Outcome
from docparse.commands import progress
from docparse.commands.progress import Display, Meter, how
from docparse.document import Status
from docparse.errors import CorruptSource, SettingsError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(path: str, total: int) -> Outcome:
    return Outcome(path, total=total)


def read(meter: Meter, outcome: Outcome, *statuses: Status) -> None:
    for status in statuses:
        outcome.pages[len(outcome.pages) + 1] = status
        meter.update(outcome)


def over(meter: Meter, outcome: Outcome, error: Any = None) -> None:
    outcome.error = error
    outcome.outputs = () if error else ("x",)
    meter.finish(outcome)


# ------------------------------------------------------------------------------------ counting


def test_pages_and_verdicts_are_counted_as_they_come() -> None:
    meter = Meter(3)
    one, two = opened("a", 2), opened("b", 3)
    meter.update(one)
    meter.update(two)
    assert (meter.known, meter.read, meter.in_hand) == (5, 0, 2)
    read(meter, one, "ok")
    read(meter, two, "partial", "ok")
    assert (meter.read, meter.statuses) == (3, {"ok": 2, "partial": 1})
    read(meter, one, "ok")
    over(meter, one)
    assert (meter.over, meter.in_hand, meter.read) == (1, 1, 4)
    assert meter.statuses == {"ok": 3, "partial": 1}


def test_what_was_read_of_a_file_that_is_lost_does_not_count_as_read_well() -> None:
    meter = Meter(2)
    one, two = opened("a", 2), opened("b", 1)
    read(meter, one, "ok", "ok")
    read(meter, two, "ok")
    over(meter, one, CorruptSource("no."))
    over(meter, two)
    assert (meter.over, meter.lost, meter.statuses) == (2, 1, {"ok": 1})


def test_a_page_that_is_read_again_counts_as_it_is_now() -> None:
    meter = Meter(1)
    one = opened("a", 2)
    read(meter, one, "failed", "ok")
    one.pages[1] = "repaired"
    meter.update(one)
    over(meter, one)
    assert (meter.read, meter.statuses) == (2, {"repaired": 1, "ok": 1})


def test_pages_that_come_all_at_once() -> None:
    """Of a long document that an earlier run has begun."""
    meter = Meter(1)
    one = Outcome("a", total=50, pages=dict.fromkeys(range(1, 41), "ok"))
    meter.update(one)
    assert (meter.known, meter.read, meter.statuses) == (50, 40, {"ok": 40})


def test_the_speed_is_that_of_the_last_seconds_and_tells_the_time_that_is_left() -> None:
    clock = Clock()
    meter = Meter(10, clock=clock)
    assert meter.pages_per_second is None
    assert meter.seconds_left is None
    for n in range(4):  # ten pages each, one a second
        one = opened(str(n), 10)
        for _ in range(10):
            clock.now += 1
            read(meter, one, "ok")
        over(meter, one)
    meter.passed()
    assert meter.pages_per_second == pytest.approx(1, rel=0.05)
    assert meter.seconds_left == pytest.approx(5 * 10, rel=0.05)  # five files are left, like the others
    one = opened("fast", 300)
    for _ in range(300):
        clock.now += 0.1
        read(meter, one, "ok")
    assert meter.pages_per_second == pytest.approx(10, rel=0.1)


def test_the_end_is_near_when_all_files_are_open() -> None:
    clock = Clock()
    meter = Meter(1, clock=clock)
    one = opened("a", 20)
    for _ in range(10):
        clock.now += 2
        read(meter, one, "ok")
    assert meter.seconds_left == pytest.approx(20, rel=0.05)


def test_the_worst_files_are_named_and_no_others() -> None:
    meter = Meter(9)
    for name, statuses in {
        "fine": ("ok", "repaired"),
        "one bad": ("partial", "ok"),
        "two bad": ("partial", "partial"),
        "worse": ("failed",),
        "also": ("fallback",),
    }.items():
        one = opened(name, len(statuses))
        read(meter, one, *statuses)  # type: ignore[arg-type]
        over(meter, one)
    assert meter.worst() == ["worse: 1 failed", "two bad: 2 partial", "one bad: 1 partial"]
    over(meter, opened("gone", 0), CorruptSource("no."))
    assert meter.worst() == ["gone: not converted, source.corrupt", "worse: 1 failed", "two bad: 2 partial"]


def test_nothing_is_kept_of_files_that_are_over() -> None:
    meter = Meter(1000)
    for n in range(1000):
        one = opened(str(n), 3)
        read(meter, one, "partial", "ok", "ok")
        over(meter, one)
    assert meter.in_hand == 0
    assert len(meter._worst) == progress.NAMED
    assert len(meter._marks) < 200


# ------------------------------------------------------------------------------------ telling


def test_a_terminal_shows_speed_verdicts_and_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=160)
    monkeypatch.setattr(progress, "console", lambda *, stderr: screen)
    clock = Clock()
    monkeypatch.setattr(progress, "Meter", lambda files: Meter(files, clock=clock))
    display = Display(3)
    one = opened("in/[b]\x1b[31mad.pdf", 4)
    for n in range(1, 5):
        clock.now += 1
        one.pages[n] = "partial" if n == 2 else "ok"
        display.update(one)
    one.outputs = ("x",)
    display.over(one)
    with screen.capture() as captured:
        for part in display._bar.get_renderables():
            screen.print(part)
    said = captured.get()
    assert "4/4" in said
    assert "1/3" in said
    assert "1.0 pages/s, about 8.0 s left" in said
    assert "3 ok" in said
    assert "1 partial" in said
    assert "in/[b]\\x1b[31mad.pdf: 1 partial" in said


def test_lines_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    stream = io.StringIO()
    with Display(3, "json", stream=stream) as display:
        display.passed()
        good, bad = opened("caf\udce9.pdf", 1), opened("b.pdf", 1)
        display.update(good)
        good.pages[1], good.outputs, good.sure[1] = "repaired", ("out/a.md",), (0.5, 10)
        display.over(good)
        bad.error = CorruptSource("it is no PDF.")
        display.over(bad)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert events[0] == {"event": "begin", "at": events[0]["at"], "files": 3}
    assert {event["event"] for event in events[1:-1]} == {"progress", "file"}
    first, second = [event for event in events if event["event"] == "file"]
    assert (first["file"], first["verdicts"], first["confidence"]) == ("caf\\udce9.pdf", {"repaired": 1}, 0.5)
    assert (first["outputs"], first["error"]) == (["out/a.md"], None)
    assert second["error"] == {"code": "source.corrupt", "message": "it is no PDF."}
    last = events[-1]
    assert last["event"] == "end"
    assert (last["files"], last["over"], last["left_alone"], last["not_converted"], last["in_hand"]) == (3, 2, 1, 1, 0)
    assert last["verdicts"] == {"ok": 0, "repaired": 1, "partial": 0, "fallback": 0, "failed": 0}
    assert all(event["at"] > 1e9 for event in events)


def test_not_more_often_than_each_second() -> None:
    stream = io.StringIO()
    with Display(1, "json", stream=stream) as display:
        one = opened("a.pdf", 2000)
        for n in range(2000):
            one.pages[n + 1] = "ok"
            display.update(one)
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events[0] == "begin"
    assert events[-1] == "end"
    assert len(events) < 2000


def test_ways_of_telling() -> None:
    assert [how(name) for name in ("bar", "json", "none")] == ["bar", "json", "none"]
    with pytest.raises(SettingsError, match="--progress: there is no 'xml'"):
        how("xml")


# ------------------------------------------------------------------------------------ the program


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in "abc":
        data = making.pdf(*[making.text(f"file {name}", at=(20, 80), size=12)] * 2, size=(200, 200))
        (tmp_path / "in" / f"{name}.pdf").write_bytes(data)
    (tmp_path / "in" / "no.pdf").write_text("%PDF-1.7 not really")
    return tmp_path


def test_the_program_says_it_on_stdout_and_all_else_on_stderr(inbox: Path) -> None:
    made = run(inbox, "convert", "in", "-o", "out", "--to", "text", "--progress", "json")
    assert made.returncode == 1
    events = [json.loads(line) for line in made.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] != "progress"] == ["begin", *["file"] * 4, "end"]
    assert (events[-1]["over"], events[-1]["not_converted"], events[-1]["pages"]) == (4, 1, 6)
    assert "source.corrupt" in made.stderr
    written = {path for event in events if event["event"] == "file" for path in event["outputs"]}
    assert {Path(inbox, path) for path in written} == {inbox / "out" / f"{name}.txt" for name in "abc"}
    again = run(inbox, "convert", "in", "-o", "out", "--to", "text", "--progress", "json")
    last = json.loads(again.stdout.splitlines()[-1])
    assert (last["event"], last["over"], last["left_alone"]) == ("end", 0, 4)
    assert run(inbox, "convert", "in", "-o", "out", "--progress", "xml").returncode == 2
    assert run(inbox, "convert", "in", "-o", "new", "--to", "text", "--progress", "none").stdout == ""


def test_a_reader_that_goes_away_does_not_end_the_run(inbox: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    made = subprocess.run(
        [*PROGRAM, "convert", "in", "-o", "out", "--to", "text", "--progress", "json"],
        cwd=inbox,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)
    assert made.returncode == 1  # one file is no PDF
    assert "Broken" not in made.stderr
    assert "Traceback" not in made.stderr
    assert sorted(path.name for path in (inbox / "out").glob("*.txt")) == ["a.txt", "b.txt", "c.txt"]
