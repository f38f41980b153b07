"""What can go wrong with a model, in sentences for people. Whoever uses ``model/`` maps them to errors of its own."""

from __future__ import annotations


class ModelError(Exception):
    """Base of all errors of this package."""


class CheckpointError(ModelError):
    """A checkpoint folder that cannot be loaded: files missing, damaged, or not what they should be."""


class UnsupportedModel(CheckpointError):
    """A checkpoint of another model family, or with a part that this implementation lacks."""


class ImageError(ModelError):
    """A picture or video that the model cannot see: no pixels, or a shape beyond its limits."""


class RequestError(ModelError):
    """A request that means nothing: placeholders and patches do not match, an empty prompt, an odd option."""


class OutOfMemory(ModelError):
    """The device has too little memory for what was asked; the message says what would fit."""


class NumericalError(ModelError):
    """The model computed values that are no numbers."""
