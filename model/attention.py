"""The one seam between the model and attention kernels.

Three calls, and nothing else in ``model/`` computes attention:

    varlen    the vision tower: packed segments, each attends to all of itself
    prefill   the language model on new tokens of one or more sequences, causal
    decode    the language model on one new token per sequence, against the cache

Shapes: N patches, T new tokens, S all tokens (cached and new), B sequences, L capacity of the cache,
H query heads, K key-value heads, D head width. ``flash-attn`` and ``torch-varlen`` need a recent GPU
and 16-bit weights; ``sdpa`` runs everywhere and is what the others are compared with.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from docparse.model.errors import ModelError
from docparse.model.windows import Segments

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Sequences packed on one axis: ``queries`` new tokens of each, ``keys`` tokens with those before.

    ``cu_queries`` and ``cu_keys`` [sequences + 1] int32 are where they begin, for kernels.
    """

    queries: tuple[int, ...]
    keys: tuple[int, ...]
    cu_queries: Tensor
    cu_keys: Tensor

    @classmethod
    def of(cls, queries: Sequence[int], keys: Sequence[int], device: torch.device) -> Spans:
        return cls(tuple(queries), tuple(keys), _cumulative(queries, device), _cumulative(keys, device))

    def to(self, device: torch.device) -> Spans:
        return Spans(self.queries, self.keys, self.cu_queries.to(device), self.cu_keys.to(device))


def _cumulative(lengths: Sequence[int], device: torch.device) -> Tensor:
    return torch.tensor([0, *lengths]).cumsum(0, dtype=torch.int32).to(device)


