"""Writes an export into a folder, so that a file under its final name is always a whole file.

Each file is written under a temporary name in the folder where it belongs and then renamed. Files
beside the main one come first. What has been renamed stays if a later file fails; the main file of
the export is then not there.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from docparse.document import Document
from docparse.errors import ExportError, OutputDiskError, OutputError
from docparse.exporters.registry import Content, ExportOptions, Images, Job, find

_REASONS = {
    errno.ENOSPC: ("the disk is full.", "Make room, or choose another folder."),
    errno.EDQUOT: ("the disk quota is used up.", "Make room, or choose another folder."),
    errno.EACCES: ("there is no permission to write here.", "Choose another folder, or change its permissions."),
    errno.EPERM: ("there is no permission to write here.", "Choose another folder, or change its permissions."),
    errno.EROFS: ("the disk is read-only.", "Choose another folder."),
    errno.ENOTDIR: ("a part of the path is a file, not a folder.", "Choose another folder."),
    errno.EEXIST: ("the folder cannot be made: there is a file of that name.", "Choose another folder."),
    errno.EISDIR: ("there is a folder of that name.", "Rename the folder, or choose another one."),
    errno.ENAMETOOLONG: ("the file name is too long.", "Choose a shorter name."),
    errno.EFBIG: ("the file is larger than this disk allows.", "Choose another folder."),
    errno.EIO: ("the disk fails.", "Choose a folder on another disk."),
}
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def write_files(
    document: Document,
    format: str,
    folder: Path | str,
    stem: str,
    *,
    images: Images | None = None,
    options: ExportOptions = ExportOptions(),  # noqa: B008  (frozen)
) -> list[Path]:
    """Export into ``folder``, which is made if need be, and return the files written, the main one last.

    ``stem`` is the file name without its ending, such as ``invoice`` for ``invoice.md``. Files that
    are there already are replaced. Raises ``OutputError`` if the operating system does not let us
    write, ``ExportError`` for an unknown format or one that lacks page images.
    """
    if not stem or stem in (".", "..") or Path(stem).name != stem or "\\" in stem or "\0" in stem:
        raise ExportError(f"{stem!r} is no name for a file.", hint="Give a name without folders.")
    chosen = find(format)
    written = []
    for part in chosen.run(Job(document, stem, chosen.suffix, images, options)):
        path = Path(folder, part.name)
        write_file(path, part.content)
        written.append(path)
    return written


def write_file(path: Path, content: Content) -> None:
    """Write ``content`` to ``path`` all or nothing. Raises ``OutputError``, and ``OutputDiskError`` where no other file
    could be written either.

    The file is whole after a crash of the process; after a crash of the machine it may be empty,
    because waiting for the disk would slow a batch down several times.
    """
    temporary = path.parent / f".docparse-{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as stream:
                if callable(content):
                    content(stream)
                else:
                    stream.write(content.encode("utf-8") if isinstance(content, str) else content)
            os.replace(temporary, path)
        except BaseException:  # also when the user interrupts: no temporary file stays behind
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        reason, hint = _REASONS.get(error.errno or 0, (f"{error.strerror or error}.", None))
        kind = OutputDiskError if error.errno in _OF_THE_DISK else OutputError
        raise kind(f"cannot write: {reason}", file=str(path), hint=hint) from error
