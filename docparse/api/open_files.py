"""Files that a shared engine has open: each in a process of its own, a few of them kept for their next page."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict

from docparse.api.job import JobSpec
from docparse.api.ports import PageTask
from docparse.convert import Options, open_for
from docparse.errors import SourceError
from docparse.geometry import BBox
from docparse.open_file import OpenFile, Room
from docparse.raster import PageImage
from docparse.region import Region, part_of
from docparse.source import Source

SPARE = 4
"""Files that are kept open though none of their pages is in hand."""
KEPT_BYTES = 512 * 1024**2
"""Pixels that are kept; what goes over is drawn again where somebody asks."""

Key = tuple[str, str | None, float | None]


class SharedFile(OpenFile):
    """``users``: how many of its pages are in hand."""

    def __init__(self, key: Key, source: Source, room: Room) -> None:
        super().__init__(source, room)
        self.key = key
        self.users = 0


def shown(page: PageImage, spec: JobSpec) -> PageImage:
    """What of a page is to be read. Raises ``PageRangeError`` where that is nothing."""
    if spec.region is None or spec.page_size is None:
        return page
    return part_of(page, Region(BBox(*spec.region), *spec.page_size))


class OpenFiles:
    """Files by what opens them. ``options``: how."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._room = Room(KEPT_BYTES)
        self._lock = threading.Lock()
        self._files: OrderedDict[Key, SharedFile] = OrderedDict()
        self._opening: dict[Key, threading.Lock] = {}
        self._closed = False

    def get(self, task: PageTask) -> SharedFile:
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
                file = SharedFile(key, open_for(task.path, options, name=task.name), self._room)
            with self._lock:
                if self._closed:
                    file.close()
                    raise SourceError("the service is ending.", file=task.name)
                file.users += 1
                self._files[key] = file
                self._files.move_to_end(key)
        return file

    def give_back(self, file: SharedFile) -> None:
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
