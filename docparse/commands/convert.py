"""``docparse convert``: files in, results in a folder, a table of verdicts at the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docparse.batch import Outcome
from docparse.commands.bulk import (
    INTERRUPTED,
    NOTHING_READ,
    OK,
    SOME_FAILED,
    Display,
    Follow,
    Plan,
    follow,
    plan,
    try_folder,
)
from docparse.commands.console import printable
from docparse.document import STATUSES
from docparse.errors import DocparseError, ExportError, SettingsError
from docparse.inputs import stems
from docparse.reading import Job
from docparse.run_report import MARK, Run, WorstPages, report, with_pictures
from docparse.settings import cores
from docparse.thumbnails import Album, draw

if TYPE_CHECKING:
    from docparse.batch.resume import Retry
    from docparse.batch.work import Work


@dataclass(frozen=True, slots=True)
class Batch:
    """How many files are gone about.

    manifest       None: kept where more than one file is meant; False: no
    resume         leave alone what an earlier run has done
    retry          ``failed``, ``partial``: do these again all the same
    skip_existing  leave files whose results are there, whoever made them
    shard          (i, n): only the i-th of n parts, from 1
    limit          most files that are read
    order          ``given`` or ``smallest-first``
    """

    manifest: bool | None = None
    resume: bool = True
    retry: tuple[Retry, ...] = ()
    skip_existing: bool = False
    shard: tuple[int, int] | None = None
    limit: int | None = None
    order: str = "given"


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given. ``server``: a docparse service."""

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
    batch: Batch = Batch()
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> int:
    """Convert and report. Returns the exit code; raises ``DocparseError`` for what is wrong at once."""
    formats = _formats(request.to)
    planned, have_done = _planned(request)
    jobs = _jobs(request, planned, formats)
    report_path = _report_path(request, jobs)
    worst, began, started = WorstPages(), time.strftime("%Y-%m-%d %H:%M"), time.monotonic()
    with _work(request, planned, jobs, formats) as work:
        todo = _todo(request, jobs, formats, work)
        with Display(len(todo)) as display:
            _tell_left(display, work)
            record = {} if work is None else {"record": work}
            listen = worst.note if report_path else None
            outcomes, interrupted = have_done(planned, todo, display, listen=listen, **record)
    jobs = todo
    ended = [outcome for outcome in outcomes if outcome.done]
    _summary(ended, display.console)
    reported = True
    if report_path is not None:
        about = Run(
            jobs,
            outcomes,
            worst.worst(),
            problems=planned.found.problems,
            engine=worst.engine,
            seconds=time.monotonic() - started,
            began=began,
            interrupted=interrupted,
        )
        reported = _write_report(about, report_path, display)
    if interrupted:
        display.interrupted(len(ended), len(jobs))
        return INTERRUPTED
    missing = bool(planned.found.problems) or not reported
    if not todo:  # earlier runs have done all there is
        return SOME_FAILED if missing or (work is not None and work.left["failed"]) else OK
    return _exit_code(ended, planned.settings.fail_on, some_missing=missing)


def _planned(request: Request) -> tuple[Plan, Follow]:
    """What is to be done, and who has it done: this machine, or a service."""
    asked: dict[str, Any] = {"pages": request.pages, "password": request.password, "flags": request.flags}
    if request.server is None:
        return plan(request.inputs, request.output, **asked), follow
    from docparse.commands import by_service

    return by_service.plan(request.inputs, request.output, server=request.server, **asked)


@contextmanager
def _work(request: Request, planned: Plan, jobs: Sequence[Job], formats: tuple[str, ...]) -> Iterator[Work | None]:
    """The run in the manifest of the folder; None where none is kept. Raises ``OutputInUse``."""
    from docparse.batch.manifest import Manifest, place
    from docparse.batch.recipe import recipe
    from docparse.batch.work import Work
    from docparse.exporters import ExportOptions

    wanted = request.batch.manifest
    if wanted is None:
        wanted = len(jobs) > 1 or any(os.path.isdir(argument) for argument in request.inputs)
    if not wanted or request.server is not None:
        yield None
        return
    made = recipe(planned.options, planned.engine, formats, ExportOptions(request.furniture, request.heat))
    with Manifest(place(planned.folder, request.batch.shard)) as manifest:
        manifest.begin(engine=planned.engine, recipe=made.told, files=len(jobs))
        yield Work(manifest, made.hash, resume=request.batch.resume, retry=request.batch.retry)


def _todo(request: Request, jobs: Sequence[Job], formats: tuple[str, ...], work: Work | None) -> list[Job]:
    """The files that are left to do, in the order in which they are done."""
    from docparse.batch.resume import in_shard, outputs_exist, stat
    from docparse.exporters import find

    batch = request.batch
    suffixes = [find(name).suffix for name in formats]
    left = [job for job in jobs if in_shard(job.path, batch.shard)]
    if batch.skip_existing:
        left = [job for job in left if not outputs_exist(job.folder, job.stem, suffixes)]
    if batch.order == "smallest-first":
        left.sort(key=lambda job: stat(job.path).size or 0)
    if work is not None:
        return work.choose(left, limit=batch.limit)
    return left if batch.limit is None else left[: batch.limit]


