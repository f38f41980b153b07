"""A file that came to the frame, handed to the service as any client's: with its bounds, by its owner's name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from docparse.api.desk import Desk
from docparse.api.job import Job, JobSpec
from docparse.api.upload import PIECE, file_name


async def hand_over(desk: Desk, path: Path, spec: JobSpec, *, owner: str, keep: bool = False) -> Job:
    """The job. ``path`` is removed, whatever happens, but for ``keep``. Raises ``DocparseError``."""
    try:
        await desk.service.room(owner=owner)
        with desk.upload(owner):
            upload = await desk.service.receive(_pieces(path), name=file_name(path.name), owner=owner)
        desk.metrics.upload_bytes.inc(upload.bytes)
        return await desk.service.submit(upload, spec, owner=owner)
    finally:
        if not keep:
            await asyncio.to_thread(_remove, path)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


def _remove(path: Path) -> None:
    """The file, and the folder that was made for it."""
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()
