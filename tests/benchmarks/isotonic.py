"""A monotone map fitted to what was right, and how far any confidences are from what happened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

Pair = tuple[float, float]
"""A confidence, and what happened: 1 for right, 0 for wrong, or a share."""
Bin = tuple[int, float, float]
"""How many, their mean confidence, and the mean of what happened."""


def fit(pairs: Sequence[Pair], most: int = 8) -> tuple[Pair, ...]:
    """Knots from 0 to 1: at most ``most`` groups of about the same size, in order of their confidence.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955) over the groups' means; each mean has half a
    right and half a wrong one added, so that nothing is ever certain. Equal confidences stay together.
    """
    groups: list[list[Pair]] = [[]]
    for _, equal in groupby(sorted(pairs), key=lambda pair: pair[0]):
        if len(groups[-1]) >= len(pairs) / most:
            groups.append([])
        groups[-1] += equal
    # As sums, so that pooling is adding: number, confidences, right ones.
    pooled: list[tuple[float, float, float]] = []
    for group in groups:
        pooled.append((len(group), sum(c for c, _ in group), sum(r for _, r in group)))
        while len(pooled) > 1 and _value(pooled[-2]) >= _value(pooled[-1]):
            last, before = pooled.pop(), pooled.pop()
            pooled.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    inner = [(round(p[1] / p[0], 4), round(_value(p), 3)) for p in pooled]
    inner = [knot for knot in inner if 0 < knot[0] < 1]
    top = round(_value(pooled[-1]), 3)
    return ((0.0, 0.0), *(b for a, b in pairwise([(0.0, 0.0), *inner]) if b[0] > a[0]), (1.0, top))


def _value(pooled: tuple[float, float, float]) -> float:
    return min((pooled[2] + 0.5) / (pooled[0] + 1), 0.999)


def reliability(pairs: Sequence[Pair], bins: int = 10) -> list[Bin]:
    """Bins of equal width; empty ones are (0, 0, 0)."""
    found: list[list[Pair]] = [[] for _ in range(bins)]
    for pair in pairs:
        found[min(int(pair[0] * bins), bins - 1)].append(pair)
    return [(len(b), sum(c for c, _ in b) / len(b), sum(r for _, r in b) / len(b)) if b else (0, 0, 0) for b in found]


def expected_error(pairs: Sequence[Pair], bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of confidence and outcome, over bins."""
    return sum(n * abs(sure - right) for n, sure, right in reliability(pairs, bins)) / max(len(pairs), 1)


def brier(pairs: Sequence[Pair]) -> float:
    """Mean squared distance of confidence and outcome (Brier 1950)."""
    return sum((sure - right) ** 2 for sure, right in pairs) / max(len(pairs), 1)
