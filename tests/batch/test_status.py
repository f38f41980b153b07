"""How a batch stands: the same numbers as the manifest, whether it runs, was ended or killed."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import making
import pytest
from made_manifest import a_batch, put
from program import pages_in, run, start

from docparse.batch.manifest import Manifest, place
from docparse.batch.status import Status, is_held, status
from docparse.batch.summary import SLOWEST, Spread, summarize
from docparse.commands import status as status_command
from docparse.commands.status import Request
from docparse.document import Status as Verdict
from docparse.errors import CorruptSource, OutputError
from docparse.reading import STRETCH

LONG = 8 * STRETCH


# ------------------------------------------------------------------------------------ numbers


def test_a_spread_is_exact() -> None:
    spread = Spread.of([5, 1, 3, 2, 4, 100], (2, 4, 50))
    assert spread is not None
    assert (spread.count, spread.mean, spread.most) == (6, 115 / 6, 100)
    assert (spread.p50, spread.p90, spread.p99) == (3, 100, 100)
    assert spread.counts == (1, 2, 2, 1)  # an edge belongs to the bin that it begins
    assert Spread.of([], (1,)) is None
    one = Spread.of([7.0], (1,))
    assert one is not None
    assert (one.p50, one.p99, one.counts) == (7, 7, (0, 1))


def test_the_summary_says_what_is_in_the_manifest(tmp_path: Path) -> None:
    a_batch(tmp_path)
    found = summarize([place(tmp_path)])
    assert found.files == {"done": 3, "failed": 2, "reading": 1}
    # What was read of a file that was not converted is nowhere.
    assert found.pages == {"ok": 4, "failed": 1, "partial": 1, "repaired": 1}
    assert found.errors == {"source.corrupt": 1, "source.encrypted": 1}
    assert found.reasons == {"missing-text": 3, "loop": 3}  # pages, however often a page has it
    assert found.engines == {"embedded": 7}
    assert found.characters == 500
    assert found.confidence is not None
    assert found.confidence.count == 5
    assert found.page_seconds is not None
    assert found.page_seconds.most == 9.0
    assert found.file_pages is not None
    assert sum(found.file_pages.counts) == found.file_pages.count == 3
    assert [(page.path, page.number, page.status) for page in found.slowest][:2] == [
        ("/in/bad.pdf", 1, "failed"),
        ("/in/so-so.pdf", 1, "repaired"),
    ]
    assert [file.path for file in found.worst] == ["/in/bad.pdf", "/in/so-so.pdf"]
    assert found.worst[0].confidence == pytest.approx(0.6)
    assert [(file.path, file.code, file.tries) for file in found.lost] == [
        ("/in/broken.pdf", "source.corrupt", 1),
        ("/in/locked.pdf", "source.encrypted", 1),
    ]


def test_shards_count_together(tmp_path: Path) -> None:
    a_batch(tmp_path, (1, 2))
    a_batch(tmp_path, (2, 2), code=130)
    found = status(tmp_path)
    assert found.summary.pages.total() == 14
    assert found.wanted == 12
    assert (found.over, found.left) == (10, 2)
    assert [(one.name, one.state) for one in found.runs] == [
        ("manifest-1of2", "ended"),
        ("manifest-2of2", "interrupted"),
    ]
    assert found.state == "interrupted"
    assert found.summary.page_seconds is not None
    assert found.summary.page_seconds.count == 14


def test_the_lists_are_bounded_and_nothing_else_is(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.begin(engine="embedded", recipe={}, files=200)
        for n in range(200):
            bad: Verdict = "partial" if n % 2 else "ok"
            put(manifest, f"/in/{n:03}.pdf", [(bad, 0.5, n / 100)], error=None if n % 3 else CorruptSource("no."))
    found = summarize([place(tmp_path)])
    assert len(found.slowest) == SLOWEST
    assert [page.seconds for page in found.slowest] == sorted((page.seconds for page in found.slowest), reverse=True)
    assert len(found.worst) == len(found.lost) == 50
    assert found.pages.total() == 133
    assert found.page_seconds is not None
    assert found.page_seconds.count == 133
    assert found.files.total() == 200


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.begin(engine="embedded", recipe={}, files=1)
        put(manifest, "/in/caf\udce9.pdf", [("partial", 0.5, 1.0)])
    told = json.dumps(status(tmp_path).to_dict(), ensure_ascii=False).encode()
    assert json.loads(told)["worst_files"][0]["file"] == "/in/caf\\udce9.pdf"


# ------------------------------------------------------------------------------------ how it stands


@pytest.mark.parametrize(("code", "state"), [(0, "ended"), (1, "ended"), (130, "interrupted"), (None, "killed")])
def test_what_became_of_a_run(code: int | None, state: str, tmp_path: Path) -> None:
    a_batch(tmp_path, code=code)
    found = status(tmp_path)
    assert found.state == state
    assert found.seconds_left is None
    assert (found.runs[0].seconds(found.now) is None) == (code is None)


def test_a_run_that_is_under_way(tmp_path: Path) -> None:
    with Manifest(place(tmp_path)) as manifest:
        manifest.begin(engine="embedded", recipe={}, files=4)
        put(manifest, "/in/a.pdf", [("ok", 0.9, 0.1)] * 4)
        put(manifest, "/in/b.pdf", [("ok", 0.9, 0.1)] * 2)
        found = status(tmp_path)
        assert found.state == "running"
        later = Status(found.folder, found.runs[0].run.began + 10, found.runs, found.summary, found.wanted)
        assert later.pages_per_second == pytest.approx(0.6)
        assert later.seconds_left == pytest.approx(2 * 3 / 0.6)  # two files like the others: three pages each
        assert is_held(place(tmp_path).with_suffix(".lock"))
        status(tmp_path)  # asking does not take the lock away
        assert is_held(place(tmp_path).with_suffix(".lock"))
    assert not is_held(place(tmp_path).with_suffix(".lock"))
    assert status(tmp_path).state == "killed"  # it has not said that it is over


def test_files_that_were_done_before_count(tmp_path: Path) -> None:
    a_batch(tmp_path)
    with Manifest(place(tmp_path)) as manifest:
        manifest.begin(engine="embedded", recipe={}, files=6)
        put(manifest, "/in/hand.pdf", [("ok", 0.95, 0.1)])
        found = status(tmp_path)
    assert (found.over, found.left, found.runs[0].over, found.runs[0].pages) == (6, 0, 1, 1)
    assert len(found.summary.runs) == 2


def test_no_batch_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OutputError, match="there is no batch here"):
            status(folder)
    assert not list(tmp_path.iterdir())  # asking leaves nothing
    made = run(tmp_path, "status", ".")
    assert made.returncode == 3
    assert "there is no batch here" in made.stderr
    place(tmp_path).parent.mkdir()
    place(tmp_path).write_bytes(b"not a database, but long enough to be looked at" * 40)
    assert run(tmp_path, "status", ".").returncode == 3


# ------------------------------------------------------------------------------------ the command


def test_lines_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_batch(tmp_path)
    with Manifest(place(tmp_path)) as manifest:
        put(manifest, "/in/[red]\x1b[31m.pdf", [("partial", None, 50.0)])
    status_command.run(Request(str(tmp_path)))
    said = capsys.readouterr().out
    assert "ended the last run has ended; 6 of 6 files are over" in said
    assert "files    4 done · 2 not converted · 1 begun" in said
    assert "pages    8: 4 ok · 1 repaired · 2 partial · 1 failed" in said
    assert "errors   1 source.corrupt · 1 source.encrypted" in said
    assert "slow     9.0 s: /in/bad.pdf page 1 (failed)" in said
    assert "lost     /in/broken.pdf: it is no PDF. source.corrupt" in said
    assert "/in/[red]\\x1b[31m.pdf" in said
    assert "\x1b" not in said


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.pdf").write_bytes(making.pdf(making.text(f"number {n}", at=(20, 80), size=12), size=(200, 200)))
    texts = [making.text(f"page {n}", at=(20, 80), size=12) for n in range(LONG)]
    (folder / "long.pdf").write_bytes(making.pdf(*texts, size=(200, 200)))
    (folder / "no.pdf").write_text("%PDF-1.7 not really")
    return tmp_path


def test_a_real_batch_running_killed_and_gone_on_with(inbox: Path) -> None:
    words = ("convert", "in", "-o", "out", "--to", "text", "--jobs", "1")
    process = start(inbox, *words)
    while not pages_in(inbox / "out"):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)  # so that it is not over before it was asked for
    under_way = json.loads(run(inbox, "status", "out", "--json").stdout)
    process.kill()
    process.wait(timeout=60)
    dead = json.loads(run(inbox, "status", "out", "--json").stdout)
    assert (under_way["state"], dead["state"]) == ("running", "killed")
    assert 0 < under_way["pages"]["total"] <= dead["pages"]["total"]
    assert dead["left"] > 0
    assert run(inbox, *words).returncode == 1  # one is no PDF
    over = json.loads(run(inbox, "status", "out", "--json").stdout)
    assert (over["state"], over["wanted"], over["over"], over["left"]) == ("ended", 5, 5, 0)
    assert over["pages"]["total"] == over["pages"]["ok"] == 3 + LONG
    assert over["errors"] == {"source.corrupt": 1}
    assert [one["code"] for one in over["runs"]] == [None, 1]


def test_a_shard_is_about_its_own_files(inbox: Path) -> None:
    over = 0
    for part in ("1/2", "2/2"):
        run(inbox, "convert", "in", "-o", "out", "--to", "text", "--pages", "1", "--shard", part)
        told = json.loads(run(inbox, "status", "out", "--json").stdout)
        assert told["wanted"] == told["over"] > over
        over = told["over"]
    assert over == 5
