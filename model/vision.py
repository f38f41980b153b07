"""The vision tower: patches in, tokens for the language model out.

What is new in it against a plain ViT (Qwen2.5-VL report, section 2.1): any resolution, rotary positions
in two directions, and attention within windows of 112 x 112 pixels in all blocks but a few. Cost
therefore grows with the page's area, not with its square.

Shapes: N patches of all pictures packed on one axis, C width of the tower, H heads, D = C / H,
O width of the language model, M = N / 4 tokens. Patches come four to a cell, cells row by row; inside
the tower they are in window order (``windows.py``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from docparse.model.attention import Attention
from docparse.model.config import VisionConfig
from docparse.model.errors import RequestError
from docparse.model.layers import GatedMLP, Linear, RMSNorm, linear
from docparse.model.positions import Grids, as_grids
from docparse.model.rope import Rotation, rotate
from docparse.model.windows import Layout, Segments, layout


class PatchEmbed(nn.Module):
    """A patch of 3 x 2 x 14 x 14 values to a vector: a convolution that never overlaps is one matrix.

    The weight keeps the published shape of a ``Conv3d``, [C, 3, 2, 14, 14].
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        shape = (config.in_channels, config.temporal_patch_size, config.patch_size, config.patch_size)
        self.weight = nn.Parameter(torch.empty(config.hidden_size, *shape))

    def forward(self, patches: Tensor) -> Tensor:
        """[N, 1176] -> [N, C]. Rows of 588 are of still pictures, without the frame that is there twice."""
        weight = self.weight.flatten(1)
        if patches.shape[-1] != weight.shape[-1]:
            # Both frames are the same picture, so W1 x + W2 x = (W1 + W2) x. The sum in float32: in
            # bfloat16 it would lose what the larger of the two rounds away.
            weight = self.weight.float().sum(2).to(self.weight.dtype).flatten(1)
        return linear(patches.to(weight), weight)


class VisionAttention(nn.Module):
    """Attention of patches to patches of the same segment, with rotary positions in two directions."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.qkv = Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, rotation: Rotation, segments: Segments, attention: Attention) -> Tensor:
        q, k, v = self.qkv(x).view(len(x), 3, self.num_heads, -1).unbind(1)  # each [N, H, D]
        mixed = attention.varlen(rotate(q, rotation), rotate(k, rotation), v, segments)
        return self.proj(mixed.flatten(1))  # type: ignore[no-any-return]


class VisionBlock(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size)
        self.attn = VisionAttention(config)
        self.norm2 = RMSNorm(config.hidden_size)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=True)

    def forward(self, x: Tensor, rotation: Rotation, segments: Segments, attention: Attention) -> Tensor:
        x = x + self.attn(self.norm1(x), rotation, segments, attention)
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class PatchMerger(nn.Module):
    """The four patches of a cell side by side, through two layers, to one token: [N, C] -> [M, O]."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.width = config.hidden_size * config.merge_unit
        self.ln_q = RMSNorm(config.hidden_size)
        self.mlp = nn.Sequential(Linear(self.width, self.width), nn.GELU(), Linear(self.width, config.out_hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(self.ln_q(x).view(-1, self.width))  # type: ignore[no-any-return]


class VisionTower(nn.Module):
    """Pictures and video frames, packed, to tokens in raster order."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.depth))
        self.merger = PatchMerger(config)
        self._full = frozenset(config.fullatt_block_indexes)

    def forward(self, patches: Tensor, grids: Grids, attention: Attention) -> Tensor:
        """Patches [N, 1176] (or [N, 588], still pictures) of ``grids`` -> tokens [M, O].

        Raises ``RequestError`` where patches and grids do not match.
        """
        plan = self.plan(patches, grids)
        x = self.patch_embed(patches)
        x = x.view(len(plan.order), -1)[plan.order].view(len(x), -1)
        for index, block in enumerate(self.blocks):
            segments = plan.frames if index in self._full else plan.windows
            x = block(x, plan.rotation, segments, attention)
            if x.dtype == torch.float16:
                # The last blocks of the 3B exceed float16 on dense pages (facts/qwen.md 2.5).
                x = x.clamp(-65000.0, 65000.0)
        return self.merger(x)[plan.inverse]  # type: ignore[no-any-return]

    def plan(self, patches: Tensor, grids: Grids) -> Layout:
        """The layout of a pack, after a check that it is the pack of these patches."""
        self.check(patches, grids)
        return layout(as_grids(grids), self.config, patches.device)

    def check(self, patches: Tensor, grids: Grids) -> None:
        """Raises ``RequestError`` where these are not the patches of ``grids``."""
        config, triples = self.config, as_grids(grids)
        if not triples and not len(patches):
            raise RequestError("there are no patches; where there is no picture, give none instead of empty ones.")
        merge = config.spatial_merge_size
        odd = [grid for grid in triples if grid[1] % merge or grid[2] % merge]
        if odd:
            raise RequestError(f"a grid has a multiple of {merge} rows and columns of patches: {odd}.")
        expected = sum(t * h * w for t, h, w in triples)
        if patches.ndim != 2 or len(patches) != expected:
            raise RequestError(f"{list(triples)} are {expected} patches, but {tuple(patches.shape)} were given.")
        whole, folded = config.patch_dim, config.patch_dim // config.temporal_patch_size
        if patches.shape[1] not in (whole, folded):
            raise RequestError(f"patches have {whole} values each (or {folded}, folded), not {patches.shape[1]}.")
