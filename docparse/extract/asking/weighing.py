"""What a model claims, page by page and against what was read without it, as the fields of one document.

Pages are asked one by one, because a model sees one picture at a time and a value then has its page; so their claims
are joined here. A single value is the one that most pages say, the first of them where it is a tie, and the last
where it is a total: an invoice carries sums over until its last page. Lists go on from page to page.

The embedded extractor is the second witness, and it was measured: where it is sure, it is right. It knows no
prompt, so that nothing that a document says to a model can change it. What this file is not: the checks of a
document's arithmetic (``judge``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from docparse.document import Issue
from docparse.extract.asking.claims import Claim, Claims, Row, same_row
from docparse.extract.places.passages import squeezed
from docparse.extract.result import Check, Evidence, Fields, plain
from docparse.extract.user.schema import Wanted

STANDS = 0.9
"""Confidence of the embedded extractor from which its value stands against the model's."""
AGAINST_NOTHING = 0.5
"""The same against a value of the model's that is nowhere on the page."""
SILENT = 0.8
"""What is left of its confidence where the model says that the document does not say it."""
KEPT = 0.4
"""Confidence that such a value has at least."""
MOST = 0.99
"""Of a value that both say."""
_LAST = frozenset({"net_total", "tax_total", "grand_total", "amount_due", "subtotal", "tax", "total"})
_ALIKE = 0.9


@dataclass(slots=True)
class Joined:
    """The claims of all pages as those of one document. ``answered``: pages that the model has answered for."""

    single: dict[str, Claim] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    answered: frozenset[int] = frozenset()


def joined(pages: Sequence[Claims]) -> Joined:
    """The claims of pages, in their order, as one document's."""
    found = Joined(answered=frozenset(page.page for page in pages))
    for path in dict.fromkeys(path for page in pages for path in page.single):
        said = [page.single[path] for page in pages if path in page.single]
        found.single[path], others = _one_of(path, said)
        if others:
            told = ", ".join(f"{plain(c.value)} on page {c.page}" for c in (found.single[path], *others))
            found.checks.append(Check("pages-agree", False, f"{path} is not the same on all pages: {told}.", (path,)))
    for path in dict.fromkeys(path for page in pages for path in page.rows):
        rows: list[Row] = []
        for page in pages:
            # What an earlier page has is new only where this page shows it: sums by tax rate are shown again.
            rows += [row for row in page.rows.get(path, ()) if not any(_again(path, row, old) for old in rows)]
        found.rows[path] = rows
    return found


def _one_of(path: str, said: Sequence[Claim]) -> tuple[Claim, list[Claim]]:
    """The claim that stands, and the first of each other value that is on a page as well."""
    groups: list[list[Claim]] = []
    for claim in said:
        group = next((group for group in groups if same_value(group[0].value, claim.value)), None)
        if group is None:
            groups.append([claim])
        else:
            group.append(claim)
    last = path in _LAST

    def rank(group: list[Claim]) -> tuple[bool, int, int]:
        shown = any(claim.anchor is not None for claim in group)
        return shown, len(group), group[-1].page if last else -group[0].page

    first, *rest = sorted(groups, key=rank, reverse=True)
    best = max(first, key=lambda claim: (claim.anchor is not None, claim.confidence))
    return best, [group[0] for group in rest if any(claim.anchor is not None for claim in group)]


def _again(path: str, row: Row, old: Row) -> bool:
    if not same_row(row, old):
        return False
    return path == "tax_lines" or all(claim.anchor is None for claim in row.values())


def weighed(found: Joined, embedded: Fields, wanted: Sequence[Wanted]) -> Fields:
    """The model's claims beside what was found without it."""
    scale = _Scale(found, embedded)
    values = scale.object(wanted, embedded.values)
    agreed = tuple(scale.agreed)
    checks = [*found.checks, *scale.checks]
    if agreed:
        checks.append(
            Check("model-agrees", True, f"The model and the page's own words agree on {len(agreed)}.", agreed)
        )
    kept = [check for check in embedded.checks if not {_top(name) for name in check.fields} & scale.overruled]
    issues = [issue for issue in embedded.issues if issue.code not in ("field-missing", "not-invoice", "not-receipt")]
    issues += [
        Issue("field-missing", f"The schema requires {item.path}, and the document does not say it.")
        for item in _needed(wanted)
        if item.path not in scale.evidence
    ]
    return Fields(values, scale.evidence, (*kept, *checks), tuple(issues))


