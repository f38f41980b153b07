"""How a packed row of patches is cut into windows and frames for the vision tower.

The tower sees the patches of all its pictures on one axis. In most blocks a patch attends only within
its window of 112 x 112 pixels, in a few within its whole frame. Patches are therefore brought into
window order once, and both kinds of attention get lengths of consecutive segments.

A cell is 2 x 2 patches, one token of the language model; windows are cut in cells, so that a cell
stays together. All indices here are of cells or patches of the packed axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from docparse.model.config import VisionConfig
from docparse.model.positions import Grid
from docparse.model.rope import Rotation, vision_rotation


class Segments:
    """Consecutive stretches of a packed axis, each of which attends only to itself.

    cu_seqlens   [segments + 1] int32 on ``device``: where each begins, and where the last ends
    max_length   the longest one
    """

    def __init__(self, lengths: Tensor, device: torch.device) -> None:
        self.lengths = lengths
        self.max_length = int(lengths.max()) if len(lengths) else 0
        self.cu_seqlens = torch.zeros(len(lengths) + 1, dtype=torch.int32)
        self.cu_seqlens[1:] = lengths.cumsum(0)
        self.batches = _batches(lengths, self.cu_seqlens, device)
        self.cu_seqlens = self.cu_seqlens.to(device)


def _batches(lengths: Tensor, starts: Tensor, device: torch.device) -> list[tuple[int, slice | Tensor]]:
    """Segments of one length together: (length, where they are), a slice if they lie side by side, else their
    positions [n, length].

    What a kernel without variable lengths needs: equal segments are one batch, without padding and
    mask. A page has at most four lengths: inside, right edge, bottom edge, corner.
    """
    batches: list[tuple[int, slice | Tensor]] = []
    for length in lengths.unique().tolist():
        first = starts[:-1][lengths == length].long()
        if (first.diff() == length).all():
            batches.append((length, slice(int(first[0]), int(first[-1]) + length)))
        else:
            batches.append((length, (first[:, None] + torch.arange(length)).to(device)))
    return batches


@dataclass(frozen=True, eq=False)
class Layout:
    """Everything about the patches of a pack that does not depend on what is on them.

    order, inverse     [cells]: cells in window order, and back to raster order
    rotation           cosines and sines of the patches [N, D], in window order
    windows, frames    the segments of windowed and of full attention
    """

    order: Tensor
    inverse: Tensor
    rotation: Rotation = field(repr=False)
    windows: Segments = field(repr=False)
    frames: Segments = field(repr=False)


def window_order(grid: Grid, config: VisionConfig) -> tuple[Tensor, Tensor]:
    """The cells of one picture in window order [cells], and the patches of each window [windows].

    Windows go row by row over each frame, cells row by row inside a window; those at the right and at
    the bottom edge are smaller. Equal to transformers' ``get_vision_window_index`` without its empty
    windows.
    """
    frames, rows, columns = grid[0], grid[1] // config.spatial_merge_size, grid[2] // config.spatial_merge_size
    side = config.window_cells
    down, across = -(-rows // side), -(-columns // side)
    # Pad to whole windows, mark the padding, and drop it again where it came to lie.
    cells = torch.full((frames, down * side, across * side), -1)
    cells[:, :rows, :columns] = torch.arange(frames * rows * columns).view(frames, rows, columns)
    tiled = cells.view(frames, down, side, across, side).transpose(2, 3).reshape(-1, side * side)
    inside = tiled >= 0
    return tiled[inside], inside.sum(1) * config.merge_unit


def _side_by_side(order: Tensor, lengths: Tensor, frames: int, merge_unit: int) -> tuple[Tensor, Tensor]:
    """The same windows, on each frame the large ones first.

    Attention within windows does not ask for the order of windows. Of a page those of one size are then
    neighbours, and a batch of them is a view of the packed axis instead of a copy.
    """
    windows = order.split((lengths // merge_unit).tolist())
    per_frame = lengths.view(frames, -1).argsort(dim=1, descending=True, stable=True)
    chosen = (per_frame + torch.arange(frames)[:, None] * per_frame.shape[1]).flatten()
    return torch.cat([windows[i] for i in chosen.tolist()]), lengths[chosen]


def patch_positions(grid: Grid, merge: int) -> Tensor:
    """Row and column [N, 2] of each patch on its frame, in the order of patches: the four of a cell together."""
    frames, rows, columns = grid
    row = torch.arange(rows)[:, None].expand(rows, columns)
    column = torch.arange(columns)[None, :].expand(rows, columns)
    both = torch.stack((row, column), dim=-1)
    cells = both.view(rows // merge, merge, columns // merge, merge, 2).transpose(1, 2)
    return cells.reshape(-1, 2).repeat(frames, 1)


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # kept tensors must serve training too, whoever asked for them first
def layout(grids: tuple[Grid, ...], config: VisionConfig, device: torch.device) -> Layout:
    """The layout of a pack of pictures and videos. Kept: the pages of a document mostly have one size."""
    orders, window_lengths, frame_lengths, positions = [], [], [], []
    offset = 0
    for grid in grids:
        order, lengths = _side_by_side(*window_order(grid, config), grid[0], config.merge_unit)
        orders.append(order + offset)
        window_lengths.append(lengths)
        frame_lengths.append(torch.full((grid[0],), grid[1] * grid[2]))
        positions.append(patch_positions(grid, config.spatial_merge_size))
        offset += len(order)
    order = torch.cat(orders)
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    patches = torch.cat(positions).view(len(order), config.merge_unit, 2)[order].flatten(0, 1).to(device)
    return Layout(
        order=order.to(device),
        inverse=inverse.to(device),
        rotation=vision_rotation(patches, config.head_dim),
        windows=Segments(torch.cat(window_lengths), device),
        frames=Segments(torch.cat(frame_lengths), device),
    )
