"""Ground truth of documents: a folder of files named for the documents, or a file of a public benchmark.

In a folder, by document: ``ID.gt.json`` (pages with elements, texts in reading order, and in ``use`` what they are good
for), ``ID.lines.json`` (lines of a receipt), ``ID.fields.json``, ``ID.tables.json`` or ``ID.html`` (tables),
``ID.facts.jsonl``. Of benchmarks: the JSON of OmniDocBench, JSON lines of olmOCR-bench. A folder without any of these
may have them in its folders: each is a set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from docparse.errors import EmptySource, SchemaError, UnreadableSource
from docparse.evaluate.facts import NEEDS, lacking
from docparse.evaluate.omnidocbench import is_omnidocbench, page_truth

MEASURES = ("text", "order", "blocks", "tables", "fields", "facts")
UNKNOWN = "?"
FORMS = (
    "Looked for: *.gt.json, *.lines.json, *.fields.json, *.tables.json, *.html, *.facts.jsonl, "
    "the JSON of OmniDocBench and JSON lines of olmOCR-bench."
)
_PROGRAM_MADE = "ptn_"
"""Tables of PubTabNet by their name: matched by program from the publishers' XML. Others are people's."""
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextTruth:
    """``prose``: without tables and display formulas where True; ``lines``: those of a page of lines only."""

    text: str
    prose: bool = False
    lines: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one document. ``names``: what its results may be called, without their endings; ``quality``:
    who made the truth (human, exact, derived, machine); ``order``, ``blocks``: pages as JSON, each None where the truth
    is not good for it; ``unknown``: kinds of elements and types of facts that are not known here and do not count, each
    as often as it is there."""

    set: str
    id: str
    names: tuple[str, ...]
    quality: str = UNKNOWN
    language: str = UNKNOWN
    text: TextTruth | None = None
    order: Json | None = None
    blocks: Json | None = None
    tables: tuple[str, ...] | None = None
    fields: Json | None = None
    facts: tuple[Json, ...] | None = None
    unknown: tuple[str, ...] = ()

    def measures(self) -> tuple[str, ...]:
        """What can be measured."""
        return tuple(name for name in MEASURES if getattr(self, name) is not None)


def find_truth(place: str | Path) -> list[Truth]:
    """All documents that ``place``, a folder or a file, has truth of, by set and name.

    Raises ``UnreadableSource``, ``SchemaError`` for a file that is no truth, ``EmptySource`` where there is none.
    """
    place = Path(place)
    if not place.exists():
        raise UnreadableSource("there is no such file or folder.", file=str(place))
    if not place.is_dir():
        found = list(_benchmark(place))
        if not found:
            raise SchemaError("this is no ground truth that is known.", file=str(place), hint=FORMS)
        return found
    found = _folder(place)
    if not found:
        inside = sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
        found = [truth for folder in inside for truth in _folder(folder)]
    if not found:
        raise EmptySource("the folder has no ground truth.", file=str(place), hint=FORMS)
    return found


def _folder(folder: Path) -> list[Truth]:
    known: dict[str, Truth] = {}
    for ending, read in _READERS.items():
        for path in sorted(folder.glob(f"*{ending}")):
            name = path.name.removesuffix(ending)
            before = known.get(name) or Truth(folder.resolve().name, name, (name,))
            try:
                after = read(before, path)
            except (KeyError, TypeError, AttributeError) as error:
                raise SchemaError(f"this is no ground truth: {error!r}.", file=str(path), hint=FORMS) from error
            if after is not None:
                known[name] = after
    found = [known[name] for name in sorted(known)]
    for path in sorted(folder.glob("*.json*")):
        if not path.name.endswith(tuple(_READERS)) and _is_benchmark(path):
            found += _benchmark(path)
    return found


# ------------------------------------------------------------------------------------ files of one document


def _gt(known: Truth, path: Path) -> Truth:
    data = _object(path)
    uses = data.get("use") or ()
    tables = [
        block["html"]
        for page in data["pages"]
        for block in page["blocks"]
        if block["type"] == "table" and block.get("html") and not block.get("ignore")
    ]
    known = replace(
        _named(known, data),
        order=data if "order" in uses else None,
        blocks=data if "blocks" in uses else None,
        tables=tuple(tables) if tables and "tables" in uses else known.tables,
    )
    if "text" in uses:
        text = data.get("prose_text") or data["reading_order_text"]
        known = replace(known, text=TextTruth(text, prose=True))
    return known


def _lines(known: Truth, path: Path) -> Truth:
    data = _object(path)
    lines = tuple(line["text"] for line in data["lines"])
    known = _named(known, {"language": "english", **data})
    return replace(known, text=TextTruth(data["reading_order_text"], lines=lines))


def _fields(known: Truth, path: Path) -> Truth:
    data = _object(path)
    return replace(_named(known, data), fields=data.get("fields", data))


def _tables(known: Truth, path: Path) -> Truth:
    data = _object(path)
    return replace(_named(known, data), tables=tuple(table["html"] for table in data["tables"]))


def _html(known: Truth, path: Path) -> Truth | None:
    text = _text(path)
    if "<table" not in text.lower():
        return None
    quality = "derived" if path.name.startswith(_PROGRAM_MADE) else "human"
    return replace(known, tables=(text,), quality=quality)


def _facts(known: Truth, path: Path) -> Truth:
    facts = tuple(_facts_in(path))
    return replace(known, facts=facts, unknown=_unknown(facts))


