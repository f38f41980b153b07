"""Which engine reads, and why that one."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from docparse import __version__
from docparse.document import EngineInfo
from docparse.engines.base import Engine
from docparse.engines.cached import CachedEngine, model_identity
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import EngineUnavailable, SettingsError
from docparse.machine import free_on_cards
from docparse.result_cache import CacheOptions, ResultCache

if TYPE_CHECKING:
    from docparse.model.config import ModelConfig

ENGINES = ("auto", "embedded", "qwen", "remote")

NO_MODEL = "no model checkpoint is configured"


def check_name(name: str, model: ModelOptions, remote: RemoteOptions | None = None) -> None:
    """Raise what ``choose`` would raise for a name, without loading an engine."""
    if name not in ENGINES:
        raise SettingsError(f"there is no engine {name!r}.", hint=f"Choose one of: {', '.join(ENGINES)}.")
    if name == "qwen" and model.path is None:
        raise EngineUnavailable(
            "the qwen engine needs a model.",
            hint="Name a checkpoint with --model or DOCPARSE_MODEL, or get one: docparse models pull 3b.",
        )
    if name == "remote" and (remote is None or remote.url is None):
        raise EngineUnavailable(
            "the remote engine needs a server.",
            hint="Give its address with --server-url or DOCPARSE_SERVER_URL, as http://localhost:8000.",
        )


def check_model(model: ModelOptions) -> None:
    """Raise now what loading the model would find out at once: no folder, another family, no torch."""
    if model.path is not None:
        _config(model.path)
        if importlib.util.find_spec("torch") is None:
            raise EngineUnavailable(
                "the qwen engine needs torch, which is not installed.",
                hint="Install it with: pip install 'docparse[qwen]'.",
            )


def check_remote(remote: RemoteOptions) -> RemoteOptions:
    """Look at the server now, before anything is read. The options with its model, where they name none.

    Raises what making the engine would raise.
    """
    _needs_httpx()
    from docparse.engines.remote import check_server

    served = check_server(remote)
    return dataclasses.replace(remote, model=served.name, family=served.family.name)


def _needs_httpx() -> None:
    if importlib.util.find_spec("httpx") is None:
        raise EngineUnavailable(
            "the remote engine needs httpx, which is not installed.",
            hint="Install it with: pip install 'docparse[remote]'.",
        )


def resolve(wanted: str, model: ModelOptions, remote: RemoteOptions | None = None) -> tuple[str, str]:
    """The engine that a name means here, and the reason. Loads nothing, and asks no server."""
    check_name(wanted, model, remote)
    if wanted != "auto":
        return wanted, "chosen"
    if remote is not None and remote.url is not None:
        return "remote", "a server is configured"
    if model.path is None:
        return "embedded", NO_MODEL
    cards = free_on_cards() if model.device != "cpu" else []
    if not cards:
        return "embedded", "a model is configured, but there is no GPU for it"
    from docparse.model.memory import HEADROOM, gigabytes, need

    wants = need(_config(model.path), batch=1).total
    if wants > sum(cards) * (1 - HEADROOM):
        free = gigabytes(sum(cards))
        return "embedded", f"the model needs {gigabytes(wants)} on a GPU, and {free} are free"
    return "qwen", "a model is configured, and a GPU can hold it"


def _config(path: str) -> ModelConfig:
    from docparse.model.config import ModelConfig
    from docparse.model.errors import ModelError

    try:
        return ModelConfig.from_folder(path)
    except ModelError as error:
        raise EngineUnavailable(str(error), hint="See docparse models verify.") from error


def choose(
    wanted: str | Engine,
    *,
    threads: int | None = None,
    model: ModelOptions | None = None,
    page_seconds: float = 600.0,
    alive: Callable[[], None] | None = None,
    cache: CacheOptions | None = None,
    remote: RemoteOptions | None = None,
) -> tuple[Engine, str]:
    """The engine of that name and the reason for it; an engine that is given is taken as it is.

    ``threads``: CPU threads that a named engine may use. ``alive`` is called now and then by an engine that
    takes long over a page. ``cache``: where readings are kept; a model is then loaded only when a page comes
    that is not there. Raises ``EngineUnavailable`` where it cannot run here, ``EngineOutOfMemory`` where
    it does not fit, ``SettingsError`` for an unknown name.
    """
    if not isinstance(wanted, str):
        return wanted, "given"
    model = model or ModelOptions()
    name, reason = resolve(wanted, model, remote)
    if name == "qwen":
        qwen = partial(_qwen, model, threads, page_seconds, alive)
        if cache is None:
            return qwen(), reason
        assert model.path is not None
        info = EngineInfo(name, __version__, model=Path(model.path).name)
        return CachedEngine(qwen, info, identity=model_identity(model), kept=ResultCache(cache)), reason
    if name == "remote":
        assert remote is not None
        _needs_httpx()
        from docparse.engines.remote import RemoteEngine

        engine = RemoteEngine(remote, threads=threads, page_seconds=page_seconds, alive=alive)
        if cache is None:
            return engine, reason
        how = {**dataclasses.asdict(remote), "api_key": None, "concurrency": None}
        return CachedEngine(lambda: engine, engine.info(), identity=how, kept=ResultCache(cache)), reason
    from docparse.engines.embedded.engine import EmbeddedEngine

    return EmbeddedEngine(threads=threads), reason


def _qwen(model: ModelOptions, threads: int | None, page_seconds: float, alive: Callable[[], None] | None) -> Engine:
    from docparse.engines.qwen import QwenEngine

    return QwenEngine(model, threads=threads, page_seconds=page_seconds, alive=alive)
