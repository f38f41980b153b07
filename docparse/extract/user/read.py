"""The user's own schema, read without a model: each field by its name, its title and its description.

Three ways lead to a value, and the surest wins: a label on the page that is called as the field is
(``generic_labels``, with boxes to tick in ``generic_ticks``), a table or a list (``generic_tables``), and
sentences in which documents say such a thing (``concepts``, ``contract_parties``). What none of them finds
is None: a value is never made up, and words on the page that look like orders are words on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.document import Issue
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.result import Evidence, Fields
from docparse.extract.schemas import Schema
from docparse.extract.user.concepts import concept_of, said, standard
from docparse.extract.user.contract_parties import Party, find_parties
from docparse.extract.user.labels import Labels, Name, Sighting, beside, find_labels, lines_below
from docparse.extract.user.names import over_lines, phrases
from docparse.extract.user.our_fields import our_fields
from docparse.extract.user.running_text import RunningText, running_text
from docparse.extract.user.schema import Wanted, compile_schema
from docparse.extract.user.tables import Item, part, records, split_values, values
from docparse.extract.user.ticks import all_ticked, is_mark, is_open, ticked
from docparse.extract.user.types import Manners, Reading, read

LEAST = 0.35
"""Confidence below which a value is not given: wrong values are worse than none."""
AMBIGUOUS = 0.6
"""What is left of a confidence where an equally good label stands beside another value."""
MOST_SEARCHED = 200
"""Pages on which labels are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    name: Name
    value: Any
    span: Span
    score: float
    label: Sighting | None = None


@dataclass(slots=True)
class _Search:
    """What was found so far."""

    text: DocumentText
    manners: Manners
    running: RunningText
    labels: list[Labels] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def keep(self, path: str, value: Any, span: Span, confidence: float) -> None:
        seen = span.confidence
        if seen is not None:
            confidence *= 0.5 + 0.5 * seen
        self.values[path] = value
        self.evidence[path] = Evidence(
            " ".join(span.text.split()), span.page, span.box, span.block, round(min(confidence, 0.97), 4)
        )


def read_schema(text: DocumentText, schema: Schema) -> Fields:
    """The fields of a user's schema. Raises ``SchemaError`` for one that cannot be followed."""
    definition = schema.definition
    if schema.model is not None:
        # How pydantic reads says more of a field's type than how it writes: a Decimal is written as a text.
        definition = schema.model.model_json_schema()
    wanted = compile_schema(definition)
    search = _Search(text, Manners.of(text), running_text(text))
    leaves = list(_leaves(wanted))
    names = [Name(leaf, phrases(leaf)) for leaf in leaves]
    search.labels = [find_labels(page, names) for page in text.pages[:MOST_SEARCHED]]
    _scalars([n for n in names if n.field.kind != "array"], search)
    for name in names:
        if name.field.kind == "array":
            _array(name, search)
    _ours(leaves, search)
    found = _nested(wanted, search.values)
    missing = [leaf for leaf in leaves if leaf.needed and search.values.get(leaf.path) is None]
    search.issues += [
        Issue("field-missing", f"The schema requires {leaf.path}, and the document does not say it.")
        for leaf in missing
    ]
    return Fields(found, search.evidence, (), tuple(search.issues))


def _ours(leaves: Sequence[Wanted], search: _Search) -> None:
    """On an invoice or a receipt, what its own extractors say of fields that have its names."""
    for path, (value, proofs) in our_fields(leaves, search.text).items():
        own = search.evidence.get(path)
        best = max((proof.confidence for proof in proofs.values()), default=0.0)
        if own is not None and own.confidence >= best and not isinstance(value, list):
            continue
        if isinstance(value, list):
            search.evidence = {k: v for k, v in search.evidence.items() if not k.startswith(f"{path}[")}
        search.values[path] = value
        search.evidence.update(proofs)


def _leaves(wanted: Iterable[Wanted]) -> Iterable[Wanted]:
    """The fields that have values: those of objects in objects too, arrays as one."""
    for item in wanted:
        if item.kind == "object":
            yield from _leaves(item.members)
        else:
            yield item


