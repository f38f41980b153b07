"""How a model is to be run: a value, passed down from the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Prompt = Literal["html", "markdown"]
Check = Literal["text-layer", "ocr"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
AttentionName = Literal["auto", "flash-attn", "torch-varlen", "sdpa"]

FamilyName = Literal["auto", "qwen2.5-vl", "qwen3-vl"]

PIXELS_PER_TOKEN = 28 * 28
MOST_PAGES = 8
"""Pages written at a time where nobody said how many. More is faster on large GPUs only."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model reads, where, and what a page may cost.

    path        checkpoint folder; None: no model is configured
    device      ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``
    dtype       type of the weights; ``auto``: as the checkpoint on a GPU, float32 on a CPU
    attention   kernels; ``auto``: the best there are, see ``docparse doctor``
    prompt      what is asked for
    batch       pages that are written at the same time; 0: as many as memory holds, up to 8
    pixels      most pixels of a page that the model is shown; a larger one is scaled down
    max_tokens  longest answer to a page
    check       what the model's words are checked against: the ``text-layer`` where there is one that can be
                believed, or else ``ocr`` too
    penalty     repetition penalty; 1 is none. The checkpoints say 1.05, which damages what a page repeats rightly
    """

    path: str | None = None
    device: str = "auto"
    dtype: Dtype = "auto"
    attention: AttentionName = "auto"
    prompt: Prompt = "html"
    batch: int = 0
    pixels: int = 4096 * PIXELS_PER_TOKEN
    max_tokens: int = 8192
    check: Check = "text-layer"
    penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Which server reads, and what a page may cost there.

    url          address of an OpenAI-compatible server, as ``http://host:8000``; None: no server is configured
    model        the model's name there; None: the only one it has
    api_key      what the server wants to be shown; in no message, log or document
    family       what the boxes of the model mean; ``auto``: told by its name
    concurrency  requests under way at a time, at most; fewer where the server says that it has too much to do
    send_pixels  tell the server the bounds of pictures as well, as ``mm_processor_kwargs``; for one that was started
                 with others than the model's own
    prompt, pixels, max_tokens, penalty   as in ``ModelOptions``
    """

    url: str | None = None
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    family: FamilyName = "auto"
    concurrency: int = 32
    send_pixels: bool = False
    prompt: Prompt = "html"
    pixels: int = 4096 * PIXELS_PER_TOKEN
    max_tokens: int = 8192
    check: Check = "text-layer"
    penalty: float = 1.0
