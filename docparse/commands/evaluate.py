"""``docparse evaluate``: the results of a run beside ground truth, as a table and as JSON."""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from docparse import __version__
from docparse.commands.console import console, printable
from docparse.errors import EmptySource, SettingsError, UnreadableSource
from docparse.evaluate.judge import Record, judge_all, measured
from docparse.evaluate.summary import ALL, figures_of, summary
from docparse.evaluate.tables import MOST_NODES, must_have_apted
from docparse.evaluate.truth import MEASURES, find_truth, only
from docparse.exporters import write_file
from docparse.settings import cores

OK, NOT_MET = 0, 1
FILE = "evaluate.json"
SHOWN_KINDS = 8
"""Kinds of elements and facts that are named where they are not known."""
_NEEDS = {
    "text": ".md, .txt or .json",
    "order": ".md, .txt or .json",
    "blocks": ".json",
    "tables": ".html, .json or .md",
    "fields": ".fields.json",
    "facts": ".md, .txt or .json",
}
"""The results that a measure is of."""
_COLUMNS = (
    ("NED", "text", "ned"),
    ("CER", "text", "cer"),
    ("WER", "text", "wer"),
    ("word F1", "text", "word_f1"),
    ("order NED", "order", "order_ned"),
    ("tau", "order", "tau"),
    ("blocks F1", "blocks", "f1"),
    ("TEDS", "tables", "teds"),
    ("TEDS-S", "tables", "teds_s"),
    ("fields F1", "fields", "f1"),
    ("facts", "facts", "passed"),
)
_REQUIREMENT = re.compile(r"\s*(?:([^\s.]+)\.)?([a-z]+)\.([a-z0-9_]+)\s*(<=|>=|<|>)\s*(\d+(?:\.\d*)?)\s*")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for. ``out``: a file, None for ``evaluate.json`` beside the results; ``measures``: None for
    those that there are results for; ``require``: as ``pages.tables.teds>=0.8``."""

    results: str
    truth: str
    out: str | None = None
    measures: str | None = None
    require: tuple[str, ...] = ()
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class _Requirement:
    said: str
    set: str | None
    measure: str
    figure: str
    met: Callable[[float, float], bool]
    than: float
    relation: str


def run(request: Request) -> int:
    """Judge and report. Returns the exit code; raises ``DocparseError`` where nothing can be judged."""
    wanted = _measures(request.measures)
    required = [_requirement(text) for text in request.require]
    if not Path(request.results).is_dir():
        raise UnreadableSource("there is no such folder.", file=request.results)
    truths = only(find_truth(request.truth), wanted or MEASURES)
    if not truths:
        raise EmptySource(f"the ground truth has nothing for {request.measures}.", file=request.truth)
    if any(truth.tables is not None for truth in truths):
        must_have_apted()
    records = _judged(truths, request)
    if all(record.without_results for record in records):
        raise EmptySource(
            f"there are no results of the {len(records)} documents that the ground truth knows.",
            file=request.results,
            hint="They are named for the documents, as NAME.md, NAME.json, NAME.html, NAME.fields.json.",
        )
    records, left_out = measured(records, wanted)
    figures = summary(records)
    _table(figures)
    for note in _notes(records, figures, left_out):
        typer.echo(note, err=True)
    path = Path(request.out) if request.out is not None else Path(request.results, FILE)
    write_file(path, _json(request, records, figures))
    typer.echo(printable(str(path)))
    return _gate(required, figures)


def _judged(truths: Sequence[Any], request: Request) -> list[Record]:
    from rich.progress import track

    shown = console(stderr=True)
    records = judge_all(truths, request.results, jobs=request.jobs or cores())
    return list(
        track(
            records,
            "judged",
            total=len(truths),
            console=shown,
            transient=True,
            disable=not shown.is_terminal,
        )
    )


def _measures(text: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        if name not in MEASURES:
            raise SettingsError(f"--measures: there is no {name!r}.", hint=f"Choose among {', '.join(MEASURES)}.")
    return names


def _json(request: Request, records: Sequence[Record], figures: Mapping[str, Any]) -> bytes:
    """One record a line, so that two evaluations compare well."""
    head = {"docparse": __version__, "results": request.results, "truth": request.truth, "sets": figures}
    parts = ",\n ".join(f"{_dumped(key)}: {_dumped(value)}" for key, value in head.items())
    documents = ",\n  ".join(_dumped(figures_of(record)) for record in records)
    # A lone surrogate becomes its own escape.
    return f'{{\n {parts},\n "documents": [\n  {documents}\n ]\n}}\n'.encode("utf-8", "backslashreplace")


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# ------------------------------------------------------------------------------------ what is shown


def _table(figures: Mapping[str, Any]) -> None:
    from rich.table import Table

    columns = [column for column in _COLUMNS if any(column[1] in one for one in figures.values())]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("set", "truth"):
        table.add_column(name)
    for name in ("docs", *(name for name, _, _ in columns)):
        table.add_column(name, justify="right")
    for name, one in figures.items():
        table.add_row(printable(name), ALL, str(one["documents"]), *_cells(one, columns))
        if len(one["by_quality"]) > 1:
            for quality, documents in one["by_quality"].items():
                table.add_row("", printable(quality), str(documents), *_cells(one, columns, quality))
    console(stderr=False).print(table)


def _cells(
    one: Mapping[str, Any], columns: Sequence[tuple[str, str, str]], quality: str | None = None
) -> Iterator[str]:
    for _, measure, figure in columns:
        part = one.get(measure, {})
        value = (part.get(ALL, {}) if quality is None else part.get("by_quality", {}).get(quality, {})).get(figure)
        yield "" if value is None else f"{value:.4f}"


def _notes(
    records: Sequence[Record], figures: Mapping[str, Any], left_out: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """What the figures do not say by themselves."""
    for name, measures in left_out.items():
        needed = "; ".join(f"{measure} (of {_NEEDS[measure]})" for measure in measures)
        yield f"note: {printable(name)}: there are no results for {needed}: not measured"
    missing = [record.id for record in records if record.without_results]
    if missing:
        names = ", ".join(map(printable, missing[:3])) + (", ..." if len(missing) > 3 else "")
        yield f"note: {len(missing)} of {len(records)} documents have no results and count as empty output: {names}"
    unknown = Counter(kind for record in records for kind in record.unknown)
    if unknown:
        said = ", ".join(f"{printable(kind)} ({number:,})" for kind, number in unknown.most_common(SHOWN_KINDS))
        more = ", ..." if len(unknown) > SHOWN_KINDS else ""
        yield f"note: the truth has what is not known here and does not count: {said}{more}"
    large = sum(one["tables"][ALL]["tables_too_large"] for one in figures.values() if "tables" in one)
    if large:
        yield f"note: {large} tables have more than {MOST_NODES} rows and cells: TEDS leaves them out"


# ------------------------------------------------------------------------------------ the gate


def _requirement(text: str) -> _Requirement:
    found = _REQUIREMENT.fullmatch(text)
    if found is None or found[2] not in MEASURES:
        raise SettingsError(
            f"--require: {text!r} is no requirement.",
            hint="Say it as text.ned<=0.1, or for one set as pages.tables.teds>=0.8; names as in evaluate.json.",
        )
    return _Requirement(text.strip(), found[1], found[2], found[3], _COMPARISONS[found[4]], float(found[5]), found[4])


def _gate(required: Sequence[_Requirement], figures: Mapping[str, Any]) -> int:
    """Say which requirements are not met. One about a figure that there is not is not met."""
    code = OK
    for one in required:
        found = {
            name: part[one.measure][ALL].get(one.figure)
            for name, part in figures.items()
            if one.measure in part and one.set in (None, name)
        }
        found = {name: value for name, value in found.items() if isinstance(value, int | float)}
        if not found:
            typer.echo(f"not met: {one.said}: there is no such figure", err=True)
            code = NOT_MET
        for name, value in found.items():
            if not one.met(value, one.than):
                said = f"{name}.{one.measure}.{one.figure} is {value:.4f}, not {one.relation} {one.than:g}"
                typer.echo(f"not met: {printable(said)}", err=True)
                code = NOT_MET
    return code
