"""``docparse status``: how a batch stands, for people or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docparse.batch.status import Status, status
from docparse.commands.bulk import folder_of
from docparse.commands.console import console, printable
from docparse.commands.progress import COLOURS
from docparse.document import STATUSES
from docparse.run_plots import duration

NAMED = 5
"""Of the slowest pages, of the worst files and of those that were not converted."""
_SAID = {
    "running": ("green", "a run is under way"),
    "ended": ("cyan", "the last run has ended"),
    "interrupted": ("yellow", "the last run was interrupted; the same command goes on with it"),
    "killed": ("red", "the last run was killed; the same command goes on with it"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    folder: str
    as_json: bool = False


def run(request: Request) -> None:
    """Print how the batch stands. Raises ``OutputError`` where there is none."""
    folder, to = folder_of(request.folder)
    found = status(folder, name=None if to is None else str(to))
    if request.as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    screen = console(stderr=False)
    for line in _lines(found):
        screen.print(line, soft_wrap=True)


def _lines(found: Status) -> Iterator[str]:
    colour, said = _SAID[found.state]
    yield f"[{colour}]{found.state}[/] {said}; {found.over:,} of {max(found.wanted, found.over):,} files are over"
    for one in found.runs:
        seconds = one.seconds(found.now)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.run.began))
        took = "" if seconds is None else f", {duration(seconds)}"
        shard = (
            f"{one.name.removeprefix('manifest-').replace('of', ' of ')}: {one.state}, " if len(found.runs) > 1 else ""
        )
        host = _shown(one.run.host)
        did = f"{one.over:,} files, {one.pages:,} pages by {one.run.engine}"
        yield f"run      {shard}began {when} on {host}{took}; {did}"
    rate, left = found.pages_per_second, found.seconds_left
    if rate is not None:
        yield f"speed    {rate:.1f} pages/s" + ("" if left is None else f"; about {duration(left)} left")
    files = found.summary.files
    states = {
        "done": files["done"],
        "not converted": files["failed"],
        "in hand" if found.state == "running" else "begun": files["reading"] + files["waiting"],
        "not begun": max(found.left - files["reading"] - files["waiting"], 0),
    }
    yield f"files    {_counts(states)}"
    pages = found.summary.pages
    yield f"pages    {pages.total():,}: {_counts({s: pages[s] for s in STATUSES}, COLOURS)}"
    if found.summary.reasons:
        yield f"reasons  {_counts(dict(found.summary.reasons.most_common(NAMED)))}"
    if found.summary.errors:
        yield f"errors   {_counts(dict(found.summary.errors.most_common(NAMED)))}"
    for name, spread in (("a page", found.summary.page_seconds), ("a file", found.summary.file_seconds)):
        if spread is not None:
            shares = (
                f"half in {duration(spread.p50)}, 99 % in {duration(spread.p99)}, the slowest {duration(spread.most)}"
            )
            yield f"time     {name}: {shares}"
    for page in found.summary.slowest[:NAMED]:
        yield f"slow     {duration(page.seconds)}: {_shown(page.path)} page {page.number} ({page.status})"
    for file in found.summary.worst[:NAMED]:
        bad: dict[str, int] = {s: file.pages[s] for s in STATUSES if s != "ok"}
        yield f"look at  {_shown(file.path)}: {_counts(bad, COLOURS)}"
    for lost in found.summary.lost[:NAMED]:
        yield f"[red]lost[/]     {_shown(lost.path)}: {_shown(lost.message)} [dim]{lost.code}[/]"
    if (more := files["failed"] - NAMED) > 0:
        yield f"         and {more:,} more; --json and the report name them"


def _counts(numbers: Mapping[str, int], colours: Mapping[str, str] | None = None) -> str:
    known = {name: number for name, number in numbers.items() if number}
    if not known:
        return "none"
    return " · ".join(
        f"[{colours[name]}]{number:,} {name}[/]" if colours else f"{number:,} {_shown(name)}"
        for name, number in known.items()
    )


def _shown(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))
