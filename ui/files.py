"""Files of the viewer's own, as they lie in a folder: with an ETag, so that what has not changed is not sent again."""

from __future__ import annotations

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
        path = (self._folder / name).resolve()
        kind = TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(self._folder) or not path.is_file():
            return Response("There is no such file.\n", 404, media_type="text/plain")
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"', "Cache-Control": "no-cache"}
        if headers["ETag"] in Headers(scope=scope).get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers, media_type=kind)
