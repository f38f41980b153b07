"""Uploads on their way in: bytes that arrive in an event loop, and are written by a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from docparse.api.job import Upload, new_id
from docparse.api.ports import Files

T = TypeVar("T")

PIECE = 1024**2
"""Bytes that are handed to the disk at a time."""


async def received(files: Files, data: AsyncIterator[bytes], *, name: str, max_bytes: int) -> Upload:
    """The file, when all of it is there. What came of one whose client went is removed."""
    pieces = _Pieces(data, asyncio.get_running_loop())
    # A thread of its own: a slow client holds nobody else's.
    receiving = _in_thread(lambda: files.receive(iter(pieces), name=name, max_bytes=max_bytes))
    upload = asyncio.wrap_future(receiving)
    upload.add_done_callback(seen)  # whoever asked may be gone

    def unwanted(receiving: Future[Upload]) -> None:
        if not receiving.cancelled() and receiving.exception() is None:
            files.remove(new_id(), receiving.result())

    try:
        return await asyncio.shield(upload)
    except asyncio.CancelledError:
        pieces.stop()
        receiving.add_done_callback(unwanted)
        raise
    except Exception:
        if pieces.error is not None:  # the disk is not to blame
            raise pieces.error from None
        raise


def seen(future: asyncio.Future[Any]) -> None:
    """Whatever it raised was told, or is nobody's business."""
    if not future.cancelled():
        future.exception()


def _in_thread(what: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(what())
        except BaseException as error:  # noqa: BLE001 -- whoever waits is told
            future.set_exception(error)

    threading.Thread(target=run, name="docparse-upload", daemon=True).start()
    return future


class _Pieces:
    """What comes in an event loop, as an iterator in a thread. Small pieces are gathered."""

    def __init__(self, data: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._data = data
        self._loop = loop
        self._lock = threading.Lock()
        self._stopped = False
        self._asked: Future[bytes] | None = None
        self.error: Exception | None = None
        """What was raised by whoever sends."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._lock:
                if self._stopped:
                    raise ConnectionError("the client is gone")
                self._asked = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                piece = self._asked.result()
            except Exception as error:
                self.error = error
                raise
            if not piece:
                return
            yield piece

    def stop(self) -> None:
        """Nobody wants it any more: the thread ends with an error."""
        with self._lock:
            self._stopped = True
            if self._asked is not None:
                self._asked.cancel()

    async def _next(self) -> bytes:
        pieces, size = [], 0
        with contextlib.suppress(StopAsyncIteration):
            while size < PIECE:
                piece = await anext(self._data)
                pieces.append(piece)
                size += len(piece)
        return b"".join(pieces)
