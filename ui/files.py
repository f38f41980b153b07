"""Files of the viewer's own, as they lie in a folder: with an ETag, so that what has not changed is not sent again."""

from __future__ import annotations

import functools
import gzip
import hashlib
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".png": "image/png",
    ".json": "application/json",
}


class StaticFiles:
    """Those of a known kind in ``folder`` and in its folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def answer(self, scope: Scope, name: str) -> Response:
        path = (self._folder / name.replace("\0", "?")).resolve()
        kind = TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(self._folder) or not path.is_file():
            return Response("There is no such file.\n", 404, media_type="text/plain")
        data, tag, packed = _read(path, path.stat().st_mtime_ns)
        asked = Headers(scope=scope)
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if tag in asked.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if packed and "gzip" in asked.get("accept-encoding", ""):
            return Response(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=kind)
        return Response(data, headers=headers, media_type=kind)


@functools.lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> tuple[bytes, str, bytes]:
    """A file, its ETag, and the file compressed where that makes it smaller. ``changed``: when it was, in ns."""
    data = path.read_bytes()
    packed = gzip.compress(data, 9, mtime=0)
    # Weak: the compressed one has the same content, and other bytes.
    return data, f'W/"{hashlib.sha256(data).hexdigest()[:32]}"', packed if len(packed) < 0.9 * len(data) else b""
