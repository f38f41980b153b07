"""The four Qwen2.5-VL checkpoints that were published, as their own files describe them.

For what has to be known before a checkpoint is here: how much it weighs, whether it would fit. A
checkpoint that is here is read with ``ModelConfig.from_folder``. Shapes: Qwen2.5-VL technical report,
corrected where the published ``config.json`` differ from it (the tower's MLP, the 3B's language model).
"""

from __future__ import annotations

from docparse.model.config import GenerationConfig, ImageConfig, ModelConfig, TextConfig, VisionConfig

ENDOFTEXT, IM_END = 151643, 151645


def _config(
    *,
    hidden: int,
    layers: int,
    heads: int,
    kv_heads: int,
    intermediate: int,
    vision_intermediate: int,
    vocab: int = 152064,
    tied: bool = False,
) -> ModelConfig:
    return ModelConfig(
        vision=VisionConfig(
            depth=32,
            hidden_size=1280,
            num_heads=16,
            intermediate_size=vision_intermediate,
            out_hidden_size=hidden,
            tokens_per_second=2,
        ),
        text=TextConfig(
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            intermediate_size=intermediate,
            vocab_size=vocab,
            rms_norm_eps=1e-6,
            max_position_embeddings=128_000,
            tie_word_embeddings=tied,
        ),
        image=ImageConfig(min_pixels=4 * 28 * 28, max_pixels=16_384 * 28 * 28),
        generation=GenerationConfig(
            eos_token_ids=(IM_END, ENDOFTEXT), pad_token_id=ENDOFTEXT, repetition_penalty=1.05, temperature=1e-6
        ),
        dtype="bfloat16",
    )


PUBLISHED: dict[str, ModelConfig] = {
    "3B": _config(
        hidden=2048,
        layers=36,
        heads=16,
        kv_heads=2,
        intermediate=11008,
        vision_intermediate=3420,
        vocab=151936,
        tied=True,
    ),
    "7B": _config(hidden=3584, layers=28, heads=28, kv_heads=4, intermediate=18944, vision_intermediate=3420),
    "32B": _config(hidden=5120, layers=64, heads=40, kv_heads=8, intermediate=27648, vision_intermediate=3456),
    "72B": _config(hidden=8192, layers=80, heads=64, kv_heads=8, intermediate=29568, vision_intermediate=3456),
}
"""By size, the smallest first."""