def _nested(wanted: Sequence[Wanted], found: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the schema nests them. An object of which nothing was found is None."""
    nested: dict[str, Any] = {}
    for item in wanted:
        if item.kind == "object":
            inner = _nested(item.members, found)
            nested[item.name] = inner if any(v not in (None, []) for v in inner.values()) else None
        else:
            nested[item.name] = found.get(item.path, [] if item.kind == "array" else None)
    return nested


def _scalars(names: Sequence[Name], search: _Search) -> None:
    candidates = [c for name in names for c in _said(name, search)]
    wanted = {id(name) for name in names}
    for labels in search.labels:
        for sighting in labels.sightings:
            if id(sighting.name) in wanted:
                candidates += _beside(sighting, labels, search)
    taken: set[int] = set()
    done: set[int] = set()
    for candidate in sorted(candidates, key=lambda c: (-round(c.score, 3), c.span.page)):
        path = candidate.name.field.path
        words = {id(word) for word in candidate.span.words}
        if id(candidate.name) in done or words & taken or candidate.score < LEAST:
            continue
        done.add(id(candidate.name))
        if candidate.label is not None:
            taken |= words
        score = candidate.score
        others = [
            c
            for c in candidates
            if c.name is candidate.name
            and c.score >= 0.93 * score
            and c.value != candidate.value
            and c is not candidate
        ]
        # The same label may have a second guess; another label beside another value is a contradiction.
        others = [c for c in others if c.label is not candidate.label]
        agreed = any(
            c.value == candidate.value and c.label is not candidate.label
            for c in candidates
            if c.name is candidate.name
        )
        if others:
            score *= AMBIGUOUS
            search.issues.append(
                Issue("field-ambiguous", f"The document says {path} more than once, and not the same.", "warning")
            )
        elif agreed:
            score = 1 - (1 - score) * 0.7
        if score >= LEAST:
            search.keep(path, candidate.value, candidate.span, score)


def _beside(sighting: Sighting, labels: Labels, search: _Search) -> list[_Candidate]:
    """The values that stand beside a label; the first that is of the field's type, and what is worse than it."""
    wanted = sighting.name.field
    if wanted.kind == "boolean" or wanted.choices:
        mark = ticked(sighting, labels)
        if mark is not None:
            return [_Candidate(sighting.name, mark.value, mark.span, mark.sure * sighting.like, sighting)]
        if is_open(sighting, labels):
            return []
    over = over_lines(wanted) and wanted.kind == "text"
    for place in beside(sighting, labels):
        span = place.span
        if place.how == "after" and not sighting.closed and not _stands_alone(wanted, sighting):
            continue
        if wanted.choices and any(is_mark(word.text) for word in span.words):
            continue  # boxes decide, and they did not
        if over:
            span = lines_below(sighting.page, span, labels)
        reading = read(wanted, span.text, search.manners)
        if reading is None:
            continue
        concept = concept_of(wanted)
        if concept is not None and concept.form in ("duration", "place") and not wanted.choices:
            formed = standard(concept, wanted, span.text)
            if formed is None:
                continue
            reading = Reading(formed[0], formed[2], formed[3], reading.sure * formed[1])
        score = 0.97 * sighting.like * place.trust * reading.sure
        value = ", ".join(line.strip(" ,;") for line in str(reading.value).split("\n")) if over else reading.value
        return [_Candidate(sighting.name, value, part(span, reading), score, sighting)]
    return []


def _stands_alone(wanted: Wanted, sighting: Sighting) -> bool:
    """Whether words right after a label without a colon can be its value: a number or a date can, words cannot,
    unless the label is set apart by its letters or has a cell to itself."""
    if wanted.kind not in ("text", "boolean") or wanted.choices:
        return True
    words = sighting.segment.words
    rest = words[sighting.last :]
    if wanted.fits is not None:
        return len(rest) <= 3
    apart = all(w.bold for w in sighting.words) and not any(w.bold for w in rest)
    coded = len(rest) == 1 and any(c.isdigit() for c in rest[0].text)
    return apart or (coded and sighting.like >= 0.95)


def _said(name: Name, search: _Search) -> list[_Candidate]:
    """What the sentences of the text say of the concept that a field asks for."""
    concept = concept_of(name.field)
    if concept is None or concept.form == "party":
        return []
    found = said(concept, name.field, search.running, search.manners)
    if found is None:
        return []
    return [_Candidate(name, found.value, search.running.span(found.start, found.end), found.sure)]


def _array(name: Name, search: _Search) -> None:
    wanted = name.field
    item = wanted.members[0]
    if item.kind == "object":
        _objects(name, item, search)
        return
    for number, one in enumerate(_plain(name, item, search)):
        search.values.setdefault(wanted.path, []).append(one.value)
        path = f"{wanted.path}[{number}]"
        search.keep(path, one.value, one.span, one.sure)
        del search.values[path]


def _plain(name: Name, item: Wanted, search: _Search) -> list[Item]:
    """The values of a list of plain ones."""
    concept = concept_of(name.field)
    if concept is not None and concept.form == "party" and item.kind == "text":
        return [_of_party(party, search.running) for party in find_parties(search.running) if party.sure >= LEAST]
    found: list[Item] = []
    for labels in search.labels:
        for sighting in labels.sightings:
            if sighting.name is not name:
                continue
            if item.choices:
                found += [Item(t.value, t.span, t.sure * sighting.like) for t in all_ticked(sighting, labels, item)]
                if found or any(is_mark(w.text) for w in sighting.segment.words):
                    return found
            if sighting.like >= 0.75:
                for place in beside(sighting, labels)[:1]:
                    if place.how != "after" or sighting.closed:
                        found += split_values(place.span, item, search.manners)
    listed = values(search.text, name, item, search.manners)
    return listed or found


def _of_party(party: Party, running: RunningText) -> Item:
    return Item(party.name, running.span(party.start, party.end), party.sure)


def _objects(name: Name, item: Wanted, search: _Search) -> None:
    """A list of objects: the rows of the table that fits, or the parties with their names."""
    wanted = name.field
    members = [Name(member, phrases(member)) for member in _leaves(item.members) if member.kind != "array"]
    rows, score = records(search.text, members, search.manners)
    concept = concept_of(wanted)
    if not rows and concept is not None and concept.form == "party":
        named = next((m for m in members if m.field.kind == "text" and m.field.name.endswith("name")), None)
        if named is not None:
            parties = find_parties(search.running)
            rows = [{named.field.path: _of_party(p, search.running)} for p in parties if p.sure >= LEAST]
            score = 1.0
    found = []
    for number, record in enumerate(rows):
        found.append(_nested(item.members, {path: one.value for path, one in record.items()}))
        for path, one in record.items():
            key = f"{wanted.path}[{number}].{path}"
            search.keep(key, one.value, one.span, one.sure * (0.6 + 0.4 * min(score, 1.0)))
            del search.values[key]
    if found:
        search.values[wanted.path] = found
