"""Qwen2.5-VL in PyTorch: the same function as transformers' model, for checkpoints in the published format.

    from docparse.model import Generator, Request, load, preprocess_image

    model = load("Qwen2.5-VL-3B-Instruct", device="cuda")
    patches, grid = preprocess_image(picture, config=model.config.image)
    (completion,) = Generator(model).generate([Request(ids, patches=patches, grid_thw=[grid])])

Read it in this order: ``config`` what a checkpoint says; ``sizes``, ``image``, ``resize``, ``video`` pixels to
patches; ``windows``, ``rope``, ``positions`` who sees whom, and where everything stands; ``layers``, ``vision`` the
tower; ``language`` the decoder; ``attention`` the kernels under both; ``qwen_vl`` the whole; ``names``,
``checkpoint``, ``devices`` files to weights; ``cache``, ``sampling``, ``requests``, ``generator`` writing;
``constraints`` answers that keep to a schema; ``tokenizer``, ``chat`` text to ids and back; ``published``,
``memory`` the four sizes and what they need.

What needs torch is imported when it is first used: configurations and sizes can be had without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docparse.model.config import ImageConfig, ModelConfig, TextConfig, VisionConfig

if TYPE_CHECKING:
    from docparse.model.checkpoint import inspect, load, save
    from docparse.model.generator import Generator, Handle
    from docparse.model.image import preprocess_image
    from docparse.model.qwen_vl import QwenVL
    from docparse.model.requests import Completion, Request, Token
    from docparse.model.video import preprocess_video, read_video

__all__ = [
    "Completion",
    "Generator",
    "Handle",
    "ImageConfig",
    "ModelConfig",
    "QwenVL",
    "Request",
    "TextConfig",
    "Token",
    "VisionConfig",
    "inspect",
    "load",
    "preprocess_image",
    "preprocess_video",
    "read_video",
    "save",
]

_LATER = {
    "Completion": "requests",
    "Generator": "generator",
    "Handle": "generator",
    "QwenVL": "qwen_vl",
    "Request": "requests",
    "Token": "requests",
    "inspect": "checkpoint",
    "load": "checkpoint",
    "preprocess_image": "image",
    "preprocess_video": "video",
    "read_video": "video",
    "save": "checkpoint",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(f"docparse.model.{_LATER[name]}"), name)
    raise AttributeError(f"module 'docparse.model' has no attribute {name!r}")
