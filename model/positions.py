"""Where tokens stand in time and space: the three position ids of MRoPE.

Text counts on in all three rows. A picture's tokens share one moment and have their row and column; it
takes as many positions as its longer side. A video's frame groups stand at their absolute time, in
steps of ``1 / tokens_per_second`` seconds. What follows a picture or video starts one after the
largest position so far (Qwen's own ``rope2d.py``; transformers 5 starts inside of a long video
instead, facts/qwen.md 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

import torch
from torch import Tensor

from docparse.model.config import ModelConfig
from docparse.model.errors import RequestError

Grid = tuple[int, int, int]
"""Frame groups, and rows and columns of patches."""
Grids = Sequence[Grid] | Grid | Tensor
"""The grids of several pictures or videos, [n, 3], or of one."""
Seconds = Sequence[float] | float | Tensor
"""Seconds from frame group to frame group, of several videos or of one."""


def as_grids(grids: Grids | None) -> tuple[Grid, ...]:
    """Grids from a tensor [n, 3], a list of triples, or one triple. Raises ``RequestError``."""
    if grids is None:
        return ()
    try:
        rows: Any = grids.tolist() if isinstance(grids, Tensor) else grids
        if len(rows) and isinstance(rows[0], int):
            rows = [rows]
        triples = tuple((index(t), index(h), index(w)) for t, h, w in rows)
    except (TypeError, ValueError) as error:
        raise RequestError(f"a grid is frames, rows and columns, not {grids!r}.") from error
    if any(min(grid) < 1 for grid in triples):
        raise RequestError(f"a grid has at least one patch each way: {triples}.")
    return triples


def as_seconds(seconds: Seconds | None) -> list[float] | None:
    """Seconds of each video from a tensor, a list, or the number of one. Raises ``RequestError``."""
    if seconds is None:
        return None
    values: Any = seconds.tolist() if isinstance(seconds, Tensor) else seconds
    try:
        found = [float(value) for value in (values if isinstance(values, Sequence) else [values])]
    except (TypeError, ValueError) as error:
        raise RequestError(f"seconds between frame groups are numbers, not {seconds!r}.") from error
    if not all(0 <= value < math.inf for value in found):
        raise RequestError(f"seconds between frame groups are 0 or more, not {found}.")
    return found


def tokens_of(grid: Grid, merge: int) -> int:
    """Tokens of the language model that a grid of patches becomes."""
    return grid[0] * (grid[1] // merge) * (grid[2] // merge)


def position_ids(
    input_ids: Tensor,
    config: ModelConfig,
    *,
    image_grids: Sequence[Grid] = (),
    video_grids: Sequence[Grid] = (),
    second_per_grid_ts: Seconds | None = None,
) -> tuple[Tensor, int]:
    """Positions [3, T] int64 of one sequence [T], and ``delta``: token n after it stands at n + delta.

    ``second_per_grid_ts``: seconds between the frame groups of each video, 1 where it is not given.
    Raises ``RequestError`` where placeholders and grids do not match.
    """
    merge = config.vision.spatial_merge_size
    ids = input_ids.tolist()
    images, videos = list(image_grids), list(video_grids)
    given = as_seconds(second_per_grid_ts)
    seconds = [1.0] * len(videos) if given is None else given
    if len(seconds) != len(videos):
        raise RequestError(f"{len(videos)} videos, but seconds for {len(seconds)}.")
    parts: list[Tensor] = []
    start = at = seen_images = seen_videos = 0
    while at < len(ids):
        token = ids[at]
        if token not in (config.image_token_id, config.video_token_id):
            end = at
            while end < len(ids) and ids[end] not in (config.image_token_id, config.video_token_id):
                end += 1
            parts.append(torch.arange(start, start + end - at).expand(3, -1))
            start += end - at
            at = end
            continue
        if token == config.image_token_id:
            grid, step, what, seen = _next(images, seen_images, "picture"), 0.0, "picture", seen_images
            seen_images += 1
        else:
            grid = _next(videos, seen_videos, "video")
            step, what, seen = seconds[seen_videos] * config.vision.tokens_per_second, "video", seen_videos
            seen_videos += 1
        count = tokens_of(grid, merge)
        if ids[at : at + count] != [token] * count:
            raise RequestError(f"{what} {seen + 1} has {count} tokens, but the prompt has fewer places for it.")
        part = _grid_positions(grid, merge, step) + start
        parts.append(part)
        start = int(part.max()) + 1
        at += count
    if seen_images < len(images) or seen_videos < len(videos):
        raise RequestError(
            f"the prompt has places for {seen_images} pictures and {seen_videos} videos,"
            f" but {len(images)} and {len(videos)} were given."
        )
    positions = torch.cat(parts, dim=1) if parts else torch.zeros(3, 0, dtype=torch.int64)
    return positions, start - len(ids)


def _next(grids: Sequence[Grid], number: int, what: str) -> Grid:
    if number >= len(grids):
        raise RequestError(f"the prompt has a place for {what} {number + 1}, but only {len(grids)} were given.")
    return grids[number]


def _grid_positions(grid: Grid, merge: int, step: float) -> Tensor:
    """Time, row and column [3, tokens] of a grid, from 0; ``step`` positions from frame group to frame group."""
    frames, rows, columns = grid[0], grid[1] // merge, grid[2] // merge
    # As floats first and cut afterwards: intervals below one position must add up (facts/qwen.md 3.2).
    time = (torch.arange(frames, dtype=torch.float32) * step).long()
    t, h, w = torch.meshgrid(time, torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack((t, h, w)).flatten(1)
