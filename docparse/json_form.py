"""A document as JSON, and back. ``from_json(to_json(document)) == document`` for every document.

What it is: the one JSON form, used by the exporter, the service, the viewer and the batch store.
Standard library only. What it is not: a validator of taste; it refuses what cannot be a document
(with the JSON path of the fault) and ignores keys that it does not know. ``schema.py`` describes
the same form for other programs.

``text`` and ``html`` are there for readers. On the way in ``html`` is ignored, and ``text`` counts
only where nothing more exact (``runs``, ``cells``, ``items``) says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from docparse.correction import CellText, Correction, Was
from docparse.document import NOTATIONS, Block, Cell, Document, EngineInfo, Issue, Page, Run, Source, Verdict
from docparse.errors import SchemaError
from docparse.geometry import BBox
from docparse.json_place import Place

Json = dict[str, Any]

# One encoder for all: building one costs more than encoding a block with it.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


# ------------------------------------------------------------------------------------ to JSON


def to_dict(document: Document, *, html: Callable[[Block], str] | None = None) -> Json:
    """The document as plain dicts, lists, strings and numbers.

    ``html`` writes the element of a block, which goes in as its ``html``; without it there is none.
    """
    corrections = {"corrections": list(map(correction_to_dict, document.corrections))} if document.corrections else {}
    return {**_head(document), **corrections, "pages": [_page(page, html) for page in document.pages]}


def to_json(document: Document, *, html: Callable[[Block], str] | None = None) -> str:
    """The document as JSON text: one line for each block, so that two versions compare well."""
    return "".join(text for text, _, _ in json_lines(document, html=html))


def json_lines(
    document: Document, *, html: Callable[[Block], str] | None = None
) -> Iterator[tuple[str, Page | None, Block | None]]:
    """The pieces of ``to_json`` in order; what is one block's object comes with its page and block."""
    yield "{\n" + ",\n".join(f" {_encode(k)}: {_text(v)}" for k, v in _head(document).items()), None, None
    if document.corrections:
        said = ",\n  ".join(_text(correction_to_dict(each)) for each in document.corrections)
        yield f',\n "corrections": [\n  {said}\n ]', None, None
    yield ',\n "pages": [', None, None
    for index, page in enumerate(document.pages):
        head = _text(_page_head(page))[:-1]  # its closing brace comes after the blocks
        yield f'{"," if index else ""}\n  {head}, "blocks": [', None, None
        for number, block in enumerate(page.blocks):
            yield ",\n   " if number else "\n   ", None, None
            yield _text(_block(block, html)), page, block
        yield "]}", None, None
    yield "]\n}\n", None, None


def _text(value: object) -> str:
    text = _encode(value)
    if not text.isascii() and _LONE_SURROGATE.search(text):  # a file name that is not UTF-8
        text = _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text


def _head(document: Document) -> Json:
    source, engine = document.source, document.engine
    return {
        "docparse": document.version,
        "source": {
            "name": source.name,
            "sha256": source.sha256,
            "bytes": source.bytes,
            "media_type": source.media_type,
            "pages": source.pages,
        },
        "engine": {
            "name": engine.name,
            "version": engine.version,
            "model": engine.model,
            "reason": engine.reason,
            "calibration": engine.calibration,
        },
        "status": document.status,
    }


def _page(page: Page, html: Callable[[Block], str] | None) -> Json:
    return {**_page_head(page), "blocks": [_block(block, html) for block in page.blocks]}


def _page_head(page: Page) -> Json:
    return {
        "page": page.number,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "size_pt": list(page.size_pt),
        "rotation": page.rotation,
        "renderer": page.renderer,
        "verdict": {"status": page.verdict.status, "issues": [_issue(issue) for issue in page.verdict.issues]},
    }


def _issue(issue: Issue) -> Json:
    parts: Json = {"code": issue.code, "message": issue.message, "severity": issue.severity}
    for key in ("block", "line", "column"):
        if (value := getattr(issue, key)) is not None:
            parts[key] = value
    return parts


def _block(block: Block, html: Callable[[Block], str] | None) -> Json:
    parts: Json = {"id": block.id, "type": block.kind, "bbox": _bbox(block.bbox), "text": block.text}
    if html is not None:
        parts["html"] = html(block)
    parts["confidence"] = block.confidence
    if block.level:
        parts["level"] = block.level
    if block.number is not None:
        parts["number"] = block.number
    # With cells the text is theirs, so that the runs of a chart must then be said.
    if block.runs and (block.cells or _has_marks(block.runs)):
        parts["runs"] = _runs(block.runs)
    if block.cells:
        parts["rows"] = block.num_rows
        parts["cols"] = block.num_cols
        parts["cells"] = [_cell(cell) for cell in block.cells]
    if block.style:
        parts["style"] = block.style
    if block.items:
        parts["items"] = [_block(item, html) for item in block.items]
    if block.notation and block.notation != NOTATIONS[block.kind][0]:
        parts["notation"] = block.notation
    if block.agreement is not None:
        parts["agreement"] = block.agreement
    if block.origin:
        parts["origin"] = block.origin
    return parts


