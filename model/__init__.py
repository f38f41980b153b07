"""Qwen2.5-VL in PyTorch: the same function as transformers' model, for checkpoints in the published format.

    from docparse.model import Generator, Request, load, preprocess_image

    model = load("Qwen2.5-VL-3B-Instruct", device="cuda")
    patches, grid = preprocess_image(picture, config=model.config.image)
    (completion,) = Generator(model).generate([Request(ids, patches=patches, grid_thw=[grid])])

Read it in this order: ``config`` what a checkpoint says; ``image``, ``video`` pixels to patches;
``windows``, ``rope``, ``positions`` who sees whom, and where everything stands; ``vision`` the tower;
``language`` the decoder; ``attention`` the kernels under both; ``qwen_vl`` the whole; ``checkpoint``,
``names``, ``devices`` files to weights; ``cache``, ``sampling``, ``generator`` writing; ``tokenizer``,
``chat`` text to ids and back.
"""

from docparse.model.checkpoint import inspect, load, save
from docparse.model.config import ImageConfig, ModelConfig, TextConfig, VisionConfig
from docparse.model.generator import Generator, Handle
from docparse.model.image import preprocess_image
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Request, Token

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
    "save",
]
