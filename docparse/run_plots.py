"""How numbers of a run are spread, as inline SVG: a row of bars with where each begins, readable without script.

What is drawn is also said, in a sentence under it and to who cannot see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docparse.batch.summary import Spread, Summary

WIDTH, HEIGHT, FOOT = 480, 110, 16
"""Of a plot, in its own units; the foot has the numbers on the axis."""
_LEAST = 1.5
"""Height of a bar of one in a million: what is there can be seen."""


def duration(seconds: float) -> str:
    """For people: ``0.25 s``, ``12.5 s``, ``3 min 05 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def plots(summary: Summary) -> Iterator[str]:
    """A figure for each thing that is measured."""
    measured: tuple[tuple[Spread | None, str, Callable[[float], str]], ...] = (
        (summary.page_seconds, "Pages by the time they took", duration),
        (summary.confidence, "Pages by confidence", lambda share: f"{share:.0%}"),
        (summary.file_seconds, "Files by the time they took", duration),
        (summary.file_pages, "Files by their pages", lambda pages: f"{pages:,.0f}"),
    )
    for spread, title, said in measured:
        if spread is not None:
            yield plot(spread, title, said)


def plot(spread: Spread, title: str, said: Callable[[float], str]) -> str:
    """A figure of HTML. ``said`` writes a number of the axis; ``title`` is HTML already.

    Bins that are empty at both ends are left out.
    """
    counts = spread.counts
    first = next(i for i, number in enumerate(counts) if number)
    last = max(i for i, number in enumerate(counts) if number)
    width = WIDTH / max(last - first + 1, 6)
    most = max(counts)
    parts = []
    for place, i in enumerate(range(first, last + 1)):
        if counts[i]:
            height = max(counts[i] / most * (HEIGHT - FOOT - 14), _LEAST)
            x, y = place * width, HEIGHT - FOOT - height
            parts.append(
                f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{height:.1f}">'
                f"<title>{_bin(spread, i, said)}: {counts[i]:,}</title></rect>"
            )
            parts.append(f'<text x="{x + width / 2:.1f}" y="{y - 3:.1f}">{_short(counts[i])}</text>')
        if i > first:
            parts.append(f'<text x="{place * width:.1f}" y="{HEIGHT - 4}">{said(spread.edges[i - 1])}</text>')
    told = (
        f"{spread.count:,} in all; half up to {said(spread.p50)}, 90 % up to {said(spread.p90)}, "
        f"99 % up to {said(spread.p99)}; the largest {said(spread.most)}."
    )
    tag = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}: {told}">'
    drawn = f"{tag}{''.join(parts)}</svg>"
    return f"<figure>\n<figcaption>{title}</figcaption>\n{drawn}\n<p>{told}</p>\n</figure>"


def _bin(spread: Spread, i: int, said: Callable[[float], str]) -> str:
    if i == 0:
        return f"less than {said(spread.edges[0])}"
    if i == len(spread.edges):
        return f"{said(spread.edges[-1])} or more"
    return f"{said(spread.edges[i - 1])} to less than {said(spread.edges[i])}"


def _short(number: int) -> str:
    """``12``, ``3.4k``, ``120k``, ``1.2M``: a bar is narrow."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}" if number < 10 * size else f"{number // size}{letter}"
    return str(number)
