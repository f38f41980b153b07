"""How a batch stands: whether a run is under way, was ended or was killed, how far it is and how long it takes.

Asked of the folder of results, from anywhere, whoever runs there; with shards, of all whose manifests are in it.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from docparse.batch.lock import is_held
from docparse.batch.manifest import RunRow, places
from docparse.batch.summary import Figures, Summary, run_dict, summarize, unicode
from docparse.errors import OutputError

State = Literal["running", "ended", "interrupted", "killed"]
"""``interrupted``: by Ctrl-C. ``killed``: nobody holds it any more, and it has not said that it is over."""
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The last run of one manifest.

    over   files that it has finished, well or not
    pages  that it has read
    """

    name: str
    state: State
    run: RunRow
    over: int
    pages: int

    def seconds(self, now: float) -> float | None:
        """How long it ran, or runs; None: it was killed, nobody knows when."""
        if self.state == "running":
            return max(now - self.run.began, 0.0)
        return None if self.run.ended is None else max(self.run.ended - self.run.began, 0.0)


@dataclass(frozen=True, slots=True)
class Status:
    """A folder of results.

    folder   what it is called
    now      seconds since 1970
    wanted   files that the last runs are about, those that were done before with them
    """

    folder: str
    now: float
    runs: tuple[RunStatus, ...]
    summary: Summary
    wanted: int

    @property
    def state(self) -> State:
        """Of all shards: running if any is; else the worst that became of one."""
        order: tuple[State, ...] = ("running", "killed", "interrupted", "ended")
        return min((run.state for run in self.runs), key=order.index)

    @property
    def over(self) -> int:
        return self.summary.files["done"] + self.summary.files["failed"]

    @property
    def left(self) -> int:
        """Files that are not over; those in hand count."""
        return max(self.wanted - self.over, 0)

    @property
    def pages_per_second(self) -> float | None:
        """Of the runs under way together, since they began; where there is none, of those that were ended."""
        running = [run for run in self.runs if run.state == "running"] or self.runs
        rates = [run.pages / seconds for run in running if (seconds := run.seconds(self.now))]
        return sum(rates) if rates and sum(rates) > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """A guess: the files that are left are like those that are done. None where no run is under way."""
        rate, done = self.pages_per_second, self.summary.file_pages
        if self.state != "running" or rate is None or done is None:
            return None
        return self.left * max(done.mean, 1.0) / rate

    def to_dict(self) -> dict[str, Any]:
        """As ``docparse status --json`` prints it: how it stands, and all of the summary."""
        rate, left = self.pages_per_second, self.seconds_left
        return {
            "status": 1,
            "folder": unicode(self.folder),
            "state": self.state,
            "wanted": self.wanted,
            "over": self.over,
            "left": self.left,
            "pages_per_second": None if rate is None else round(rate, 3),
            "seconds_left": None if left is None else round(left, 1),
            "last_runs": [
                {"manifest": run.name, "state": run.state, "over": run.over, "pages": run.pages, **run_dict(run.run)}
                for run in self.runs
            ],
            **self.summary.to_dict(),
        }


def status(folder: Path, *, name: str | None = None) -> Status:
    """How the batch in ``folder`` stands, which people know by ``name``. Raises ``OutputError`` where there is none."""
    name = name or str(folder)
    paths = places(folder)
    if not paths:
        raise OutputError(
            "there is no batch here.", file=name, hint="Name the folder that `docparse convert -o` was given."
        )
    found = {path: run for path in paths if (run := _last_run(path)) is not None}
    if not found:
        raise OutputError("no run has begun here.", file=name)
    runs, whole = list(found.values()), summarize(list(found))
    return Status(name, time.time(), tuple(runs), whole, sum(run.run.files for run in runs))


def _last_run(path: Path) -> RunStatus | None:
    lock = path.with_suffix(".lock")
    held = is_held(lock)  # asked first: a run that is over a moment later has said so by then
    with Figures(path) as figures:
        runs = figures.runs()
        if not runs:
            return None
        last = runs[-1]
        states = Counter(dict(figures.rows("select state, count(*) from files where run = ? group by state", last.id)))
        ((pages,),) = figures.rows(
            "select count(*) from pages join files on files.id = pages.file where files.run = ?", last.id
        )
    state: State = "ended"
    if last.ended is None:
        state = "running" if held or is_held(lock) else "killed"  # one may just have begun
    elif last.code == _INTERRUPTED:
        state = "interrupted"
    return RunStatus(path.stem, state, last, states["done"] + states["failed"], pages)
