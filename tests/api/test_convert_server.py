"""``docparse convert --server``: the program as users run it, a service that does the work, lines that break."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import making
import pytest

import docparse
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.batch.work import Work
from docparse.commands import by_service
from docparse.commands.batching import Batch
from docparse.commands.convert import Request
from docparse.commands.convert import run as convert
from docparse.errors import EngineUnavailable, OutputDiskError, PageRangeError, SettingsError
from docparse.reading import Job
from tests.api.broken_line import BrokenLine
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running
from tests.api.serving import SETTINGS, Served

PROGRAM = [sys.executable, "-m", "docparse", "convert"]


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, *words], cwd=folder, env={**SETTINGS, **environment}, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def made(folder: Path) -> dict[str, bytes]:
    """What was written, a batch's notes left out; of who has read it, the reason is too: it is each machine's own."""
    return {
        str(path.relative_to(folder)): re.sub(rb'(reason(?:&quot;|"): ?(?:&quot;|"))[a-z ]+', rb"\1", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".docparse" not in path.parts
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("data"), "--workers", "1") as it:
        yield it


@pytest.fixture
def fake() -> Iterator[Running]:
    with running(FakeService, ApiConfig(heartbeat=0.2)) as it:
        yield it


def jobs(url: str) -> list[Any]:
    found: list[Any] = httpx.get(f"{url}/v1/jobs").json()["jobs"]
    return found


# ------------------------------------------------------------------------------------ the same results


def test_the_results_are_those_of_a_conversion_here(served: Served, tmp_path: Path) -> None:
    tall = making.pdf(making.text("A page"), making.text("Another, with ünïcode"), making.nothing)
    (tmp_path / "a.pdf").write_bytes(tall)
    (tmp_path / "turned.pdf").write_bytes(making.pdf(making.text("Turned"), rotation=90))
    (tmp_path / "b\udce9.pdf").write_bytes(making.pdf(making.text("No Unicode")))
    (tmp_path / "locked.pdf").write_bytes(making.pdf(making.text("Locked"), password="geheim"))
    words = [".", "--to", "html,md,json,overlay,html-page,text,chunks", "--password", "geheim", "--furniture", "--heat"]
    here = run(tmp_path, *words, "-o", "here")
    there = run(tmp_path, *words, "-o", "there", "--server", served.url)
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert made(tmp_path / "there") == made(tmp_path / "here")
    assert len(made(tmp_path / "here")) > 20
    assert there.stderr.count("1 ok") == 3
    assert jobs(served.url) == []


def test_what_a_service_has_read_is_not_sent_again(served: Served, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.pdf").write_bytes(making.pdf(making.text(f"This is {name}")))
    words = ["a.pdf", "b.pdf", "--to", "text", "-o", "out", "--server", served.url]
    assert run(tmp_path, *words).returncode == 0
    again = run(tmp_path, *words)
    assert (again.returncode, again.stderr) == (0, "note 2 files done before.\n")
    (tmp_path / "b.pdf").write_bytes(making.pdf(making.text("Another text")))
    assert run(tmp_path, *words).stderr.splitlines()[0] == "note 1 file done before."
    assert (tmp_path / "out/b.txt").read_text() == "Another text\n"
    # Read by whom: this machine has not done them.
    here = run(tmp_path, *words[:-2])
    assert here.stderr.splitlines()[-1] == "2 files; 2 pages: 2 ok"
    assert jobs(served.url) == []


def test_pages_and_resolution_are_the_users(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(making.pdf(*[making.text(f"Page {n}") for n in range(1, 6)]))
    done = run(tmp_path, "a.pdf", "--to", "json", "--pages", "r1,2", "--dpi", "72", "--server", served.url)
    assert done.returncode == 0, done.stderr
    pages = docparse.from_json((tmp_path / "a.json").read_text()).pages
    assert [(page.number, page.dpi) for page in pages] == [(2, 72), (5, 72)]


def test_what_is_wrong_with_a_file_is_said_as_here(served: Served, tmp_path: Path) -> None:
    (tmp_path / "good.pdf").write_bytes(making.pdf(making.text("Good")))
    (tmp_path / "locked.pdf").write_bytes(making.pdf(making.text("Locked"), password="geheim"))
    (tmp_path / "odd.pdf").write_bytes(b"no document at all" * 100)
    (tmp_path / "empty.pdf").write_bytes(b"")
    words = ["good.pdf", "locked.pdf", "odd.pdf", "empty.pdf", "missing.pdf"]
    here = run(tmp_path, *words, "-o", "here")
    there = run(tmp_path, *words, "-o", "there", "--server", served.url, "--report")
    assert (here.returncode, there.returncode) == (1, 1)
    codes = re.compile(r"\[([a-z]+\.[a-z_]+)\]$", re.M)
    assert sorted(codes.findall(there.stderr)) == sorted(codes.findall(here.stderr))
    assert len(codes.findall(here.stderr)) == 4
    assert "locked.pdf: " in there.stderr
    assert made(tmp_path / "there").keys() == made(tmp_path / "here").keys() | {"report.html", "summary.json"}
    assert jobs(served.url) == []


def test_nothing_that_can_be_read(served: Served, tmp_path: Path) -> None:
    assert run(tmp_path, "none.pdf", "--server", served.url).returncode == 3


# ------------------------------------------------------------------------------------ said at once


def test_no_service_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "a.pdf", "--server", "http://127.0.0.1:9")
    assert done.returncode == 3
    (said,) = done.stderr.strip().splitlines()
    assert "no connection to the service at http://127.0.0.1:9" in said
    assert run(tmp_path, "a.pdf", "--server", "localhost").returncode == 2


@pytest.mark.parametrize(
    ("flags", "kind", "said"),
    [
        ({"model": "3b"}, SettingsError, r"--model: with --server that is for the service to say\."),
        ({"cache": False}, SettingsError, r"--no-cache: with --server"),
        ({"engine": "qwen"}, EngineUnavailable, r"does not have the qwen engine \(no checkpoint\)"),
        ({"engine": "none"}, SettingsError, r"--engine: the service has no engine 'none'\."),
        ({"pages": "x"}, PageRangeError, r"--pages"),
        ({"to": "docx"}, SettingsError, r"--to: there is no format 'docx'"),
        ({"server": "localhost"}, SettingsError, r"--server: that is no address"),
    ],
)
def test_what_is_wrong_at_once(
    fake: Running, tmp_path: Path, flags: dict[str, Any], kind: type[Exception], said: str
) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    how: dict[str, Any] = {"to": "json", "pages": None, "server": fake.url}
    how |= {name: flags.pop(name) for name in tuple(how) if name in flags}
    with pytest.raises(kind, match=said):
        convert(Request((str(tmp_path / "a.pdf"),), str(tmp_path), flags=flags, **how))
    assert fake.service.asked == []
    assert os.listdir(tmp_path) == ["a.pdf"]


def test_keys(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    key, line = new_key("anna")
    with running(FakeService, ApiConfig(keys=parse_keys(line))) as it:
        words = ["a.pdf", "--to", "json", "--server", it.url]
        refused = run(tmp_path, *words, "--api-key", "docparse_wrong")
        assert refused.returncode == 3
        assert "[access.key_refused]" in refused.stderr
        assert "docparse_wrong" not in refused.stderr
        assert "[access.key_required]" in run(tmp_path, *words).stderr
        assert run(tmp_path, *words, DOCPARSE_API_KEY=key).returncode == 0


# ------------------------------------------------------------------------------------ while it runs


def test_several_files_are_sent_at_a_time(fake: Running, tmp_path: Path) -> None:
    for n in range(6):
        (tmp_path / f"{n}.pdf").write_bytes(PDF + b"wait")
    words = [*PROGRAM, ".", "--to", "json", "--jobs", "3", "--server", fake.url]
    with subprocess.Popen(words, cwd=tmp_path, env=SETTINGS, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while len(fake.service.jobs_kept) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)
        at_once = len(fake.service.jobs_kept)
        fake.call(fake.service.go.set)
        assert process.wait(60) == 0
    assert at_once == 3
    assert len(list(tmp_path.glob("*.json"))) == 6
    assert fake.service.jobs_kept == []


def test_ctrl_c_cancels_the_jobs(fake: Running, tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / f"{n}.pdf").write_bytes(PDF + (b"" if n == 0 else b"pages=500 slow=0.05"))
    words = [*PROGRAM, ".", "--to", "json", "--jobs", "3", "--server", fake.url]
    with subprocess.Popen(words, cwd=tmp_path, env=SETTINGS, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while not ((tmp_path / "0.json").exists() and len(fake.service.jobs_kept) == 3) and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 of 5 files are finished; nothing is half written." in said
    assert "Traceback" not in said
    assert fake.service.jobs_kept == []
    assert [name for name in made(tmp_path) if not name.endswith(".pdf")] == ["0.json"]


def test_a_line_that_breaks_costs_nothing(fake: Running, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF + b"pages=10 slow=0.03")
    with BrokenLine(fake.port) as line:
        for after in (2000, 60, 900, 1300):
            line.cut(after=after)
        done = run(tmp_path, "a.pdf", "--to", "json", "--server", line.url)
        assert line.connections > 4
    assert done.returncode == 0, done.stderr
    assert len(docparse.from_json((tmp_path / "a.json").read_text()).pages) == 10
    assert [spec.engine for _, spec, _ in fake.service.asked] == [""]  # one job


def test_a_service_that_is_killed_and_started_again(tmp_path: Path) -> None:
    pages = 60
    (tmp_path / "a.pdf").write_bytes(making.pdf(*[making.text(f"Page {n}") for n in range(1, pages + 1)]))
    with Served(tmp_path / "data", "--workers", "1") as it, BrokenLine(port_of(it)) as line:
        words = [*PROGRAM, "a.pdf", "--to", "json", "--server", line.url]
        with subprocess.Popen(words, cwd=tmp_path, env=SETTINGS, stderr=subprocess.PIPE, text=True) as process:
            until = time.monotonic() + 60
            while not ((found := jobs(it.url)) and found[0]["pages"]["read"] > 2) and time.monotonic() < until:
                time.sleep(0.02)
            it.kill()
            line.cut_now()
            assert process.poll() is None
            line.lead_to(port_of(it.start()))
            _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said
        assert jobs(it.url) == []
    read = docparse.from_json((tmp_path / "a.json").read_text()).pages
    assert [page.blocks[0].text for page in read] == [f"Page {n}" for n in range(1, pages + 1)]


def port_of(served: Served) -> int:
    return int(served.url.rpartition(":")[2])


def test_a_job_that_somebody_cancels_is_its_files_error(fake: Running, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF + b"wait")
    words = [*PROGRAM, "a.pdf", "--server", fake.url]
    with subprocess.Popen(words, cwd=tmp_path, env=SETTINGS, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while not (found := jobs(fake.url)) and time.monotonic() < until:
            time.sleep(0.05)
        httpx.post(f"{fake.url}/v1/jobs/{found[0]['id']}/cancel")
        _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "a.pdf: somebody has cancelled its job at the service. [job.failed]" in said


def test_a_service_that_is_gone_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(by_service, "PATIENCE", 0.5)
    for n in range(20):
        (tmp_path / f"{n:02}.pdf").write_bytes(PDF + b"pages=5 slow=0.1")
    with running(FakeService, ApiConfig(heartbeat=0.2)) as it, BrokenLine(it.port) as line:
        note = by_service._Run._note
        events: list[Any] = []

        def gone(self: Any, outcome: Any, event: Any, seconds: Any) -> None:
            note(self, outcome, event, seconds)
            events.append(event)
            if len(events) == 8:
                line.close_door()

        monkeypatch.setattr(by_service._Run, "_note", gone)
        code = convert(Request((".",), str(tmp_path / "out"), "json", server=line.url, flags={"jobs": 2}))
    assert code in (1, 3)
    said = capsys.readouterr().err
    assert said.count("[service.unreachable]") >= 18
    assert not [name for name in os.listdir(tmp_path / "out") if name.endswith(".tmp")]


@pytest.mark.parametrize("manifest", [True, False])
def test_a_full_disk_ends_the_run(
    manifest: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No more documents are sent to be read when their results have no place; and that is a sentence."""
    monkeypatch.chdir(tmp_path)
    for n in range(12):
        (tmp_path / f"{n:02}.pdf").write_bytes(PDF + b"pages=1")
    write, written = Job.write, []

    def full(self: Job, *rest: Any) -> Any:
        written.append(self.stem)
        if len(written) > 3:
            raise OutputDiskError("cannot write: the disk is full.", file=self.stem)
        return write(self, *rest)

    ended = Work.ended

    def full_too(self: Work, index: int, job: Job, outcome: Any) -> None:
        if len(written) > 3:
            raise OutputDiskError("the disk is full.", file="manifest.sqlite")
        ended(self, index, job, outcome)

    monkeypatch.setattr(Job, "write", full)
    monkeypatch.setattr(Work, "ended", full_too)
    with running(FakeService, ApiConfig(heartbeat=0.2)) as it:
        batch = Batch(manifest=manifest)
        code = convert(Request((".",), str(tmp_path / "out"), "json", server=it.url, batch=batch, flags={"jobs": 2}))
    assert code == 1
    assert 3 < len(written) <= 5  # those that were under way
    said = capsys.readouterr().err
    assert "the disk is full. [output.disk]" in said
    assert "Traceback" not in said
