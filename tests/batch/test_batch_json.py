"""``docs/batch-json.md`` has every key that a batch tells programs, and no other."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_manifest import a_batch

from docparse.batch import Outcome
from docparse.batch.manifest import places
from docparse.batch.status import status
from docparse.batch.summary import SLOWEST, WORST, summarize
from docparse.commands import progress
from docparse.commands.progress import Display
from docparse.document import STATUSES
from docparse.errors import CorruptSource

DOCS = Path(__file__).resolve().parents[2] / "docs" / "batch-json.md"


def documented() -> dict[str, dict[str, str]]:
    """By heading: what is said of each key."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in DOCS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif row := re.match(r"\| `(\w+)` \| (.*) \|", line):
            found.setdefault(heading, {})[row[1]] = row[2]
    return found


def names(said: str) -> list[str]:
    """The keys that are named in what is said of another one."""
    return re.findall(r"`(\w+)`", said)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    stream = io.StringIO()
    with Display(3, "json", stream=stream) as display:
        display.passed()
        good, bad = Outcome("a.pdf", total=2), Outcome("b.pdf")
        display.update(good)
        good.pages |= {1: "ok", 2: "partial"}
        display.update(good)
        good.outputs = ("out/a.md",)
        display.over(good)
        bad.error = CorruptSource("it is no PDF.\nNot at all.")
        display.over(bad)
    assert stream.getvalue().endswith("\n")
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_of_progress(events: list[dict[str, Any]]) -> None:
    docs = documented()
    headings = {
        "begin": "`begin`",
        "progress": "`progress` and `end`",
        "end": "`progress` and `end`",
        "file": "`file`",
    }
    assert {event["event"] for event in events} == set(headings)
    assert [events[0]["event"], events[-1]["event"]] == ["begin", "end"]
    for event in events:
        assert list(event) == list(docs[headings[event["event"]]])
        if event["event"] in ("progress", "end"):
            assert list(event["verdicts"]) == list(STATUSES)
    lost = next(event for event in events if event.get("error"))
    assert names(docs["`file`"]["error"])[-2:] == list(lost["error"]) == ["code", "message"]


def test_summary_and_status(tmp_path: Path) -> None:
    a_batch(tmp_path)
    docs = documented()
    whole = json.loads(json.dumps(summarize(places(tmp_path)).to_dict(), allow_nan=False))
    said = docs["`summary.json`"]
    assert list(whole) == list(said)
    assert list(whole["files"]) == names(said["files"])
    assert list(whole["pages"]) == ["total", *STATUSES]
    assert list(whole["spread"]) == [name for name in names(said["spread"]) if name != "null"]
    for spread in whole["spread"].values():
        assert list(spread) == list(docs["A spread"])
        assert len(spread["counts"]) == len(spread["edges"]) + 1
        assert sum(spread["counts"]) == spread["count"]
    for name, most in (("slowest_pages", SLOWEST), ("worst_files", WORST), ("not_converted", WORST)):
        assert whole[name]
        assert [list(one) for one in whole[name]] == [names(said[name])] * len(whole[name])
        assert f"at most {most}" in said[name]
    runs = [name for name in names(said["runs"]) if name != "null"]
    assert [list(run) for run in whole["runs"]] == [runs]

    found = json.loads(json.dumps(status(tmp_path).to_dict(), allow_nan=False))
    own = docs["`status --json`"]
    assert list(found) == [*own, *said]
    assert {name: found[name] for name in said} == whole
    assert [list(run) for run in found["last_runs"]] == [[*names(own["last_runs"])[:-1], *runs]]
    assert found["state"] in names(own["state"])
