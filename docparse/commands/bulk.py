"""What commands over many files share: which files, who reads them, progress, Ctrl-C.

``plan`` finds out before anything is read what can be wrong at once; ``follow`` has the jobs done and shows how
far they are. What this file is not: it does not know what becomes of a file.
"""

from __future__ import annotations

import dataclasses
import math
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from docparse.batch import Conversion, Listen, Outcome, Taken
from docparse.batch.ray_runner import RayPool
from docparse.commands.interrupt import gently
from docparse.commands.progress import Display as Display
from docparse.convert import Options
from docparse.engines.choose import check_model, check_name, check_remote, resolve
from docparse.engines.options import MOST_PAGES
from docparse.errors import EmptySource, OutputDiskError, PageRangeError, SettingsError
from docparse.far.folder import FarFolder
from docparse.far.url import is_far, local
from docparse.inputs import Inputs, find_inputs
from docparse.reading import Job, PageDone
from docparse.settings import Settings, cores, load, state_folder, unknown_variables
from docparse.source import parse_pages
from docparse.workers import Recycle

DRAINING = (
    "interrupted",
    "yellow",
    "no more files are begun, and those in hand are finished; Ctrl-C again ends it at once.",
)
FILES_AHEAD = 4
"""Files of a worker that are being opened, drawn or written while others are read."""
OK, SOME_FAILED, USAGE, NOTHING_READ, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read, by whom, and where the results go. ``why``: the reason for the engine, or the
    address of the service that reads. ``to``: where the results go, if not on this machine; ``folder`` is then what is
    kept of them here: the manifest."""

    settings: Settings
    options: Options
    found: Inputs
    folder: Path
    engine: str
    why: str
    workers: int
    to: FarFolder | None = None


class Record(Protocol):
    """Who writes down what becomes of the files (``batch.work``)."""

    def opened(self, index: int, job: Job, outcome: Outcome) -> None: ...
    def listen(self, index: int, done: PageDone) -> None: ...
    def ended(self, index: int, job: Job, outcome: Outcome) -> None: ...
    def kept(self, index: int, job: Job) -> Mapping[int, PageDone]: ...


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of a run while it goes on: ``listen`` of every page, ``ended`` of every file that is over, ``record``
    of both. ``keep`` False: outcomes need not be kept for the end; of many files they are many."""

    listen: Listen | None = None
    ended: Taken | None = None
    record: Record | None = None
    keep: bool = True

    def hears(self, index: int, done: PageDone) -> None:
        if self.listen is not None:
            self.listen(index, done)
        if self.record is not None:
            self.record.listen(index, done)

    def is_over(self, index: int, job: Job, outcome: Outcome) -> None:
        """A file is. Raises ``OutputDiskError`` where there is no room to write that down."""
        if self.ended is not None:
            self.ended(index, job, outcome)
        if self.record is not None:
            # Where the results have no room, the record of that may have none either.
            with suppress(OutputDiskError) if isinstance(outcome.error, OutputDiskError) else nullcontext():
                self.record.ended(index, job, outcome)


NOBODY = Audience()


class Follow(Protocol):
    """Has the jobs of a plan done. The outcomes, in the order of the jobs, and whether the user interrupted."""

    def __call__(
        self, plan: Plan, jobs: Iterable[Job], display: Display, audience: Audience = NOBODY
    ) -> tuple[list[Outcome], bool]: ...


def plan(
    inputs: Sequence[str],
    output: str,
    *,
    pages: str | None,
    password: str | None,
    flags: dict[str, Any],
    listed: Sequence[str] = (),
    writes: bool = True,
) -> Plan:
    """``listed``: files that are named one by one, whatever characters are in their names. ``writes`` False: the
    folder of results is not tried. Raises ``DocparseError`` for what is wrong at once; no document has been opened
    then."""
    settings = load(**flags)
    options = settings.options(pages=pages, password=password)
    if settings.engine == "remote" and flags.get("model") is not None:
        raise SettingsError(
            "--model: that is the checkpoint of the qwen engine.", hint="A server's model is named with --server-model."
        )
    check_name(settings.engine, options.model, options.remote)
    if settings.engine not in ("embedded", "remote"):
        check_model(options.model)
    found, folder, to = what_and_where(inputs, output, pages, listed, writes=writes)
    engine, why = resolve(settings.engine, options.model, options.remote)
    workers = settings.jobs or _workers(engine, len(found.files), options)
    if engine == "remote":
        # The workers share what the server may be asked at a time.
        share = math.ceil(options.remote.concurrency / workers)
        remote = dataclasses.replace(check_remote(options.remote), concurrency=share)
        options = dataclasses.replace(options, remote=remote)
    return Plan(settings, options, found, folder, engine, why, workers, to)


