"""What the program says on the terminal: stderr, with names that cannot harm it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 500
"""Columns of a table that goes into a file or a pipe: nobody wants to search folded lines."""


def printable(text: str) -> str:
    """``text`` with what is no character to be shown written out, as ``\\n`` or ``\\x1b``.

    File names may hold line breaks, bytes that are no UTF-8, and sequences that command a terminal.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def console(*, stderr: bool) -> Console:
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, emoji=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, emoji=False, width=WIDE)
