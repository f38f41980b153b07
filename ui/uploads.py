"""Uploads of the frame, received as all others are: in pieces, with the service's bounds, straight to where it keeps
files. Gradio's own way would have every file on the disk twice, and two users' equal files in one folder.

Gradio wants the path of a file in a folder of its own, and passes it to the function that the upload starts. It gets
that of an empty file whose folder's name, a long random one, is what the upload is claimed by.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from docparse.api import problems
from docparse.api.desk import Desk
from docparse.api.job import Upload
from docparse.api.upload import Came, receive_files
from docparse.errors import DocparseError, JobNotFound

CLAIM_SECONDS = 300.0
"""How long an upload waits for the page to say what is to be done with it."""
MOST_FOLLOWED = 1000
LONGEST_NAME, LONGEST_SUFFIX = 240, 20
"""Bytes of a file's name, and of its ending."""
TICK = 0.1


@dataclass(frozen=True, slots=True)
class _Waiting:
    owner: str
    upload: Upload | DocparseError
    since: float


@dataclass(slots=True)
class _Progress:
    """Of one request: bytes by file since the last look."""

    came: dict[str, int] = field(default_factory=dict)
    over: bool = False


class Uploads:
    """Of one app, in its event loop. ``folder``: Gradio's, ours alone."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder
        self._waiting: dict[str, _Waiting] = {}
        self._followed: OrderedDict[str, _Progress] = OrderedDict()

    async def receive(self, request: Request) -> Response:
        """What Gradio's page sends files to. The answer has a path for each, for one that was refused too."""
        owner: str = request.scope["state"]["owner"]
        progress = self._follow(request.query_params.get("upload_id", ""))
        try:
            await self._desk.service.room(owner=owner)
            with self._desk.upload(owner):
                files = await receive_files(
                    request, self._desk.service, self._desk.config, owner=owner, came=_adding(progress)
                )
        except DocparseError as error:
            # Gradio shows what it gets as it is.
            return PlainTextResponse(f"{error.message} {error.hint or ''}".strip(), problems.status_of(error.code))
        finally:
            progress.over = True
        await self.sweep()
        return JSONResponse([self._kept(owner, *file) for file in files])

    def _kept(self, owner: str, name: str, upload: Upload | DocparseError) -> str:
        if isinstance(upload, Upload):
            self._desk.metrics.upload_bytes.inc(upload.bytes)
        token = secrets.token_hex(24)
        path = self._folder / token / _short(name)
        path.parent.mkdir(mode=0o700)
        path.touch()
        self._waiting[token] = _Waiting(owner, upload, time.monotonic())
        return str(path)

    def claim(self, path: str, *, owner: str) -> Upload:
        """Raises ``DocparseError``: why it was refused, or that nobody has sent it."""
        token = Path(path).parent.name
        found = self._waiting.get(token)
        if found is None or found.owner != owner:
            raise JobNotFound("the file is not here any more.", hint="Send it again.")
        del self._waiting[token]
        shutil.rmtree(self._folder / token, ignore_errors=True)
        if isinstance(found.upload, DocparseError):
            raise found.upload
        return found.upload

    async def sweep(self, *, older: float = CLAIM_SECONDS) -> None:
        """Forget what nobody has claimed."""
        before = time.monotonic() - older
        for token in [token for token, waiting in self._waiting.items() if waiting.since <= before]:
            waiting = self._waiting.pop(token)
            shutil.rmtree(self._folder / token, ignore_errors=True)
            if isinstance(waiting.upload, Upload):
                with contextlib.suppress(DocparseError):
                    await self._desk.service.discard(waiting.upload, owner=waiting.owner)

    # ------------------------------------------------------------------------ progress

    def _follow(self, id: str) -> _Progress:
        progress = self._followed.setdefault(id, _Progress())
        while len(self._followed) > MOST_FOLLOWED:
            self._followed.popitem(last=False)
        return progress

    def progress(self, request: Request) -> Response:
        """What has come of an upload, as Gradio's page wants to hear it."""
        owner: str = request.scope["state"]["owner"]
        try:
            self._desk.check_streams(owner)
        except DocparseError as error:
            return problems.answer(error, request_id=request.scope["state"].get("request_id", ""))
        id = request.query_params.get("upload_id", "")
        return StreamingResponse(self._told(id, owner), media_type="text/event-stream")

    async def _told(self, id: str, owner: str) -> AsyncIterator[str]:
        with self._desk.stream(owner):
            async for event in self._events(id):
                yield event

    async def _events(self, id: str) -> AsyncIterator[str]:
        progress = self._follow(id)
        while not self._desk.ending.is_set():
            over, came = progress.over, progress.came
            progress.came = {}
            for name, size in came.items():
                yield _event({"msg": "update", "orig_name": name, "chunk_size": size})
            if over:
                self._followed.pop(id, None)
                yield _event({"msg": "done"})
                return
            await asyncio.sleep(TICK)


def _short(name: str) -> str:
    """``name`` as a file system takes it: 200 characters may be 800 bytes."""
    stem, dot, suffix = name.rpartition(".")
    suffix = dot + suffix if stem and len(suffix.encode()) < LONGEST_SUFFIX else ""
    short = name.removesuffix(suffix).encode()[: LONGEST_NAME - len(suffix.encode())]
    return short.decode("utf-8", "ignore") + suffix


def _adding(progress: _Progress) -> Came:
    def add(name: str, size: int) -> None:
        progress.came[name] = progress.came.get(name, 0) + size

    return add


def _event(message: dict[str, object]) -> str:
    return f"data: {json.dumps(message)}\n\n"
