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
from docparse.reading import Job
from docparse.run_report import MARK, MAX_FILES, MAX_ROWS, Run, report, with_pictures
from docparse.run_whole import whole
from docparse.settings import cores
from docparse.thumbnails import Album, draw

_SUMMARY_MARK = b'{\n "summary": '
"""So begins a ``summary.json`` of ours."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Where they go. ``summary`` is written where a manifest was kept."""

    page: Path
    summary: Path


def places_of(output: str, jobs: Sequence[Job], *, report: bool, report_to: str | None) -> Reports | None:
    """That nothing else is overwritten is seen to before any file is opened. Raises ``SettingsError``, ``OutputError``.

    By itself it is ``report.html``, which may be the name of what becomes of ``report.pdf``: then it has a number; and
    so for ``summary.json``.
    """
    if not report and report_to is None:
        return None
    taken = {os.path.abspath(job.path) for job in jobs}
    taken |= {os.path.abspath(Path(job.folder, job.stem + find(name).suffix)) for job in jobs for name in job.formats}
    if report_to is None:
        page = _free(Path(output), "report", ".html", taken, MARK.encode())
        return Reports(page, _free(Path(output), "summary", ".json", taken, _SUMMARY_MARK))
    path = Path(report_to)
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--report-to: {report_to!r} does not end in .html.")
    if os.path.abspath(path) in taken:
        raise SettingsError(f"--report-to: {report_to!r} is the name of a result.", hint="Choose another.")
    try_folder(path.parent)
    return Reports(path, _free(path.parent, f"{path.stem}.summary", ".json", taken, _SUMMARY_MARK))


def _free(folder: Path, stem: str, suffix: str, taken: set[str], mark: bytes) -> Path:
    names = chain([f"{stem}{suffix}"], (f"{stem}-{n}{suffix}" for n in count(2)))
    return next(path for name in names if os.path.abspath(path := folder / name) not in taken and _is_free(path, mark))


def _is_free(path: Path, mark: bytes) -> bool:
    """Whether there is no file, or one of the same kind of an earlier run."""
    try:
        with open(path, "rb") as file:
            return mark in file.read(2000)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def write(run: Run, where: Reports, display: Display) -> bool:
    """Draw the pictures, write what there is to write, and say where it is; whether that went well."""
    albums = {i: Album(run.jobs[i].path, run.jobs[i].options, n) for i, n in with_pictures(run.pages).items()}
    if albums and not run.interrupted:
        with suppress(KeyboardInterrupt):  # somebody does not want to wait for pictures
            run = replace(run, pictures=draw(albums, cores()))
    try:
        if run.whole is not None:
            write_file(where.summary, json.dumps(run.whole.to_dict(), indent=1, ensure_ascii=False) + "\n")
        write_file(where.page, report(run, where.page))
    except DocparseError as error:
        display.error(error)
        return False
    display.say("report", "cyan", str(where.page))
    return True


def write_whole(
    run: Run, plan: Plan, formats: tuple[str, ...], export: ExportOptions, where: Reports, display: Display
) -> bool:
    """The same of all that the folder's manifests know, earlier runs and other shards with it."""
    folder = str(plan.folder.absolute())

    def job(path: str, stem: str) -> Job:
        return Job(_short(path), folder, stem, formats, plan.options, export)

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
