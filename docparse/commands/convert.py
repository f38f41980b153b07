"""``docparse convert``: files in, results in a folder, a table of verdicts at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any

from docparse.batch.manifest import Manifest
from docparse.batch.tally import Tally
from docparse.batch.work import Work
from docparse.commands.batching import Batch, chosen, manifest_of, recipe_of, told
from docparse.commands.bulk import (
    INTERRUPTED,
    NOTHING_READ,
    OK,
    SOME_FAILED,
    Audience,
    Display,
    Follow,
    Plan,
    announce,
    follow,
    plan,
)
from docparse.commands.console import printable
from docparse.commands.progress import COLOURS, How
from docparse.commands.reports import Reports, places_of, write, write_whole
from docparse.document import STATUSES, Status
from docparse.errors import ExportError, SettingsError
from docparse.exporters import ExportOptions
from docparse.inputs import far_of, stems
from docparse.reading import Job
from docparse.run_report import Run, WorstPages


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given.

    ``server``: a docparse service that reads; ``ray``: a cluster whose machines do.
    """

    inputs: tuple[str, ...]
    output: str
    to: str
    pages: str | None = None
    password: str | None = None
    heat: bool = False
    furniture: bool = False
    report: bool = False
    report_to: str | None = None
    server: str | None = None
    ray: str | None = None
    progress: How = "bar"
    batch: Batch = Batch()
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> int:
    """Convert and report. Returns the exit code; raises ``DocparseError`` for what is wrong at once."""
    formats = _formats(request.to)
    planned, have_done = _planned(request)
    jobs = _jobs(request, planned, formats)
    if request.batch.dry_run:
        return _dry_run(request.batch, planned, jobs, formats, _export(request))
    where = places_of(planned, jobs, report=request.report, report_to=request.report_to)
    batch = request.batch
    with manifest_of(batch, planned, request.inputs, formats, _export(request)) as kept:
        manifest, work = kept or (None, None)
        jobs, existing = chosen(batch, jobs, formats)
        run = _Run(request, planned, have_done, jobs, formats, manifest, work, Counter(existing=existing))
        code = _run(run, where)
        if manifest is not None:
            manifest.finish(code)
    return code


@dataclass(slots=True)
class _Run:
    """A run: what is wanted of it, and the files that are left alone, by why."""

    request: Request
    planned: Plan
    have_done: Follow
    jobs: Sequence[Job]
    formats: tuple[str, ...]
    manifest: Manifest | None
    work: Work | None
    left: Counter[str]


def _run(run: _Run, where: Reports | None) -> int:
    planned, tally, worst, taken = run.planned, Tally(), WorstPages(), list[Job]()
    # Where a manifest is kept, the report is made from it: nothing has to be kept in memory.
    gathers = where is not None and run.manifest is None
    began, started = time.strftime("%Y-%m-%d %H:%M"), time.monotonic()
    with Display(len(run.jobs), run.request.progress) as display:
        todo: Iterable[Job] = run.jobs if run.work is None else run.work.jobs(run.jobs, passed=display.passed)
        todo = islice(todo, run.request.batch.limit)
        outcomes, interrupted = run.have_done(
            planned,
            _noted(todo, taken) if gathers else todo,
            display,
            Audience(
                listen=worst.note if gathers else None,
                ended=lambda index, _, outcome: tally.add(index, outcome),
                record=run.work,
                keep=gathers,
            ),
        )
    if run.work is not None:
        run.left += run.work.left
    for sentence in told(run.left):
        display.say("note", "cyan", sentence)
    _summary(tally, display.console)
    code = (
        INTERRUPTED
        if interrupted
        else _exit_code(
            tally,
            planned.settings.fail_on,
            left=run.left,
            before=run.work.before if run.work is not None else (),
            some_missing=bool(planned.found.problems),
        )
    )
    if where is not None:
        about = Run(
            taken,
            outcomes,
            worst.worst(),
            problems=planned.found.problems,
            engine=worst.engine,
            seconds=time.monotonic() - started,
            began=began,
            interrupted=interrupted,
        )
        if run.manifest is None:
            written = write(about, where, display)
        else:
            run.manifest.finish(code)  # the summary says so
            written = write_whole(about, planned, run.formats, _export(run.request), where, display)
        if not written and code == OK:
            code = SOME_FAILED
    if interrupted:
        display.interrupted(tally.files, len(run.jobs) - run.left["done"] - run.left["failed"])
    return code


def _noted(jobs: Iterable[Job], taken: list[Job]) -> Iterator[Job]:
    """``jobs``, which are put down in ``taken``: a report names all files."""
    for job in jobs:
        taken.append(job)
        yield job


