"""What a model needs in memory, from its configuration alone: weights, key-value cache, activations.

All sizes are bytes. ``dtype_bytes``: bytes of one value of the weights, cache and hidden states, 2 for
bfloat16. Counted is what every page costs; what PyTorch and the driver keep for themselves is left to
``HEADROOM``.
"""

from __future__ import annotations

from dataclasses import dataclass

from docparse.model.config import ModelConfig
from docparse.model.published import PUBLISHED

PAGE_TOKENS = 2000
"""Image tokens of a page of A4 at about 125 dpi, of 28 x 28 pixels each."""
PROMPT_TOKENS = 128
"""The turns around the picture: system prompt, question, marks."""
ANSWER_TOKENS = 4096
"""Markup of a dense page."""
LEAST_PAGE_TOKENS = 640
"""A4 at 72 dpi. With fewer, body text is not read any more."""
HEADROOM = 0.1
"""Of the free memory, what is not planned with: the driver's context, workspaces of libraries, fragments."""

_FLOAT32 = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """Parameters of each part, and ``tensors``: how many names the checkpoint has."""

    vision: int
    language: int
    lm_head: int
    tensors: int

    @property
    def total(self) -> int:
        return self.vision + self.language + self.lm_head


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes by what they are for."""

    weights: int
    cache: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.activations


def parameter_counts(config: ModelConfig) -> Counts:
    """Parameters of the model. ``lm_head`` is 0 where it is tied to the embedding."""
    v, t = config.vision, config.text
    d, merged = v.hidden_size, v.hidden_size * v.merge_unit
    block = (
        2 * d  # two norms
        + (d * 3 * d + 3 * d)  # queries, keys and values in one
        + (d * d + d)
        + (3 * d * v.intermediate_size + 2 * v.intermediate_size + d)  # gate, up, down
    )
    merger = d + (merged * merged + merged) + (merged * v.out_hidden_size + v.out_hidden_size)
    vision = v.patch_dim * d + v.depth * block + merger

    h = t.hidden_size
    q, kv = t.num_attention_heads * t.head_dim, t.num_key_value_heads * t.head_dim
    layer = 2 * h + (h * q + q) + 2 * (h * kv + kv) + q * h + 3 * h * t.intermediate_size
    language = t.vocab_size * h + t.num_hidden_layers * layer + h
    lm_head = 0 if t.tie_word_embeddings else t.vocab_size * h
    # By part: its own, and 12 for each layer of either kind.
    tensors = (1 + 12 * v.depth + 5) + (2 + 12 * t.num_hidden_layers) + (not t.tie_word_embeddings)
    return Counts(vision, language, lm_head, tensors)


def weight_bytes(config: ModelConfig, dtype_bytes: int) -> int:
    return parameter_counts(config).total * dtype_bytes


def kv_bytes_per_token(config: ModelConfig, dtype_bytes: int) -> int:
    """Keys and values of one token in all layers."""
    t = config.text
    return 2 * t.num_hidden_layers * t.num_key_value_heads * t.head_dim * dtype_bytes


def activation_bytes(config: ModelConfig, patches: int, tokens: int, dtype_bytes: int) -> int:
    """An upper estimate of what is alive at the worst moment of reading one page, beside weights and cache.

    ``patches``: rows that enter the vision tower; ``tokens``: of the whole prompt. The worst moment is in
    one layer of the tower or of the language model. Counted for it: the residual stream, the layer's input
    where the caller still holds it, the normed copy, and the prompt's embeddings; in attention the
    projections, their copies in the kernel's layout, the output, and the queries while they are turned
    (their swapped halves, and in float32 both products and the sum); in the MLP gate, its activation, up
    and the product; in a norm three float32 copies; the tower's input in float32 and as it is used; rotary
    tables and positions; the picture before and after the merger; the logits of one position, as they come
    and twice in float32.

    Not counted: attention weights (no kernel that is used for pages writes them out), and what a library's
    kernel takes for itself. Measured on a CPU, ``QwenVL`` of the published shapes stays 4 to 58 % below this.
    """
    v, t, e = config.vision, config.text, dtype_bytes
    d = v.hidden_size
    v_attention = e * (3 * d + 2 * 3 * d + 2 * d) + _FLOAT32 * 3 * d
    v_mlp = e * (3 * d + 4 * v.intermediate_size)
    v_norm = e * 3 * d + _FLOAT32 * 3 * d
    v_merger = e * (4 * d + v.out_hidden_size // v.merge_unit) + _FLOAT32 * 3 * d
    v_input = (e + _FLOAT32) * v.patch_dim + _FLOAT32 * 2 * v.head_dim
    tower = patches * (v_input + max(v_attention, v_mlp, v_norm, v_merger))

    h = t.hidden_size
    q, kv = t.num_attention_heads * t.head_dim, t.num_key_value_heads * t.head_dim
    attention = e * (4 * h + 2 * (q + 2 * kv) + 2 * q) + _FLOAT32 * 3 * q
    mlp = e * (4 * h + 4 * t.intermediate_size)
    norm = e * 4 * h + _FLOAT32 * 3 * h
    tables = _FLOAT32 * 2 * t.head_dim + 64  # rotary; ids and positions are int64
    pictures = e * patches * (d + h // v.merge_unit)
    language = tokens * (tables + max(attention, mlp, norm)) + pictures + t.vocab_size * (e + 2 * _FLOAT32)
    return max(tower, language)


def need(
    config: ModelConfig,
    *,
    dtype_bytes: int = 2,
    batch: int = 8,
    page_tokens: int = PAGE_TOKENS,
    answer_tokens: int = ANSWER_TOKENS,
) -> Need:
    """What it takes to read ``batch`` pages together: a cache for each, prompts worked through one by one."""
    prompt = PROMPT_TOKENS + page_tokens
    return Need(
        weights=weight_bytes(config, dtype_bytes),
        cache=batch * (prompt + answer_tokens) * kv_bytes_per_token(config, dtype_bytes),
        activations=activation_bytes(config, page_tokens * config.vision.merge_unit, prompt, dtype_bytes),
    )


def advise(
    config: ModelConfig,
    free_bytes: int,
    *,
    dtype_bytes: int = 2,
    batch: int = 8,
    page_tokens: int = PAGE_TOKENS,
    answer_tokens: int = ANSWER_TOKENS,
) -> str:
    """One sentence: whether ``batch`` pages at once fit into ``free_bytes``, and if not, what would.

    Proposed is the first of: fewer pages at once, a smaller picture, bfloat16 instead of wider weights,
    the largest published model that fits.
    """
    room = int(free_bytes * (1 - HEADROOM))
    room_said = f"{gigabytes(room)} ({gigabytes(free_bytes)} free, less {HEADROOM:.0%} in reserve)"

    def total(model: ModelConfig = config, dtype: int = dtype_bytes, pages: int = 1, tokens: int = page_tokens) -> int:
        return need(model, dtype_bytes=dtype, batch=pages, page_tokens=tokens, answer_tokens=answer_tokens).total

    def proposal() -> str:
        for pages in range(batch - 1, 0, -1):
            if total(pages=pages) <= room:
                return f"{_pages(pages)} fit ({gigabytes(total(pages=pages))})"
        for tokens in range(page_tokens, LEAST_PAGE_TOKENS - 1, -20):
            if total(tokens=tokens) <= room:
                pixels = tokens * config.image.factor**2
                return f"one page of at most {pixels:,} pixels fits ({gigabytes(total(tokens=tokens))})"
        if dtype_bytes > 2 and total(dtype=2) <= room:
            return f"one page with weights in bfloat16 fits ({gigabytes(total(dtype=2))})"
        own = parameter_counts(config).total
        for name, other in reversed(PUBLISHED.items()):
            if parameter_counts(other).total < own and total(other, 2) <= room:
                return f"the {name} in bfloat16 fits ({gigabytes(total(other, 2))})"
        return "no published Qwen2.5-VL fits"

    wanted = total(pages=batch)
    if wanted <= room:
        return f"{_pages(batch)} fit: {gigabytes(wanted)} of {room_said}."
    return f"{_pages(batch)} do not fit: {gigabytes(wanted)} of {room_said}; {proposal()}."


def gigabytes(size: int) -> str:
    """``size`` bytes for people, in units of 10^9."""
    return f"{size / 1e9:.1f} GB"


def _pages(number: int) -> str:
    return "pages one at a time" if number == 1 else f"{number} pages at once"
