"""What a run has written for a document, by the document's name: Markdown, JSON, HTML, fields.

Files lie in one folder, in a folder of the set, or in a folder of the document's own. A result that is not there, or is
no JSON, is no output: it is judged as such, and never skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docparse.evaluate.grids import tables_in
from docparse.evaluate.truth import Truth

Json = dict[str, Any]


class Results:
    """The results in a folder, read when they are asked for."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def text(self, truth: Truth) -> str | None:
        """The text in reading order, with its marks; of the JSON where there is no other."""
        path = self._path(truth, ".md", ".txt")
        if path is not None:
            return _read(path)
        document = self.document(truth)
        if document is None:
            return None
        return "\n\n".join(_marked(block) for block in _blocks(document))

    def document(self, truth: Truth) -> Json | None:
        """The document as JSON with pages of blocks."""
        path = self._path(truth, ".json")
        data = None if path is None else _json(path)
        return data if isinstance(data, dict) else None

    def tables(self, truth: Truth) -> list[str] | None:
        """Tables as HTML: of the HTML, else of the JSON, else of the text. None where there is none of the three."""
        path = self._path(truth, ".html")
        if path is not None:
            return tables_in(_read(path))
        markup = [block.get("html") or "" for block in _blocks(self.document(truth) or {})]
        if found := [html for html in markup if "<table" in html]:
            return found
        text = self.text(truth)
        return None if text is None else tables_in(text)

    def fields(self, truth: Truth) -> Json | None:
        """The fields of the document; of several documents in a file, those of the first."""
        own = self._path(truth, ".fields.json")
        path = own or self._path(truth, ".json")
        data = None if path is None else _json(path)
        if isinstance(data, list):
            data = data[0] if data else {}
        # A document as JSON is not its fields.
        if not isinstance(data, dict) or (own is None and "pages" in data):
            return None
        return data["fields"] if isinstance(data.get("fields"), dict) else data

    def _path(self, truth: Truth, *endings: str) -> Path | None:
        for ending in endings:
            for folder in (self._folder / truth.set, self._folder):
                for name in truth.names:
                    for place in (f"{name}{ending}", f"{name}/{name}{ending}", f"{name}/output{ending}"):
                        if (path := folder / place).is_file():
                            return path
        return None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path), parse_constant=lambda _: None)  # NaN is no number
    except ValueError:
        return None


def _blocks(document: Json) -> Iterator[Json]:
    for page in document.get("pages") or ():
        yield from page.get("blocks") or ()


def _marked(block: Json) -> str:
    latex = block.get("latex")
    return block.get("html") or block.get("text") or (f"$${latex}$$" if latex else "")