def _dry_run(batch: Batch, planned: Plan, jobs: Sequence[Job], formats: tuple[str, ...], export: ExportOptions) -> int:
    from docparse.commands.dry_run import estimate

    with Display(0) as display:
        announce(planned, display)
        jobs, existing = chosen(batch, jobs, formats)
        lines = estimate(batch, planned, jobs, existing, recipe_of(planned, formats, export))
    print("\n".join(lines))
    return SOME_FAILED if planned.found.problems else OK


def _planned(request: Request) -> tuple[Plan, Follow]:
    """What is to be done, and who has it done: this machine, or a service."""
    asked: dict[str, Any] = {
        "pages": request.pages,
        "password": request.password,
        "flags": request.flags,
        "listed": request.batch.listed(),
    }
    if request.server is None:
        planned = plan(request.inputs, request.output, **asked, writes=not request.batch.dry_run)
        if request.ray is None:
            return planned, follow
        from docparse.commands import by_ray

        return planned, partial(by_ray.follow, address=request.ray)
    if request.ray is not None:
        raise SettingsError("--ray: with --server it is the service that reads.", hint="Leave one of them out.")
    from docparse.commands import by_service

    return by_service.plan(request.inputs, request.output, server=request.server, **asked)


def _export(request: Request) -> ExportOptions:
    return ExportOptions(furniture=request.furniture, heat=request.heat)


def _formats(text: str) -> tuple[str, ...]:
    from docparse.exporters import find

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SettingsError("--to names no format.", hint="See docparse schema --formats.")
    try:
        return tuple(dict.fromkeys(find(name).name for name in names))
    except ExportError as error:
        raise SettingsError(f"--to: {error.message}", hint=error.hint) from error


def _jobs(request: Request, planned: Plan, formats: tuple[str, ...]) -> list[Job]:
    from docparse.exporters import find

    export = _export(request)
    files = planned.found.files
    names = stems(files, suffixes=[find(name).suffix for name in formats], folder=planned.to or planned.folder)
    return [
        Job(str(path), str(planned.folder), stem, formats, planned.options, export, far_of(path), planned.to)
        for path, stem in zip(files, names, strict=True)
    ]


def _verdicts(statuses: Counter[Status]) -> str:
    return ", ".join(f"[{COLOURS[s]}]{statuses[s]} {s}[/]" for s in STATUSES if statuses[s])


def _summary(tally: Tally, console: Any) -> None:
    """The table at the end: file, pages, verdicts, what was wrong, seconds. Of many files the worst."""
    from rich.markup import escape
    from rich.table import Table

    outcomes = tally.named
    if not outcomes:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    sure = any(outcome.confidence is not None for outcome in outcomes)  # text layers are what they are
    table.add_column("file", overflow="fold")
    table.add_column("pages", justify="right", overflow="fold")
    table.add_column("verdicts", overflow="fold")
    table.add_column("reasons", overflow="fold")
    if sure:
        table.add_column("confidence", justify="right", overflow="fold")
    table.add_column("s", justify="right", overflow="fold")
    for outcome in outcomes:
        counts: Counter[Status] = Counter(outcome.pages.values())
        verdicts = _verdicts(counts)
        reasons = Counter(code for codes in outcome.codes.values() for code in set(codes))
        why = ", ".join(f"{code} x{n}" if n > 1 else code for code, n in reasons.most_common(4))
        if outcome.error is not None:
            verdicts, why = "[red]not converted[/]", outcome.error.code
        cells = [escape(printable(outcome.path)), str(counts.total()), verdicts, why]
        if sure:
            cells.append("" if outcome.confidence is None else f"{outcome.confidence:.0%}")
        table.add_row(*cells, f"{outcome.seconds:.1f}")
    console.print(table)
    if tally.files > len(outcomes):
        console.print(f"These are the worst; {tally.files - len(outcomes):,} files more are not shown.")
    if tally.files > 1:
        # After ten thousand lines this is the one that is read.
        not_converted = f", [red]{tally.lost} not converted[/]" if tally.lost else ""
        total = tally.pages.total()
        pages = f"; {total} pages: {_verdicts(tally.pages)}" if total else ""
        console.print(f"{tally.files} files{not_converted}{pages}", soft_wrap=True)


def _exit_code(
    tally: Tally,
    fail_on: str,
    *,
    left: Mapping[str, int] = MappingProxyType({}),
    before: Collection[str] = (),
    some_missing: bool = False,
) -> int:
    """``left``: files left alone, by why; ``before``: statuses that pages of theirs have."""
    was_read = left.get("done", 0) + left.get("existing", 0)
    if not was_read and not tally.pages.keys() - {"failed"} and (tally.files or left.get("failed")):
        return NOTHING_READ
    bad = {"failed"} if fail_on == "failed" else {"failed", "partial"}
    if some_missing or tally.lost or left.get("failed") or not bad.isdisjoint(tally.pages.keys() | set(before)):
        return SOME_FAILED
    return OK