def _cell(cell: Cell) -> Json:
    parts: Json = {
        "row": cell.row,
        "col": cell.col,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "text": cell.text,
        "header": cell.header,
    }
    if _has_marks(cell.runs):
        parts["runs"] = _runs(cell.runs)
    if cell.bbox is not None:
        parts["bbox"] = _bbox(cell.bbox)
    if cell.confidence is not None:
        parts["confidence"] = cell.confidence
    return parts


def _has_marks(runs: tuple[Run, ...]) -> bool:
    return len(runs) > 1 or bool(runs and runs[0].marks)


def _runs(runs: tuple[Run, ...]) -> list[Json]:
    return [{"text": run.text, "marks": list(run.marks)} if run.marks else {"text": run.text} for run in runs]


def _bbox(box: BBox | None) -> list[float] | None:
    return None if box is None else [box.x1, box.y1, box.x2, box.y2]


def correction_to_dict(said: Correction) -> Json:
    """A correction as it stands in a document's JSON."""
    parts: Json = {"page": said.page, "op": said.op}
    if said.op == "add":
        parts |= {"at": said.to, "block": None if said.added is None else _block(said.added, None)}
    elif said.block:
        parts["block"] = said.block
    if said.op == "move":
        parts["to"] = said.to
    edits = {"text": said.text, "type": said.kind, "level": said.level, "bbox": _bbox(said.bbox)}
    parts |= {key: value for key, value in edits.items() if value is not None}
    if said.cells:
        parts["cells"] = [{"row": cell.row, "col": cell.col, "text": cell.text} for cell in said.cells]
    parts |= {key: value for key, value in (("by", said.by), ("time", said.time)) if value}
    if not said.applied:
        parts |= {"applied": False, "reason": said.reason}
    if said.was is not None:
        parts["was"] = _was(said.was)
    return parts


def _was(was: Was) -> Json:
    parts: Json = {} if was.at is None else {"at": was.at}
    if was.block is not None:
        parts["block"] = _block(was.block, None)
    if was.cells:
        parts["cells"] = [_cell(cell) for cell in was.cells]
    if was.inside is not None:
        parts["inside"] = _block(was.inside, None)
    return parts | ({"digest": was.digest} if was.digest else {})


# ---------------------------------------------------------------------------------- from JSON


def from_json(text: str | bytes) -> Document:
    """The document that ``text`` (UTF-8 if bytes) describes. Raises ``SchemaError``."""
    try:
        data = json.loads(text)
    except UnicodeDecodeError as error:
        raise SchemaError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise SchemaError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, endless nesting
        raise SchemaError("not a document: its JSON is too large or too deep to read") from error
    return from_dict(data)


def from_dict(data: object) -> Document:
    """The document that ``data`` describes. Raises ``SchemaError`` with the path of the fault."""
    at = Place(data, "")
    if at.data.get("pages") is None:
        raise at.wrong("pages", "an array", None)
    pages, source, engine = at.items("pages"), at.get("source"), at.get("engine")
    return at.build(
        Document,
        pages=tuple(_read_page(page) for page in pages),
        source=Source(
            name=source.text("name"),
            sha256=source.text("sha256"),
            bytes=source.integer("bytes", 0),
            media_type=source.text("media_type"),
            pages=source.integer("pages", 0),
        ),
        engine=EngineInfo(
            name=engine.text("name"),
            version=engine.text("version"),
            model=engine.text("model"),
            reason=engine.text("reason"),
            calibration=engine.text("calibration"),
        ),
        version=at.text("docparse"),
        corrections=tuple(_read_correction(each, each.integer("page")) for each in at.items("corrections")),
    )


def correction_from_dict(data: object, *, page: int, at: str = "") -> Correction:
    """The correction of page ``page`` that ``data``, which stands at the path ``at``, describes. What only docparse
    can know (``was``, ``time``) is read too: whoever takes it from strangers looks after that.
    Raises ``SchemaError``."""
    return _read_correction(Place(data, at), page)


