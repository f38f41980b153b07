"""Small pictures of a few pages, drawn after a run for its report, in processes of their own.

A page that is in the report is there because something is wrong with it: it may hang or kill whoever draws
it. So the run is over before anything is drawn, and a page that cannot be drawn has no picture.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from docparse.convert import Options, open_for
from docparse.errors import DocparseError
from docparse.far.fetch import fetched
from docparse.far.find import FarFile
from docparse.source import Source
from docparse.worker_process import Send
from docparse.workers import Done, Lost, Message, Pool

SIDE = 240
"""Pixels of the longer side: enough to tell a page from another, and a table from a photo."""
QUALITY = 60
PAGE_SECONDS = 10.0
ALL_SECONDS = 60.0
"""What is not drawn by then is left out: nobody waits for pictures."""


@dataclass(frozen=True, slots=True)
class Album:
    """Pages of one file that are to be drawn; ``far``: where it lies, if not here."""

    path: str
    options: Options
    numbers: tuple[int, ...]
    far: FarFile | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    number: int
    jpeg: bytes | None


def draw_album(album: Album, send: Send) -> None:
    """The function of a worker: sends a picture for each page, None where there can be none."""
    with ExitStack() as stack:
        try:
            path = album.path
            if album.far is not None:
                path = stack.enter_context(fetched(album.far, max_bytes=album.options.limits.max_bytes))
            source = stack.enter_context(open_for(path, album.options))
        except DocparseError:
            return
        for number in album.numbers:
            try:
                jpeg = _jpeg(source, number)
            except Exception:  # noqa: BLE001  (hostile files find every fault in a library)
                jpeg = None
            send(_Drawn(number, jpeg))


def _jpeg(source: Source, number: int) -> bytes:
    from PIL import Image

    page = source.page(number)
    scale = min(1.0, SIDE / max(page.width, page.height))
    width, height = max(1, round(page.width * scale)), max(1, round(page.height * scale))
    picture = Image.frombytes("RGB", (width, height), source.draw(number, width, height))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, optimize=True)
    return data.getvalue()


def draw(albums: Mapping[int, Album], workers: int) -> dict[tuple[int, int], bytes]:
    """Pictures (JPEG) by the key of the album and the number of the page, as many as can be had."""
    pictures: dict[tuple[int, int], bytes] = {}
    left = {key: list(album.numbers) for key, album in albums.items()}
    keys: dict[Album, int] = {}
    end = time.monotonic() + ALL_SECONDS
    with Pool(draw_album, min(workers, len(albums)), seconds=PAGE_SECONDS) as pool:

        def submit(key: int, numbers: Sequence[int]) -> None:
            if numbers:
                album = replace(albums[key], numbers=tuple(numbers))
                keys[album] = key
                pool.submit(album)

        for key, numbers in left.items():
            submit(key, numbers)
        for event in pool.events():
            key = keys[event.task]
            if isinstance(event, Message):
                left[key].remove(event.value.number)
                if event.value.jpeg is not None:
                    pictures[key, event.value.number] = event.value.jpeg
            elif isinstance(event, Lost):
                submit(key, left[key][1:])  # not the one that it was lost with
                del left[key][:1]
            else:
                assert isinstance(event, Done)
            if time.monotonic() > end:
                break
    return pictures
