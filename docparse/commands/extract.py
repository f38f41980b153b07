"""``docparse extract``: files in, their fields in a folder, a table of what was found at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.batch import Outcome
from docparse.commands.bulk import INTERRUPTED, NOTHING_READ, OK, SOME_FAILED, Display, Plan, follow, plan
from docparse.commands.console import printable
from docparse.commands.reports import sent
from docparse.errors import DocparseError, SchemaError, SettingsError
from docparse.extract.extraction import seeing
from docparse.extract.job import FieldsJob
from docparse.extract.output.files import csv_of_run, find, span
from docparse.extract.output.flat import layout
from docparse.extract.output.summary import Summary
from docparse.extract.result import STATUSES, plain
from docparse.extract.schemas import Schema, load_schema
from docparse.inputs import far_of, stems

RUN_CSV = "fields.csv"
"""The table of a whole run."""
REASON = 120
"""Characters of a reason in the table."""
_COLOURS = {"ok": "green", "partial": "yellow", "empty": "yellow", "failed": "red"}
_HEADINGS = {"invoice": ("number", "date", "total"), "receipt": ("shop", "date", "total")}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given."""

    inputs: tuple[str, ...]
    schema: str
    output: str
    to: str
    pages: str | None = None
    password: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> int:
    """Extract and report. Returns the exit code; raises ``DocparseError`` for what is wrong at once."""
    formats = _formats(request.to)
    schema, scalars = _schema(request.schema)
    planned = plan(request.inputs, request.output, pages=request.pages, password=request.password, flags=request.flags)
    files, folder = planned.found.files, planned.folder
    names = stems(files, suffixes=[find(name).suffix for name in formats], folder=planned.to or folder)
    options = seeing(planned.options)
    jobs = [
        FieldsJob(str(path), str(folder), stem, formats, options, far=far_of(path), to=planned.to, schema=schema)
        for path, stem in zip(files, names, strict=True)
    ]
    with Display(len(jobs)) as display:
        outcomes, interrupted = follow(planned, jobs, display)
    ended = [outcome for outcome in outcomes if outcome.done]
    _table(ended, schema, display.console)
    written = True
    if "csv" in formats and len(jobs) > 1:
        written = _write_run(ended, scalars, planned, display)
    if interrupted:
        display.interrupted(len(ended), len(jobs))
        return INTERRUPTED
    return exit_code(ended, planned.settings.fail_on, some_missing=bool(planned.found.problems) or not written)


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if not names:
        raise SettingsError("--to names no format.", hint="Choose among json, csv, xlsx and overlay.")
    try:
        for name in names:
            find(name)
    except SettingsError as error:
        raise SettingsError(f"--to: {error.message}", hint=error.hint) from error
    return names


def _schema(wanted: str) -> tuple[Schema, tuple[str, ...]]:
    """The schema and the names of its plain fields: what is wrong with it is said before any file is opened."""
    try:
        schema = load_schema(wanted)
        return schema, layout(schema).scalars
    except SchemaError as error:
        raise SchemaError(f"--schema: {error.message}", file=error.file, hint=error.hint) from error


def _write_run(ended: Sequence[Outcome], scalars: Sequence[str], planned: Plan, display: Display) -> bool:
    """Write the table of the run; whether that went well."""
    from docparse.exporters import write_file

    read = [outcome for outcome in ended if outcome.error is None]
    try:
        path = planned.folder / RUN_CSV
        write_file(path, csv_of_run([o.path for o in read], [o.told for o in read], scalars))
        where = sent(planned.to, path)
    except DocparseError as error:
        display.error(error)
        return False
    display.say("table", "cyan", where)
    return True


def _table(ended: Sequence[Outcome], schema: Schema, console: Any) -> None:
    """The table at the end: a row for each document, with who, when, how much, how sure, and what is wrong."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    keys = _HEADINGS.get(schema.kind, ("fields",))
    right = ("total", "confidence", "s", "fields")
    for name in ("file", *keys, "confidence", "verdict", "reason", "s"):
        table.add_column(name, overflow="fold", justify="right" if name in right else "left")
    verdicts: Counter[str] = Counter()
    for outcome in ended:
        if outcome.error is not None:
            verdict = ["[red]not read[/]", outcome.error.code]
            table.add_row(_shown(outcome.path), *("" for _ in keys), "", *verdict, f"{outcome.seconds:.1f}")
            continue
        for i, one in enumerate(outcome.told):
            where = (
                f", page{'' if one.pages[0] == one.pages[1] else 's'} {span(one.pages)}"
                if len(outcome.told) > 1
                else ""
            )
            seconds = "" if i else f"{outcome.seconds:.1f}"
            table.add_row(_shown(outcome.path) + where, *_cells(one), seconds)
            verdicts[one.status] += 1
    console.print(table)
    if len(ended) > 1:
        # After ten thousand lines this is the one that is read.
        lost = sum(outcome.error is not None for outcome in ended)
        not_read = f", [red]{lost} not read[/]" if lost else ""
        said = ", ".join(f"[{_COLOURS[s]}]{verdicts[s]} {s}[/]" for s in STATUSES if verdicts[s])
        console.print(
            f"{len(ended)} files{not_read}" + (f"; {verdicts.total()} documents: {said}" if said else ""),
            soft_wrap=True,
        )


def _cells(one: Summary) -> Iterator[str]:
    if one.keys:
        name, date, total = (_shown(str(plain(value))) if value is not None else "" for value in one.keys)
        yield from (name, date, f"{total} {_shown(one.currency)}".strip() if total else "")
    else:
        yield f"{one.found} of {one.fields}"
    yield "" if one.confidence is None else f"{one.confidence:.0%}"
    yield f"[{_COLOURS[one.status]}]{one.status}[/]"
    yield _shown(one.reason if len(one.reason) <= REASON else f"{one.reason[: REASON - 1]}…")


def _shown(text: str) -> str:
    """Other people's text: nothing in it is markup, or commands the terminal."""
    from rich.markup import escape

    return escape(printable(text))


def exit_code(ended: Sequence[Outcome], fail_on: str, *, some_missing: bool) -> int:
    """As ``convert`` has it; a document's verdict counts like that of its pages."""
    read = [outcome for outcome in ended if outcome.error is None]
    verdicts = [one.status for outcome in read for one in outcome.told]
    if all(status == "failed" for status in verdicts):
        return NOTHING_READ
    bad = {"failed"} if fail_on == "failed" else {"failed", "partial", "empty"}
    statuses = [status for outcome in read for status in outcome.pages.values()]
    if some_missing or len(read) < len(ended) or not bad.isdisjoint((*verdicts, *statuses)):
        return SOME_FAILED
    return OK
