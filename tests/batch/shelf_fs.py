"""A file system of fsspec's for tests: ``shelf://anybody:password@host/a.pdf`` is ``a.pdf`` in the folder ``$SHELF``.

It is one to every process whose path of modules has the folder that ``installed`` makes. What is called ``broken.pdf``
comes in part, and then the connection is gone; ``short.pdf`` comes in part, and nobody says so; of ``slow`` files each
piece takes its time. Who fetches what stands in ``$SHELF.diary``.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import LocalFileSystem

PIECE = 1000


class ShelfFileSystem(LocalFileSystem):
    protocol = "shelf"

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        text = os.fspath(path)
        if text.startswith("shelf://"):
            text = os.environ["SHELF"] + "/" + text.removeprefix("shelf://").partition("/")[2]
        return text.rstrip("/")

    def info(self, path: Any, **how: Any) -> dict[str, Any]:
        if "forbidden" in str(path):
            raise PermissionError("shelf://anybody:pass-word@host says no")
        return super().info(path, **how)

    def get_file(self, rpath: str, lpath: str, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        data = Path(rpath).read_bytes()
        name = os.path.basename(rpath)
        with open(os.environ["SHELF"] + ".diary", "a") as diary:
            diary.write(name + "\n")
        size = len(data) // 2 if name in ("broken.pdf", "short.pdf") else len(data)
        with open(lpath, "wb") as file:
            for start in range(0, size, PIECE):
                time.sleep(0.2 if name.startswith("slow") else 0)
                piece = data[start : min(start + PIECE, size)]
                file.write(piece)
                file.flush()
                callback.relative_update(len(piece))
        if name == "broken.pdf":
            raise OSError("shelf://anybody:pass-word@host has gone away (pass-word)")

    def put_file(self, path1: str, path2: str, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        Path(path2).write_bytes(Path(path1).read_bytes())


def installed(folder: Path) -> Path:
    """A folder for ``PYTHONPATH``: fsspec finds the file system there, as it finds those of packages."""
    about = folder / "shelf_fs-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf_fs\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[fsspec.specs]\nshelf = shelf_fs:ShelfFileSystem\n")
    return folder
