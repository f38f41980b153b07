"""Which engine reads, and why that one."""

from __future__ import annotations

from docparse.engines.base import Engine
from docparse.errors import EngineUnavailable, SettingsError

ENGINES = ("auto", "embedded")


def choose(name: str, *, threads: int | None = None) -> tuple[Engine, str]:
    """The engine of that name and the reason for it. ``threads``: CPU threads it may use.

    Raises ``EngineUnavailable`` where it cannot run here, ``SettingsError`` for an unknown name.
    """
    if name not in ENGINES:
        if name in ("qwen", "remote"):
            raise EngineUnavailable(f"the {name} engine is not part of this version.", hint="Use --engine embedded.")
        raise SettingsError(f"there is no engine {name!r}.", hint=f"Choose one of: {', '.join(ENGINES)}.")
    from docparse.engines.embedded.engine import EmbeddedEngine

    reason = "chosen" if name == "embedded" else "no model checkpoint is configured"
    return EmbeddedEngine(threads=threads), reason
