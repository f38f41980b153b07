"""Precision, recall and their mean, out of counts that can be added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class F1:
    """How many were found and are right (``tp``), were found and are wrong (``fp``), were not found (``fn``).

    Where there is nothing to find and nothing was found, all is right."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: F1) -> F1:
        return F1(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        found = self.tp + self.fp
        return self.tp / found if found else float(not self.fn)

    @property
    def recall(self) -> float:
        true = self.tp + self.fn
        return self.tp / true if true else 1.0

    @property
    def f1(self) -> float:
        all_of_them = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / all_of_them if all_of_them else 1.0


def of_multisets(said: Iterable[Hashable], true: Iterable[Hashable]) -> F1:
    """Both in any order; what is there twice has to be found twice."""
    ours, theirs = Counter(said), Counter(true)
    tp = (ours & theirs).total()
    return F1(tp, ours.total() - tp, theirs.total() - tp)
