"""THE way from a file to its fields: read the pages, find the fields, hear the witnesses, judge.

    import docparse
    found = docparse.extract("invoice.pdf")                       # or schema="receipt", a path, a pydantic class
    found["grand_total"], found.evidence["grand_total"].bbox

The command line, the service, the viewer and batches all come through here.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from docparse import __version__
from docparse.attachments import Attachment
from docparse.confidence import described
from docparse.convert import Options, open_for, page_images, page_numbers, read_source
from docparse.document import Document, Issue
from docparse.engines.base import Asks, Engine
from docparse.engines.choose import choose
from docparse.errors import SchemaError, SourceError
from docparse.extract.einvoice.find import EInvoice, find_einvoice
from docparse.extract.judge import judge
from docparse.extract.page_text import DocumentText, document_text
from docparse.extract.result import Extraction, Fields, FieldsVerdict
from docparse.extract.schemas import Schema, SchemaLike, load_schema
from docparse.source import Source
from docparse.textlayer import Word

if TYPE_CHECKING:
    from PIL.Image import Image
    from pydantic import BaseModel

    from docparse.extract.schemas import Invoice, Receipt

    Model = TypeVar("Model", bound=BaseModel)

log = logging.getLogger("docparse")

Pictures = Callable[[int], "Image"]


@overload
def extract(
    path: str | os.PathLike[str] | bytes,
    schema: type[Model],
    *,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Extraction[Model]: ...
@overload
def extract(
    path: str | os.PathLike[str] | bytes,
    schema: Literal["invoice"] = "invoice",
    *,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Extraction[Invoice]: ...
@overload
def extract(
    path: str | os.PathLike[str] | bytes,
    schema: Literal["receipt"],
    *,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Extraction[Receipt]: ...
@overload
def extract(
    path: str | os.PathLike[str] | bytes,
    schema: SchemaLike,
    *,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Extraction[Any]: ...
def extract(
    path: str | os.PathLike[str] | bytes,
    schema: SchemaLike = "invoice",
    *,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Extraction[Any]:
    """The fields of a document, each with the place that proves it; None where the document does not say.

    ``schema``: ``invoice``, ``receipt``, the path of a JSON Schema, such a schema as a dict, or a pydantic class.
    Further keywords are the fields of ``docparse.Options``. Raises ``SchemaError``, and ``DocparseError`` where the
    file cannot be opened; a page that fails is in the verdict.
    """
    wanted = load_schema(schema)
    chosen = seeing(dataclasses.replace(options or Options(), **changes))  # type: ignore[arg-type]
    engine, reason = choose(
        chosen.engine,
        model=chosen.model,
        remote=chosen.remote,
        page_seconds=chosen.limits.model_page_seconds,
        cache=chosen.cache,
    )
    with open_for(path, chosen, name=name) as source:
        return extract_source(source, wanted, engine, page_numbers(source, chosen), reason=reason)


def seeing(options: Options) -> Options:
    """Options under which OCR looks at what a model reads: values are to stand among words that it did not write."""
    model = dataclasses.replace(options.model, check="ocr")
    return dataclasses.replace(options, model=model, remote=dataclasses.replace(options.remote, check="ocr"))


def extract_source(
    source: Source, schema: Schema, engine: Engine, numbers: Sequence[int], *, reason: str = ""
) -> Extraction[Any]:
    """The fields of an open source's pages ``numbers``, read with ``engine``."""
    words: dict[int, Sequence[Word]] = {}
    pages = sorted(read_source(source, engine, numbers, seen=words.__setitem__), key=lambda page: page.number)
    document = Document(tuple(pages), source.info, described(engine.info(), reason), __version__)
    return extract_read(source, document, schema, engine, words=words, pictures=page_images(source, pages))


def extract_read(
    source: Source,
    document: Document,
    schema: Schema,
    engine: Engine,
    *,
    words: Mapping[int, Sequence[Word]],
    pictures: Pictures,
) -> Extraction[Any]:
    """The fields of a document that ``engine`` has read from ``source``, which is still open."""
    return extract_document(
        document,
        schema,
        words=words,
        attachments=source_attachments(source) if schema.kind == "invoice" else (),
        asker=_asker(engine),
        pictures=pictures,
    )


