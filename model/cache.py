"""The cache of keys and values: slots of fixed size, one for each sequence that is being written.

Shapes: R slots, L capacity in tokens, K key-value heads, D head width. One pair of tensors [R, L, K, D]
per layer, on that layer's device. How much of a slot is filled is plain numbers on the host.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from docparse.model.config import TextConfig


class KVCache:
    """Keys and values of up to ``slots`` sequences of up to ``capacity`` tokens."""

    def __init__(
        self, config: TextConfig, *, slots: int, capacity: int, dtype: torch.dtype, devices: Sequence[torch.device]
    ) -> None:
        self.slots, self.capacity = slots, capacity
        shape = (slots, capacity, config.num_key_value_heads, config.head_dim)
        # Zeros, not garbage: what is masked away is multiplied by nought, and nought times NaN is NaN.
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for device in devices]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for device in devices]

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` tokens in each slot; what is there stays."""
        if capacity <= self.capacity:
            return
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):  # one layer at a time: the old and the new one of it
                tensors[layer] = _grown(old, capacity)
        self.capacity = capacity

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first ``length`` tokens of one slot to another."""
        for tensors in (self.keys, self.values):
            for layer in tensors:
                layer[target, :length] = layer[source, :length]


def _grown(old: Tensor, capacity: int) -> Tensor:
    new = old.new_zeros(old.shape[0], capacity, *old.shape[2:])
    new[:, : old.shape[1]] = old
    return new
