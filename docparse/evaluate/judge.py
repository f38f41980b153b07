"""One document's results beside its truth: every measure that the truth is good for.

A pure function but for the reading of the results, so that documents can be judged by several processes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

from docparse.evaluate.blocks import BlocksScore, blocks_score
from docparse.evaluate.facts import FactScore, fact_score
from docparse.evaluate.fields import FieldsScore, fields_score
from docparse.evaluate.order import OrderScore, order_score
from docparse.evaluate.plain import without_marks
from docparse.evaluate.results import Results
from docparse.evaluate.tables import TablesScore, tables_score
from docparse.evaluate.text import TextScore, text_score
from docparse.evaluate.truth import MEASURES, Json, TextTruth, Truth

FEW = 8
"""Documents for which no further process is worth its start."""


@dataclass(frozen=True, slots=True)
class Record:
    """One document. A measure is None where the truth is not good for it; ``missing``: measures for which the run has
    written nothing, so that they are those of an empty output; ``unknown``: what the truth says and nobody here
    understands."""

    set: str
    id: str
    quality: str
    language: str
    missing: frozenset[str]
    text: TextScore | None = None
    order: OrderScore | None = None
    blocks: BlocksScore | None = None
    tables: TablesScore | None = None
    fields: FieldsScore | None = None
    facts: tuple[FactScore, ...] | None = None
    unknown: tuple[str, ...] = ()

    @property
    def without_results(self) -> bool:
        """Whether the run has written nothing that is measured."""
        return all(name in self.missing for name in MEASURES if getattr(self, name) is not None)


def judge_all(truths: Iterable[Truth], folder: str, *, jobs: int = 1) -> Iterator[Record]:
    """The records, in order. ``jobs``: processes."""
    truths = list(truths)
    judged = partial(judge, results=Results(folder))
    if jobs == 1 or len(truths) <= FEW:
        yield from map(judged, truths)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judged, truths, chunksize=4)


def judge(truth: Truth, results: Results) -> Record:
    """Measure what a run has written for the document of ``truth``."""
    text = results.text(truth) if truth.text or truth.order or truth.facts is not None else None
    document = results.document(truth) if truth.order or truth.blocks else None
    tables = results.tables(truth) if truth.tables is not None else None
    fields = results.fields(truth) if truth.fields is not None else None
    has = {"text": text, "order": text, "blocks": document, "tables": tables, "fields": fields, "facts": text}
    return Record(
        truth.set,
        truth.id,
        truth.quality,
        truth.language,
        frozenset(name for name in truth.measures() if has[name] is None),
        text=None if truth.text is None else _text(text or "", truth.text),
        order=None if truth.order is None else order_score(text or "", document or {}, truth.order),
        blocks=None if truth.blocks is None else blocks_score(document or {}, truth.blocks),
        tables=None if truth.tables is None else tables_score(tables or (), truth.tables),
        fields=None if truth.fields is None else fields_score(fields or {}, truth.fields),
        facts=None if truth.facts is None else tuple(fact_score(fact, _page(fact, text)) for fact in truth.facts),
        unknown=truth.unknown,
    )


def measured(records: Sequence[Record], wanted: Sequence[str] = ()) -> tuple[list[Record], dict[str, list[str]]]:
    """The records without the measures that a set has no result for at all, and these measures by set: who has only
    converted wants no verdict on fields. ``wanted``: measures that are kept all the same."""
    known: dict[str, set[str]] = defaultdict(set)
    seen: dict[str, set[str]] = defaultdict(set)
    for record in records:
        has = {name for name in MEASURES if getattr(record, name) is not None}
        known[record.set] |= has
        seen[record.set] |= has - record.missing
    left_out = {
        name: [measure for measure in MEASURES if measure in known[name] - seen[name] and measure not in wanted]
        for name in known
    }
    kept = []
    for record in records:
        nothing: dict[str, Any] = dict.fromkeys(left_out[record.set])
        record = replace(record, **nothing)
        if any(getattr(record, name) is not None for name in MEASURES):
            kept.append(record)
    return kept, {name: measures for name, measures in left_out.items() if measures}


def _text(said: str, truth: TextTruth) -> TextScore:
    wanted = not truth.prose
    said, true = (without_marks(side, tables=wanted, display_math=wanted) for side in (said, truth.text))
    return text_score(said, true, lines=truth.lines)


def _page(fact: Json, text: str | None) -> str | None:
    """The page that the fact is about, where the output parts its pages by form feeds."""
    number = int(fact.get("page") or 1)
    if text is None or number <= 1 or "\f" not in text:
        return text
    pages = text.split("\f")
    return pages[number - 1] if number <= len(pages) else ""
