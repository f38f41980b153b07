"""A model of a few lines whose answers are known: for tests of the generator's slots and queues.

It has the face of ``QwenVL`` that the generator uses. The next token follows, by arithmetic, from all tokens
of the sequence *as they stand in its slot of the cache* and from its position: whatever the generator mixes
up, another token comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from docparse.model.cache import KVCache
from docparse.model.config import ModelConfig, TextConfig, VisionConfig
from docparse.model.language import Decode, Prefill

VOCAB = 97
FIRST_PLAIN = 10
"""Lower ids mean something, at the end of a prompt."""
NO_NUMBER = range(8)
"""``NO_NUMBER[n]``: after n good tokens come NaN, in the cache as well."""
BROKEN = 8
"""Its prefill raises an error."""

_TEXT = TextConfig(
    hidden_size=4,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    intermediate_size=4,
    vocab_size=VOCAB,
    mrope_section=(1, 0, 0),
    max_position_embeddings=1000,
)
_VISION = VisionConfig(depth=1, hidden_size=8, num_heads=1, intermediate_size=8, out_hidden_size=4)


def shift(ids: Sequence[int]) -> int:
    """Where a prompt's first token stands; what the generator adds to later ones."""
    return ids[0] % 7


def next_token(ids: Sequence[int], first_position: int) -> int:
    weighted = sum((place + 1) * token for place, token in enumerate(ids))
    return int(weighted + 31 * (first_position + len(ids) - 1)) % (VOCAB - FIRST_PLAIN) + FIRST_PLAIN


def expected(prompt: Sequence[int], new: int, stop: Sequence[int] = ()) -> list[int]:
    """What the model writes after a prompt, the stop token included."""
    ids = list(prompt)
    while len(ids) < len(prompt) + new:
        ids.append(next_token(ids, shift(prompt)))
        if ids[-1] in stop:
            break
    return ids[len(prompt) :]


class ScriptedModel:
    """See above. ``shortages``: how many of the next prefills run out of memory."""

    config = ModelConfig(vision=_VISION, text=_TEXT)
    device = head_device = torch.device("cpu")
    dtype = torch.float32
    attention = None

    def __init__(self) -> None:
        self.shortages = 0
        self.prefills = 0
        self.decode_shortage = False

    @property
    def language(self) -> ScriptedModel:
        return self

    def new_cache(self, *, slots: int, capacity: int) -> KVCache:
        return KVCache(_TEXT, slots=slots, capacity=capacity, dtype=self.dtype, devices=[self.device] * 2)

    def positions(self, ids: Tensor, **_: Any) -> tuple[Tensor, int]:
        start = shift(ids.tolist())
        return (torch.arange(len(ids)) + start).expand(3, -1), start

    def embed(self, ids: Tensor, **_: Any) -> Tensor:
        return self.embed_tokens(ids)

    def embed_tokens(self, ids: Tensor) -> Tensor:
        return ids[:, None].float()

    def __call__(self, vectors: Tensor, positions: Tensor, step: Prefill | Decode, how: None, cache: KVCache) -> Tensor:
        """-> [T, 1]: the token that follows each, and 0 where it is not asked for."""
        tokens = vectors[:, 0]
        if isinstance(step, Prefill):
            self.prefills += 1
            ((slot,), (count,), (seen,)) = step.slots, step.spans.queries, step.spans.keys
            assert count == seen == len(tokens)
            if self.shortages:
                self.shortages -= 1
                cache.keys[0][slot, 0] = torch.nan  # it came so far
                raise torch.OutOfMemoryError("CUDA out of memory.")
            if BROKEN in tokens:
                raise ValueError("a bad prompt")
            for layer in (*cache.keys, *cache.values):
                layer[slot, :count, 0] = tokens[:, None]
            return torch.cat((torch.zeros(count - 1, 1), self._next(cache, slice(slot, slot + 1), [count], positions)))
        if self.decode_shortage:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        lengths = step.lengths.tolist()
        assert step.longest == max(lengths)
        for layer in (*cache.keys, *cache.values):
            for slot, (token, length) in enumerate(zip(tokens, lengths, strict=True)):
                layer[slot, length - 1, 0] = token
        return self._next(cache, slice(len(tokens)), lengths, positions)

    @staticmethod
    def _next(cache: KVCache, slots: slice, lengths: list[int], positions: Tensor) -> Tensor:
        found = cache.keys[-1][slots, : max(lengths), 0, 0]
        assert all(torch.equal(found, layer[slots, : max(lengths), 0, 1]) for layer in (*cache.keys, *cache.values))
        # Masked as attention is: by a product, which does not hide NaN.
        inside = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        weighted = (found * inside * torch.arange(1, max(lengths) + 1)).sum(1)
        tokens = (weighted + 31 * positions[0, -len(lengths) :]) % (VOCAB - FIRST_PLAIN) + FIRST_PLAIN
        for row, length in enumerate(lengths):
            written = found[row, :length]
            if any(length > after and written[-1 - after] == after for after in NO_NUMBER):
                tokens[row] = torch.nan
                for layer in (*cache.keys, *cache.values):
                    layer[slots][row, length - 1] = torch.nan
        return tokens[:, None]

    def head(self, hidden: Tensor) -> Tensor:
        """Logits: 5 for the token, 0 for all others; NaN where the token is."""
        logits = torch.zeros(len(hidden), VOCAB)
        logits.scatter_(1, hidden.nan_to_num().long(), 5.0)
        return torch.where(hidden.isnan(), hidden, logits)
