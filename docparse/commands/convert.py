"""``docparse convert``: files in, results in a folder, a table of verdicts at the end."""

from __future__ import annotations

import dataclasses
import math
import os
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from docparse.batch import Conversion, Outcome
from docparse.commands.console import console, printable
from docparse.convert import Options
from docparse.document import STATUSES
from docparse.engines.choose import check_model, check_name, check_remote, resolve
from docparse.errors import DocparseError, EmptySource, ExportError, PageRangeError, SettingsError
from docparse.inputs import find_inputs, stems
from docparse.reading import Job
from docparse.run_report import MARK, Run, WorstPages, report, with_pictures
from docparse.settings import cores, load, unknown_variables
from docparse.source import parse_pages
from docparse.thumbnails import Album, draw

OK, SOME_FAILED, USAGE, NOTHING_READ, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given."""

    inputs: tuple[str, ...]
    output: str
    to: str
    pages: str | None = None
    password: str | None = None
    heat: bool = False
    furniture: bool = False
    report: bool = False
    report_to: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> int:
    """Convert and report. Returns the exit code; raises ``DocparseError`` for what is wrong at once."""
    settings = load(**request.flags)
    options = settings.options(pages=request.pages, password=request.password)
    if settings.engine == "remote" and request.flags.get("model") is not None:
        raise SettingsError(
            "--model: that is the checkpoint of the qwen engine.", hint="A server's model is named with --server-model."
        )
    check_name(settings.engine, options.model, options.remote)
    if settings.engine not in ("embedded", "remote"):
        check_model(options.model)
    formats = _formats(request.to)
    if request.pages is not None:
        _check_range(request.pages)
    found = find_inputs(request.inputs)
    if not found.files:
        raise found.problems[0] if found.problems else EmptySource("there is nothing to convert.")
    folder = Path(request.output)
    _try_folder(folder)
    engine, why = resolve(settings.engine, options.model, options.remote)
    workers = settings.jobs or _workers(engine, len(found.files), options)
    if engine == "remote":
        # The workers share what the server may be asked at a time.
        share = math.ceil(options.remote.concurrency / workers)
        remote = dataclasses.replace(check_remote(options.remote), concurrency=share)
        options = dataclasses.replace(options, remote=remote)
    jobs = _jobs(request, options, found.files, folder, formats)
    report_path = _report_path(request, jobs)
    worst, began, started = WorstPages(), time.strftime("%Y-%m-%d %H:%M"), time.monotonic()
    with _Display(len(jobs)) as display:
        for sentence in unknown_variables():
            display.say("warning", "yellow", sentence)
        if engine == "embedded" and options.model.path is not None and settings.engine == "auto":
            display.say("note", "cyan", f"the embedded engine reads: {why}; --engine qwen has it read all the same.")
        if found.results:
            display.say("note", "cyan", f"{found.results} results of earlier runs are left out.")
        for problem in found.problems:
            display.error(problem)
        conversion = Conversion(
            jobs,
            workers,
            seconds=settings.page_seconds,
            cores=cores(),
            watch=display.update,
            listen=worst.note if report_path is not None else None,
        )
        try:
            conversion.run()
        except KeyboardInterrupt:
            interrupted = True
        else:
            interrupted = False
    ended = [outcome for outcome in conversion.outcomes if outcome.done]
    _summary(ended, display.console)
    reported = True
    if report_path is not None:
        about = Run(
            jobs,
            conversion.outcomes,
            worst.worst(),
            problems=found.problems,
            engine=worst.engine,
            seconds=time.monotonic() - started,
            began=began,
            interrupted=interrupted,
        )
        reported = _write_report(about, report_path, display)
    if interrupted:
        display.say("interrupted", "red", f"{len(ended)} of {len(jobs)} files are finished; nothing is half written.")
        return INTERRUPTED
    return _exit_code(ended, settings.fail_on, some_missing=bool(found.problems) or not reported)


def _workers(engine: str, files: int, options: Options) -> int:
    """How many processes read, where nobody said it."""
    if engine == "qwen":
        return 1  # one model, which writes several pages at a time
    if engine == "remote":  # they wait most of the time; each has several pages under way, but of one file
        return max(1, min(2 * cores(), files, options.remote.concurrency))
    return cores()


def _formats(text: str) -> tuple[str, ...]:
    from docparse.exporters import find

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SettingsError("--to names no format.", hint="See docparse schema --formats.")
    try:
        return tuple(dict.fromkeys(find(name).name for name in names))
    except ExportError as error:
        raise SettingsError(f"--to: {error.message}", hint=error.hint) from error


def _check_range(text: str) -> None:
    """Say at once that a range is no range, before any file is opened."""
    try:
        parse_pages(text, 10**6)
    except PageRangeError as error:
        raise PageRangeError(f"--pages: {error.message}", hint=error.hint) from error


def _try_folder(folder: Path) -> None:
    """Make the folder and write into it, now and not after the first hour. Raises ``OutputError``."""
    from docparse.exporters import write_file

    probe = folder / f".docparse-{secrets.token_hex(8)}.tmp"
    write_file(probe, b"docparse was here")
    probe.unlink(missing_ok=True)


def _jobs(request: Request, options: Options, files: list[Path], folder: Path, formats: tuple[str, ...]) -> list[Job]:
    from docparse.exporters import ExportOptions, find

    export = ExportOptions(furniture=request.furniture, heat=request.heat)
    names = stems(files, suffixes=[find(name).suffix for name in formats], folder=folder)
    return [
        Job(str(path), str(folder), stem, formats, options, export) for path, stem in zip(files, names, strict=True)
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
        _try_folder(path.parent)
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


def _write_report(run: Run, path: Path, display: _Display) -> bool:
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


class _Display:
    """Progress while it runs, on a terminal; nothing but the errors elsewhere."""

    def __init__(self, files: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._files = self._progress.add_task("files", total=files)
        self._pages = self._progress.add_task("pages", total=None)
        # By path, what was last counted of a file: ten thousand files are not added up for every page.
        self._counted: dict[str, tuple[int, int]] = {}
        self._known = self._done = 0
        self._ended: set[str] = set()

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, kind: str, colour: str, sentence: str) -> None:
        from rich.markup import escape

        self.console.print(f"[{colour}]{kind}[/] {escape(printable(sentence))}", soft_wrap=True)

    def error(self, error: DocparseError) -> None:
        self.say("error", "red", f"{error} [{error.code}]")

    def update(self, outcome: Outcome) -> None:
        known, done = outcome.total or 0, len(outcome.pages)
        before = self._counted.get(outcome.path, (0, 0))
        self._known += known - before[0]
        self._done += done - before[1]
        self._counted[outcome.path] = (known, done)
        self._progress.update(self._pages, completed=self._done, total=self._known or None)
        if outcome.done and outcome.path not in self._ended:
            self._ended.add(outcome.path)
            self._progress.update(self._files, completed=len(self._ended))
            if outcome.error is not None:
                self.error(outcome.error)


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
