"""Two implementations of one function, and how far apart rounding alone may bring them.

In float64 they differ by less than 1e-12 of what they compute, or they are not the same function. For
that, the few steps that both do in float32 on purpose (norms, rotations, logits) are done in float64 too:
``double_precision``.

In float32 no fixed number is right for every shape. Known is the exact result (float64), and how far the
reference is from it; ours may not be further away than ``AS_EXACT`` times that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
import transformers.models.qwen2_5_vl.modeling_qwen2_5_vl as modeling
from torch import Tensor, nn

from docparse.model.windows import layout

SAME_FUNCTION = 1e-12
"""Relative difference in float64: 2.2e-16 for each of some thousands of operations."""

AS_EXACT = 4.0
"""Kernels sum in an order of their own, and rounding is luck: measured over all of these tests, ours is 0.3 to 3.0
times as far from the exact result as the reference, on average as far. A mistake is a thousand times or more."""


class _Torch64:
    """torch, with float64 for who asks for float32."""

    float32 = float = torch.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextmanager
def double_precision() -> Iterator[None]:
    """No float32 inside of models that are float64, neither in ours nor in transformers'."""
    layout.cache_clear()  # it keeps tables of angles
    with (
        mock.patch.object(torch.Tensor, "float", torch.Tensor.double),
        mock.patch.object(modeling, "torch", _Torch64()),
    ):
        yield
    layout.cache_clear()


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference of a row (a token, a patch) from what is expected, by the length of a usual row."""
    assert found.shape == expected.shape
    found, expected = found.detach().double().flatten(0, -2), expected.detach().double().flatten(0, -2)
    rows = (found - expected).norm(dim=-1)
    return float(rows.max() / expected.norm(dim=-1).mean())


def assert_same_function(found: Tensor, expected: Tensor) -> None:
    """For float64 on both sides."""
    assert found.dtype == expected.dtype == torch.float64
    assert difference(found, expected) <= SAME_FUNCTION


def assert_as_exact(found: Tensor, reference: Tensor, exact: Tensor) -> None:
    """``found`` is as near to the exact result as the reference is, whatever type both computed in."""
    assert found.dtype == reference.dtype
    assert difference(found, exact) <= AS_EXACT * difference(reference, exact)


def outputs_of(modules: Sequence[nn.Module], call: Callable[[], Any]) -> list[Tensor]:
    """What each of the modules gives while ``call`` runs, without an axis for a batch of one, then its result."""
    found: list[Tensor] = []
    hooks = [each.register_forward_hook(lambda module, args, out: found.append(out)) for each in modules]
    try:
        with torch.no_grad():
            result = call()
    finally:
        for hook in hooks:
            hook.remove()
    assert len(found) == len(modules)
    return [x.squeeze(0) if x.ndim == 3 else x for x in [*found, result]]
