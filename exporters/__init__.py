"""Documents out: JSON, QwenVL HTML, Markdown, a page to look at, overlays, text, chunks.

    export(document, "markdown").text
    write_files(document, "overlay", "out", "invoice", images=...)

Exporters are functions of a ``Document``; importing this module makes them known to ``FORMATS``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cached_property

from docparse.document import Document
from docparse.errors import ExportError
from docparse.exporters import (  # noqa: F401  (they register)
    canonical,
    chunks,
    html_page,
    markdown,
    overlay,
    parquet,
    plain,
    sft,
)
from docparse.exporters.files import write_file, write_files
from docparse.exporters.registry import (
    FORMATS,
    ExportOptions,
    Format,
    Images,
    Job,
    Part,
    Span,
    find,
    is_ready,
    register,
)

__all__ = [
    "FORMATS",
    "Export",
    "ExportOptions",
    "Format",
    "Images",
    "Job",
    "Part",
    "Span",
    "export",
    "find",
    "is_ready",
    "register",
    "write_file",
    "write_files",
]


class Export:
    """A finished export in memory. ``files`` has all of it by name, the main file last."""

    def __init__(self, format: Format, files: dict[str, str | bytes], spans: Iterable[Span] = ()) -> None:
        self.format = format
        self.files = files
        self._spans = spans

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Which block wrote what of ``text``, in order. Only blocks that wrote something have one."""
        return tuple(self._spans)

    @property
    def text(self) -> str:
        """The main file as text. Raises ``ExportError`` for a format that is not text."""
        content = next(reversed(self.files.values()), "")
        if not isinstance(content, str):
            raise ExportError(f"{self.format.name} is not text.")
        return content

    @property
    def data(self) -> bytes:
        """The main file as bytes, text as UTF-8."""
        content = next(reversed(self.files.values()), b"")
        return content.encode("utf-8") if isinstance(content, str) else content


def export(
    document: Document,
    format: str,
    *,
    images: Images | None = None,
    options: ExportOptions = ExportOptions(),  # noqa: B008  (frozen)
    stem: str = "document",
) -> Export:
    """``document`` in the format of that name. ``stem`` names its files. Raises ``ExportError``."""
    chosen = find(format)
    files: dict[str, str | bytes] = {}
    spans: Iterable[Span] = ()
    for part in chosen.run(Job(document, stem, chosen.suffix, images, options)):
        content = part.content
        if callable(content):
            stream = io.BytesIO()
            content(stream)
            content = stream.getvalue()
        files[part.name] = content
        spans = part.spans
    return Export(chosen, files, spans)