def what_and_where(
    inputs: Sequence[str], output: str, pages: str | None, listed: Sequence[str] = (), *, writes: bool = True
) -> tuple[Inputs, Path, FarFolder | None]:
    """The files, and the folder of the results, here and elsewhere. Raises ``DocparseError`` where there are none or it
    is none."""
    if pages is not None:
        _check_range(pages)
    found = find_inputs(inputs, listed)
    if not found.files:
        raise found.problems[0] if found.problems else EmptySource("there is nothing to read.")
    folder, to = folder_of(output)
    if writes:
        try_folder(folder)
        if to is not None:
            to.try_it()
    return found, folder, to


def folder_of(output: str) -> tuple[Path, FarFolder | None]:
    """The folder that ``-o`` names: itself; or what this machine keeps of one elsewhere, and that."""
    output = local(output)
    if not is_far(output):
        return Path(output), None
    to = FarFolder(output)
    return state_folder() / to.key, to


def _workers(engine: str, files: int, options: Options) -> int:
    """How many processes read, where nobody said it."""
    if engine == "qwen":
        return 1  # one model, which writes several pages at a time
    if engine == "remote":  # the server reads; what is drawn and checked here wants the cores
        return max(1, min(cores(), files, options.remote.concurrency))
    return cores()


def _at_once(plan: Plan) -> int:
    """How many files a worker has in hand: as many as the engine reads pages side by side, if each had one page, and
    some that are opened and written meanwhile."""
    if plan.engine == "qwen":
        slots = plan.options.model.batch or MOST_PAGES
    elif plan.engine == "remote":
        slots = plan.options.remote.concurrency
    else:
        return 1
    return min(slots + FILES_AHEAD, max(len(plan.found.files), 1))


def _check_range(text: str) -> None:
    """Say at once that a range is no range, before any file is opened."""
    try:
        parse_pages(text, 10**6)
    except PageRangeError as error:
        raise PageRangeError(f"--pages: {error.message}", hint=error.hint) from error


def try_folder(folder: Path) -> None:
    """Make the folder and write into it, now and not after the first hour. Raises ``OutputError``."""
    from docparse.exporters import write_file

    probe = folder / f".docparse-{secrets.token_hex(8)}.tmp"
    write_file(probe, b"docparse was here")
    probe.unlink(missing_ok=True)


def announce(plan: Plan, display: Display) -> None:
    """Say what should be known before anything is read."""
    for sentence in unknown_variables():
        display.say("warning", "yellow", sentence)
    if plan.found.results:
        display.say("note", "cyan", f"{plan.found.results} results of earlier runs are left out.")
    for problem in plan.found.problems:
        display.error(problem)


def follow(
    plan: Plan,
    jobs: Iterable[Job],
    display: Display,
    audience: Audience = NOBODY,
    *,
    pool: RayPool | None = None,
) -> tuple[list[Outcome], bool]:
    """The outcomes, in the order of the jobs, and whether the user interrupted the run: then some are not done.

    ``pool``: who reads, where that is not this machine.
    """
    if plan.engine == "embedded" and plan.options.model.path is not None and plan.settings.engine == "auto":
        display.say("note", "cyan", f"the embedded engine reads: {plan.why}; --engine qwen has it read all the same.")
    announce(plan, display)

    record = audience.record
    finished = Counter[bool]()

    def over(index: int, job: Job, outcome: Outcome) -> None:
        finished[outcome.error is None] += 1
        display.over(outcome)
        audience.is_over(index, job, outcome)

    conversion = Conversion(
        jobs,
        plan.workers,
        seconds=plan.settings.page_seconds,
        cores=cores() if pool is None else pool.cpus * pool.size,
        watch=display.update,
        listen=audience.hears,
        opened=None if record is None else record.opened,
        ended=over,
        kept=None if record is None else record.kept,
        files=len(plan.found.files) if pool is None else pool.size,
        keep=audience.keep,
        # A model is not loaded anew for every thousandth file.
        recycle=Recycle.fitting(plan.workers, reloads=plan.engine == "qwen"),
        at_once=_at_once(plan),
        isolate=plan.engine == "qwen",
        pool=pool,
    )
    try:
        # Of a single file nothing would be finished before its end: there once is enough.
        several = len(plan.found.files) > 1
        with gently(conversion.stop, lambda: display.say(*DRAINING)) if several else nullcontext():
            conversion.run()
    except KeyboardInterrupt:
        return conversion.outcomes, True
    except OutputDiskError as error:  # of the record
        if not finished[True]:
            raise
        display.error(error)
        plan.found.problems.append(error)
        conversion.full = error
    if conversion.full is not None:
        stays = "What is finished stays" if record is None else "What is finished stays, and the same command goes on"
        display.say("stopped", "red", f"no more files are read: their results could not be written. {stays}.")
    return conversion.outcomes, conversion.stopped
