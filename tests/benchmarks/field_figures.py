"""What confidences are worth: precision over coverage, the share that is right at 0.9, and their picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from field_truth import Judged
from isotonic import expected_error, reliability

SURE = 0.9
AIM = 0.98
"""The precision that values of ``SURE`` confidence are to have."""


@dataclass(frozen=True, slots=True)
class Point:
    """All values of at least ``confidence``: the share of all known fields that they are, and of them that is right."""

    confidence: float
    coverage: float
    precision: float


def curve(found: Sequence[Judged]) -> list[Point]:
    """From the surest value on, one point for each confidence that is said."""
    said = sorted((j for j in found if j.outcome != "missing"), key=lambda j: -j.confidence)
    points: list[Point] = []
    right = 0
    for number, one in enumerate(said, 1):
        right += one.outcome == "right"
        if number == len(said) or said[number].confidence < one.confidence:
            points.append(Point(one.confidence, number / len(found), right / number))
    return points


@dataclass(frozen=True, slots=True)
class Sure:
    """The values of at least ``SURE`` confidence. ``known``: how many fields could have been said."""

    said: int
    right: int
    known: int

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None


def sure(found: Sequence[Judged]) -> Sure:
    of = [j for j in found if j.outcome != "missing" and j.confidence >= SURE]
    return Sure(len(of), sum(j.outcome == "right" for j in of), len(found))


def pairs(found: Sequence[Judged]) -> list[tuple[float, float]]:
    """Confidence and outcome of all that was said."""
    return [(j.confidence, float(j.outcome == "right")) for j in found if j.outcome != "missing"]


def plot(path: Path, groups: Mapping[str, Sequence[Judged]]) -> None:
    """Left precision over coverage, group by group; right the reliability of the first group."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = ("#333333", "#b5482f", "#2f6fb5", "#3f8f4f", "#8a5ba6")
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=(1.45, 1))
    left.axhline(AIM, color="#999999", linewidth=0.8, linestyle=":")
    left.annotate(f"aim {AIM}", (1.015, AIM), fontsize=8, color="#777777", va="bottom", ha="right")
    for (name, found), colour in zip(groups.items(), colours, strict=False):
        points = curve(found)
        if not points:
            continue
        left.plot([p.coverage for p in points], [p.precision for p in points], color=colour, linewidth=1.3, label=name)
        at = [p for p in points if p.confidence >= SURE]
        if at:
            left.scatter([at[-1].coverage], [at[-1].precision], color=colour, s=34, zorder=3)
    left.scatter([], [], color="#777777", s=34, label=f"down to confidence {SURE}")
    left.set(xlabel="coverage: share of known fields that are said", ylabel="precision: share of those that is right")
    left.set(xlim=(0, 1.02), ylim=(min(0.7, left.get_ylim()[0]), 1.01))
    left.set_title("fields by confidence, the surest first", fontsize=10)
    left.legend(loc="lower left", fontsize=8, frameon=False)
    known = pairs(next(iter(groups.values())))
    bins = [b for b in reliability(known) if b[0]]
    right.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle="--")
    right.plot([b[1] for b in bins], [b[2] for b in bins], color="#2f6fb5", linewidth=1.2)
    right.scatter([b[1] for b in bins], [b[2] for b in bins], s=[12 + b[0] for b in bins], color="#2f6fb5", alpha=0.7)
    for n, mean, share in bins:
        right.annotate(str(n), (mean, share), textcoords="offset points", xytext=(8, -11), fontsize=8)
    right.set(xlim=(0, 1.06), ylim=(-0.03, 1.06), xlabel="mean confidence", ylabel="share of values right")
    right.set_title(f"reliability, {next(iter(groups))}: ECE {expected_error(known):.3f}", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)
