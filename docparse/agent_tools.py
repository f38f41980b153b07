"""What agents can have done: a document read, its fields extracted, a question about a page asked. Answers are bounded.

An agent names files; only those inside of ``Roots`` are read, and each is opened in a process of its own, without a
network. Of a long document come the pages that fit, and which to ask for next. What this file is not: a protocol
(``mcp_server``), nor a flow of its own: it reads as ``convert`` and ``extract`` do.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from docparse import __version__
from docparse.confidence import described
from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document, Page
from docparse.engines.base import Asks, Engine
from docparse.engines.choose import choose
from docparse.errors import SchemaError
from docparse.exporters import export
from docparse.extract.extraction import extract_source, seeing
from docparse.extract.output.bounded import bounded
from docparse.extract.schemas import BUILT_IN, Schema, load_schema
from docparse.grounding import ask, check_model, check_question, open_asks
from docparse.reading import REASON, REASONS
from docparse.roots import Roots
from docparse.source import Source

MAX_BYTES = 256 * 1024**2
"""Of a file: it is held in memory. A lower limit of the settings counts too."""
MAX_CHARS = 40_000
"""Of an answer, where nobody said it: about ten thousand tokens."""
STRETCH = 4
"""Pages that are read between two looks at whether more would fit."""

Told = Callable[[int, int], None]
"""Is told how many pages of how many are done. Raises where nobody wants the rest."""


class Reader:
    """What the tools do, without the protocol. One document at a time; the engine is made for the first and kept."""

    def __init__(self, roots: Roots, options: Options, *, max_chars: int = MAX_CHARS) -> None:
        limits = dataclasses.replace(options.limits, max_bytes=min(options.limits.max_bytes, MAX_BYTES))
        self.roots = roots
        self.options = dataclasses.replace(seeing(options), isolate=True, limits=limits)
        self.max_chars = max_chars
        self._lock = threading.Lock()
        self._engine: tuple[Engine, str] | None = None
        self._asks: Asks | None = None

    # ------------------------------------------------------------------------ parse

    def parse(self, path: str, *, to: str, pages: str | None, password: str | None, told: Told) -> str:
        """The pages that fit into an answer, and what is not ok with them. Raises ``DocparseError``."""
        with self._open(path, pages, password) as (source, numbers), self._lock:
            engine, reason = self._chosen()
            read: list[Page] = []
            room = self.max_chars
            while room > 0 and len(read) < len(numbers):
                stretch = numbers[len(read) : len(read) + STRETCH]
                for page in sorted(read_source(source, engine, stretch), key=lambda page: page.number):
                    if room > 0:
                        read.append(page)
                        room -= len(_content([page], to, Document(source=source.info))) + len(_verdict(page))
                told(len(read), len(numbers))
            if room < 0 and len(read) > 1:
                read.pop()  # it will be the first of the next answer
            about = Document((), source.info, described(engine.info(), reason), __version__)
        left = numbers[len(read) :]
        head = [f"{source.info.name}: {_listed([page.number for page in read])} of {source.num_pages}."]
        if left:
            head.append(f"{_listed(left).capitalize()} did not fit: ask again with pages={_range(left)!r}.")
        head += filter(None, map(_verdict, read))
        return "\n".join(head) + "\n\n" + _cut(_content(read, to, about), self.max_chars)

    # ------------------------------------------------------------------------ extract

    def extract(
        self, path: str, *, schema: str | dict[str, Any], pages: str | None, password: str | None
    ) -> dict[str, Any]:
        """Fields with evidence. Raises ``DocparseError``."""
        wanted = _schema(schema)
        with self._open(path, pages, password) as (source, numbers), self._lock:
            engine, reason = self._chosen()
            found = extract_source(source, wanted, engine, numbers, reason=reason)
        return bounded(found, self.max_chars)

    # ------------------------------------------------------------------------ ground

    def ground(
        self,
        path: str,
        question: str | None,
        *,
        page: int,
        bbox: tuple[float, float, float, float] | None,
        points: bool,
        password: str | None,
    ) -> dict[str, Any]:
        """The places that a model names. Raises ``DocparseError``."""
        check_question(question, bbox)
        check_model(None, self.options)
        with self._open(path, str(page), password) as (source, _), self._lock:
            if self._asks is None:
                self._asks = open_asks(None, self.options)
            picture = source.page(page).pixels()
            found = ask(self._asks, picture, question, bbox=bbox, points=points, page=page, file=source.info.name)
        return {**found.to_dict(), "answer": _cut(found.answer, self.max_chars)}

    # ------------------------------------------------------------------------ what they share

    @contextlib.contextmanager
    def _open(self, path: str, pages: str | None, password: str | None) -> Iterator[tuple[Source, list[int]]]:
        options = dataclasses.replace(self.options, pages=pages, password=password)
        data, name = self.roots.read(path, max_bytes=options.limits.max_bytes)
        with open_for(data, options, name=name) as source:
            yield source, page_numbers(source, options)

    def _chosen(self) -> tuple[Engine, str]:
        if self._engine is None:
            self._engine = choose(
                self.options.engine,
                model=self.options.model,
                remote=self.options.remote,
                page_seconds=self.options.limits.model_page_seconds,
                cache=self.options.cache,
            )
        return self._engine


# ------------------------------------------------------------------------------------ what is answered


def _content(pages: list[Page], to: str, about: Document) -> str:
    if to == "html":  # it says by itself where a page begins
        return export(dataclasses.replace(about, pages=tuple(pages)), to).text
    parts = [(page.number, export(dataclasses.replace(about, pages=(page,)), to).text.strip()) for page in pages]
    return "\n\n".join(f"--- page {number} ---\n\n{text}" for number, text in parts)


def _verdict(page: Page) -> str:
    """A line about a page that is not ok; of others there is nothing to say."""
    wrong = [issue for issue in page.verdict.issues if issue.severity != "info"]
    if page.verdict.status == "ok" and not wrong:
        return ""
    reasons = dict.fromkeys(f"{issue.message.rstrip('.')[:REASON]} [{issue.code}]" for issue in wrong)
    said = f": {'; '.join(list(reasons)[:REASONS])}." if reasons else "."
    return f"Page {page.number} is {page.verdict.status}{said}"


def _listed(numbers: list[int]) -> str:
    return f"page{'' if len(numbers) == 1 else 's'} {_range(numbers)}"


def _range(numbers: list[int]) -> str:
    """Page numbers as ``--pages`` takes them."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[{len(text) - most:,} more characters are left out]"


def _schema(wanted: str | dict[str, Any]) -> Schema:
    """A schema by its name, or as it stands: never the path of one."""
    if isinstance(wanted, str) and wanted.lstrip().startswith("{"):
        try:
            wanted = json.loads(wanted)
        except (ValueError, RecursionError) as error:
            raise SchemaError("the schema is no JSON.") from error
    if isinstance(wanted, str) and wanted not in BUILT_IN:
        raise SchemaError(
            "there is no schema of that name.", hint=f"There are {', '.join(BUILT_IN)}, or give a JSON Schema."
        )
    return load_schema(wanted)
