"""``docparse cache``: the readings that are kept."""

from __future__ import annotations

from docparse.commands.console import printable
from docparse.result_cache import ResultCache, Usage
from docparse.settings import load


def clear() -> None:
    """Remove them, and say how much it was."""
    kept = ResultCache(load().cache_options())
    print(printable(f"{said(kept.clear())} removed from {kept.folder}."))


def said(usage: Usage) -> str:
    pages = f"{usage.entries} page" + ("s" if usage.entries != 1 else "")
    return f"{pages}, {usage.bytes / 1024**2:.1f} MiB"
