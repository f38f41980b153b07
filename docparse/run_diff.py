"""Two runs over the same documents, page by page: what one of them reads otherwise.

What it is: the results of two runs (``convert --to json``) matched by name, their pages compared (``compare``), the
pages that differ most kept with all that differs; bounded, however many pages there are. What it is not: a judge of
which run is right (``evaluate``).
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from docparse.compare import Change, Kind, compare
from docparse.document import Document, Page
from docparse.errors import DocparseError, EmptySource, SchemaError, UnreadableSource
from docparse.json_form import from_dict

MAX_PAGES = 300
"""Pages that are kept with their elements, those that differ most."""
FIELDS = ".fields.json"


@dataclass(frozen=True, slots=True)
class PageDiff:
    """One page of a document ``name``. ``first`` and ``other``: its readings, None where a run does not have it;
    ``similarity``: 0 to 1, share of the text that both have in common, 1 for two empty pages."""

    name: str
    number: int
    first: Page | None
    other: Page | None
    changes: tuple[Change, ...]
    similarity: float

    @property
    def counts(self) -> Counter[Kind]:
        return Counter(change.change for change in self.changes)

    @property
    def differs(self) -> bool:
        """In an element, in its verdict, or in being there at all."""
        if self.first is None or self.other is None:
            return True
        return self.first.verdict.status != self.other.verdict.status or any(c.change != "same" for c in self.changes)


@dataclass(slots=True)
class DocumentDiff:
    """One document that both runs have. ``pages``: all; ``similarity``: the mean of its pages."""

    name: str
    pages: int = 0
    differ: int = 0
    elements: Counter[Kind] = field(default_factory=Counter)
    similarity: float = 1.0


@dataclass(slots=True)
class RunDiff:
    """What became of a run. ``engines``: who has read, in each; ``pages``: those that differ, the least alike first, at
    most ``MAX_PAGES``; ``only_first``, ``only_other``: documents that one run has; ``problems``: files that are no
    documents; ``verdicts``: pages by their verdict in both, those of both runs only."""

    documents: list[DocumentDiff] = field(default_factory=list)
    pages: list[PageDiff] = field(default_factory=list)
    engines: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    only_first: list[str] = field(default_factory=list)
    only_other: list[str] = field(default_factory=list)
    problems: list[DocparseError] = field(default_factory=list)

    @property
    def num_pages(self) -> int:
        return sum(document.pages for document in self.documents)

    @property
    def num_differ(self) -> int:
        """Pages that differ, of documents that both runs have."""
        return sum(document.differ for document in self.documents)

    @property
    def differs(self) -> bool:
        return bool(self.num_differ or self.only_first or self.only_other or self.problems)


def compare_runs(first: str | Path, other: str | Path, *, most: int = MAX_PAGES) -> RunDiff:
    """Compare the documents of two folders, or two documents. One is in memory at a time.

    Raises ``UnreadableSource`` where one is not there, ``EmptySource`` where they have no document in common.
    """
    found = RunDiff()
    ours, theirs = _documents(Path(first)), _documents(Path(other))
    if Path(first).is_file() and Path(other).is_file():
        theirs = dict(zip(ours, theirs.values(), strict=True))
    worst: list[tuple[float, int, PageDiff]] = []
    order = count()
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            # What lies in one folder only may be no document at all.
            if _is_document((ours | theirs)[name]):
                (found.only_first if name in ours else found.only_other).append(name)
            continue
        try:
            document, reading = _read(ours[name]), _read(theirs[name])
        except DocparseError as error:
            found.problems.append(error)
            continue
        if document is None or reading is None:
            continue
        of_both = DocumentDiff(name)
        found.documents.append(of_both)
        for engines, one in zip(found.engines, (document, reading), strict=True):
            engines[_engine(one)] += 1
        similarities = []
        for page in _pages(name, document, reading):
            of_both.pages += 1
            of_both.elements += page.counts
            similarities.append(page.similarity)
            if page.first is not None and page.other is not None:
                found.verdicts[page.first.verdict.status, page.other.verdict.status] += 1
            if page.differs:
                of_both.differ += 1
                # The least alike has the least number; of equal ones the first page.
                heapq.heappush(worst, (-page.similarity, -next(order), page))
                if len(worst) > most:
                    heapq.heappop(worst)
        of_both.similarity = sum(similarities) / len(similarities) if similarities else 1.0
    if not found.documents and not found.problems:
        raise EmptySource(
            "the two runs have no document in common.",
            file=str(other),
            hint="What is compared is NAME.json of both, as `docparse convert --to json` writes it.",
        )
    found.pages = [page for _, _, page in sorted(worst, key=lambda item: item[:2], reverse=True)]
    return found


def _documents(place: Path) -> dict[str, Path]:
    """JSON files by name. Raises ``UnreadableSource``."""
    if place.is_dir():
        files = place.glob("*.json")
        return {path.name.removesuffix(".json"): path for path in sorted(files) if not path.name.endswith(FIELDS)}
    if not place.is_file():
        raise UnreadableSource("there is no such file or folder.", file=str(place))
    return {place.name.removesuffix(".json"): place}


def _read(path: Path) -> Document | None:
    """The document, None for JSON that is something else. Raises ``DocparseError``."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableSource(f"it cannot be read ({error.strerror or error}).", file=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise SchemaError("this is no JSON.", file=str(path)) from error
    if not isinstance(data, dict) or not isinstance(data.get("pages"), list):
        return None
    try:
        return from_dict(data)
    except SchemaError as error:
        raise SchemaError(error.message, file=str(path)) from error


def _is_document(path: Path) -> bool:
    try:
        return _read(path) is not None
    except DocparseError:
        return True  # it is missing from the other run all the same


def _engine(document: Document) -> str:
    engine = document.engine
    return " ".join(part for part in (engine.name, engine.version, engine.model) if part) or "unknown"


def _pages(name: str, first: Document, other: Document) -> Iterator[PageDiff]:
    ours, theirs = ({page.number: page for page in document.pages} for document in (first, other))
    for number in sorted(ours.keys() | theirs.keys()):
        page, reading = ours.get(number), theirs.get(number)
        if page is None or reading is None:
            yield PageDiff(name, number, page, reading, (), 0.0)
        else:
            changes = compare(page, reading)
            yield PageDiff(name, number, page, reading, changes, _similarity(page, reading, changes))


def _similarity(page: Page, reading: Page, changes: tuple[Change, ...]) -> float:
    """The likeness of the elements, each counted by its letters; one without letters counts as one letter."""
    ours, theirs = ({block.id: max(1, len(block.text)) for block in one.blocks} for one in (page, reading))
    weights = [max(ours.get(c.block or "", 0), theirs.get(c.other or "", 0)) for c in changes]
    shared = sum(weight * change.similarity for weight, change in zip(weights, changes, strict=True))
    return shared / sum(weights) if changes else 1.0
