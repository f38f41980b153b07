"""Figures of many documents: by set and quality of the truth, by language, class, field and type.

Means are over documents (text, order), tables or facts; F1 is of the counts of all documents together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from docparse.evaluate.blocks import ANY
from docparse.evaluate.f1 import F1
from docparse.evaluate.fields import FieldScore, ItemsScore
from docparse.evaluate.judge import Record
from docparse.evaluate.truth import MEASURES

Figures = dict[str, Any]
ALL = "all"
LIKE = 0.5
"""Likeness of a text field below which it counts nothing (ANLS, of Biten et al. 2019)."""


def summary(records: Sequence[Record]) -> Figures:
    """By set: how many documents, of which quality, and for each measure the figures of ``all``, of each quality, and
    of text by language."""
    sets: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        sets[record.set].append(record)
    return {
        name: {"documents": len(inside), "by_quality": dict(sorted(Counter(r.quality for r in inside).items()))}
        | {
            measure: _grouped(measure, found)
            for measure in MEASURES
            if (found := [record for record in inside if getattr(record, measure) is not None])
        }
        for name, inside in sets.items()
    }


def _grouped(measure: str, records: Sequence[Record]) -> Figures:
    of = _OF[measure]

    def figures(some: Sequence[Record]) -> Figures:
        missing = sum(measure in record.missing for record in some)
        return {"documents": len(some), "missing": missing} | of(some)

    def by(key: Callable[[Record], str]) -> Figures:
        names = sorted({key(record) for record in records})
        return {name: figures([record for record in records if key(record) == name]) for name in names}

    found = {ALL: figures(records), "by_quality": by(lambda record: record.quality)}
    return found | {"by_language": by(lambda record: record.language)} if measure == "text" else found


def _text(records: Sequence[Record]) -> Figures:
    scores = [record.text for record in records if record.text]
    edits = sum(one.edits for one in scores)
    means = ("ned", "ned_nospace", "cer", "wer", "word_f1", "line_recall")
    return {name: _mean(getattr(one, name) for one in scores) for name in means} | {
        "ned_whole": edits / max(1, sum(one.longer for one in scores)),
        "cer_whole": edits / max(1, sum(one.characters for one in scores)),
    }


def _order(records: Sequence[Record]) -> Figures:
    scores = [record.order for record in records if record.order]
    return {name: _mean(getattr(one, name) for one in scores) for name in ("order_ned", "tau", "found")}


def _blocks(records: Sequence[Record]) -> Figures:
    scores = [record.blocks for record in records if record.blocks]
    classes = _added(one.classes for one in scores)
    any_class = classes.pop(ANY, None)
    shared, covered = sum(one.shared for one in scores), sum(one.covered for one in scores)
    return {
        "f1": None if any_class is None else any_class.f1,
        "macro_f1": _mean(one.f1 for one in classes.values()),
        "area_iou": shared / covered if covered else None,
        "by_class": {name: of_f1(classes[name]) for name in sorted(classes)},
    }


def _tables(records: Sequence[Record]) -> Figures:
    scores = [record.tables for record in records if record.tables]
    tables = [table for one in scores for table in one.tables]
    return {name: _mean(getattr(one, name) for one in tables) for name in ("teds", "teds_s", "adjacency_f1")} | {
        "tables": len(tables),
        "tables_missing": sum(one.missing for one in tables),
        "tables_extra": sum(one.extra for one in scores),
        "tables_too_large": sum(one.too_large for one in tables),
    }


def _fields(records: Sequence[Record]) -> Figures:
    scores = [record.fields for record in records if record.fields]
    by_name: dict[str, list[FieldScore]] = defaultdict(list)
    for one in scores:
        for name, score in one.fields.items():
            by_name[name].append(score)
    plain = [score for found in by_name.values() for score in found]
    whole = _sum(score.count for score in plain)
    said_and_true = 2 * whole.tp + whole.fp + whole.fn
    items = [one.items for one in scores if one.items is not None]
    figures = {
        "f1": whole.f1,
        "exact_f1": 2 * sum(score.exact_count for score in plain) / said_and_true if said_and_true else None,
        "all_fields_right": _mean(float(one.all_right) for one in scores),
        "micro": of_f1(whole),
        "by_field": {name: _field(by_name[name]) for name in sorted(by_name)},
    }
    return figures | ({"line_items": _items(items)} if items else {})


def _field(scores: Sequence[FieldScore]) -> Figures:
    found = of_f1(_sum(one.count for one in scores))
    return {
        "n": len(scores),
        "exact": _mean(float(one.exact) for one in scores),
        "right": _mean(float(one.same) for one in scores),
        "anls": _mean(_counted(one) for one in scores),
        "p": found["p"],
        "r": found["r"],
        "f1": found["f1"],
    }


def _counted(one: FieldScore) -> float:
    return one.likeness if one.likeness >= LIKE or isinstance(one.true, list) else 0.0


def _items(scores: Sequence[ItemsScore]) -> Figures:
    return {
        "described": of_f1(_sum(one.described for one in scores)),
        "whole": of_f1(_sum(one.whole for one in scores)),
    }


def _facts(records: Sequence[Record]) -> Figures:
    """``unknown``: facts of types that are not known here, which do not count."""
    by_type: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for fact in record.facts or ():
            if fact.passed is not None:
                by_type[fact.type].append(float(fact.passed))
    return {
        "passed": _mean(one for found in by_type.values() for one in found),
        "passed_without_math": _mean(one for name, found in by_type.items() if name != "math" for one in found),
        "facts": sum(map(len, by_type.values())),
        "unknown": sum(fact.passed is None for record in records for fact in record.facts or ()),
        "by_type": {name: {"passed": _mean(by_type[name]), "n": len(by_type[name])} for name in sorted(by_type)},
    }


_OF: Mapping[str, Callable[[Sequence[Record]], Figures]] = {
    "text": _text,
    "order": _order,
    "blocks": _blocks,
    "tables": _tables,
    "fields": _fields,
    "facts": _facts,
}


# ------------------------------------------------------------------------------------ one document, numbers


def figures_of(record: Record) -> Figures:
    """The record of one document, for JSON."""
    found: Figures = {
        "set": record.set,
        "id": record.id,
        "quality": record.quality,
        "language": record.language,
        "missing": sorted(record.missing),
    }
    if record.text:
        found["text"] = asdict(record.text)
    if record.order:
        found["order"] = asdict(record.order)
    if record.blocks:
        classes = {name: of_f1(one) for name, one in sorted(record.blocks.classes.items())}
        found["blocks"] = {"area_iou": record.blocks.area_iou, "by_class": classes}
    if record.tables:
        tables = [asdict(one) | {"too_large": one.too_large} for one in record.tables.tables]
        found["tables"] = {"tables": tables, "extra": record.tables.extra}
    if record.fields:
        found["fields"] = {
            name: {"said": one.said, "true": one.true, "exact": one.exact, "right": one.same, "likeness": one.likeness}
            for name, one in record.fields.fields.items()
        }
        if record.fields.items:
            found["line_items"] = _items([record.fields.items])
    if record.facts is not None:
        found["facts"] = [asdict(one) for one in record.facts]
    return found


def of_f1(one: F1) -> Figures:
    """Precision, recall, F1 and the counts that they are of."""
    return {"p": one.precision, "r": one.recall, "f1": one.f1, "tp": one.tp, "fp": one.fp, "fn": one.fn}


def _sum(counts: Iterable[F1]) -> F1:
    return sum(counts, F1())


def _added(several: Iterable[Mapping[str, F1]]) -> dict[str, F1]:
    found: dict[str, F1] = defaultdict(F1)
    for one in several:
        for name, count in one.items():
            found[name] += count
    return dict(found)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
