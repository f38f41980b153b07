"""Rules in a picture: long straight runs of ink, for tables on scans."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from docparse.engines.embedded.rules import Rule, Rules
from docparse.geometry import BBox


def find_raster_rules(grey: Any, box: BBox, texts: Iterable[BBox], em: float) -> Rules:
    """Horizontal and vertical rules within ``box`` of a grey picture (rows x columns, 0 black).

    ``texts``: boxes of text lines, in which strokes of letters are no rules.
    """
    height, width = grey.shape
    x1, y1 = max(int(box.x1), 0), max(int(box.y1), 0)
    x2, y2 = min(int(box.x2) + 1, width), min(int(box.y2) + 1, height)
    part = grey[y1:y2, x1:x2].astype(np.int16)
    if part.shape[0] < 8 or part.shape[1] < 8:
        return Rules()
    reach = max(2, round(0.18 * em))
    level, upright = _ridges(part, reach), _ridges(part.T, reach).T
    for text in texts:
        # A rule may touch the edge of a box, but not run through its middle.
        rows = slice(max(round(text.y1 + 0.15 * text.height) - y1, 0), max(round(text.y2 - 0.1 * text.height) - y1, 0))
        columns = slice(max(round(text.x1) - x1, 0), max(round(text.x2) - x1, 0))
        level[rows, columns] = False
        upright[rows, columns] = False
    across = _runs(level, max(int(2.5 * em), 12), em)
    down = _runs(upright.T, max(int(1.6 * em), 10), em)
    return Rules(
        tuple(Rule(at + y1, a + x1, b + x1) for at, a, b in across),
        tuple(Rule(at + x1, a + y1, b + y1) for at, a, b in down),
    )


CONTRAST = 14
"""Grey levels by which a rule differs from the ground on both its sides: faint lines on tinted
ground count, the edge of a shaded row does not."""


def _ridges(part: Any, reach: int) -> Any:
    """Pixels darker (or lighter) than those ``reach`` rows above and below."""
    # Beyond the edge lies paper: the border of a table may be the border of the picture.
    framed = np.pad(part, ((reach, reach), (0, 0)), constant_values=int(np.median(part)))
    above, below = framed[: -2 * reach], framed[2 * reach :]
    dark = (above - part > CONTRAST) & (below - part > CONTRAST)
    light = (part - above > 2 * CONTRAST) & (part - below > 2 * CONTRAST)
    return dark | light


def _runs(dark: Any, least: int, em: float) -> list[tuple[float, float, float]]:
    """Runs of ink along rows, at least ``least`` long: (row, start, stop), thick ones once."""
    gap = max(2, int(0.1 * em))
    rows: list[tuple[int, int, int]] = []
    padded = np.zeros((dark.shape[0], dark.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = dark
    # A row with fewer dark pixels than a rule is long has none.
    for y in np.flatnonzero(dark.sum(axis=1) >= least):
        edges = np.diff(padded[y])
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        if not len(starts):
            continue
        # Scanned lines have holes: runs with a small gap between them are one.
        holes = starts[1:] - stops[:-1] > gap
        first = starts[np.r_[True, holes]]
        last = stops[np.r_[holes, True]]
        for a, b in zip(first, last, strict=True):
            if b - a >= least:
                rows.append((int(y), int(a), int(b)))
    return _thin(rows, max(3.0, 0.35 * em))


def _thin(rows: list[tuple[int, int, int]], thick: float) -> list[tuple[float, float, float]]:
    """Runs of neighbouring rows as one rule; blocks thicker than a rule are none."""
    open_: list[list[int]] = []
    done: list[list[int]] = []
    for y, a, b in rows:
        home = next(
            (g for g in open_ if y - g[1] <= 2 and min(b, g[3]) - max(a, g[2]) > 0.5 * min(b - a, g[3] - g[2])), None
        )
        if home is None:
            open_.append([y, y, a, b])
        else:
            home[1], home[2], home[3] = y, min(home[2], a), max(home[3], b)
        done += [g for g in open_ if y - g[1] > 2]
        open_ = [g for g in open_ if y - g[1] <= 2]
    return [((g[0] + g[1]) / 2, float(g[2]), float(g[3])) for g in done + open_ if g[1] - g[0] + 1 <= thick]
