"""An open file that one thread draws and another one reads: pages under other numbers, pixels kept while in hand.

An engine tells pages apart by their numbers; where it has pages of several files in hand, each is given another
number than its own. Whoever has the engine's thread never waits for a file: what it will ask is there before.
"""

from __future__ import annotations

import dataclasses
import threading
from contextlib import AbstractContextManager

from docparse.engines.embedded.profile import sample_numbers
from docparse.errors import DocparseError, SourceError
from docparse.raster import PageImage, RawPage
from docparse.source import Source


class OpenFile:
    """A file. As ``raster.Draws`` it is asked by the engine, which may know pages by other numbers.

    ``lock``: one for several files, where what draws them bears one thread only; None: its own.
    """

    def __init__(self, source: Source, room: Room, lock: AbstractContextManager[object] | None = None) -> None:
        self._source = source
        self._room = room
        self._lock = lock or threading.RLock()
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


class Room:
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
