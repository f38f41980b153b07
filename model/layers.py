"""What the vision tower and the language model have in common: the norm and the gated MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu


class RMSNorm(nn.Module):
    """``x / sqrt(mean(x^2) + eps)`` over the last axis in float32, cast back, then times the weight.

    The weight is applied in the model's type, after the cast: rounding is then the reference's.
    """

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * nn.functional.rms_norm(x.float(), (x.shape[-1],), eps=self.eps).to(x.dtype)


class GatedMLP(nn.Module):
    """``down(silu(gate(x)) * up(x))``. Gate and up are one matrix, gate first: x is read once."""

    def __init__(self, width: int, inner: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(width, 2 * inner, bias=bias)
        self.down_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(silu(gate) * up)  # type: ignore[no-any-return]
