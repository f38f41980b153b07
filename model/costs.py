"""What the model has to compute and to read, from its configuration: the limits that benchmarks are held against.

A multiplication with an addition counts as two operations. Counted are the matrices and attention;
norms, rotary positions and activations are below a hundredth of it.
"""

from __future__ import annotations

from docparse.model.config import ModelConfig
from docparse.model.memory import kv_bytes_per_token, parameter_counts

Grid = tuple[int, int, int]


def vision_flops(config: ModelConfig, grid: Grid, *, windows: bool = True) -> float:
    """Operations of the tower on one picture of ``grid`` (frames, rows, columns of patches).

    ``windows`` False: as if every block had full attention, for comparison.
    """
    v = config.vision
    frames, rows, columns = grid
    patches = frames * rows * columns
    embed = v.hidden_size * v.patch_dim
    block = 4 * v.hidden_size**2 + 3 * v.hidden_size * v.intermediate_size
    merged = v.hidden_size * v.merge_unit
    merger = (merged * merged + merged * v.out_hidden_size) / v.merge_unit
    linear = 2 * patches * (embed + v.depth * block + merger)
    # Each patch meets every patch of its segment twice: for the score and for the mean of values.
    side = v.window_size // v.patch_size
    full = sum(1 for i in v.fullatt_block_indexes if i < v.depth) if windows else v.depth
    met = frames * (full * (rows * columns) ** 2 + (v.depth - full) * _windowed(rows, side) * _windowed(columns, side))
    return linear + 4 * met * v.hidden_size


def _windowed(length: int, side: int) -> int:
    """Sum of squares of the pieces that windows of ``side`` cut ``length`` into."""
    return length // side * side**2 + (length % side) ** 2


def prefill_flops(config: ModelConfig, tokens: int) -> float:
    """Operations of the language model on a prompt, with the head on its last token only."""
    t = config.text
    kv = t.num_key_value_heads * t.head_dim
    layer = 2 * t.hidden_size**2 + 2 * t.hidden_size * kv + 3 * t.hidden_size * t.intermediate_size
    causal = 4 * t.hidden_size * tokens * (tokens + 1) / 2  # score and mean, of what is before only
    return t.num_hidden_layers * (2 * tokens * layer + causal) + 2 * t.hidden_size * t.vocab_size


def decode_bytes(config: ModelConfig, context: int, *, batch: int = 1, dtype_bytes: int = 2) -> float:
    """Bytes that one step of decoding reads: the language model's weights once, each sequence's cache."""
    # Of the embedding a row is read, of the head all; they are of one size.
    weights = parameter_counts(config).language * dtype_bytes
    return weights + batch * context * kv_bytes_per_token(config, dtype_bytes)
