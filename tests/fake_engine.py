"""An engine that reads what it is told to read, and goes wrong where it is told to go wrong.

It is given wherever an engine's name could be given, in this process or, pickled with its job, in
a worker: ``docparse.parse(file, engine=FakeEngine())``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docparse.document import EngineInfo
from docparse.engines.base import PageMarkup
from docparse.errors import EngineUnavailable
from docparse.raster import PageImage

# What a page does instead of being read.
HANG = "hang"  # never answers
EXIT = "exit"  # the process ends, as when a C library calls exit()
KILL = "kill"  # the process is killed, as when memory has run out
RAISE = "raise"  # a plain exception: somebody's mistake
UNAVAILABLE = "unavailable"  # an error of ours
MEMORY = "memory"
SILENT = "silent"  # no answer for this page
STOP = "stop"  # no answer for this page and all that follow
STRANGER = "stranger"  # an answer for a page that nobody asked about


@dataclass(frozen=True)
class FakeEngine:
    """``markup`` by page number, else a paragraph that says which page it is; ``trouble`` by page
    number; ``ahead``: pages it takes before it answers for the first of them. ``diary``: a file in
    which it notes each page it turns to, with the process that does."""

    name: str = "fake"
    markup: dict[int, str] = field(default_factory=dict)
    trouble: dict[int, str] = field(default_factory=dict)
    ahead: int = 1
    diary: str | None = None

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, "1")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        held: list[PageImage] = []
        for page in pages:
            held.append(page)
            if len(held) >= self.ahead:
                yield from self._answers(held)
                if any(self.trouble.get(page.number) == STOP for page in held):
                    return
                held = []
        yield from self._answers(held)

    def _answers(self, pages: list[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            self._note(page)
            trouble = self.trouble.get(page.number)
            if trouble == HANG:
                time.sleep(3600)
            elif trouble == EXIT:
                os._exit(7)
            elif trouble == KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            elif trouble == RAISE:
                raise RuntimeError("out of ideas")
            elif trouble == UNAVAILABLE:
                raise EngineUnavailable("the engine is on holiday.")
            elif trouble == MEMORY:
                raise MemoryError
            elif trouble == STRANGER:
                yield PageMarkup(page.number + 1000, markup_of(page, "strange"))
            elif trouble not in (SILENT, STOP):
                yield PageMarkup(page.number, self.markup.get(page.number, markup_of(page)))

    def _note(self, page: PageImage) -> None:
        if self.diary is not None:
            with open(self.diary, "a") as diary:
                diary.write(f"{page.number} {os.getpid()}\n")

    def entries(self) -> list[tuple[int, int]]:
        """What the diary says: page and process, in order."""
        if self.diary is None:
            raise ValueError("this engine keeps no diary")
        lines = Path(self.diary).read_text().splitlines()
        return [(int(page), int(process)) for page, process in (line.split() for line in lines)]


def markup_of(page: PageImage, word: str = "fake") -> str:
    """QwenVL HTML of one paragraph, as large as the page, which it names."""
    box = f"0 0 {page.width} {page.height}"
    return f'<html><body><p data-bbox="{box}">{word} page {page.number}</p></body></html>'
