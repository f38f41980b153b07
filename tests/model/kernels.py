"""Attention kernels, played on the CPU: softmax written out, behind the signatures of the real ones.

The real ones run on GPUs only. What can be tested without one is that our calls say what we mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, scale: float | None = None) -> Tensor:
    """softmax(q k' / sqrt(D)) v of one sequence, by head and query, in float64.

    q [T, H, D], k and v [S, K, D]. Causal: the last query sees all keys, the one before it all but one.
    """
    new, heads, width = q.shape
    seen, grouped, _ = k.shape
    scale = width**-0.5 if scale is None else scale
    out = torch.empty(new, heads, width, dtype=torch.float64)
    q, k, v = q.double(), k.double(), v.double()
    for head in range(heads):
        keys, values = (x[:, head // (heads // grouped)] for x in (k, v))
        for row in range(new):
            last = seen - new + row + 1 if causal else seen
            scores = scale * (keys[:last] @ q[row, head])
            weights = (scores - scores.max()).exp()
            out[row, head] = (weights / weights.sum()) @ values[:last]
    return out


def attend_packed(
    q: Tensor, k: Tensor, v: Tensor, queries: Sequence[int], keys: Sequence[int], *, causal: bool
) -> Tensor:
    parts = zip(q.split(list(queries)), k.split(list(keys)), v.split(list(keys)), strict=True)
    return torch.cat([attend(*part, causal=causal) for part in parts])


def _check_cumulative(cu: Tensor, longest: int, total: int) -> list[int]:
    """What kernels expect of them. Returns lengths."""
    assert cu.dtype == torch.int32
    assert cu.is_contiguous()
    bounds: list[int] = cu.tolist()
    assert bounds[0] == 0
    assert bounds[-1] == total
    lengths = [end - start for start, end in zip(bounds, bounds[1:], strict=False)]
    assert type(longest) is int
    assert longest == max(lengths)
    return lengths


def _kernel(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_q: Tensor,
    cu_k: Tensor,
    max_q: int,
    max_k: int,
    scale: float | None,
    causal: bool,
) -> Tensor:
    for x in (q, k, v):
        assert x.stride(-1) == 1
    queries, keys = _check_cumulative(cu_q, max_q, len(q)), _check_cumulative(cu_k, max_k, len(k))
    parts = zip(q.split(queries), k.split(keys), v.split(keys), strict=True)
    return torch.cat([attend(*part, causal=causal, scale=scale) for part in parts]).to(q.dtype)


# flash-attn 2.8, flash_attn_interface.py
def flash_attn_varlen_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: tuple[int, int] = (-1, -1),
    softcap: float = 0.0,
    alibi_slopes: Any = None,
    deterministic: bool = False,
    return_attn_probs: bool = False,
    block_table: Any = None,
) -> Tensor:
    assert (dropout_p, window_size, softcap, alibi_slopes, block_table) == (0.0, (-1, -1), 0.0, None, None)
    assert (deterministic, return_attn_probs) == (False, False)
    return _kernel(q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, softmax_scale, causal)


def flash_attn_with_kvcache(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    k: Any = None,
    v: Any = None,
    rotary_cos: Any = None,
    rotary_sin: Any = None,
    cache_seqlens: Tensor | None = None,
    cache_batch_idx: Any = None,
    cache_leftpad: Any = None,
    block_table: Any = None,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: tuple[int, int] = (-1, -1),
    softcap: float = 0.0,
    rotary_interleaved: bool = True,
    alibi_slopes: Any = None,
    num_splits: int = 0,
    return_softmax_lse: bool = False,
) -> Tensor:
    # Nothing is appended: the new token's key and value are in the cache, and counted.
    assert (k, v, rotary_cos, rotary_sin, cache_batch_idx, cache_leftpad, block_table) == (None,) * 7
    assert (window_size, softcap, alibi_slopes, num_splits) == ((-1, -1), 0.0, None, 0)
    assert (rotary_interleaved, return_softmax_lse) == (True, False)
    assert cache_seqlens is not None
    assert cache_seqlens.dtype == torch.int32
    assert len(q) == len(k_cache) == len(v_cache) == len(cache_seqlens)
    assert q.ndim == k_cache.ndim == 4
    rows = [
        attend(one, keys[:n], values[:n], causal=causal, scale=softmax_scale)
        for one, keys, values, n in zip(q, k_cache, v_cache, cache_seqlens.tolist(), strict=True)
    ]
    return torch.stack(rows).to(q.dtype)


# What torch.nn.attention.varlen has had: with the flag in 2.10, with a window in 2.11, with groups since 2.12.
def varlen_with_flag(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    is_causal: bool = False,
    return_aux: Any = None,
) -> Tensor:
    assert return_aux is None
    assert query.shape[1] == key.shape[1]
    return _kernel(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, None, is_causal)


def varlen_with_window(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    return_aux: Any = None,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
) -> Tensor:
    assert return_aux is None
    assert query.shape[1] == key.shape[1]
    # torch compares the tuple: a list of the same numbers would not be causal.
    assert window_size in {(-1, -1), (-1, 0)}
    return _kernel(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale, window_size == (-1, 0))


def varlen_with_groups(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    return_aux: Any = None,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False,
    seqused_k: Any = None,
    block_table: Any = None,
    num_splits: int | None = None,
) -> Tensor:
    assert (return_aux, seqused_k, block_table, num_splits) == (None,) * 4
    assert enable_gqa or query.shape[1] == key.shape[1]
    assert window_size in {(-1, -1), (-1, 0)}
    return _kernel(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale, window_size == (-1, 0))


VARLEN_KERNELS: dict[str, Callable[..., Tensor]] = {
    "2.10": varlen_with_flag,
    "2.11": varlen_with_window,
    "2.13": varlen_with_groups,
}
"""By the version of torch."""
