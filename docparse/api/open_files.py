"""Files that a shared engine has open: each in a process of its own, a few of them kept for their next page.

A page may be asked for under another number than its own (see ``shared``); its pixels, once drawn, are kept while
it is in hand, and so are the pages that an engine learns a document from: whoever has the engine's thread never
waits for a file.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict

from docparse.api.job import JobSpec
from docparse.api.ports import PageTask
from docparse.convert import Options, open_for
from docparse.engines.embedded.profile import sample_numbers
from docparse.errors import DocparseError, SourceError
from docparse.geometry import BBox
from docparse.raster import PageImage, RawPage
from docparse.region import Region, part_of
from docparse.source import Source

SPARE = 4
"""Files that are kept open though none of their pages is in hand."""
KEPT_BYTES = 512 * 1024**2
"""Pixels that are kept; what goes over is drawn again where somebody asks."""

Key = tuple[str, str | None, float | None]


class OpenFile:
    """A file. As ``raster.Draws`` it is asked by the engine, which may know pages by other numbers."""

    def __init__(self, key: Key, source: Source, room: _Room) -> None:
        self.key = key
        self.users = 0
        self._source = source
        self._room = room
        self._lock = threading.Lock()
        self._real: dict[int, int] = {}
        self._known: dict[int, RawPage | DocparseError] = {}
        self._pixels: dict[tuple[int, int, int], bytes] = {}

    def page(self, number: int, shown_as: int) -> PageImage:
        """Page ``number``, drawn, under another number. Raises ``SourceError``."""
        self._learn()
        with self._lock:
            self._real[shown_as] = number
            image = self._source.page(number)
        self.draw(shown_as, image.width, image.height, keep=True)
        return dataclasses.replace(image, number=shown_as, reader=self)

    def _learn(self) -> None:
        """Look at the pages that tell what is common to all: the engine's thread shall not wait for it."""
        for number in sample_numbers(self.num_pages):
            with self._lock:
                if number in self._known:
                    continue
                try:
                    self._known[number] = self._source.describe(number)
                except SourceError as error:
                    self._known[number] = error

    def forget(self, shown_as: int) -> None:
        """A page that is no longer in hand."""
        with self._lock:
            number = self._real.pop(shown_as, None)
            gone = [] if number in self._real.values() else [key for key in self._pixels if key[0] == number]
            for key in gone:
                self._room.free(len(self._pixels.pop(key)))

    @property
    def renderer(self) -> str:
        return self._source.renderer

    @property
    def num_pages(self) -> int:
        return self._source.num_pages

    def describe(self, number: int) -> RawPage:
        known = self._known.get(self._real.get(number, number))
        if known is None:
            raise SourceError("the page was not looked at.", page=number)
        if isinstance(known, DocparseError):
            raise known
        return known

    def draw(self, number: int, width: int, height: int, *, keep: bool = False) -> bytes:
        with self._lock:
            key = (self._real.get(number, number), width, height)
            data = self._pixels.get(key)
            if data is None:
                data = self._source.draw(*key)
                if keep and self._room.take(len(data)):
                    self._pixels[key] = data
            return data

    def close(self) -> None:
        self._source.close()  # not when it has answered: it may be at something slow, which ends with it
        with self._lock:
            for data in self._pixels.values():
                self._room.free(len(data))
            self._pixels.clear()


def shown(page: PageImage, spec: JobSpec) -> PageImage:
    """What of a page is to be read. Raises ``PageRangeError`` where that is nothing."""
    if spec.region is None or spec.page_size is None:
        return page
    return part_of(page, Region(BBox(*spec.region), *spec.page_size))


class OpenFiles:
    """Files by what opens them. ``options``: how."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._room = _Room(KEPT_BYTES)
        self._lock = threading.Lock()
        self._files: OrderedDict[Key, OpenFile] = OrderedDict()
        self._opening: dict[Key, threading.Lock] = {}
        self._closed = False

    def get(self, task: PageTask) -> OpenFile:
        """The task's file, open until it is given back. Raises ``SourceError``."""
        key = (str(task.path), task.spec.password, task.spec.dpi)
        with self._lock:
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:  # others may be opened meanwhile
            with self._lock:
                file = self._files.get(key)
            if file is None:
                options = dataclasses.replace(
                    self._options, password=task.spec.password, dpi=task.spec.dpi, isolate=True
                )
                file = OpenFile(key, open_for(task.path, options, name=task.name), self._room)
            with self._lock:
                if self._closed:
                    file.close()
                    raise SourceError("the service is ending.", file=task.name)
                file.users += 1
                self._files[key] = file
                self._files.move_to_end(key)
        return file

    def give_back(self, file: OpenFile) -> None:
        with self._lock:
            file.users -= 1
            spare = [one for one in self._files.values() if not one.users]
            gone = spare[: max(len(spare) - SPARE, 0)]
            for one in gone:
                del self._files[one.key]
                self._opening.pop(one.key, None)
        for one in gone:
            one.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            files = list(self._files.values())
            self._files.clear()
        for file in files:
            file.close()


class _Room:
    """Bytes that may be kept."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def free(self, size: int) -> None:
        with self._lock:
            self._left += size
