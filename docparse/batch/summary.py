"""A batch in numbers, from its manifest: verdicts, reasons, errors, speed, how these are spread, and the worst few.

All runs over a folder count together, and all its shards: it is what the folder holds that is summed up. As small
after a million pages as after ten, but for three numbers a page while it is made. What this file is not: it does not
know whether a run is under way; ``status`` does.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docparse import __version__
from docparse.batch.manifest import Look, RunRow
from docparse.batch.tally import WORST_FIRST
from docparse.document import STATUSES, Status
from docparse.errors import OutputError

SLOWEST = 20
"""Pages that are named."""
WORST = 50
"""Files that are named; and as many of those that were not converted."""
VERSION = 1
"""Of the form of ``Summary.to_dict``."""

SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SURE = tuple(step / 20 for step in range(1, 20))
LENGTHS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
_READ = "pages join files on files.id = pages.file where files.state in ('done', 'reading')"
"""Pages whose file is converted, or is being converted: what was read of a file that failed is nowhere."""

BY_BADNESS = ", ".join(f"sum(status = '{status}') desc" for status in WORST_FIRST[:-1])
"""Order of files in a question that is grouped by them: worst first."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are spread. ``edges``: where the next bin begins; ``counts`` has one more, the first is what lies
    below all edges. The shares (``p50``: half of the numbers are no larger) are exact."""

    count: int
    mean: float
    p50: float
    p90: float
    p99: float
    most: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, numbers: Iterable[float], edges: Sequence[float]) -> Spread | None:
        """None where there are no numbers."""
        known = sorted(numbers)
        if not known:
            return None
        below = [0, *(bisect.bisect_left(known, edge) for edge in edges), len(known)]
        p50, p90, p99 = (known[math.ceil(share * len(known)) - 1] for share in (0.5, 0.9, 0.99))
        return cls(
            len(known),
            math.fsum(known) / len(known),
            p50,
            p90,
            p99,
            known[-1],
            tuple(edges),
            tuple(high - low for low, high in itertools.pairwise(below)),
        )

    def to_dict(self) -> dict[str, Any]:
        shares = {name: round(getattr(self, name), 4) for name in ("mean", "p50", "p90", "p99", "most")}
        return {"count": self.count, **shares, "edges": list(self.edges), "counts": list(self.counts)}


@dataclass(frozen=True, slots=True)
class PageFact:
    """A page that is named."""

    path: str
    number: int
    status: Status
    seconds: float


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that is named: its pages by status, or why it was not converted."""

    path: str
    pages: Counter[Status] = field(default_factory=Counter)
    confidence: float | None = None
    seconds: float | None = None
    code: str = ""
    message: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What the manifests of a folder say together.

    runs          of all manifests, by when they began
    files         by state: ``done``, ``failed``, ``reading``, ``waiting``
    pages         by status, of files that are converted or being converted
    errors        files that were not converted, by code
    reasons       pages that have a reason, by code; a page may have several
    engines       pages by who read them
    confidence    of pages, 0 to 1, where it is known; seconds of pages and of files; pages of a file
    slowest       pages, slowest first
    worst         files with pages that are not ok, worst first
    lost          files that were not converted, by name
    """

    runs: tuple[RunRow, ...]
    files: Counter[str]
    pages: Counter[Status]
    errors: Counter[str]
    reasons: Counter[str]
    engines: Counter[str]
    characters: int
    confidence: Spread | None
    page_seconds: Spread | None
    file_seconds: Spread | None
    file_pages: Spread | None
    slowest: tuple[PageFact, ...]
    worst: tuple[FileFact, ...]
    lost: tuple[FileFact, ...]

    def to_dict(self) -> dict[str, Any]:
        """As ``summary.json`` has it."""
        spreads = {name: getattr(self, name) for name in ("page_seconds", "confidence", "file_seconds", "file_pages")}
        return {
            "summary": VERSION,
            "docparse": __version__,
            "files": {"total": self.files.total(), **{state: self.files[state] for state in _STATES}},
            "pages": {"total": self.pages.total(), **{status: self.pages[status] for status in STATUSES}},
            "characters": self.characters,
            "errors": dict(self.errors.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "engines": dict(self.engines.most_common()),
            "spread": {name: None if spread is None else spread.to_dict() for name, spread in spreads.items()},
            "slowest_pages": [
                {"file": unicode(p.path), "page": p.number, "status": p.status, "seconds": round(p.seconds, 3)}
                for p in self.slowest
            ],
            "worst_files": [
                {
                    "file": unicode(f.path),
                    "pages": {status: f.pages[status] for status in STATUSES if f.pages[status]},
                    "confidence": None if f.confidence is None else round(f.confidence, 4),
                    "seconds": None if f.seconds is None else round(f.seconds, 3),
                }
                for f in self.worst
            ],
            "not_converted": [
                {"file": unicode(f.path), "code": f.code, "message": unicode(f.message), "tries": f.tries}
                for f in self.lost
            ],
            "runs": [run_dict(run) for run in self.runs],
        }


_STATES = ("done", "failed", "reading", "waiting")


def run_dict(run: RunRow) -> dict[str, Any]:
    """A run as JSON has it. Times are seconds since 1970; ``ended`` is null while it runs, and when it was killed."""
    return {
        "began": round(run.began, 3),
        "ended": None if run.ended is None else round(run.ended, 3),
        "host": unicode(run.host),
        "engine": run.engine,
        "files": run.files,
        "code": run.code,
        "recipe": dict(run.recipe),
    }


def unicode(text: str) -> str:
    """The name of a file need not be Unicode; JSON is."""
    return text.encode("utf-8", "backslashreplace").decode()


def summarize(paths: Sequence[Path]) -> Summary:
    """Sum up these manifests. Whoever writes them is not disturbed. Raises ``OutputError`` where one is none."""
    if not paths:
        raise OutputError("there is no manifest of a run here.", hint="docparse convert keeps one of several files.")
    files, pages, errors = Counter[str](), Counter[Status](), Counter[str]()
    reasons, engines, characters = Counter[str](), Counter[str](), 0
    sure, page_seconds, file_seconds, file_pages = array("d"), array("d"), array("d"), array("d")
    runs: list[RunRow] = []
    slowest: list[PageFact] = []
    worst: list[FileFact] = []
    lost: list[FileFact] = []
    for path in paths:
        with Figures(path) as figures:
            runs += figures.runs()
            files += Counter(figures.counts()[0])
            errors += Counter(
                dict(figures.rows("select code, count(*) from files where state = 'failed' group by code"))
            )
            combined, slow = Counter[str](), list[tuple[float, int, int, Status]]()
            for file, number, status, sure_of_it, length, took, codes, engine in figures.measured():
                pages[status] += 1
                engines[engine] += 1
                characters += length
                if codes:
                    combined[codes] += 1
                if sure_of_it is not None:
                    sure.append(sure_of_it)
                if took is not None:
                    page_seconds.append(took)
                    put = heapq.heappush if len(slow) < SLOWEST else heapq.heappushpop
                    put(slow, (took, file, number, status))
            for codes, number in combined.items():
                for code in set(codes.split(",")):
                    reasons[code] += number
            for seconds, total in figures.rows("select seconds, total from files where state = 'done'"):
                file_seconds.append(seconds or 0.0)
                file_pages.append(total or 0)
            slowest += [PageFact(figures.path_of(file), page, status, took) for took, file, page, status in slow]
            worst += figures.worst(WORST)
            lost += figures.lost(WORST)
    return Summary(
        tuple(sorted(runs, key=lambda run: run.began)),
        files,
        pages,
        errors,
        reasons,
        engines,
        characters,
        Spread.of(sure, SURE),
        Spread.of(page_seconds, SECONDS),
        Spread.of(file_seconds, SECONDS),
        Spread.of(file_pages, LENGTHS),
        tuple(sorted(slowest, key=lambda page: (-page.seconds, page.path, page.number))[:SLOWEST]),
        tuple(sorted(worst, key=badness)[:WORST]),
        tuple(sorted(lost, key=lambda file: file.path)[:WORST]),
    )


def badness(file: FileFact) -> tuple[Any, ...]:
    """Worst first: files by their pages, by what became of these; equal ones by name."""
    return (*(-file.pages[status] for status in WORST_FIRST[:-1]), file.path)


class Figures(Look):
    """A manifest with questions that no run has. All answers are of one moment."""

    def __enter__(self) -> Figures:
        self._db.execute("begin")
        return self

    def rows(self, question: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(question, values)
        except sqlite3.DatabaseError as error:
            raise OutputError(f"the manifest cannot be read ({error}).", file=str(self.path)) from error

    def measured(self) -> Iterator[tuple[Any, ...]]:
        """Of each page: file, number, status, confidence, characters, seconds, codes, engine."""
        return self.rows(
            f"select file, number, status, confidence, characters, pages.seconds, codes, engine from {_READ}"  # noqa: S608
        )

    def path_of(self, file: int) -> str:
        ((path,),) = self.rows("select path from files where id = ?", file)
        return text(path)

    def worst(self, most: int) -> list[FileFact]:
        """Files of which pages are not ok."""
        counts = ", ".join(f"sum(status = '{status}')" for status in WORST_FIRST)
        sure = "sum(confidence * characters) / sum(characters * (confidence is not null))"
        rows = self.rows(
            f"select path, files.seconds, {sure}, {counts} from {_READ} group by pages.file"  # noqa: S608
            f" having sum(status <> 'ok') > 0 order by {BY_BADNESS}, path limit ?",
            most,
        )
        return [
            FileFact(text(path), Counter(dict(zip(WORST_FIRST, numbers, strict=True))), sure, seconds)
            for path, seconds, sure, *numbers in rows
        ]

    def lost(self, most: int) -> list[FileFact]:
        """Files that were not converted."""
        rows = self.rows(
            "select path, code, message, tries from files where state = 'failed' order by path limit ?", most
        )
        return [
            FileFact(text(path), code=code, message=text(message), tries=tries) for path, code, message, tries in rows
        ]


def text(value: str | bytes) -> str:
    """A name from the database: bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
