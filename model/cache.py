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
        shape = (slots, capacity, config.num_key_value_heads, config.head_dim)
        # Zeros, not garbage: what is masked away is multiplied by nought, and nought times NaN is NaN.
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for device in devices]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for device in devices]

    @property
    def slots(self) -> int:
        return self.keys[0].shape[0]

    @property
    def capacity(self) -> int:
        return self.keys[0].shape[1]

    def grow(self, *, slots: int, capacity: int) -> None:
        """Make room for at least so many slots of so many tokens; what is there stays.

        Where memory runs out half-way, what was there is still there, and the next call goes on.
        """
        slots, capacity = max(slots, self.slots), max(capacity, self.capacity)
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):  # one at a time: only one layer is there twice
                if old.shape[:2] != (slots, capacity):
                    tensors[layer] = _grown(old, slots, capacity)

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first ``length`` tokens of one slot to another."""
        for tensors in (self.keys, self.values):
            for layer in tensors:
                layer[target, :length] = layer[source, :length]

    def clear(self, slot: int) -> None:
        """Forget what is in a slot, as far as it is there."""
        for tensors in (self.keys, self.values):
            for layer in tensors:
                layer[slot : slot + 1] = 0


def _grown(old: Tensor, slots: int, capacity: int) -> Tensor:
    new = old.new_zeros(slots, capacity, *old.shape[2:])
    new[: old.shape[0], : old.shape[1]] = old
    return new
