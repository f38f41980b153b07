"""Rotary positions: in two directions for the vision tower, in three for the language model.

Shapes: N patches, T tokens, H heads, D head width. Angles, sines and cosines are computed in float32
whatever the model's type is: in bfloat16 an angle at position 200 is off by 0.2 radians, which moves
boxes (facts/qwen.md section 9).
"""

from __future__ import annotations

import torch
from torch import Tensor

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines, each [positions, D], to be applied to every head alike."""


def inverse_frequencies(dim: int, theta: float, device: torch.device | None = None) -> Tensor:
    """``theta^(-2i/dim)`` for i below dim/2: [dim/2] float32."""
    return 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float32, device=device) / dim)


def vision_rotation(positions: Tensor, head_dim: int) -> Rotation:
    """The tower's rotation of patches at ``positions`` [N, 2], row and column of each on its frame.

    Half of the head's pairs turn with the row and half with the column; pair d is dimensions d and
    d + D/2. Qwen2.5-VL report section 2.1, facts/qwen.md 2.3.
    """
    frequencies = inverse_frequencies(head_dim // 2, 10_000.0, positions.device)
    angles = (positions[:, :, None].float() * frequencies).flatten(1)  # [N, D/2]: row's, then column's
    return _doubled(angles.cos()), _doubled(angles.sin())


def mrope_rotation(positions: Tensor, head_dim: int, theta: float, sections: tuple[int, int, int]) -> Rotation:
    """The language model's rotation of tokens at ``positions`` [3, ...]: time, row and column.

    The first ``sections[0]`` pairs of a head turn with time, the next with the row, the last with the
    column. Text has the same number in all three and turns as in an ordinary decoder.
    """
    frequencies = inverse_frequencies(head_dim, theta, positions.device)
    angles = positions[..., None].float() * frequencies  # [3, ..., D/2]
    parts = angles.split(sections, dim=-1)
    mixed = torch.cat([part[axis] for axis, part in enumerate(parts)], dim=-1)
    return _doubled(mixed.cos()), _doubled(mixed.sin())


def _doubled(half: Tensor) -> Tensor:
    return torch.cat((half, half), dim=-1)


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """``x`` [T, H, D] turned by ``rotation`` ([T, D] each), in the precision of the rotation."""
    cos, sin = rotation
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return (x * cos.unsqueeze(-2) + turned * sin.unsqueeze(-2)).to(x.dtype)
