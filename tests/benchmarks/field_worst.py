"""Fields that are wrong or missing, the surest wrong ones first, and why, as far as a program can tell.

What stands in the documents is said on the way, and is in no table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import report
from field_places import printed_text
from field_runs import Run
from field_truth import Judged, amounts, letters, likeness

WORST = 10
EXTENT = 0.6
"""Likeness from which a wrong text is the right one with too much or too little of it."""


def category(run: Run, one: Judged) -> str:
    """Why a field is not right, as far as a program can tell."""
    if one.true is None:
        return "too much: there is no such value"
    if not _stands(one, printed_text(one.document)):
        return "not printed as it is labelled"
    if not _stands(one, run.text[one.document.id]):
        return "reading: the words were not read like that, or not in this order"
    if one.outcome == "missing":
        return "missing: it was read, and not taken"
    if one.kind == "text" and likeness(str(one.said), str(one.true)) >= EXTENT:
        return "extent: too much or too little of it"
    return "wrong candidate"


def _stands(one: Judged, text: str) -> bool:
    if one.kind == "amount":
        wanted = amounts(str(one.true))
        return any(wanted & amounts(word) for word in text.split())
    return one.kind in ("date", "currency") or letters(str(one.true)) in letters(text)


def worst_tables(runs: Mapping[str, Run], found: report.Report, say: Callable[[str], None]) -> None:
    """The surest wrong values, then what is missing; and how many there are of each category."""
    bad = [(run, j) for run in runs.values() for j in run.judged if j.outcome != "right"]
    bad.sort(key=lambda pair: (pair[1].outcome != "wrong", pair[1].of_item, -pair[1].confidence))
    rows = []
    for number, (run, one) in enumerate(bad):
        why = category(run, one)
        name = f"{one.document.id} {one.path}"
        what = f"{one.said!r}, not {one.true!r}: {why}"
        say(f"  {one.outcome}: {name} ({one.document.half}), {one.confidence:.2f}: {what}")
        if number < WORST:
            rows.append([one.document.id, one.path, one.document.half, one.outcome, f"{one.confidence:.2f}", why])
    columns = ("document", "field", "half", "", "confidence", "category")
    found.tables.append(report.Table("The worst cases", columns, rows, "The surest wrong values first."))
    counts = Counter((j.document.kind.name + (" line items" if j.of_item else ""), category(run, j)) for run, j in bad)
    table = [[where, why, str(count)] for (where, why), count in sorted(counts.items())]
    note = "All fields that are wrong or missing."
    found.tables.append(report.Table("Why fields are not right", ("where", "category", "fields"), table, note))
    found.results["worst"] = rows
    found.results["categories"] = [[*key, count] for key, count in sorted(counts.items())]
