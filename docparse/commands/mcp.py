"""``docparse mcp``: tools for agents, over stdin and stdout."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.engines.choose import check_model, check_name
from docparse.errors import EngineUnavailable, SettingsError
from docparse.roots import Roots
from docparse.settings import load

LEAST_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given."""

    folders: Sequence[str]
    max_chars: int | None = None
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> None:
    """Serve until stdin ends. Raises ``DocparseError`` for what is wrong at once."""
    if request.max_chars is not None and request.max_chars < LEAST_CHARS:
        raise SettingsError(f"--max-chars: {request.max_chars} are too few.", hint=f"Give {LEAST_CHARS} or more.")
    roots = Roots(request.folders)
    settings = load(**request.flags)
    options = settings.options(pages=None, password=None)
    check_name(settings.engine, options.model, options.remote)
    if settings.engine not in ("embedded", "remote"):
        check_model(options.model)
    if importlib.util.find_spec("mcp") is None:
        raise EngineUnavailable(
            "docparse mcp needs the package mcp, which is not installed.", hint="Run pip install 'docparse[mcp]'."
        )
    from docparse.agent_tools import MAX_CHARS, Reader
    from docparse.mcp_server import make_server

    make_server(Reader(roots, options, max_chars=request.max_chars or MAX_CHARS)).run("stdio")
