"""What became of all files together: numbers, and the worst few files. As small after a million as after ten."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field

from docparse.batch.conversion import Outcome
from docparse.document import Status

WORST_FIRST: tuple[Status, ...] = ("failed", "partial", "fallback", "repaired", "ok")
MOST = 40
"""Files that are named at the end of a run: a screen of them."""


@dataclass(slots=True)
class Tally:
    """Counts files as they are over.

    files   how many
    lost    those of them that were not converted
    pages   of the others, by status
    named   the worst ``MOST`` files; all of them, while they are no more
    """

    files: int = 0
    lost: int = 0
    pages: Counter[Status] = field(default_factory=Counter)
    _heap: list[tuple[tuple[float, ...], int, Outcome]] = field(default_factory=list)

    def add(self, index: int, outcome: Outcome) -> None:
        """The file of that number in the run is over."""
        self.files += 1
        statuses = Counter(outcome.pages.values())
        if outcome.error is not None:
            self.lost += 1
        else:
            self.pages += statuses
        item = (_badness(outcome, statuses), -index, outcome)
        if len(self._heap) < MOST:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    @property
    def named(self) -> list[Outcome]:
        """In the order of the run where all are named, else worst first."""
        if self.files <= MOST:
            return [outcome for _, _, outcome in sorted(self._heap, key=lambda item: -item[1])]
        return [outcome for _, _, outcome in sorted(self._heap, key=lambda item: item[:2], reverse=True)]


def _badness(outcome: Outcome, statuses: Counter[Status]) -> tuple[float, ...]:
    """Larger is worse: a file that was lost, then pages by what became of them, then the least sure."""
    sure = outcome.confidence
    lost = float(outcome.error is not None)
    return (lost, *(float(statuses[status]) for status in WORST_FIRST[:-1]), 0.0 if sure is None else 1.0 - sure)