class Attention(Protocol):
    """An implementation. Scores are scaled by ``D ** -0.5``."""

    name: str

    def varlen(self, q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
        """q, k, v [N, H, D] -> [N, H, D]; nothing is seen outside of a patch's own segment."""
        ...

    def prefill(self, q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
        """q [T, H, D], k and v [S, K, D] -> [T, H, D]. The last query of a sequence sees all its keys,
        the one before it all but the last, and so on."""
        ...

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """q [B, H, D], keys and values [B, L, K, D] -> [B, H, D]. Of sequence b the first ``lengths[b]``
        places of the cache count ([B] int32); ``longest`` is the largest of them, known on the host."""
        ...


class SdpaAttention:
    """torch's ``scaled_dot_product_attention``: every device, every type, no extra package."""

    name = "sdpa"

    def varlen(self, q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
        parts = [self._equal(q[at], k[at], v[at], length) for length, at in segments.batches]
        if len(parts) == 1:
            return parts[0]
        out = torch.empty_like(q)
        for (_, at), part in zip(segments.batches, parts, strict=True):
            out[at] = part.view_as(out[at]) if isinstance(at, slice) else part.view(*at.shape, *part.shape[1:])
        return out

    @staticmethod
    def _equal(q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
        """Segments of ``length``, one after the other or as rows: [n * length, H, D]."""
        heads, width = q.shape[-2:]
        q, k, v = (x.view(-1, length, heads, width).transpose(1, 2) for x in (q, k, v))
        return scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, heads, width)

    def prefill(self, q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
        queries = q.split(spans.queries)
        keys, values = k.split(spans.keys), v.split(spans.keys)
        return torch.cat([self._causal(*each) for each in zip(queries, keys, values, strict=True)])

    @staticmethod
    def _causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        new, seen = len(q), len(k)
        mask = None
        if new < seen:  # the queries are the last of the keys
            mask = torch.ones(new, seen, dtype=torch.bool, device=q.device).tril(seen - new)
        q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in (q, k, v))
        out = scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True)
        return out.squeeze(0).transpose(0, 1)

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, lengths: Tensor, longest: int) -> Tensor:
        sequences, heads, width = q.shape
        keys, values = keys[:, :longest].transpose(1, 2), values[:, :longest].transpose(1, 2)
        # The query heads that share a key-value head are the rows of one small matrix: what is read most,
        # the cache, is read once. As `enable_gqa` this takes three times as long on a CPU (DECISIONS.md).
        q = q.view(sequences, keys.shape[1], -1, width)
        mask = None
        if sequences > 1:
            mask = (torch.arange(longest, device=q.device) < lengths[:, None])[:, None, None, :]
        return scaled_dot_product_attention(q, keys, values, attn_mask=mask).reshape(sequences, heads, width)


class FlashAttention(SdpaAttention):
    """The flash-attn package (2.x): variable lengths without padding, grouped heads, cache in place."""

    name = "flash-attn"

    def varlen(self, q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
        from flash_attn import flash_attn_varlen_func

        cu, longest = segments.cu_seqlens, segments.max_length
        return flash_attn_varlen_func(q, k, v, cu, cu, longest, longest)  # type: ignore[no-any-return]

    def prefill(self, q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
        from flash_attn import flash_attn_varlen_func

        return flash_attn_varlen_func(  # type: ignore[no-any-return]
            q, k, v, spans.cu_queries, spans.cu_keys, max(spans.queries), max(spans.keys), causal=True
        )

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, lengths: Tensor, longest: int) -> Tensor:
        from flash_attn import flash_attn_with_kvcache

        out = flash_attn_with_kvcache(q.unsqueeze(1), keys, values, cache_seqlens=lengths, causal=True)
        return out.squeeze(1)  # type: ignore[no-any-return]


class TorchVarlenAttention(SdpaAttention):
    """torch's own flash kernel for variable lengths; decoding stays with ``sdpa``."""

    name = "torch-varlen"

    def varlen(self, q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
        cu, longest = segments.cu_seqlens, segments.max_length
        return _varlen_kernel()(q, k, v, cu, cu, longest, longest, False)

    def prefill(self, q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
        longest = max(spans.queries), max(spans.keys)
        return _varlen_kernel()(q, k, v, spans.cu_queries, spans.cu_keys, *longest, True)


@functools.cache
def _varlen_kernel() -> Callable[..., Tensor]:
    """torch's ``varlen_attn``, whose options have changed names between versions, behind one signature."""
    from torch.nn.attention import varlen

    kernel: Any = varlen.varlen_attn
    known = inspect.signature(kernel).parameters

    def attend(
        q: Tensor, k: Tensor, v: Tensor, cu_q: Tensor, cu_k: Tensor, max_q: int, max_k: int, causal: bool
    ) -> Tensor:
        options: dict[str, Any] = {}
        if "window_size" in known:
            options["window_size"] = (-1, 0) if causal else (-1, -1)
        else:
            options["is_causal"] = causal
        if q.shape[1] != k.shape[1]:
            if "enable_gqa" in known:
                options["enable_gqa"] = True
            else:
                k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
        return kernel(q, k, v, cu_q, cu_k, max_q, max_k, **options)  # type: ignore[no-any-return]

    return attend


IMPLEMENTATIONS: dict[str, type[Attention]] = {
    kind.name: kind for kind in (FlashAttention, TorchVarlenAttention, SdpaAttention)
}
"""By name, the best first."""


def obstacle(name: str, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why the implementation of that name cannot be used there; None if it can."""
    if name == "sdpa":
        return None
    if device.type != "cuda":
        return "needs a GPU"
    if dtype not in HALF:
        return "needs bfloat16 or float16 weights"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "needs a GPU of compute capability 8.0 or later"
    module = "flash_attn" if name == "flash-attn" else "torch.nn.attention.varlen"
    if importlib.util.find_spec(module) is None:
        return f"needs {module}, which is not installed" if name == "flash-attn" else "needs a newer torch"
    try:
        importlib.import_module(module)
    except ImportError as error:  # a wheel that was built for another torch, mostly
        return f"needs {module}, which cannot be imported ({error})"
    return None


def choose_attention(device: torch.device, dtype: torch.dtype, wanted: str | None = None) -> Attention:
    """The best implementation for weights of that type there, or the one that is ``wanted``.

    Raises ``ModelError`` where the wanted one is unknown or cannot be used.
    """
    if wanted is None:
        return next(kind() for name, kind in IMPLEMENTATIONS.items() if obstacle(name, device, dtype) is None)
    if wanted not in IMPLEMENTATIONS:
        raise ModelError(f"there is no attention {wanted!r}; there are {', '.join(IMPLEMENTATIONS)}.")
    why_not = obstacle(wanted, device, dtype)
    if why_not:
        raise ModelError(f"{wanted} cannot be used with {dtype} on {device}: it {why_not}.")
    return IMPLEMENTATIONS[wanted]()
