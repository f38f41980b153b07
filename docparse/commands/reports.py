"""What a run leaves behind to be looked at: ``report.html``, and beside it ``summary.json`` for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from docparse.batch.manifest import places
from docparse.commands.bulk import Plan, try_folder
from docparse.commands.progress import Display
from docparse.errors import DocparseError, SettingsError
from docparse.exporters import ExportOptions, find, write_file
from docparse.far.find import FarFile
from docparse.far.folder import FarFolder
from docparse.far.url import is_far, local
from docparse.reading import Job
from docparse.run_report import MARK, MAX_FILES, MAX_ROWS, Run, report, with_pictures
from docparse.run_whole import whole
from docparse.settings import cores
from docparse.thumbnails import Album, draw

_SUMMARY_MARK = b'{\n "summary": '
"""So begins a ``summary.json`` of ours."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Where they go. ``summary`` is written where a manifest was kept. ``to``: where they are put then."""

    page: Path
    summary: Path
    to: FarFolder | None = None


def places_of(plan: Plan, jobs: Sequence[Job], *, report: bool, report_to: str | None) -> Reports | None:
    """That nothing else is overwritten is seen to before any file is opened. Raises ``SettingsError``, ``OutputError``.

    By itself it is ``report.html``, which may be the name of what becomes of ``report.pdf``: then it has a number; and
    so for ``summary.json``.
    """
    if not report and report_to is None:
        return None
    taken = {os.path.abspath(job.path) for job in jobs}
    taken |= {os.path.abspath(Path(job.folder, job.stem + find(name).suffix)) for job in jobs for name in job.formats}
    if report_to is None:
        page = _free(plan.folder, "report", ".html", taken, MARK.encode(), plan.to)
        return Reports(page, _free(plan.folder, "summary", ".json", taken, _SUMMARY_MARK, plan.to), plan.to)
    report_to = local(report_to)
    if is_far(report_to):
        raise SettingsError(
            "--report-to: that is a URL; reports are written to this machine.",
            hint="--report puts it where the results go.",
        )
    path = Path(report_to)
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--report-to: {report_to!r} does not end in .html.")
    if os.path.abspath(path) in taken:
        raise SettingsError(f"--report-to: {report_to!r} is the name of a result.", hint="Choose another.")
    try_folder(path.parent)
    return Reports(path, _free(path.parent, f"{path.stem}.summary", ".json", taken, _SUMMARY_MARK))


def _free(folder: Path, stem: str, suffix: str, taken: set[str], mark: bytes, to: FarFolder | None = None) -> Path:
    names = chain([f"{stem}{suffix}"], (f"{stem}-{n}{suffix}" for n in count(2)))
    return next(
        path
        for name in names
        if os.path.abspath(path := folder / name) not in taken
        and (_is_free(path, mark) if to is None else _is_free_there(to, name, mark))
    )


def _is_free(path: Path, mark: bytes) -> bool:
    """Whether there is no file, or one of the same kind of an earlier run."""
    try:
        with open(path, "rb") as file:
            return mark in file.read(2000)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _is_free_there(to: FarFolder, name: str, mark: bytes) -> bool:
    begin = to.begins(name, 2000)
    return begin is None or mark in begin


def sent(to: FarFolder | None, path: Path) -> str:
    """Put the file of a run where its results go, if that is elsewhere; where it is then. Raises ``OutputError``."""
    if to is None:
        return str(path)
    to.put(str(path), path.name)
    path.unlink()
    return to.name(path.name)


def write(run: Run, where: Reports, display: Display) -> bool:
    """Draw the pictures, write what there is to write, and say where it is; whether that went well."""
    albums = {i: _album(run.jobs[i], numbers) for i, numbers in with_pictures(run.pages).items()}
    if albums and not run.interrupted:
        with suppress(KeyboardInterrupt):  # somebody does not want to wait for pictures
            run = replace(run, pictures=draw(albums, cores()))
    try:
        if run.whole is not None:
            write_file(where.summary, json.dumps(run.whole.to_dict(), indent=1, ensure_ascii=False) + "\n")
            sent(where.to, where.summary)
        # Its links lead to the results as if they lay beside it, as they will.
        outcomes = [
            replace(outcome, outputs=job.beside(outcome.outputs))
            for outcome, job in zip(run.outcomes, run.jobs, strict=False)
        ]
        write_file(where.page, report(replace(run, outcomes=outcomes), where.page))
        there = sent(where.to, where.page)
    except DocparseError as error:
        display.error(error)
        return False
    display.say("report", "cyan", there)
    return True


def _album(job: Job, numbers: tuple[int, ...]) -> Album:
    return Album(job.path, job.options, numbers, job.far)


def write_whole(
    run: Run, plan: Plan, formats: tuple[str, ...], export: ExportOptions, where: Reports, display: Display
) -> bool:
    """The same of all that the folder's manifests know, earlier runs and other shards with it."""
    folder = str(plan.folder.absolute())
    far = {str(file): file for file in plan.found.files if isinstance(file, FarFile)}

    def job(path: str, stem: str) -> Job:
        name = path if is_far(path) else _short(path)
        return Job(name, folder, stem, formats, plan.options, export, far.get(path))

    try:
        found = whole(places(plan.folder), job, pages=MAX_ROWS, files=MAX_FILES)
    except DocparseError as error:
        display.error(error)
        return False
    engine = next(iter(found.summary.engines), run.engine)
    run = replace(run, jobs=found.jobs, outcomes=found.outcomes, pages=found.pages, whole=found.summary, engine=engine)
    return write(run, where, display)


def _short(path: str) -> str:
    """As somebody who is here would name it."""
    try:
        here = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if here.startswith("..") else here