def _read_correction(at: Place, page: int) -> Correction:
    op = at.choice("op", None)
    adds = op == "add"
    applied = at.data.get("applied") is None or at.boolean("applied")
    return at.build(
        Correction,
        op=op,
        page=page,
        block="" if adds else at.text("block"),
        text=None if at.data.get("text") is None else at.text("text"),
        kind=None if at.data.get("type") is None else at.choice("type"),
        level=at.maybe_integer("level"),
        bbox=at.bbox(),
        cells=tuple(
            cell.build(CellText, row=cell.integer("row"), col=cell.integer("col"), text=cell.text("text", None))
            for cell in at.items("cells")
        ),
        to=at.integer("at") if adds else at.maybe_integer("to"),
        added=_read_block(at.get("block")) if adds else None,
        by=at.text("by"),
        time=at.text("time"),
        applied=applied,
        reason="" if applied else at.text("reason"),
        was=None if at.data.get("was") is None else _read_was(at.get("was")),
    )


def _read_was(at: Place) -> Was:
    return at.build(
        Was,
        at=at.maybe_integer("at"),
        block=None if at.data.get("block") is None else _read_block(at.get("block")),
        cells=tuple(_read_cell(cell) for cell in at.items("cells")),
        inside=None if at.data.get("inside") is None else _read_block(at.get("inside")),
        digest=at.text("digest"),
    )


def _read_page(at: Place) -> Page:
    size = at.numbers("size_pt", 2) or [0.0, 0.0]
    verdict = at.get("verdict")
    return at.build(
        Page,
        number=at.integer("page"),
        width=at.integer("width"),
        height=at.integer("height"),
        dpi=at.number("dpi", 72.0),
        size_pt=(size[0], size[1]),
        rotation=at.integer("rotation", 0),
        blocks=tuple(_read_block(block) for block in at.items("blocks")),
        verdict=verdict.build(
            Verdict,
            status=verdict.choice("status", "ok"),
            issues=tuple(_read_issue(issue) for issue in verdict.items("issues")),
        ),
        renderer=at.text("renderer"),
    )


def _read_issue(at: Place) -> Issue:
    return at.build(
        Issue,
        code=at.text("code", None),
        message=at.text("message"),
        severity=at.choice("severity", "warning"),
        block=None if at.data.get("block") is None else at.text("block"),
        line=at.maybe_integer("line"),
        column=at.maybe_integer("column"),
    )


def _read_block(at: Place) -> Block:
    kind = at.text("type", None)
    cells = tuple(_read_cell(cell) for cell in at.items("cells"))
    if kind != "list" and at.array("items"):
        raise at.wrong("items", f"no items in a {kind}", at.data["items"])
    items = tuple(_read_item(item) for item in at.items("items"))
    text = at.text("text")
    runs: tuple[Run, ...] = ()
    if at.data.get("runs") is not None:
        runs = _read_runs(at)
    elif kind == "table":
        cells = cells or _cells_of(text)
    elif kind == "list":
        items = items or tuple(Block("list_item", runs=(Run(line),)) for line in text.split("\n") if line.strip())
    elif text and not cells:
        runs = (Run(text),)
    return at.build(
        Block,
        kind=kind,
        bbox=at.bbox(),
        runs=runs,
        level=at.integer("level", 0),
        number=at.maybe_integer("number"),
        cells=cells,
        style=at.text("style"),
        items=items,
        notation=at.text("notation"),
        confidence=at.maybe_number("confidence"),
        agreement=at.maybe_number("agreement"),
        origin=at.text("origin"),
        id=at.text("id"),
    )


def _read_item(at: Place) -> Block:
    if at.text("type", None) != "list_item":  # asked first: lists in lists could go on for ever
        raise at.wrong("type", "list_item", at.data["type"])
    return _read_block(at)


def _read_runs(at: Place) -> tuple[Run, ...]:
    runs = []
    for run in at.items("runs"):
        for index, mark in enumerate(marks := run.array("marks")):
            if not isinstance(mark, str):
                raise run.wrong(f"marks[{index}]", "a string", mark)
        runs.append(run.build(Run, text=run.text("text", None), marks=tuple(marks)))
    return tuple(runs)


def _read_cell(at: Place) -> Cell:
    text = at.text("text")
    has_runs = at.data.get("runs") is not None
    return at.build(
        Cell,
        row=at.integer("row"),
        col=at.integer("col"),
        rowspan=at.integer("rowspan", 1),
        colspan=at.integer("colspan", 1),
        runs=_read_runs(at) if has_runs else (Run(text),) if text else (),
        header=at.boolean("header"),
        bbox=at.bbox(),
        confidence=at.maybe_number("confidence"),
    )


def _cells_of(text: str) -> tuple[Cell, ...]:
    """The cells of a table that was written by hand as its text: tabs and line breaks."""
    rows = [row.split("\t") for row in text.split("\n")] if text.strip() else []
    return tuple(
        Cell(row, col, runs=(Run(value),)) for row, values in enumerate(rows) for col, value in enumerate(values)
    )