def _tell_left(display: Display, work: Work | None) -> None:
    if work is None:
        return
    told = {"done": "were done before", "failed": "failed before (--retry failed has them tried again)"}
    for why, sentence in told.items():
        if number := work.left[why]:
            display.say("note", "cyan", f"{number:,} files {sentence}.")


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
    from docparse.exporters import ExportOptions, find

    export = ExportOptions(furniture=request.furniture, heat=request.heat)
    files = planned.found.files
    names = stems(files, suffixes=[find(name).suffix for name in formats], folder=planned.folder)
    return [
        Job(str(path), str(planned.folder), stem, formats, planned.options, export)
        for path, stem in zip(files, names, strict=True)
    ]


def _report_path(request: Request, jobs: Sequence[Job]) -> Path | None:
    """Where the report goes; that nothing else is overwritten is seen to before any file is opened.

    By itself it is ``report.html``, which may be the name of what becomes of ``report.pdf``: then it has a number.
    """
    from docparse.exporters import find

    taken = {os.path.abspath(job.path) for job in jobs}
    taken |= {os.path.abspath(Path(job.folder, job.stem + find(name).suffix)) for job in jobs for name in job.formats}
    if request.report_to is not None:
        path = Path(request.report_to)
        if path.suffix.lower() not in (".html", ".htm"):
            raise SettingsError(f"--report-to: {request.report_to!r} does not end in .html.")
        if os.path.abspath(path) in taken:
            raise SettingsError(f"--report-to: {request.report_to!r} is the name of a result.", hint="Choose another.")
        try_folder(path.parent)
        return path
    if not request.report:
        return None
    names = chain(["report.html"], (f"report-{n}.html" for n in count(2)))
    paths = (Path(request.output, name) for name in names)
    return next(path for path in paths if os.path.abspath(path) not in taken and _is_free(path))


def _is_free(path: Path) -> bool:
    """Whether there is no file, or one that is the report of an earlier run."""
    try:
        with open(path, "rb") as file:
            return MARK.encode() in file.read(2000)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _write_report(run: Run, path: Path, display: Display) -> bool:
    """Draw the pictures, write the report, and say where it is; whether that went well."""
    from docparse.exporters import write_file

    albums = {i: Album(run.jobs[i].path, run.jobs[i].options, n) for i, n in with_pictures(run.pages).items()}
    if albums and not run.interrupted:
        with suppress(KeyboardInterrupt):  # somebody does not want to wait for pictures
            run = replace(run, pictures=draw(albums, cores()))
    try:
        write_file(path, report(run, path))
    except DocparseError as error:
        display.error(error)
        return False
    display.say("report", "cyan", str(path))
    return True


_COLOURS = {"ok": "green", "repaired": "green", "partial": "yellow", "fallback": "yellow", "failed": "red"}


def _verdicts(statuses: Counter[str]) -> str:
    return ", ".join(f"[{_COLOURS[s]}]{statuses[s]} {s}[/]" for s in STATUSES if statuses[s])


def _summary(outcomes: Sequence[Outcome], console: Any) -> None:
    """The table at the end: file, pages, verdicts, what was wrong, seconds."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    sure = any(outcome.confidence is not None for outcome in outcomes)  # text layers are what they are
    table.add_column("file", overflow="fold")
    table.add_column("pages", justify="right", overflow="fold")
    table.add_column("verdicts", overflow="fold")
    table.add_column("reasons", overflow="fold")
    if sure:
        table.add_column("confidence", justify="right", overflow="fold")
    table.add_column("s", justify="right", overflow="fold")
    total: Counter[str] = Counter()
    for outcome in outcomes:
        counts: Counter[str] = Counter(outcome.pages.values())
        verdicts = _verdicts(counts)
        reasons = Counter(code for codes in outcome.codes.values() for code in set(codes))
        why = ", ".join(f"{code} x{n}" if n > 1 else code for code, n in reasons.most_common(4))
        if outcome.error is not None:
            verdicts, why = "[red]not converted[/]", outcome.error.code
        else:
            total += counts
        cells = [escape(printable(outcome.path)), str(counts.total()), verdicts, why]
        if sure:
            cells.append("" if outcome.confidence is None else f"{outcome.confidence:.0%}")
        table.add_row(*cells, f"{outcome.seconds:.1f}")
    console.print(table)
    if len(outcomes) > 1:
        # After ten thousand lines this is the one that is read.
        lost = sum(outcome.error is not None for outcome in outcomes)
        not_converted = f", [red]{lost} not converted[/]" if lost else ""
        pages = f"; {total.total()} pages: {_verdicts(total)}" if total else ""
        console.print(f"{len(outcomes)} files{not_converted}{pages}", soft_wrap=True)


def _exit_code(outcomes: Sequence[Outcome], fail_on: str, *, some_missing: bool) -> int:
    read = [o for o in outcomes if o.error is None]
    if all(status == "failed" for o in read for status in o.pages.values()):
        return NOTHING_READ
    bad = {"failed"} if fail_on == "failed" else {"failed", "partial"}
    if some_missing or len(read) < len(outcomes) or any(status in bad for o in read for status in o.pages.values()):
        return SOME_FAILED
    return OK
