"""Listings: lines of a monospaced font on a page that is set in another, kept with their indents."""

from __future__ import annotations

import statistics

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.geometry import BBox

TYPEWRITTEN = 0.75
"""Share of the page's characters in monospaced type from which that is simply how the page is set."""
PITCH = 3.1
"""Sizes from one baseline to the next within a listing: one blank line may be between."""


def take_listings(segments: list[Segment], em: float) -> list[Element]:
    """The listings among segments, which are removed from them."""
    mono = [s for s in segments if is_mono(s)]
    if not mono or _letters(mono) > TYPEWRITTEN * _letters(segments):
        return []
    own = {id(s) for s in mono}
    stacks: list[list[Segment]] = []
    wide: list[int] = []  # of each stack, how many rows have gaps
    for row in rows_of(segments):
        parts = [s for s in row if id(s) in own]
        if not parts or _in_prose(parts, row):
            continue
        line = parts[0].cut([w for s in parts for w in s.words])
        if stacks and _follows(stacks[-1], line):
            stacks[-1].append(line)
            wide[-1] += len(parts) > 1
        else:
            stacks.append([line])
            wide.append(int(len(parts) > 1))
    found = [
        Element("code", BBox.around(s.box for s in stack), stack, breaks=True)
        for stack, gaps in zip(stacks, wide, strict=True)
        # Rows with gaps at large are those of a table.
        if len(stack) >= 2 and gaps <= 0.4 * len(stack)
    ]
    used = {id(w) for e in found for line in e.lines for w in line.words}
    segments[:] = [s for s in segments if id(s.words[0]) not in used]
    return found


def is_mono(segment: Segment) -> bool:
    """Whether nearly all of a segment is set in a monospaced font."""
    styles = [style for word in segment.words for _, style in word.parts]
    return bool(styles) and sum(style.mono for style in styles) >= 0.9 * len(styles)


def advance(lines: list[Segment]) -> float:
    """The width of a character of a listing, in pixels."""
    widths = [w.box.width / len(w.text) for line in lines for w in line.words if w.text]
    return max(statistics.median(widths), 1.0)


def printed(lines: list[Segment]) -> list[str]:
    """The lines of a listing as they stand: blanks in front and in between, and blank lines."""
    left, step = min(line.box.x1 for line in lines), advance(lines)
    pitches = [b.baseline - a.baseline for a, b in zip(lines, lines[1:], strict=False)]
    usual = min(pitches, default=0.0)
    done: list[str] = []
    for i, line in enumerate(lines):
        if i and usual > 0:
            done += [""] * max(0, round(pitches[i - 1] / usual) - 1)
        text = ""
        for word in line.words:
            column = round((word.box.x1 - left) / step)
            text += " " * max(column - len(text), 1 if text else 0) + word.text
        done.append(text)
    return done


def _letters(segments: list[Segment]) -> int:
    return sum(len(w.text) for s in segments for w in s.words)


def _in_prose(parts: list[Segment], row: list[Segment]) -> bool:
    """Whether a row has running text beside its monospaced parts: a name quoted at the end of a line."""
    return any(
        not any(other is p for p in parts)
        and min(abs(other.box.x1 - p.box.x2) if other.box.x1 > p.box.x1 else p.box.x1 - other.box.x2 for p in parts)
        < 2 * other.size
        for other in row
    )


def _follows(stack: list[Segment], line: Segment) -> bool:
    """Whether a line is the next of a listing, at whatever indent."""
    last = stack[-1]
    box = BBox.around(s.box for s in stack[-60:])
    return (
        0.5 * line.size < line.baseline - last.baseline <= PITCH * line.size
        and abs(line.size - last.size) <= 0.1 * last.size
        and line.box.x1 > box.x1 - 12 * line.size
        and line.box.x1 < box.x2 + 4 * line.size
    )
