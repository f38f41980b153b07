"""Straight lines of a page: table rules, underlines, frames.

Drawn rules, thin filled bars and the edges of rectangles become horizontal and vertical ``Rule``s;
pieces of one rule (a table often draws each cell's border by itself) are joined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from docparse.geometry import BBox
from docparse.textlayer import Shape

WHITE = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: at ``at`` (y if horizontal, x if vertical), from ``start`` to ``stop``.

    ``soft``: the edge of a filled area rather than a drawn line.
    """

    at: float
    start: float
    stop: float
    soft: bool = False

    @property
    def length(self) -> float:
        return self.stop - self.start

    def covers(self, a: float, b: float, share: float = 0.7) -> bool:
        """Whether the rule runs along at least ``share`` of the stretch from ``a`` to ``b``."""
        return min(self.stop, b) - max(self.start, a) >= share * (b - a)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a page or region, each list in order of position."""

    horizontal: tuple[Rule, ...] = ()
    vertical: tuple[Rule, ...] = ()

    def decisive(self) -> Rules:
        """Without the edges of filled areas where drawn lines are there to go by."""
        return Rules(
            *(
                hard if (hard := tuple(r for r in rules if not r.soft)) else rules
                for rules in (self.horizontal, self.vertical)
            )
        )

    def inside(self, box: BBox, slack: float) -> Rules:
        """The rules that run through ``box``, cut to it."""
        return Rules(
            _cut(self.horizontal, box.y1, box.y2, box.x1, box.x2, slack),
            _cut(self.vertical, box.x1, box.x2, box.y1, box.y2, slack),
        )


def _cut(rules: Iterable[Rule], low: float, high: float, start: float, stop: float, slack: float) -> tuple[Rule, ...]:
    return tuple(
        Rule(r.at, max(r.start, start), min(r.stop, stop), r.soft)
        for r in rules
        if low - slack <= r.at <= high + slack and min(r.stop, stop) - max(r.start, start) > slack
    )


def find_rules(shapes: Iterable[Shape], em: float) -> Rules:
    """The rules among drawn shapes. ``em``: font size of body text in pixels, the unit of it all."""
    thin = max(0.3 * em, 2.0)
    across: list[Rule] = []
    down: list[Rule] = []
    for shape in shapes:
        box = shape.box
        width, height = box.width, box.height
        if shape.kind == "path" or (shape.stroke in (None, WHITE) and shape.fill in (None, WHITE)):
            continue
        if shape.kind == "rule" or min(width, height) <= thin:
            if height <= width and width > thin:
                across.append(Rule((box.y1 + box.y2) / 2, box.x1, box.x2))
            elif width < height and height > thin:
                down.append(Rule((box.x1 + box.x2) / 2, box.y1, box.y2))
            continue
        soft = shape.stroke in (None, WHITE)
        across += [Rule(box.y1, box.x1, box.x2, soft), Rule(box.y2, box.x1, box.x2, soft)]
        down += [Rule(box.x1, box.y1, box.y2, soft), Rule(box.x2, box.y1, box.y2, soft)]
    return Rules(_joined(across, 0.2 * em), _joined(down, 0.2 * em))


def _joined(rules: list[Rule], slack: float) -> tuple[Rule, ...]:
    """Pieces at one position (within ``slack``) that touch, joined into one rule each.

    Drawn and soft ones stay apart: a shading must not lengthen a line.
    """
    both = _joined_alike([r for r in rules if not r.soft], slack) + _joined_alike([r for r in rules if r.soft], slack)
    return tuple(sorted(both, key=lambda r: r.at))


def _joined_alike(rules: list[Rule], slack: float) -> list[Rule]:
    rules.sort(key=lambda r: r.at)
    done: list[Rule] = []
    group: list[Rule] = []
    for rule in rules:
        # Compare with the first of the group: a chain of near positions must not drift away.
        if group and rule.at - group[0].at > slack:
            done += _spliced(group, slack)
            group = []
        group.append(rule)
    return done + _spliced(group, slack) if group else done


def _spliced(group: list[Rule], slack: float) -> list[Rule]:
    at = sorted(r.at for r in group)[len(group) // 2]
    pieces: list[Rule] = []
    for rule in sorted(group, key=lambda r: r.start):
        if pieces and rule.start <= pieces[-1].stop + 2 * slack:
            last = pieces[-1]
            pieces[-1] = Rule(at, last.start, max(last.stop, rule.stop), last.soft and rule.soft)
        else:
            pieces.append(Rule(at, rule.start, rule.stop, rule.soft))
    return pieces
