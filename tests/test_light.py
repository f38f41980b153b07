"""Starting is light: what a command does not need, it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import docparse

HEAVY = (
    *("torch", "transformers", "gradio", "fastapi", "ray", "onnxruntime", "pymupdf", "fitz", "PIL", "numpy"),
    "fsspec",
)
"""Slow to import, or not there without an extra."""


def imported_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has after running ``code``."""
    tell = "import sys; print('\\n'.join({n.partition('.')[0] for n in sys.modules}), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.split())


def command(*words: str) -> str:
    """Code that runs the program as its entry point does, and goes on afterwards."""
    return f"""
import sys
sys.argv = ["docparse", *{list(words)!r}]
from docparse.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def test_importing_docparse_imports_nothing_but_itself() -> None:
    before, after = imported_by("pass"), imported_by("import docparse")
    assert "docparse" in after
    strangers = {name for name in after - before - sys.stdlib_module_names if name != "docparse"}
    assert not strangers


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("convert", "--help"),
        ("extract", "--help"),
        ("schema", "--formats"),
        ("models", "--help"),
    ],
)
def test_what_only_talks_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    loaded = imported_by(command(*words))
    assert "docparse" in loaded
    assert not loaded & set(HEAVY)


def test_what_is_wrong_at_once_is_said_before_anything_heavy_is_loaded() -> None:
    code = "from docparse.commands.convert import Request, run\ntry:\n    run(Request(('x.pdf',), '.', 'docx'))\n"
    code += "except Exception as error:\n    assert 'docx' in str(error), error"
    assert not imported_by(code) & {"torch", "onnxruntime", "pymupdf", "numpy"}


def test_every_name_of_the_face_is_there() -> None:
    for name in docparse.__all__:
        assert getattr(docparse, name) is not None
    assert sorted(docparse.__all__) == docparse.__all__
    with pytest.raises(AttributeError, match="prase"):
        docparse.prase  # noqa: B018
    public = {name for name in vars(docparse) if not name.startswith("_")}
    # Modules appear here as they are imported; what is not one must be meant to be seen.
    meant = {name for name in public if type(vars(docparse)[name]).__name__ not in ("module", "_Feature")}
    assert meant <= {*docparse.__all__, "TYPE_CHECKING", "Any"}
