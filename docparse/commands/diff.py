"""``docparse diff``: what two runs over the same documents read differently, as a page to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from docparse.commands.console import printable
from docparse.diff_report import diff_page, headline
from docparse.exporters import write_file
from docparse.run_diff import compare_runs

SAME, DIFFERENT = 0, 1


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for: two folders of results, or two documents as JSON, and where the page goes."""

    first: str
    other: str
    output: str = "diff.html"


def run(request: Request) -> int:
    """Compare, write the page and say what differs. Returns the exit code; raises ``DocparseError``."""
    found = compare_runs(request.first, request.other)
    path = Path(request.output)
    write_file(path, diff_page(found, request.first, request.other, path))
    for error in found.problems:
        typer.echo(f"note: {printable(str(error))} [{error.code}]", err=True)
    typer.echo(headline(found))
    typer.echo(printable(str(path)))
    return DIFFERENT if found.differs else SAME
