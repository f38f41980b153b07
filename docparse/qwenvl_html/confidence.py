"""Token probabilities to the confidence of a stretch of markup.

What it is: the geometric mean of the probabilities whose tokens overlap the stretch, each weighted by
the characters it shares, in O(log n) for each question. What it is not: calibration.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

_LEAST = 1e-9  # a probability of 0 would make a mean of any length 0


class Confidences:
    """``spans``: (start, end, probability) of tokens by character, sorted, not overlapping."""

    def __init__(self, spans: Sequence[tuple[int, int, float]]) -> None:
        spans = [span for span in spans if span[0] < span[1] and span[2] >= 0]  # NaN is not
        self._starts = [start for start, _, _ in spans]
        self._ends = [end for _, end, _ in spans]
        self._logs = [math.log(min(max(probability, _LEAST), 1)) for _, _, probability in spans]
        lengths = [end - start for start, end, _ in spans]
        self._length_to = [0, *accumulate(lengths)]
        self._log_to = [0.0, *accumulate(log * length for log, length in zip(self._logs, lengths, strict=True))]

    def __bool__(self) -> bool:
        return bool(self._starts)

    def of(self, stretches: Iterable[tuple[int, int]]) -> float | None:
        """The confidence of all ``stretches`` together; None where no token overlaps them."""
        length, log = 0, 0.0
        for start, end in stretches:
            first = bisect_right(self._ends, start)
            last = bisect_left(self._starts, end)
            if first >= last or start >= end:
                continue
            length += self._length_to[last] - self._length_to[first]
            log += self._log_to[last] - self._log_to[first]
            before, after = start - self._starts[first], self._ends[last - 1] - end
            if before > 0:
                length -= before
                log -= before * self._logs[first]
            if after > 0:
                length -= after
                log -= after * self._logs[last - 1]
        return min(math.exp(log / length), 1.0) if length > 0 else None
