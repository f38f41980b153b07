"""``status``, ``doctor``, ``schema``: how things stand. Nothing is read, and nothing written."""

from __future__ import annotations

from typing import Annotated

import typer

from docparse.cli.ending import OK, SOME_FAILED, failing
from docparse.cli.options import AsJson


def status(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of results that `convert -o` was given.")],
    as_json: AsJson = False,
) -> None:
    """Say how a batch stands: how far it is, how fast, what it found, and whether it still runs.

    Nothing is disturbed: ask while it runs, from another terminal or machine, or when it was killed.

    Exit code: 0 it was said, 3 there is no batch.
    """
    from docparse.commands.status import Request, run

    with failing():
        run(Request(folder, as_json))


def doctor() -> None:
    """Say what this machine can do, and what to install for the rest."""
    from docparse.commands.doctor import report

    raise typer.Exit(OK if report() else SOME_FAILED)


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="document, as `convert --to json` writes it; fields, as `extract` does; invoice or receipt.",
        ),
    ] = "document",
    formats: Annotated[bool, typer.Option("--formats", help="List the output formats instead.")] = False,
    issues: Annotated[bool, typer.Option("--issues", help="List the codes of issues and checks instead.")] = False,
) -> None:
    """Print the JSON schema of what docparse writes, or of an invoice or receipt."""
    from docparse.commands.schema import print_formats, print_issues, print_schema

    if formats:
        print_formats()
    elif issues:
        print_issues()
    else:
        with failing():
            print_schema(name)
