"""The language model: a decoder over one packed axis of tokens.

Text tokens and the tower's tokens look alike here: vectors with a position in time and space. One
forward does one of two things: ``Prefill``, any number of new tokens of any number of sequences side by
side; or ``Decode``, one new token for each of the first slots of the cache.

Shapes: T new tokens, C width, H query heads, K key-value heads, D = C / H, B sequences that decode.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from docparse.model.attention import Attention, Spans
from docparse.model.cache import KVCache
from docparse.model.config import TextConfig
from docparse.model.layers import GatedMLP, Linear, RMSNorm
from docparse.model.rope import Rotation, mrope_rotation, rotate


@dataclass(frozen=True, slots=True, eq=False)
class Prefill:
    """New tokens of sequences, packed. ``slots``: where in the cache each sequence lives, () for no cache."""

    spans: Spans
    slots: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, counts: Sequence[int], device: torch.device, *, before: Sequence[int] = (), slots: Sequence[int] = ()
    ) -> Prefill:
        """``counts`` new tokens of each sequence, after the ``before`` tokens that are in its slot."""
        before = before or (0,) * len(counts)
        keys = [new + old for new, old in zip(counts, before, strict=True)]
        return cls(Spans.of(counts, keys, device), tuple(slots))

    def to(self, device: torch.device) -> Prefill:
        return Prefill(self.spans.to(device), self.slots)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, cache: KVCache | None, layer: int, how: Attention) -> Tensor:
        """q [T, H, D], k and v [T, K, D] -> [T, H, D]; keys and values go to their slots."""
        spans = self.spans
        if cache is not None and self.slots:
            k = self._through(cache.keys[layer], k)
            v = self._through(cache.values[layer], v)
        return how.prefill(q, k, v, spans)

    def _through(self, cached: Tensor, new: Tensor) -> Tensor:
        """Put the new rows into their slots, and return all rows of each sequence, packed."""
        rows = list(new.split(self.spans.queries))
        for i, (slot, part, end) in enumerate(zip(self.slots, rows, self.spans.keys, strict=True)):
            cached[slot, end - len(part) : end] = part
            if end > len(part):
                rows[i] = cached[slot, :end]
        return new if self.spans.queries == self.spans.keys else torch.cat(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Decode:
    """One new token for each of the first B slots. ``lengths`` [B] int32: tokens of each, the new one
    among them; ``longest``: the largest, on the host."""

    lengths: Tensor
    longest: int

    def to(self, device: torch.device) -> Decode:
        return Decode(self.lengths.to(device), self.longest)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, cache: KVCache | None, layer: int, how: Attention) -> Tensor:
        assert cache is not None, "decoding needs a cache"
        keys, values = cache.keys[layer], cache.values[layer]
        rows = torch.arange(len(q), device=q.device)
        last = self.lengths.long() - 1
        keys[rows, last] = k
        values[rows, last] = v
        return how.decode(q, keys[: len(q)], values[: len(q)], self.lengths, self.longest)


Step = Prefill | Decode


class LanguageAttention(nn.Module):
    """Grouped-query attention. Queries, keys and values are one matrix, in that order, with a bias."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.heads = (config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads)
        self.qkv_proj = Linear(config.hidden_size, sum(self.heads) * self.head_dim)
        self.o_proj = Linear(config.num_attention_heads * self.head_dim, config.hidden_size, bias=False)

    def forward(
        self, x: Tensor, rotation: Rotation, step: Step, cache: KVCache | None, layer: int, how: Attention
    ) -> Tensor:
        q, k, v = self.qkv_proj(x).view(len(x), -1, self.head_dim).split(self.heads, dim=1)
        mixed = step.attend(rotate(q, rotation), rotate(k, rotation), v, cache, layer, how)
        return self.o_proj(mixed.flatten(1))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = LanguageAttention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=False)

    @property
    def device(self) -> torch.device:
        return self.input_layernorm.weight.device

    def forward(
        self, x: Tensor, rotation: Rotation, step: Step, cache: KVCache | None, layer: int, how: Attention
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotation, step, cache, layer, how)
        return x + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]


class LanguageModel(nn.Module):
    """The decoder's layers. Layers may live on several devices, in order; what passes through follows them."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def devices(self) -> list[torch.device]:
        """The device of each layer."""
        return [layer.device for layer in self._layers()]

    def _layers(self) -> Iterable[DecoderLayer]:
        return cast(Iterable[DecoderLayer], self.layers)

    def forward(
        self, embeddings: Tensor, positions: Tensor, step: Step, how: Attention, cache: KVCache | None = None
    ) -> Tensor:
        """``embeddings`` [T, C] at ``positions`` [3, T] -> hidden states [T, C], before the head."""
        config = self.config
        x = embeddings
        here: torch.device | None = None
        for index, layer in enumerate(self._layers()):
            if layer.device != here:
                here = layer.device
                x, step = x.to(here), step.to(here)
                rotation = mrope_rotation(positions.to(here), config.head_dim, config.rope_theta, config.mrope_section)
            x = layer(x, rotation, step, cache, index, how)
        return self.norm(x.to(self.norm.weight.device))  # type: ignore[no-any-return]
