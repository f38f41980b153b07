"""The vision tower: each part and each block equal transformers', and a pack is the same as one by one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from transformers.vision_utils import get_vision_window_index

from docparse.model.config import VisionConfig
from docparse.model.errors import RequestError
from docparse.model.positions import Grid
from docparse.model.vision import PatchEmbed
from docparse.model.windows import layout
from tests.model.exactness import assert_as_exact, assert_same_function, difference, double_precision, outputs_of
from tests.model.tiny import TINY, Tiny, still_patches

Made = Callable[[str], Tiny]

PACKS: dict[str, tuple[Grid, ...]] = {
    "one cell": ((1, 2, 2),),
    "one window": ((1, 8, 8),),
    "edges": ((1, 10, 22),),
    "four": ((1, 8, 16), (1, 4, 22), (1, 18, 6), (1, 2, 2)),
    "video": ((3, 10, 12),),
    "video and pictures": ((1, 6, 8), (2, 12, 8), (1, 2, 18)),
}


def random_patches(grids: Sequence[Grid], seed: int = 0) -> Tensor:
    count = sum(t * h * w for t, h, w in grids)
    return torch.randn(count, 1176, generator=torch.Generator().manual_seed(seed))


def cells(grid: Grid) -> int:
    return grid[0] * grid[1] * grid[2] // 4


def ours(tiny: Tiny, patches: Tensor, grids: Sequence[Grid], *, double: bool = False) -> list[Tensor]:
    """The output of the patch embedding, of every block, and the tokens; all in raster order."""
    model = tiny.model64 if double else tiny.model
    tower = model.visual
    found = outputs_of([tower.patch_embed, *tower.blocks], lambda: model.vision(patches, grids))
    return in_raster_order(found, layout(tuple(grids), tower.config, torch.device("cpu")).order)


def theirs(tiny: Tiny, patches: Tensor, grids: Sequence[Grid], *, double: bool = False) -> list[Tensor]:
    tower = (tiny.reference64 if double else tiny.reference).model.visual
    table = torch.tensor(grids)
    found = outputs_of([tower.patch_embed, *tower.blocks], lambda: tower(patches, table).pooler_output)
    config = tower.config
    order, _ = get_vision_window_index(table, config.spatial_merge_size, config.window_size, config.patch_size)
    return in_raster_order(found, order)


def in_raster_order(outputs: list[Tensor], order: Tensor) -> list[Tensor]:
    """Both towers bring cells into an order of windows, each into its own; back for what blocks put out."""
    first, *blocks, tokens = outputs
    back = torch.argsort(order)
    return [first, *(x.view(len(back), -1, x.shape[-1])[back].flatten(0, 1) for x in blocks), tokens]


# ----------------------------------------------------------------------------------------- equal to the reference


@pytest.mark.parametrize("grids", PACKS.values(), ids=PACKS)
@pytest.mark.parametrize("name", TINY)
def test_every_block_and_the_tokens(tiny: Made, name: str, grids: tuple[Grid, ...]) -> None:
    made, patches = tiny(name), random_patches(grids)
    with double_precision():
        exact = theirs(made, patches.double(), grids, double=True)
        for found, expected in zip(ours(made, patches.double(), grids, double=True), exact, strict=True):
            assert_same_function(found, expected)
    found32, reference32 = ours(made, patches, grids), theirs(made, patches, grids)
    for found, reference, expected in zip(found32, reference32, exact, strict=True):
        assert_as_exact(found, reference, expected)


def test_a_difference_in_a_window_would_be_seen(tiny: Made) -> None:
    """What the tolerance is worth: attention of one block over the frame instead of windows is 1e10 times as much."""
    grids, made = PACKS["edges"], tiny("untied")
    patches = random_patches(grids).double()
    wrong = copy.deepcopy(made.model64)
    wrong.visual._full = frozenset({0, 1, 3})
    with double_precision():
        expected = theirs(made, patches, grids, double=True)[-1]
        found = wrong.vision(patches, grids)
    assert difference(found, expected) > 1e-2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_parts(tiny: Made, dtype: torch.dtype) -> None:
    """Norm, MLP and merger on their own, in float32 and in the type of the published weights."""
    ours = copy.deepcopy(tiny("heads").model).to(dtype).visual
    reference = copy.deepcopy(tiny("heads").reference).to(dtype).model.visual
    x = torch.randn(24, 160, generator=torch.Generator().manual_seed(1)).to(dtype)
    for part, its_reference in (
        (ours.blocks[0].norm1, reference.blocks[0].norm1),
        (ours.blocks[0].mlp, reference.blocks[0].mlp),
        (ours.merger, reference.merger),
    ):
        with double_precision():  # what these weights give, 16 bits wide or not
            exact = copy.deepcopy(its_reference).double()(x.double())
        assert_as_exact(part(x), its_reference(x), exact)


# ------------------------------------------------------------------------------------------- the patch embedding


def embedding(dtype: torch.dtype = torch.float32) -> PatchEmbed:
    config = VisionConfig(depth=1, hidden_size=64, num_heads=4, intermediate_size=8, out_hidden_size=8)
    embed = PatchEmbed(config)
    with torch.no_grad():
        embed.weight.copy_(0.03 * torch.randn(embed.weight.shape, generator=torch.Generator().manual_seed(3)))
    return embed.to(dtype)


def folded(patches: Tensor) -> Tensor:
    """The first frame of each patch only, [N, 588]."""
    return patches.view(-1, 3, 2, 14, 14)[:, :, 0].flatten(1)


def test_it_is_the_convolution() -> None:
    embed, patches = embedding().double(), random_patches(((1, 4, 6),)).double()
    expected = torch.nn.functional.conv3d(patches.view(-1, 3, 2, 14, 14), embed.weight, stride=(2, 14, 14)).flatten(1)
    assert_same_function(embed(patches), expected)


def test_one_frame_instead_of_two_equal_ones() -> None:
    embed = embedding()
    patches = still_patches(40, torch.Generator().manual_seed(0))
    with double_precision():
        exact = copy.deepcopy(embed).double()(patches.double())
        assert_same_function(copy.deepcopy(embed).double()(folded(patches).double()), exact)
    assert_as_exact(embed(folded(patches)), embed(patches), exact)


def test_one_frame_in_bfloat16() -> None:
    """The weights of both frames are summed in float32 and rounded once: W = bf16(W1 + W2)."""
    embed = embedding(torch.bfloat16)
    patches = still_patches(40, torch.Generator().manual_seed(0)).bfloat16()
    weight = embed.weight.detach()
    summed = (weight[:, :, 0].float() + weight[:, :, 1].float()).bfloat16()
    expected = torch.nn.functional.linear(folded(patches), summed.flatten(1))
    assert torch.equal(embed(folded(patches)), expected)
    # Half the rounding of the unfolded one is in the sums of twice as many products, half in the weights: alike.
    exact = copy.deepcopy(embed).double()(patches.double())
    assert_as_exact(embed(folded(patches)), embed(patches), exact)


def test_folded_pages_are_the_same_tokens(tiny: Made) -> None:
    grids = PACKS["four"]
    patches = still_patches(sum(4 * cells(grid) for grid in grids), torch.Generator().manual_seed(2))
    exact = theirs_exact(tiny("tied"), patches, grids)
    found = tiny("tied").model.vision(folded(patches), grids)
    assert_as_exact(found, tiny("tied").model.vision(patches, grids), exact)


def theirs_exact(tiny: Tiny, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
    with double_precision():
        return theirs(tiny, patches.double(), grids, double=True)[-1]


# ----------------------------------------------------------------------------------------------- self-consistency


def test_packed_is_one_by_one(tiny: Made) -> None:
    """Pages in one call are pages in a call each. Matrices of other heights may be summed in another order."""
    grids, made = PACKS["four"] + PACKS["video"], tiny("untied")
    patches = random_patches(grids)
    pages = list(zip(patches.split([4 * cells(grid) for grid in grids]), grids, strict=True))
    alone = torch.cat([made.model.vision(page, [grid]) for page, grid in pages])
    assert_as_exact(made.model.vision(patches, grids), alone, theirs_exact(made, patches, grids))
    with double_precision():
        apart = torch.cat([made.model64.vision(page.double(), [grid]) for page, grid in pages])
        assert_same_function(made.model64.vision(patches.double(), grids), apart)


def test_frames_do_not_see_each_other(tiny: Made) -> None:
    """Attention is per frame group, full blocks included (facts 2.4; one serving engine has it otherwise)."""
    grid = (3, 10, 12)
    model = tiny("untied").model
    patches = random_patches([grid])
    changed = patches.clone()
    changed[120:240] += 1.0  # the second frame group
    before, after = (model.vision(p, [grid]).view(3, 30, -1) for p in (patches, changed))
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


def test_windows_do_not_see_each_other(tiny: Made) -> None:
    """Without full blocks a patch changes its window and nothing else."""
    grid = (1, 18, 20)  # nine by ten cells: windows of 4, 4 and 1 rows and of 4, 4 and 2 columns
    model = tiny("windows only").model
    patches = random_patches([grid])
    for cell in (0, 37, 44, 89):
        changed = patches.clone()
        changed[4 * cell + 3] += 1.0
        moved = (model.vision(patches, [grid]) != model.vision(changed, [grid])).any(1).nonzero().flatten().tolist()
        row, column = divmod(cell, 10)
        assert moved == [r * 10 + c for r in range(9) for c in range(10) if (r // 4, c // 4) == (row // 4, column // 4)]


def test_full_blocks_see_the_whole_frame(tiny: Made) -> None:
    grid = (1, 18, 20)
    model = tiny("tied").model
    patches = random_patches([grid])
    changed = patches.clone()
    changed[0] += 1.0
    assert (model.vision(patches, [grid]) != model.vision(changed, [grid])).any(1).all()


def test_tokens_are_in_raster_order(tiny: Made) -> None:
    """Two pictures that differ in one cell of one window differ, in a tower of windows, about there."""
    grid = (1, 8, 16)
    model = tiny("windows only").model
    patches = random_patches([grid])
    order = layout((grid,), model.config.vision, torch.device("cpu")).order
    assert order[:6].tolist() == [0, 1, 2, 3, 8, 9]  # cells stand in the order of windows inside
    changed = patches.clone()
    changed[4 * 6] += 1.0  # the seventh cell of the first row: second window
    moved = (model.vision(patches, [grid]) != model.vision(changed, [grid])).any(1).nonzero().flatten().tolist()
    assert moved == [row * 8 + column for row in range(4) for column in range(4, 8)]


def test_float16_does_not_overflow(tiny: Made) -> None:
    """The residual stream of the 3B exceeds float16 on dense pages; it is held at the limit, not made infinite."""
    model = copy.deepcopy(tiny("tied").model)
    with torch.no_grad():
        model.visual.blocks[1].mlp.down_proj.bias.fill_(60_000.0)
        model.visual.blocks[0].mlp.down_proj.bias.fill_(60_000.0)
    model = model.to(torch.float16)
    found = ours_blocks(model, random_patches([(1, 4, 4)]), [(1, 4, 4)])
    assert all(x.isfinite().all() for x in found)
    assert found[-1].dtype == torch.float16


def ours_blocks(model: torch.nn.Module, patches: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
    """What enters each block after the first, and the tokens."""
    seen: list[Tensor] = []
    hooks = [b.register_forward_pre_hook(lambda module, args: seen.append(args[0])) for b in model.visual.blocks]
    tokens = model.vision(patches, grids)
    for hook in hooks:
        hook.remove()
    return [*seen, tokens]


# ------------------------------------------------------------------------------------------------- bad requests


@pytest.mark.parametrize(
    ("shape", "grids", "says"),
    [
        ((12, 1176), [(1, 4, 4)], "are 16 patches, but (12, 1176) were given"),
        ((16,), [(1, 4, 4)], "are 16 patches, but (16,) were given"),
        ((15, 1176), [(1, 3, 5)], "a multiple of 2 rows and columns"),
        ((16, 1175), [(1, 4, 4)], "1176 values each (or 588, folded), not 1175"),
        ((16, 1176), [], "[] are 0 patches"),
        ((0, 1176), [], "no patches"),
        ((16, 1176), [(1, 4)], "a grid is frames, rows and columns"),
    ],
)
def test_patches_that_are_not_those_of_the_grids(
    tiny: Made, shape: tuple[int, ...], grids: list[Grid], says: str
) -> None:
    with pytest.raises(RequestError) as caught:
        tiny("tied").model.vision(torch.zeros(shape), grids)
    assert says in str(caught.value)


def test_patches_of_another_type_are_cast(tiny: Made) -> None:
    grids, model = PACKS["edges"], tiny("tied").model
    patches = random_patches(grids)
    assert torch.equal(model.vision(patches.double(), grids), model.vision(patches, grids))
    assert torch.equal(model.vision(patches, torch.tensor(grids)), model.vision(patches, grids[0]))
