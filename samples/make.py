"""Makes the samples that are our own, from our own text: ``python samples/make.py [FOLDER] [NAME...]``.

Pillow and PyMuPDF only; the same versions of both write the same bytes. The samples that are other
people's are not made here: README.md beside this file says where each comes from.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODULES = ("receipt", "paper", "slides", "form", "letter", "dossier", "notice", "memo")


def make(folder: Path, modules: tuple[str, ...] = MODULES) -> None:
    """Writes the made samples into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in modules:
        importlib.import_module(f"recipes.{name}").make(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, tuple(sys.argv[2:]) or MODULES)
