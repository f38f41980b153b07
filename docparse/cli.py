"""The command line: convert, doctor, schema, bench.

Start-up is kept light: what a command needs is imported when it runs. Exit codes: 0 all is well,
1 some pages or files are not (see ``--fail-on``), 2 wrong usage, 3 nothing could be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from docparse.errors import DocparseError

OK, SOME_FAILED, USAGE, NOTHING_READ, INTERRUPTED = 0, 1, 2, 3, 130

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


@app.command()
def convert(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders or glob patterns.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")] = ".",
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, comma separated: see `docparse schema --formats`.")
    ] = "html,md,json",
    engine: Annotated[str | None, typer.Option(metavar="NAME", help="auto or embedded.")] = None,
    pages: Annotated[str | None, typer.Option(metavar="RANGE", help="Pages like 1-5,8,r3-r1 (r1 is the last).")] = None,
    dpi: Annotated[
        str | None, typer.Option(metavar="N|native", help="Resolution of PDF pages; native fits the text.")
    ] = None,
    password: Annotated[str | None, typer.Option(metavar="P", help="Password of encrypted PDFs.")] = None,
    renderer: Annotated[str | None, typer.Option(metavar="NAME", help="auto, pymupdf or pdf2image.")] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Worker processes; 0 is one per core.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Exit with 1 on partial or on failed pages.")
    ] = None,
    page_seconds: Annotated[float | None, typer.Option(metavar="S", help="Longest time for one page.")] = None,
    heat: Annotated[bool, typer.Option("--heat", help="Overlays coloured by confidence instead of by kind.")] = False,
    furniture: Annotated[
        bool, typer.Option("--furniture", help="Keep headers, footers and page numbers in md, text and chunks.")
    ] = False,
) -> None:
    """Convert documents to HTML, Markdown, JSON, overlays and more.

    Results are written as DIR/<name>.<ending>, complete or not at all. Every page ends with a
    verdict: ok, repaired, partial, fallback or failed.
    """
    from docparse.commands.convert import Request, run
    from docparse.errors import DocparseError

    try:
        code = run(
            Request(
                inputs=tuple(inputs),
                output=output,
                to=to,
                pages=pages,
                password=password,
                heat=heat,
                furniture=furniture,
                flags={
                    "engine": engine,
                    "dpi": None if dpi == "native" else dpi,
                    "renderer": renderer,
                    "jobs": jobs,
                    "fail_on": fail_on,
                    "page_seconds": page_seconds,
                },
            )
        )
    except DocparseError as error:
        _fail(error)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is finished is written; nothing is half written.", err=True)
        code = INTERRUPTED
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what to install for the rest."""
    from docparse.commands.doctor import report

    raise typer.Exit(OK if report() else SOME_FAILED)


@app.command()
def schema(
    formats: Annotated[bool, typer.Option("--formats", help="List the output formats instead.")] = False,
    issues: Annotated[bool, typer.Option("--issues", help="List the codes of page issues instead.")] = False,
) -> None:
    """Print the JSON schema of a document, as `--to json` writes it."""
    from docparse.commands.schema import print_formats, print_issues, print_schema

    if formats:
        print_formats()
    elif issues:
        print_issues()
    else:
        print_schema()


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark: embedded or markup.")] = "embedded",
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Evaluation data, beside the samples.")] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
) -> None:
    """Measure speed, memory and accuracy beside other programs, in one run."""
    from docparse.commands.bench import run
    from docparse.errors import DocparseError

    try:
        code = run(name, data=data, out=out)
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


def _fail(error: DocparseError) -> NoReturn:
    from docparse.errors import EmptySource, PageRangeError, SettingsError, UnreadableSource

    typer.echo(f"docparse: {error} [{error.code}]", err=True)
    usage = isinstance(error, SettingsError | PageRangeError)
    nothing = isinstance(error, EmptySource | UnreadableSource)
    raise typer.Exit(USAGE if usage else NOTHING_READ if nothing else SOME_FAILED)


def main() -> None:
    """The entry point of the ``docparse`` program."""
    app(prog_name="docparse")
    sys.exit(OK)
