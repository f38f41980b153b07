"""Which engine reads, and why that one."""

from __future__ import annotations

from docparse.engines.base import Engine
from docparse.errors import EngineUnavailable, SettingsError

ENGINES = ("auto", "embedded")
LATER = ("qwen", "remote")
"""Names that are spoken for, so that asking for one gets an honest answer."""


def check_name(name: str) -> None:
    """Raise what ``choose`` would raise for a name, without loading an engine."""
    if name in LATER:
        raise EngineUnavailable(f"the {name} engine is not part of this version.", hint="Use --engine embedded.")
    if name not in ENGINES:
        raise SettingsError(f"there is no engine {name!r}.", hint=f"Choose one of: {', '.join(ENGINES)}.")


def choose(wanted: str | Engine, *, threads: int | None = None) -> tuple[Engine, str]:
    """The engine of that name and the reason for it; an engine that is given is taken as it is.

    ``threads``: CPU threads that a named engine may use. Raises ``EngineUnavailable`` where it
    cannot run here, ``SettingsError`` for an unknown name.
    """
    if not isinstance(wanted, str):
        return wanted, "given"
    check_name(wanted)
    from docparse.engines.embedded.engine import EmbeddedEngine

    reason = "chosen" if wanted == "embedded" else "no model checkpoint is configured"
    return EmbeddedEngine(threads=threads), reason