class _Scale:
    """Both witnesses, field by field. ``overruled``: top names of fields that are not as the embedded one has them."""

    def __init__(self, found: Joined, embedded: Fields) -> None:
        self._found = found
        self._embedded = embedded
        self.evidence: dict[str, Evidence] = {}
        self.checks: list[Check] = []
        self.agreed: list[str] = []
        self.overruled: set[str] = set()

    def object(self, wanted: Iterable[Wanted], known: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for item in wanted:
            there = known.get(item.name) if isinstance(known, Mapping) else None
            if item.kind == "object":
                inner = self.object(item.members, there)
                values[item.name] = inner if any(v not in (None, []) for v in inner.values()) else None
            elif item.kind == "array":
                values[item.name] = self._list(item, there or [])
            else:
                values[item.name] = self._single(item.path, there)
        return values

    def _single(self, path: str, known: Any) -> Any:
        claim = self._found.single.get(path)
        proof = self._embedded.evidence.get(path)
        if claim is None:
            return self._unsaid(path, known, proof)
        if known in (None, "") or proof is None:
            self.evidence[path] = claim.evidence()
            self.overruled.add(_top(path))
            return claim.value
        if same_value(known, claim.value):
            self.agreed.append(path)
            sure = together(claim.confidence, proof.confidence)
            # It knows the label: of several places of a value it has the right one.
            shown = proof if proof.bbox is not None or claim.anchor is None else claim.evidence()
            self.evidence[path] = dataclasses.replace(shown, confidence=sure)
            return known if claim.anchor is None or not isinstance(known, str) else claim.value
        self.checks.append(_contradiction(path, claim.value, known))
        if proof.confidence >= (STANDS if claim.anchor is not None else AGAINST_NOTHING):
            self.evidence[path] = proof
            return known
        self.evidence[path] = claim.evidence()
        self.overruled.add(_top(path))
        return claim.value

    def _unsaid(self, path: str, known: Any, proof: Evidence | None) -> Any:
        """The model has null here."""
        if known in (None, "") or proof is None:
            return None
        doubted = self._doubted(proof)
        if doubted.confidence < KEPT:
            self.overruled.add(_top(path))
            return None
        self.evidence[path] = doubted
        return known

    def _doubted(self, proof: Evidence) -> Evidence:
        if proof.page is not None and proof.page not in self._found.answered:
            return proof
        note = proof.note or "the model does not say it"
        return dataclasses.replace(proof, confidence=round(SILENT * proof.confidence, 4), note=note)

    def _list(self, item: Wanted, known: Sequence[Any]) -> list[Any]:
        rows = self._found.rows.get(item.path, [])
        proofs = {n: p for n, p in self._embedded.evidence.items() if n.startswith(f"{item.path}[")}
        if not rows:
            for name, proof in proofs.items():
                self.evidence[name] = self._doubted(proof)
            return list(known)
        agree = bool(known) and _same_rows(rows, known)
        if known and not agree:
            check = f"{item.path}: the model says {len(rows)}, and {len(known)} were read without it; they differ."
            self.checks.append(Check("model-agrees", False, check, (item.path,)))
            if proofs and sum(p.confidence for p in proofs.values()) >= STANDS * len(proofs):
                self.evidence |= proofs
                return list(known)
        if not agree:
            self.overruled.add(_top(item.path))
        return [
            self._row(item, number, row, known[number] if agree else None, proofs) for number, row in enumerate(rows)
        ]

    def _row(self, item: Wanted, number: int, row: Row, known: Any, proofs: Mapping[str, Evidence]) -> Any:
        path = f"{item.path}[{number}]"
        within = item.members[0]
        if within.kind != "object":
            claim = row[""]
            self.evidence[path] = self._part(claim, known, proofs.get(path))
            return claim.value
        return self._members(within.members, path, row, known, proofs)

    def _members(
        self, wanted: Iterable[Wanted], path: str, row: Row, known: Any, proofs: Mapping[str, Evidence]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for item in wanted:
            there = known.get(item.name) if isinstance(known, Mapping) else None
            name = f"{path}.{item.path}"
            claim = row.get(item.path)
            if item.kind == "object":
                values[item.name] = self._members(item.members, path, row, there, proofs)
            elif item.kind == "array":
                values[item.name] = []
            elif claim is not None:
                values[item.name] = claim.value
                self.evidence[name] = self._part(claim, there, proofs.get(name))
            else:
                values[item.name] = there
                if there is not None and name in proofs:
                    self.evidence[name] = self._doubted(proofs[name])
        return values

    @staticmethod
    def _part(claim: Claim, known: Any, proof: Evidence | None) -> Evidence:
        if proof is None or known is None or not same_value(known, claim.value):
            return claim.evidence()
        shown = proof if proof.bbox is not None else claim.evidence()
        return dataclasses.replace(shown, confidence=together(claim.confidence, proof.confidence))


def together(a: float, b: float) -> float:
    """How sure what two say is, who do not copy from each other."""
    return round(max(a, b, min(MOST, 1 - (1 - a) * (1 - b))), 4)


def same_value(a: Any, b: Any) -> bool:
    """Numbers by value, texts without regard to spelling: a name may lack its last part."""
    if isinstance(a, str) and isinstance(b, str):
        return _same_text(a, b)
    if isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal):
        return bool(Decimal(str(a)) == Decimal(str(b))) and isinstance(a, bool) == isinstance(b, bool)
    return bool(a == b)


def _same_text(a: str, b: str) -> bool:
    (a, _), (b, _) = squeezed(a), squeezed(b)
    if a == b:
        return True
    short, long = sorted((a, b), key=len)
    if _digits(short) != _digits(long) or not short:
        return False
    from rapidfuzz import fuzz

    return (short in long and len(short) >= 0.6 * len(long)) or fuzz.ratio(a, b) >= 100 * _ALIKE


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _same_rows(rows: Sequence[Row], known: Sequence[Any]) -> bool:
    """Whether as many rows say nothing against each other, and something for each other."""
    if len(rows) != len(known):
        return False
    for row, other in zip(rows, known, strict=True):
        flat = {"": other} if not isinstance(other, Mapping) else other
        both = [
            (claim.value, flat[path])
            for path, claim in row.items()
            if flat.get(path) is not None and not (path and isinstance(claim.value, str))
        ]
        if not both or not all(same_value(a, b) for a, b in both):
            return False
    return True


def _contradiction(path: str, said: Any, known: Any) -> Check:
    told = f"{path}: the model says {_short(said)}, and the page was read as {_short(known)}."
    return Check("model-agrees", False, told, (path,))


def _short(value: Any) -> str:
    text = " ".join(str(plain(value)).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _needed(wanted: Iterable[Wanted]) -> Iterable[Wanted]:
    for item in wanted:
        if item.kind == "object":
            yield from _needed(item.members)
        elif item.needed:
            yield item


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]
