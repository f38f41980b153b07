"""The program: its commands in the order that ``--help`` has them, and its entry point."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from docparse.cli.documents import convert, export, extract, ground
from docparse.cli.ending import INTERRUPTED, SOME_FAILED, mistake
from docparse.cli.measures import bench, diff, evaluate
from docparse.cli.services import mcp, serve
from docparse.cli.standing import doctor, schema, status
from docparse.cli.stores import cache, models

app = typer.Typer(
    name="docparse",
    help="Documents in, trustworthy structure out: PDFs, scans and photos to QwenVL HTML.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from docparse import __version__

        typer.echo(f"docparse {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Documents in, trustworthy structure out: PDFs, scans and photos to QwenVL HTML."""


for command in (convert, extract, ground, serve, mcp, export, status, doctor, schema, bench, evaluate, diff):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(cache, name="cache")


def main() -> None:
    """The entry point of the ``docparse`` program."""
    try:
        app(prog_name="docparse")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001  (nobody but a developer wants to see a traceback)
        typer.echo(mistake(error), err=True)
        sys.exit(SOME_FAILED)
