"""How a command ends: its exit code, and an error as a sentence on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from docparse.errors import DocparseError, PageRangeError, SchemaError, SettingsError

OK, SOME_FAILED, USAGE, NOTHING_READ, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def failing(code: int = NOTHING_READ) -> Iterator[None]:
    """Say an error of docparse's and end the program: with 2 where it is wrong usage, with ``code`` where not."""
    try:
        yield
    except DocparseError as error:
        from docparse.commands.console import printable

        typer.echo(f"docparse: {printable(str(error))} [{error.code}]", err=True)
        raise typer.Exit(USAGE if isinstance(error, SettingsError | PageRangeError | SchemaError) else code) from error


def mistake(error: Exception) -> str:
    """A sentence about a fault of docparse's own, with its traceback in a file."""
    import tempfile
    import traceback

    said = f"docparse: docparse made a mistake ({type(error).__name__}: {error}) [docparse.failed]."
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="docparse-mistake-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return said
    return f"{said} Please report it with {file.name}."
