"""Reading order: in which sequence the true elements turn up in the output.

``order_ned`` is OmniDocBench's reading-order distance: edits between the true sequence of elements and that in which
they are found, over the longer; an element that is not found is a deletion. ``tau`` is Kendall's, over those found.
Elements are found by their text; where the truth has no text, by their boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docparse.evaluate.blocks import ANY, CLASSES, Json, matched, pages_of, placed
from docparse.evaluate.plain import CHARACTER_WORDS, letters, without_marks

READ = ("heading", "text")
"""Classes whose text is looked for."""
PLACED = (*READ, "table", "figure", "formula")
"""Classes whose boxes are."""
SHORTEST, SHORTEST_CHARACTERS = 8, 4
"""Letters that an element needs to be looked for; fewer turn up by chance."""
FUZZY, PROBE = 12, 400
"""Letters from which a text is looked for with mistakes in it, and how many of its beginning or end."""
LIKE, SPAN, SHARED = 80.0, 0.6, 0.3
"""What a place with mistakes needs: percent of likeness, share of the length; and how much of it may be others'."""
IOU = 0.4
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OrderScore:
    """``found``: share of the ``blocks`` elements that were looked for."""

    order_ned: float
    tau: float
    found: float
    blocks: int


def order_score(text: str, document: Json, true: Json) -> OrderScore | None:
    """``text``: the output with its marks; ``document``: as JSON with boxes. None where there is nothing to order."""
    blocks = sorted(
        (
            (int(page.get("page", i)), block["order"], block.get("text") or "")
            for i, page in enumerate(true["pages"], 1)
            for block in page["blocks"]
            if block.get("order") is not None and not block.get("ignore") and CLASSES.get(block["type"]) in READ
        ),
        key=lambda item: item[:2],
    )
    if any(said for _, _, said in blocks):
        truth, found = _by_text(text, [said for _, _, said in blocks])
    else:
        truth, found = _by_place(document, true)
    if not truth:
        return None
    return OrderScore(
        order_ned=Levenshtein.distance(found, truth) / max(len(found), len(truth)),
        tau=_tau(found),
        found=len(found) / len(truth),
        blocks=len(truth),
    )


def _tau(sequence: Sequence[int]) -> float:
    """Kendall's tau of different numbers; 1 for a single one."""
    if len(sequence) < 2:
        return float(len(sequence))
    signs = [1 if a < b else -1 for i, a in enumerate(sequence) for b in sequence[i + 1 :]]
    return sum(signs) / len(signs)


def _by_text(output: str, texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """The numbers of the texts that can be looked for, and of those found in the order of their places."""
    hay = letters(without_marks(output))
    wanted = [(k, letters(without_marks(text))) for k, text in enumerate(texts)]
    wanted = [
        (k, needle)
        for k, needle in wanted
        if len(needle) >= (SHORTEST_CHARACTERS if CHARACTER_WORDS.search(needle) else SHORTEST)
    ]
    taken: list[Place] = []
    found = []
    # The longest first: a short one must not take a place inside a long one.
    for k, needle in sorted(wanted, key=lambda item: (-len(item[1]), item[0])):
        place = _find(needle, hay, taken)
        if place is not None:
            taken.append(place)
            found.append((place[0], k))
    return [k for k, _ in wanted], [k for _, k in sorted(found)]


def _find(needle: str, hay: str, taken: Sequence[Place]) -> Place | None:
    """A place of ``needle`` that is nobody's yet; as it is, or else with mistakes in it."""
    start = hay.find(needle)
    while start >= 0:
        stop = start + len(needle)
        if all(stop <= a or start >= z for a, z in taken):
            return start, stop
        start = hay.find(needle, start + 1)
    if len(needle) < FUZZY or not hay:
        return None
    for probe in (needle[:PROBE], needle[-PROBE:]):
        near = fuzz.partial_ratio_alignment(probe, hay, score_cutoff=LIKE)
        if near is None or near.dest_end - near.dest_start < SPAN * len(probe):
            continue
        start, stop = near.dest_start, near.dest_end
        if sum(max(0, min(stop, z) - max(start, a)) for a, z in taken) <= SHARED * (stop - start):
            return start, stop
    return None


def _by_place(document: Json, true: Json) -> tuple[list[int], list[int]]:
    """The numbers of all true elements, and of those found in the order in which the output has them."""
    truth: list[int] = []
    found: list[int] = []
    pages = pages_of(document)
    for number, page in sorted(pages_of(true).items()):
        theirs = [block for block in placed(page) if block.order is not None and CLASSES.get(block.kind) in PLACED]
        theirs.sort(key=lambda block: block.order or 0)
        ours = placed(pages.get(number, {}), page)
        pairs = matched(ours, theirs, [[ANY] * len(ours), [ANY] * len(theirs)], least=IOU)
        found += [len(truth) + j for _, j in sorted(pairs)]
        truth += range(len(truth), len(truth) + len(theirs))
    return truth, found
