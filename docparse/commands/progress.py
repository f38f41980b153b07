"""How far a run is, while it runs: a bar with the speed, the time that is left, verdicts and the worst files; or lines
of JSON for another program; or nothing but errors.

``Meter`` counts, ``Display`` shows. What this file is not: it does not know how a run ends; the table, the report and
the exit code say that.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from docparse.batch.conversion import Outcome
from docparse.batch.summary import unicode
from docparse.batch.tally import WORST_FIRST
from docparse.commands.console import console, printable
from docparse.document import STATUSES, Status
from docparse.errors import DocparseError, SettingsError
from docparse.run_plots import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

How = Literal["bar", "json", "none"]
WINDOW = 30.0
"""Seconds that the speed is taken over: what was long ago says little of what comes."""
EVERY = 1.0
"""Seconds between two lines of JSON that say how far the run is."""
NAMED = 3
COLOURS: dict[str, str] = {
    "ok": "green",
    "repaired": "green",
    "partial": "yellow",
    "fallback": "yellow",
    "failed": "red",
}
"""Of verdicts on a terminal."""


def how(text: str) -> How:
    """As ``--progress`` has it. Raises ``SettingsError``."""
    for known in get_args(How):
        if text == known:
            return text  # type: ignore[return-value]
    raise SettingsError(f"--progress: there is no {text!r}.", hint="Choose bar, json or none.")


@dataclass(slots=True)
class _File:
    """What was counted of a file in hand."""

    total: int = 0
    pages: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)


class Meter:
    """Counts a run. Of a file that is over nothing is kept but its part in the sums, of the worst few their names.

    files     there are; ``over`` of them were read, well or not, ``left_alone`` were not looked at; ``lost`` of those
              that are over were not converted
    known     pages of the files that were opened; ``read`` of them were read
    statuses  of pages of files that are or may yet be converted
    """

    def __init__(self, files: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.files = files
        self.over = self.left_alone = self.lost = self.known = self.read = self.opened = 0
        self.statuses: Counter[Status] = Counter()
        self._clock = clock
        # By path: ten thousand files are not added up for every page.
        self._in_hand: dict[str, _File] = {}
        self._marks: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._worst: list[tuple[tuple[int, ...], str, Counter[Status], str]] = []

    @property
    def in_hand(self) -> int:
        return len(self._in_hand)

    def update(self, outcome: Outcome) -> None:
        """A file has come further."""
        before = self._in_hand.setdefault(outcome.path, _File())
        total, pages = outcome.total or 0, len(outcome.pages)
        if total and not before.total:
            self.opened += 1
        new = Counter(islice(reversed(outcome.pages.values()), max(pages - before.pages, 0)))
        self.known += total - before.total
        self.read += pages - before.pages
        self.statuses += new
        before.statuses += new
        before.total, before.pages = total, pages
        self._mark()

    def finish(self, outcome: Outcome) -> None:
        """Nothing more will be told of this file."""
        self.update(outcome)
        counted = self._in_hand.pop(outcome.path).statuses
        statuses = Counter(outcome.pages.values())
        self.over += 1
        self.statuses -= counted
        if outcome.error is None:
            self.statuses += statuses  # a page that was read twice counts as it is now
        else:
            self.lost += 1
        self._note(outcome, statuses)

    def passed(self) -> None:
        """A file is left alone."""
        self.left_alone += 1

    def worst(self) -> list[str]:
        """The worst files in a few words each."""
        said = []
        for _, path, statuses, code in self._worst:
            bad = ", ".join(f"{statuses[status]:,} {status}" for status in WORST_FIRST[:-1] if statuses[status])
            said.append(f"{path}: {f'not converted, {code}' if code else bad}")
        return said

    @property
    def pages_per_second(self) -> float | None:
        """Of the last ``WINDOW`` seconds; None before the first page."""
        (then, before), now = self._marks[0], self._clock()
        return (self.read - before) / (now - then) if self.read > before and now > then else None

    @property
    def seconds_left(self) -> float | None:
        """A guess: files that nobody has opened are like those that somebody has."""
        rate = self.pages_per_second
        if rate is None or not self.opened:
            return None
        unopened = self.files - self.left_alone - self.over - sum(1 for file in self._in_hand.values() if file.total)
        return (self.known - self.read + max(unopened, 0) * self.known / self.opened) / rate

    def _mark(self) -> None:
        now = self._clock()
        if now - self._marks[-1][0] >= EVERY / 2:
            self._marks.append((now, self.read))
        while len(self._marks) > 2 and now - self._marks[0][0] > WINDOW:
            self._marks.popleft()

    def _note(self, outcome: Outcome, statuses: Counter[Status]) -> None:
        code = "" if outcome.error is None else outcome.error.code
        bad = (-int(bool(code)), *(-statuses[status] for status in WORST_FIRST[:-2]))
        if any(bad):
            self._worst.append((bad, outcome.path, statuses, code))
            self._worst.sort(key=lambda item: item[:2])
            del self._worst[NAMED:]


class Display:
    """Progress on a terminal or as lines of JSON on stdout, and sentences on stderr."""

    def __init__(self, files: int, how: How = "bar", *, stream: TextIO | None = None) -> None:
        self.console = console(stderr=True)
        self._meter = Meter(files)
        self._lines = _Lines(stream or sys.stdout) if how == "json" else None
        self._bar = _bar(self._meter, self.console, shown=how == "bar" and self.console.is_terminal)
        self._files = self._bar.add_task("files", total=files, said="")
        self._pages = self._bar.add_task("pages", total=None, said="")

    def __enter__(self) -> Display:
        self._bar.start()
        if self._lines is not None:
            self._lines.write("begin", files=self._meter.files)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._lines is not None:
            self._lines.write("end", **_far(self._meter))

    def say(self, kind: str, colour: str, sentence: str) -> None:
        from rich.markup import escape

        self.console.print(f"[{colour}]{kind}[/] {escape(printable(sentence))}", soft_wrap=True)

    def error(self, error: DocparseError) -> None:
        self.say("error", "red", f"{error} [{error.code}]")

    def interrupted(self, ended: int, jobs: int) -> None:
        self.say("interrupted", "red", f"{ended} of {jobs} files are finished; nothing is half written.")

    def passed(self) -> None:
        """A file is left alone."""
        self._meter.passed()
        self._bar.advance(self._files)
        self._tell()

    def update(self, outcome: Outcome) -> None:
        """A file has come further."""
        if not outcome.done:  # then there is ``over``
            self._meter.update(outcome)
            self._show()

    def over(self, outcome: Outcome) -> None:
        """Nothing more will be told of this file."""
        self._meter.finish(outcome)
        self._bar.advance(self._files)
        if self._lines is not None:
            self._lines.write("file", **_over(outcome))
        self._show()
        if outcome.error is not None:
            self.error(outcome.error)

    def _show(self) -> None:
        meter = self._meter
        if not self._bar.disable:
            rate, left = meter.pages_per_second, meter.seconds_left
            said = "" if rate is None else f"{rate:.1f} pages/s"
            said += "" if left is None else f", about {duration(max(left, 1))} left"
            self._bar.update(self._pages, completed=meter.read, total=meter.known or None, said=said)
        self._tell()

    def _tell(self) -> None:
        if self._lines is not None and self._lines.is_time():
            self._lines.write("progress", **_far(self._meter))


def _bar(meter: Meter, screen: Any, *, shown: bool) -> Any:
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Bar(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            if meter.statuses:
                counts = (f"[{COLOURS[s]}]{meter.statuses[s]:,} {s}[/]" for s in STATUSES if meter.statuses[s])
                yield Text.from_markup(" · ".join(counts))
            for said in meter.worst():
                yield Text.from_markup(f"[dim]{escape(printable(said))}[/]", overflow="ellipsis")

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
        console=screen,
        transient=True,
        disable=not shown,
    )


# ------------------------------------------------------------------------------------ for machines


class _Lines:
    """One JSON object a line. A reader that goes away, or a full disk, does not end the run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._next = time.monotonic() + EVERY

    def is_time(self) -> bool:
        return time.monotonic() >= self._next

    def write(self, event: str, **facts: Any) -> None:
        if event == "progress":
            self._next = time.monotonic() + EVERY
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps({"event": event, "at": round(time.time(), 3), **facts}) + "\n")
            self._stream.flush()
        except OSError:
            _forget(self._stream)
            self._stream = None


def _forget(stream: TextIO) -> None:
    """Nobody reads: what is left in the stream must not fail again when the program ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError:
        return


def _far(meter: Meter) -> dict[str, Any]:
    rate, left = meter.pages_per_second, meter.seconds_left
    return {
        "files": meter.files,
        "over": meter.over,
        "left_alone": meter.left_alone,
        "not_converted": meter.lost,
        "in_hand": meter.in_hand,
        "pages": meter.read,
        "pages_known": meter.known,
        "verdicts": {status: meter.statuses[status] for status in STATUSES},
        "pages_per_second": None if rate is None else round(rate, 3),
        "seconds_left": None if left is None else round(left, 1),
    }


def _over(outcome: Outcome) -> dict[str, Any]:
    statuses = Counter(outcome.pages.values())
    error = outcome.error
    return {
        "file": unicode(outcome.path),
        "pages": outcome.total,
        "verdicts": {status: statuses[status] for status in STATUSES if statuses[status]},
        "confidence": None if outcome.confidence is None else round(outcome.confidence, 4),
        "seconds": round(outcome.seconds, 3),
        "outputs": [unicode(path) for path in outcome.outputs],
        "error": None if error is None else {"code": error.code, "message": unicode(error.message)},
    }
