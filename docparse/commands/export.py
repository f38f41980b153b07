"""``docparse export``: a document's JSON, as ``convert`` or the service wrote it, in other formats."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import typer

from docparse.commands.console import printable
from docparse.convert import Options, open_for, page_images
from docparse.corrections import as_read
from docparse.document import Document
from docparse.errors import ExportError, SchemaError, SettingsError, UnreadableSource
from docparse.exporters import ExportOptions, Images, find, write_files
from docparse.exporters.sft import vouched_for
from docparse.json_form import from_json


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for. ``source``: the file that the document was read from."""

    document: str
    to: str
    output: str = "."
    source: str | None = None
    password: str | None = None
    as_read: bool = False
    heat: bool = False
    furniture: bool = False


def run(request: Request) -> None:
    """Write what was asked for, and say where. Raises ``DocparseError``."""
    names = tuple(dict.fromkeys(find(name).name for name in request.to.split(",") if name.strip()))
    if not names:
        raise SettingsError("--to names no format.", hint="See `docparse schema --formats`.")
    path = Path(request.document)
    document = _document(path)
    if request.as_read:
        document = as_read(document)
    options = ExportOptions(heat=request.heat, furniture=request.furniture)
    stem = path.name.removesuffix(".json") or "document"
    if "json" in names and Path(request.output, f"{stem}.json").resolve() == path.resolve():
        raise SettingsError("the JSON would take the place of the document itself.", hint="Choose another -o DIR.")
    with ExitStack() as stack:
        images = _images(request, document, stack)
        for name in names:
            written = write_files(document, name, request.output, stem, images=images, options=options)
            if name == "sft" and not vouched_for(document):
                typer.echo("note: no page is corrected or confirmed: there is nothing to train with", err=True)
            typer.echo(printable(str(written[-1])))


def _document(path: Path) -> Document:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableSource(f"it cannot be read ({error.strerror or error}).", file=str(path)) from error
    try:
        return from_json(data)
    except SchemaError as error:
        raise SchemaError(
            error.message, file=str(path), hint="It has to be what `docparse convert --to json` writes."
        ) from error


def _images(request: Request, document: Document, stack: ExitStack) -> Images | None:
    if request.source is None:
        return None
    source = stack.enter_context(open_for(request.source, Options(password=request.password)))
    if document.source.sha256 not in ("", source.info.sha256):
        # Pictures of another file would be wrong without anybody's noticing.
        raise ExportError(
            f"this is not the file that the document was read from ({document.source.name or 'another one'}).",
            file=request.source,
            hint="Their SHA-256 differ.",
        )
    return page_images(source, document.pages)
