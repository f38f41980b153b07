"""What a result depends on besides the file: who reads it, how, and what is written.

Two runs with the same recipe make the same of a file; that is what ``--resume`` goes by. What makes no difference to
a result is not in it: how many processes read, how long a page may take, where readings are kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docparse import __version__
from docparse.convert import Options
from docparse.exporters import ExportOptions

_MODEL = ("path", "dtype", "prompt", "check", "pixels", "max_tokens", "penalty")
_REMOTE = ("url", "model", "family", "prompt", "check", "pixels", "max_tokens", "penalty")


@dataclass(frozen=True, slots=True)
class Recipe:
    """``told``: its parts, for people; ``hash``: what two runs are compared by."""

    told: dict[str, Any]

    @property
    def hash(self) -> str:
        text = json.dumps(self.told, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def recipe(
    options: Options, engine: str, formats: Sequence[str], export: ExportOptions, *, service: str = ""
) -> Recipe:
    """``engine``: the one that reads, ``auto`` resolved, or ``service``: then ``service`` is its address. Passwords
    are no part of it: they change no result."""
    told: dict[str, Any] = {
        "docparse": __version__,
        "engine": engine,
        "pages": options.pages,
        "dpi": options.dpi,
        "renderer": options.renderer,
        "page_pixels": options.limits.page_pixels,
        "formats": sorted(formats),
        "export": dataclasses.asdict(export),
    }
    if engine == "service":  # which model reads there it does not promise
        told["service"], told["asked"] = service, options.engine
    if engine == "qwen":
        told["model"] = {name: getattr(options.model, name) for name in _MODEL}
    if engine == "remote":
        told["remote"] = {name: getattr(options.remote, name) for name in _REMOTE}
    return Recipe(told)