_READERS: Mapping[str, Callable[[Truth, Path], Truth | None]] = {
    ".html": _html,
    ".tables.json": _tables,
    ".lines.json": _lines,
    ".gt.json": _gt,
    ".fields.json": _fields,
    ".facts.jsonl": _facts,
}


def _named(known: Truth, data: Json) -> Truth:
    """With what the file says of the document; the first word of a quality counts, the rest is for people."""
    quality = str(data.get("quality") or known.quality).split(" ")[0].rstrip(",") or UNKNOWN
    names = _names(known.id, str(data.get("file") or ""))
    return replace(known, quality=quality, language=data.get("language") or known.language, names=names)


def _names(name: str, file: str) -> tuple[str, ...]:
    """What ``convert`` may have called the results of ``file``, a path: two files of one name get their ending, and
    their folder."""
    path = PurePosixPath(file)
    ending = path.suffix.lstrip(".").lower()
    others = [f"{path.parent.name}/{name}"] if path.parent.name else []
    others += [f"{name}_{ending}"] if ending else []
    others += [f"{path.parent.name}_{name}_{ending}"] if path.parent.name and ending else []
    return name, *others


# ------------------------------------------------------------------------------------ benchmarks


def _is_benchmark(path: Path) -> bool:
    """Whether a file that lies in a folder of truth is one: schemas and notes lie there too."""
    try:
        if path.suffix == ".jsonl":
            first = json.loads(next(line for line in _text(path).splitlines() if line.strip()))
            return isinstance(first, dict) and {"pdf", "type"} <= set(first)
        return path.suffix == ".json" and is_omnidocbench(_json(path))
    except (SchemaError, ValueError, StopIteration):
        return False


def _benchmark(path: Path) -> Iterator[Truth]:
    """OmniDocBench: a document for each page. olmOCR-bench: one for each PDF."""
    name = path.name.split(".")[0]
    if path.suffix == ".jsonl":
        by_file: dict[str, list[Json]] = {}
        for fact in _facts_in(path):
            if not isinstance(fact.get("pdf"), str):
                raise SchemaError("a line is no fact about a PDF.", file=str(path), hint=FORMS)
            by_file.setdefault(fact["pdf"], []).append(fact)
        for file, facts in by_file.items():
            stem = PurePosixPath(file).stem
            names = (*_names(stem, file), *_olmocr_names(file, facts))
            yield Truth(name, stem, names, facts=tuple(facts), unknown=_unknown(facts))
    elif path.suffix == ".json" and is_omnidocbench(data := _json(path)):
        for page in data:
            known = page_truth(page)
            stem = PurePosixPath(known["file"]).stem
            yield Truth(
                name,
                stem,
                (*_names(stem, known["file"]), *_omnidocbench_names(known["file"])),
                quality="human",
                language=known["language"] or UNKNOWN,
                text=TextTruth(known["prose_text"], prose=True) if known["prose_text"] else None,
                order=known,
                blocks=known,
                tables=tuple(known["tables"]) or None,
                unknown=tuple(known["unknown"]),
            )


def _olmocr_names(file: str, facts: Sequence[Json]) -> Iterator[str]:
    """What olmOCR-bench calls the first output of a PDF: by its page, in the folder of the PDF; several pages of one
    PDF are several outputs there, and none here."""
    pages = {int(fact.get("page") or 1) for fact in facts}
    if len(pages) == 1:
        name = PurePosixPath(file).with_suffix("")
        page = pages.pop()
        yield from (f"{name}_pg{page}_repeat1", f"{name.name}_pg{page}_repeat1")


def _omnidocbench_names(file: str) -> Iterator[str]:
    """What else OmniDocBench takes for the output of a picture: its name with the ending, or without ``.pdf``."""
    picture = PurePosixPath(file)
    yield picture.name
    yield picture.stem.replace(".pdf", "")


def _unknown(facts: Sequence[Json]) -> tuple[str, ...]:
    return tuple(str(fact["type"]) for fact in facts if fact["type"] not in NEEDS)


# ------------------------------------------------------------------------------------ reading


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableSource(f"it cannot be read ({error.strerror or error}).", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise SchemaError("this is no text in UTF-8.", file=str(path)) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise SchemaError(f"this is no JSON ({error}).", file=str(path)) from error


def _object(path: Path) -> Json:
    data = _json(path)
    if not isinstance(data, dict):
        raise SchemaError("this is no ground truth: it is no JSON object.", file=str(path), hint=FORMS)
    return data


def _facts_in(path: Path) -> list[Json]:
    found: list[Json] = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            fact = json.loads(line)
        except ValueError as error:
            raise SchemaError(f"line {number} is no JSON ({error}).", file=str(path)) from error
        if not isinstance(fact, dict):
            raise SchemaError(f"line {number} is no JSON object.", file=str(path), hint=FORMS)
        if (key := lacking(fact)) is not None:
            raise SchemaError(f"line {number} is no fact: {key!r} is missing or wrong.", file=str(path))
        found.append(fact)
    return found


def only(truths: Sequence[Truth], measures: Sequence[str]) -> list[Truth]:
    """With these measures only; documents that have none of them are left out."""
    without: dict[str, Any] = {name: None for name in MEASURES if name not in measures}
    kept = [replace(truth, **without) for truth in truths]
    return [truth for truth in kept if truth.measures()]
