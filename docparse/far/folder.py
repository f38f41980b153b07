"""A folder elsewhere, into which results are put: each file whole, the main one of a document last.

An object store shows an object when all of it is there. Other file systems get a file under a name that is none of a
result, and rename it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.errors import OutputError
from docparse.far.fetch import Alive, meter, nobody, scratch
from docparse.far.url import explained, file_system, shown

_OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory")


@dataclass(frozen=True, slots=True)
class FarFolder:
    """``url``: with whatever it takes to be let in; ``str`` is without."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        return shown(self.url).rstrip("/")

    @property
    def key(self) -> str:
        """A name for what is kept of it on this machine, the same for whoever asks."""
        return hashlib.sha256(str(self).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def name(self, inside: str) -> str:
        """The URL of a file in it, as it may be shown."""
        return f"{self}/{inside}"

    def put(self, path: str, inside: str, *, alive: Alive = nobody) -> None:
        """Write the local file ``path`` as ``inside``, a path from the folder.

        Raises ``OutputError``, ``SettingsError``.
        """
        try:
            system, root = self._open()
            target = f"{root}/{inside}"
            if self._is_store:
                system.put_file(path, target, callback=meter(alive))
                return
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            aside = f"{target.rpartition('/')[0]}/.docparse-{secrets.token_hex(8)}.tmp"
            try:
                system.put_file(path, aside, callback=meter(alive))
                system.mv(aside, target)
            except BaseException:
                with contextlib.suppress(Exception):
                    system.rm_file(aside)
                raise
        except Exception as error:
            raise self._explained(error, inside) from error

    def put_all(self, folder: str, paths: Sequence[str], *, alive: Alive = nobody) -> tuple[str, ...]:
        """The files ``paths`` of the local ``folder``, in this order; their URLs, as they may be shown."""
        names = [os.path.relpath(path, folder).replace(os.sep, "/") for path in paths]
        for path, inside in zip(paths, names, strict=True):
            self.put(path, inside, alive=alive)
        return tuple(map(self.name, names))

    def beside(self, folder: str, name: str) -> str:
        """The path in ``folder`` of a file with the URL ``name``, as if the results lay there."""
        return os.path.join(folder, *name.removeprefix(f"{self}/").split("/"))

    def names(self) -> frozenset[str]:
        """Of all files in it; none where it is not there. Raises ``OutputError``, ``SettingsError``."""
        try:
            system, root = self._open()
            system.invalidate_cache()
            found: list[str] = system.find(root)
        except FileNotFoundError:
            return frozenset()
        except Exception as error:
            raise self._explained(error, doing="read") from error
        return frozenset(place.removeprefix(root).removeprefix("/") for place in found)

    def begins(self, inside: str, size: int) -> bytes | None:
        """The first bytes of a file in it; None: there is none. Raises ``OutputError``, ``SettingsError``."""
        try:
            system, root = self._open()
            found: bytes = system.cat_file(f"{root}/{inside}", start=0, end=size)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._explained(error, inside, doing="read") from error
        return found

    def try_it(self) -> None:
        """Write a file and remove it, now and not after the first hour. Raises ``OutputError``, ``SettingsError``."""
        inside = f".docparse-{secrets.token_hex(8)}.tmp"
        with scratch() as folder:
            path = os.path.join(folder, "probe")
            with open(path, "wb") as file:
                file.write(b"docparse was here")
            self.put(path, inside)
        with contextlib.suppress(Exception):  # who may write need not be one who may remove
            system, root = self._open()
            system.rm_file(f"{root}/{inside}")

    def _open(self) -> tuple[Any, str]:
        system, root = file_system(self.url)
        return system, root.rstrip("/")

    @property
    def _is_store(self) -> bool:
        return self.url.partition("://")[0].lower() in _OBJECT_STORES

    def _explained(self, error: Exception, inside: str | None = None, *, doing: str = "write") -> Exception:
        name = str(self) if inside is None else self.name(inside)
        return explained(error, self.url, name=name, doing=doing, kind=OutputError)