def extract_document(
    document: Document,
    schema: SchemaLike = "invoice",
    *,
    words: Mapping[int, Sequence[Word]] | None = None,
    attachments: Sequence[Attachment] = (),
    asker: Asks | None = None,
    pictures: Pictures | None = None,
) -> Extraction[Any]:
    """The fields of a document that was read before.

    ``words``: those seen on each page; without them boxes of values are worked out from the elements'. ``attachments``:
    the files inside of the file: an invoice may carry its own data. ``asker`` and ``pictures``: a model to ask, and
    the pages to show to it; without them the embedded extractor reads.
    """
    wanted = load_schema(schema)
    text = document_text(document, words)
    parts = _parts(text, wanted)
    xml, noted = find_einvoice(attachments) if wanted.kind == "invoice" and len(parts) == 1 else (None, ())
    found = [_one(part, wanted, xml, noted, asker, pictures) for part in parts]
    return dataclasses.replace(found[0], others=tuple(found[1:])) if len(found) > 1 else found[0]


def _parts(text: DocumentText, schema: Schema) -> list[DocumentText]:
    """The documents that a file holds, by their pages."""
    if schema.kind != "invoice" or len(text.pages) < 2:
        return [text]
    from docparse.extract.invoice.spans import split

    return [text.part(numbers) for numbers in split(text)]


def _one(
    text: DocumentText,
    schema: Schema,
    xml: EInvoice | None,
    noted: Sequence[Issue],
    asker: Asks | None,
    pictures: Pictures | None,
) -> Extraction[Any]:
    numbers = [page.number for page in text.pages] or [1]
    if all(page.page.verdict.status == "failed" for page in text.pages):
        found, verdict = Fields(), FieldsVerdict("failed", _faults(text))
    else:
        found = _found(text, schema, asker, pictures)
        found = dataclasses.replace(found, issues=found.issues + tuple(noted))
        found, verdict = judge(found, text, schema, xml)
    names = schema.definition.get("properties", {})
    values = {name: found.values.get(name, _empty(names[name])) for name in names}
    evidence = {name: item for name, item in found.evidence.items() if _top(name) in values}
    return Extraction(
        schema.name,
        _as_object(schema, values),
        values,
        evidence,
        found.checks,
        verdict,
        (numbers[0], numbers[-1]),
        document=text.document,
    )


def _found(text: DocumentText, schema: Schema, asker: Asks | None, pictures: Pictures | None) -> Fields:
    if asker is not None and pictures is not None:
        from docparse.extract.asking.extractor import read_with_model

        return read_with_model(text, schema, asker, pictures, instead=lambda: _embedded(text, schema))
    return _embedded(text, schema)


def _embedded(text: DocumentText, schema: Schema) -> Fields:
    """What the extractors without a model find."""
    if schema.kind == "invoice":
        from docparse.extract.invoice.read import read_invoice

        return read_invoice(text)
    if schema.kind == "receipt":
        from docparse.extract.receipt.read import read_receipt

        return read_receipt(text)
    from docparse.extract.user.read import read_schema

    return read_schema(text, schema)


def source_attachments(source: Source) -> tuple[Attachment, ...]:
    """The files inside of a file; none where they cannot be had, which costs no page."""
    try:
        return source.attachments()
    except SourceError as error:
        log.warning("%s: its attachments cannot be read: %s", source.info.name, error)
        return ()


def _asker(engine: Engine) -> Asks | None:
    """The engine's model, where it has one that answers questions."""
    from docparse.extract.asking.extractor import asker_of

    return None if engine.name == "embedded" else asker_of(engine)


def _faults(text: DocumentText) -> tuple[Issue, ...]:
    return tuple(issue for page in text.pages for issue in page.page.verdict.issues if issue.severity == "error")


def _top(name: str) -> str:
    return name.split(".", 1)[0].split("[", 1)[0]


def _empty(definition: Any) -> Any:
    """What a field is that the document does not say: a list of nothing, or None."""
    return [] if isinstance(definition, dict) and definition.get("type") == "array" else None


def _as_object(schema: Schema, values: Mapping[str, Any]) -> Any:
    """The values as an object of the schema's class; a plain dict where it has none.

    Raises ``SchemaError`` where a class of the user's own cannot hold what was found: it says that a value must be
    there which the document does not have.
    """
    if schema.model is None:
        return dict(values)
    from pydantic import ValidationError

    try:
        return schema.model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemaError(
            f"what was found does not fit into {schema.model.__name__}: {place}: {first['msg']}.",
            hint="Let fields that a document may not have be None.",
        ) from error
