"""Windows and frames of packed patches: order and limits against transformers and against plain loops."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from transformers.vision_utils import get_vision_cu_seqlens, get_vision_position_ids, get_vision_window_index

from docparse.model.config import VisionConfig
from docparse.model.positions import Grid
from docparse.model.rope import vision_rotation
from docparse.model.windows import Segments, layout, patch_positions, window_order

CPU = torch.device("cpu")


def config(window: int = 112, merge: int = 2, patch: int = 14) -> VisionConfig:
    return VisionConfig(
        depth=1,
        hidden_size=16,
        num_heads=1,
        intermediate_size=8,
        out_hidden_size=8,
        window_size=window,
        spatial_merge_size=merge,
        patch_size=patch,
    )


PUBLISHED = config()


def starts(lengths: torch.Tensor) -> list[int]:
    return [0, *lengths.cumsum(0).tolist()]


def by_loops(grid: Grid, side: int) -> tuple[list[int], list[int]]:
    """Tiles of ``side`` x ``side`` cells over each frame, cut off at the right and at the bottom edge."""
    frames, rows, columns = grid[0], grid[1] // 2, grid[2] // 2
    order, patches = [], []
    for frame in range(frames):
        for top in range(0, rows, side):
            for left in range(0, columns, side):
                tile = [
                    (frame * rows + row) * columns + column
                    for row in range(top, min(top + side, rows))
                    for column in range(left, min(left + side, columns))
                ]
                order += tile
                patches.append(4 * len(tile))
    return order, patches


# ------------------------------------------------------------------------------------------- the facts' vectors


def test_a_page() -> None:
    order, lengths = window_order((1, 110, 72), PUBLISHED)
    assert (len(order), len(lengths)) == (1980, 126)
    assert starts(lengths)[:6] == [0, 64, 128, 192, 256, 320]
    assert starts(lengths)[-2:] == [7872, 7920]
    assert order[:20].tolist() == [0, 1, 2, 3, 36, 37, 38, 39, 72, 73, 74, 75, 108, 109, 110, 111, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("grid", "cells", "cu"),
    [
        ((1, 12, 20), 60, [0, 64, 128, 160, 192, 224, 240]),
        ((1, 8, 8), 16, [0, 64]),
        ((2, 10, 12), 60, [0, 64, 96, 112, 120, 184, 216, 232, 240]),
    ],
)
def test_small_ones(grid: Grid, cells: int, cu: list[int]) -> None:
    order, lengths = window_order(grid, PUBLISHED)
    assert sorted(order.tolist()) == list(range(cells))
    assert starts(lengths) == cu
    if grid == (1, 12, 20):
        first = [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 4, 5, 6, 7]
        assert order[:20].tolist() == first


# ------------------------------------------------------------------------------- against loops and transformers


@pytest.mark.parametrize("window", [112, 56, 168])
def test_every_small_grid(window: int) -> None:
    """All edges there are: up to nine cells each way, one frame and several."""
    tower = config(window)
    for frames in (1, 3):
        for rows in range(2, 20, 2):
            for columns in range(2, 20, 2):
                grid = (frames, rows, columns)
                order, lengths = window_order(grid, tower)
                assert (order.tolist(), lengths.tolist()) == by_loops(grid, tower.window_cells), grid
                index, cu = get_vision_window_index(torch.tensor([grid]), 2, window, 14)
                assert (order.tolist(), starts(lengths)) == (index.tolist(), cu.tolist()), grid


def random_packs() -> list[tuple[Grid, ...]]:
    choose = random.Random(0)
    packs: list[tuple[Grid, ...]] = [
        ((1, 110, 72),),
        ((1, 2, 2),),
        ((1, 2, 200), (1, 200, 2)),
        ((5, 16, 24), (1, 30, 18)),
    ]
    for _ in range(12):
        sizes = [(choose.choice((1, 1, 2, 4)), 2 * choose.randint(1, 24), 2 * choose.randint(1, 24)) for _ in range(4)]
        packs.append(tuple(sizes[: choose.randint(1, 4)]))
    return packs


@pytest.mark.parametrize("grids", random_packs(), ids=str)
def test_packs_of_pictures_and_videos(grids: tuple[Grid, ...]) -> None:
    found = layout(grids, PUBLISHED, CPU)
    table = torch.tensor(grids)
    index, cu = get_vision_window_index(table, 2, 112, 14)
    assert torch.equal(found.inverse, torch.argsort(found.order))
    assert found.windows.cu_seqlens.dtype == found.frames.cu_seqlens.dtype == torch.int32
    # The same windows; on each frame the large ones come first, which transformers does not care for.
    ours, theirs = windows_of(found.order, found.windows.cu_seqlens), windows_of(index, cu)
    assert sorted(ours) == sorted(theirs)
    on = frames_of_cells(grids)
    frame = [on[window[0]] for window in ours]
    assert frame == sorted(frame)
    for number in set(frame):
        sizes = [len(window) for window, of in zip(ours, frame, strict=True) if of == number]
        assert sizes == sorted(sizes, reverse=True)
    assert torch.equal(found.frames.cu_seqlens, get_vision_cu_seqlens(table))
    assert found.windows.max_length == int(cu.diff().max())
    assert found.frames.max_length == max(rows * columns for _, rows, columns in grids)
    # Angles are in window order, the four patches of a cell together.
    places = get_vision_position_ids(table, 2)
    assert torch.equal(torch.cat([patch_positions(grid, 2) for grid in grids]), places)
    moved = places.view(len(index), 4, 2)[found.order].flatten(0, 1)
    for table, expected in zip(found.rotation, vision_rotation(moved, PUBLISHED.head_dim), strict=True):
        assert torch.equal(table, expected)


def windows_of(order: torch.Tensor, cu_seqlens: torch.Tensor) -> list[list[int]]:
    """The cells of each window."""
    ends = (cu_seqlens // 4).tolist()
    return [order[first:last].tolist() for first, last in itertools.pairwise(ends)]


def frames_of_cells(grids: tuple[Grid, ...]) -> list[int]:
    """For each cell of a pack the frame it is on, counted over all pictures."""
    sizes = [rows * columns // 4 for frames, rows, columns in grids for _ in range(frames)]
    return [number for number, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("grid", [(1, 4, 6), (2, 2, 4), (1, 2, 2)])
def test_the_order_of_patches(grid: Grid) -> None:
    """The four patches of a cell together, row by row in it; cells row by row; frames last."""
    frames, rows, columns = grid
    expected = [
        [2 * row + down, 2 * column + across]
        for _ in range(frames)
        for row in range(rows // 2)
        for column in range(columns // 2)
        for down in range(2)
        for across in range(2)
    ]
    assert patch_positions(grid, 2).tolist() == expected


# -------------------------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize("grids", [((1, 8, 8),), ((1, 12, 20),), ((2, 10, 12), (1, 30, 6)), ((1, 2, 2),)], ids=str)
def test_batches_are_the_segments_by_length(grids: tuple[Grid, ...]) -> None:
    """For kernels that want equal lengths: each patch is in one batch, with those of its segment, in order."""
    found = layout(grids, PUBLISHED, CPU)
    for segments in (found.windows, found.frames):
        expected = sorted(
            list(range(first, last))
            for first, last in zip(starts(segments.lengths), starts(segments.lengths)[1:], strict=False)
        )
        rows = []
        for length, places in segments.batches:
            total = int(segments.lengths.sum())
            places = torch.arange(total)[places].view(-1, length) if isinstance(places, slice) else places
            assert places.shape[1] == length
            rows += places.tolist()
        assert sorted(rows) == expected
    assert len(found.windows.batches) <= 4 * len(grids)  # inside, right edge, bottom edge, corner


def test_the_windows_of_a_page_are_views() -> None:
    """Nothing is copied for attention within windows: those of one size are neighbours."""
    batches = layout(((1, 22, 20),), PUBLISHED, CPU).windows.batches
    # 2 x 2 whole windows, 2 at the bottom (6 x 8 patches), 2 at the right (8 x 4), and the corner (6 x 4).
    assert dict(batches) == {64: slice(0, 256), 48: slice(256, 352), 32: slice(352, 416), 24: slice(416, 440)}
    assert [at for _, at in layout(((4, 8, 8),), PUBLISHED, CPU).windows.batches] == [slice(0, 256)]


def test_no_segments() -> None:
    nothing = Segments(torch.tensor([], dtype=torch.int64), CPU)
    assert nothing.cu_seqlens.tolist() == [0]
    assert (nothing.max_length, nothing.batches) == (0, [])


def test_the_layout_of_a_page_size_is_made_once() -> None:
    first = layout(((1, 12, 14),), PUBLISHED, CPU)
    assert layout(((1, 12, 14),), PUBLISHED, CPU) is first
    assert layout(((1, 14, 12),), PUBLISHED, CPU) is not first
    assert layout(((1, 12, 14),), config(56), CPU) is not first


def test_what_reading_kept_can_be_trained_with() -> None:
    """Tensors made in inference mode cannot be saved for a backward pass; kept ones are not made in it."""
    layout.cache_clear()
    with torch.inference_mode():
        found = layout(((1, 4, 6),), PUBLISHED, CPU)
    x = torch.ones(24, PUBLISHED.head_dim, requires_grad=True)
    (x * found.rotation[0])[found.order].sum().backward()
    assert x.grad is not None
    assert not found.order.is_inference()
