"""What the vision tower and the language model have in common: matrices, the norm, the gated MLP."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias`` for x [rows, in] and weight [out, in].

    On a CPU torch gives float32 to MKL, which uses one core for a single row, and oneDNN is quicker for any
    number of rows (DECISIONS.md, 2026-11-21). torch has no switch for it; its compiler calls the same operator.
    """
    if x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_grad_enabled():
        onednn = _onednn()
        if onednn is not None:
            return onednn(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]
    return functional.linear(x, weight, bias)


@cache
def _onednn() -> Any:
    """oneDNN's operator; None where this torch was built without it."""
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


class Linear(nn.Linear):
    """torch's ``Linear``, by way of ``linear``."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


class RMSNorm(nn.Module):
    """``x / sqrt(mean(x^2) + eps)`` over the last axis in float32, cast back, then times the weight.

    The weight is applied in the model's type, after the cast: rounding is then the reference's.
    """

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * functional.rms_norm(x.float(), (x.shape[-1],), eps=self.eps).to(x.dtype)


class GatedMLP(nn.Module):
    """``down(silu(gate(x)) * up(x))``. Gate and up are one matrix, gate first: x is read once."""

    def __init__(self, width: int, inner: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_up_proj = Linear(width, 2 * inner, bias=bias)
        self.down_proj = Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(functional.silu(gate) * up)  # type: ignore[no-any-return]
