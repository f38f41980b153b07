"""A report of all that a folder of results holds, from its manifests: also what earlier runs, and other shards, did.

Nothing of it was kept while the run went on. Only what the report names is fetched: of a million files some thousands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docparse.batch import Outcome
from docparse.batch.summary import BY_BADNESS, Figures, Summary, summarize, text
from docparse.batch.tally import WORST_FIRST
from docparse.errors import DocparseError, all_errors
from docparse.reading import Job, PageDone

JobOf = Callable[[str, str], Job]
"""The job of a file by its path and the stem of its outputs."""
_BAD = " ".join(f"when '{status}' then {place}" for place, status in enumerate(WORST_FIRST))


@dataclass(slots=True)
class Whole:
    """What a report names, as ``run_report.Run`` has it, and the sums of everything."""

    summary: Summary
    jobs: list[Job] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    pages: dict[tuple[int, int], PageDone] = field(default_factory=dict)


def whole(paths: Sequence[Path], job_of: JobOf, *, pages: int, files: int) -> Whole:
    """``pages``, ``files``: most of each that are named. Raises ``OutputError``."""
    found = Whole(summarize(paths))
    bad: list[tuple[int, float, int, PageDone]] = []
    for path in paths:
        with Figures(path) as figures:
            named: dict[int, int] = {}

            def name(number: int, figures: Figures = figures, named: dict[int, int] = named) -> int:
                if number not in named:
                    named[number] = len(found.jobs)
                    _add(found, figures, number, job_of)
                return named[number]

            for number, done in _worst_pages(figures, pages):
                sure = 1.0 if done.confidence is None else done.confidence
                bad.append((WORST_FIRST.index(done.status), sure, name(number), done))
            for number in _files(figures, files):
                name(number)
    bad.sort(key=lambda item: (*item[:3], item[3].number))
    found.pages = {(index, done.number): done for _, _, index, done in bad[:pages]}
    return found


def _worst_pages(figures: Figures, most: int) -> list[tuple[int, PageDone]]:
    rows = figures.rows(
        "select file, number, status, pages.codes, reasons, confidence, characters, attempts, pages.seconds, engine"  # noqa: S608
        " from pages join files on files.id = pages.file where files.state in ('done', 'reading') and status <> 'ok'"
        f" order by case status {_BAD} end, coalesce(confidence, 1.0), file, number limit ?",
        most,
    )
    return [(file, _page(*told)) for file, *told in rows]


def _page(
    number: int, status: Any, codes: str, reasons: str, sure: float | None, length: int, attempts: int, *rest: Any
) -> PageDone:
    seconds, engine = rest
    return PageDone(
        number,
        status,
        tuple(filter(None, codes.split(","))),
        reasons=tuple((code, said) for code, said in json.loads(reasons)),
        confidence=sure,
        characters=length,
        attempts=attempts,
        seconds=seconds,
        engine=engine,
    )


def _files(figures: Figures, most: int) -> list[int]:
    """Those that were not converted, by name; then the others, worst first."""
    lost = figures.rows("select id from files where state = 'failed' order by path limit ?", most)
    read = figures.rows(
        "select files.id from files left join pages on pages.file = files.id where files.state in ('done', 'reading')"  # noqa: S608
        f" group by files.id order by {BY_BADNESS}, path limit ?",
        most,
    )
    return [number for rows in (lost, read) for (number,) in rows]


def _add(found: Whole, figures: Figures, number: int, job_of: JobOf) -> None:
    """The file of that number in the manifest, as a run would have told of it."""
    ((path, stem, outputs, total, seconds, code, message),) = figures.rows(
        "select path, stem, outputs, total, seconds, code, message from files where id = ?", number
    )
    job = job_of(text(path), text(stem))
    outcome = Outcome(job.path, total=total, seconds=seconds or 0.0)
    outcome.outputs = tuple(os.path.join(figures.folder, name) for name in json.loads(outputs))
    if code:
        outcome.error = _ERRORS.get(code, DocparseError)(text(message), file=job.path)
    else:
        for page, status, sure, length in figures.rows(
            "select number, status, confidence, characters from pages where file = ?", number
        ):
            outcome.pages[page] = status
            if sure is not None:
                outcome.sure[page] = (sure, length)
    found.jobs.append(job)
    found.outcomes.append(outcome)


_ERRORS: Mapping[str, type[DocparseError]] = {kind.code: kind for kind in all_errors()}
